"""Payments' attempts whose outcome is overdue; see `paykit.channels.overdue`."""

from paykit.channels import overdue
from paykit.process.runtime import Runtime


async def report(runtime: Runtime) -> bool:
    """Set the metrics and write one line if anything is overdue. Says that there is no more."""
    await overdue.report(runtime, [route.name for route in runtime.settings.payment_channels])
    return False
