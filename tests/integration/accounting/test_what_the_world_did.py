"""What the outside world did after all, booked on a real database."""

from dataclasses import replace

import pytest

from paykit.process.runtime import Runtime
from paystream.payment.v1.events import DisputeDecision, DisputeLost, DisputeOpened, LateCaptureReceived, RefundReason
from paystream.withdrawal.v1.events import (
    WithdrawalBounced,
    WithdrawalCancelled,
    WithdrawalCompleted,
    WithdrawalCreated,
    WithdrawalFailed,
    WithdrawalPaidLate,
    WithdrawalReturned,
)
from services.accounting import store
from services.accounting.commands.verification import verify
from services.accounting.domain import chart
from services.accounting.handlers import FUNDS_WAIT_S
from services.accounting.service import SERVICE
from tests.conftest import RuntimeOf
from tests.integration.accounting.books import account, balance, consume, rows
from tests.integration.accounting.test_in_transit import consume_all, held, reason_of, told
from tests.unit.accounting.ledger import (
    capture,
    consumption,
    dispute,
    late,
    overturned,
    recovery,
    refund,
    release,
    resolved,
    settlement,
    statement,
    withdrawal,
)


async def test_of_a_reserve_of_50_00_of_which_30_00_are_consumed_20_00_are_released(ledger: Runtime) -> None:
    await consume(ledger, settlement(1, net=4_000, reserve=5_000), settlement(2, net=0, reserve=7_000))
    await consume(ledger, consumption(1, amount_minor=3_000))
    assert await consume(ledger, release(1, release_id="rsr_1", amount_minor=5_000)) == [None]
    assert await rows(ledger, "SELECT related_no, reason FROM refusal") == [("rsr_1", "HELD_AMOUNT_EXCEEDED")]
    assert (await told(ledger))[-1] == "TransactionRejected"
    parts = [release(1, release_id=f"rsr_{n}", amount_minor=1_000) for n in (2, 3, 4)]
    assert await consume(ledger, *parts, parts[0]) == [None] * 4
    assert await rows(ledger, "SELECT related_no FROM refusal ORDER BY 1") == [("rsr_1",), ("rsr_4",)]
    assert await held(ledger) == {"settlement": -16_000 + 5_000, "available": 4_000, "reserve": 7_000}
    await ledger.read(verify)


async def test_a_payout_of_5090_09_after_all_takes_what_is_available_and_the_rest_is_owed(ledger: Runtime) -> None:
    # 6,000.00 available, of which 5,090.09 fail and are paid after all: 909.91 stay.
    asked = withdrawal(WithdrawalCreated, 1, amount_minor=509_009)
    paid = withdrawal(WithdrawalPaidLate, 1, amount_minor=509_009)
    await consume(ledger, settlement(1, net=600_000, reserve=0))
    await consume_all(ledger, asked, withdrawal(WithdrawalFailed, 1, amount_minor=509_009), paid)
    assert await held(ledger) == {"settlement": -600_000, "available": 90_991}
    # Another of 909.92 finds 0.01 too little: that is owed. Told again, it is the same.
    more = withdrawal(WithdrawalPaidLate, 2, amount_minor=90_992)
    assert await consume(ledger, more, more) == [None, None]
    assert await consume(ledger, more, paid) == [None, None]
    assert await held(ledger) == {"settlement": -600_000, "receivable": 1}
    [other] = await consume(ledger, replace(more, amount_minor=90_991))
    assert reason_of(other) == "TRANSACTION_CONFLICT"
    # It came back whole, and pays the debt.
    await consume(ledger, withdrawal(WithdrawalReturned, 2, amount_minor=90_992))
    await consume(ledger, recovery(1, receivable=1))
    assert await held(ledger) == {"settlement": -600_000, "available": 90_991}
    await ledger.read(verify)


async def test_payouts_after_all_share_what_is_available_in_the_order_of_the_batch(ledger: Runtime) -> None:
    await consume(ledger, settlement(1, net=100, reserve=0))
    await consume(ledger, *(withdrawal(WithdrawalPaidLate, n, amount_minor=60) for n in (1, 2, 3)))
    assert await held(ledger) == {"settlement": -100, "receivable": 80}
    await ledger.read(verify)


