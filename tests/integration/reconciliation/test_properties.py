"""For any items: a batch equals its items one at a time, in rows, in events and in what callers get."""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from paykit.cause import Cause
from paykit.consume.delivery import Delivered, Handler, Impossible, Record
from paykit.errors import DomainError
from paykit.postgres.database import Tx
from paykit.process.runtime import Runtime
from paykit.testing import batches
from paykit.testing.batches import Step
from services.reconciliation import commands, handlers, store
from services.reconciliation.commands.importing import Imported, ImportStatement
from services.reconciliation.commands.resolving import DecideCorrection, ResolveDiscrepancy
from services.reconciliation.commands.rule_sets import ActivateRuleSet, CreateRuleSet
from services.reconciliation.domain.formats.mapping import StatementFormat, StatementMapping
from services.reconciliation.domain.resolution import ResolutionAction
from services.reconciliation.domain.rule_set import RuleSet, RuleSetState
from tests.integration.reconciliation.resolving import (
    Desk,
    account_created,
    booked,
    discrepancy_id,
    entry,
    found,
    rejected,
)
from tests.integration.reconciliation.test_contradictions import payout_contradicted, payout_resolved
from tests.integration.reconciliation.test_evidence import unmatched
from tests.unit.accounting.ledger import capture, statement
from tests.unit.reconciliation.test_uncleared import line

ON_ONE_DESK = settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
RULES = '[[rule]]\nkind = "REFERENCE"\n'
COLUMNS = b"line_id,operation,amount,currency_code,channel_fee,line_date,related_no\n"
FILES = (
    COLUMNS + b"l1,CAPTURE,12.50,USD,0.30,2026-11-27,cap_1\n",
    COLUMNS + b"l1,CAPTURE,12.50,USD,0.30,2026-11-27,cap_1\nl2,REFUND,2.00,EUR,,2026-11-28,ref_1\n",
    COLUMNS + b"l1,CAPTURE,12.51,USD,0.30,2026-11-27,cap_1\n",
    COLUMNS + b"l3,CAPTURE,1.2.3,USD,0.30,2026-11-27,cap_1\n",
)
"""The second holds the first; the third says otherwise of its line, and the last is no file."""
CAUSE = Cause("cor_property", None, "ann", None)
OF_CHANCE = (
    "correction_id",
    "event_id",
    "causation_id",
    "related_no",
    "line_no",
    "rule_set_id",
    "statement_id",
    "file_id",
    "arrive_time",
)
ALICE = "mer_" + "a" * 32
PROPOSED, APPROVED, EXPLAINED = 4, 5, 6
"""Discrepancies of which something waits before a step is taken."""
NUMBERS = st.sampled_from([1, 2, 3, PROPOSED, PROPOSED, APPROVED, EXPLAINED, 42])


async def prepared(tx: Tx) -> None:
    """Six discrepancies of several kinds; of three of them a correction waits."""
    kinds = ("AMOUNT_MISMATCH", "FEE_MISMATCH", "DUPLICATE", "AMOUNT_MISMATCH", "AMOUNT_MISMATCH", "DUPLICATE")
    rows = [found(number, kind, reported_fee_minor=55) for number, kind in enumerate(kinds, start=1)]
    await store.discrepancies.insert(tx, rows)
    await handled(handlers.on_contradiction, payout_contradicted)(tx, [("ctr_7",), ("ctr_8",)])
    await store.rule_sets.insert(tx, [draft_rules(tx, number) for number in (1, 2, 3)])
    asked = ((PROPOSED, "PROPOSE_CORRECTION"), (APPROVED, "PROPOSE_CORRECTION"), (EXPLAINED, "EXPLAIN"))
    await resolve(tx, [(number, action, "ann") for number, action in asked])
    await decide(tx, [(APPROVED, True, "bob")])


async def resolve(tx: Tx, drafts: Sequence[Any]) -> Sequence[Any]:
    tx.restart_lock_order()
    items = [
        ResolveDiscrepancy(
            discrepancy_id=discrepancy_id(number),
            action=ResolutionAction(action),
            reason="Looked into.",
            accounts=None,
            person=person,
            cause=CAUSE,
        )
        for number, action, person in drafts
    ]
    return await commands.resolving.resolve_discrepancies(tx, items)


