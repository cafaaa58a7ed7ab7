"""What a channel says after it had said something else: booked, limited, listed and told, on a real database."""

import uuid
from datetime import timedelta
from typing import Any

import pytest

from paykit.errors import IllegalTransition
from paystream.common.v1 import contradiction_pb2
from paystream.common.v1.money_pb2 import Money
from paystream.payment.v1 import events
from paystream.payment.v1 import payment_pb2 as pb
from services.payment.domain.capture import CaptureExceedsCapturable
from services.payment.domain.later import late_capture
from services.payment.domain.refund import RefundExceedsRefundable
from services.payment.jobs import contradictions as job
from tests.integration.payment.capturing import advance, attempt_of
from tests.integration.payment.conftest import House
from tests.integration.payment.contradicting import approve, contradictions, only_contradiction, propose

APPROVED, DECLINED = pb.CHANNEL_OUTCOME_APPROVED, pb.CHANNEL_OUTCOME_DECLINED
CHARGE, AUTHORIZE = pb.ATTEMPT_ACTION_CHARGE, pb.ATTEMPT_ACTION_AUTHORIZE
CAPTURE, VOID, REFUND = pb.ATTEMPT_ACTION_CAPTURE, pb.ATTEMPT_ACTION_CANCEL, pb.ATTEMPT_ACTION_REFUND
AUTOMATIC, OPEN = contradiction_pb2.CONTRADICTION_STATE_AUTOMATIC, contradiction_pb2.CONTRADICTION_STATE_OPEN
RESOLVED = contradiction_pb2.CONTRADICTION_STATE_RESOLVED
LATE_SUCCESS = contradiction_pb2.CONTRADICTION_KIND_LATE_SUCCESS
OTHER_AMOUNT = contradiction_pb2.CONTRADICTION_KIND_OTHER_AMOUNT
REVERSED = contradiction_pb2.CONTRADICTION_KIND_REVERSED
ACCEPT = contradiction_pb2.CONTRADICTION_RESOLUTION_ACCEPT
WRITE_OFF = contradiction_pb2.CONTRADICTION_RESOLUTION_WRITE_OFF
EVIDENCE = contradiction_pb2.CONTRADICTION_RESOLUTION_EVIDENCE


def usd(amount_minor: int) -> Money:
    return Money(amount_minor=amount_minor, currency_code="USD")


def refuse(*actions: str) -> Any:
    """The channel declines what is of these kinds of request."""
    return lambda request: "decline" if type(request).__name__.removesuffix("Request") in actions else "approve"


async def left_minor(house: House, payment_id: str) -> int:
    payment = await house.get(payment_id)
    spent = payment.refunded_minor + payment.refunding_minor + payment.disputed_minor
    return max(payment.captured_minor - payment.reversed_minor - spent, 0)


async def declined_charge(house: House, amount_minor: int = 1_234) -> tuple[pb.Payment, pb.Attempt]:
    house.channel.fate = refuse("Authorize")
    failed = await house.paid(amount=usd(amount_minor))
    house.channel.fate = refuse()
    return failed, await attempt_of(house, failed.payment_id, CHARGE)


async def retry(house: House, contradiction_id: str) -> pb.Refund:
    request = pb.RetryRefundRequest(request_id=str(uuid.uuid4()), contradiction_id=contradiction_id)
    return (await house.call.RetryRefund(request, None)).refund


async def run_job(house: House) -> None:
    while await job.retry_refunds(house.runtime):
        pass
    await house.submit()


async def test_a_refund_that_was_declined_and_done_all_the_same_leaves_nothing_to_refund(house: House) -> None:
    paid = await house.paid(amount=usd(20_000))
    house.channel.fate = refuse("Refund")
    refund = await house.refund(paid.payment_id, 20_000)
    await house.submit()
    assert await left_minor(house, paid.payment_id) == 20_000

    attempt = await attempt_of(house, paid.payment_id, REFUND)
    await house.report(attempt.attempt_id, APPROVED, "ch_r")

    after, done = await house.get(paid.payment_id), await house.get_refund(refund.refund_id)
    assert (after.refunded_minor, after.unbacked_minor, await left_minor(house, paid.payment_id)) == (20_000, 0, 0)
    # 2.9 % of 20,000 and 30, all of it returned.
    assert (done.state, done.refunded_minor, done.fee_returned_minor) == (pb.REFUND_STATE_SUCCEEDED, 20_000, 610)
    with pytest.raises(RefundExceedsRefundable):
        await house.refund(paid.payment_id, 1)
    told = {type(event).__name__: event for event in await house.told(paid.payment_id)}
    assert (told["RefundSuccess"].amount_minor, told["RefundSuccess"].suspense_minor) == (20_000, 0)
    assert (told["PaymentContradicted"].kind, told["PaymentContradicted"].needs_decision) == ("LATE_SUCCESS", False)
    assert (await only_contradiction(house)).state == AUTOMATIC


async def accept_late(house: House) -> None:
    """Take for the merchant what came late last, after its refund was declined."""
    house.channel.fate = refuse("Refund")
    await house.submit()
    waiting = (await contradictions(house))[0]
    await propose(house, waiting.contradiction_id, ACCEPT)
    await approve(house, waiting.contradiction_id)


async def refused_and_accepted(house: House, attempt: pb.Attempt) -> None:
    """Have money come late, its refund declined, and the money taken for the merchant."""
    await house.report(attempt.attempt_id, APPROVED, "ch_late")
    await accept_late(house)


