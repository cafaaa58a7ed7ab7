"""Accepting payments: what is stored, what is told, what is refused, and what happens when it is asked again."""

import asyncio
import random
import time
import uuid
from typing import Any

import asyncpg
import pytest
from google.rpc import error_details_pb2

from paykit.base.call import current_call
from paykit.errors import CurrencyClosed, CurrencyUnknown, FieldInvalid, RequestIdReused
from paykit.ids import is_id, new_id
from paykit.merchants.standing import (
    MerchantClosing,
    MerchantFrozen,
    MerchantNotActive,
    MerchantReferenceTaken,
    MerchantSuspended,
    MerchantUnknown,
)
from paystream.common.v1.money_pb2 import Money
from paystream.merchant.v1 import events as merchant_events
from paystream.payment.v1 import payment_pb2 as pb
from tests.integration.payment.conftest import House, merchant_event


def reason_of(result: pb.BatchCreatePaymentsResponse.Result) -> str:
    """The reason of an item's error; empty for a payment."""
    if result.HasField("payment"):
        return ""
    info = error_details_pb2.ErrorInfo()
    assert any(detail.Unpack(info) for detail in result.error.details)
    return str(info.reason)


async def test_a_payment_is_accepted_queued_and_told(house: House) -> None:
    await house.know_order(order_id="ord_" + "a" * 32, correlation_id="cor_test")
    created = await house.create(
        merchant_reference="order-77",
        order_id="ord_" + "a" * 32,
        metadata={"colour": "blå", "size": "10"},
        payment_method=pb.PaymentMethod(type=pb.PAYMENT_METHOD_TYPE_WALLET, token="wallet_1"),
    )

    assert is_id("pay", created.payment_id)
    assert created.state == pb.PAYMENT_STATE_CREATED
    assert (created.amount.amount_minor, created.amount.currency_code) == (10_000, "USD")
    assert dict(created.metadata) == {"colour": "blå", "size": "10"}
    assert created == await house.get(created.payment_id)
    [attempt] = await house.attempts(created.payment_id)
    assert (attempt.action, attempt.state) == (pb.ATTEMPT_ACTION_CHARGE, pb.ATTEMPT_STATE_PENDING)
    [event] = await house.told(created.payment_id)
    assert (event.payment_id, event.order_id, event.method) == (created.payment_id, "ord_" + "a" * 32, "WALLET")
    assert (event.merchant_reference, event.actor, event.correlation_id) == ("order-77", "shop", "cor_test")


async def test_the_same_request_again_creates_nothing(house: House) -> None:
    request = house.request()

    first = await house.call.CreatePayment(request, None)
    again = await house.call.CreatePayment(request, None)

    assert first == again
    assert (await house.count("payment"), await house.count("attempt"), await house.count("outbox")) == (1, 1, 1)


async def test_a_replay_gives_the_payment_as_it_was_accepted(house: House) -> None:
    request = house.request()
    first = await house.call.CreatePayment(request, None)
    await house.submit()

    assert await house.call.CreatePayment(request, None) == first
    assert (await house.get(first.payment.payment_id)).state == pb.PAYMENT_STATE_SUCCEEDED


async def test_a_request_id_means_the_same_in_a_batch_and_alone(house: House) -> None:
    alone, in_batch = house.request(), house.request()
    first = (await house.call.CreatePayment(alone, None)).payment
    [second] = await house.create_batch(in_batch)

    [again_in_batch] = await house.create_batch(alone)
    again_alone = (await house.call.CreatePayment(in_batch, None)).payment

    assert (again_in_batch.payment, again_alone) == (first, second.payment)
    assert await house.count("payment") == 2


async def test_a_request_id_with_another_body_is_refused(house: House) -> None:
    request = house.request()
    await house.call.CreatePayment(request, None)
    request.amount.amount_minor += 1

    with pytest.raises(RequestIdReused):
        await house.call.CreatePayment(request, None)


async def test_a_merchants_reference_is_taken_once(house: House) -> None:
    first = await house.create(merchant_reference="order-1")
    other_merchant = await house.know_merchant(merchant_id=new_id("mer"))

    with pytest.raises(MerchantReferenceTaken) as refused:
        await house.create(merchant_reference="order-1")
    other = await house.create(merchant_reference="order-1", merchant_id=other_merchant)

    assert refused.value.metadata == {"payment_id": first.payment_id}
    assert other.merchant_reference == "order-1"


