"""Events of payments, booked on a real database."""

import asyncio
from datetime import timedelta

from paykit.consume.delivery import Impossible
from paykit.process.runtime import Runtime
from paykit.testing.outbox_events import outbox_events
from paystream.payment.v1.events import RefundReason
from services.accounting.commands.verification import verify
from services.accounting.domain.transaction import TransactionConflict
from tests.integration.accounting.books import account, balance, consume, emitted, rows
from tests.unit.accounting.ledger import ALICE, BOB, NOON, capture, payment_id, refund

SETTLEMENT = account("merchant.settlement", ALICE)
INCOME = account("platform.income")
FEES = account("platform.fees")


async def test_a_capture_and_a_refund_leave_the_balances_an_accountant_expects(ledger: Runtime) -> None:
    assert await consume(ledger, capture(amount_minor=10_000, fee_minor=320)) == [None]
    assert await consume(ledger, refund(amount_minor=4_000, fee_returned_minor=128)) == [None]
    assert await balance(ledger, SETTLEMENT) == 10_000 - 320 - 4_000 + 128
    assert await balance(ledger, INCOME) == 10_000 - 4_000
    assert await balance(ledger, FEES) == 320 - 128


async def test_each_currency_has_accounts_of_its_own(ledger: Runtime) -> None:
    await consume(
        ledger,
        capture(1, amount_minor=10_000, fee_minor=320, currency_code="USD"),
        capture(2, amount_minor=500, fee_minor=0, currency_code="JPY"),
        capture(3, amount_minor=1_234, fee_minor=25, currency_code="BHD"),
    )
    balances = [await balance(ledger, account("merchant.settlement", ALICE, code)) for code in ("USD", "JPY", "BHD")]
    assert balances == [9_680, 500, 1_209]


async def test_a_refund_before_any_capture_takes_the_settlement_account_below_zero(ledger: Runtime) -> None:
    assert await consume(ledger, refund(amount_minor=4_000)) == [None]
    assert await balance(ledger, SETTLEMENT) == -4_000


async def test_a_refund_of_a_capture_that_was_never_booked_is_not_booked_either(ledger: Runtime) -> None:
    contradiction = refund(1, amount_minor=4_000, reason=RefundReason.CONTRADICTION)
    assert await consume(ledger, contradiction, refund(2, amount_minor=500), contradiction) == [None, None, None]
    assert await balance(ledger, SETTLEMENT) == -500


async def test_accounts_are_opened_once_and_told_before_the_transactions_that_need_them(ledger: Runtime) -> None:
    await consume(ledger, capture(1), capture(2))
    await consume(ledger, capture(3))
    await consume(ledger, capture(4, merchant_id=BOB), partition=1)
    created = ["AccountCreated"] * 3 + ["TransactionCreated"] * 2
    assert await emitted(ledger) == [*created, "TransactionCreated", "AccountCreated", "TransactionCreated"]


async def test_partitions_that_need_the_same_accounts_at_once_open_them_once(ledger: Runtime) -> None:
    batches = [[capture(100 * partition + number) for number in range(20)] for partition in range(6)]
    await asyncio.gather(*(consume(ledger, *batch, partition=n) for n, batch in enumerate(batches)))
    told = await emitted(ledger)
    assert (told.count("AccountCreated"), told.count("TransactionCreated")) == (3, 120)
    assert await balance(ledger, INCOME) == 120 * 10_000
    assert (await ledger.read(verify)).accounts == 3


async def test_a_capture_delivered_again_changes_nothing_and_tells_nothing(ledger: Runtime) -> None:
    await consume(ledger, capture(1))
    told = await emitted(ledger)
    assert await consume(ledger, capture(1), capture(2), capture(1)) == [None, None, None]
    assert await balance(ledger, INCOME) == 20_000
    assert await emitted(ledger) == [*told, "TransactionCreated"]


async def test_a_capture_twice_in_one_batch_is_booked_once(ledger: Runtime) -> None:
    assert await consume(ledger, capture(1), capture(1)) == [None, None]
    assert await balance(ledger, INCOME) == 10_000


async def test_the_same_capture_id_with_another_amount_is_impossible(ledger: Runtime) -> None:
    await consume(ledger, capture(1))
    outcomes = await consume(ledger, capture(1, amount_minor=9_999), capture(2))
    assert isinstance(outcomes[0], Impossible)
    assert isinstance(outcomes[0].error, TransactionConflict)
    assert outcomes[1] is None
    assert await balance(ledger, INCOME) == 20_000


async def test_the_same_capture_id_with_another_amount_in_one_batch_is_impossible(ledger: Runtime) -> None:
    outcomes = await consume(ledger, capture(1), capture(1, fee_minor=0))
    assert outcomes[0] is None
    assert isinstance(outcomes[1], Impossible)
    assert await balance(ledger, FEES) == 320


async def test_an_impossible_event_leaves_its_neighbours_alone(ledger: Runtime) -> None:
    outcomes = await consume(ledger, capture(1), capture(2, currency_code="QQQ"), capture(3, amount_minor=-5))
    assert [outcome is None for outcome in outcomes] == [True, False, False]
    assert await balance(ledger, INCOME) == 10_000


async def test_partitions_write_rows_of_their_own_and_the_balance_is_their_sum(ledger: Runtime) -> None:
    await consume(ledger, capture(1), partition=0)
    await consume(ledger, capture(2), partition=5)
    await consume(ledger, capture(3), partition=6)
    stripes = await rows(ledger, "SELECT stripe, balance_minor FROM balance WHERE account_id = $1 ORDER BY 1", INCOME)
    assert stripes == [(0, 20_000), (5, 10_000)]
    assert await balance(ledger, INCOME) == 30_000


async def test_sums_beyond_64_bits_are_exact(ledger: Runtime) -> None:
    most = 2**53 - 1
    await consume(ledger, *(capture(number, amount_minor=most, fee_minor=0) for number in range(1, 1_101)))
    assert await balance(ledger, INCOME) == 1_100 * most
    assert 1_100 * most > 2**63


async def test_the_balance_as_of_a_time_counts_effective_times_not_the_order_of_booking(ledger: Runtime) -> None:
    late, early = NOON + timedelta(hours=2), NOON - timedelta(hours=2)
    await consume(ledger, capture(1, occurred_at=late, amount_minor=500), capture(2, amount_minor=30, fee_minor=0))
    await consume(ledger, capture(3, occurred_at=early, amount_minor=4, fee_minor=1))
    as_of = [early - timedelta(microseconds=1), early, NOON - timedelta(microseconds=1), NOON, late]
    assert [await balance(ledger, INCOME, as_of=each) for each in as_of] == [0, 4, 4, 34, 534]


async def test_the_event_is_keyed_by_the_payment(ledger: Runtime) -> None:
    await consume(ledger, capture(7))
    await consume(ledger, refund(7))
    events = [row for row in await outbox_events(ledger) if row["event_type"].endswith("TransactionCreated")]
    assert [row["key"] for row in events] == [payment_id(7), payment_id(7)]