@pytest.mark.parametrize(
    ("bounced", "reversed_minor", "fee_minor"),
    # 320 are charged for 10,000: 192 return with 6,000 of them, 128 with 4,000.
    [("ch_1", 6_000, 192), ("ch_second", 4_000, 128)],
)
async def test_of_a_charge_under_two_references_what_was_taken_under_one_bounces(
    house: House, bounced: str, reversed_minor: int, fee_minor: int
) -> None:
    house.channel.fate = lambda _request: "lost_before"
    unknown = await house.paid()
    attempt = await attempt_of(house, unknown.payment_id, CHARGE)
    await house.report(attempt.attempt_id, APPROVED, "ch_1", amount=usd(6_000))
    await house.report(attempt.attempt_id, APPROVED, "ch_second", amount=usd(4_000))
    await accept_late(house)

    await house.report(attempt.attempt_id, DECLINED, bounced, decline_code="charged_back")

    after, told = await house.get(unknown.payment_id), await house.told(unknown.payment_id)
    assert (after.captured_minor, after.reversed_minor, after.fee_returned_minor) == (10_000, reversed_minor, fee_minor)
    captured = {event.channel_reference: event for event in told if isinstance(event, events.PaymentSuccess)}
    [event] = [event for event in told if isinstance(event, events.PaymentReversed)]
    assert (event.amount_minor, event.channel_reference) == (captured[bounced].amount_minor, bounced)
    assert event.capture_id == captured[bounced].capture_id


@pytest.mark.parametrize(
    ("said", "reversed_minor"),
    [
        # 3,000 of the capture and 2,000 that were told of it later.
        ({"outcome": DECLINED, "decline_code": "charged_back"}, [2_000, 3_000]),
        ({"outcome": APPROVED, "amount": usd(3_500)}, [1_500]),
        ({"outcome": APPROVED, "amount": usd(1_000)}, [2_000, 2_000]),
    ],
)
async def test_what_was_accepted_above_the_amount_of_a_capture_bounces_with_it(
    house: House, said: dict[str, Any], reversed_minor: list[int]
) -> None:
    payment = await house.authorized()
    house.channel.fate = lambda _request: "lost_before"
    capture = await house.capture(payment.payment_id, 5_000)
    await house.submit()
    attempt = await attempt_of(house, payment.payment_id, CAPTURE)
    await house.report(attempt.attempt_id, APPROVED, "ch_c", amount=usd(3_000))
    await house.report(attempt.attempt_id, APPROVED, "ch_c", amount=usd(5_000))
    await accept_late(house)

    await house.report(attempt.attempt_id, reference="ch_c", **said)

    bounced = [e for e in await house.told(payment.payment_id) if isinstance(e, events.PaymentReversed)]
    assert [event.amount_minor for event in bounced] == reversed_minor
    assert [event.capture_id == capture.capture_id for event in bounced] == [False, True][: len(bounced)]
    captures = {c.capture_id: c.reversed_minor for c in await house.captures(payment.payment_id)}
    assert captures == {event.capture_id: event.amount_minor for event in bounced} | {
        capture_id: 0 for capture_id in captures if capture_id not in {event.capture_id for event in bounced}
    }
    assert (await house.get(payment.payment_id)).reversed_minor == sum(reversed_minor)
    assert (await contradictions(house))[0].amount.amount_minor == sum(reversed_minor)


@pytest.mark.parametrize("given_back", [False, True])
async def test_what_was_taken_above_the_amount_is_gone_with_the_charge_that_bounced(
    house: House, *, given_back: bool
) -> None:
    house.channel.fate = lambda _: "lost_before"
    paid = await house.paid(amount=usd(1_000))
    attempt = await attempt_of(house, paid.payment_id, CHARGE)
    await house.report(attempt.attempt_id, APPROVED, "ch_1", amount=usd(1_100))
    if given_back:
        house.channel.fate = refuse()
        await house.submit()

    await house.report(attempt.attempt_id, DECLINED, "ch_1", decline_code="charged_back")

    after = await house.get(paid.payment_id)
    # All 1,100 bounced. Were the 100 given back before, the payer has them twice.
    assert (after.captured_minor, after.reversed_minor) == (1_000, 1_000)
    assert (after.refunded_minor, after.unbacked_minor) == ((100, 100) if given_back else (0, 0))
    [reversed_] = [found for found in await contradictions(house) if found.kind == REVERSED]
    assert (reversed_.amount.amount_minor, reversed_.suspense_minor, reversed_.needs_decision) == (
        *(1_000, -100 if given_back else 0),
        given_back,
    )


@pytest.mark.parametrize("later", ["once", "twice"])
async def test_a_refund_that_had_failed_and_is_done_above_what_was_asked_books_all_that_is_out(
    house: House, later: str
) -> None:
    paid = await house.paid(amount=usd(60_000))
    house.channel.fate = refuse("Refund")
    refund = await house.refund(paid.payment_id, 1_000)
    await house.submit()
    attempt = await attempt_of(house, paid.payment_id, REFUND)

    for _ in range({"once": 1, "twice": 2}[later]):
        await house.report(attempt.attempt_id, APPROVED, "ch_r", amount=usd(48_888))

    after, done = await house.get(paid.payment_id), await house.get_refund(refund.refund_id)
    # 1,000 are borne by the capture; the other 47,888 are out with nothing behind them.
    assert (after.refunded_minor, after.unbacked_minor) == (48_888, 47_888)
    assert (done.state, done.refunded_minor, done.suspense_minor) == (pb.REFUND_STATE_SUCCEEDED, 1_000, 0)
    assert await left_minor(house, paid.payment_id) == 60_000 - 48_888
    booked = [event for event in await house.told(paid.payment_id) if isinstance(event, events.RefundSuccess)]
    assert [(event.amount_minor, event.suspense_minor, event.reason) for event in booked] == [
        (1_000, 0, "CUSTOMER_REQUEST"),
        (47_888, 47_888, "CONTRADICTION"),
    ]
    listed = {found.kind: found for found in await contradictions(house)}
    assert {kind: (found.amount.amount_minor, found.suspense_minor) for kind, found in listed.items()} == {
        LATE_SUCCESS: (1_000, 0),
        OTHER_AMOUNT: (47_888, -47_888),
    }
    assert (listed[LATE_SUCCESS].state, listed[OTHER_AMOUNT].state) == (AUTOMATIC, OPEN)