async def test_each_item_of_a_batch_has_its_own_result(house: House) -> None:
    good, twin = house.request(merchant_reference="a"), house.request(merchant_reference="a")
    results = await house.create_batch(
        good,
        house.request(amount=Money(amount_minor=1, currency_code="XXQ")),
        twin,
        good,
        house.request(amount=Money(amount_minor=0, currency_code="USD")),
        house.request(request_id=good.request_id, merchant_reference="b"),
        house.request(request_id="no uuid"),
        house.request(merchant_reference="b"),
        house.request(payment_method=pb.PaymentMethod(type=pb.PAYMENT_METHOD_TYPE_CARD, token="4111 1111 1111 1111")),
    )

    assert [reason_of(result) for result in results] == [
        "",
        "CURRENCY_UNKNOWN",
        "MERCHANT_REFERENCE_TAKEN",
        "",
        "FIELD_INVALID",
        "REQUEST_ID_REUSED",
        "FIELD_INVALID",
        "",
        "CARD_NUMBER_REFUSED",
    ]
    assert results[0].payment == results[3].payment
    violations = error_details_pb2.BadRequest()
    assert any(detail.Unpack(violations) for detail in results[4].error.details)
    assert violations.field_violations[0].field == "requests[4].amount.amount_minor"
    assert (await house.count("payment"), await house.count("attempt"), await house.count("outbox")) == (2, 2, 2)


async def test_a_batch_equals_its_items_one_at_a_time(house: House) -> None:
    suspended = await house.know_merchant(merchant_id=new_id("mer"), status=merchant_events.MerchantStatus.SUSPENDED)
    other = await house.know_merchant(merchant_id=new_id("mer"))
    chance = random.Random(20260301)  # noqa: S311 - chance, not secrecy
    for round_number in range(8):
        ids = [str(uuid.uuid4()) for _ in range(6)]
        requests = [
            house.request(
                request_id=chance.choice(ids),
                merchant_id=chance.choice([house.merchant_id, house.merchant_id, other, suspended]),
                merchant_reference=f"{round_number}-{chance.randrange(4)}",
                amount=Money(amount_minor=chance.choice([5, 5, 5, 6, 0]), currency_code=chance.choice(["USD", "XXQ"])),
            )
            for _ in range(12)
        ]
        # The same course on other merchants' names and request ids, so that neither meets the other.
        alone = [rename(request, round_number) for request in requests]
        for name in {r.merchant_id for r in alone}:
            status = "SUSPENDED" if name == renamed(suspended, round_number) else "ACTIVE"
            await house.know_merchant(merchant_id=name, status=merchant_events.MerchantStatus(status))

        together = await house.create_batch(*requests)
        apart = [(await house.create_batch(request))[0] for request in alone]

        assert pattern(together) == pattern(apart)


def renamed(merchant_id: str, round_number: int) -> str:
    return "mer_" + uuid.uuid5(uuid.NAMESPACE_OID, f"{merchant_id}{round_number}").hex


def rename(request: pb.CreatePaymentRequest, round_number: int) -> pb.CreatePaymentRequest:
    copy = pb.CreatePaymentRequest()
    copy.CopyFrom(request)
    copy.request_id = str(uuid.uuid5(uuid.NAMESPACE_OID, request.request_id))
    copy.merchant_id = renamed(request.merchant_id, round_number)
    return copy


def pattern(results: list[Any]) -> list[Any]:
    """Results with payments named by where they first occur."""
    seen: dict[str, int] = {}
    return [
        seen.setdefault(result.payment.payment_id, index) if result.HasField("payment") else reason_of(result)
        for index, result in enumerate(results)
    ]


async def test_batches_with_the_same_references_in_opposite_order_do_not_deadlock(house: House) -> None:
    names = [f"shared-{n}" for n in range(200)]
    forth = [house.request(merchant_reference=name) for name in names]
    back = [house.request(merchant_reference=name) for name in reversed(names)]

    results = await asyncio.gather(*(house.create_batch(*batch) for batch in (forth, back)))

    reasons = [reason_of(result) for batch in results for result in batch]
    assert (reasons.count(""), reasons.count("MERCHANT_REFERENCE_TAKEN")) == (200, 200)


@pytest.mark.parametrize("size", [0, 1001])
async def test_a_batch_holds_one_to_a_thousand_items(house: House, size: int) -> None:
    request = house.request()
    with pytest.raises(FieldInvalid) as refused:
        await house.create_batch(*[request] * size)
    assert refused.value.field == "requests"


async def test_a_currency_that_is_none_is_refused_by_its_field(house: House) -> None:
    with pytest.raises(CurrencyUnknown) as refused:
        await house.create(amount=Money(amount_minor=1, currency_code="XXQ"))
    assert refused.value.field == "amount.currency_code"


async def test_a_currency_that_has_left_the_list_takes_no_new_payment(house: House) -> None:
    with pytest.raises(CurrencyClosed) as refused:
        await house.create(amount=Money(amount_minor=1, currency_code="BGN"))
    assert refused.value.field == "amount.currency_code"


