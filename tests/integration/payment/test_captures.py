"""Authorizations captured in parts and given up, on a real database, with a channel that does what a test tells it."""

import asyncio
import uuid
from functools import partial
from typing import Any

import asyncpg
import pytest

from paykit.channels.attempts import ChannelAmountMismatch
from paykit.errors import CurrencyMismatch, EtagMismatch, IllegalTransition
from paykit.postgres.database import Tx
from paystream.common.v1.money_pb2 import Money
from paystream.payment.v1 import payment_pb2 as pb
from services.payment.domain.authorization import CaptureInProgress
from services.payment.domain.capture import CaptureExceedsCapturable
from services.payment.domain.payment import PaymentNotFound
from services.payment.domain.refund import RefundExceedsRefundable
from tests.integration.payment.capturing import attempt_of, claim_one
from tests.integration.payment.conftest import House

APPROVED = pb.CHANNEL_OUTCOME_APPROVED


async def test_an_authorized_payment_is_captured_in_parts(house: House) -> None:
    payment = await house.authorized()
    assert (payment.state, payment.authorized_minor, payment.capturable_minor) == (
        *(pb.PAYMENT_STATE_AUTHORIZED, 10_000),
        10_000,
    )

    first = await house.capture(payment.payment_id, 4_000)
    second = await house.capture(payment.payment_id, 6_000)
    held = await house.get(payment.payment_id)
    await house.submit()

    after = await house.get(payment.payment_id)
    assert (first.state, held.capturing_minor, held.capturable_minor) == (pb.CAPTURE_STATE_CREATED, 10_000, 0)
    assert held.etag != payment.etag
    assert (after.state, after.captured_minor, after.capturing_minor) == (pb.PAYMENT_STATE_SUCCEEDED, 10_000, 0)
    # 2.9 % and 0.30 of the first, 2.9 % of the second.
    assert after.fee_minor == 320
    assert {(c.capture_id, c.amount.amount_minor, c.state) for c in await house.captures(payment.payment_id)} == {
        (first.capture_id, 4_000, pb.CAPTURE_STATE_SUCCEEDED),
        (second.capture_id, 6_000, pb.CAPTURE_STATE_SUCCEEDED),
    }
    assert await house.told_types(payment.payment_id) == [
        *("PaymentCreated", "PaymentAuthorized"),
        *("PaymentSuccess", "PaymentSuccess"),
    ]
    assert after.channel_reference == payment.channel_reference


async def test_every_follow_up_names_the_authorization_at_its_channel(house: House) -> None:
    payment = await house.authorized()
    seen: list[Any] = []

    def approve(request: Any) -> str:
        seen.append(request)
        return "approve"

    house.channel.fate = approve

    made = await house.capture(payment.payment_id, 4_000)
    await house.submit()
    await house.refund(payment.payment_id, 1_000)
    await house.cancel(payment.payment_id)
    await house.submit()

    assert {each.authorization_reference for each in seen} == {payment.channel_reference}
    assert (seen[0].related_no, seen[0].amount.amount_minor) == (made.capture_id, 4_000)


async def test_a_final_capture_gives_up_what_it_leaves(house: House) -> None:
    payment = await house.authorized()

    await house.capture(payment.payment_id, 4_000, final=True)
    with pytest.raises(CaptureExceedsCapturable):
        await house.capture(payment.payment_id, 1)
    await house.submit()

    after = await house.get(payment.payment_id)
    assert (after.captured_minor, after.cancelled_minor, after.capturable_minor) == (4_000, 6_000, 0)
    assert (after.state, after.cancel_reason) == (pb.PAYMENT_STATE_SUCCEEDED, pb.CANCEL_REASON_REQUESTED)
    assert not after.HasField("authorization_expire_time")
    assert (await house.told_types(payment.payment_id))[-2:] == ["PaymentSuccess", "PaymentCancelled"]


async def test_a_void_cancels_what_was_not_captured(house: House) -> None:
    payment = await house.authorized()

    asked = await house.cancel(payment.payment_id)
    with pytest.raises(CaptureExceedsCapturable):
        await house.capture(payment.payment_id, 1)
    with pytest.raises(IllegalTransition):
        await house.cancel(payment.payment_id)
    await house.submit()

    after = await house.get(payment.payment_id)
    assert (asked.state, asked.cancel_reason) == (pb.PAYMENT_STATE_AUTHORIZED, pb.CANCEL_REASON_REQUESTED)
    assert (after.state, after.cancelled_minor) == (pb.PAYMENT_STATE_CANCELLED, 10_000)
    [*_, told] = await house.told(payment.payment_id)
    assert (told.captured_minor, told.cancelled_minor, told.reason) == (0, 10_000, "REQUESTED")


