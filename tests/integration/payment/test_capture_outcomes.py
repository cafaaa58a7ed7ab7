"""Authorizations, captures and voids without an answer, with one that is late, and with two that contradict."""

from datetime import timedelta
from typing import Any

import pytest

from paystream.payment.v1 import payment_pb2 as pb
from services.payment.domain.authorization import CaptureInProgress
from tests.integration.payment.capturing import advance, attempt_of, expire, settle_record
from tests.integration.payment.conftest import House

APPROVED, DECLINED = pb.CHANNEL_OUTCOME_APPROVED, pb.CHANNEL_OUTCOME_DECLINED


@pytest.mark.parametrize(
    ("fate", "found", "state"),
    [
        ("lost_after", "approve", pb.PAYMENT_STATE_AUTHORIZED),
        ("lost_before", "", pb.PAYMENT_STATE_FAILED),
        ("pending", "decline", pb.PAYMENT_STATE_FAILED),
    ],
)
async def test_an_authorization_without_an_answer_ends_by_evidence(
    house: House, fate: str, found: str, state: Any
) -> None:
    house.channel.fate = lambda _: fate
    payment = await house.authorized()
    assert payment.state == pb.PAYMENT_STATE_UNKNOWN
    settle_record(house, found)

    await house.inquire()

    after = await house.get(payment.payment_id)
    assert (after.state, after.capturable_minor) == (state, 10_000 if found == "approve" else 0)


@pytest.mark.parametrize(
    ("fate", "found", "state", "captured_minor"),
    [
        ("lost_after", "approve", pb.CAPTURE_STATE_SUCCEEDED, 4_000),
        ("lost_before", "", pb.CAPTURE_STATE_FAILED, 0),
        ("pending", "decline", pb.CAPTURE_STATE_FAILED, 0),
    ],
)
async def test_a_capture_without_an_answer_holds_its_amount_until_evidence_ends_it(
    house: House, fate: str, found: str, state: Any, captured_minor: int
) -> None:
    payment = await house.authorized()
    house.channel.fate = lambda _: fate
    await house.capture(payment.payment_id, 4_000)
    await house.submit()

    [lost] = await house.captures(payment.payment_id)
    held = await house.get(payment.payment_id)
    assert (lost.state, held.state, held.capturing_minor) == (
        *(pb.CAPTURE_STATE_UNKNOWN, pb.PAYMENT_STATE_AUTHORIZED),
        4_000,
    )
    with pytest.raises(CaptureInProgress):
        await house.cancel(payment.payment_id)
    settle_record(house, found)
    await house.inquire()

    [ended] = await house.captures(payment.payment_id)
    after = await house.get(payment.payment_id)
    assert (ended.state, after.captured_minor, after.capturing_minor) == (state, captured_minor, 0)
    assert after.capturable_minor == 10_000 - captured_minor


@pytest.mark.parametrize(
    ("fate", "found", "state", "capturable_minor"),
    [
        ("lost_after", "approve", pb.PAYMENT_STATE_CANCELLED, 0),
        ("lost_before", "", pb.PAYMENT_STATE_AUTHORIZED, 10_000),
    ],
)
async def test_a_void_without_an_answer_lets_nothing_be_captured_until_evidence_ends_it(
    house: House, fate: str, found: str, state: Any, capturable_minor: int
) -> None:
    payment = await house.authorized()
    house.channel.fate = lambda _: fate
    await house.cancel(payment.payment_id)
    await house.submit()

    held = await house.get(payment.payment_id)
    assert (held.state, held.capturable_minor) == (pb.PAYMENT_STATE_AUTHORIZED, 0)
    settle_record(house, found)
    await house.inquire()

    after = await house.get(payment.payment_id)
    assert (after.state, after.capturable_minor) == (state, capturable_minor)


