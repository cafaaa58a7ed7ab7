"""What payments' events tell beside money, and what is told once because it is soon over, or overdue."""

import uuid
from datetime import timedelta
from typing import Any

import pytest

from paykit.channels.attempts import OUTCOME_WITHIN_S
from paykit.testing.runtimes import START
from paystream.order.v1.events import OrderCancelled
from paystream.payment.v1 import events
from paystream.payment.v1 import payment_pb2 as pb
from services.payment.jobs import overdue, reminders
from tests.integration.payment.capturing import advance, attempt_of
from tests.integration.payment.conftest import ANY, House
from tests.integration.payment.disputing import DUE, OPENED, channel, report, usd
from tests.integration.payment.test_overdue import age

__all__ = ["channel"]

DETAIL = pb.PaymentMethod(
    type=pb.PAYMENT_METHOD_TYPE_CARD,
    token="tok_visa",
    brand="visa",
    funding=pb.CARD_FUNDING_DEBIT,
    issuer_country_code="FR",
)


async def one(house: House, payment_id: str, kind: type[Any]) -> Any:
    """The only event of its kind that was told of a payment."""
    [event] = [event for event in await house.told(payment_id) if isinstance(event, kind)]
    return event


async def test_a_charge_tells_its_call_its_means_and_the_terms_of_its_fee(house: House) -> None:
    await house.know_merchant(country_code="DE", aggregate_version=3)
    paid = await house.paid(payment_method=DETAIL)

    [attempt] = await house.attempts(paid.payment_id)
    created, success = await house.told(paid.payment_id)
    means = ("AUTOMATIC", "DE", "visa", "DEBIT", "FR")
    for told in (created, success):
        detail = (told.capture_mode, told.country_code, told.brand, told.funding, told.issuer_country_code)
        assert detail == means
    assert (success.attempt_id, success.attempt_count) == (attempt.attempt_id, 1)
    assert (success.captured_total_minor, success.capture_number) == (10_000, 1)
    assert (success.created_at, success.authorized_at) == (created.occurred_at, None)
    assert (success.fee_basis_points, success.fee_fixed_minor, success.fee_minor) == (290, 30, 320)
    assert paid.payment_method == DETAIL


async def test_a_channel_is_told_before_a_charge_what_its_capture_is_called(house: House) -> None:
    seen: dict[str, str] = {}

    def note(request: Any) -> str:
        seen[request.attempt_id] = getattr(request, "related_no", "")
        return "approve"

    house.channel.fate = note
    paid = await house.paid()
    authorized = await house.authorized()
    captured = await house.capture(authorized.payment_id, 4_000)
    refund = await house.refund(paid.payment_id, 1_000)
    await house.submit()

    success = await one(house, paid.payment_id, events.PaymentSuccess)
    assert seen[success.attempt_id] == success.capture_id == paid.capture_id
    authorization = await one(house, authorized.payment_id, events.PaymentAuthorized)
    assert seen[authorization.attempt_id] == authorized.payment_id
    assert {captured.capture_id, refund.refund_id} < set(seen.values())


async def test_captures_of_an_authorization_are_numbered_and_add_up(house: House) -> None:
    payment = await house.authorized()
    advance(house, timedelta(hours=1))
    for amount_minor in (4_000, 1_000):
        await house.capture(payment.payment_id, amount_minor)
        await house.submit()

    told = await house.told(payment.payment_id)
    captures = [event for event in told if isinstance(event, events.PaymentSuccess)]
    numbered = [(event.capture_number, event.captured_total_minor, event.attempt_count) for event in captures]
    assert numbered == [(1, 4_000, 2), (2, 5_000, 3)]
    assert {event.authorized_at for event in captures} == {told[1].occurred_at}
    assert {event.capture_mode for event in captures} == {"MANUAL"}
    assert len({event.attempt_id for event in captures}) == 2