async def test_what_is_out_twice_stands_in_suspense_until_two_people_say_who_bears_it(house: House) -> None:
    paid = await house.paid(amount=usd(20_000))
    house.channel.fate = refuse("Refund")
    first = await house.refund(paid.payment_id, 20_000)
    await house.submit()
    [declined] = [a for a in await house.attempts(paid.payment_id) if a.action == REFUND]
    house.channel.fate = refuse()
    await house.refund(paid.payment_id, 20_000)
    await house.submit()

    await house.report(declined.attempt_id, APPROVED, "ch_r")

    after = await house.get(paid.payment_id)
    assert (after.refunded_minor, after.unbacked_minor, after.fee_returned_minor) == (40_000, 20_000, 610)
    assert (await house.get_refund(first.refund_id)).suspense_minor == 20_000
    waiting = await only_contradiction(house)
    assert (waiting.state, waiting.suspense_minor, waiting.subject_id) == (OPEN, -20_000, first.refund_id)
    success = [event for event in await house.told(paid.payment_id) if type(event).__name__ == "RefundSuccess"]
    assert [(e.amount_minor, e.suspense_minor, e.fee_returned_minor) for e in success] == [
        (20_000, 0, 610),
        (20_000, 20_000, 0),
    ]

    await propose(house, waiting.contradiction_id, WRITE_OFF)
    await approve(house, waiting.contradiction_id)
    [*_, resolved] = await house.told(paid.payment_id)
    assert (resolved.charged_minor, resolved.written_off_minor) == (0, 20_000)


async def test_money_that_came_late_is_given_back_with_growing_pauses(house: House) -> None:
    failed, attempt = await declined_charge(house)
    house.channel.fate = refuse("Refund")

    await house.report(attempt.attempt_id, APPROVED, "ch_late")
    await house.submit()
    await run_job(house)  # Nothing is due yet: the first pause is 2 s.
    assert len([a for a in await house.attempts(failed.payment_id) if a.action == REFUND]) == 1
    for pause_s in (2, 4):
        advance(house, timedelta(seconds=pause_s))
        await run_job(house)
    house.channel.fate = refuse()
    advance(house, timedelta(seconds=8))
    await run_job(house)

    types = await house.told_types(failed.payment_id)
    assert types[2:5] == ["LateCaptureReceived", "RefundCreated", "PaymentContradicted"]
    assert types[5:] == ["RefundFailed", *["RefundCreated", "RefundFailed"] * 2, "RefundCreated", "RefundSuccess",
                         "PaymentContradictionResolved"]  # fmt: skip
    received = (await house.told(failed.payment_id))[2]
    assert (received.amount_minor, received.late_reason, received.channel_reference) == (
        *(1_234, "AFTER_FAILURE"),
        "ch_late",
    )
    success = (await house.told(failed.payment_id))[-2]
    assert (success.amount_minor, success.suspense_minor, success.reason) == (1_234, 1_234, "CONTRADICTION")
    after, over = await house.get(failed.payment_id), await only_contradiction(house)
    assert (after.state, after.captured_minor, after.refunded_minor) == (pb.PAYMENT_STATE_FAILED, 0, 0)
    assert (over.state, over.resolution, over.suspense_minor) == (RESOLVED, EVIDENCE, 0)


async def late_money_given_back_in_part(house: House) -> tuple[pb.Payment, pb.Attempt, pb.Attempt]:
    """Have 1,000 of 1,234 that came late given back; give the payment, its charge and the call of that refund."""
    failed, attempt = await declined_charge(house)
    house.channel.fate = lambda _request: "lost_before"
    await house.report(attempt.attempt_id, APPROVED, "ch_late")
    await house.submit()
    refunding = await attempt_of(house, failed.payment_id, REFUND)
    await house.report(refunding.attempt_id, APPROVED, "ch_r", amount=usd(1_000))
    house.channel.fate = refuse()
    return failed, attempt, refunding


async def test_late_money_that_was_given_back_in_part_is_held_and_given_back_for_the_rest(house: House) -> None:
    failed, _, _ = await late_money_given_back_in_part(house)
    waiting = await only_contradiction(house)
    assert (waiting.state, waiting.amount.amount_minor, waiting.suspense_minor) == (AUTOMATIC, 1_234, 234)

    advance(house, timedelta(seconds=2))
    await run_job(house)

    told = [event for event in await house.told(failed.payment_id) if isinstance(event, events.RefundSuccess)]
    assert [(event.amount_minor, event.suspense_minor) for event in told] == [(1_000, 1_000), (234, 234)]
    assert ((over := await only_contradiction(house)).state, over.suspense_minor) == (RESOLVED, 0)


async def test_what_is_left_of_late_money_can_be_taken_for_the_merchant(house: House) -> None:
    failed, _, _ = await late_money_given_back_in_part(house)

    waiting = await only_contradiction(house)
    await propose(house, waiting.contradiction_id, ACCEPT)
    await approve(house, waiting.contradiction_id)

    told = {type(event).__name__: event for event in await house.told(failed.payment_id)}
    assert (told["LateCaptureAccepted"].amount_minor, told["PaymentSuccess"].amount_minor) == (234, 234)
    # 2.9 % of 234 and 30.
    assert (await house.get(failed.payment_id)).fee_minor == 37
    with pytest.raises(RefundExceedsRefundable):
        await house.refund(failed.payment_id, 235)