async def test_a_refused_void_leaves_the_amount_capturable(house: House) -> None:
    payment = await house.authorized()
    house.channel.fate, house.channel.decline_code = lambda _: "decline", "do_not_honor"
    await house.cancel(payment.payment_id)

    await house.submit()

    after = await house.get(payment.payment_id)
    assert (after.state, after.capturable_minor) == (pb.PAYMENT_STATE_AUTHORIZED, 10_000)
    assert (after.cancel_reason, after.HasField("stated_reason")) == (pb.CANCEL_REASON_UNSPECIFIED, False)


async def test_why_a_payment_is_given_up_is_kept_and_told(house: House) -> None:
    payment = await house.authorized()
    asked = await house.cancel(payment.payment_id, reason="the guest left")
    await house.submit()

    after = await house.get(payment.payment_id)
    event = (await house.told(payment.payment_id))[-1]
    assert (asked.stated_reason.reason, asked.stated_reason.caller) == ("the guest left", "shop")
    assert (after.state, after.stated_reason) == (pb.PAYMENT_STATE_CANCELLED, asked.stated_reason)
    assert (type(event).__name__, event.stated_reason) == ("PaymentCancelled", "the guest left")


async def test_why_an_unsent_payment_is_given_up_is_told_at_once(house: House) -> None:
    payment = await house.create()
    cancelled = await house.cancel(payment.payment_id, reason="ordered twice")

    event = (await house.told(payment.payment_id))[-1]
    assert cancelled.stated_reason.reason == "ordered twice"
    assert (await house.get(payment.payment_id)).stated_reason == cancelled.stated_reason
    assert (type(event).__name__, event.stated_reason) == ("PaymentCancelled", "ordered twice")


async def test_a_channel_that_holds_nothing_any_more_has_released_it(house: House) -> None:
    payment = await house.authorized()
    house.channel.fate, house.channel.decline_code = lambda _: "decline", "authorization_cancelled"
    await house.cancel(payment.payment_id)

    await house.submit()

    assert (await house.get(payment.payment_id)).state == pb.PAYMENT_STATE_CANCELLED


async def test_an_authorization_that_expires_is_given_up(house: House) -> None:
    payment = await house.authorized()
    await house.capture(payment.payment_id, 4_000)
    await house.submit()
    advance(house, timedelta(days=7) - timedelta(microseconds=1))
    assert await expire(house) == pb.CANCEL_REASON_UNSPECIFIED

    advance(house, timedelta(microseconds=1))
    assert await expire(house) == pb.CANCEL_REASON_AUTHORIZATION_EXPIRED
    await house.submit()

    after = await house.get(payment.payment_id)
    assert (after.captured_minor, after.cancelled_minor) == (4_000, 6_000)
    [*_, told] = await house.told(payment.payment_id)
    assert (told.reason, told.captured_minor, told.cancelled_minor) == ("AUTHORIZATION_EXPIRED", 4_000, 6_000)


async def test_what_expires_while_a_capture_is_under_way_is_given_up_after_it(house: House) -> None:
    payment = await house.authorized()
    house.channel.fate = lambda _: "lost_after"
    await house.capture(payment.payment_id, 4_000)
    await house.submit()
    advance(house, timedelta(days=8))
    await expire(house)
    await house.submit()
    held = await house.get(payment.payment_id)

    house.channel.fate = lambda _: "approve"
    await house.inquire()
    await house.submit()

    after = await house.get(payment.payment_id)
    assert (held.capturing_minor, held.capturable_minor, held.cancelled_minor) == (4_000, 0, 0)
    assert (after.captured_minor, after.cancelled_minor, after.state) == (4_000, 6_000, pb.PAYMENT_STATE_SUCCEEDED)


async def test_an_expired_authorization_that_its_channel_will_not_release_is_tried_again(house: House) -> None:
    payment = await house.authorized()
    house.channel.fate, house.channel.decline_code = lambda _: "decline", "do_not_honor"
    advance(house, timedelta(days=8))
    await expire(house)
    await house.submit()
    refused = await house.get(payment.payment_id)

    house.channel.fate = lambda _: "approve"
    advance(house, timedelta(hours=1))
    await expire(house)
    await house.submit()

    assert (refused.state, refused.capturable_minor) == (pb.PAYMENT_STATE_AUTHORIZED, 0)
    assert (await house.get(payment.payment_id)).state == pb.PAYMENT_STATE_CANCELLED


