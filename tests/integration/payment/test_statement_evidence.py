"""Lines of statements end what is unknown of charges, captures and refunds, or contradict what is recorded."""

from typing import Any

import pytest

from paykit.consume.delivery import Impossible
from paystream.common.v1 import contradiction_pb2
from paystream.common.v1.money_pb2 import Money
from paystream.payment.v1 import payment_pb2 as pb
from paystream.reconciliation.v1.events import StatementEvidenceAccepted
from services.payment import handlers
from tests.integration.payment.capturing import attempt_of
from tests.integration.payment.conftest import House
from tests.integration.payment.contradicting import contradictions, only_contradiction
from tests.integration.payment.statement_evidence import accepted, deliver

CHARGE, CAPTURE = pb.ATTEMPT_ACTION_CHARGE, pb.ATTEMPT_ACTION_CAPTURE
REFUND, VOID = pb.ATTEMPT_ACTION_REFUND, pb.ATTEMPT_ACTION_CANCEL


async def tell(house: House, *events: StatementEvidenceAccepted) -> list[Any]:
    return await deliver(house.runtime, handlers.on_statement_evidence, *events)


async def sources(house: House) -> list[tuple[str, str]]:
    rows = await house.runtime.read(lambda tx: tx.fetch("SELECT source, verdict FROM evidence ORDER BY evidence_id"))
    return [tuple(row) for row in rows]


async def unmatched(house: House) -> list[pb.UnmatchedEvidence]:
    return list((await house.call.ListUnmatchedEvidence(pb.ListUnmatchedEvidenceRequest(), None)).evidence)


async def lost_charge(house: House) -> tuple[str, str]:
    """A charge without an answer; its payment and attempt."""
    house.channel.fate = lambda _request: "lost_after"
    payment = await house.paid(amount=Money(amount_minor=10_000, currency_code="USD"))
    house.channel.fate = lambda _request: "approve"
    assert payment.state == pb.PAYMENT_STATE_UNKNOWN
    return payment.payment_id, (await attempt_of(house, payment.payment_id, CHARGE)).attempt_id


async def test_a_charge_without_an_answer_is_ended_by_a_line_and_the_same_line_again_changes_nothing(
    house: House,
) -> None:
    payment_id, attempt_id = await lost_charge(house)
    line = accepted(attempt_id, "CAPTURE")
    assert await tell(house, line, line) == [None, None]
    paid = await house.get(payment_id)
    assert (paid.state, paid.captured_minor) == (pb.PAYMENT_STATE_SUCCEEDED, 10_000)
    assert await house.told_types(payment_id) == ["PaymentCreated", "PaymentUnknown", "PaymentSuccess"]
    assert (await house.told(payment_id))[-1].channel_reference == "ch_line"
    before = await house.count("outbox")
    assert await tell(house, line) == [None]
    assert (await house.count("outbox"), await contradictions(house)) == (before, [])
    assert ("STATEMENT_LINE", "SUCCEED") in await sources(house)


async def test_a_charge_without_an_answer_is_failed_by_a_line(house: House) -> None:
    payment_id, attempt_id = await lost_charge(house)
    assert await tell(house, accepted(attempt_id, "CAPTURE", "FAILED")) == [None]
    assert (await house.get(payment_id)).state == pb.PAYMENT_STATE_FAILED
    failed = (await house.told(payment_id))[-1]
    assert (type(failed).__name__, failed.failure_code) == ("PaymentFailed", "line_says_no")


async def test_a_line_over_another_amount_captures_what_it_says(house: House) -> None:
    payment_id, attempt_id = await lost_charge(house)
    assert await tell(house, accepted(attempt_id, "CAPTURE", amount_minor=9_000)) == [None]
    assert (await house.get(payment_id)).captured_minor == 9_000


async def test_a_capture_without_an_answer_is_ended_by_a_line(house: House) -> None:
    payment = await house.authorized(amount=Money(amount_minor=10_000, currency_code="USD"))
    house.channel.fate = lambda _request: "lost_after"
    await house.capture(payment.payment_id, 6_000)
    await house.submit()
    attempt = await attempt_of(house, payment.payment_id, CAPTURE)
    assert attempt.state == pb.ATTEMPT_STATE_UNKNOWN
    assert await tell(house, accepted(attempt.attempt_id, "CAPTURE", amount_minor=6_000)) == [None]
    assert (await house.get(payment.payment_id)).captured_minor == 6_000
    assert (await house.told_types(payment.payment_id))[-1] == "PaymentSuccess"