async def test_a_part_of_late_money_that_came_back_is_given_back_with_the_rest(house: House) -> None:
    failed, _, refunding = await late_money_given_back_in_part(house)

    await house.report(refunding.attempt_id, DECLINED, "ch_r", decline_code="account_closed")
    assert sorted(row.suspense_minor for row in await contradictions(house)) == [0, 1_234]
    advance(house, timedelta(seconds=2))
    await run_job(house)

    told = [event for event in await house.told(failed.payment_id) if isinstance(event, events.RefundSuccess)]
    assert [event.amount_minor for event in told] == [1_000, 1_234]
    assert sum(row.suspense_minor for row in await contradictions(house)) == 0


async def test_late_money_that_bounced_after_a_part_was_given_back_is_out_twice_by_that_part(house: House) -> None:
    failed, attempt, _ = await late_money_given_back_in_part(house)

    await house.report(attempt.attempt_id, DECLINED, "ch_late", decline_code="charged_back")
    advance(house, timedelta(days=1))
    await run_job(house)

    # Of 1,234 that came the payer has 1,000 from us, and the channel has taken all of it back.
    told = [event for event in await house.told(failed.payment_id) if isinstance(event, events.RefundSuccess)]
    assert [event.suspense_minor for event in told] == [1_000, 234, 1_000]
    listed = {row.state: row.suspense_minor for row in await contradictions(house)}
    assert listed == {OPEN: -1_000, RESOLVED: 0}


async def test_a_part_that_comes_back_of_what_is_out_twice_leaves_the_rest_to_people(house: House) -> None:
    paid = await house.paid()
    house.channel.fate = refuse("Refund")
    await house.refund(paid.payment_id, 10_000)
    await house.submit()
    house.channel.fate = refuse()
    declined = await attempt_of(house, paid.payment_id, REFUND)
    await house.refund(paid.payment_id, 10_000)
    await house.submit()
    await house.report(declined.attempt_id, APPROVED, "ch_r")

    await house.report(declined.attempt_id, APPROVED, "ch_r", amount=usd(6_000))

    listed = {row.kind: row for row in await contradictions(house)}
    assert (listed[LATE_SUCCESS].state, listed[LATE_SUCCESS].suspense_minor) == (OPEN, -6_000)
    await propose(house, listed[LATE_SUCCESS].contradiction_id, WRITE_OFF)
    await approve(house, listed[LATE_SUCCESS].contradiction_id)
    assert (await house.told(paid.payment_id))[-1].written_off_minor == 6_000


async def test_what_no_refund_gives_back_is_left_to_people_who_can_have_it_tried_at_once(house: House) -> None:
    failed, attempt = await declined_charge(house)
    house.channel.fate = refuse("Refund")
    await house.report(attempt.attempt_id, APPROVED, "ch_late")
    await house.submit()
    assert (await only_contradiction(house)).state == AUTOMATIC

    for _ in range(late_capture.REFUNDS_MAX - 1):
        assert (await only_contradiction(house)).state == AUTOMATIC
        advance(house, timedelta(seconds=late_capture.REFUND_PAUSE_MAX_S))
        await run_job(house)

    waiting = await only_contradiction(house)
    assert (waiting.state, waiting.suspense_minor, waiting.needs_decision) == (OPEN, 1_234, True)
    [*_, told] = await house.told(failed.payment_id)
    assert (told.contradiction_id, told.needs_decision) == (waiting.contradiction_id, True)

    house.channel.fate = refuse()
    refund = await retry(house, waiting.contradiction_id)
    with pytest.raises(IllegalTransition):
        await retry(house, waiting.contradiction_id)
    await house.submit()
    assert (await house.get_refund(refund.refund_id)).state == pb.REFUND_STATE_SUCCEEDED
    assert (await only_contradiction(house)).state == RESOLVED
    with pytest.raises(IllegalTransition):
        await retry(house, waiting.contradiction_id)


async def test_two_people_take_money_that_came_late_for_the_merchant(house: House) -> None:
    failed, attempt = await declined_charge(house)
    house.channel.fate = refuse("Refund")
    await house.report(attempt.attempt_id, APPROVED, "ch_late")
    waiting = await only_contradiction(house)
    await propose(house, waiting.contradiction_id, ACCEPT)
    with pytest.raises(IllegalTransition):  # The refund is under way.
        await approve(house, waiting.contradiction_id)
    await house.submit()

    await approve(house, waiting.contradiction_id)
    advance(house, timedelta(days=30))
    await run_job(house)

    after = await house.get(failed.payment_id)
    assert (after.state, after.captured_minor, after.fee_minor, after.failure_reason) == (
        *(pb.PAYMENT_STATE_SUCCEEDED, 1_234),
        *(66, ""),
    )
    [*_, accepted, success, resolved] = await house.told(failed.payment_id)
    assert (type(accepted).__name__, type(success).__name__) == ("LateCaptureAccepted", "PaymentSuccess")
    assert accepted.capture_id == success.capture_id == after.capture_id
    assert (success.amount_minor, resolved.resolution, resolved.charged_minor) == (1_234, "ACCEPT", 0)
    await house.refund(failed.payment_id, 1_234)


@pytest.mark.parametrize("back", [False, True])
async def test_a_refund_of_accepted_late_money_that_is_done_after_all_counts_as_out(
    house: House, *, back: bool
) -> None:
    failed, attempt = await declined_charge(house)
    await refused_and_accepted(house, attempt)
    refunding = await attempt_of(house, failed.payment_id, REFUND)

    await house.report(refunding.attempt_id, APPROVED, "ch_r")
    if back:
        await house.report(refunding.attempt_id, DECLINED, "ch_r", decline_code="account_closed")

    after, listed = await house.get(failed.payment_id), await contradictions(house)
    # The payer has the 1,234 that the merchant has: nothing is left to refund until they come back.
    assert (after.captured_minor, after.refunded_minor, after.unbacked_minor) == (
        (1_234, 0, 0) if back else (1_234, 1_234, 1_234)
    )
    assert sum(row.suspense_minor for row in listed) == (0 if back else -1_234)
    assert [row.state for row in listed] == ([AUTOMATIC, RESOLVED, RESOLVED] if back else [OPEN, RESOLVED])
    if back:
        await house.refund(failed.payment_id, 1_234)
        return
    with pytest.raises(RefundExceedsRefundable):
        await house.refund(failed.payment_id, 1)


