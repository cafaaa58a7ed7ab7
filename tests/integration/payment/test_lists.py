"""Pages of payments and refunds, newest first, by filters."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from paykit.clock import ManualClock
from paykit.errors import PageTokenInvalid
from paykit.ids import new_id
from paykit.postgres.lists import walk
from paykit.serve import server as grpc_server
from paykit.serve.reply_sizes import BatchReplyTooLarge
from paykit.serve.server import ServerOptions
from paykit.serve.timestamps import to_timestamp
from paykit.testing.runtimes import START
from paystream.payment.v1 import payment_pb2 as pb
from paystream.payment.v1 import payment_pb2_grpc
from services.payment.rpc import servicers
from tests.integration.payment.conftest import House
from tests.line.replies import interceptors


async def pages(method: Any, request: Any, field: str) -> list[list[Any]]:
    result = []
    while True:
        response = await method(request, None)
        result.append(list(getattr(response, field)))
        if not response.next_page_token:
            return result
        request.page_token = response.next_page_token


def advance(house: House, seconds: int) -> None:
    clock = house.runtime.clock
    assert isinstance(clock, ManualClock)
    clock.advance(timedelta(seconds=seconds))


def at(seconds: int) -> Timestamp:
    return to_timestamp(START + timedelta(seconds=seconds))


async def five_payments(house: House) -> list[str]:
    """Payments at 0, 10, 20, 30 and 40 s, of which the third has failed; and one of another merchant."""
    house.channel.fate = lambda request: "decline" if request.amount.amount_minor == 13 else "approve"
    made = []
    for number in range(5):
        request = house.request(merchant_reference=f"order-{number}")
        request.amount.amount_minor = 13 if number == 2 else 10_000
        made.append((await house.call.CreatePayment(request, None)).payment.payment_id)
        advance(house, 10)
    await house.create(merchant_id=await house.know_merchant(merchant_id=new_id("mer")))
    await house.submit()
    return made


async def test_pages_follow_each_other_newest_first(house: House) -> None:
    made = await five_payments(house)

    found = await pages(
        house.call.ListPayments, pb.ListPaymentsRequest(merchant_id=house.merchant_id, page_size=2), "payments"
    )

    assert [[payment.payment_id for payment in page] for page in found] == [
        [made[4], made[3]],
        [made[2], made[1]],
        [made[0]],
    ]
    assert found[0][0] == await house.get(made[4])


async def test_payments_of_one_moment_are_neither_lost_nor_repeated(house: House) -> None:
    made = {r.payment.payment_id for r in await house.create_batch(*[house.request() for _ in range(7)])}

    found = await pages(
        house.call.ListPayments, pb.ListPaymentsRequest(merchant_id=house.merchant_id, page_size=3), "payments"
    )

    listed = [payment.payment_id for page in found for payment in page]
    assert (len(listed), set(listed)) == (7, made)


async def test_merchants_whose_hashes_are_the_same_have_lists_of_their_own(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(walk, "hash_of", lambda text: f"length({text})")  # All ids of merchants are as long.
    made = await five_payments(house)
    request = pb.ListPaymentsRequest(merchant_id=house.merchant_id, page_size=2)
    listed = [
        [payment.payment_id for payment in page] for page in await pages(house.call.ListPayments, request, "payments")
    ]
    assert listed == [[made[4], made[3]], [made[2], made[1]], [made[0]]]


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"state": pb.PAYMENT_STATE_FAILED}, [2]),
        ({"state": pb.PAYMENT_STATE_UNKNOWN}, []),
        ({"merchant_reference": "order-3"}, [3]),
        ({"create_time_min": at(20)}, [4, 3, 2]),
        ({"create_time_min": at(20), "order_by": "create_time"}, [2, 3, 4]),
        ({"amount_minor_max": 13}, [2]),
        ({"amount_minor_min": 14, "amount_minor_max": 10_000, "create_time_before": at(20)}, [1, 0]),
        ({"amount_minor_min": 10_001}, []),
        ({"currency_code": "USD", "channel": "simulator", "create_time_min": at(40)}, [4]),
        ({"currency_code": "EUR"}, []),
        ({"channel": "other"}, []),
        ({"payment_method_type": pb.PAYMENT_METHOD_TYPE_WALLET}, []),
        ({"payment_method_type": pb.PAYMENT_METHOD_TYPE_CARD, "state": pb.PAYMENT_STATE_FAILED}, [2]),
        ({"update_time_min": at(50)}, [4, 3, 2, 1, 0]),
        ({"update_time_before": at(50)}, []),
        ({"create_time_before": at(20)}, [1, 0]),
        ({"create_time_min": at(10), "create_time_before": at(40), "state": pb.PAYMENT_STATE_SUCCEEDED}, [3, 1]),
    ],
)
async def test_filters_select(house: House, filters: dict[str, Any], expected: list[int]) -> None:
    made = await five_payments(house)

    found = await pages(
        house.call.ListPayments, pb.ListPaymentsRequest(merchant_id=house.merchant_id, **filters), "payments"
    )

    assert [payment.payment_id for page in found for payment in page] == [made[n] for n in expected]


async def test_pages_follow_each_other_oldest_first(house: House) -> None:
    made = await five_payments(house)
    request = pb.ListPaymentsRequest(merchant_id=house.merchant_id, page_size=2, order_by="create_time")
    found = await pages(house.call.ListPayments, request, "payments")
    assert [[payment.payment_id for payment in page] for page in found] == [made[:2], made[2:4], made[4:]]


async def test_a_payment_is_found_by_each_name_that_its_channel_gave_it(house: House) -> None:
    first, second = await house.paid(), await house.paid()
    refund = await house.refund(first.payment_id, 100)
    await house.submit()
    of_refund = (await house.get_refund(refund.refund_id)).channel_reference

    async def found(reference: str, channel: str = "") -> list[str]:
        request = pb.ListPaymentsByChannelReferenceRequest(channel_reference=reference, channel=channel, page_size=1)
        listed = await pages(house.call.ListPaymentsByChannelReference, request, "payments")
        return [payment.payment_id for page in listed for payment in page]

    assert len({of_refund, first.channel_reference, second.channel_reference}) == 3
    assert await found(first.channel_reference) == [first.payment_id]
    assert await found(of_refund, "simulator") == [first.payment_id]
    assert await found(second.channel_reference) == [second.payment_id]
    assert await found(of_refund, "other") == []
    assert await found("ch_never") == []


async def test_a_token_serves_its_own_list_only(house: House) -> None:
    await five_payments(house)
    request = pb.ListPaymentsRequest(merchant_id=house.merchant_id, page_size=2)
    request.page_token = (await house.call.ListPayments(request, None)).next_page_token
    await house.call.ListPayments(request, None)

    request.state = pb.PAYMENT_STATE_FAILED
    with pytest.raises(PageTokenInvalid):
        await house.call.ListPayments(request, None)
    with pytest.raises(PageTokenInvalid):
        await house.call.ListRefunds(
            pb.ListRefundsRequest(merchant_id=house.merchant_id, page_token=request.page_token), None
        )
    request.page_token = "garbage"
    with pytest.raises(PageTokenInvalid):
        await house.call.ListPayments(request, None)


async def test_refunds_are_listed_by_payment_and_by_merchant(house: House) -> None:
    first, second = await house.paid(), await house.paid()
    made = []
    for payment in (first, second, first):
        made.append((await house.refund(payment.payment_id, 100)).refund_id)
        advance(house, 10)
    await house.submit()
    await house.refund(second.payment_id, 100)

    async def listed(**filters: Any) -> list[str]:
        found = await pages(house.call.ListRefunds, pb.ListRefundsRequest(page_size=1, **filters), "refunds")
        return [refund.refund_id for page in found for refund in page]

    assert await listed(payment_id=first.payment_id) == [made[2], made[0]]
    assert (await listed(merchant_id=house.merchant_id))[1:] == [made[2], made[1], made[0]]
    assert await listed(payment_id=second.payment_id, state=pb.REFUND_STATE_SUCCEEDED) == [made[1]]
    assert await listed(merchant_id=house.merchant_id, create_time_before=at(10)) == [made[0]]


METADATA = {f"key {number:02d}": "x" * 500 for number in range(50)}
"""As large as it may be: 25,000 bytes and their keys."""


def large_requests(house: House, count: int) -> list[pb.CreatePaymentRequest]:
    return [house.request(metadata=METADATA, merchant_reference=f"large-{number}") for number in range(count)]


async def test_two_hundred_payments_with_all_the_metadata_there_may_be_are_listed_in_pages_that_fit(
    house: House, tmp_path: Path
) -> None:
    created = []
    for _ in range(2):
        requests = [house.request(metadata=METADATA) for _ in range(100)]
        created += [result.payment.payment_id for result in await house.create_batch(*requests)]
    request = pb.ListPaymentsRequest(merchant_id=house.merchant_id, page_size=1_000)
    # Over the wire, to a client that knows no limit but gRPC's own.
    server = await grpc_server.start(servicers(house.runtime), ServerOptions(address=f"unix:{tmp_path}/payment.sock"))
    async with grpc.aio.insecure_channel(server.address, interceptors=interceptors()) as channel:
        stub: Any = payment_pb2_grpc.PaymentServiceStub(channel)
        found = await pages(lambda asked, _context: stub.ListPayments(asked, timeout=30), request, "payments")
    await server.stop(0)
    # A payment of 25,865 bytes counts as 25,873: 161 of them are 4,165,553 bytes, 162 are 4,191,426, and 4 MiB less the
    # 4,096 bytes for the rest are 4,190,208.
    assert [len(page) for page in found] == [161, 39]
    assert all(pb.ListPaymentsResponse(payments=page).ByteSize() <= 4 * 1024 * 1024 for page in found)
    assert sorted(payment.payment_id for page in found for payment in page) == sorted(created)


async def test_a_batch_whose_payments_do_not_fit_into_the_reply_creates_none(house: House) -> None:
    requests = large_requests(house, 162)
    assert pb.BatchCreatePaymentsRequest(requests=requests).ByteSize() < 4 * 1024 * 1024
    with pytest.raises(BatchReplyTooLarge) as refused:
        await house.create_batch(*requests)
    assert refused.value.metadata["reply_bytes_max"] == "4194304"
    assert await house.count("payment") == 0
    assert all(result.HasField("payment") for result in await house.create_batch(*requests[:150]))


async def test_a_stream_of_such_payments_is_answered_one_by_one(house: House) -> None:
    async def requests() -> AsyncIterator[pb.StreamCreatePaymentsRequest]:
        for request in large_requests(house, 170):
            yield pb.StreamCreatePaymentsRequest(request=request)

    answered = [answer async for answer in house.call.StreamCreatePayments(requests(), None)]
    assert [answer.position for answer in answered if answer.HasField("payment")] == list(range(170))


async def test_payments_are_read_by_their_ids_in_the_order_of_the_request_and_missing_ones_are_named(
    house: House,
) -> None:
    made = [await house.create() for _ in range(3)]
    unknown = [new_id("pay"), new_id("pay")]
    wanted = [made[2].payment_id, unknown[0], made[0].payment_id, unknown[1], made[1].payment_id]
    answer = await house.call.BatchGetPayments(pb.BatchGetPaymentsRequest(payment_ids=wanted), None)
    assert list(answer.payments) == [made[2], made[0], made[1]]
    assert list(answer.missing_payment_ids) == unknown
    nothing = await house.call.BatchGetPayments(pb.BatchGetPaymentsRequest(payment_ids=unknown), None)
    assert (len(nothing.payments), list(nothing.missing_payment_ids)) == (0, unknown)


async def test_payments_that_do_not_fit_into_one_reply_are_not_read_in_one(house: House) -> None:
    created = await house.create_batch(*large_requests(house, 100))
    created += await house.create_batch(*[house.request(metadata=METADATA) for _ in range(62)])
    ids = [result.payment.payment_id for result in created]
    with pytest.raises(BatchReplyTooLarge) as refused:
        await house.call.BatchGetPayments(pb.BatchGetPaymentsRequest(payment_ids=ids), None)
    assert refused.value.field == "payment_ids"
    answer = await house.call.BatchGetPayments(pb.BatchGetPaymentsRequest(payment_ids=ids[:150]), None)
    assert [payment.payment_id for payment in answer.payments] == ids[:150]
