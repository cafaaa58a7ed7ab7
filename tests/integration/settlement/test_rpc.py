"""The SettlementService's RPCs on a real database."""

import json
import uuid
from datetime import timedelta
from typing import Any

import pytest

from paykit.errors import FieldInvalid, IllegalTransition, PageTokenInvalid, RequestIdReused
from paykit.merchants.standing import MerchantSuspended
from paykit.serve.reply_sizes import ITEM_FRAME_BYTES_MAX, REST_BYTES_MAX
from paykit.serve.timestamps import to_timestamp
from paykit.testing.runtimes import act_as
from paystream.merchant.v1.events import MerchantStatus
from paystream.settlement.v1 import settlement_pb2 as pb
from services.settlement.domain.settlement import NothingToSettle, SettlementNotDue, SettlementNotFound
from tests.integration.settlement.till import Till
from tests.line.replies import checked
from tests.line.servicers import SettlementCalls
from tests.unit.settlement.builders import (
    ALICE,
    BOB,
    booked,
    booking,
    capture,
    daily,
    entry,
    journal,
    refund,
    rejected,
    stl,
    utc,
)

ANY: Any = None


@pytest.fixture
def call(till: Till) -> SettlementCalls:
    act_as("ops")
    return checked(SettlementCalls(till.runtime))


def request(**changes: Any) -> pb.CreateSettlementRequest:
    given = {
        "request_id": str(uuid.uuid4()),
        "merchant_id": ALICE,
        "currency_code": "USD",
        "override_reason": "moving out",
    }
    return pb.CreateSettlementRequest(**(given | changes))


async def created(till: Till, call: SettlementCalls) -> pb.Settlement:
    """Settle two captures and a refund of ALICE, of 5,808 with a reserve of 5 %."""
    await till.policy(daily("18:00", reserve_basis_points=500, reserve_days=30))
    await till.consume(capture(1, 10_000, 320), refund(1, 4_000, 128), capture(2, 500, at=utc(1, 11)))
    return (await call.CreateSettlement(request(), ANY)).settlement


async def test_a_settlement_shows_what_it_consists_of(till: Till, call: SettlementCalls) -> None:
    made = await created(till, call)
    assert made == (await call.GetSettlement(pb.GetSettlementRequest(settlement_id=made.settlement_id), ANY)).settlement
    assert made.sums == pb.Sums(
        item_count=3,
        payments_minor="10500",
        refunds_minor="-4000",
        fees_minor="-192",
        disputes_minor="0",
        reserve_released_minor="0",
        adjustments_minor="0",
        total_minor="6308",
    )
    assert (made.reserve_held_minor, made.net_minor) == (315, 5_993)  # 315.4
    assert (made.state, made.trigger) == (pb.SETTLEMENT_STATE_CREATED, pb.SETTLEMENT_TRIGGER_REQUEST)
    assert made.reserve_release_time == to_timestamp(utc(31, 12))
    assert made.correlation_id == "cor_test"
    with pytest.raises(SettlementNotFound):
        await call.GetSettlement(pb.GetSettlementRequest(settlement_id=stl(9)), ANY)


async def test_a_request_settles_once(till: Till, call: SettlementCalls) -> None:
    await till.policy(daily())
    await till.consume(capture(1))
    asked = request()
    first = await call.CreateSettlement(asked, ANY)
    assert await call.CreateSettlement(asked, ANY) == first
    with pytest.raises(NothingToSettle):
        await call.CreateSettlement(request(), ANY)
    with pytest.raises(RequestIdReused):
        await call.CreateSettlement(request(request_id=asked.request_id, merchant_id=BOB), ANY)


