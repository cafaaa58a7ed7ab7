"""For any proposals and decisions: a batch equals its items one at a time."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paykit.contradictions.contradiction import Contradiction, ContradictionKind, ContradictionResolution
from paykit.contradictions.deciding import DecideResolution, ProposeResolution
from paykit.postgres.database import Tx
from paykit.testing.batches import Step
from services.payment import commands, store
from services.payment.commands.later.late_capture import RetryRefund
from tests.integration.payment import test_properties as of_payment
from tests.integration.payment.conftest import House
from tests.integration.payment.test_properties import CAUSE, ON_ONE_HOUSE


async def prepared(tx: Tx) -> None:
    """As for payments; money is out with nothing behind it of order-0 and order-1, and one of them has a proposal."""
    await of_payment.prepared(tx)
    tx.restart_lock_order()
    ids = await of_payment.known_ids(tx, "payment_id")
    rows = store.contradictions.rows(tx)
    for number in (0, 1):
        rows.add(contradiction(number, ids[number], tx))
    await tx.save(rows)
    await propose(tx, [(1, "WRITE_OFF", "alice")])
    # Money came late for order-2, and its refund was declined.
    await of_payment.record(tx, [(2, "FAILED", "RESPONSE", "ch_2", None), (2, "SUCCEEDED", "CALLBACK", "ch_2", None)])
    await tx.run("UPDATE contradiction SET contradiction_id = 'ctr_2' WHERE aggregate_id = $1", ids[2])
    await tx.run("UPDATE late_capture SET contradiction_id = 'ctr_2', refunding = false, retry_time = update_time")


def contradiction(number: int, payment_id: str, tx: Tx) -> Contradiction:
    return Contradiction(
        contradiction_id=f"ctr_{number}",
        aggregate_id=payment_id,
        subject_id=f"ref_{number}",
        attempt_id=None,
        merchant_id=of_payment.ALICE,
        kind=ContradictionKind.LATE_SUCCESS,
        amount_minor=1_000,
        currency_code="USD",
        suspense_minor=-1_000,
        recorded="FAILED",
        reported="SUCCEEDED",
        channel_reference=None,
        needs_decision=True,
        create_time=tx.now,
        update_time=tx.now,
    )


async def propose(tx: Tx, drafts: Sequence[Any]) -> Sequence[Any]:
    tx.restart_lock_order()
    items = [
        ProposeResolution(
            contradiction_id=f"ctr_{number}",
            resolution=ContradictionResolution(resolution),
            reason="Looked into.",
            proposer=proposer,
            cause=CAUSE,
        )
        for number, resolution, proposer in drafts
    ]
    return await commands.contradiction.propose_resolutions(tx, items)


async def decide(tx: Tx, drafts: Sequence[Any]) -> Sequence[Any]:
    items = [
        DecideResolution(
            contradiction_id=f"ctr_{number}", approved=approved, decider=decider, reason="not agreed", cause=CAUSE
        )
        for number, approved, decider in drafts
    ]
    return await commands.contradiction.decide_resolutions(tx, items)


async def retry(tx: Tx, numbers: Sequence[int]) -> Sequence[Any]:
    tx.restart_lock_order()
    items = [RetryRefund(contradiction_id=f"ctr_{number}", cause=CAUSE) for number in numbers]
    return await commands.late_capture.retry_refunds(tx, items)


NUMBERS = st.sampled_from([0, 1, 1, 2, 9])
NAMES = st.sampled_from(["alice", "Alice", "bob", None])
STEPS: dict[str, tuple[Step, st.SearchStrategy[Any]]] = {
    "propose_resolutions": (propose, st.tuples(NUMBERS, st.sampled_from(["WRITE_OFF", "ACCEPT"]), NAMES)),
    "retry_refunds": (retry, NUMBERS),
    "decide_resolutions": (decide, st.tuples(NUMBERS, st.booleans(), NAMES)),
}


@pytest.mark.parametrize("name", STEPS)
@ON_ONE_HOUSE
@given(data=st.data())
async def test_a_batch_equals_its_items_one_at_a_time(house: House, name: str, data: st.DataObject) -> None:
    step, drafts = STEPS[name]
    drawn = data.draw(st.lists(drafts, min_size=2, max_size=10))
    await of_payment.assert_batch_equals_singles(house.runtime, step, drawn, prepare=prepared)
