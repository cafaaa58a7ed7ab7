"""What the outside world says after all, through the simulator: one merchant for each word, all side by side.

Fees are 2.9 % and 0.30 unless a shop has none; every amount is worked out by hand.
"""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from paystream.withdrawal.v1 import withdrawal_pb2
from tests.e2e.conftest import Line
from tests.e2e.model import audit
from tests.e2e.outside.shop import Shop
from tests.line.draining import drained
from tests.line.processes import verify_ledger
from tests.line.waiting import until

Scenario = Callable[[Line], Awaitable[None]]
FREE = {"USD": (0, 0)}
SCENARIOS: list[Scenario] = []


def scenario(story: Scenario) -> Scenario:
    """Have a story told beside the others."""
    SCENARIOS.append(story)
    return story


@pytest.fixture(scope="module")
async def told(line: Line) -> dict[str, "asyncio.Task[None]"]:
    """All stories under way at once."""
    return {story.__name__: asyncio.ensure_future(story(line)) for story in SCENARIOS}


# Charges and captures.


@scenario
async def a_charge_failed_then_approved_is_owed_to_the_payer_and_goes_back(line: Line) -> None:
    shop = await Shop.opened(line)
    await shop.behave(decline_basis_points=10_000)
    payment_id = await shop.charge(1_234, "FAILED")
    await shop.behave()
    attempt_id = await shop.attempt(payment_id, "CHARGE")
    await shop.decline_refunds(attempt_id, 1)
    await shop.said(attempt_id, "APPROVED")
    await shop.until_balances({"suspense": 1_234})
    # Declined once, it is tried again by itself.
    await shop.until_balances({})
    await shop.until_payment(payment_id, state="FAILED", captured_minor=0)


@scenario
async def a_charge_failed_then_approved_is_accepted_by_two_people(line: Line) -> None:
    shop = await Shop.opened(line)
    await shop.behave(decline_basis_points=10_000)
    payment_id = await shop.charge(1_234, "FAILED")
    await shop.behave()
    attempt_id = await shop.attempt(payment_id, "CHARGE")
    await shop.decline_refunds(attempt_id, 1_000)
    await shop.said(attempt_id, "APPROVED")
    await shop.until_balances({"suspense": 1_234})
    await shop.decide(await shop.contradiction("LATE_SUCCESS"), "ACCEPT")
    # 2.9 % of 12.34 is 0.357, and 0.30.
    await shop.until_balances({"settlement": 1_234 - 66})
    await shop.until_payment(payment_id, state="SUCCEEDED", captured_minor=1_234, fee_minor=66)


@scenario
async def a_charge_approved_twice_gives_the_second_back(line: Line) -> None:
    shop = await Shop.opened(line)
    payment_id = await shop.charge(10_000)
    attempt_id = await shop.attempt(payment_id, "CHARGE")
    await shop.decline_refunds(attempt_id, 1_000)  # Of the first: the second is another authorization.
    await shop.said(attempt_id, "APPROVED_AGAIN")
    await shop.until_refunds(payment_id, [(10_000, "SUCCEEDED", "CONTRADICTION")])
    await shop.until_balances({"settlement": 9_680})
    await shop.until_payment(payment_id, state="SUCCEEDED", captured_minor=10_000, refunded_minor=0)


@scenario
async def a_charge_that_succeeded_bounces_and_its_fee_comes_back(line: Line) -> None:
    shop = await Shop.opened(line)
    payment_id = await shop.charge(10_000)
    await shop.until_balances({"settlement": 9_680})
    await shop.said(await shop.attempt(payment_id, "CHARGE"), "DECLINED")
    await shop.until_balances({})
    assert await shop.refund_refused(payment_id, 1) in {"REFUND_EXCEEDS_REFUNDABLE", "ILLEGAL_TRANSITION"}


@scenario
async def a_charge_approved_in_part_captures_that_part(line: Line) -> None:
    shop = await Shop.opened(line)
    payment_id = await shop.charge(19_013)
    # 2.9 % of 150.00 is 4.35, and 0.30.
    await shop.until_payment(payment_id, captured_minor=15_000, fee_minor=465)
    await shop.until_balances({"settlement": 14_535})
    assert await shop.refund_refused(payment_id, 15_001) == "REFUND_EXCEEDS_REFUNDABLE"
    await shop.refund(payment_id, 15_000)
    await shop.until_balances({"settlement": -465})


