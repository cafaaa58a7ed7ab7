"""What of a fee returns, and what of a refund is out, when a channel says something else later: on a real database."""

from paystream.common.v1 import contradiction_pb2
from paystream.common.v1.money_pb2 import Money
from paystream.payment.v1 import events
from paystream.payment.v1 import payment_pb2 as pb
from tests.integration.payment.capturing import attempt_of
from tests.integration.payment.conftest import House
from tests.integration.payment.contradicting import approve, contradictions, only_contradiction, propose

APPROVED, DECLINED = pb.CHANNEL_OUTCOME_APPROVED, pb.CHANNEL_OUTCOME_DECLINED
CHARGE, REFUND = pb.ATTEMPT_ACTION_CHARGE, pb.ATTEMPT_ACTION_REFUND
AUTOMATIC, OPEN = contradiction_pb2.CONTRADICTION_STATE_AUTOMATIC, contradiction_pb2.CONTRADICTION_STATE_OPEN
RESOLVED = contradiction_pb2.CONTRADICTION_STATE_RESOLVED
WRITE_OFF = contradiction_pb2.CONTRADICTION_RESOLUTION_WRITE_OFF


def usd(amount_minor: int) -> Money:
    return Money(amount_minor=amount_minor, currency_code="USD")


async def test_refunds_that_are_out_after_all_return_no_more_than_the_fee(house: House) -> None:
    paid = await house.paid(amount=usd(1_000))
    house.channel.fate = lambda request: "decline" if type(request).__name__ == "RefundRequest" else "approve"
    first = await house.refund(paid.payment_id, 500)
    await house.submit()
    declined = await attempt_of(house, paid.payment_id, REFUND)
    house.channel.fate = lambda _: "approve"
    second = await house.refund(paid.payment_id, 500)
    await house.submit()

    await house.report(declined.attempt_id, APPROVED, "ch_r")

    after = await house.get(paid.payment_id)
    # 2.9 % of 1,000 and 30. Half of that is 29.5: the second returned 30, and leaves 29.
    assert (after.refunded_minor, after.unbacked_minor, after.fee_minor, after.fee_returned_minor) == (1_000, 0, 59, 59)
    returned = [(await house.get_refund(refund.refund_id)).fee_returned_minor for refund in (first, second)]
    assert returned == [29, 30]


async def test_a_refund_of_what_a_bounce_left_returns_the_rest_of_the_fee(house: House) -> None:
    paid = await house.paid()
    charge = await attempt_of(house, paid.payment_id, CHARGE)
    await house.report(charge.attempt_id, APPROVED, charge.channel_reference, amount=usd(5_000))

    refund = await house.refund(paid.payment_id, 5_000)
    await house.submit()

    after = await house.get(paid.payment_id)
    assert (after.reversed_minor, after.refunded_minor, after.fee_minor, after.fee_returned_minor) == (
        *(5_000, 5_000),
        *(320, 320),
    )
    assert (await house.get_refund(refund.refund_id)).fee_returned_minor == 160


async def refunded_above(house: House) -> tuple[pb.Payment, pb.Refund, pb.Attempt]:
    """Give a payment of 20,000, its refund of 10,000 and the attempt of that, done over 12,000."""
    paid = await house.paid(amount=usd(20_000))
    refund = await house.refund(paid.payment_id, 10_000)
    await house.submit()
    attempt = await attempt_of(house, paid.payment_id, REFUND)
    await house.report(attempt.attempt_id, APPROVED, attempt.channel_reference, amount=usd(12_000))
    return paid, refund, attempt


async def came_back(house: House, payment_id: str) -> list[tuple[int, int, int]]:
    """Give what came back, the part of it that suspense has again, and the fee that is charged again."""
    told = [event for event in await house.told(payment_id) if isinstance(event, events.RefundReturned)]
    return [(event.amount_minor, event.suspense_minor, event.fee_minor) for event in told]


async def test_a_refund_told_higher_and_then_lower_gives_up_first_what_was_out_above_it(house: House) -> None:
    paid, refund, attempt = await refunded_above(house)

    for _ in range(2):
        await house.report(attempt.attempt_id, APPROVED, attempt.channel_reference, amount=usd(1_000))

    after, done = await house.get(paid.payment_id), await house.get_refund(refund.refund_id)
    # 10,000 of 20,000 return 305 of the fee of 610, and 1,000 of these a tenth of that: 30.
    assert (after.refunded_minor, after.unbacked_minor, after.fee_returned_minor) == (1_000, 0, 30)
    assert (done.state, done.refunded_minor) == (pb.REFUND_STATE_SUCCEEDED, 1_000)
    assert await came_back(house, paid.payment_id) == [(2_000, 2_000, 0), (9_000, 0, 275)]
    less, more = await contradictions(house)
    assert (less.state, less.amount.amount_minor, less.suspense_minor) == (AUTOMATIC, 11_000, 0)
    assert (more.state, more.suspense_minor) == (RESOLVED, 0)