async def test_a_charge_approved_under_two_references_gives_the_second_back(house: House) -> None:
    paid = await house.paid()
    attempt = await attempt_of(house, paid.payment_id, CHARGE)

    for _ in range(2):
        await house.report(attempt.attempt_id, APPROVED, "ch_second")
    await house.submit()

    after = await house.get(paid.payment_id)
    assert (after.captured_minor, after.refunded_minor, await left_minor(house, paid.payment_id)) == (10_000, 0, 10_000)
    assert (await house.told_types(paid.payment_id))[2:] == [
        *("LateCaptureReceived", "RefundCreated", "PaymentContradicted", "RefundSuccess"),
        "PaymentContradictionResolved",
    ]
    received = (await house.told(paid.payment_id))[2]
    assert (received.late_reason, received.amount_minor) == ("SECOND_REFERENCE", 10_000)
    sql = "SELECT original_reference FROM attempt WHERE action = 'REFUND'"
    assert [row[0] for row in await house.runtime.read(lambda tx: tx.fetch(sql))] == ["ch_second"]


async def test_more_than_the_payment_is_over_cannot_be_taken(house: House) -> None:
    paid = await house.paid()
    attempt = await attempt_of(house, paid.payment_id, CHARGE)
    house.channel.fate = refuse("Refund")
    await house.report(attempt.attempt_id, APPROVED, "ch_second")
    await house.submit()
    waiting = await only_contradiction(house)

    await propose(house, waiting.contradiction_id, ACCEPT)
    with pytest.raises(CaptureExceedsCapturable):
        await approve(house, waiting.contradiction_id)


async def test_a_charge_that_bounced_is_taken_off_the_merchant_with_its_fee(house: House) -> None:
    paid = await house.paid()
    attempt = await attempt_of(house, paid.payment_id, CHARGE)
    await house.refund(paid.payment_id, 4_000)
    await house.submit()

    for _ in range(2):
        await house.report(attempt.attempt_id, DECLINED, "ch_1", decline_code="charged_back")
    await house.report(attempt.attempt_id, APPROVED, "ch_1")  # The first word, told late once more.

    after = await house.get(paid.payment_id)
    # The fee was 320; 4,000 of 10,000 had returned 128 of it.
    assert (after.captured_minor, after.reversed_minor, after.fee_returned_minor) == (10_000, 10_000, 320)
    assert await left_minor(house, paid.payment_id) == 0
    [*_, bounced, contradicted] = await house.told(paid.payment_id)
    assert (bounced.amount_minor, bounced.fee_returned_minor, bounced.failure_code) == (10_000, 192, "charged_back")
    assert (bounced.capture_id, contradicted.kind) == (paid.capture_id, "REVERSED")
    with pytest.raises(RefundExceedsRefundable):
        await house.refund(paid.payment_id, 1)


async def test_a_capture_that_bounced_leaves_the_others_alone(house: House) -> None:
    payment = await house.authorized()
    first = await house.capture(payment.payment_id, 4_000)
    await house.submit()
    attempt = await attempt_of(house, payment.payment_id, CAPTURE)
    await house.capture(payment.payment_id, 6_000)
    await house.submit()

    await house.report(attempt.attempt_id, DECLINED, attempt.channel_reference, decline_code="charged_back")

    after = await house.get(payment.payment_id)
    # 2.9 % of 4,000 and 30 return; the 174 of the second capture stay.
    assert (after.reversed_minor, after.fee_minor, after.fee_returned_minor) == (4_000, 320, 146)
    assert (await left_minor(house, payment.payment_id), after.capturable_minor) == (6_000, 0)
    assert {(c.capture_id == first.capture_id, c.reversed_minor) for c in await house.captures(payment.payment_id)} == {
        (True, 4_000),
        (False, 0),
    }


async def test_a_refund_that_came_back_can_be_asked_for_again_and_its_fee_is_charged_again(house: House) -> None:
    paid = await house.paid()
    refund = await house.refund(paid.payment_id, 2_500)
    await house.submit()
    attempt = await attempt_of(house, paid.payment_id, REFUND)

    for _ in range(2):
        await house.report(attempt.attempt_id, DECLINED, attempt.channel_reference, decline_code="account_closed")

    after, back = await house.get(paid.payment_id), await house.get_refund(refund.refund_id)
    assert (after.refunded_minor, after.fee_returned_minor, await left_minor(house, paid.payment_id)) == (0, 0, 10_000)
    assert (back.state, back.returned_minor) == (pb.REFUND_STATE_RETURNED, 2_500)
    [*_, returned, contradicted] = await house.told(paid.payment_id)
    assert (returned.amount_minor, returned.fee_minor, returned.suspense_minor) == (2_500, 80, 0)
    assert (contradicted.kind, contradicted.refund_id) == ("RETURNED", refund.refund_id)


async def test_a_refund_out_a_second_time_counts_as_out_and_waits_for_people(house: House) -> None:
    paid = await house.paid()
    await house.refund(paid.payment_id, 2_500)
    await house.submit()
    attempt = await attempt_of(house, paid.payment_id, REFUND)

    await house.report(attempt.attempt_id, APPROVED, "ch_again")

    after, waiting = await house.get(paid.payment_id), await only_contradiction(house)
    assert (after.refunded_minor, after.unbacked_minor, await left_minor(house, paid.payment_id)) == (
        *(5_000, 2_500),
        5_000,
    )
    assert (waiting.state, waiting.suspense_minor) == (OPEN, -2_500)


