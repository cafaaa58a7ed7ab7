"""What callers are told who ask for what cannot be: the code, the reason and the field, over the real server."""

import asyncio
import uuid
from typing import Any

import grpc
import pytest
from google.rpc import code_pb2

from paystream.common.v1 import money_pb2
from paystream.merchant.v1 import merchant_pb2
from paystream.payment.v1 import payment_pb2
from tests.e2e.conftest import Line
from tests.line.clients import (
    Refusal,
    call,
    first_payment,
    new_merchant,
    new_request_id,
    payment_request,
    refund_request,
    refusal_in,
    refusal_of,
    refused,
)
from tests.line.waiting import until

CARD = "4111 1111 1111 1111"
INVALID, EXISTS = grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.ALREADY_EXISTS
PRECONDITION, NOT_FOUND = grpc.StatusCode.FAILED_PRECONDITION, grpc.StatusCode.NOT_FOUND
REFUNDS_AT_ONCE = 50


@pytest.fixture(scope="module")
async def merchant_id(line: Line) -> str:
    """A merchant that payment knows."""
    made = await new_merchant(line.clients, {"USD": (290, 30)})
    await first_payment(line.clients, payment_request(made, 1_000))
    return made


def money(amount_minor: int, currency_code: str = "USD") -> money_pb2.Money:
    return money_pb2.Money(amount_minor=amount_minor, currency_code=currency_code)


def said(refusal: Refusal) -> tuple[Any, ...]:
    return refusal.code, refusal.reason, refusal.fields


BAD_FIELDS: list[tuple[dict[str, Any], str, str]] = [
    ({"amount": money(0)}, "FIELD_INVALID", "amount.amount_minor"),
    ({"amount": money(-1)}, "FIELD_INVALID", "amount.amount_minor"),
    ({"amount": money(2**53)}, "FIELD_INVALID", "amount.amount_minor"),
    ({"amount": money(1, "usd")}, "FIELD_INVALID", "amount.currency_code"),
    ({"amount": money(1, "ZZZ")}, "CURRENCY_UNKNOWN", "amount.currency_code"),
    ({"amount": money(1, "XAU")}, "CURRENCY_UNKNOWN", "amount.currency_code"),
    ({"amount": None}, "FIELD_INVALID", "amount"),
    ({"request_id": "7"}, "FIELD_INVALID", "request_id"),
    ({"merchant_reference": CARD}, "CARD_NUMBER_REFUSED", "merchant_reference"),
    ({"metadata": {"note": f"card {CARD}"}}, "CARD_NUMBER_REFUSED", 'metadata["note"]'),
    (
        {
            "payment_method": payment_pb2.PaymentMethod(
                type=payment_pb2.PAYMENT_METHOD_TYPE_CARD, token=CARD.replace(" ", "")
            )
        },
        "CARD_NUMBER_REFUSED",
        "payment_method.token",
    ),
]


@pytest.mark.parametrize(("changes", "reason", "field"), BAD_FIELDS)
async def test_a_bad_field_is_refused_by_name(
    line: Line, merchant_id: str, changes: dict[str, Any], reason: str, field: str
) -> None:
    request = payment_request(merchant_id, 1_000, **changes)
    assert said(await refused(line.clients.payment.CreatePayment, request)) == (INVALID, reason, (field,))


async def test_the_largest_amount_is_accepted(line: Line, merchant_id: str) -> None:
    reply = await call(line.clients.payment.CreatePayment, payment_request(merchant_id, 2**53 - 1))
    assert reply.payment.amount.amount_minor == 9_007_199_254_740_991


async def test_bad_items_of_a_batch_are_refused_alone(line: Line, merchant_id: str) -> None:
    requests = [
        payment_request(merchant_id, 1_000),
        payment_request(merchant_id, 0),
        payment_request(merchant_id, 1, "ZZZ"),
        payment_request(merchant_id, 1, merchant_reference=CARD),
        payment_request(merchant_id, 2_000),
    ]
    batch = payment_pb2.BatchCreatePaymentsRequest(requests=requests)
    results = (await call(line.clients.payment.BatchCreatePayments, batch)).results
    assert [result.payment.amount.amount_minor for result in results] == [1_000, 0, 0, 0, 2_000]
    assert {result.error.code for result in results[1:4]} == {code_pb2.INVALID_ARGUMENT}
    assert [said(refusal_in(result.error, INVALID))[1:] for result in results[1:4]] == [
        ("FIELD_INVALID", ("requests[1].amount.amount_minor",)),
        ("CURRENCY_UNKNOWN", ("requests[2].amount.currency_code",)),
        ("CARD_NUMBER_REFUSED", ("requests[3].merchant_reference",)),
    ]


async def test_an_unknown_merchant_is_refused(line: Line) -> None:
    request = payment_request(f"mer_{uuid.uuid4().hex}", 1_000)
    told = await refused(line.clients.payment.CreatePayment, request)
    assert said(told) == (PRECONDITION, "MERCHANT_UNKNOWN", ("merchant_id",))


async def test_a_suspended_merchant_is_refused_once_payment_has_heard_of_it(line: Line) -> None:
    merchant_id = await new_merchant(line.clients, {})
    await first_payment(line.clients, payment_request(merchant_id, 1_000))
    read = merchant_pb2.GetMerchantRequest(merchant_id=merchant_id)
    etag = (await call(line.clients.merchant.GetMerchant, read)).merchant.etag
    suspend = merchant_pb2.SuspendMerchantRequest(
        request_id=new_request_id(), merchant_id=merchant_id, etag=etag, reason="a look at it"
    )
    await call(line.clients.merchant.SuspendMerchant, suspend)
    told = await until(lambda: refusal_or_none(line, payment_request(merchant_id, 1_000)))
    assert told is not None
    assert said(told) == (PRECONDITION, "MERCHANT_SUSPENDED", ("merchant_id",))