async def test_a_refund_told_higher_that_came_back_is_back_with_all_that_was_out(house: House) -> None:
    paid, refund, attempt = await refunded_above(house)

    await house.report(attempt.attempt_id, DECLINED, attempt.channel_reference, decline_code="account_closed")

    after, back = await house.get(paid.payment_id), await house.get_refund(refund.refund_id)
    assert (after.refunded_minor, after.unbacked_minor, after.fee_returned_minor) == (0, 0, 0)
    assert (back.state, back.returned_minor) == (pb.REFUND_STATE_RETURNED, 10_000)
    assert await came_back(house, paid.payment_id) == [(2_000, 2_000, 0), (10_000, 0, 305)]
    failed, more = await contradictions(house)
    assert (failed.state, failed.amount.amount_minor, more.state) == (AUTOMATIC, 12_000, RESOLVED)


async def test_of_what_is_out_above_a_refund_people_decide_about_what_did_not_come_back(house: House) -> None:
    paid, refund, attempt = await refunded_above(house)

    await house.report(attempt.attempt_id, APPROVED, attempt.channel_reference, amount=usd(11_500))

    after, done = await house.get(paid.payment_id), await house.get_refund(refund.refund_id)
    assert (after.refunded_minor, after.unbacked_minor, done.refunded_minor) == (11_500, 1_500, 10_000)
    assert await came_back(house, paid.payment_id) == [(500, 500, 0)]
    less, more = await contradictions(house)
    assert (less.state, more.state, more.suspense_minor) == (AUTOMATIC, OPEN, -1_500)
    await propose(house, more.contradiction_id, WRITE_OFF)
    await approve(house, more.contradiction_id)
    assert (await house.told(paid.payment_id))[-1].written_off_minor == 1_500


async def test_what_comes_back_after_people_said_who_bears_it_is_left_to_people(house: House) -> None:
    paid, refund, attempt = await refunded_above(house)
    more = await only_contradiction(house)
    await propose(house, more.contradiction_id, WRITE_OFF)
    await approve(house, more.contradiction_id)

    await house.report(attempt.attempt_id, APPROVED, attempt.channel_reference, amount=usd(1_000))

    after, done = await house.get(paid.payment_id), await house.get_refund(refund.refund_id)
    # Of the 11,000 that came back 2,000 were written off: nothing says that they are the merchant's.
    assert (after.refunded_minor, after.unbacked_minor, done.refunded_minor) == (3_000, 2_000, 1_000)
    assert await came_back(house, paid.payment_id) == [(9_000, 0, 275)]
    less, _ = await contradictions(house)
    assert (less.state, less.needs_decision, less.suspense_minor) == (OPEN, True, 0)


async def test_what_of_a_refund_stands_in_suspense_is_left_to_people_as_far_as_it_did_not_come_back(
    house: House,
) -> None:
    paid = await house.paid(amount=usd(20_000))
    house.channel.fate = lambda request: "decline" if type(request).__name__ == "RefundRequest" else "approve"
    await house.refund(paid.payment_id, 20_000)
    await house.submit()
    declined = await attempt_of(house, paid.payment_id, REFUND)
    house.channel.fate = lambda _: "approve"
    await house.refund(paid.payment_id, 20_000)
    await house.submit()
    await house.report(declined.attempt_id, APPROVED, "ch_r")  # All of it stands in suspense.

    await house.report(declined.attempt_id, APPROVED, "ch_r", amount=usd(15_000))

    after = await house.get(paid.payment_id)
    assert (after.refunded_minor, after.unbacked_minor) == (35_000, 15_000)
    less, late = await contradictions(house)
    assert (less.state, late.state, late.suspense_minor) == (AUTOMATIC, OPEN, -15_000)


async def test_a_refund_that_comes_back_after_its_charge_bounced_costs_no_fee_again(house: House) -> None:
    paid = await house.paid()
    charge = await attempt_of(house, paid.payment_id, CHARGE)
    await house.refund(paid.payment_id, 4_000)
    await house.submit()
    refund = await attempt_of(house, paid.payment_id, REFUND)
    await house.report(charge.attempt_id, DECLINED, charge.channel_reference, decline_code="charged_back")

    await house.report(refund.attempt_id, DECLINED, refund.channel_reference, decline_code="account_closed")

    after = await house.get(paid.payment_id)
    # The refund had returned 128 of the fee of 320 and the bounce the other 192; nothing of the charge is left.
    assert (after.reversed_minor, after.refunded_minor, after.fee_returned_minor) == (10_000, 0, 320)
    assert await came_back(house, paid.payment_id) == [(4_000, 0, 0)]