async def decide(tx: Tx, drafts: Sequence[Any]) -> Sequence[Any]:
    tx.restart_lock_order()
    ids = await correction_ids(tx)
    items = [
        DecideCorrection(
            correction_id=ids.get(number, "crp_none"), approved=approved, decider=decider, reason=None, cause=CAUSE
        )
        for number, approved, decider in drafts
    ]
    return await commands.resolving.decide_corrections(tx, items)


async def answer(tx: Tx, drafts: Sequence[Any]) -> Sequence[Any]:
    tx.restart_lock_order()
    ids = await correction_ids(tx)
    # Each transaction of its own amount, so that sums tell which were followed.
    events = [
        booked(kind, ids.get(number, "crp_none"), entry("suspense", +1, number), root_reference=f"pay_{number}")
        for number, kind in drafts
    ]
    return await deliver(tx, handlers.on_transaction_created, events)


async def refuse(tx: Tx, numbers: Sequence[int]) -> Sequence[Any]:
    tx.restart_lock_order()
    ids = await correction_ids(tx)
    events = [rejected(ids.get(number, "crp_none")) for number in numbers]
    return await deliver(tx, handlers.on_transaction_rejected, events)


def draft_rules(tx: Tx, number: int) -> RuleSet:
    """Rules that ann proposed: 1 and 2 of one channel, 3 of another."""
    return RuleSet(
        rule_set_id=f"rul_{number}",
        channel="simulator" if number < 3 else "cards",
        version=number,
        state=RuleSetState.DRAFT,
        content=RULES,
        proposer="ann",
        reason="Tried.",
        create_time=tx.now,
        update_time=tx.now,
    )


async def propose_rules(tx: Tx, drafts: Sequence[Any]) -> Sequence[Any]:
    items = [CreateRuleSet(channel=name, content=content, proposer="ann", reason="New") for name, content in drafts]
    return await commands.rule_sets.create_rule_sets(tx, items)


async def activate_rules(tx: Tx, drafts: Sequence[Any]) -> Sequence[Any]:
    items = [ActivateRuleSet(rule_set_id=f"rul_{number}", activator=person) for number, person in drafts]
    return await commands.rule_sets.activate_rule_sets(tx, items)


@dataclass(frozen=True)
class FileCounts:
    """What was imported of a file, without the ids that chance gave it."""

    line_count: int
    known_line_count: int
    statement_count: int


async def import_files(tx: Tx, contents: Sequence[Any]) -> Sequence[Any]:
    items = [
        ImportStatement(
            channel="cards",
            format=StatementFormat.CSV,
            mapping=StatementMapping(),
            file_name="day.csv",
            content_sha256=hashlib.sha256(content).digest(),
            size_bytes=len(content),
            content=lambda content=content: [content],  # type: ignore[misc]  # Each has its own.
            cause=CAUSE,
        )
        for content in contents
    ]
    return [
        FileCounts(each.file.line_count, each.file.known_line_count, len(each.statements))
        if isinstance(each, Imported)
        else each
        for each in await commands.importing.import_statements(tx, items)
    ]


async def correction_ids(tx: Tx) -> dict[int, str]:
    """The corrections that there are, by the number of their discrepancy; the last of several."""
    rows = await tx.fetch("SELECT discrepancy_id, correction_id FROM correction ORDER BY create_time, correction_id")
    return {int(row[0].removeprefix("dis_"), 16): row[1] for row in rows}


def handled(handler: Handler, make: Callable[..., Any]) -> Step:
    async def step(tx: Tx, drafts: Sequence[Any]) -> Sequence[Any]:
        return await deliver(tx, handler, [make(*draft) for draft in drafts])

    return step


async def deliver(tx: Tx, handler: Handler, events: Sequence[Any]) -> Sequence[Any]:
    deliveries = [Delivered(event, Record(event.TOPIC, 0, 0, getattr(event, event.KEY), b"", ())) for event in events]
    return await handler(tx, deliveries)


