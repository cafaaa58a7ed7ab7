"""Matching what is open of a channel: lines that came, movements that came, and those whose time is over."""

from collections.abc import Sequence

from paykit.postgres.database import Tx
from services.reconciliation import domain, store
from services.reconciliation.commands import differing
from services.reconciliation.domain.pairing import pair
from services.reconciliation.domain.rule_set import MatchingRule, RuleKind, Rules
from services.reconciliation.store.matching import MATCHED, LineDifference


async def rules_of(tx: Tx, channel: str) -> Rules:
    """Return the rules that a channel's lines are matched by."""
    active = await store.rule_sets.active(tx, channel)
    return domain.rule_set.parse(store.default_rules() if active is None else active.content)


async def match_channel(tx: Tx, channel: str, *, limit: int) -> int:
    """Look at what is fresh or due of a channel, so many of each at most; return how many there were at the most.

    Rows: open_line, line_outcome, open_movement, movement_outcome, discrepancy. Events: DiscrepancyDetected,
    DiscrepancyResolved.
    """
    if not await store.matching.lock_channel(tx, channel):
        return 0
    rules = await rules_of(tx, channel)
    arrived = await store.matching.wake_lines(tx, channel, sla=rules.channel_sla, limit=limit)
    fresh = await store.matching.fresh_lines(tx, channel, limit)
    differences = await look_at(tx, channel, fresh, rules)
    rest = await store.matching.still_open(tx, fresh)
    await store.matching.keep_open(tx, rest, due_time=tx.now + rules.internal_sla)
    due = await store.matching.due_lines(tx, channel, limit)
    differences += await look_at(tx, channel, due, rules)
    differences += await store.matching.call_missing(tx, await store.matching.still_open(tx, due))
    missing = await store.matching.missing_movements(tx, channel, limit)
    await differing.record(tx, [*differences, *missing], rules)
    await differing.heal(tx)
    return max(len(fresh), arrived, len(due), len(missing))


async def look_at(tx: Tx, channel: str, line_nos: Sequence[int], rules: Rules) -> list[LineDifference]:
    """Try the rules in their order on lines, and return what differs; those that nothing is found for stay open."""
    if not line_nos:
        return []
    await store.matching.match_without_money(tx, line_nos)
    differences: list[LineDifference] = []
    rest = await store.matching.still_open(tx, line_nos)
    for rule in rules.rules:
        if not rest:
            break
        differences += await _try(tx, channel, rest, rule, rules)
        rest = await store.matching.still_open(tx, rest)
    return differences


async def _try(tx: Tx, channel: str, line_nos: Sequence[int], rule: MatchingRule, rules: Rules) -> list[LineDifference]:
    if rule.kind is RuleKind.WINDOW:
        return await _match_by_day(tx, channel, line_nos, rule)
    if rule.kind is RuleKind.BATCH:
        batches = await store.matching.batches_of_a_day(tx, line_nos, channel, rule)
        return await store.matching.decide(tx, batches, rule=rule.name)
    differences: list[LineDifference] = []
    rest = list(line_nos)
    for exact in (True, False):
        if rest:
            differences += await store.matching.match_by_reference(
                tx,
                rest,
                channel,
                rule,
                fee=rules.fee,
                conversion_minor=rules.conversion_tolerance_minor,
                exact=exact,
            )
            rest = await store.matching.still_open(tx, rest)
    return differences


async def _match_by_day(tx: Tx, channel: str, line_nos: Sequence[int], rule: MatchingRule) -> list[LineDifference]:
    lines = await store.matching.lines_without_reference(tx, line_nos)
    if not lines:
        return []
    movements = await store.matching.movements_near(tx, channel, lines, days=rule.days)
    pairs = pair(lines, movements, days=rule.days)
    decisions = [(int(line.name), str(movement.name), MATCHED) for line, movement in pairs]
    return await store.matching.decide(tx, decisions, rule=rule.name)
