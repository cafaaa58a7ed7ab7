"""What the ledger does to a merchant's accounts, as far as it changes what can be withdrawn."""

import pytest

from paystream.accounting.v1.events import TransactionCreated
from services.withdrawal import handlers
from services.withdrawal.domain.allowance import WithdrawalExceedsWithdrawable
from tests.integration.withdrawal.conftest import Treasury


def booked(treasury: Treasury, kind: str, related_no: str, **effects: int) -> TransactionCreated:
    """A transaction that does this to the merchant's accounts; kinds without their "merchant."."""
    entries = tuple(
        treasury.entry(f"merchant.{name}", 1 if amount > 0 else -1, abs(amount), "USD")
        for name, amount in effects.items()
    )
    return treasury.booked(related_no, 1, kind=kind, entries=entries)


async def follow(treasury: Treasury, kind: str, related_no: str, **effects: int) -> None:
    event = booked(treasury, kind, related_no, **effects)
    await treasury.deliver(handlers.on_transaction_created, related_no, event)


async def test_a_negative_settlement_account_is_taken_off_and_then_recovered(treasury: Treasury) -> None:
    # Capture 10,000 (fee 320), settled; then refunded.
    await follow(treasury, "PaymentSuccess", "cap_1", settlement=9_680)
    await follow(treasury, "SettlementCreated", "stl_1", settlement=-9_680, available=9_680)
    await treasury.settle(9_680)
    assert await treasury.withdrawable() == 9_680
    await follow(treasury, "RefundSuccess", "ref_1", settlement=-10_000)

    balance = await treasury.balance()
    assert (balance.settled_minor, balance.settlement_minor, balance.withdrawable_minor) == ("9680", "-10000", "0")
    with pytest.raises(WithdrawalExceedsWithdrawable):
        await treasury.create(1)

    await follow(treasury, "BalanceRecovered", "rec_1", available=-9_680, settlement=9_680)

    balance = await treasury.balance()
    assert (balance.settled_minor, balance.settlement_minor, balance.withdrawable_minor) == ("0", "-320", "0")


async def test_what_the_merchant_owes_is_taken_off_until_it_is_paid_or_written_off(treasury: Treasury) -> None:
    await treasury.settle(10_000)
    await follow(treasury, "DisputeLost", "dsp_1", disputed=-500, receivable=700)
    assert await treasury.withdrawable() == 9_300

    # Paying 300 of it out of what is available changes nothing; writing off the rest gives it back.
    await follow(treasury, "BalanceRecovered", "rec_1", available=-300, receivable=-300)
    assert await treasury.withdrawable() == 9_300
    await follow(treasury, "WriteOff", "jrn_1", receivable=-400)
    assert await treasury.withdrawable() == 9_700


async def test_how_the_ledger_splits_a_late_payout_changes_nothing(treasury: Treasury) -> None:
    await treasury.settle(10_000)

    await follow(treasury, "WithdrawalPaidLate", "wdr_1", available=-4_000, receivable=2_000)

    assert (await treasury.balance()).settled_minor == "10000"


async def test_effects_are_summed_in_one_delivery_and_merchants_and_currencies_are_apart(treasury: Treasury) -> None:
    await treasury.settle(1_000)
    events = [booked(treasury, "RefundSuccess", f"ref_{amount}", settlement=-amount) for amount in (1, 20, 300)]
    entry = treasury.entry("merchant.settlement", -1, 5_000, "JPY")
    events.append(treasury.booked("ref_jpy", 1, kind="RefundSuccess", entries=(entry,), currency_code="JPY"))

    await treasury.deliver(handlers.on_transaction_created, "pay_1", *events)

    assert await treasury.withdrawable() == 679
    assert (await treasury.balance("JPY")).settlement_minor == "-5000"
