"""The channel's RPCs on a real database."""

import time
import uuid
from datetime import timedelta
from typing import Any

import pytest

from paykit.errors import CurrencyUnknown, FieldInvalid
from paykit.ids import new_id
from paystream.channel.v1 import channel_pb2 as pb
from paystream.common.v1.money_pb2 import Money
from services.channel import jobs
from services.channel.domain.instruction import AttemptIdReused, ChannelTimeout
from tests.integration.channel.conftest import ANY, House, all_of, authorize_request, follow_up


async def test_automatic_capture_is_on_record_and_on_the_statement(house: House) -> None:
    made = await house.authorize(2_000, related_no="cap_1")
    assert (made.outcome, made.captured, made.channel_fee_minor) == (pb.OUTCOME_APPROVED, True, 30)
    assert (made.merchant_id, made.amount) == ("mer_1", Money(amount_minor=2_000, currency_code="USD"))
    found = await house.inquire(made.attempt_id)
    assert (found.state, found.transaction, found.finality_seconds) == (pb.INQUIRY_STATE_FOUND, made, 5)
    (line,) = await house.lines()
    assert (line.channel_reference, line.related_no) == (made.channel_reference, "cap_1")
    assert (line.operation, line.outcome) == ("CAPTURE", "SUCCEEDED")
    assert (line.amount_minor, line.channel_fee_minor, line.correlation_id) == (2_000, 30, "cor_channel")


async def test_a_line_carries_the_journey_that_the_order_names_before_the_call_s(house: House) -> None:
    made = await house.authorize(2_000, correlation_id="cor_order")
    await house.refund(made.channel_reference, 1)
    assert [line.correlation_id for line in await house.lines()] == ["cor_order", "cor_channel"]


async def test_an_attempt_is_carried_out_once_however_often_and_however_many_at_once(house: House) -> None:
    request = authorize_request(2_000)
    replies = await all_of(*(house.call.Authorize(request, ANY) for _ in range(20)))
    assert replies == [replies[0]] * 20
    assert await house.count("channel_transaction") == await house.count("attempt") == 1
    assert len(await house.lines()) == 1


async def test_an_attempt_id_cannot_name_two_orders(house: House) -> None:
    made = await house.authorize(2_000)
    with pytest.raises(AttemptIdReused):
        await house.authorize(2_001, attempt_id=made.attempt_id)
    with pytest.raises(AttemptIdReused):
        await house.refund(made.channel_reference, 2_000, attempt_id=made.attempt_id)


async def test_concurrent_captures_of_one_attempt_id_for_two_authorizations_settle_one(house: House) -> None:
    first, second = await house.authorize(2_000, capture=False), await house.authorize(2_000, capture=False)
    attempt_id = new_id("att")
    results = await all_of(
        *(house.capture(each.channel_reference, 2_000, attempt_id=attempt_id) for each in (first, second) * 5)
    )
    assert {type(result) for result in results} == {pb.Transaction, AttemptIdReused}
    assert sum(isinstance(result, pb.Transaction) for result in results) == 5
    assert len(await house.lines()) == 1


async def test_declines_name_their_reason_and_move_nothing(house: House) -> None:
    declined = await house.authorize(9_001)
    assert (declined.outcome, declined.decline_code) == (pb.OUTCOME_DECLINED, "insufficient_funds")
    assert (declined.captured, declined.channel_fee_minor) == (False, 0)
    assert (await house.authorize(9_002)).decline_code == "do_not_honor"
    assert await house.lines() == []


async def test_a_timeout_after_success_ends_with_the_deadline_and_is_found_by_inquiry(house: House) -> None:
    attempt_id, began = new_id("att"), time.monotonic()
    with pytest.raises(ChannelTimeout):
        await house.authorize(9_003, attempt_id=attempt_id, within_s=0.3)
    assert time.monotonic() - began >= 0.3
    found = await house.inquire(attempt_id)
    assert (found.state, found.transaction.outcome) == (pb.INQUIRY_STATE_FOUND, pb.OUTCOME_APPROVED)
    assert len(await house.lines()) == 1
    assert (await house.authorize(9_003, attempt_id=attempt_id)).captured


async def test_a_timeout_before_leaves_nothing_behind(house: House) -> None:
    attempt_id = new_id("att")
    for _ in range(2):
        with pytest.raises(ChannelTimeout):
            await house.authorize(9_004, attempt_id=attempt_id, within_s=0.1)
    found = await house.inquire(attempt_id)
    assert (found.state, found.HasField("transaction")) == (pb.INQUIRY_STATE_NOT_FOUND, False)
    assert found.finality_seconds == 5
    assert await house.count("attempt") == 0


