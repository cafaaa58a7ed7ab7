"""Refunds: what is left, who gets it in a race, and every kind of answer to them."""

import asyncio
import random
import uuid
from functools import partial
from typing import Any

import pytest

from paykit.base.call import current_call
from paykit.errors import CurrencyMismatch, DomainError, IllegalTransition, RequestIdReused
from paystream.common.v1.money_pb2 import Money
from paystream.merchant.v1.events import MerchantStatus
from paystream.payment.v1 import events
from paystream.payment.v1 import payment_pb2 as pb
from services.payment import commands
from services.payment.domain.payment import PaymentNotFound
from services.payment.domain.refund import RefundExceedsRefundable, RefundNotFound
from tests.integration.payment.conftest import House


async def test_a_refund_goes_to_the_channel_and_comes_back_done(house: House) -> None:
    paid = await house.paid()  # 100.00 USD with a fee of 3.20, which returns with refunds.

    created = await house.refund(paid.payment_id, 2_500, reason=pb.REFUND_REASON_DUPLICATE)
    holding = await house.get(paid.payment_id)
    await house.submit()

    assert (created.state, created.fee_returned_minor) == (pb.REFUND_STATE_CREATED, 80)
    assert (created.reason, created.capture_id) == (pb.REFUND_REASON_DUPLICATE, paid.capture_id)
    assert (holding.refunding_minor, holding.refunded_minor, holding.fee_returned_minor) == (2_500, 0, 0)
    done = await house.get_refund(created.refund_id)
    assert (done.state, done.channel_reference) == (pb.REFUND_STATE_SUCCEEDED, "ch_2")
    after = await house.get(paid.payment_id)
    assert (after.refunding_minor, after.refunded_minor, after.fee_returned_minor) == (0, 2_500, 80)
    assert await house.told_types(paid.payment_id) == [
        "PaymentCreated",
        "PaymentSuccess",
        "RefundCreated",
        "RefundSuccess",
    ]
    success = (await house.told(paid.payment_id))[3]
    assert (success.refund_id, success.amount_minor, success.fee_returned_minor) == (created.refund_id, 2_500, 80)
    assert (success.payment_id, success.reason, success.channel_reference) == (paid.payment_id, "DUPLICATE", "ch_2")


async def test_the_last_refund_takes_the_remainder_of_the_fee(house: House) -> None:
    paid = await house.paid(amount=Money(amount_minor=1_000, currency_code="JPY"))  # A fee of 36.
    parts = []
    for amount_minor in (333, 333, 334):
        amount = Money(amount_minor=amount_minor, currency_code="JPY")
        parts.append((await house.refund(paid.payment_id, 0, amount=amount)).fee_returned_minor)
    await house.submit()

    assert parts == [12, 12, 12]  # 11.988, 23.976, 36.
    after = await house.get(paid.payment_id)
    assert (after.refunded_minor, after.fee_returned_minor) == (1_000, 36)


async def test_the_same_request_again_refunds_nothing_more(house: House) -> None:
    paid = await house.paid()
    request_id = str(uuid.uuid4())

    first = await house.refund(paid.payment_id, 6_000, request_id=request_id)
    again = await house.refund(paid.payment_id, 6_000, request_id=request_id)
    with pytest.raises(RequestIdReused):
        await house.refund(paid.payment_id, 1, request_id=request_id)

    assert first == again
    assert (await house.get(paid.payment_id)).refunding_minor == 6_000


async def test_fifty_refunds_at_once_take_no_more_than_there_is(house: House) -> None:
    paid = await house.paid()  # 10,000: enough for sixteen refunds of 600.

    results = await asyncio.gather(*(house.refund(paid.payment_id, 600) for _ in range(50)), return_exceptions=True)
    await house.submit()

    refused = [result for result in results if isinstance(result, RefundExceedsRefundable)]
    assert len(refused) == 34
    assert {error.metadata["refundable_minor"] for error in refused} == {"400"}
    assert len([result for result in results if isinstance(result, pb.Refund)]) == 16
    after = await house.get(paid.payment_id)
    assert (after.refunded_minor, after.refunding_minor) == (9_600, 0)
    assert len(await house.told(paid.payment_id)) == 2 + 16 + 16


async def test_fifty_transactions_at_once_take_no_more_than_there_is(house: House) -> None:
    paid = await house.paid()
    item = commands.refund.CreateRefund(
        payment_id=paid.payment_id,
        amount_minor=600,
        currency_code="USD",
        reason=events.RefundReason.OTHER,
        cause=current_call().cause,
    )

    # Each in a transaction of its own, without the runtime's grouping.
    results = await asyncio.gather(
        *(house.runtime.transaction(lambda tx: commands.refund.create_refunds(tx, [item])) for _ in range(50))
    )

    assert sum(isinstance(result[0], RefundExceedsRefundable) for result in results) == 34
    assert (await house.get(paid.payment_id)).refunding_minor == 9_600


async def test_a_refund_without_an_answer_counts_until_evidence_ends_it(house: House) -> None:
    paid = await house.paid()
    house.channel.fate = lambda _request: "lost_before"
    refund = await house.refund(paid.payment_id, 9_000)
    await house.submit()

    assert (await house.get_refund(refund.refund_id)).state == pb.REFUND_STATE_UNKNOWN
    with pytest.raises(RefundExceedsRefundable):
        await house.refund(paid.payment_id, 1_001)
    await house.inquire()

    failed = await house.get_refund(refund.refund_id)
    assert (failed.state, failed.failure_reason) == (pb.REFUND_STATE_FAILED, "NOT_RECEIVED")
    assert (await house.refund(paid.payment_id, 10_000)).fee_returned_minor == 320
    types = await house.told_types(paid.payment_id)
    assert types[2:] == ["RefundCreated", "RefundUnknown", "RefundFailed", "RefundCreated"]


