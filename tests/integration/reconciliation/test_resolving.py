"""Discrepancies end by evidence, by a correction of two people, or by a reason, on a real database."""

import uuid
from typing import Any

import pytest

from paykit.base.four_eyes import SamePerson
from paykit.consume.delivery import Impossible
from paykit.errors import IllegalTransition
from paykit.serve.auth import ANONYMOUS
from paystream.reconciliation.v1 import reconciliation_pb2 as pb
from paystream.reconciliation.v1.events import CorrectionApproved, DiscrepancyResolved, StatementEvidenceAccepted
from services.reconciliation.domain.correction import CorrectionNotFound, CorrectionPending
from services.reconciliation.domain.discrepancy import DiscrepancyNotFound, DiscrepancyState
from services.reconciliation.domain.resolution import ContradictionDecidedElsewhere, ResolutionActionNotPossible
from tests.integration.reconciliation.resolving import (
    ANY,
    CONFIRM,
    EXPLAIN,
    PROPOSE,
    Desk,
    account_created,
    booked,
    discrepancy_id,
    found,
    rejected,
)

OPEN, RESOLVED = DiscrepancyState.OPEN, DiscrepancyState.RESOLVED


async def test_a_line_taken_as_evidence_is_told_to_whoever_made_the_call_and_ends_the_discrepancy(desk: Desk) -> None:
    await desk.find(found())
    response = await desk.resolve(CONFIRM)
    assert not response.HasField("correction")
    over = await desk.get()
    assert (over.state, over.resolution, over.proposer, over.reason) == (
        RESOLVED,
        "EVIDENCE_CONFIRMED",
        "ann",
        "Looked into.",
    )
    resolved, evidence = await desk.told()
    assert isinstance(resolved, DiscrepancyResolved)
    assert isinstance(evidence, StatementEvidenceAccepted)
    assert (evidence.attempt_id, evidence.operation, evidence.outcome) == (found().attempt_id, "CAPTURE", "SUCCEEDED")
    assert (evidence.amount_minor, evidence.currency_code, evidence.channel_reference) == (9_000, "USD", "ch_1")
    assert (evidence.statement_id, evidence.line_id, evidence.actor) == (found().statement_id, "line-1", "ann")
    assert (resolved.aggregate_version, resolved.amount_minor, resolved.approver) == (2, -1_000, None)
    with pytest.raises(IllegalTransition):
        await desk.resolve(CONFIRM)


async def test_a_line_without_a_reference_of_the_channel_is_one_by_itself(desk: Desk) -> None:
    await desk.find(found(channel_reference=None))
    await desk.resolve(CONFIRM)
    assert (await desk.told())[-1].channel_reference == "line-1"


async def test_a_difference_is_booked_once_another_person_has_approved_it_and_the_ledger_has_said_so(
    desk: Desk,
) -> None:
    await desk.find(found())
    await desk.deliver(account_created("platform.income"), account_created("platform.losses"))
    proposed = (await desk.resolve(PROPOSE)).correction
    assert (proposed.debit_account_kind, proposed.credit_account_kind) == ("platform.income", "platform.losses")
    assert (proposed.amount.amount_minor, proposed.proposer) == (1_000, "ann")
    assert (await desk.get()).state is OPEN
    for person in ("ann", " ANN "):
        with pytest.raises(SamePerson):
            await desk.approve(proposed.correction_id, person=person)

    approved = await desk.approve(proposed.correction_id)
    assert (approved.state, approved.decider, approved.decision_reason) == (
        pb.CORRECTION_STATE_APPROVED,
        "bob",
        "So it is.",
    )
    [told] = await desk.told()
    assert isinstance(told, CorrectionApproved)
    assert (told.debit_account_kind, told.credit_account_kind, told.amount_minor) == (
        "platform.income",
        "platform.losses",
        1_000,
    )
    assert (told.proposer, told.approver, told.reason) == ("ann", "bob", "Looked into.")
    assert (told.correction_id, told.channel_reference, told.aggregate_version) == (proposed.correction_id, "ch_1", 2)
    assert (await desk.get()).state is OPEN

    answer = booked("Correction", proposed.correction_id)
    assert await desk.deliver(answer, answer) == [None, None]
    assert await desk.deliver(answer) == [None]
    over = await desk.get()
    assert (over.state, over.resolution, over.proposer, over.approver) == (RESOLVED, "CORRECTED", "ann", "bob")
    assert await desk.told_types() == ["CorrectionApproved", "DiscrepancyResolved"]
    resolved = (await desk.told())[-1]
    assert (resolved.correction_id, resolved.aggregate_version) == (proposed.correction_id, 3)
    [listed] = await desk.corrections()
    assert (listed.state, listed.transaction_id) == (pb.CORRECTION_STATE_BOOKED, answer.transaction_id)