async def test_payouts_come_back_short_never_were_or_are_called_off(ledger: Runtime) -> None:
    await consume(ledger, settlement(1, net=60_000, reserve=0))
    asked = [withdrawal(WithdrawalCreated, n, amount_minor=20_000) for n in (1, 2, 3)]
    paid = [withdrawal(WithdrawalCompleted, n, amount_minor=20_000) for n in (1, 2)]
    called_off = withdrawal(WithdrawalCancelled, 3, amount_minor=20_000)
    # 200.00 out, 185.00 back: the bank kept 15.00.
    short = withdrawal(WithdrawalReturned, 1, amount_minor=20_000, bank_fee_minor=1_500)
    never = withdrawal(WithdrawalBounced, 2, amount_minor=20_000)
    assert await consume_all(ledger, *asked, *paid, called_off, short, never) == [None] * 8
    assert await held(ledger) == {"settlement": -60_000, "available": 58_500}
    await ledger.read(verify)


async def test_a_settlement_account_below_zero_is_recovered_from_what_is_available(ledger: Runtime) -> None:
    # A capture of 100.00 with a fee of 3.20, settled and refunded: 96.80 come back, 3.20 stay owed.
    await consume(ledger, capture(1, amount_minor=10_000, fee_minor=320))
    await consume(ledger, settlement(1, net=9_680, reserve=0))
    await consume(ledger, refund(1, amount_minor=10_000))
    assert await held(ledger) == {"settlement": -10_000, "available": 9_680}
    assert await consume(ledger, recovery(1, settlement=9_680)) == [None]
    assert await held(ledger) == {"settlement": -320}
    assert await consume(ledger, recovery(2, settlement=1), waited_s=FUNDS_WAIT_S) == [None]
    assert await rows(ledger, "SELECT related_no, reason FROM refusal") == [(f"rec_{2:032x}", "INSUFFICIENT_FUNDS")]


async def test_a_lost_dispute_that_is_won_gives_back_what_was_paid_of_the_debt(ledger: Runtime) -> None:
    await consume(ledger, settlement(1, net=500, reserve=0))
    await consume(ledger, dispute(DisputeOpened, 1, excess_minor=2_500))
    await consume(ledger, dispute(DisputeLost, 1, excess_lost_minor=2_500))
    assert await held(ledger) == {"settlement": -500, "available": 500, "receivable": 2_500}
    await consume(ledger, recovery(1, receivable=500))
    won = overturned(DisputeDecision.WON, 1, settlement_minor=0, receivable_minor=2_500)
    assert await consume(ledger, won, won) == [None, None]
    # 20.00 were still owed; the 5.00 paid come back to what awaits settlement.
    assert await held(ledger) == {}
    await ledger.read(verify)


async def test_money_that_came_late_is_owed_until_it_is_given_back_and_money_that_left_twice_until_it_is_charged(
    ledger: Runtime,
) -> None:
    suspense = account("suspense")
    await consume(ledger, late(LateCaptureReceived, 1, amount_minor=1_234))
    assert await balance(ledger, suspense) == -1_234
    await consume(ledger, refund(1, amount_minor=1_234, suspense_minor=1_234, reason=RefundReason.CONTRADICTION))
    assert await balance(ledger, suspense) == 0
    await consume(ledger, refund(2, amount_minor=20_000, suspense_minor=20_000))
    assert await balance(ledger, suspense) == 20_000
    await consume(ledger, resolved(2, amount_minor=20_000, charged_minor=5_000, written_off_minor=15_000))
    losses = await balance(ledger, account("platform.losses"))
    assert (await balance(ledger, suspense), losses, await held(ledger)) == (0, 15_000, {"settlement": -5_000})
    await ledger.read(verify)


async def test_a_capture_of_100_00_paid_out_less_the_fees_leaves_1_70_in_the_bank(
    runtime_of: RuntimeOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PAYSTREAM_ACCOUNTING_CHART", "psp_liability")
    ledger = await runtime_of(SERVICE)
    kinds = store.load_chart("psp_liability").kinds
    await consume(ledger, capture(1, amount_minor=10_000, fee_minor=320))
    await consume(ledger, settlement(1, net=9_680, reserve=0))
    await consume(ledger, withdrawal(WithdrawalCreated, 1, amount_minor=9_680))
    await consume(ledger, withdrawal(WithdrawalCompleted, 1, amount_minor=9_680))
    # The acquirer keeps 1.50 of 100.00, and pays 98.50.
    await consume(ledger, statement(1, captured_minor=10_000, channel_fee_minor=150, paid_minor=9_680, net_minor=170))
    platform = ("platform.bank", "channel.receivable", "channel.fees", "platform.fees")
    balances = [await balance(ledger, chart.account_id(kinds[kind], None, "USD")) for kind in platform]
    assert balances == [170, 0, 150, 320]
    await ledger.read(verify)