async def test_a_refund_without_an_answer_is_ended_by_a_line(house: House) -> None:
    payment = await house.paid(amount=Money(amount_minor=10_000, currency_code="USD"))
    house.channel.fate = lambda _request: "lost_after"
    refund = await house.refund(payment.payment_id, 4_000)
    await house.submit()
    attempt = await attempt_of(house, payment.payment_id, REFUND)
    assert attempt.state == pb.ATTEMPT_STATE_UNKNOWN
    assert await tell(house, accepted(attempt.attempt_id, "REFUND", amount_minor=4_000)) == [None]
    assert (await house.get_refund(refund.refund_id)).state == pb.REFUND_STATE_SUCCEEDED
    assert (await house.get(payment.payment_id)).refunded_minor == 4_000


async def test_a_charge_that_failed_is_contradicted_by_a_line_once(house: House) -> None:
    house.channel.fate = lambda _request: "decline"
    failed = await house.paid(amount=Money(amount_minor=10_000, currency_code="USD"))
    house.channel.fate = lambda _request: "approve"
    attempt = await attempt_of(house, failed.payment_id, CHARGE)
    line = accepted(attempt.attempt_id, "CAPTURE")
    assert await tell(house, line) == [None]
    told = await house.told_types(failed.payment_id)
    late = ["LateCaptureReceived", "RefundCreated", "PaymentContradicted"]
    assert told == ["PaymentCreated", "PaymentFailed", *late]
    listed = await only_contradiction(house)
    assert listed.state == contradiction_pb2.CONTRADICTION_STATE_AUTOMATIC
    assert ("STATEMENT_LINE", "CONTRADICT") in await sources(house)
    assert await tell(house, line, line) == [None, None]
    assert (await house.told_types(failed.payment_id), len(await contradictions(house))) == (told, 1)


async def test_a_charge_that_was_captured_bounces_by_a_line(house: House) -> None:
    payment = await house.paid(amount=Money(amount_minor=10_000, currency_code="USD"))
    attempt = await attempt_of(house, payment.payment_id, CHARGE)
    assert await tell(house, accepted(attempt.attempt_id, "CAPTURE", "FAILED", channel_reference=None)) == [None]
    assert "PaymentReversed" in await house.told_types(payment.payment_id)


async def test_a_line_that_says_what_is_recorded_changes_nothing(house: House) -> None:
    payment = await house.paid(amount=Money(amount_minor=10_000, currency_code="USD"))
    attempt = await attempt_of(house, payment.payment_id, CHARGE)
    told = await house.told_types(payment.payment_id)
    same = accepted(attempt.attempt_id, "CAPTURE", channel_reference=attempt.channel_reference)
    assert await tell(house, same) == [None]
    assert (await house.told_types(payment.payment_id), await contradictions(house)) == (told, [])


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [({"attempt_id": "att_none"}, "ATTEMPT_NOT_FOUND"), ({"currency_code": "EUR"}, "CHANNEL_AMOUNT_MISMATCH")],
    ids=["an unknown attempt", "another currency"],
)
async def test_a_line_about_nothing_known_is_kept_once(house: House, changes: dict[str, Any], refusal: str) -> None:
    payment_id, attempt_id = await lost_charge(house)
    line = accepted(**{"attempt_id": attempt_id, "operation": "CAPTURE"} | changes)
    assert await tell(house, line, line) == [None, None]
    [kept] = await unmatched(house)
    assert (kept.refusal, kept.channel_reference, kept.attempt_id) == (refusal, "ch_line", line.attempt_id)
    assert (await house.get(payment_id)).state == pb.PAYMENT_STATE_UNKNOWN


async def test_payouts_are_left_to_withdrawal(house: House) -> None:
    assert await tell(house, accepted("att_none", "PAY"), accepted("att_none", "PAY", "RETURNED")) == [None, None]
    assert await unmatched(house) == []


async def test_a_line_that_says_what_no_payment_can_be_ended_by_is_a_dead_letter_and_the_others_are_applied(
    house: House,
) -> None:
    payment_id, attempt_id = await lost_charge(house)
    events = [accepted(attempt_id, "CAPTURE", outcome) for outcome in ("UNKNOWN", "RETURNED", "SUCCEEDED")]
    unknown, returned, succeeded = await tell(house, *events)
    assert isinstance(unknown, Impossible)
    assert isinstance(returned, Impossible)
    assert (succeeded, (await house.get(payment_id)).state) == (None, pb.PAYMENT_STATE_SUCCEEDED)
