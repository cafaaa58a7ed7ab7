"""Matching what is open of a channel: lines that came, movements that came, and those whose time is over."""

from dataclasses import dataclass
from datetime import datetime

from paykit.postgres.database import Tx
from services.reconciliation import domain, store
from services.reconciliation.commands import differing, regrouping
from services.reconciliation.domain.rule_set import RuleKind, Rules
from services.reconciliation.store.matching import LineDifference


@dataclass(frozen=True, slots=True, kw_only=True)
class HeardUntil:
    """Until which business time all that was told is applied here, by who tells it; None while that is not known.

    Attributes:
        movements: By payment and withdrawal.
        lines: By channels; files come from people, and are there at once.
        bookings: By the ledger.
    """

    movements: datetime | None
    lines: datetime | None
    bookings: datetime | None = None


async def rules_of(tx: Tx, channel: str) -> Rules:
    """Return the rules that a channel's lines are matched by."""
    active = await store.rule_sets.active(tx, channel)
    return domain.rule_set.parse(store.default_rules() if active is None else active.content)


async def match_channel(tx: Tx, channel: str, *, heard: HeardUntil, limit: int) -> int:
    """Look at what is fresh or due of a channel, so many of each at most; return how many there were at the most.

    Nothing is called missing that a consumer which lags may still bring.

    Rows: open_line, line_outcome, open_movement, movement_outcome, discrepancy. Events: DiscrepancyDetected,
    DiscrepancyResolved.

    Raises:
        TooManyDifferError: More differs than one transaction should take.
    """
    if not await store.matching.lock_channel(tx, channel):
        return 0
    rules = await rules_of(tx, channel)
    batches = [rule for rule in rules.rules if rule.kind is RuleKind.BATCH]
    arrived = await store.waking.wake_lines(tx, channel, batches, sla=rules.channel_sla, limit=limit)
    fresh = await store.matching.fresh_lines(tx, channel, limit)
    differences = await regrouping.look_together(tx, channel, fresh, rules)
    rest = await store.matching.still_open(tx, fresh)
    await store.matching.keep_open(tx, rest, due_time=tx.now + rules.internal_sla)
    due: list[int] = []
    if heard.movements is not None:
        due = await store.matching.due_lines(tx, channel, limit, until=min(heard.movements, tx.now))
        differences += await regrouping.look_together(tx, channel, due, rules)
        differences += await store.matching.call_missing(tx, await store.matching.still_open(tx, due))
    missing = list[LineDifference]()
    if heard.lines is not None and len(fresh) < limit:  # Else lines have come that nobody has looked at.
        missing = await store.matching.missing_movements(tx, channel, limit, until=min(heard.lines, tx.now))
    regrouping.require_few(len(differences) + len(missing), limit)
    await differing.record(tx, [*differences, *missing], rules)
    await regrouping.watch(tx, differences)
    await differing.heal(tx)
    return max(len(fresh), arrived, len(due), len(missing))
