"""What of a fee returns, and what of a refund is out, when a channel says something else later: on a real database."""

from paystream.common.v1.money_pb2 import Money
from paystream.payment.v1 import payment_pb2 as pb
from tests.integration.payment.capturing import attempt_of
from tests.integration.payment.conftest import House

APPROVED, DECLINED = pb.CHANNEL_OUTCOME_APPROVED, pb.CHANNEL_OUTCOME_DECLINED
CHARGE, REFUND = pb.ATTEMPT_ACTION_CHARGE, pb.ATTEMPT_ACTION_REFUND


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