async def test_settlements_are_listed_newest_first_by_filters(till: Till, call: SettlementCalls) -> None:
    await till.policy(daily())
    made = []
    for number in range(3):
        await till.consume(capture(number, at=till.clock.now()))
        made.append((await call.CreateSettlement(request(), ANY)).settlement.settlement_id)
        till.clock.advance(timedelta(minutes=1))
    await till.consume(capture(9, currency_code="JPY"), capture(8, merchant_id=BOB))

    async def listed(**wanted: Any) -> list[str]:
        ids, asked = [], pb.ListSettlementsRequest(merchant_id=ALICE, page_size=2, **wanted)
        while True:
            page = await call.ListSettlements(asked, ANY)
            ids += [each.settlement_id for each in page.settlements]
            if not page.next_page_token:
                return ids
            asked.page_token = page.next_page_token

    assert (await listed())[1:] == made[::-1]
    assert await listed(currency_code="USD") == made[::-1]
    assert await listed(state=pb.SETTLEMENT_STATE_CREATED) == made[::-1]
    assert len(await listed(state=pb.SETTLEMENT_STATE_PENDING)) == 1
    since = to_timestamp(utc(1, 12, 1))
    assert await listed(create_time_min=since, currency_code="USD") == made[:0:-1]
    assert await listed(create_time_before=since) == made[:1]


async def test_items_are_listed_by_settlement_in_order_and_by_transaction(till: Till, call: SettlementCalls) -> None:
    made = await created(till, call)
    items: list[pb.SettlementItem] = []
    asked = pb.ListSettlementItemsRequest(settlement_id=made.settlement_id, page_size=2)
    while True:
        page = await call.ListSettlementItems(asked, ANY)
        items += page.items
        if not page.next_page_token:
            break
        asked.page_token = page.next_page_token
    assert [(each.amount_minor, each.fee_minor) for each in items][:1] == [(500, 0)]
    assert sorted(each.amount_minor + each.fee_minor for each in items) == [-3_872, 500, 9_680]
    found = await call.ListSettlementItems(pb.ListSettlementItemsRequest(transaction_id=items[0].transaction_id), ANY)
    assert list(found.items) == items[:1]
    assert (items[0].settlement_id, items[0].kind) == (made.settlement_id, pb.ITEM_KIND_PAYMENT)
    asked.settlement_id = stl(8)  # The token is of another list.
    with pytest.raises(PageTokenInvalid):
        await call.ListSettlementItems(asked, ANY)
    with pytest.raises(SettlementNotFound):
        await call.ListSettlementItems(pb.ListSettlementItemsRequest(settlement_id=stl(9)), ANY)


async def test_the_items_of_one_transaction_come_by_merchant_in_pages(till: Till, call: SettlementCalls) -> None:
    move = booked("Move", "m-1", [entry("merchant.settlement", -9, ALICE), entry("merchant.settlement", 9, BOB)])
    await till.consume(move)
    asked = pb.ListSettlementItemsRequest(transaction_id=move.transaction_id, page_size=1)
    first = await call.ListSettlementItems(asked, ANY)
    asked.page_token = first.next_page_token
    second = await call.ListSettlementItems(asked, ANY)
    assert [(each.merchant_id, each.amount_minor) for each in [*first.items, *second.items]] == [(ALICE, -9), (BOB, 9)]
    assert second.next_page_token == ""


async def test_items_come_in_pages_that_fit_into_a_reply_whatever_is_asked(till: Till, call: SettlementCalls) -> None:
    made = await created(till, call)
    asked = pb.ListSettlementItemsRequest(settlement_id=made.settlement_id, page_size=1_000)
    whole = list((await call.ListSettlementItems(asked, ANY)).items)
    limit_replies(till, REST_BYTES_MAX + 2 * max(item.ByteSize() + ITEM_FRAME_BYTES_MAX for item in whole))
    first = await call.ListSettlementItems(asked, ANY)
    asked.page_token = first.next_page_token
    second = await call.ListSettlementItems(asked, ANY)
    assert (len(first.items), [*first.items, *second.items], second.next_page_token) == (2, whole, "")