async def test_where_the_ledger_has_accounts_of_channels_a_fee_leaves_what_the_channel_owes(desk: Desk) -> None:
    await desk.find(found(kind="FEE_MISMATCH", reported_minor=10_000, reported_fee_minor=55))
    await desk.deliver(account_created("channel.receivable"))
    proposed = (await desk.resolve(PROPOSE)).correction
    assert (proposed.debit_account_kind, proposed.credit_account_kind) == ("channel.fees", "channel.receivable")
    assert proposed.amount.amount_minor == 30


async def test_a_correction_that_the_ledger_refuses_leaves_the_discrepancy_open_and_another_can_be_proposed(
    desk: Desk,
) -> None:
    await desk.find(found())
    first = (await desk.resolve(PROPOSE)).correction
    await desk.approve(first.correction_id)
    refusal = rejected(first.correction_id)
    assert await desk.deliver(refusal, refusal) == [None, None]
    assert (await desk.get()).state is OPEN
    other: dict[str, Any] = {"debit_account_kind": "platform.fees", "credit_account_kind": "platform.losses"}
    second = (await desk.resolve(PROPOSE, **other)).correction
    assert (second.debit_account_kind, second.credit_account_kind) == ("platform.fees", "platform.losses")
    states = {each.correction_id: (each.state, each.refusal) for each in await desk.corrections()}
    assert states == {
        first.correction_id: (pb.CORRECTION_STATE_REFUSED, "CORRECTION_NOT_POSSIBLE"),
        second.correction_id: (pb.CORRECTION_STATE_PROPOSED, ""),
    }


async def test_a_rejected_correction_tells_the_ledger_nothing(desk: Desk) -> None:
    await desk.find(found())
    proposed = (await desk.resolve(PROPOSE)).correction
    with pytest.raises(SamePerson):
        await desk.reject(proposed.correction_id, person="ann")
    rejected_ = await desk.reject(proposed.correction_id)
    assert (rejected_.state, rejected_.decision_reason) == (pb.CORRECTION_STATE_REJECTED, "No.")
    assert await desk.told() == []
    with pytest.raises(IllegalTransition):
        await desk.approve(proposed.correction_id)
    assert (await desk.resolve(PROPOSE)).HasField("correction")


async def test_nothing_is_proposed_beside_what_waits(desk: Desk) -> None:
    await desk.find(found())
    waiting = (await desk.resolve(PROPOSE)).correction
    for action in (PROPOSE, CONFIRM, EXPLAIN):
        with pytest.raises(CorrectionPending) as refused:
            await desk.resolve(action)
        assert refused.value.metadata == {"correction_id": waiting.correction_id, "state": "PROPOSED"}


async def test_where_money_moved_two_people_explain(desk: Desk) -> None:
    await desk.find(found(kind="DUPLICATE"))
    proposed = (await desk.resolve(EXPLAIN)).correction
    assert (proposed.state, proposed.HasField("amount")) == (pb.CORRECTION_STATE_PROPOSED, False)
    assert (await desk.get()).state is OPEN
    explained = await desk.approve(proposed.correction_id)
    assert explained.state == pb.CORRECTION_STATE_EXPLAINED
    over = await desk.get()
    assert (over.state, over.resolution, over.proposer, over.approver) == (RESOLVED, "EXPLAINED", "ann", "bob")
    [resolved] = await desk.told()
    assert (resolved.resolution, resolved.correction_id) == ("EXPLAINED", None)


async def test_where_no_money_moved_a_reason_is_enough(desk: Desk) -> None:
    await desk.find(found(kind="MISSING_INTERNAL", operation="AUTHORIZE"))
    assert not (await desk.resolve(EXPLAIN)).HasField("correction")
    assert ((await desk.get()).state, (await desk.get()).resolution) == (RESOLVED, "EXPLAINED")


async def test_a_contradiction_is_decided_where_it_is(desk: Desk) -> None:
    await desk.find(found(kind="CONTRADICTED", contradiction_id="ctr_1", operation="PAY"))
    for action in (CONFIRM, PROPOSE, EXPLAIN):
        with pytest.raises(ContradictionDecidedElsewhere) as refused:
            await desk.resolve(action)
        assert refused.value.metadata == {
            "service": "withdrawal",
            "method": "ProposeResolution",
            "contradiction_id": "ctr_1",
        }