async def test_a_refund_that_the_channel_declines_gives_its_amount_back(house: House) -> None:
    paid = await house.paid()
    house.channel.fate = lambda _request: "decline"
    refund = await house.refund(paid.payment_id, 10_000)
    await house.submit()

    failed = await house.get_refund(refund.refund_id)
    assert (failed.state, failed.failure_reason) == (pb.REFUND_STATE_FAILED, "INSUFFICIENT_FUNDS")
    after = await house.get(paid.payment_id)
    assert (after.refunding_minor, after.refunded_minor, after.fee_returned_minor) == (0, 0, 0)
    event = (await house.told(paid.payment_id))[3]
    assert (event.failure_reason, event.failure_code) == ("INSUFFICIENT_FUNDS", "insufficient_funds")


async def test_a_callback_ends_a_refund_and_one_against_it_is_kept(house: House) -> None:
    paid = await house.paid()
    house.channel.fate = lambda _request: "pending"
    refund = await house.refund(paid.payment_id, 4_000)
    await house.submit()
    attempt = (await house.attempts(paid.payment_id))[1]

    await house.report(attempt.attempt_id, pb.CHANNEL_OUTCOME_APPROVED, "ch_2")
    await house.report(attempt.attempt_id, pb.CHANNEL_OUTCOME_DECLINED, "ch_2", decline_code="do_not_honor")

    assert (await house.get_refund(refund.refund_id)).state == pb.REFUND_STATE_RETURNED
    types = await house.told_types(paid.payment_id)
    assert types[2:] == ["RefundCreated", "RefundUnknown", "RefundSuccess", "RefundReturned", "PaymentContradicted"]
    contradicted = (await house.told(paid.payment_id))[6]
    assert (contradicted.refund_id, contradicted.previous_state) == (refund.refund_id, "SUCCEEDED")
    assert contradicted.reported_outcome == "FAILED"


@pytest.mark.parametrize(("fate", "state"), [("decline", "FAILED"), ("lost_after", "UNKNOWN"), ("later", "CREATED")])
async def test_only_a_captured_payment_is_refunded(house: House, fate: str, state: str) -> None:
    house.channel.fate = lambda _request: fate
    created = await house.create()
    if fate != "later":
        await house.submit()

    with pytest.raises(IllegalTransition) as refused:
        await house.refund(created.payment_id, 1)

    assert refused.value.metadata == {"state": state, "action": "REFUND"}


async def test_what_does_not_fit_the_payment_is_refused(house: House) -> None:
    paid = await house.paid()

    with pytest.raises(CurrencyMismatch):
        await house.refund(paid.payment_id, 0, amount=Money(amount_minor=1, currency_code="JPY"))
    with pytest.raises(PaymentNotFound):
        await house.refund("pay_" + "f" * 32, 1)
    with pytest.raises(PaymentNotFound):
        await house.get("pay_" + "f" * 32)
    with pytest.raises(RefundNotFound):
        await house.get_refund("ref_" + "f" * 32)


async def test_a_suspended_merchants_payments_can_still_be_refunded(house: House) -> None:
    paid = await house.paid()
    await house.know_merchant(aggregate_version=3, status=MerchantStatus.SUSPENDED)

    assert (await house.refund(paid.payment_id, 10_000)).state == pb.REFUND_STATE_CREATED


async def test_a_batch_equals_its_items_one_at_a_time(house: House) -> None:
    chance = random.Random(20260302)  # noqa: S311 - chance, not secrecy
    for _ in range(5):
        together, apart = [[await house.paid() for _ in range(3)] for _ in range(2)]
        course = [(chance.randrange(4), chance.randrange(1, 6_000), chance.choice(["USD", "JPY"])) for _ in range(12)]

        in_batch = await apply(house, course, together, size=len(course))
        one_by_one = await apply(house, course, apart, size=1)

        assert in_batch == one_by_one
        for mine, other in zip(together, apart, strict=True):
            assert await totals(house, mine.payment_id) == await totals(house, other.payment_id)


async def apply(house: House, course: list[Any], payments: list[pb.Payment], *, size: int) -> list[Any]:
    ids = [*[payment.payment_id for payment in payments], "pay_" + "f" * 32]
    items = [
        commands.refund.CreateRefund(
            payment_id=ids[which],
            amount_minor=amount_minor,
            currency_code=currency_code,
            reason=events.RefundReason.OTHER,
            cause=current_call().cause,
        )
        for which, amount_minor, currency_code in course
    ]
    results: list[Any] = []
    for start in range(0, len(items), size):
        work = partial(commands.refund.create_refunds, items=items[start : start + size])
        results += await house.runtime.transaction(work)
    return [r.message if isinstance(r, DomainError) else (r.amount_minor, r.fee_returned_minor) for r in results]


async def totals(house: House, payment_id: str) -> tuple[int, int, str]:
    payment = await house.get(payment_id)
    return payment.refunding_minor, len(await house.told(payment_id)), payment.etag