async def test_refunds_never_exceed_what_was_captured_under_a_race(house: House) -> None:
    made = await house.authorize(1_000)
    results = await all_of(*(house.refund(made.channel_reference, 100) for _ in range(25)))
    outcomes = [result.outcome for result in results]
    assert (outcomes.count(pb.OUTCOME_APPROVED), outcomes.count(pb.OUTCOME_DECLINED)) == (10, 15)
    assert {each.decline_code for each in results if each.outcome == pb.OUTCOME_DECLINED} == {"refund_exceeds_captured"}
    refunds = [line for line in await house.lines() if line.operation == "REFUND"]
    assert sum(line.amount_minor for line in refunds) == 1_000
    assert {line.original_channel_reference for line in refunds} == {made.channel_reference}


async def test_an_authorization_is_captured_in_parts_cancelled_and_refunded(house: House) -> None:
    reference = (await house.authorize(1_000, capture=False)).channel_reference
    assert (await house.capture(reference, 600)).captured
    assert (await house.capture(reference, 500)).decline_code == "capture_exceeds_authorized"
    cancel = pb.CancelRequest(attempt_id=new_id("att"), authorization_reference=reference)
    cancelled = (await house.call.Cancel(cancel, ANY)).transaction
    assert (cancelled.outcome, cancelled.amount.amount_minor) == (pb.OUTCOME_APPROVED, 400)
    assert (await house.capture(reference, 1)).decline_code == "authorization_cancelled"
    assert (await house.refund(reference, 600)).outcome == pb.OUTCOME_APPROVED
    assert (await house.refund("chn_nobody", 1)).decline_code == "authorization_unknown"
    assert [line.operation for line in await house.lines()] == ["CAPTURE", "REFUND"]


async def test_a_payment_to_a_bank_account_is_on_the_statement(house: House) -> None:
    request = pb.PayRequest(
        attempt_id=new_id("att"),
        merchant_id="mer_1",
        amount=Money(amount_minor=5_000, currency_code="BHD"),
        destination_token="bnk_1",
        related_no="wdr_1",
    )
    paid = (await house.call.Pay(request, ANY)).transaction
    assert (paid.outcome, paid.channel_fee_minor) == (pb.OUTCOME_APPROVED, 0)
    (line,) = await house.lines()
    assert (line.operation, line.amount_minor, line.related_no) == ("PAY", 5_000, "wdr_1")


async def test_a_wrong_fee_stands_on_the_statement_only(house: House) -> None:
    made = await house.authorize(19_006)
    (line,) = await house.lines()
    # 1.5 % of 19,006 is 285.09.
    assert (made.channel_fee_minor, line.channel_fee_minor) == (285, 286)


@pytest.mark.parametrize(
    ("amount_minor", "at_once", "later", "lines"),
    [
        (9_005, pb.OUTCOME_PENDING, pb.OUTCOME_APPROVED, 1),
        (9_008, pb.OUTCOME_PENDING, pb.OUTCOME_DECLINED, 0),
        (9_009, pb.OUTCOME_DECLINED, pb.OUTCOME_APPROVED, 1),
    ],
)
async def test_what_is_decided_later_is_decided_once_its_time_has_come(
    house: House, amount_minor: int, at_once: int, later: int, lines: int
) -> None:
    made = await house.authorize(amount_minor)
    assert made.outcome == at_once
    await jobs.resolve_open(house.runtime)
    assert (await house.inquire(made.attempt_id)).transaction == made
    house.clock.advance(timedelta(seconds=3))
    await all_of(*(jobs.resolve_open(house.runtime) for _ in range(3)))
    decided = (await house.inquire(made.attempt_id)).transaction
    assert (decided.outcome, decided.captured) == (later, later == pb.OUTCOME_APPROVED)
    assert len(await house.lines()) == lines
    refund = await house.refund(made.channel_reference, 8_000)
    assert (refund.outcome == pb.OUTCOME_APPROVED) == (later == pb.OUTCOME_APPROVED)


