"""The model itself, on numbers worked out by hand: what it says wrongly of the line, no comparison would find."""

import pytest

from tests.e2e.model import rules
from tests.e2e.model.asking import (
    Act,
    AnswerDispute,
    Ask,
    CancelOrder,
    Capture,
    CreateOrder,
    Decide,
    OpenDispute,
    Pay,
    Refund,
    Settle,
    Void,
    Withdraw,
)
from tests.e2e.model.rules import Fees
from tests.e2e.model.world import World, together


def world(*, basis_points: int = 290, fixed: int = 30, returned: bool = True, reserve: int = 1_000) -> World:
    fees = {"USD": Fees(basis_points, fixed, returned)}
    return World(fees=fees, reserve_basis_points=reserve, approval_limit=20_000)


def after(start: World, *asks: Ask) -> World:
    """Ask one after the other, each coming to its end; none may be refused."""
    for ask in asks:
        [start] = together(start, [(ask, "")])
    return start


def accounts(seen: World) -> dict[str, int]:
    return {kind: balance for (_, kind), balance in seen.accounts.items() if balance}


def test_a_payment_refund_settlement_and_withdrawal_book_what_they_should() -> None:
    # 2.9 % of 123.45 is 3.58, and 0.30: 3.88. Of it 388 x 2345 / 12345 = 73.7: 0.74 comes back with 23.45.
    seen = after(world(), Pay(0, "USD", 12_345, manual=False, order=None), Refund(0, 2_345))
    assert accounts(seen) == {"settlement": 12_345 - 388 - 2_345 + 74}
    assert (seen.platform["USD", "income"], seen.platform["USD", "fees"]) == (10_000, 314)
    # Of 96.86, 10 % rounded half up is 9.69; 87.17 can be withdrawn.
    seen = after(seen, Settle("USD"), Withdraw(1, "USD", 8_000))
    assert accounts(seen) == {"reserve": 969, "available": 717}
    assert (seen.withdrawable("USD"), seen.platform["USD", "income"]) == (717, 2_000)


def test_captures_in_parts_are_charged_the_fixed_fee_once_and_the_rest_is_given_up() -> None:
    seen = after(world(), Pay(0, "USD", 10_000, manual=True, order=None), Capture(0, 4_000, final=False))
    seen = after(seen, Capture(0, 5_000, final=True))
    payment = seen.payments[0]
    # 2.9 % of 40.00 is 1.16, and 0.30; of 90.00 it is 2.61, and 0.30, of which 1.46 was charged.
    assert [each.fee for each in payment.captures] == [146, 145]
    assert (payment.state, payment.captured, payment.cancelled, payment.capturable) == ("SUCCEEDED", 9_000, 1_000, 0)


def test_a_cancelled_order_gives_back_what_was_captured_and_gives_up_the_rest() -> None:
    seen = after(
        world(returned=False),
        CreateOrder(0, "USD", 9_000),
        Pay(1, "USD", 3_000, manual=False, order=0),
        Pay(2, "USD", 4_000, manual=True, order=0),
        CancelOrder(0),
    )
    assert (seen.orders[0].state, seen.orders[0].paid, seen.orders[0].refunded) == ("CANCELLED", 0, 3_000)
    assert (seen.payments[2].state, seen.payments[2].cancelled) == ("CANCELLED", 4_000)
    assert accounts(seen) == {}  # The fee of 1.17 returns, as nobody but paystream gave it back.


def test_an_order_is_fully_refunded_once_all_is_given_back_that_did_not_bounce() -> None:
    seen = after(
        world(),
        CreateOrder(0, "USD", 30_000),
        Pay(1, "USD", 30_000, manual=True, order=0),
        Capture(1, 7_500, final=False),
        Capture(1, 19_015, final=False),
        CancelOrder(0),
    )
    order = seen.orders[0]
    assert (seen.payments[1].reversed, order.paid, order.captured, order.refunded) == (19_015, 0, 7_500, 7_500)
    # Two captures, one taken back, one refunded: nothing is left of the amounts, and four bookings tell of them.
    assert (seen.accounts["USD", "settlement"], seen.items["USD"]) == (0, 4)


def test_a_refund_of_what_bounced_costs_no_fee_again_when_it_comes_back() -> None:
    pay = Pay(1, "USD", 30_000, manual=True, order=0)
    start = after(world(), CreateOrder(0, "USD", 30_000), pay)

    # The order is closed while 190.15 are captured: they go back, they bounce, and what went back comes back.
    seen, *_ = together(start, [(Capture(1, 19_015, final=False), ""), (CancelOrder(0), "")])

    payment = seen.payments[1]
    assert [refund.state for refund in payment.refunds] == ["RETURNED"]
    # 2.9 % of 190.15 and 0.30.
    assert (payment.reversed, payment.refunded, payment.fee, payment.fee_returned) == (19_015, 0, 581, 581)