STEPS: dict[str, tuple[Step, st.SearchStrategy[Any]]] = {
    "resolve_discrepancies": (
        resolve,
        st.tuples(NUMBERS, st.sampled_from(list(ResolutionAction)), st.sampled_from(["ann", "bob", None])),
    ),
    "decide_corrections": (
        decide,
        st.tuples(NUMBERS, st.booleans(), st.sampled_from(["bob", "bob", " Ann", None])),
    ),
    "on_transaction_created": (answer, st.tuples(NUMBERS, st.sampled_from(["Correction", "RefundSuccess"]))),
    "on_transaction_rejected": (refuse, NUMBERS),
    "on_account_created": (
        handled(handlers.on_account_created, account_created),
        st.tuples(st.sampled_from(["channel.receivable", "platform.fees"])),
    ),
    "on_contradiction": (
        handled(handlers.on_contradiction, lambda number: payout_contradicted(f"ctr_{number}")),
        st.tuples(st.integers(1, 3)),
    ),
    "on_contradiction_resolved": (
        handled(handlers.on_contradiction_resolved, lambda number: payout_resolved(f"ctr_{number}")),
        st.tuples(st.integers(6, 9)),
    ),
    "create_rule_sets": (
        propose_rules,
        st.tuples(st.sampled_from(["simulator", "cards", "bank"]), st.sampled_from([RULES, "[[rule]]"])),
    ),
    "activate_rule_sets": (
        activate_rules,
        st.tuples(st.sampled_from([1, 2, 3, 4]), st.sampled_from(["bob", "bob", "ANN", None])),
    ),
    "import_statements": (import_files, st.sampled_from(FILES)),
    "on_money_moved": (handled(handlers.on_money_moved, capture), st.tuples(st.integers(1, 3))),
    "on_evidence_unmatched": (
        handled(handlers.on_evidence_unmatched, unmatched),
        st.tuples(st.integers(1, 3)),
    ),
    "on_statement_closed": (handled(handlers.on_statement_closed, statement), st.tuples(st.integers(1, 3))),
    "on_line": (
        handled(handlers.on_line, line),
        st.tuples(st.sampled_from(["CAPTURE", "REFUND", "PAY"]), st.sampled_from([1, 500])),
    ),
}


@pytest.mark.parametrize("name", STEPS)
@ON_ONE_DESK
@given(data=st.data())
async def test_a_batch_equals_its_items_one_at_a_time(desk: Desk, name: str, data: st.DataObject) -> None:
    step, drafts = STEPS[name]
    await assert_batch_equals_singles(desk.runtime, step, data.draw(st.lists(drafts, min_size=2, max_size=8)))


async def test_the_property_would_notice_a_difference(desk: Desk) -> None:
    async def forgetful(tx: Tx, items: Sequence[Any]) -> Sequence[Any]:
        return [*await resolve(tx, items[:1]), *[None] * (len(items) - 1)]

    drafts = [(1, "CONFIRM_EVIDENCE", "ann"), (2, "PROPOSE_CORRECTION", "ann")]
    with pytest.raises(AssertionError):
        await assert_batch_equals_singles(desk.runtime, forgetful, drafts)


async def assert_batch_equals_singles(runtime: Runtime, step: Step, drafts: Sequence[Any]) -> None:
    async def look(tx: Tx, results: Sequence[Any]) -> Any:
        return [outcome(result) for result in results], await rows(tx), told(runtime, tx)

    await batches.assert_batch_equals_singles(runtime, step, drafts, look=look, prepare=prepared)


def outcome(result: Any) -> Any:
    """A result without the ids that chance gave it."""
    refusal = result.error if isinstance(result, Impossible) else result
    if isinstance(refusal, DomainError):
        return refusal.reason, refusal.field, anonymous(refusal.metadata)
    return None if result is None else repr(anonymous(_plain(asdict(result))))


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    return {key: anonymous(value) if isinstance(value, dict) else value for key, value in values.items()}


def anonymous(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name not in OF_CHANCE and name != "transaction_id"}


async def rows(tx: Tx) -> dict[str, list[str]]:
    """Every row without ids of chance, in an order that does not depend on them."""
    tables = (
        *("discrepancy", "correction", "uncleared", "cleared_line", "ledger_account_kind", "rule_set"),
        *("statement", "statement_line", "open_line", "internal_transaction", "unmoved_attempt", "open_movement"),
        *("movement_booking", "open_booking", "unattributed_evidence", "open_evidence"),
    )
    return {
        table: sorted(repr(anonymous(dict(row))) for row in await tx.fetch(f"SELECT * FROM {table}"))
        for table in tables
    }


def told(runtime: Runtime, tx: Tx) -> dict[str, list[dict[str, Any]]]:
    """The events of each key, in order."""
    by_key = defaultdict(list)
    for row in tx.emitted:
        by_key[row[1]].append({"record": row[3]} | anonymous(runtime.codec.decode(row[7]).as_record()))
    return by_key