async def test_a_late_refund_is_counted_before_it_is_decided(house: House) -> None:
    made = await house.authorize(10_000)
    assert (await house.refund(made.channel_reference, 9_005)).outcome == pb.OUTCOME_PENDING
    assert (await house.refund(made.channel_reference, 996)).decline_code == "refund_exceeds_captured"
    assert (await house.refund(made.channel_reference, 995)).outcome == pb.OUTCOME_APPROVED
    house.clock.advance(timedelta(seconds=3))
    await jobs.resolve_open(house.runtime)
    assert sum(line.amount_minor for line in await house.lines() if line.operation == "REFUND") == 10_000


async def test_a_batch_answers_each_item_for_itself(house: House) -> None:
    twice = authorize_request(100)
    requests = [
        authorize_request(100),
        authorize_request(9_001),
        authorize_request(9_003),
        authorize_request(9_004),
        authorize_request(100, amount=Money(amount_minor=1, currency_code="XXX")),
        authorize_request(0),
        twice,
        twice,
        authorize_request(200, attempt_id=twice.attempt_id),
    ]
    results = (await house.call.BatchAuthorize(pb.BatchAuthorizeRequest(requests=requests), ANY)).results
    outcomes = [r.transaction.outcome if r.HasField("transaction") else r.error.code for r in results]
    # 4, 3 and 6 are the codes DEADLINE_EXCEEDED, INVALID_ARGUMENT and ALREADY_EXISTS.
    assert outcomes == [1, 2, 4, 4, 3, 3, 1, 1, 6]
    assert results[6] == results[7]
    assert await house.count("channel_transaction") == 4
    inquiries = pb.BatchInquireRequest(requests=[pb.InquireRequest(attempt_id=r.attempt_id) for r in requests])
    found = (await house.call.BatchInquire(inquiries, ANY)).responses
    assert [each.state for each in found] == [1, 1, 1, 2, 2, 2, 1, 1, 1]


async def test_refunds_of_one_authorization_in_one_batch_are_taken_in_order(house: House) -> None:
    reference = (await house.authorize(1_000)).channel_reference
    requests = [follow_up(pb.RefundRequest, reference, amount) for amount in (600, 600, 400, 1)]
    results = (await house.call.BatchRefund(pb.BatchRefundRequest(requests=requests), ANY)).results
    assert [each.transaction.outcome for each in results] == [1, 2, 1, 2]


async def test_a_batch_of_a_thousand_is_carried_out_whole(house: House) -> None:
    requests = [authorize_request(100 + i % 7) for i in range(1_000)]
    results = (await house.call.BatchAuthorize(pb.BatchAuthorizeRequest(requests=requests), ANY)).results
    assert [each.transaction.attempt_id for each in results] == [each.attempt_id for each in requests]
    assert len(await house.lines()) == 1_000


async def test_an_empty_batch_and_one_that_is_too_large_are_refused(house: House) -> None:
    for requests in ([], [authorize_request(1)] * 1_001):
        with pytest.raises(FieldInvalid):
            await house.call.BatchAuthorize(pb.BatchAuthorizeRequest(requests=requests), ANY)


async def test_an_unknown_currency_is_refused(house: House) -> None:
    with pytest.raises(CurrencyUnknown):
        await house.authorize(1, amount=Money(amount_minor=1, currency_code="XTS"))


async def test_a_behaviour_applies_to_its_merchant_before_the_global_one_and_can_be_removed(house: House) -> None:
    await house.behave(decline_basis_points=10_000)
    await house.behave("mer_2", decline_basis_points=0)

    async def outcome(merchant_id: str) -> Any:
        return (await house.authorize(100, merchant_id=merchant_id)).outcome

    assert [await outcome("mer_1"), await outcome("mer_2")] == [pb.OUTCOME_DECLINED, pb.OUTCOME_APPROVED]
    removed = await house.call.SetBehaviour(
        pb.SetBehaviourRequest(request_id=str(uuid.uuid4()), merchant_id="mer_2"), ANY
    )
    assert removed.behaviour.decline_basis_points == 10_000
    assert await outcome("mer_2") == pb.OUTCOME_DECLINED
    await house.call.SetBehaviour(pb.SetBehaviourRequest(request_id=str(uuid.uuid4())), ANY)
    assert await outcome("mer_1") == pb.OUTCOME_APPROVED


async def test_latency_delays_every_answer(house: House) -> None:
    await house.behave(latency_ms=200)
    began = time.monotonic()
    made = await house.authorize(100)
    assert time.monotonic() - began >= 0.2
    await house.inquire(made.attempt_id)
    assert time.monotonic() - began >= 0.4