async def test_a_refund_that_came_back_and_is_out_once_more_is_a_refund_of_its_own(house: House) -> None:
    paid = await house.paid()
    first = await house.refund(paid.payment_id, 2_500)
    await house.submit()
    attempt = await attempt_of(house, paid.payment_id, REFUND)
    await house.report(attempt.attempt_id, DECLINED, attempt.channel_reference, decline_code="account_closed")

    for _ in range(2):
        await house.report(attempt.attempt_id, APPROVED, "ch_again", amount=usd(1_500))

    # The ledger has booked RefundSuccess and RefundReturned of the first; it would not book that id once more.
    back = await house.get_refund(first.refund_id)
    assert (back.state, back.returned_minor, back.channel_reference) == (
        *(pb.REFUND_STATE_RETURNED, 2_500),
        attempt.channel_reference,
    )
    told = [event for event in await house.told(paid.payment_id) if type(event).__name__ == "RefundSuccess"]
    assert [(event.amount_minor, event.suspense_minor) for event in told] == [(2_500, 0), (1_500, 1_500)]
    assert told[0].refund_id == first.refund_id != told[1].refund_id
    after = await house.get(paid.payment_id)
    assert (after.refunded_minor, after.unbacked_minor, await left_minor(house, paid.payment_id)) == (
        *(1_500, 1_500),
        8_500,
    )
    listed, returned = await contradictions(house)
    assert (listed.kind, listed.state, listed.suspense_minor) == (LATE_SUCCESS, OPEN, -1_500)
    assert (returned.state, returned.suspense_minor) == (AUTOMATIC, 0)


async def late_money_whose_refund_came_back(house: House) -> tuple[pb.Payment, pb.Attempt]:
    """Give the payment that had failed, and the attempt of the first refund of what came late."""
    failed, attempt = await declined_charge(house)
    await house.report(attempt.attempt_id, APPROVED, "ch_late")
    await house.submit()
    refunding = await attempt_of(house, failed.payment_id, REFUND)
    await house.report(refunding.attempt_id, DECLINED, refunding.channel_reference, decline_code="account_closed")
    return failed, refunding


async def test_a_refund_of_late_money_that_came_back_is_tried_again(house: House) -> None:
    failed, _ = await late_money_whose_refund_came_back(house)
    assert [row.suspense_minor for row in await contradictions(house)] == [1_234, 0]
    advance(house, timedelta(seconds=2))
    await run_job(house)

    assert [row.state for row in await contradictions(house)] == [RESOLVED, RESOLVED]
    assert (await house.told_types(failed.payment_id))[-6:] == [
        *("PaymentContradictionResolved", "RefundReturned", "PaymentContradicted"),
        *("RefundCreated", "RefundSuccess", "PaymentContradictionResolved"),
    ]


async def test_late_money_whose_refund_came_back_and_is_out_once_more_is_not_given_back_again(house: House) -> None:
    failed, refunding = await late_money_whose_refund_came_back(house)

    await house.report(refunding.attempt_id, APPROVED, "ch_again", amount=usd(1_234))
    advance(house, timedelta(days=1))
    await run_job(house)

    told = [event for event in await house.told(failed.payment_id) if type(event).__name__ == "RefundSuccess"]
    assert [(event.amount_minor, event.suspense_minor) for event in told] == [(1_234, 1_234), (1_234, 1_234)]
    assert told[0].refund_id != told[1].refund_id
    assert [(row.state, row.suspense_minor) for row in await contradictions(house)] == [
        *((AUTOMATIC, 0), (RESOLVED, 0), (RESOLVED, 0)),
    ]


async def test_late_money_that_went_back_twice_is_out_once_too_often_and_waits_for_people(house: House) -> None:
    failed, first = await late_money_whose_refund_came_back(house)
    advance(house, timedelta(seconds=2))
    await run_job(house)

    await house.report(first.attempt_id, APPROVED, "ch_again", amount=usd(1_234))

    told = [event for event in await house.told(failed.payment_id) if type(event).__name__ == "RefundSuccess"]
    assert [event.amount_minor for event in told] == [1_234] * 3
    listed = await contradictions(house)
    assert sum(row.suspense_minor for row in listed) == -1_234
    assert [(row.state, row.suspense_minor) for row in listed if row.state == OPEN] == [(OPEN, -1_234)]


async def test_late_money_that_bounced_is_out_of_suspense_by_itself(house: House) -> None:
    failed, attempt = await declined_charge(house)
    house.channel.fate = refuse("Refund")
    await house.report(attempt.attempt_id, APPROVED, "ch_late")
    await house.submit()

    await house.report(attempt.attempt_id, DECLINED, "ch_late", decline_code="charged_back")
    advance(house, timedelta(days=1))
    await run_job(house)

    success = [event for event in await house.told(failed.payment_id) if type(event).__name__ == "RefundSuccess"]
    assert [(event.amount_minor, event.suspense_minor) for event in success] == [(1_234, 1_234)]
    assert {row.suspense_minor for row in await contradictions(house)} == {0}


@pytest.mark.parametrize(("approved_minor", "fee_minor"), [(15_000, 465)])
async def test_a_charge_approved_in_part_captures_that_part(house: House, approved_minor: int, fee_minor: int) -> None:
    house.channel.fate = lambda _request: "lost_after"
    unknown = await house.paid(amount=usd(19_003))
    attempt = await attempt_of(house, unknown.payment_id, CHARGE)

    await house.report(attempt.attempt_id, APPROVED, "ch_1", amount=usd(approved_minor))

    after = await house.get(unknown.payment_id)
    assert (after.state, after.amount.amount_minor, after.captured_minor, after.fee_minor) == (
        *(pb.PAYMENT_STATE_SUCCEEDED, 19_003),
        *(approved_minor, fee_minor),
    )
    assert await contradictions(house) == []
    with pytest.raises(RefundExceedsRefundable):
        await house.refund(unknown.payment_id, approved_minor + 1)


