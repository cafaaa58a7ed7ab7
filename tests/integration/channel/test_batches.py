"""A batch of orders does what the same orders do one at a time."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from paykit.cause import Cause
from paykit.money import Money
from paykit.postgres.database import Tx
from paykit.testing import batches
from paykit.testing.batches import Step
from services.channel import commands, store
from services.channel.commands import (
    AdvanceDispute,
    DeclineRefunds,
    OpenDispute,
    RespondToDispute,
    SetBehaviour,
    SetOutcome,
    Submit,
)
from services.channel.domain import dispute
from services.channel.domain import transaction as domain
from services.channel.domain.behaviour import Behaviour
from services.channel.domain.dispute import ChannelDispute, ChannelDisputeStage, DisputeReason, DisputeResponse
from services.channel.domain.instruction import Action, Instruction
from services.channel.domain.late_outcome import LateOutcome, LateWord
from tests.integration.channel.conftest import House

TABLES = ("attempt", "channel_transaction", "card_authorization", "later_line", "behaviour")
CAUSE = Cause("cor_batch")

attempt_ids = st.integers(0, 7).map(lambda i: f"att_{i}")
amounts = st.sampled_from([1, 40, 60, 100, 9_001, 9_003, 9_004, 9_005, 9_007, 9_009, 9_013, 9_014, 9_017])
currencies = st.sampled_from(["USD", "USD", "USD", "JPY"])
references = attempt_ids.map(domain.channel_reference)

authorizations = st.builds(
    Instruction,
    attempt_id=attempt_ids,
    action=st.just(Action.AUTHORIZE),
    merchant_id=st.sampled_from(["mer_1", "mer_2"]),
    amount_minor=amounts,
    currency_code=currencies,
    capture=st.booleans(),
)
follow_ups = st.builds(
    Instruction,
    attempt_id=attempt_ids,
    action=st.sampled_from([Action.CAPTURE, Action.REFUND]),
    amount_minor=amounts,
    currency_code=currencies,
    authorization_reference=references,
)
cancellations = st.builds(
    Instruction, attempt_id=attempt_ids, action=st.just(Action.CANCEL), authorization_reference=references
)
behaviours = st.builds(
    SetBehaviour,
    merchant_id=st.sampled_from(["", "mer_1", "mer_2"]),
    behaviour=st.none() | st.builds(Behaviour, latency_ms=st.integers(0, 2)),
    cause=st.just(CAUSE),
)
disputes = st.builds(
    OpenDispute,
    attempt_id=st.sampled_from(["att_paid", "att_paid", "att_paid_too", "att_reserved", "att_none"]),
    amount=st.none() | st.builds(Money, st.sampled_from([10, 40, 100, 101]), currencies),
    reason=st.sampled_from(DisputeReason),
    respond_within_s=st.sampled_from([0, 60]),
    contest_loses=st.booleans(),
)
words = st.builds(
    SetOutcome,
    attempt_id=st.sampled_from(["att_paid", "att_paid", "att_paid_too", "att_reserved", "att_none"]),
    word=st.builds(
        LateWord,
        outcome=st.sampled_from(LateOutcome),
        amount=st.none() | st.builds(Money, st.sampled_from([10, 40, 100]), currencies),
    ),
)
refund_declines = st.builds(
    DeclineRefunds, attempt_id=st.sampled_from(["att_paid", "att_reserved", "att_none"]), count=st.integers(0, 3)
)
answers = st.builds(
    RespondToDispute,
    dispute_reference=st.sampled_from(["chd_1", "chd_2", "chd_none"]),
    answer=st.builds(DisputeResponse, contested=st.booleans(), evidence=st.just("a receipt"), files=st.just("")),
)
advances = st.builds(
    AdvanceDispute,
    dispute_reference=st.sampled_from(["chd_1", "chd_2", "chd_none"]),
    stage=st.none() | st.sampled_from(ChannelDisputeStage),
    won=st.booleans(),
    amount=st.none() | st.builds(Money, st.sampled_from([10, 40, 100]), currencies),
)
STEPS: dict[str, tuple[Step, st.SearchStrategy[Any]]] = {
    "submit_instructions": (
        commands.submit_instructions,
        st.builds(Submit, instruction=st.one_of(authorizations, follow_ups, cancellations), cause=st.just(CAUSE)),
    ),
    "set_behaviours": (commands.set_behaviours, behaviours),
    "set_outcomes": (commands.set_outcomes, words),
    "decline_refunds": (commands.decline_refunds, refund_declines),
    "open_disputes": (commands.open_disputes, disputes),
    "respond_to_disputes": (commands.respond_to_disputes, answers),
    "advance_disputes": (commands.advance_disputes, advances),
}


async def prepared(tx: Tx) -> None:
    """Two captures, one reservation, and two disputes of the first capture under references that no chance gave."""
    for name, capture in (("paid", True), ("paid_too", True), ("reserved", False)):
        instruction = Instruction(
            attempt_id=f"att_{name}",
            action=Action.AUTHORIZE,
            merchant_id="mer_3",
            amount_minor=100,
            currency_code="USD",
            capture=capture,
            callback_address="payment:1",
        )
        tx.restart_lock_order()
        await commands.submit_instructions(tx, [Submit(instruction=instruction, cause=CAUSE)])
    tx.restart_lock_order()
    paid = (await store.transactions.by_key(tx, ["att_paid"]))["att_paid"]
    authorizations = await store.authorizations.lock(tx, [paid.channel_reference])
    disputes = store.disputes.rows(tx)
    for reference in ("chd_1", "chd_2"):
        opened, authorization = dispute.open_dispute(
            paid,
            authorizations[paid.channel_reference],
            dispute_reference=reference,
            amount=Money(20, "USD"),
            reason=DisputeReason.FRAUD,
            respond_within_s=0,
            contest_loses=False,
            now=tx.now,
        )
        disputes.add(opened)
        authorizations.put(authorization)
    await tx.save(disputes, authorizations)


async def look(tx: Tx, results: Sequence[Any]) -> Any:
    """Give everything that orders, behaviours and disputes leave behind, but for references that chance gave."""
    rows = [[tuple(row) for row in await tx.fetch(f"SELECT * FROM {table} ORDER BY 1")] for table in TABLES]
    lines = [(row[1] if row[1].startswith("chn") else "", row[3]) for row in tx.emitted]
    callbacks = [
        tuple(row) for row in await tx.fetch("SELECT attempt_id, due_time, report FROM callback ORDER BY 1, 2, 3")
    ]
    opened = await tx.fetch("SELECT to_jsonb(d) - 'dispute_reference' AS dispute FROM dispute d")
    named = [replace(each, dispute_reference="") if isinstance(each, ChannelDispute) else each for each in results]
    return named, rows, lines, callbacks, sorted(str(row["dispute"]) for row in opened)


@pytest.mark.parametrize("name", STEPS)
@given(data=st.data())
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_a_batch_equals_its_items_one_at_a_time(house: House, name: str, data: st.DataObject) -> None:
    await house.behave(
        "mer_2", decline_basis_points=5_000, callback_address="payment:1", duplicate_callback_basis_points=5_000
    )
    step, items = STEPS[name]
    drawn = data.draw(st.lists(items, min_size=2, max_size=14))
    await batches.assert_batch_equals_singles(house.runtime, step, drawn, look=look, prepare=prepared)