@scenario
async def a_charge_failed_then_approved_in_part_is_owed_for_that_part(line: Line) -> None:
    shop = await Shop.opened(line)
    await shop.behave(decline_basis_points=10_000)
    payment_id = await shop.charge(19_500, "FAILED")
    await shop.behave()
    attempt_id = await shop.attempt(payment_id, "CHARGE")
    await shop.decline_refunds(attempt_id, 1_000)
    await shop.said(attempt_id, "APPROVED", 15_000)
    await shop.until_balances({"suspense": 15_000})
    await shop.decline_refunds(attempt_id, 0)
    await shop.until_balances({})


@scenario
async def an_authorization_in_part_can_be_captured_up_to_that_part(line: Line) -> None:
    shop = await Shop.opened(line)
    payment_id = await shop.charge(19_013, "AUTHORIZED", manual=True)
    payment = (await shop.payment(payment_id)).payment
    assert (payment.authorized_minor, payment.capturable_minor) == (15_000, 15_000)
    await shop.capture(payment_id, 15_000)
    await shop.until_balances({"settlement": 14_535})


@scenario
async def a_capture_declined_then_done_is_owed_and_goes_back(line: Line) -> None:
    shop = await Shop.opened(line)
    payment_id = await shop.charge(20_000, "AUTHORIZED", manual=True)
    await shop.behave(decline_basis_points=10_000)
    await shop.capture(payment_id, 12_000, "FAILED")
    await shop.behave()
    attempt_id = await shop.attempt(payment_id, "CAPTURE")
    await shop.decline_refunds(attempt_id, 1)
    await shop.said(attempt_id, "APPROVED")
    await shop.until_balances({"suspense": 12_000})
    await shop.until_balances({})


@scenario
async def one_of_two_captures_bounces(line: Line) -> None:
    shop = await Shop.opened(line)
    payment_id = await shop.charge(20_000, "AUTHORIZED", manual=True)
    await shop.capture(payment_id, 12_000)
    bouncing = await shop.attempt(payment_id, "CAPTURE")
    await shop.capture(payment_id, 8_000)
    # 2.9 % of 120.00 is 3.48, and 0.30; of 200.00 in all it is 6.10, so 2.32 are left for the second.
    await shop.until_balances({"settlement": 20_000 - 610})
    await shop.said(bouncing, "DECLINED")
    await shop.until_balances({"settlement": 8_000 - 232})
    assert await shop.refund_refused(payment_id, 8_001) == "REFUND_EXCEEDS_REFUNDABLE"


@scenario
async def a_void_declined_then_done_leaves_nothing_to_capture(line: Line) -> None:
    shop = await Shop.opened(line)
    payment_id = await shop.charge(19_018, "AUTHORIZED", manual=True)
    await shop.void(payment_id)
    await shop.until_payment(payment_id, state="CANCELLED")
    assert await shop.balances() == {}


@scenario
async def a_void_done_then_undone_is_listed_and_moves_nothing(line: Line) -> None:
    shop = await Shop.opened(line)
    payment_id = await shop.charge(19_019, "AUTHORIZED", manual=True)
    await shop.void(payment_id)
    await shop.until_payment(payment_id, state="CANCELLED")
    assert (await shop.contradiction("LATE_FAILURE")).suspense_minor == 0
    assert await shop.balances() == {}


# Refunds.


@scenario
async def a_refund_declined_then_done_leaves_nothing_to_refund(line: Line) -> None:
    shop = await Shop.opened(line)
    payment_id = await shop.charge(20_000)
    await shop.decline_refunds(await shop.attempt(payment_id, "CHARGE"), 1)
    refund_id = await shop.refund(payment_id, 20_000, "FAILED")
    await shop.said(await shop.attempt(payment_id, "REFUND", of=refund_id), "APPROVED")
    await shop.until_refund(refund_id, "SUCCEEDED")
    await shop.until_payment(payment_id, refunded_minor=20_000)
    assert await shop.refundable(payment_id) == 0
    assert await shop.refund_refused(payment_id, 20_000) == "REFUND_EXCEEDS_REFUNDABLE"
    await shop.until_balances({"settlement": -610})  # The fee of 2.9 % and 0.30 stays.


