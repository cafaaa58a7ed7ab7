"""For any reports and answers: a batch equals its items one at a time."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paykit.cause import Cause
from paykit.postgres.database import Tx
from paykit.testing.batches import Step
from paystream.payment.v1 import events
from services.payment import commands
from services.payment.commands.dispute import AcceptDispute, AddDisputeFile, ContestDispute, ReportDispute
from services.payment.domain.dispute import DisputeOutcome, Reported
from tests.integration.payment import test_properties as of_payment
from tests.integration.payment.conftest import House
from tests.integration.payment.test_properties import CAUSE, ON_ONE_HOUSE


async def prepared(tx: Tx) -> None:
    """As for payments, where order-0 is captured; two disputes of it are known already."""
    await of_payment.prepared(tx)
    await report(tx, [(0, "chd_0", "OPENED", 300, None), (0, "chd_1", "OPENED", 200, None)])


async def report(tx: Tx, drafts: Sequence[Any]) -> Sequence[Any]:
    tx.restart_lock_order()
    ids = await of_payment.known_ids(tx, "attempt_id")
    items = [
        Reported(
            attempt_id=ids.get(number, "att_none"),
            dispute_reference=reference,
            outcome=DisputeOutcome(outcome),
            stage=stage and events.DisputeStage(stage),
            amount_minor=amount_minor,
            currency_code="USD",
            reason=events.DisputeReason.FRAUD,
            category=None,
            respond_by=None,
            occur_time=None,
        )
        for number, reference, outcome, amount_minor, stage in drafts
    ]
    return await commands.dispute.report_disputes(tx, [ReportDispute(reported=each, cause=CAUSE) for each in items])


async def accept(tx: Tx, references: Sequence[str]) -> Sequence[Any]:
    ids = await known_ids(tx)
    items = [AcceptDispute(dispute_id=ids.get(each, "dsp_none"), cause=CAUSE) for each in references]
    return await commands.dispute.accept_disputes(tx, items)


async def contest(tx: Tx, references: Sequence[str]) -> Sequence[Any]:
    ids = await known_ids(tx)
    items = [
        ContestDispute(dispute_id=ids.get(each, "dsp_none"), evidence="receipt", cause=Cause(each))
        for each in references
    ]
    return await commands.dispute.contest_disputes(tx, items)


async def add_files(tx: Tx, references: Sequence[str]) -> Sequence[Any]:
    ids = await known_ids(tx)
    items = [
        AddDisputeFile(dispute_id=ids.get(each, "dsp_none"), name="a", media_type="text/plain", content=b"1")
        for each in references
    ]
    return await commands.dispute.add_dispute_files(tx, items)


async def known_ids(tx: Tx) -> dict[str, str]:
    rows = await tx.fetch("SELECT dispute_reference, dispute_id FROM dispute")
    return {row["dispute_reference"]: row["dispute_id"] for row in rows}


REFERENCES = st.sampled_from(["chd_0", "chd_1", "chd_none"])
STEPS: dict[str, tuple[Step, st.SearchStrategy[Any]]] = {
    "report_disputes": (
        report,
        st.tuples(
            st.sampled_from([0, 0, 0, 1, 9]),
            st.sampled_from(["chd_0", "chd_2", "chd_3"]),
            st.sampled_from(DisputeOutcome),
            st.sampled_from([300, 300, 200, 501]),
            st.sampled_from([None, None, "INQUIRY", "CHARGEBACK", "PRE_ARBITRATION"]),
        ),
    ),
    "accept_disputes": (accept, REFERENCES),
    "add_dispute_files": (add_files, REFERENCES),
    "contest_disputes": (contest, REFERENCES),
}


@pytest.mark.parametrize("name", STEPS)
@ON_ONE_HOUSE
@given(data=st.data())
async def test_a_batch_equals_its_items_one_at_a_time(house: House, name: str, data: st.DataObject) -> None:
    step, drafts = STEPS[name]
    drawn = data.draw(st.lists(drafts, min_size=2, max_size=10))
    await of_payment.assert_batch_equals_singles(house.runtime, step, drawn, prepare=prepared)