async def test_an_authorization_approved_in_part_can_be_captured_up_to_that(house: House) -> None:
    house.channel.fate = lambda _request: "lost_after"
    unknown = await house.authorized(amount=usd(19_003))
    attempt = await attempt_of(house, unknown.payment_id, AUTHORIZE)
    await house.report(attempt.attempt_id, APPROVED, "ch_1", amount=usd(15_000))

    after = await house.get(unknown.payment_id)
    assert (after.state, after.authorized_minor, after.capturable_minor) == (
        *(pb.PAYMENT_STATE_AUTHORIZED, 15_000),
        15_000,
    )
    with pytest.raises(CaptureExceedsCapturable):
        await house.capture(unknown.payment_id, 15_001)


async def test_a_capture_approved_in_part_leaves_the_rest_to_be_captured(house: House) -> None:
    payment = await house.authorized()
    house.channel.fate = lambda _request: "lost_after"
    await house.capture(payment.payment_id, 4_000)
    await house.submit()
    attempt = await attempt_of(house, payment.payment_id, CAPTURE)

    await house.report(attempt.attempt_id, APPROVED, "ch_c", amount=usd(3_000))

    after = await house.get(payment.payment_id)
    [capture] = await house.captures(payment.payment_id)
    assert (after.captured_minor, after.capturing_minor, after.capturable_minor) == (3_000, 0, 7_000)
    assert (capture.amount.amount_minor, capture.captured_minor) == (4_000, 3_000)
    await house.refund(payment.payment_id, 3_000)


async def test_a_refund_done_in_part_gives_back_that_part(house: House) -> None:
    paid = await house.paid()
    house.channel.fate = lambda _request: "lost_after"
    refund = await house.refund(paid.payment_id, 4_000)
    await house.submit()
    attempt = await attempt_of(house, paid.payment_id, REFUND)

    await house.report(attempt.attempt_id, APPROVED, "ch_r", amount=usd(1_000))

    after, done = await house.get(paid.payment_id), await house.get_refund(refund.refund_id)
    # 4,000 were to return 128 of the fee; 1,000 return a quarter of that.
    assert (after.refunded_minor, after.refunding_minor, after.fee_returned_minor) == (1_000, 0, 32)
    assert (done.refunded_minor, await left_minor(house, paid.payment_id)) == (1_000, 9_000)


async def test_more_than_was_asked_for_is_held_and_given_back(house: House) -> None:
    house.channel.fate = lambda _request: "lost_after"
    unknown = await house.paid()
    attempt = await attempt_of(house, unknown.payment_id, CHARGE)
    house.channel.fate = refuse()

    await house.report(attempt.attempt_id, APPROVED, "ch_1", amount=usd(12_500))
    await house.submit()

    after = await house.get(unknown.payment_id)
    assert (after.captured_minor, after.state) == (10_000, pb.PAYMENT_STATE_SUCCEEDED)
    [received] = [e for e in await house.told(unknown.payment_id) if type(e).__name__ == "LateCaptureReceived"]
    assert (received.amount_minor, received.late_reason) == (2_500, "ABOVE_AMOUNT")
    assert (await only_contradiction(house)).state == RESOLVED


async def test_an_amount_told_lower_afterwards_takes_the_difference_back(house: House) -> None:
    paid = await house.paid()
    attempt = await attempt_of(house, paid.payment_id, CHARGE)

    await house.report(attempt.attempt_id, APPROVED, "ch_1", amount=usd(7_500))

    after = await house.get(paid.payment_id)
    # 2,500 of 10,000 return 80 of 320.
    assert (after.reversed_minor, after.fee_returned_minor) == (2_500, 80)
    assert (await only_contradiction(house)).kind == contradiction_pb2.CONTRADICTION_KIND_OTHER_AMOUNT


async def test_an_authorization_that_is_gone_can_no_more_be_captured(house: House) -> None:
    payment = await house.authorized()
    attempt = await attempt_of(house, payment.payment_id, AUTHORIZE)

    await house.report(attempt.attempt_id, DECLINED, "ch_1", decline_code="expired_card")

    after = await house.get(payment.payment_id)
    assert (after.state, after.failure_reason, after.capturable_minor) == (
        *(pb.PAYMENT_STATE_FAILED, "METHOD_EXPIRED"),
        0,
    )


async def test_a_charge_withdrawn_and_carried_out_all_the_same_is_given_back(house: House) -> None:
    created = await house.create()
    await house.cancel(created.payment_id)
    attempt = await attempt_of(house, created.payment_id, CHARGE)

    await house.report(attempt.attempt_id, APPROVED, "ch_late")
    await house.submit()

    assert (await house.get(created.payment_id)).state == pb.PAYMENT_STATE_CANCELLED
    received = (await house.told(created.payment_id))[2]
    assert (received.late_reason, received.amount_minor) == ("AFTER_CANCELLATION", 10_000)
    assert (await only_contradiction(house)).state == RESOLVED


async def test_a_void_that_failed_and_was_done_gives_up_what_is_left(house: House) -> None:
    payment = await house.authorized()
    house.channel.fate = refuse("Cancel")
    await house.cancel(payment.payment_id)
    await house.submit()
    attempt = await attempt_of(house, payment.payment_id, VOID)
    assert (await house.get(payment.payment_id)).capturable_minor == 10_000

    await house.report(attempt.attempt_id, APPROVED, "ch_v")

    after = await house.get(payment.payment_id)
    assert (after.state, after.cancelled_minor, after.capturable_minor) == (pb.PAYMENT_STATE_CANCELLED, 10_000, 0)


