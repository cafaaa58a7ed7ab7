"""An answer that is recorded after the callback which followed it changes nothing that the callback said."""

import pytest

from paykit.cause import Cause
from paykit.channels.attempts import Evidence, EvidenceOutcome, RecordEvidence, Source
from paystream.common.v1.money_pb2 import Money
from paystream.withdrawal.v1 import withdrawal_pb2 as pb
from services.withdrawal import commands
from tests.integration.withdrawal.conftest import ANY, Treasury, by_amount

AMOUNT = 20_000
SETTLED = 100_000
CAUSE = Cause("cor_overtaken", None, "bank", None)


@pytest.fixture(autouse=True)
async def settled(treasury: Treasury) -> None:
    await treasury.settle(SETTLED)


async def unanswered(treasury: Treasury) -> str:
    """A payout that the bank has not answered; its withdrawal."""
    treasury.bank.fate = by_amount({AMOUNT: "lost_after"})
    return (await treasury.paid(AMOUNT)).withdrawal_id


async def answer(treasury: Treasury, withdrawal_id: str, source: Source, returned_minor: int) -> None:
    """Record that a call, or an inquiry, was answered with a return."""
    told = Evidence(
        attempt_id=(await treasury.attempt(withdrawal_id)).attempt_id,
        source=source,
        outcome=EvidenceOutcome.RETURNED,
        channel_reference="ch_1",
        failure_code="account_closed",
        amount_minor=returned_minor,
        currency_code="USD",
    )
    items = [RecordEvidence(evidence=told, cause=CAUSE)]
    await treasury.runtime.transaction(lambda tx: commands.evidence.record_evidence(tx, items))


async def contradictions(treasury: Treasury) -> int:
    return len((await treasury.call.ListContradictions(pb.ListContradictionsRequest(), ANY)).contradictions)


@pytest.mark.parametrize("source", [Source.RESPONSE, Source.INQUIRY])
async def test_a_return_that_was_overtaken_by_a_failure_is_kept_and_moves_nothing(
    treasury: Treasury, source: Source
) -> None:
    withdrawal_id = await unanswered(treasury)
    await treasury.report(withdrawal_id, pb.BANK_OUTCOME_FAILED, code="account_closed")

    await answer(treasury, withdrawal_id, source, 18_500)

    after = await treasury.get(withdrawal_id)
    assert (after.state, after.taken_minor, after.contradicted) == (pb.WITHDRAWAL_STATE_FAILED, 0, False)
    assert (await treasury.attempt(withdrawal_id)).state == pb.ATTEMPT_STATE_FAILED
    assert (await treasury.told_types(withdrawal_id))[-2:] == ["Unknown", "Failed"]
    assert (await treasury.withdrawable(), await contradictions(treasury)) == (SETTLED, 0)
    kept = await treasury.runtime.read(
        lambda tx: tx.fetch("SELECT source, outcome, verdict FROM evidence ORDER BY record_time")
    )
    assert [tuple(row) for row in kept] == [("CALLBACK", "FAILED", "FAIL"), (source, "RETURNED", "CONFIRM")]
    # What the bank says after that is believed as ever: 20,000 went out, and 18,500 came back.
    await treasury.report(
        withdrawal_id, pb.BANK_OUTCOME_RETURNED, amount=Money(amount_minor=18_500, currency_code="USD")
    )
    assert (await treasury.state(withdrawal_id), await treasury.withdrawable()) == ("RETURNED", SETTLED - 1_500)


async def test_a_return_that_becomes_known_after_the_payment_it_followed_comes_back_however_late(
    treasury: Treasury,
) -> None:
    withdrawal_id = await unanswered(treasury)
    await treasury.report(withdrawal_id, pb.BANK_OUTCOME_COMPLETED)

    await answer(treasury, withdrawal_id, Source.INQUIRY, 18_500)

    assert (await treasury.told_types(withdrawal_id))[-2:] == ["Completed", "Returned"]
    assert (await treasury.withdrawable(), await contradictions(treasury)) == (SETTLED - 1_500, 0)