async def test_an_authorization_after_a_failure_is_released(house: House) -> None:
    house.channel.fate = lambda _: "decline"
    payment = await house.authorized()
    [attempt] = await house.attempts(payment.payment_id)
    house.channel.fate = lambda _: "approve"

    await house.report(attempt.attempt_id, APPROVED, "ch_late")
    await house.report(attempt.attempt_id, APPROVED, "ch_late")
    await house.submit()

    [told, release] = await house.attempts(payment.payment_id)
    after = await house.get(payment.payment_id)
    assert (told.contradicted, release.action, release.state) == (
        *(True, pb.ATTEMPT_ACTION_CANCEL),
        pb.ATTEMPT_STATE_SUCCEEDED,
    )
    assert (after.state, after.authorized_minor) == (pb.PAYMENT_STATE_FAILED, 0)
    assert (await house.told_types(payment.payment_id))[-2:] == ["PaymentFailed", "PaymentContradicted"]


async def test_a_capture_after_a_failure_is_given_back(house: House) -> None:
    payment = await house.authorized()
    house.channel.fate = lambda _: "decline"
    await house.capture(payment.payment_id, 4_000)
    await house.submit()
    house.channel.fate = lambda _: "approve"
    attempt = await attempt_of(house, payment.payment_id, pb.ATTEMPT_ACTION_CAPTURE)

    await house.report(attempt.attempt_id, APPROVED, "ch_late")
    await house.submit()

    after = await house.get(payment.payment_id)
    back = await attempt_of(house, payment.payment_id, pb.ATTEMPT_ACTION_REFUND)
    assert (after.state, after.captured_minor, after.refunded_minor) == (pb.PAYMENT_STATE_AUTHORIZED, 0, 0)
    assert back.state == pb.ATTEMPT_STATE_SUCCEEDED
    assert (await house.told_types(payment.payment_id))[-5:] == [
        *("LateCaptureReceived", "RefundCreated", "PaymentContradicted"),
        *("RefundSuccess", "PaymentContradictionResolved"),
    ]


@pytest.mark.parametrize("action", [pb.ATTEMPT_ACTION_AUTHORIZE, pb.ATTEMPT_ACTION_CAPTURE, pb.ATTEMPT_ACTION_CANCEL])
async def test_a_failure_after_success_is_kept_beside_it_once(house: House, action: Any) -> None:
    payment = await house.authorized()
    await house.capture(payment.payment_id, 4_000)
    await house.submit()
    await house.cancel(payment.payment_id)
    await house.submit()
    before = await house.get(payment.payment_id)
    attempt = await attempt_of(house, payment.payment_id, action)

    for _ in range(2):
        await house.report(attempt.attempt_id, DECLINED, attempt.channel_reference, decline_code="do_not_honor")

    after = await house.get(payment.payment_id)
    [contradicted] = [a for a in await house.attempts(payment.payment_id) if a.contradicted]
    assert (contradicted.attempt_id, contradicted.action) == (attempt.attempt_id, action)
    assert (after.state, after.captured_minor, after.cancelled_minor) == (before.state, 4_000, 6_000)
    assert (await house.told_types(payment.payment_id)).count("PaymentContradicted") == 1


@pytest.mark.parametrize("action", [pb.ATTEMPT_ACTION_AUTHORIZE, pb.ATTEMPT_ACTION_CAPTURE, pb.ATTEMPT_ACTION_CANCEL])
async def test_what_is_known_already_changes_nothing(house: House, action: Any) -> None:
    payment = await house.authorized()
    await house.capture(payment.payment_id, 4_000)
    await house.submit()
    await house.cancel(payment.payment_id)
    await house.submit()
    before = await house.get(payment.payment_id)
    attempt = await attempt_of(house, payment.payment_id, action)

    for _ in range(2):
        await house.report(attempt.attempt_id, APPROVED, attempt.channel_reference)

    assert await house.get(payment.payment_id) == before