async def authorized_twice(house: House) -> tuple[pb.Payment, pb.Attempt, pb.Attempt]:
    """Give a payment that is given up, the void of its second authorization, and the void of its own."""
    payment = await house.authorized()
    first = await attempt_of(house, payment.payment_id, AUTHORIZE)
    await house.report(first.attempt_id, APPROVED, "ch_second")
    await house.cancel(payment.payment_id)
    house.channel.fate = lambda _request: "lost_before"
    await house.submit()
    of_second, own = sorted(
        (each for each in await house.attempts(payment.payment_id) if each.action == VOID),
        key=lambda void: house.channel.requests[void.attempt_id].authorization_reference != "ch_second",
    )
    return payment, of_second, own


async def test_the_void_of_a_second_authorization_says_nothing_of_the_payment_s_own(house: House) -> None:
    payment, of_second, own = await authorized_twice(house)

    await house.report(of_second.attempt_id, APPROVED, "ch_v2")
    waiting = await house.get(payment.payment_id)
    assert (waiting.state, waiting.cancelled_minor) == (pb.PAYMENT_STATE_AUTHORIZED, 0)

    # The payer is still held to 10,000, which can be captured or given up once more.
    await house.report(own.attempt_id, DECLINED, decline_code="processing_error")
    after = await house.get(payment.payment_id)
    assert (after.state, after.cancelled_minor, after.capturable_minor) == (pb.PAYMENT_STATE_AUTHORIZED, 0, 10_000)


async def test_nothing_is_captured_beside_a_void_when_that_of_a_second_authorization_fails(house: House) -> None:
    payment, of_second, own = await authorized_twice(house)

    await house.report(of_second.attempt_id, DECLINED, decline_code="processing_error")

    with pytest.raises(CaptureExceedsCapturable):
        await house.capture(payment.payment_id, 5_000)
    await house.report(of_second.attempt_id, APPROVED, "ch_v2")  # It is done after all: the payment's own is not.
    assert (await house.get(payment.payment_id)).state == pb.PAYMENT_STATE_AUTHORIZED
    await house.report(own.attempt_id, APPROVED, "ch_v1")
    after = await house.get(payment.payment_id)
    assert (after.state, after.cancelled_minor) == (pb.PAYMENT_STATE_CANCELLED, 10_000)


async def test_a_void_that_was_not_done_after_all_is_asked_for_once_more(house: House) -> None:
    payment = await house.authorized()
    await house.cancel(payment.payment_id)
    await house.submit()
    attempt = await attempt_of(house, payment.payment_id, VOID)

    await house.report(attempt.attempt_id, DECLINED, attempt.channel_reference, decline_code="processing_error")
    await house.submit()

    voids = [each for each in await house.attempts(payment.payment_id) if each.action == VOID]
    assert [void.state for void in voids] == [pb.ATTEMPT_STATE_FAILED, pb.ATTEMPT_STATE_SUCCEEDED]
    assert (await house.get(payment.payment_id)).state == pb.PAYMENT_STATE_CANCELLED


async def test_a_void_done_though_all_was_captured_is_looked_into(house: House) -> None:
    payment = await house.authorized()
    house.channel.fate = refuse("Cancel")
    await house.cancel(payment.payment_id)
    await house.submit()
    attempt = await attempt_of(house, payment.payment_id, VOID)
    await house.capture(payment.payment_id)
    await house.submit()

    await house.report(attempt.attempt_id, APPROVED, "ch_v")

    waiting = await only_contradiction(house)
    assert (waiting.state, waiting.suspense_minor) == (OPEN, 0)
    assert (await house.get(payment.payment_id)).captured_minor == 10_000


async def test_a_capture_that_failed_and_took_its_money_is_given_back_or_taken(house: House) -> None:
    payment = await house.authorized()
    house.channel.fate = refuse("Capture", "Refund")
    await house.capture(payment.payment_id, 4_000)
    await house.submit()
    attempt = await attempt_of(house, payment.payment_id, CAPTURE)
    await house.report(attempt.attempt_id, APPROVED, "ch_c")
    await house.submit()
    waiting = await only_contradiction(house)

    await propose(house, waiting.contradiction_id, ACCEPT)
    await approve(house, waiting.contradiction_id)

    after, captures = await house.get(payment.payment_id), await house.captures(payment.payment_id)
    assert (after.captured_minor, after.capturable_minor, after.fee_minor) == (4_000, 6_000, 146)
    assert {(c.state, c.captured_minor) for c in captures} == {
        (pb.CAPTURE_STATE_FAILED, 0),
        (pb.CAPTURE_STATE_SUCCEEDED, 4_000),
    }


async def test_what_is_said_of_no_attempt_is_refused_and_kept_once(house: House) -> None:
    created = await house.create()
    unsent = await attempt_of(house, created.payment_id, CHARGE)
    unknown = "att_" + "f" * 32

    for attempt_id, amount in ((unknown, usd(7)), (unknown, usd(7)), (unsent.attempt_id, None)):
        with pytest.raises(Exception, match="attempt"):
            await house.report(attempt_id, APPROVED, "ch_x", amount=amount)
    await house.submit()
    other = Money(amount_minor=10_000, currency_code="JPY")
    with pytest.raises(Exception, match="attempt"):
        await house.report(unsent.attempt_id, APPROVED, "ch_1", amount=other)

    listed = (await house.call.ListUnmatchedEvidence(pb.ListUnmatchedEvidenceRequest(), None)).evidence
    assert [(row.attempt_id, row.refusal, row.amount.amount_minor) for row in listed] == [
        (unsent.attempt_id, "CHANNEL_AMOUNT_MISMATCH", 10_000),
        (unsent.attempt_id, "ILLEGAL_TRANSITION", 0),
        (unknown, "ATTEMPT_NOT_FOUND", 7),
    ]
    [told] = await house.told(unknown)
    assert (told.evidence_id, told.reported_outcome, told.amount_minor, told.currency_code) == (
        *(listed[2].evidence_id, "SUCCEEDED"),
        *(7, "USD"),
    )
