"""Lines of the bank's statements end what is unknown of payouts, or contradict what is recorded."""

from typing import Any

import pytest

from paykit.consume.delivery import Impossible
from paystream.reconciliation.v1.events import StatementEvidenceAccepted
from paystream.withdrawal.v1 import withdrawal_pb2 as pb
from services.withdrawal import handlers
from tests.integration.payment.statement_evidence import accepted, deliver
from tests.integration.withdrawal.conftest import ANY, Treasury, by_amount

AMOUNT = 20_000


@pytest.fixture(autouse=True)
async def settled(treasury: Treasury) -> None:
    await treasury.settle(100_000)


async def tell(treasury: Treasury, *events: StatementEvidenceAccepted) -> list[Any]:
    return await deliver(treasury.runtime, handlers.on_statement_evidence, *events)


async def sent(treasury: Treasury, fate: str) -> tuple[str, str]:
    """A payout that the bank treated so; its withdrawal and attempt."""
    treasury.bank.fate = by_amount({AMOUNT: fate})
    withdrawal_id = (await treasury.paid(AMOUNT)).withdrawal_id
    return withdrawal_id, (await treasury.attempt(withdrawal_id)).attempt_id


async def unmatched(treasury: Treasury) -> list[pb.UnmatchedEvidence]:
    return list((await treasury.call.ListUnmatchedEvidence(pb.ListUnmatchedEvidenceRequest(), ANY)).evidence)


async def test_a_payout_without_an_answer_is_ended_by_a_line_and_the_same_line_again_changes_nothing(
    treasury: Treasury,
) -> None:
    withdrawal_id, attempt_id = await sent(treasury, "lost_after")
    assert await treasury.state(withdrawal_id) == "UNKNOWN"
    line = accepted(attempt_id, "PAY", amount_minor=AMOUNT)
    assert await tell(treasury, line, line) == [None, None]
    assert await treasury.state(withdrawal_id) == "COMPLETED"
    told = await treasury.told_types(withdrawal_id)
    assert told[-1] == "Completed"
    assert await tell(treasury, line) == [None]
    assert await treasury.told_types(withdrawal_id) == told


async def test_a_payout_without_an_answer_is_failed_by_a_line_and_its_funds_come_back(treasury: Treasury) -> None:
    withdrawal_id, attempt_id = await sent(treasury, "lost_before")
    assert await tell(treasury, accepted(attempt_id, "PAY", "FAILED", amount_minor=AMOUNT)) == [None]
    assert (await treasury.state(withdrawal_id), await treasury.withdrawable()) == ("FAILED", 100_000)


async def test_a_payout_that_failed_is_contradicted_by_a_line_once(treasury: Treasury) -> None:
    withdrawal_id, attempt_id = await sent(treasury, "decline")
    line = accepted(attempt_id, "PAY", amount_minor=AMOUNT)
    assert await tell(treasury, line, line) == [None, None]
    assert await tell(treasury, line) == [None]
    types = await treasury.told_types(withdrawal_id)
    assert types == ["Created", "Approved", "Submitted", "Failed", "PaidLate", "Contradicted"]
    assert await treasury.withdrawable() == 80_000
    reply = await treasury.call.ListContradictions(pb.ListContradictionsRequest(), ANY)
    assert [each.aggregate_id for each in reply.contradictions] == [withdrawal_id]


async def test_a_payout_that_was_completed_comes_back_short_by_a_line(treasury: Treasury) -> None:
    withdrawal_id, attempt_id = await sent(treasury, "approve")
    line = accepted(attempt_id, "PAY", "RETURNED", amount_minor=19_000, channel_reference=None)
    assert await tell(treasury, line, line) == [None, None]
    returned = await treasury.get(withdrawal_id)
    assert (returned.state, returned.returned_minor) == (pb.WITHDRAWAL_STATE_RETURNED, 19_000)
    assert await treasury.withdrawable() == 99_000


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [({"attempt_id": "att_none"}, "ATTEMPT_NOT_FOUND"), ({"currency_code": "EUR"}, "CHANNEL_AMOUNT_MISMATCH")],
    ids=["an unknown attempt", "another currency"],
)
async def test_a_line_about_nothing_known_is_kept_once(
    treasury: Treasury, changes: dict[str, Any], refusal: str
) -> None:
    withdrawal_id, attempt_id = await sent(treasury, "lost_after")
    given: dict[str, Any] = {"attempt_id": attempt_id, "operation": "PAY", "amount_minor": AMOUNT}
    line = accepted(**given | changes)
    assert await tell(treasury, line, line) == [None, None]
    assert [kept.refusal for kept in await unmatched(treasury)] == [refusal]
    assert await treasury.state(withdrawal_id) == "UNKNOWN"


async def test_what_payment_asks_of_channels_is_left_to_it(treasury: Treasury) -> None:
    assert await tell(treasury, accepted("att_none", "CAPTURE"), accepted("att_none", "REFUND")) == [None, None]
    assert await unmatched(treasury) == []


async def test_a_line_that_says_nothing_is_a_dead_letter(treasury: Treasury) -> None:
    _, attempt_id = await sent(treasury, "lost_after")
    [result] = await tell(treasury, accepted(attempt_id, "PAY", "UNKNOWN", amount_minor=AMOUNT))
    assert isinstance(result, Impossible)
