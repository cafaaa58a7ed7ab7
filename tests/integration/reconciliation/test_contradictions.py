"""Contradictions of the money line are listed among the discrepancies, and over when they are decided there."""

from typing import Any

from paykit.testing.runtimes import START
from paystream.reconciliation.v1 import reconciliation_pb2 as pb
from paystream.withdrawal.v1 import events as withdrawal_events
from services.reconciliation import domain
from tests.integration.reconciliation.resolving import ANY, Desk
from tests.integration.withdrawal.conftest import payment_contradicted, payment_resolved

ALICE = "mer_" + "a" * 32


def payout_contradicted(contradiction_id: str = "ctr_2", **changes: Any) -> withdrawal_events.WithdrawalContradicted:
    given: dict[str, Any] = {
        "occurred_at": START,
        "merchant_id": ALICE,
        "correlation_id": "cor_2",
        "aggregate_version": 5,
        "withdrawal_id": "wdr_1",
        "bank_account_id": "bnk_1",
        "amount_minor": 700,
        "currency_code": "USD",
        "kind": withdrawal_events.ContradictionKind.LATE_SUCCESS,
        "attempt_id": "att_2",
        "recorded_state": "FAILED",
        "reported_outcome": "SUCCEEDED",
        "expected_minor": None,
        "reported_minor": 700,
        "channel_reference": "po_1",
        "needs_decision": True,
        "bank_account_last_four": "4321",
        "requester": "shop",
        "decider": None,
        "note": None,
        "submitted_at": None,
        "payout_fee_minor": 0,
    }
    return withdrawal_events.WithdrawalContradicted(contradiction_id=contradiction_id, **given | changes)


def payout_resolved(contradiction_id: str = "ctr_2") -> withdrawal_events.WithdrawalContradictionResolved:
    return withdrawal_events.WithdrawalContradictionResolved(
        occurred_at=START,
        merchant_id=ALICE,
        correlation_id="cor_2",
        aggregate_version=6,
        actor="chief",
        withdrawal_id="wdr_1",
        bank_account_id="bnk_1",
        amount_minor=700,
        currency_code="USD",
        contradiction_id=contradiction_id,
        resolution=withdrawal_events.ContradictionResolution.NONE,
        proposer="clerk",
        reason="the bank confirmed it",
        bank_account_last_four="4321",
        requester="shop",
        decider=None,
        note=None,
        submitted_at=None,
        payout_fee_minor=0,
    )


async def listed(desk: Desk, **wanted: Any) -> list[pb.Discrepancy]:
    return list((await desk.call.ListDiscrepancies(pb.ListDiscrepanciesRequest(**wanted), ANY)).discrepancies)


async def read(desk: Desk, contradiction_id: str) -> pb.Discrepancy:
    request = pb.GetDiscrepancyRequest(discrepancy_id=domain.contradiction.discrepancy_id(contradiction_id))
    return (await desk.call.GetDiscrepancy(request, ANY)).discrepancy


async def test_what_waits_for_people_is_listed_once_and_over_when_it_was_decided(desk: Desk) -> None:
    event = payout_contradicted()
    assert await desk.deliver(event, event) == [None, None]
    assert await desk.deliver(event) == [None]
    [found] = await listed(desk, kind=pb.DISCREPANCY_KIND_CONTRADICTED)
    assert (found.contradiction_id, found.root_reference, found.merchant_id) == ("ctr_2", "wdr_1", ALICE)
    assert (found.state, list(found.possible_actions)) == (pb.DISCREPANCY_STATE_OPEN, [])
    assert found.reported.amount_minor == 700
    assert await desk.deliver(payout_resolved(), payout_resolved()) == [None, None]
    over = await read(desk, "ctr_2")
    assert (over.state, over.resolution) == (
        pb.DISCREPANCY_STATE_RESOLVED,
        pb.DISCREPANCY_RESOLUTION_CONTRADICTION_DECIDED,
    )
    assert (over.proposer, over.approver, over.reason) == ("clerk", "chief", "the bank confirmed it")
    detected, resolved = await desk.told(found.discrepancy_id)
    assert (detected.kind, detected.contradiction_id, detected.aggregate_version) == ("CONTRADICTED", "ctr_2", 1)
    assert (resolved.resolution, resolved.aggregate_version) == ("CONTRADICTION_DECIDED", 2)


async def test_those_of_payments_and_disputes_are_in_the_same_list(desk: Desk) -> None:
    await desk.deliver(payment_contradicted(ALICE, "ctr_3", needs_decision=True))
    await desk.deliver(payout_contradicted())
    assert {each.contradiction_id for each in await listed(desk, state=pb.DISCREPANCY_STATE_OPEN)} == {"ctr_2", "ctr_3"}
    newest_first = [each.discrepancy_id for each in await listed(desk)]
    assert [each.discrepancy_id for each in await listed(desk, order_by="create_time")] == newest_first[::-1]
    assert await listed(desk, channel_reference="no such") == await listed(desk, currency_code="BHD") == []
    await desk.deliver(payment_resolved(ALICE, "ctr_3"))
    assert [each.contradiction_id for each in await listed(desk, state=pb.DISCREPANCY_STATE_OPEN)] == ["ctr_2"]


async def test_what_rules_have_ended_waits_for_nobody(desk: Desk) -> None:
    await desk.deliver(payout_contradicted(needs_decision=False))
    await desk.deliver(payment_resolved(ALICE, "ctr_9"))
    assert (await listed(desk), await desk.told()) == ([], [])