@pytest.mark.parametrize("mode", [pb.CAPTURE_MODE_AUTOMATIC, pb.CAPTURE_MODE_MANUAL])
async def test_what_was_not_sent_is_cancelled_at_once_and_never_sent(house: House, mode: Any) -> None:
    payment = await house.create(capture_mode=mode)

    cancelled = await house.cancel(payment.payment_id)
    await house.submit()

    [attempt] = await house.attempts(payment.payment_id)
    assert (cancelled.state, cancelled.cancelled_minor) == (pb.PAYMENT_STATE_CANCELLED, 10_000)
    assert (attempt.state, attempt.failure_reason, attempt.failure_code) == (
        *(pb.ATTEMPT_STATE_FAILED, "NOT_RECEIVED"),
        "withdrawn",
    )
    assert house.channel.sent == {}
    assert await house.told_types(payment.payment_id) == ["PaymentCreated", "PaymentCancelled"]


async def test_what_is_being_sent_cannot_be_cancelled_yet(house: House) -> None:
    payment = await house.create(capture_mode=pb.CAPTURE_MODE_MANUAL)
    await house.runtime.transaction(
        lambda tx: tx.run("UPDATE attempt SET state = 'STARTED', start_time = clock_timestamp()")
    )

    with pytest.raises(IllegalTransition) as refused:
        await house.cancel(payment.payment_id)

    assert refused.value.metadata == {"state": "CREATED", "action": "CANCEL"}


async def test_a_payment_cancelled_while_it_is_claimed_is_either_cancelled_or_sent(house: House) -> None:
    payments = [await house.create() for _ in range(40)]
    cancels = [house.cancel(payment.payment_id) for payment in payments]

    results: list[Any] = await asyncio.gather(
        *cancels, *(claim_one(house) for _ in payments[::2]), return_exceptions=True
    )

    cancelled = {each.payment_id for each in results[:40] if isinstance(each, pb.Payment)}
    claimed = {each.attempt.payment_id for some in results[40:] for each in some}
    assert claimed.isdisjoint(cancelled)
    assert len(claimed | cancelled) == 40
    for payment in payments:
        after = await house.get(payment.payment_id)
        assert (after.state == pb.PAYMENT_STATE_CANCELLED) == (payment.payment_id in cancelled)


async def test_a_capture_under_way_holds_off_a_void(house: House) -> None:
    payment = await house.authorized()
    await house.capture(payment.payment_id, 4_000)

    with pytest.raises(CaptureInProgress) as refused:
        await house.cancel(payment.payment_id)

    assert refused.value.metadata == {"capturing_minor": "4000", "currency_code": "USD"}


async def test_the_same_capture_again_captures_nothing(house: House) -> None:
    payment = await house.authorized()
    request_id = str(uuid.uuid4())

    first = await house.capture(payment.payment_id, 4_000, request_id=request_id)
    again = await house.capture(payment.payment_id, 4_000, request_id=request_id)

    assert first == again
    assert await house.count("capture") == 1


async def test_a_capture_is_in_the_currency_of_a_payment_that_exists(house: House) -> None:
    payment = await house.authorized()

    with pytest.raises(CurrencyMismatch):
        await house.capture(payment.payment_id, amount=Money(amount_minor=1, currency_code="JPY"))
    with pytest.raises(PaymentNotFound):
        await house.capture("pay_" + "0" * 32, 1)
    with pytest.raises(PaymentNotFound):
        await house.cancel("pay_" + "0" * 32)


async def test_a_refund_of_several_captures_names_none_of_them(house: House) -> None:
    payment = await house.authorized()
    first = await house.capture(payment.payment_id, 4_000)
    await house.submit()
    of_one = await house.refund(payment.payment_id, 1_000)
    await house.capture(payment.payment_id, 6_000)
    await house.submit()

    of_both = await house.refund(payment.payment_id, 9_000)
    await house.submit()

    assert (of_one.capture_id, of_both.capture_id) == (first.capture_id, "")
    after = await house.get(payment.payment_id)
    assert (after.refunded_minor, after.captured_minor) == (10_000, 10_000)


async def test_a_callback_in_another_currency_is_refused(house: House) -> None:
    payment = await house.authorized()
    await house.capture(payment.payment_id, 4_000)
    await house.submit()
    attempt = await attempt_of(house, payment.payment_id, pb.ATTEMPT_ACTION_CAPTURE)

    other = Money(amount_minor=4_000, currency_code="JPY")
    with pytest.raises(ChannelAmountMismatch):
        await house.report(attempt.attempt_id, APPROVED, attempt.channel_reference, amount=other)


