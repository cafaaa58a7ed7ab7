"""What is done without being asked: matching, closing statements, telling whoever watches. Several may do it."""

import contextlib
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from functools import partial

from prometheus_client import Gauge

from paykit.errors import InvariantError
from paykit.process.consumption import TopicEnds, complete_time, topic_ends
from paykit.process.runtime import Runtime
from paystream.accounting.v1 import events as accounting_events
from paystream.channel.v1 import events as channel_events
from paystream.payment.v1 import events as payment_events
from paystream.withdrawal.v1 import events as withdrawal_events
from services.reconciliation import commands, domain, store
from services.reconciliation.commands.ledger import HeardUntil

REPORT_EVERY_S = 30.0
MATCHED_AT_ONCE_MAX = 50_000
"""Lines, and movements, of a channel that one transaction looks at."""
STATEMENTS_AT_ONCE_MAX = 100
MOVEMENT_TOPICS = (payment_events.EVENTS[0].TOPIC, withdrawal_events.EVENTS[0].TOPIC)
LINE_TOPICS = (channel_events.ChannelTransactionReported.TOPIC,)
BOOKING_TOPICS = (accounting_events.TransactionCreated.TOPIC,)

OPEN = Gauge("paystream_discrepancies_open", "Discrepancies that nobody and nothing has ended.", ["kind", "channel"])
OLDEST_DISCREPANCY = Gauge(
    "paystream_discrepancies_oldest_seconds", "Seconds since the oldest of them was found; 0 while none is."
)

UNRECONCILED = Gauge(
    "paystream_statements_unreconciled",
    "Statements that are closed, and of which lines have not come or have no outcome.",
    ["channel"],
)
OLDEST_STATEMENT = Gauge(
    "paystream_statements_unreconciled_oldest_seconds",
    "Seconds of business time since anything was last heard of the longest waiting of them.",
    ["channel"],
)

_LABELS = ("account_kind", "currency_code")
AMOUNTS = Gauge(
    "paystream_uncleared_amounts",
    "Amounts that have not cleared on accounts that money passes through.",
    _LABELS,
)
OVERDUE = Gauge(
    "paystream_uncleared_overdue", "Of these, amounts that should have cleared by PAYSTREAM_CLEARING_DAYS.", _LABELS
)
MINOR = Gauge("paystream_uncleared_minor", "What has not cleared, in minor units of the currency.", _LABELS)
OLDEST = Gauge(
    "paystream_uncleared_oldest_seconds", "Seconds of business time since the oldest of these amounts came.", _LABELS
)


async def report_uncleared(runtime: Runtime, *, ends_of: TopicEnds = topic_ends) -> bool:
    """Set the metrics; what has cleared since is told no more. There is never more to do at once.

    What is overdue is counted as of when all that was told is applied here, and stays as it was while that is unknown.
    """
    days = domain.uncleared.clearing_days(runtime.settings.clearing_days)
    heard = await complete_time(runtime, (*BOOKING_TOPICS, *LINE_TOPICS), ends_of=ends_of)
    now = runtime.clock.now()
    counts = await runtime.read(lambda tx: store.uncleared.count(tx, days, overdue_at=heard or now))
    for gauge in (AMOUNTS, MINOR, OLDEST) if heard is None else (AMOUNTS, OVERDUE, MINOR, OLDEST):
        gauge.clear()
    for count in counts:
        labels = (count.account_kind, count.currency_code)
        AMOUNTS.labels(*labels).set(count.amounts)
        if heard is not None:
            OVERDUE.labels(*labels).set(count.overdue)
        MINOR.labels(*labels).set(count.amount_minor)
        OLDEST.labels(*labels).set((now - count.oldest_time).total_seconds())
    return False


async def match_lines(runtime: Runtime, *, ends_of: TopicEnds = topic_ends) -> bool:
    """Match what came or is due, channel by channel; True when there may be more."""
    waiting = {each.channel: each for each in await runtime.read(store.matching.waiting_channels)}
    movements = await _heard(runtime, MOVEMENT_TOPICS, ends_of, when=any(each.lines_due for each in waiting.values()))
    lines = await _heard(runtime, LINE_TOPICS, ends_of, when=any(each.movements_due for each in waiting.values()))

    async def match(channel: str) -> bool:
        # Each step has failing rows of its own kind: one that fails holds up no other.
        more = await _in_portions(runtime, "match_lines", channel, commands.matching.match_lines)
        if movements is not None:
            work = partial(commands.matching.call_lines_missing, until=movements)
            more |= await _in_portions(runtime, "call_lines_missing", channel, work)
        if lines is not None:
            work = partial(commands.matching.call_movements_missing, until=lines)
            more |= await _in_portions(runtime, "call_movements_missing", channel, work)
        return more

    more = any(await runtime.each("match_channels", list(waiting), match))
    return more | (await end_discrepancies(runtime) if waiting else False)