async def refusal_or_none(line: Line, request: Any) -> Refusal | None:
    try:
        return await refused(line.clients.payment.CreatePayment, request)
    except AssertionError:
        return None


async def test_a_request_id_with_another_body_is_refused_and_with_the_same_answered_again(
    line: Line, merchant_id: str
) -> None:
    request = payment_request(merchant_id, 1_000)
    first = await call(line.clients.payment.CreatePayment, request)
    again = line.clients.payment.CreatePayment(request, timeout=30)
    assert await again == first
    assert ("paystream-replayed", "true") in list(await again.trailing_metadata())
    request.amount.amount_minor = 1_001
    told = await refused(line.clients.payment.CreatePayment, request)
    assert said(told) == (EXISTS, "REQUEST_ID_REUSED", ("request_id",))


async def test_a_page_token_of_another_list_is_refused(line: Line, merchant_id: str) -> None:
    for _ in range(2):
        await call(line.clients.payment.CreatePayment, payment_request(merchant_id, 1_000))
    pages = payment_pb2.ListPaymentsRequest(merchant_id=merchant_id, page_size=1)
    token = (await call(line.clients.payment.ListPayments, pages)).next_page_token
    other = payment_pb2.ListPaymentsRequest(
        merchant_id=merchant_id, state=payment_pb2.PAYMENT_STATE_FAILED, page_token=token
    )
    told = await refused(line.clients.payment.ListPayments, other)
    assert said(told) == (INVALID, "PAGE_TOKEN_INVALID", ("page_token",))


async def test_a_call_past_its_deadline_is_told_so_and_may_be_sent_again(line: Line, merchant_id: str) -> None:
    request = payment_request(merchant_id, 1_000)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await line.clients.payment.CreatePayment(request, timeout=0.000_1)
    assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    await call(line.clients.payment.CreatePayment, request)
    listed = payment_pb2.ListPaymentsRequest(merchant_id=merchant_id, merchant_reference=request.merchant_reference)
    assert len((await call(line.clients.payment.ListPayments, listed)).payments) == 1


async def captured(line: Line, merchant_id: str, amount_minor: int) -> str:
    made = (await call(line.clients.payment.CreatePayment, payment_request(merchant_id, amount_minor))).payment

    async def look() -> bool:
        payment = await read_payment(line, made.payment_id)
        return bool(payment.state == payment_pb2.PAYMENT_STATE_SUCCEEDED)

    await until(look)
    return str(made.payment_id)


async def read_payment(line: Line, payment_id: str) -> Any:
    return (await call(line.clients.payment.GetPayment, payment_pb2.GetPaymentRequest(payment_id=payment_id))).payment


async def test_a_refund_above_what_is_left_is_refused(line: Line, merchant_id: str) -> None:
    payment_id = await captured(line, merchant_id, 1_000)
    await call(line.clients.payment.CreateRefund, refund_request(payment_id, 600))
    told = await refused(line.clients.payment.CreateRefund, refund_request(payment_id, 401))
    assert said(told) == (PRECONDITION, "REFUND_EXCEEDS_REFUNDABLE", ("amount.amount_minor",))
    assert dict(told.metadata)["refundable_minor"] == "400"
    await call(line.clients.payment.CreateRefund, refund_request(payment_id, 400))


async def test_a_refund_of_another_currency_or_of_nothing_is_refused(line: Line, merchant_id: str) -> None:
    payment_id = await captured(line, merchant_id, 1_000)
    told = await refused(line.clients.payment.CreateRefund, refund_request(payment_id, 1, "EUR"))
    assert said(told) == (INVALID, "CURRENCY_MISMATCH", ("amount.currency_code",))
    told = await refused(line.clients.payment.CreateRefund, refund_request(f"pay_{uuid.uuid4().hex}", 1))
    assert said(told) == (NOT_FOUND, "PAYMENT_NOT_FOUND", ("payment_id",))


async def test_fifty_refunds_at_once_give_back_no_more_than_was_captured(line: Line, merchant_id: str) -> None:
    payment_id = await captured(line, merchant_id, 1_000)
    requests = [refund_request(payment_id, 30) for _ in range(REFUNDS_AT_ONCE)]
    replies = await asyncio.gather(
        *(call(line.clients.payment.CreateRefund, request) for request in requests), return_exceptions=True
    )
    accepted = [reply.refund.refund_id for reply in replies if not isinstance(reply, BaseException)]
    told = [reply for reply in replies if isinstance(reply, grpc.aio.AioRpcError)]
    assert (len(accepted), len(told)) == (33, 17)  # 33 of 0.30 are 9.90; the next would make 10.20.
    assert {said(refusal_of(error)) for error in told} == {
        (PRECONDITION, "REFUND_EXCEEDS_REFUNDABLE", ("amount.amount_minor",))
    }

    async def booked() -> bool:
        return len(await line.kept.rows(BOOKED, accepted)) == 33

    await until(booked)
    assert {row["amount_minor"] for row in await line.kept.rows(BOOKED, accepted)} == {30}
    payment = await read_payment(line, payment_id)
    assert (payment.captured_minor, payment.refunded_minor, payment.refunding_minor) == (1_000, 990, 0)


BOOKED = """
SELECT amount_minor FROM accounting.transaction
WHERE transaction_type = 'RefundSuccess' AND related_no = ANY($1::text[])
"""
