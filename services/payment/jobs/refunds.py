"""Refunds that wait for funds of their merchants, sent when these suffice."""

from functools import partial

from paykit.process.runtime import Runtime
from services.payment import commands, store
from services.payment.domain.funds import MerchantCurrency
from services.payment.jobs.attempts import wake_submission

EACH_JOB = "release_refunds_of_merchants"
"""Merchants that fail as a whole are counted beside refunds."""


async def release_refunds(runtime: Runtime) -> bool:
    """Look at whose refunds wait, and have those sent that funds cover; True when there may be more."""
    job_name, after, more = commands.refund_funds.RELEASING_JOB, ("", ""), False

    async def release(key: MerchantCurrency) -> int:
        work = partial(commands.refund_funds.release_refunds, key=key)
        return sum(await runtime.isolated(job_name, work, part=key))

    # Also whose refunds failed, as they may be over since.
    waiting: list[MerchantCurrency] = runtime.failing_parts(job_name)
    while True:
        page = await runtime.read(partial(store.funds.waiting, after=after))
        waiting = list(dict.fromkeys([*waiting, *page]))
        released = await runtime.each(EACH_JOB, waiting, release)
        if any(released):
            wake_submission(runtime)
        more |= any(count >= store.funds.RELEASED_MAX for count in released)
        if len(page) < store.funds.PAIRS_MAX:
            return more
        after, waiting = page[-1], []