async def test_the_chunks_of_a_report_fit_into_replies(till: Till, call: SettlementCalls) -> None:
    made = await created(till, call)
    whole = b"".join(await exported(call, made.settlement_id, pb.EXPORT_FORMAT_CSV))
    limit_replies(till, REST_BYTES_MAX + 100)
    chunks = await exported(call, made.settlement_id, pb.EXPORT_FORMAT_CSV)
    assert (b"".join(chunks), max(map(len, chunks))) == (whole, 100)


def limit_replies(till: Till, bytes_max: int) -> None:
    till.runtime.settings = till.runtime.settings.model_copy(update={"grpc_reply_bytes_max": bytes_max})


async def test_the_pending_balance_is_that_of_the_ledgers_account(till: Till, call: SettlementCalls) -> None:
    made = await created(till, call)
    await till.consume(capture(3, 700), capture(4, 60, currency_code="JPY"))
    asked = pb.GetPendingBalanceRequest(merchant_id=ALICE)
    yen, dollars = (await call.GetPendingBalance(asked, ANY)).balances
    assert (yen.currency_code, yen.balance_minor, yen.settling_minor) == ("JPY", "60", "0")
    assert (dollars.pending.total_minor, dollars.settling_minor, dollars.balance_minor) == ("700", "6308", "7008")
    assert dollars.next_due_time == to_timestamp(utc(1, 18))
    await till.consume(booking(made.settlement_id, 6_308))
    asked.currency_code = "USD"
    (dollars,) = (await call.GetPendingBalance(asked, ANY)).balances
    assert (dollars.settling_minor, dollars.balance_minor) == ("0", "700")
    assert not (await call.GetPendingBalance(pb.GetPendingBalanceRequest(merchant_id=BOB), ANY)).balances


async def exported(call: SettlementCalls, settlement_id: str, format_: pb.ExportFormat.ValueType) -> list[bytes]:
    asked = pb.ExportSettlementRequest(settlement_id=settlement_id, format=format_)
    return [response.document.data async for response in call.ExportSettlement(asked, ANY)]


async def test_a_report_holds_every_item_of_a_large_settlement_in_bounded_chunks(
    till: Till, call: SettlementCalls
) -> None:
    await till.policy(daily())
    await till.consume(*(capture(number, number + 1) for number in range(1_250)))
    settlement_id = (await call.CreateSettlement(request(), ANY)).settlement.settlement_id
    chunks = await exported(call, settlement_id, pb.EXPORT_FORMAT_CSV)
    lines = b"".join(chunks).decode().split("\r\n")
    assert (len(chunks), len(lines)) == (4, 1 + 1_250 + 1)
    assert sum(int(line.split(",")[9]) for line in lines[1:-1]) == 1_250 * 1_251 // 2
    report = json.loads(b"".join(await exported(call, settlement_id, pb.EXPORT_FORMAT_JSON)))
    assert (report["total_minor"], len(report["items"])) == (781_875, 1_250)


async def test_only_what_is_closed_and_not_refused_has_a_report(till: Till, call: SettlementCalls) -> None:
    made = await created(till, call)
    await till.consume(rejected(made.settlement_id))
    (pending,) = (await call.ListSettlements(
        pb.ListSettlementsRequest(merchant_id=ALICE, state=pb.SETTLEMENT_STATE_PENDING), ANY
    )).settlements  # fmt: skip
    for settlement_id, state in ((made.settlement_id, "FAILED"), (pending.settlement_id, "PENDING")):
        with pytest.raises(IllegalTransition) as refused:
            await exported(call, settlement_id, pb.EXPORT_FORMAT_CSV)
        assert refused.value.metadata == {"state": state, "action": "export"}
    with pytest.raises(SettlementNotFound):
        await exported(call, stl(9), pb.EXPORT_FORMAT_CSV)