@pytest.mark.parametrize(
    ("changes", "action", "possible"),
    [
        ({"kind": "FEE_MISMATCH", "reported_fee_minor": 26}, CONFIRM, "PROPOSE_CORRECTION,EXPLAIN"),
        ({"kind": "DUPLICATE"}, PROPOSE, "EXPLAIN"),
        ({"attempt_id": None}, CONFIRM, "PROPOSE_CORRECTION,EXPLAIN"),
    ],
)
async def test_what_cannot_end_so_is_refused_and_says_how_it_can(
    desk: Desk, changes: dict[str, Any], action: Any, possible: str
) -> None:
    await desk.find(found(**changes))
    with pytest.raises(ResolutionActionNotPossible) as refused:
        await desk.resolve(action)
    assert refused.value.metadata == {"possible": possible}
    assert await desk.told() == []


async def test_who_resolves_has_a_name_and_what_is_resolved_exists(desk: Desk) -> None:
    await desk.find(found())
    with pytest.raises(SamePerson):
        await desk.resolve(CONFIRM, person=ANONYMOUS)
    with pytest.raises(DiscrepancyNotFound):
        await desk.resolve(CONFIRM, 2)
    with pytest.raises(CorrectionNotFound):
        await desk.approve("crp_" + "0" * 32)


async def test_the_same_call_again_proposes_nothing_more(desk: Desk) -> None:
    await desk.find(found())
    request_id = str(uuid.uuid4())
    first = await desk.resolve(PROPOSE, request_id=request_id)
    assert await desk.resolve(PROPOSE, request_id=request_id) == first
    assert len(await desk.corrections()) == 1


async def test_the_ledgers_answer_to_what_nobody_asked_is_a_dead_letter(desk: Desk) -> None:
    await desk.find(found())
    [result] = await desk.deliver(booked("Correction", "crp_" + "9" * 32))
    assert isinstance(result, Impossible)
    proposed = (await desk.resolve(PROPOSE)).correction
    [early] = await desk.deliver(booked("Correction", proposed.correction_id))
    assert isinstance(early, Impossible)
    assert await desk.deliver(booked("Adjustment", "ticket-1")) == [None]


async def test_what_is_over_before_the_ledger_answers_is_told_once(desk: Desk) -> None:
    await desk.find(found())
    proposed = (await desk.resolve(PROPOSE)).correction
    await desk.approve(proposed.correction_id)
    sql = "UPDATE discrepancy SET state = 'RESOLVED', resolution = 'MATCHED' WHERE discrepancy_id = $1"
    await desk.runtime.transaction(lambda tx: tx.run(sql, discrepancy_id(1)))
    assert await desk.deliver(booked("Correction", proposed.correction_id)) == [None]
    assert [each.state for each in await desk.corrections()] == [pb.CORRECTION_STATE_BOOKED]
    assert await desk.told_types() == ["CorrectionApproved"]


async def test_a_correction_of_what_is_over_meanwhile_is_not_approved(desk: Desk) -> None:
    await desk.find(found())
    proposed = (await desk.resolve(PROPOSE)).correction
    sql = "UPDATE discrepancy SET state = 'RESOLVED', resolution = 'MATCHED' WHERE discrepancy_id = $1"
    await desk.runtime.transaction(lambda tx: tx.run(sql, discrepancy_id(1)))
    with pytest.raises(IllegalTransition):
        await desk.approve(proposed.correction_id)
    assert (await desk.reject(proposed.correction_id)).state == pb.CORRECTION_STATE_REJECTED


async def test_corrections_are_listed_newest_first_by_state_and_discrepancy(desk: Desk) -> None:
    await desk.find(*(found(number) for number in (1, 2, 3)))
    ids = [(await desk.resolve(PROPOSE, number)).correction.correction_id for number in (1, 2, 3)]
    await desk.reject(ids[1])
    assert [each.correction_id for each in await desk.corrections()] == ids[::-1]
    waiting = await desk.corrections(state=pb.CORRECTION_STATE_PROPOSED)
    assert [each.correction_id for each in waiting] == [ids[2], ids[0]]
    assert [each.correction_id for each in await desk.corrections(discrepancy_id=discrepancy_id(2))] == [ids[1]]
    request = pb.ListCorrectionsRequest(page_size=2)
    page = await desk.call.ListCorrections(request, ANY)
    request.page_token = page.next_page_token
    rest = await desk.call.ListCorrections(request, ANY)
    assert ([c.correction_id for c in rest.corrections], rest.next_page_token) == ([ids[0]], "")
