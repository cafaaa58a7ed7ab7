"""What is soon over, told while something can be done about it."""

from datetime import timedelta
from functools import partial

from paykit.process.runtime import Runtime
from services.payment import commands

REMIND_EVERY_S = 5.0


async def remind_of_disputes(runtime: Runtime) -> bool:
    """Tell of disputes that are soon to be answered; True when there may be more."""
    within = timedelta(seconds=runtime.settings.dispute_due_soon_s)
    remind = partial(commands.reminder.remind_of_disputes, within=within)
    return sum(await runtime.isolated("remind_of_disputes", remind)) >= commands.reminder.TOLD_MAX


async def warn_of_expiries(runtime: Runtime) -> bool:
    """Tell of authorizations that are soon given up; True when there may be more."""
    within = timedelta(seconds=runtime.settings.authorization_expiring_s)
    warn = partial(commands.reminder.warn_of_expiries, within=within)
    return sum(await runtime.isolated("warn_of_expiries", warn)) >= commands.reminder.TOLD_MAX
