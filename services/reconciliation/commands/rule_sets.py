"""Rule sets: made, tried on history, activated by a second person."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from paykit.cause import NO_CALL, CreatingCall
from paykit.errors import DomainError, IllegalTransition
from paykit.ids import new_id
from paykit.postgres.database import Tx
from services.reconciliation import domain, store
from services.reconciliation.commands.looking import look_at
from services.reconciliation.domain.rule_set import Rules, RuleSet, RuleSetState

TRIED_LINES_MAX = 100_000
"""Lines that rules are tried on at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateRuleSet:
    """Rules to keep as the next version of a channel's."""

    channel: str
    content: str
    proposer: str
    reason: str
    creating_call: CreatingCall = NO_CALL


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivateRuleSet:
    """Rules to match by from now on."""

    rule_set_id: str
    activator: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What rules would have made of lines that have an outcome.

    Attributes:
        line_count: Lines that they were tried on.
        changes: Lines by the status that they have and the one that they would have; WAITING stands for none.
        truncated: Whether there are more lines than are tried at once.
    """

    line_count: int
    changes: dict[tuple[str, str], int]
    truncated: bool


async def create_rule_sets(tx: Tx, items: Sequence[CreateRuleSet]) -> list[RuleSet | DomainError]:
    """Keep rules as drafts; one result per item, in order. Refusals: RuleSetInvalid. Rows: rule_set."""
    rows = store.rule_sets.rows(tx)
    results: list[RuleSet | DomainError] = []
    versions: dict[str, int] = {}
    for item in items:
        try:
            domain.rule_set.parse(item.content)
        except DomainError as refusal:
            results.append(refusal)
            continue
        version = versions.get(item.channel) or await store.rule_sets.next_version(tx, item.channel)
        versions[item.channel] = version + 1
        results.append(rows.add(_draft(item, version, tx)))
    await tx.save(rows)
    return results


async def activate_rule_sets(tx: Tx, items: Sequence[ActivateRuleSet]) -> list[RuleSet | DomainError]:
    """Have channels matched by rule sets from now on, in the place of those they had; one result per item, in order.

    Refusals: RuleSetNotFound, IllegalTransition, SamePerson. Rows: rule_set.
    """
    results: list[RuleSet | DomainError] = []
    for item in items:
        try:
            results.append(await _activate(tx, item))
        except DomainError as refusal:
            results.append(refusal)
    return results


async def try_rules(tx: Tx, channel: str, rules: Rules, *, since: date) -> Trial:
    """Match lines since a day anew by rules, and undo it: only what would come of it is returned."""
    async with tx.savepoint() as savepoint:
        savepoint.undone_at_end = True
        before = await store.rule_set.reopen(tx, channel, since=since, limit=TRIED_LINES_MAX + 1)
        line_nos = sorted(before)[:TRIED_LINES_MAX]
        await look_at(tx, channel, line_nos, rules)
        after = await store.rule_set.statuses(tx, line_nos)
    changes = Counter((before[line_no], after.get(line_no, store.rule_set.WAITING)) for line_no in line_nos)
    return Trial(line_count=len(line_nos), changes=dict(changes), truncated=len(before) > len(line_nos))


async def _activate(tx: Tx, item: ActivateRuleSet) -> RuleSet:
    rows = await store.rule_sets.lock(tx, [item.rule_set_id])
    rule_set = rows.require(item.rule_set_id, domain.rule_set.not_found)
    if rule_set.state is RuleSetState.ACTIVE:
        message = "The rule set is active already."
        raise IllegalTransition(message, state=rule_set.state, action="ACTIVATE")
    activated = domain.rule_set.activate(rule_set, activator=item.activator, now=tx.now)
    tx.restart_lock_order()
    earlier = await store.rule_sets.lock_active(tx, [rule_set.channel])
    for active in list(earlier.values()):
        earlier.put(domain.rule_set.replaced(active, now=tx.now))
    rows.put(activated)
    await tx.save(earlier, rows)
    return activated


def _draft(item: CreateRuleSet, version: int, tx: Tx) -> RuleSet:
    return RuleSet(
        rule_set_id=new_id("rul"),
        channel=item.channel,
        version=version,
        state=RuleSetState.DRAFT,
        content=item.content,
        proposer=item.proposer,
        reason=item.reason,
        creating_call=item.creating_call,
        create_time=tx.now,
        update_time=tx.now,
    )