@scenario
async def a_refund_done_after_another_took_its_place_is_out_until_two_people_charge_it(line: Line) -> None:
    shop = await Shop.opened(line)
    payment_id = await shop.charge(20_000)
    await shop.decline_refunds(await shop.attempt(payment_id, "CHARGE"), 1)
    declined = await shop.refund(payment_id, 20_000, "FAILED")
    await shop.refund(payment_id, 20_000)
    await shop.said(await shop.attempt(payment_id, "REFUND", of=declined), "APPROVED")
    await shop.until_balances({"settlement": -610, "suspense": -20_000})
    contradiction = await shop.contradiction("LATE_SUCCESS")
    assert (contradiction.suspense_minor, contradiction.amount.amount_minor) == (-20_000, 20_000)
    await shop.decide(contradiction, "CHARGE_MERCHANT")
    await shop.until_balances({"settlement": -20_610})


@scenario
async def a_refund_done_twice_is_written_off_by_two_people(line: Line) -> None:
    shop = await Shop.opened(line)
    payment_id = await shop.charge(20_000)
    refund_id = await shop.refund(payment_id, 20_000)
    await shop.said(await shop.attempt(payment_id, "REFUND", of=refund_id), "APPROVED_AGAIN")
    await shop.until_balances({"settlement": -610, "suspense": -20_000})
    await shop.decide(await shop.contradiction("SECOND_REFERENCE"), "WRITE_OFF")
    await shop.until_balances({"settlement": -610})


@scenario
async def a_refund_that_came_back_can_be_made_again(line: Line) -> None:
    shop = await Shop.opened(line)
    payment_id = await shop.charge(20_000)
    refund_id = await shop.refund(payment_id, 5_000)
    await shop.until_balances({"settlement": 20_000 - 610 - 5_000})
    await shop.said(await shop.attempt(payment_id, "REFUND", of=refund_id), "DECLINED")
    await shop.until_balances({"settlement": 20_000 - 610})
    await shop.until_payment(payment_id, refunded_minor=0)
    assert await shop.refundable(payment_id) == 20_000
    await shop.refund(payment_id, 20_000)
    await shop.until_balances({"settlement": -610})


# Payouts.


@scenario
async def a_payout_failed_then_paid_takes_what_can_be_withdrawn_at_once(line: Line) -> None:
    shop = await Shop.opened(line, FREE)
    await shop.funded(600_000, fee_minor=0)
    withdrawal_id = await shop.withdraw(509_009, "FAILED")
    await shop.until_withdrawable(90_991)
    assert await shop.withdrawal_refused(600_000) == "WITHDRAWAL_EXCEEDS_WITHDRAWABLE"
    await shop.until_balances({"available": 90_991})
    assert (await shop.contradiction("LATE_SUCCESS", "withdrawal")).aggregate_id == withdrawal_id


@scenario
async def a_payout_failed_then_paid_holds_up_others_until_two_people_have_decided(line: Line) -> None:
    shop = await Shop.opened(line, FREE)
    await shop.funded(100_000, fee_minor=0)
    await shop.withdraw(19_009, "FAILED")
    await shop.until_withdrawable(80_991)
    waiting = await shop.withdraw(50_000, "APPROVED")
    blocked = (await shop.withdrawal(waiting)).withdrawal.blocked_reason
    assert blocked == withdrawal_pb2.BLOCKED_REASON_CONTRADICTION_OPEN
    contradiction = await shop.contradiction("LATE_SUCCESS", "withdrawal")
    await shop.decide(contradiction, "NONE", "withdrawal")
    await shop.until_withdrawal(waiting, "COMPLETED")
    await shop.until_balances({"available": 30_991})