async def test_a_reserve_is_held_longer_once(till: Till, call: SettlementCalls) -> None:
    made = await created(till, call)
    await till.book()
    asked = pb.ExtendReserveRequest(
        request_id=str(uuid.uuid4()),
        settlement_id=made.settlement_id,
        reserve_release_time=to_timestamp(utc(30, 12, month=6)),
        reason="chargebacks rise",
    )
    first = await call.ExtendReserve(asked, ANY)
    assert await call.ExtendReserve(asked, ANY) == first
    assert first.settlement.reserve_release_time == asked.reserve_release_time
    assert (await till.told_names()).count("ReserveExtended") == 1
    got = await call.GetSettlement(pb.GetSettlementRequest(settlement_id=made.settlement_id), ANY)
    assert (got.settlement.reserve_held_minor, got.settlement.reserve_released_minor) == (315, 0)
    asked.request_id = str(uuid.uuid4())
    with pytest.raises(FieldInvalid):
        await call.ExtendReserve(asked, ANY)


async def test_negative_balances_of_all_merchants_are_listed_in_pages(till: Till, call: SettlementCalls) -> None:
    await till.consume(refund(1, 500), refund(2, 70, merchant_id=BOB), capture(3, 60, currency_code="JPY"))
    await till.consume(journal(1, merchant_id=BOB, available=20, receivable=5))
    await till.recover()
    asked = pb.ListNegativeBalancesRequest(page_size=1)
    first = await call.ListNegativeBalances(asked, ANY)
    asked.page_token = first.next_page_token
    second = await call.ListNegativeBalances(asked, ANY)
    assert second.next_page_token == ""
    alice, bob = (*first.balances, *second.balances)
    since = to_timestamp(utc(1, 12))
    assert alice == pb.NegativeBalance(
        merchant_id=ALICE,
        currency_code="USD",
        total_minor="-500",
        settlement_minor="-500",
        available_minor="0",
        reserve_minor="0",
        receivable_minor="0",
        negative_since_time=since,
    )
    assert (bob.merchant_id, bob.total_minor, bob.available_minor, bob.receivable_minor) == (BOB, "-50", "20", "5")
    assert not (await call.ListNegativeBalances(pb.ListNegativeBalancesRequest(currency_code="JPY"), ANY)).balances
    with pytest.raises(PageTokenInvalid):
        await call.ListNegativeBalances(
            pb.ListNegativeBalancesRequest(currency_code="USD", page_token=asked.page_token), ANY
        )


async def test_a_settlement_before_its_time_keeps_its_reason_and_a_held_one_says_why(
    till: Till, call: SettlementCalls
) -> None:
    assert (await created(till, call)).override_reason == "moving out"
    await till.consume(capture(3, 700))
    await till.policy(daily("18:00"), version=2, status=MerchantStatus.SUSPENDED)
    (pending,) = (await call.GetPendingBalance(pb.GetPendingBalanceRequest(merchant_id=ALICE), ANY)).balances
    assert (pending.pending.total_minor, pending.hold_reason) == ("700", "SUSPENDED")
    with pytest.raises(MerchantSuspended):
        await call.CreateSettlement(request(), ANY)
    await till.policy(daily("18:00"), version=3)
    with pytest.raises(SettlementNotDue):
        await call.CreateSettlement(request(override_reason=" "), ANY)


async def test_settlements_of_all_merchants_are_listed_by_state(till: Till, call: SettlementCalls) -> None:
    await till.policy(daily())
    await till.consume(capture(1), capture(2, merchant_id=BOB, currency_code="JPY"))

    async def listed(**fields: Any) -> list[tuple[str, str]]:
        response = await call.ListSettlementsByState(pb.ListSettlementsByStateRequest(**fields), None)
        return sorted((each.merchant_id, each.currency_code) for each in response.settlements)

    pending = pb.SETTLEMENT_STATE_PENDING
    assert await listed(state=pending) == sorted([(ALICE, "USD"), (BOB, "JPY")])
    assert await listed(state=pending, merchant_id=BOB) == [(BOB, "JPY")]
    assert await listed(state=pending, currency_code="USD") == [(ALICE, "USD")]
    assert await listed(state=pb.SETTLEMENT_STATE_FAILED) == []