async def end_discrepancies(runtime: Runtime) -> bool:
    """End discrepancies whose missing side has come; True when there may be more."""
    healed = sum(await runtime.isolated("end_discrepancies", commands.differing.heal))
    return healed >= commands.differing.HEALED_AT_ONCE_MAX


async def _heard(runtime: Runtime, topics: Sequence[str], ends_of: TopicEnds, *, when: bool) -> datetime | None:
    """Look until when all that topics told is applied, when something waits for that."""
    return await complete_time(runtime, topics, ends_of=ends_of) if when else None


async def _in_portions(runtime: Runtime, job_name: str, channel: str, work: Callable[..., Awaitable[int]]) -> bool:
    """Work on one channel, in small portions where much differs; True when there may be more."""
    for limit in (MATCHED_AT_ONCE_MAX, commands.regrouping.DIFFERING_AT_ONCE_MAX):
        limited = partial(work, channel=channel, limit=limit)
        with contextlib.suppress(commands.regrouping.TooManyDifferError):
            # Of a row that failed alone there is no number.
            return max(await runtime.isolated(job_name, limited, part=channel), default=0) >= limit
    raise InvariantError(f"lines of {channel} are too many even in the smallest portion")


async def reconcile_statements(runtime: Runtime) -> bool:
    """Close the statements of which all is known; True when there may be more."""
    reconcile = partial(commands.statements.reconcile_statements, limit=STATEMENTS_AT_ONCE_MAX)
    return sum(await runtime.isolated("reconcile_statements", reconcile)) >= STATEMENTS_AT_ONCE_MAX


async def list_evidence(runtime: Runtime) -> bool:
    """List what channels say of calls that nobody made, and end what is told elsewhere; True when there may be more."""
    ended = sum(await runtime.isolated("end_evidence", commands.evidence.end_evidence))
    listed = sum(await runtime.isolated("list_evidence", commands.evidence.list_evidence))
    return max(ended, listed) >= commands.evidence.LISTED_AT_ONCE_MAX


async def list_one_sided(runtime: Runtime, *, ends_of: TopicEnds = topic_ends) -> bool:
    """List what moved at channels and is not booked, and what is booked and not told; True when there may be more."""
    within = timedelta(seconds=runtime.settings.booked_within_s)
    any_late = await runtime.read(partial(store.ledger.any_late, within=within))
    heard = HeardUntil(
        movements=await _heard(runtime, MOVEMENT_TOPICS, ends_of, when=any_late),
        bookings=await _heard(runtime, BOOKING_TOPICS, ends_of, when=any_late),
    )
    work = partial(commands.ledger.list_one_sided, heard=heard, within=within)
    return sum(await runtime.isolated("list_one_sided", work)) >= commands.ledger.LISTED_AT_ONCE_MAX


async def report_discrepancies(runtime: Runtime) -> bool:
    """Set the metrics of open discrepancies; nothing is ever left to do at once."""
    counts = await runtime.read(store.count_open)
    OPEN.clear()
    for row in counts:
        OPEN.labels(kind=row["kind"], channel=row["channel"]).set(row["open"])
    now = runtime.clock.now()
    OLDEST_DISCREPANCY.set(max(((now - row["since"]).total_seconds() for row in counts), default=0.0))
    return False


async def report_statements(runtime: Runtime) -> bool:
    """Set the metrics of statements that are not reconciled; nothing is ever left to do at once."""
    counts = await runtime.read(store.count_unreconciled)
    UNRECONCILED.clear()
    OLDEST_STATEMENT.clear()
    now = runtime.clock.now()
    for row in counts:
        UNRECONCILED.labels(row["channel"]).set(row["statements"])
        OLDEST_STATEMENT.labels(row["channel"]).set((now - row["since"]).total_seconds())
    return False
