"""Payments' attempts whose outcome is overdue; see `paykit.channels.overdue`."""

from functools import partial

from paykit.channels import overdue
from paykit.channels.attempts import OUTCOME_WITHIN_S
from paykit.process.runtime import Runtime
from services.payment import commands


async def report(runtime: Runtime) -> bool:
    """Set the metrics and write one line if anything is overdue. Says that there is no more."""
    await overdue.report(runtime, [route.name for route in runtime.settings.payment_channels])
    return False


async def tell(runtime: Runtime) -> bool:
    """Tell, once each, of attempts that are overdue; True when there may be more."""
    tell_overdue = partial(commands.reminder.tell_overdue, within_s=OUTCOME_WITHIN_S)
    return sum(await runtime.isolated("tell_overdue_attempts", tell_overdue)) >= commands.reminder.TOLD_MAX