def test_what_a_refund_owes_may_be_recovered_before_it_comes_back() -> None:
    start = world(basis_points=0, fixed=0, reserve=0)
    [start] = together(start, [(Pay(0, "USD", 30_000, manual=False, order=None), "")])
    [start] = together(start, [(Settle("USD"), "")])
    seen = [accounts(each) for each in together(start, [(Refund(0, 9_015), "")])]
    assert seen == [{"available": 30_000}, {"settlement": 9_015, "available": 20_985}]


def test_what_an_expired_order_gives_back_is_recovered_before_or_after_the_reserve_is_released() -> None:
    start = after(
        world(basis_points=0, fixed=0),
        CreateOrder(0, "USD", 9_000, expires=True),
        Pay(1, "USD", 3_000, manual=False, order=0),
        Pay(2, "USD", 17_000, manual=False, order=None),
        Settle("USD"),
    )
    assert accounts(start) == {"available": 18_000, "reserve": 2_000}
    # 30.00 are given back: 20.00 of them from the reserve that is released, or all of what is available.
    assert [accounts(each) for each in start.advance()] == [
        {"available": 17_000},
        {"settlement": 2_000, "available": 15_000},
    ]


def test_a_dispute_won_comes_back_and_one_lost_is_gone() -> None:
    seen = after(world(), Pay(0, "USD", 5_000, manual=False, order=None), OpenDispute(0, 1_000, wins=True))
    assert accounts(seen) == {"settlement": 3_825, "disputed": 1_000}  # The fee is 1.45 and 0.30.
    won = after(seen, AnswerDispute(0, 0, contest=True))
    assert (accounts(won), won.payments[0].refundable) == ({"settlement": 4_825}, 5_000)
    lost = after(seen, AnswerDispute(0, 0, contest=False))
    assert (accounts(lost), lost.payments[0].refundable, lost.platform["USD", "income"]) == (
        {"settlement": 3_825},
        4_000,
        4_000,
    )


def test_two_requests_at_once_may_come_in_either_order_but_not_both_be_granted() -> None:
    seen = after(world(), Pay(0, "USD", 1_000, manual=True, order=None))
    capture: Ask = Capture(0, None, final=False)
    void: Ask = Void(0)

    def possible(captured: str, voided: str) -> bool:
        orders = ([(capture, captured), (void, voided)], [(void, voided), (capture, captured)])
        return any(list(together(seen, order)) for order in orders)

    assert possible("", "CAPTURE_IN_PROGRESS")
    assert possible("", "ILLEGAL_TRANSITION")
    assert possible("CAPTURE_EXCEEDS_CAPTURABLE", "")
    assert possible("ILLEGAL_TRANSITION", "")
    assert not possible("", "")
    assert not possible("ILLEGAL_TRANSITION", "ILLEGAL_TRANSITION")


def test_a_withdrawal_is_never_above_what_was_settled_and_comes_back_when_it_ends_badly() -> None:
    seen = after(world(reserve=0), Pay(0, "USD", 48_888, manual=False, order=None), Settle("USD"))
    assert seen.withdrawable("USD") == 48_888 - 1_448  # 2.9 % of 488.88 is 14.17752, and 0.30.
    assert next(iter(seen.alternatives(Withdraw(1, "USD", 47_441))))[0] == "WITHDRAWAL_EXCEEDS_WITHDRAWABLE"
    held = after(seen, Withdraw(1, "USD", 30_000))
    assert (held.withdrawals[1].state, accounts(held)) == ("HELD", {"available": 17_440, "withdrawing": 30_000})
    assert next(iter(held.alternatives(Decide(1, approve=True, same_person=True))))[0] == "SAME_PERSON"
    assert accounts(after(held, Decide(1, approve=False, same_person=False))) == {"available": 47_440}
    assert accounts(after(seen, Withdraw(1, "USD", 19_001))) == {"available": 47_440}
    assert after(seen, Withdraw(1, "USD", 19_010)).withdrawals[1].state == "RETURNED"


@pytest.mark.parametrize(
    ("most", "fate", "amount"),
    [(10_000, None, 10_000), (9_005, None, 9_000), (1, None, 1), (9_000, 9_001, 9_000), (39_000, 9_001, 29_001)],
)
def test_an_amount_meets_the_fate_that_is_wanted(most: int, fate: int | None, amount: int) -> None:
    assert rules.with_fate(most, fate) == amount


