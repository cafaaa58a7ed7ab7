"""Refunds that wait for funds of their merchants, sent when these suffice."""

from functools import partial

from paykit.process.runtime import Runtime
from services.payment import commands, store
from services.payment.domain.funds import MerchantCurrency
from services.payment.jobs.attempts import wake_submission


async def release_refunds(runtime: Runtime) -> bool:
    """Look at whose refunds wait, and have those sent that funds cover; True when there may be more."""
    waiting = await runtime.read(store.funds.waiting)

    async def release(key: MerchantCurrency) -> int:
        return await runtime.transaction(partial(commands.refund_funds.release_refunds, key=key))

    released = await runtime.each(commands.refund_funds.RELEASING_JOB, waiting, release)
    if any(released):
        wake_submission(runtime)
    return any(count == store.funds.RELEASED_MAX for count in released)