async def test_fifty_captures_at_once_never_exceed_what_is_authorized(house: House) -> None:
    payment = await house.authorized()

    results = await asyncio.gather(*(house.capture(payment.payment_id, 300) for _ in range(50)), return_exceptions=True)
    await house.submit()

    accepted = [each for each in results if isinstance(each, pb.Capture)]
    assert len(accepted) == 33
    assert all(isinstance(each, pb.Capture | CaptureExceedsCapturable) for each in results)
    after = await house.get(payment.payment_id)
    assert (after.captured_minor, after.capturing_minor, after.capturable_minor) == (9_900, 0, 100)


async def test_fifty_refunds_at_once_never_exceed_what_is_captured(house: House) -> None:
    payment = await house.paid()

    results = await asyncio.gather(*(house.refund(payment.payment_id, 300) for _ in range(50)), return_exceptions=True)
    held = await house.get(payment.payment_id)
    await house.submit()

    accepted = [each for each in results if isinstance(each, pb.Refund)]
    assert len(accepted) == 33
    assert all(isinstance(each, pb.Refund | RefundExceedsRefundable) for each in results)
    after = await house.get(payment.payment_id)
    assert (held.refunding_minor, after.refunding_minor, after.refunded_minor) == (9_900, 0, 9_900)


async def test_a_capture_and_a_void_at_once_never_both_happen(house: House) -> None:
    payments = [await house.create(capture_mode=pb.CAPTURE_MODE_MANUAL) for _ in range(20)]
    await house.submit()
    calls = []
    for payment in payments:
        calls += [house.capture(payment.payment_id, 4_000), house.cancel(payment.payment_id)]

    results = await asyncio.gather(*calls, return_exceptions=True)
    await house.submit()

    for payment, captured, cancelled in zip(payments, results[::2], results[1::2], strict=True):
        after = await house.get(payment.payment_id)
        assert isinstance(captured, pb.Capture) != isinstance(cancelled, pb.Payment)
        expected = (4_000, 0) if isinstance(captured, pb.Capture) else (0, 10_000)
        assert (after.captured_minor, after.cancelled_minor) == expected


IMPOSSIBLE = [
    "UPDATE payment SET capturing_minor = 10001",
    "UPDATE payment SET capturing_minor = 1, cancelling_minor = 1, cancel_reason = 'REQUESTED'",
    "UPDATE payment SET cancelling_minor = 1",
    "UPDATE payment SET cancelled_minor = 1, cancel_reason = 'REQUESTED'",
    "UPDATE payment SET state = 'CANCELLED'",
    "UPDATE payment SET state = 'FAILED', failure_reason = 'DECLINED'",
    "UPDATE payment SET state = 'UNKNOWN'",
    "UPDATE payment SET capture_mode = 'AUTOMATIC'",
    "UPDATE payment SET authorized_minor = 10001",
    "UPDATE attempt SET state = 'UNKNOWN' WHERE action = 'AUTHORIZE'",
    "UPDATE attempt SET original_reference = NULL WHERE action = 'CAPTURE'",
    "UPDATE capture SET state = 'SUCCEEDED'",
    "UPDATE capture SET fee_minor = 1",
    "UPDATE capture SET state = 'FAILED'",
]


async def test_the_tables_refuse_what_the_domain_would_not_do(house: House) -> None:
    payment = await house.authorized()
    await house.capture(payment.payment_id, 4_000)
    await house.runtime.transaction(lambda tx: tx.run("UPDATE payment SET capturing_minor = 0"))

    for statement in IMPOSSIBLE:
        with pytest.raises(asyncpg.CheckViolationError):
            await house.runtime.transaction(partial(run, statement=statement))


async def run(tx: Tx, *, statement: str) -> int:
    return await tx.run(statement)


async def test_a_payment_that_changed_since_it_was_read_is_neither_captured_nor_given_up(house: House) -> None:
    payment = await house.authorized()
    await house.capture(payment.payment_id, 1_000, etag=payment.etag)

    with pytest.raises(EtagMismatch) as refused:
        await house.capture(payment.payment_id, 1_000, etag=payment.etag)
    assert (refused.value.field, refused.value.metadata) == ("etag", {"payment_id": payment.payment_id})
    await house.submit()
    with pytest.raises(EtagMismatch):
        await house.cancel(payment.payment_id, etag=payment.etag)

    as_it_is = await house.get(payment.payment_id)
    assert as_it_is.captured_minor == 1_000
    assert (await house.cancel(payment.payment_id, etag=as_it_is.etag)).cancel_reason == pb.CANCEL_REASON_REQUESTED