async def test_a_capture_that_fails_is_told_and_can_be_captured_again(house: House) -> None:
    payment = await house.authorized()
    house.channel.fate = lambda _: "decline"
    failed = await house.capture(payment.payment_id, 4_000)
    await house.submit()

    told = await one(house, payment.payment_id, events.CaptureFailed)
    attempt = await attempt_of(house, payment.payment_id, pb.ATTEMPT_ACTION_CAPTURE)
    assert (told.capture_id, told.amount_minor, told.attempt_id) == (failed.capture_id, 4_000, attempt.attempt_id)
    assert (told.reason, told.final, told.attempt_count) == ("INSUFFICIENT_FUNDS", False, 2)
    assert (await house.get(payment.payment_id)).capturable_minor == 10_000


async def test_a_refund_without_an_answer_is_told_and_ends_by_evidence(house: House) -> None:
    paid = await house.paid()
    house.channel.fate = lambda _: "lost_after"
    refund = await house.refund(paid.payment_id, 1_000)
    await house.submit()
    unknown = await one(house, paid.payment_id, events.RefundUnknown)
    await house.inquire()

    success = await one(house, paid.payment_id, events.RefundSuccess)
    assert (unknown.refund_id, unknown.amount_minor, unknown.evidence) == (refund.refund_id, 1_000, "NO_ANSWER")
    assert unknown.attempt_id == success.attempt_id
    assert (success.automatic, success.attempt_count) == (False, 2)


async def test_what_goes_back_unasked_says_so(house: House) -> None:
    order_id = await house.know_order()
    paid = await house.paid(order_id=order_id)
    await house.know_order(OrderCancelled, order_id=order_id)
    await house.submit()

    told = await house.told(paid.payment_id)
    refunds = [event for event in told if isinstance(event, events.RefundCreated | events.RefundSuccess)]
    assert [event.automatic for event in refunds] == [True, True]


async def test_a_disputes_events_name_its_capture_its_call_and_when_it_began(house: House) -> None:
    await house.know_merchant(dispute_fee_minor=1_500, aggregate_version=3)
    paid = await house.paid()
    [attempt] = await house.attempts(paid.payment_id)
    dispute = await report(house, attempt.attempt_id, OPENED)
    request = pb.ContestDisputeRequest(request_id=str(uuid.uuid4()), dispute_id=dispute.dispute_id, evidence="signed")
    await house.call.ContestDispute(request, ANY)
    await report(house, attempt.attempt_id, pb.DISPUTE_OUTCOME_WON)

    told = (await house.told(paid.payment_id))[2:]
    assert [type(event).__name__ for event in told] == ["DisputeOpened", "DisputeContested", "DisputeWon"]
    assert {(event.capture_id, event.attempt_id) for event in told} == {(paid.capture_id, attempt.attempt_id)}
    assert {(event.opened_at, event.fee_minor) for event in told} == {(START, 1_500)}


async def test_what_is_disputed_above_what_is_left_is_told_beside_the_dispute(house: House) -> None:
    paid = await house.paid()
    await house.refund(paid.payment_id, 7_000)
    await house.submit()
    [charge, _] = await house.attempts(paid.payment_id)
    await report(house, charge.attempt_id, OPENED, amount=usd(4_000))

    exceeded = await one(house, paid.payment_id, events.DisputeExceeded)
    # 10,000 less 7,000 leaves 3,000 of the 4,000 to be held.
    assert (exceeded.amount_minor, exceeded.held_minor, exceeded.excess_minor) == (4_000, 3_000, 1_000)


