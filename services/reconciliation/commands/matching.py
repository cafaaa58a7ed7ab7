"""Matching what is open of a channel: lines that came, movements that came, and those whose time is over."""

from collections.abc import Sequence
from datetime import datetime

from paykit.postgres.database import Tx
from services.reconciliation import domain, store
from services.reconciliation.commands import differing, regrouping
from services.reconciliation.domain.rule_set import RuleKind, Rules
from services.reconciliation.store.matching import LineDifference


async def rules_of(tx: Tx, channel: str) -> Rules:
    """Return the rules that a channel's lines are matched by."""
    active = await store.rule_sets.active(tx, channel)
    if active is None:
        return domain.rule_set.parse(store.default_rules())
    return domain.rule_set.parse(active.content, kept=True)


async def match_lines(tx: Tx, channel: str, *, limit: int) -> int:
    """Look at lines that came, or for which movements came, so many at most; return how many of either there were.

    Rows: open_line, line_outcome, open_movement, movement_outcome, discrepancy. Events: DiscrepancyDetected,
    DiscrepancyResolved.

    Raises:
        TooManyDifferError: More differs than one transaction should take.
    """
    if not await store.matching.lock_channel(tx, channel):
        return 0
    rules = await rules_of(tx, channel)
    batches = [rule for rule in rules.rules if rule.kind is RuleKind.BATCH]
    arrived = await store.waiting.wake_lines(tx, channel, batches, sla=rules.channel_sla, limit=limit)
    fresh = await store.matching.fresh_lines(tx, channel, limit)
    differences = await regrouping.look_together(tx, channel, fresh, rules)
    rest = await store.matching.still_open(tx, fresh)
    await store.matching.keep_open(tx, rest, due_time=tx.now + rules.internal_sla)
    await _record(tx, differences, rules, limit=limit)
    return max(len(fresh), arrived)


async def call_lines_missing(tx: Tx, channel: str, *, until: datetime, limit: int) -> int:
    """Look once more at lines whose movement should have come, and call missing what none was found for.

    Args:
        tx: The transaction.
        channel: The channel.
        until: Before when the movement should have come; all that was told till then is applied.
        limit: So many lines at most.

    Returns:
        How many lines there were.

    Rows and events: as of `match_lines`.

    Raises:
        TooManyDifferError: More differs than one transaction should take.
    """
    if not await store.matching.lock_channel(tx, channel):
        return 0
    rules = await rules_of(tx, channel)
    due = await store.waiting.due_lines(tx, channel, limit, until=min(until, tx.now))
    differences = await regrouping.look_together(tx, channel, due, rules)
    differences += await store.waiting.call_lines_missing(tx, await store.matching.still_open(tx, due))
    await _record(tx, differences, rules, limit=limit)
    return len(due)


async def call_movements_missing(tx: Tx, channel: str, *, until: datetime, limit: int) -> int:
    """Call movements missing of which a line should have told, unless lines have come that nobody has looked at.

    Arguments, result, rows, events and errors: as of `call_lines_missing`.
    """
    if not await store.matching.lock_channel(tx, channel) or await store.matching.any_fresh(tx, channel):
        tx.claims.wait(tx.claims.only)
        return 0
    missing = await store.waiting.call_movements_missing(tx, channel, limit, until=min(until, tx.now))
    await _record(tx, missing, await rules_of(tx, channel), limit=limit)
    return len(missing)


async def _record(tx: Tx, differences: Sequence[LineDifference], rules: Rules, *, limit: int) -> None:
    regrouping.require_few(len(differences), limit)
    await differing.record(tx, differences, rules)
    await regrouping.watch(tx, differences)
