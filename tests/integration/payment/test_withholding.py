"""What waits for a channel too long, or for a merchant who was stopped meanwhile, is never sent."""

from datetime import timedelta
from typing import Any

import pytest

from paykit.errors import FieldInvalid
from paykit.serve.timestamps import to_timestamp
from paykit.testing.runtimes import START
from paystream.merchant.v1 import events as merchant_events
from paystream.payment.v1 import payment_pb2 as pb
from services.payment.jobs import attempts as jobs
from tests.integration.payment.capturing import advance, attempt_of, claim_one
from tests.integration.payment.conftest import House

MANUAL = pb.CAPTURE_MODE_MANUAL
STOPPED: dict[str, dict[str, Any]] = {
    "suspended": {"status": merchant_events.MerchantStatus.SUSPENDED},
    "frozen": {"frozen": True},
    "closing": {"closing": True},
}


async def stop(house: House, how: str) -> None:
    await house.know_merchant(aggregate_version=3, **STOPPED[how])


async def expire(house: House) -> None:
    while await jobs.expire_unsent(house.runtime):
        pass


@pytest.mark.parametrize("mode", [pb.CAPTURE_MODE_AUTOMATIC, MANUAL])
async def test_a_payment_that_could_not_be_sent_for_a_day_fails_unsent(house: House, mode: Any) -> None:
    payment = await house.create(capture_mode=mode)
    advance(house, timedelta(hours=24) - timedelta(microseconds=1))
    await expire(house)
    waiting = await house.get(payment.payment_id)
    advance(house, timedelta(microseconds=1))
    await expire(house)
    await house.submit()

    assert waiting.state == pb.PAYMENT_STATE_CREATED
    failed = await house.get(payment.payment_id)
    assert (failed.state, failed.failure_reason) == (pb.PAYMENT_STATE_FAILED, "EXPIRED_UNSENT")
    assert house.channel.record == {}
    assert await house.told_types(payment.payment_id) == ["PaymentCreated", "PaymentFailed"]


async def test_a_caller_says_until_when_a_payment_may_be_sent(house: House) -> None:
    until = START + timedelta(hours=1)
    payment = await house.create(expire_time=to_timestamp(until))
    [attempt] = await house.attempts(payment.payment_id)
    advance(house, timedelta(hours=1))
    await house.submit()  # Before the job has looked.

    assert attempt.expire_time == to_timestamp(until)
    failed = await house.get(payment.payment_id)
    assert (failed.state, failed.failure_reason, failed.failure_code) == (
        *(pb.PAYMENT_STATE_FAILED, "EXPIRED_UNSENT"),
        "expired_unsent",
    )
    assert house.channel.record == {}


@pytest.mark.parametrize("until", [START, START + timedelta(days=30, seconds=1)])
async def test_a_time_that_is_past_or_too_far_ahead_is_refused(house: House, until: Any) -> None:
    with pytest.raises(FieldInvalid):
        await house.create(expire_time=to_timestamp(until))
    assert await house.count("payment") == 0


async def test_a_payment_that_is_being_sent_does_not_expire(house: House) -> None:
    payment = await house.create()
    await claim_one(house)
    advance(house, timedelta(days=2))
    await expire(house)

    assert (await house.get(payment.payment_id)).state == pb.PAYMENT_STATE_CREATED


@pytest.mark.parametrize("how", STOPPED)
@pytest.mark.parametrize("mode", [pb.CAPTURE_MODE_AUTOMATIC, MANUAL])
async def test_a_payment_that_waits_for_a_stopped_merchant_is_not_sent(house: House, how: str, mode: Any) -> None:
    payment = await house.create(capture_mode=mode)
    await stop(house, how)
    await house.submit()

    failed = await house.get(payment.payment_id)
    assert (failed.state, failed.failure_reason) == (pb.PAYMENT_STATE_FAILED, "MERCHANT_SUSPENDED")
    assert house.channel.record == {}


@pytest.mark.parametrize(("how", "captured_minor"), [("suspended", 0), ("frozen", 0), ("closing", 4_000)])
async def test_a_capture_is_sent_only_for_a_merchant_who_may_finish_business(
    house: House, how: str, captured_minor: int
) -> None:
    payment = await house.authorized()
    await house.capture(payment.payment_id, 4_000)
    await stop(house, how)
    await house.submit()

    after = await house.get(payment.payment_id)
    assert (after.captured_minor, after.capturing_minor) == (captured_minor, 0)
    assert after.capturable_minor == 10_000 - captured_minor
    [capture] = await house.captures(payment.payment_id)
    assert capture.failure_reason == ("" if captured_minor else "MERCHANT_SUSPENDED")


@pytest.mark.parametrize("how", STOPPED)
async def test_what_gives_money_back_is_sent_for_every_merchant(house: House, how: str) -> None:
    charged = await house.paid()
    held = await house.authorized()
    await house.refund(charged.payment_id, 2_500)
    await house.cancel(held.payment_id)
    await stop(house, how)
    advance(house, timedelta(days=2))
    await expire(house)
    await house.submit()

    charged, held = await house.get(charged.payment_id), await house.get(held.payment_id)
    assert (charged.refunded_minor, held.cancelled_minor) == (2_500, 10_000)
    assert not (await attempt_of(house, held.payment_id, pb.ATTEMPT_ACTION_CANCEL)).HasField("expire_time")


async def test_a_capture_that_could_not_be_sent_for_a_day_can_be_asked_for_again(house: House) -> None:
    payment = await house.authorized()
    await house.capture(payment.payment_id, 4_000, final=True)
    advance(house, timedelta(hours=24))
    await expire(house)

    after = await house.get(payment.payment_id)
    assert (after.state, after.capturing_minor, after.capturable_minor) == (pb.PAYMENT_STATE_AUTHORIZED, 0, 10_000)
    await house.capture(payment.payment_id, 4_000)
    await house.submit()
    assert (await house.get(payment.payment_id)).captured_minor == 4_000