@pytest.mark.parametrize(
    ("status", "refusal"),
    [
        ("CREATED", MerchantNotActive),
        ("SUSPENDED", MerchantSuspended),
        ("UNKNOWN", MerchantNotActive),
    ],
)
async def test_only_an_active_merchant_takes_payments(house: House, status: str, refusal: type[Exception]) -> None:
    merchant_id = await house.know_merchant(merchant_id=new_id("mer"), status=merchant_events.MerchantStatus(status))
    current_call().deadline = time.monotonic() + 0.2  # A merchant may be activated at any moment.
    with pytest.raises(refusal):
        await house.create(merchant_id=merchant_id)


@pytest.mark.parametrize(("stop", "refusal"), [("frozen", MerchantFrozen), ("closing", MerchantClosing)])
async def test_frozen_and_leaving_merchants_take_no_payments(house: House, stop: str, refusal: type[Exception]) -> None:
    merchant_id = await house.know_merchant(merchant_id=new_id("mer"), **{stop: True})

    with pytest.raises(refusal):
        await house.create(merchant_id=merchant_id)


async def test_an_older_event_of_a_merchant_changes_nothing(house: House) -> None:
    await house.know_merchant(aggregate_version=5, fees=[("USD", 100, 0)], fee_plan_version=2)
    await house.know_merchant(aggregate_version=4, status=merchant_events.MerchantStatus.SUSPENDED)
    await house.know_merchant(aggregate_version=5, fees=[("USD", 9_999, 0)], fee_plan_version=9)

    paid = await house.paid()

    assert (paid.fee_minor, paid.fee_plan_version) == (100, 2)


@pytest.mark.usefixtures("patient_calls")
async def test_a_merchant_that_becomes_known_meanwhile_is_waited_for(house: House) -> None:
    merchant_id = new_id("mer")
    alone = asyncio.create_task(house.create(merchant_id=merchant_id))
    batch = asyncio.create_task(house.create_batch(house.request(), house.request(merchant_id=merchant_id)))
    await asyncio.sleep(0.1)
    assert not alone.done()
    assert not batch.done()

    await house.know_merchant(merchant_id=merchant_id)

    assert (await alone).merchant_id == merchant_id
    assert [reason_of(result) for result in await batch] == ["", ""]


@pytest.mark.usefixtures("patient_calls")
async def test_a_merchant_whose_activation_is_told_late_is_waited_for(house: House) -> None:
    created = merchant_events.MerchantStatus.CREATED
    merchant_id = await house.know_merchant(merchant_id=new_id("mer"), status=created, aggregate_version=1)
    payment = asyncio.create_task(house.create(merchant_id=merchant_id))
    await asyncio.sleep(0.1)
    assert not payment.done()

    await house.know_merchant(merchant_id=merchant_id, aggregate_version=2)

    assert (await payment).merchant_id == merchant_id


async def test_a_merchant_that_stays_unknown_is_refused_within_the_deadline(house: House) -> None:
    current_call().deadline = time.monotonic() + 0.3
    merchant_id = new_id("mer")

    with pytest.raises(MerchantUnknown):
        await house.create(merchant_id=merchant_id)
    [result] = await house.create_batch(house.request(merchant_id=merchant_id))

    assert reason_of(result) == "MERCHANT_UNKNOWN"
    assert await house.count("idempotency_claim") == 0


async def test_the_latest_of_several_events_in_one_delivery_counts(house: House) -> None:
    event = merchant_event(merchant_id=house.merchant_id, aggregate_version=7, fees=[])
    assert event.fees == ()
    await house.know_merchant(aggregate_version=7, fees=[], free=True)

    paid = await house.paid()

    assert (paid.state, paid.fee_minor) == (pb.PAYMENT_STATE_SUCCEEDED, 0)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE payment SET state = 'SUCCEEDED'",
        "UPDATE payment SET captured_minor = 5",
        "UPDATE payment SET refunding_minor = 1",
        "UPDATE payment SET state = 'FAILED'",
        "UPDATE attempt SET state = 'SUCCEEDED'",
        "UPDATE attempt SET state = 'STARTED'",
    ],
)
async def test_the_tables_refuse_what_the_domain_would_not_do(house: House, statement: str) -> None:
    await house.create()
    with pytest.raises(asyncpg.CheckViolationError):
        await house.runtime.transaction(lambda tx: tx.run(statement))


@pytest.mark.parametrize(
    "statement", ["DELETE FROM payment", "DELETE FROM attempt", "UPDATE evidence SET outcome = ''"]
)
async def test_the_service_cannot_take_back_its_records(house: House, statement: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await house.runtime.transaction(lambda tx: tx.run(statement))


async def test_what_has_ended_stays_as_it_ended(house: House) -> None:
    await house.paid()
    with pytest.raises(asyncpg.CheckViolationError):
        await house.runtime.transaction(
            lambda tx: tx.run("UPDATE attempt SET state = 'UNKNOWN', channel_reference = NULL")
        )
