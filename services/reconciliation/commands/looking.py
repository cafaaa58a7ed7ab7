"""The rules of a channel, tried in their order on lines."""

from collections.abc import Sequence

from paykit.postgres.database import Tx
from services.reconciliation import store
from services.reconciliation.domain.pairing import pair
from services.reconciliation.domain.rule_set import MatchingRule, RuleKind, Rules
from services.reconciliation.store.matching import MATCHED, LineDifference
from services.reconciliation.store.regrouping import DIFFERING


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
    return await _joined(tx, differences, rules)


def may_be_completed(difference: LineDifference) -> bool:
    """Say whether other lines or movements, together with a line that differs, may come to one amount."""
    return difference.status in DIFFERING and difference.movement_id is not None


async def _joined(tx: Tx, differences: list[LineDifference], rules: Rules) -> list[LineDifference]:
    """Match what comes to one amount together, and return what differs still."""
    line_nos = [each.line_no for each in differences if each.line_no is not None and may_be_completed(each)]
    if not line_nos:
        return differences
    joined = await store.regrouping.join(tx, line_nos, rules.rules, conversion_minor=rules.conversion_tolerance_minor)
    decided = {each.line_no for each in joined}
    apart = [each for each in differences if each.line_no not in decided]
    return apart + [each for each in joined if each.status != MATCHED]


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