def test_a_payer_does_what_the_channel_waits_for_or_refuses_or_never_comes_back_or_is_not_waited_for() -> None:
    seen = after(world(), *(Pay(number, "USD", 9_021 + number, manual=number == 1, order=None) for number in range(4)))
    assert {each.state for each in seen.payments.values()} == {"REQUIRES_ACTION"}
    assert accounts(seen) == {}
    seen = after(seen, Act(0, does=True), Act(1, does=True), Act(2, does=False))
    # 2.9 % of 90.21 is 2.62, and 0.30.
    assert accounts(seen) == {"settlement": 9_021 - 292}
    assert [each.state for each in seen.payments.values()] == ["SUCCEEDED", "AUTHORIZED", "FAILED", "REQUIRES_ACTION"]
    given_up = after(seen, Void(3)).payments[3]
    assert (given_up.state, given_up.cancelled, given_up.waited) == ("CANCELLED", 9_024, "CALLED_OFF")
    [seen] = seen.advance()
    left = seen.payments[3]
    assert (left.state, left.cancelled, left.waited) == ("FAILED", 0, "EXPIRED")


def test_a_payer_who_comes_back_by_itself_has_paid_or_refused() -> None:
    seen = after(world(), Pay(0, "USD", 9_025, manual=False, order=None), Pay(1, "USD", 9_026, manual=True, order=None))
    assert [each.state for each in seen.payments.values()] == ["SUCCEEDED", "FAILED"]


def test_a_cancelled_order_calls_off_what_its_payer_has_not_done_and_nobody_acts_for_it_any_more() -> None:
    order, pay = CreateOrder(0, "USD", 9_021), Pay(1, "USD", 9_021, manual=False, order=0)
    waiting = after(world(), order, pay)
    assert next(iter(waiting.alternatives(Pay(2, "USD", 1, manual=False, order=0))))[0] == "ORDER_AMOUNT_EXCEEDED"
    assert after(waiting, CancelOrder(0)).payments[1].state == "CANCELLED"
    at_once = list(together(after(world(), order), [(pay, ""), (CancelOrder(0), "")]))
    assert {each.payments[1].state for each in at_once} == {"CANCELLED"}


def test_what_waits_for_its_payer_is_given_up_once() -> None:
    waiting = after(world(), Pay(0, "USD", 9_021, manual=True, order=None))
    void: Ask = Void(0)
    assert list(together(waiting, [(void, ""), (void, "ILLEGAL_TRANSITION")]))
    assert not list(together(waiting, [(void, ""), (void, "")]))
    assert next(iter(waiting.alternatives(Capture(0, None, final=False))))[0] == "ILLEGAL_TRANSITION"


def test_a_week_later_orders_and_authorizations_have_expired_disputes_are_lost_and_reserves_are_released() -> None:
    seen = after(
        world(returned=False),
        CreateOrder(0, "USD", 9_000, expires=True),
        Pay(1, "USD", 3_000, manual=False, order=0),
        Pay(2, "USD", 25_000, manual=True, order=None),
        Pay(3, "USD", 48_888, manual=False, order=None),
        OpenDispute(3, 8_888, wins=True),
        Settle("USD"),
    )
    # Settled are 30.00 less 1.17 and 400.00 less 14.48; a tenth of 414.35 is held back.
    assert accounts(seen) == {"disputed": 8_888, "reserve": 4_144, "available": 37_291}
    seen, sooner = seen.advance()
    assert (seen.orders[0].state, seen.orders[0].refunded, seen.payments[2].state) == ("EXPIRED", 3_000, "CANCELLED")
    assert accounts(seen) == {"settlement": 1_261, "available": 37_291}
    assert accounts(sooner) == {"settlement": 4_144, "available": 34_408}  # Less the 30.00 and the fee.
    # Of what is settled now only -30.00 and the fee of 1.17 are new: nothing is held back again.
    assert accounts(after(seen, Settle("USD"))) == {"available": 38_552}


def test_a_merchant_that_is_settled_daily_is_so_before_what_a_week_brings() -> None:
    seen = after(world(), Pay(0, "USD", 5_000, manual=False, order=None), OpenDispute(0, 1_000, wins=True))
    [seen] = seen.advance(daily=True)
    # Settled are 50.00 less the fee of 1.75 and the disputed 10.00, which are lost afterwards.
    assert accounts(seen) == {"reserve": 383, "available": 3_442}