async def test_a_dispute_to_be_answered_soon_is_told_once_for_each_time_to_answer(house: House) -> None:
    paid = await house.paid()
    [attempt] = await house.attempts(paid.payment_id)
    await report(house, attempt.attempt_id, OPENED)
    await reminders.remind_of_disputes(house.runtime)
    early = await house.told_types(paid.payment_id)
    advance(house, DUE - START - timedelta(days=3))
    for _ in range(3):
        await reminders.remind_of_disputes(house.runtime)

    soon = await one(house, paid.payment_id, events.DisputeDueSoon)
    assert "DisputeDueSoon" not in early
    assert (soon.respond_by, soon.amount_minor, soon.stage) == (DUE, 4_000, "CHARGEBACK")

    later = DUE + timedelta(days=1)
    await report(house, attempt.attempt_id, OPENED, respond_by_time=later, amount=usd(5_000))
    await reminders.remind_of_disputes(house.runtime)
    once = await house.told_types(paid.payment_id)
    advance(house, timedelta(days=1))
    for _ in range(2):
        await reminders.remind_of_disputes(house.runtime)
    told = [event for event in await house.told(paid.payment_id) if isinstance(event, events.DisputeDueSoon)]
    assert (once.count("DisputeDueSoon"), [event.respond_by for event in told]) == (1, [DUE, later])


@pytest.mark.parametrize("over", [False, True])
async def test_a_dispute_that_is_answered_or_late_is_not_to_be_answered_soon(house: House, *, over: bool) -> None:
    paid = await house.paid()
    [attempt] = await house.attempts(paid.payment_id)
    dispute = await report(house, attempt.attempt_id, OPENED)
    if over:
        advance(house, DUE - START)
    else:
        request = pb.ContestDisputeRequest(request_id=str(uuid.uuid4()), dispute_id=dispute.dispute_id, evidence="-")
        await house.call.ContestDispute(request, ANY)
        advance(house, DUE - START - timedelta(hours=1))
    await reminders.remind_of_disputes(house.runtime)

    assert "DisputeDueSoon" not in await house.told_types(paid.payment_id)


async def test_an_authorization_that_expires_soon_is_told_once_with_what_can_be_captured(house: House) -> None:
    payment = await house.authorized()
    await house.capture(payment.payment_id, 4_000)
    await house.submit()
    await reminders.warn_of_expiries(house.runtime)
    early = await house.told_types(payment.payment_id)
    advance(house, timedelta(days=6))
    for _ in range(3):
        await reminders.warn_of_expiries(house.runtime)

    expiring = await one(house, payment.payment_id, events.AuthorizationExpiring)
    assert "AuthorizationExpiring" not in early
    assert (expiring.amount_minor, expiring.capturable_minor) == (10_000, 6_000)
    assert expiring.expires_at == START + timedelta(days=7)


async def test_an_authorization_of_which_nothing_is_left_expires_untold(house: House) -> None:
    whole, given_up = await house.authorized(), await house.authorized()
    await house.capture(whole.payment_id)
    house.channel.fate = lambda request: "pending" if not hasattr(request, "amount") else "approve"
    await house.cancel(given_up.payment_id)
    await house.submit()
    advance(house, timedelta(days=6, hours=1))
    await reminders.warn_of_expiries(house.runtime)

    for payment in (whole, given_up):
        assert "AuthorizationExpiring" not in await house.told_types(payment.payment_id)


async def test_a_call_without_an_outcome_for_long_is_told_once(house: House) -> None:
    house.channel.fate = lambda _: "lost_after"
    paid = await house.paid()
    [attempt] = await house.attempts(paid.payment_id)
    await age(house, attempt.attempt_id, OUTCOME_WITHIN_S - 60)
    await overdue.tell(house.runtime)
    early = await house.told_types(paid.payment_id)
    await age(house, attempt.attempt_id, OUTCOME_WITHIN_S + 60)
    for _ in range(3):
        await overdue.tell(house.runtime)

    told = await one(house, paid.payment_id, events.AttemptOverdue)
    assert early == ["PaymentCreated", "PaymentUnknown"]
    assert (told.attempt_id, told.action, told.amount_minor) == (attempt.attempt_id, "CHARGE", 10_000)
    await house.inquire()
    success = await one(house, paid.payment_id, events.PaymentSuccess)
    assert (success.capture_id, success.attempt_id) == (told.capture_id, attempt.attempt_id)
