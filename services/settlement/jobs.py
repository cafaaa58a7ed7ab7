"""Timed work: closing what is due, releasing reserves, recovering balances. Several processes may do it together."""

from functools import partial

from prometheus_client import Gauge

from paykit.postgres.database import Tx
from paykit.process.consumption import consumption_of, topic_ends
from paykit.process.runtime import Runtime
from paystream.accounting.v1.events import TransactionCreated
from services.settlement import commands, store

CLOSE_PAIRS_MAX = 500
"""Settlements due whose merchants and currencies are looked at in one transaction."""
RELEASES_MAX = 500
"""Reserves released in one transaction."""
BALANCES_MAX = 500
"""Balances looked at in one transaction."""
REPORT_EVERY_S = 15.0

NEGATIVE = Gauge("paystream_negative_balances", "Merchants and currencies whose balances are below zero together.")
OLDEST = Gauge(
    "paystream_negative_balances_oldest_seconds", "Seconds since the first of them fell below zero; 0 while none is."
)
DUE = Gauge(
    "paystream_settlements_due_oldest_seconds",
    "Seconds of business time since the longest due settlement was to be closed; 0 while none is due.",
)


async def close_settlements(runtime: Runtime) -> bool:
    """Close or carry forward what is due; True when there may be more."""
    read_time, topic = runtime.clock.now(), runtime.codec.topic(TransactionCreated.TOPIC)
    any_due, any_cut_off = await runtime.read(store.settlements.any_due)
    if not (any_due or runtime.fails("close_settlements")):
        return False
    ends = await topic_ends(runtime, topic) if any_cut_off else None

    async def close(tx: Tx) -> int:
        view = await consumption_of(tx, topic, read_time=read_time, ends=ends)
        return await commands.closing.close_due(tx, view=view, limit=CLOSE_PAIRS_MAX)

    # What began to collect where a settlement was to go on collecting, but was not to be seen yet when its pair was
    # locked, fails the look; done again by itself, it sees it.
    return sum(await runtime.isolated("close_settlements", close)) >= CLOSE_PAIRS_MAX


async def release_reserves(runtime: Runtime) -> bool:
    """Release the reserves that are due; True when there may be more."""
    release = partial(commands.transferring.release_reserves, limit=RELEASES_MAX)
    return sum(await runtime.isolated("release_reserves", release)) >= RELEASES_MAX


async def recover_balances(runtime: Runtime) -> bool:
    """Look at balances that may be negative or recover; True when there may be more."""
    look = partial(commands.transferring.look_at_balances, limit=BALANCES_MAX)
    return sum(await runtime.isolated("recover_balances", look)) >= BALANCES_MAX


async def report_due(runtime: Runtime) -> bool:
    """Set the metric of settlements that are due; nothing is ever left to do at once."""
    DUE.set(await runtime.read(store.settlements.longest_due_s))
    return False


async def report_balances(runtime: Runtime) -> bool:
    """Set the metrics of negative balances; nothing is ever left to do at once."""
    balances, oldest_s = await runtime.read(store.count_negative)
    NEGATIVE.set(balances)
    OLDEST.set(oldest_s)
    return False
