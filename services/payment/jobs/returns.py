"""What builds from before have left of where payers came back to."""

import asyncio
import time

from paykit.process.runtime import Runtime
from services.payment import commands

ERASE_EVERY_S = 60.0


async def erase_returns(runtime: Runtime) -> bool:
    """Erase it of the next payments that are over, and rest as long as that took; True when there are more."""
    started = time.monotonic()
    walked = await runtime.transaction(commands.payer_action.erase_returns)
    if walked:
        await asyncio.sleep(time.monotonic() - started)
    return walked >= commands.payer_action.RETURNS_WALKED_MAX