@scenario
async def a_payout_paid_after_its_funds_were_withdrawn_is_owed_by_the_merchant(line: Line) -> None:
    shop = await Shop.opened(line, FREE)
    await shop.funded(100_000, fee_minor=0)
    await shop.behave(decline_basis_points=10_000)
    failed = await shop.withdraw(80_000, "FAILED")
    await shop.behave()
    await shop.withdraw(90_000)
    await shop.said(await shop.payout(failed), "APPROVED")
    # 100.00 are left of what is available; 700.00 of the 800.00 are a debt.
    await shop.until_balances({"receivable": 70_000})
    assert await shop.withdrawable() == 0


@scenario
async def a_payout_that_came_back_short_can_be_withdrawn_again_without_the_banks_fee(line: Line) -> None:
    shop = await Shop.opened(line, FREE)
    await shop.funded(20_000, fee_minor=0)
    withdrawal_id = await shop.withdraw(20_000)
    await shop.said(await shop.payout(withdrawal_id), "RETURNED", 18_500)
    await shop.until_withdrawal(withdrawal_id, "RETURNED")
    await shop.until_withdrawable(18_500)
    await shop.until_balances({"available": 18_500})


@scenario
async def a_payout_that_completed_and_then_failed_comes_back_whole(line: Line) -> None:
    shop = await Shop.opened(line, FREE)
    await shop.funded(20_000, fee_minor=0)
    await shop.withdraw(19_015, None)
    await shop.until_withdrawable(20_000)
    await shop.until_balances({"available": 20_000})


@scenario
async def a_payout_made_twice_is_owed_by_the_merchant(line: Line) -> None:
    shop = await Shop.opened(line, FREE)
    await shop.funded(20_000, fee_minor=0)
    withdrawal_id = await shop.withdraw(15_000)
    await shop.said(await shop.payout(withdrawal_id), "APPROVED_AGAIN")
    # 50.00 are left of what is available; 100.00 of the second 150.00 are a debt.
    await shop.until_balances({"receivable": 10_000})
    assert await shop.withdrawable() == 0


# Negative balances.


@scenario
async def a_refund_after_settlement_is_recovered_from_what_is_available(line: Line) -> None:
    shop = await Shop.opened(line)
    payment_id = await shop.charge(10_000)
    await shop.until_balances({"settlement": 9_680})
    await shop.settle()
    await shop.until_withdrawable(9_680)
    await shop.refund(payment_id, 10_000)
    await shop.until_withdrawable(0)
    await shop.until_balances({"settlement": -320})
    assert await shop.withdrawal_refused(1) == "WITHDRAWAL_EXCEEDS_WITHDRAWABLE"


# Disputes above what is left.


@scenario
async def a_dispute_of_a_capture_that_bounces_is_owed_whichever_is_heard_first(line: Line) -> None:
    shop = await Shop.opened(line, FREE)
    await shop.behave(callback_delay_ms=400)
    payment_id = await shop.charge(25_000)
    await shop.until_balances({"settlement": 25_000})
    attempt_id = await shop.attempt(payment_id, "CHARGE")
    await shop.dispute(attempt_id, 8_800, respond_within_s=2)
    await shop.said(attempt_id, "DECLINED")
    # The acquirer took both: the bounced 250.00, and 88.00 that were never there.
    # Held from what was left, or above it.

    async def owed() -> bool:
        return await shop.balances() in ({"settlement": -8_800}, {"receivable": 8_800})

    await until(owed)


# What nobody asked for.


@scenario
async def a_report_of_a_charge_that_nobody_sent_is_kept_and_listed(line: Line) -> None:
    shop = await Shop.opened(line)
    attempt_id = await shop.unasked_charge(9_007)
    listed = await shop.unmatched(attempt_id)
    assert listed.amount.amount_minor == 9_007
    assert await shop.balances() == {}


@pytest.mark.parametrize("name", [story.__name__ for story in SCENARIOS])
async def test_that(told: dict[str, "asyncio.Task[None]"], name: str) -> None:
    await told[name]


@pytest.mark.usefixtures("told")
async def test_afterwards_the_ledger_tells_the_money_that_channel_and_bank_tell(line: Line) -> None:
    await drained(line.settings, line.kept)
    assert audit.faults(await audit.audited(line.settings, line.kept)) == []
    verified = await asyncio.to_thread(verify_ledger, line.settings)
    assert verified.returncode == 0, verified.stdout + verified.stderr
