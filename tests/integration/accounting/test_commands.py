"""Manual journals and reversals on a real database."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from paykit.errors import DomainError
from paykit.merchants.standing import MerchantUnknown
from paykit.process.runtime import Runtime
from services.accounting.commands import journals as commands
from services.accounting.domain import transaction as domain
from services.accounting.domain.journal import (
    Journal,
    Reversal,
    ReversalNotReversible,
    TransactionAlreadyReversed,
    TransactionNotReversible,
)
from services.accounting.domain.transaction import (
    InsufficientFunds,
    Transaction,
    TransactionConflict,
    TransactionNotFound,
)
from tests.integration.accounting.books import account, balance, consume, emitted, rows
from tests.unit.accounting.ledger import ALICE, BOB, CAUSE, NOON, capture, capture_id, credit, debit, journal, refund

SETTLEMENT = account("merchant.settlement", ALICE)
AVAILABLE = account("merchant.available", ALICE)
CAPTURE = domain.transaction_id("PaymentSuccess", capture_id(1))

Result = Transaction | DomainError


async def book(ledger: Runtime, *items: Journal) -> list[Result]:
    return await ledger.transaction(lambda tx: commands.create_transactions(tx, items))


async def reverse(ledger: Runtime, *transaction_ids: str) -> list[Result]:
    items = [Reversal(transaction_id=each, reason="Wrong", effective_at=None, cause=CAUSE) for each in transaction_ids]
    return await ledger.transaction(lambda tx: commands.reverse_transactions(tx, items))


def release(number: int, amount: int) -> Journal:
    """Make settled money available."""
    legs = (credit("merchant.settlement", amount, ALICE), debit("merchant.available", amount, ALICE))
    return journal(*legs, transaction_type="Release", related_no=f"release-{number}")


def goodwill(number: int) -> Journal:
    """Give a merchant 5.00 of its fees back."""
    legs = (debit("merchant.settlement", 500, ALICE), credit("platform.fees", 500))
    return journal(*legs, transaction_type="Goodwill", related_no=f"goodwill-{number}")


GOODWILL = domain.transaction_id("Goodwill", "goodwill-1")


def payout(number: int, amount: int) -> Journal:
    """Pay available money out."""
    legs = (credit("merchant.available", amount, ALICE), debit("platform.income", amount))
    return journal(*legs, transaction_type="Payout", related_no=f"payout-{number}")


def kinds(results: Sequence[Result]) -> list[type]:
    return [type(result) for result in results]


async def test_a_journal_moves_money_and_is_told(ledger: Runtime) -> None:
    await consume(ledger, capture())
    (made,) = await book(ledger, release(1, 500))
    assert isinstance(made, Transaction)
    assert (await balance(ledger, SETTLEMENT), await balance(ledger, AVAILABLE)) == (9_180, 500)
    assert (await emitted(ledger))[-2:] == ["AccountCreated", "TransactionCreated"]


async def test_a_journal_for_a_merchant_never_seen_is_refused(ledger: Runtime) -> None:
    await consume(ledger, capture())
    legs = (debit("merchant.settlement", 5, BOB), credit("platform.fees", 5))
    assert kinds(await book(ledger, journal(*legs))) == [MerchantUnknown]


async def test_the_same_journal_again_gives_the_first_and_books_nothing(ledger: Runtime) -> None:
    await consume(ledger, capture())
    first, again = await book(ledger, release(1, 500), release(1, 500))
    (later,) = await book(ledger, release(1, 500))
    assert first == again == later
    assert await balance(ledger, AVAILABLE) == 500


async def test_the_same_reference_with_other_content_conflicts(ledger: Runtime) -> None:
    await consume(ledger, capture())
    assert kinds(await book(ledger, release(1, 500), release(1, 501))) == [Transaction, TransactionConflict]
    assert kinds(await book(ledger, release(1, 499))) == [TransactionConflict]
    assert await balance(ledger, AVAILABLE) == 500


async def test_a_journal_without_a_date_is_the_same_journal_at_another_time(ledger: Runtime) -> None:
    await consume(ledger, capture())
    await book(ledger, release(1, 500))
    ledger.clock.advance(timedelta(hours=1))  # type: ignore[attr-defined]  # The clock of a test can be moved.
    assert kinds(await book(ledger, release(1, 500))) == [Transaction]
    dated = Journal(**{**_fields(release(1, 500)), "effective_at": NOON + timedelta(minutes=1)})
    assert kinds(await book(ledger, dated)) == [TransactionConflict]


async def test_available_money_is_spent_to_the_last_unit_and_no_further(ledger: Runtime) -> None:
    await consume(ledger, capture())
    await book(ledger, release(1, 500))
    results = await book(ledger, payout(1, 300), payout(2, 201), payout(3, 200), payout(4, 1))
    assert kinds(results) == [Transaction, InsufficientFunds, Transaction, InsufficientFunds]
    assert await balance(ledger, AVAILABLE) == 0


async def test_a_batch_sees_the_money_that_its_own_earlier_items_brought(ledger: Runtime) -> None:
    await consume(ledger, capture())
    results = await book(ledger, payout(1, 300), release(1, 500), payout(2, 300))
    assert kinds(results) == [InsufficientFunds, Transaction, Transaction]
    assert await balance(ledger, AVAILABLE) == 200


async def test_a_refusal_writes_nothing(ledger: Runtime) -> None:
    await consume(ledger, capture())
    told = await emitted(ledger)
    assert kinds(await book(ledger, payout(1, 300))) == [InsufficientFunds]
    assert await emitted(ledger) == told
    assert await rows(ledger, "SELECT 1 FROM account WHERE account_kind = 'merchant.available'") == []


async def test_twenty_concurrent_payouts_never_overdraw(ledger: Runtime) -> None:
    await consume(ledger, capture())
    await book(ledger, release(1, 500))
    results = await asyncio.gather(*(book(ledger, payout(number, 100)) for number in range(20)))
    assert sum(isinstance(result, Transaction) for (result,) in results) == 5
    assert await balance(ledger, AVAILABLE) == 0


async def test_a_reversal_takes_a_journal_back(ledger: Runtime) -> None:
    await consume(ledger, capture())
    await book(ledger, goodwill(1))
    (made,) = await reverse(ledger, GOODWILL)
    assert isinstance(made, Transaction)
    balances = [await balance(ledger, each) for each in (SETTLEMENT, account("platform.fees"))]
    assert balances == [9_680, 320]


async def test_a_capture_is_refunded_and_never_reversed_as_well(ledger: Runtime) -> None:
    await consume(ledger, capture(amount_minor=10_000, fee_minor=0))
    assert kinds(await reverse(ledger, CAPTURE)) == [TransactionNotReversible]
    await consume(ledger, refund(amount_minor=10_000))
    assert await balance(ledger, SETTLEMENT) == 0


async def test_a_transaction_is_reversed_once(ledger: Runtime) -> None:
    await consume(ledger, capture())
    await book(ledger, goodwill(1))
    assert kinds(await reverse(ledger, GOODWILL, GOODWILL)) == [Transaction, TransactionAlreadyReversed]
    assert kinds(await reverse(ledger, GOODWILL)) == [TransactionAlreadyReversed]
    assert await balance(ledger, SETTLEMENT) == 9_680


async def test_ten_concurrent_reversals_reverse_once(ledger: Runtime) -> None:
    await consume(ledger, capture())
    await book(ledger, goodwill(1))
    results = await asyncio.gather(*(reverse(ledger, GOODWILL) for _ in range(10)))
    assert sorted(result.__name__ for (result,) in map(kinds, results)) == [
        "Transaction",
        *["TransactionAlreadyReversed"] * 9,
    ]
    assert await balance(ledger, SETTLEMENT) == 9_680


async def test_what_cannot_be_reversed_says_why(ledger: Runtime) -> None:
    await consume(ledger, capture())
    await book(ledger, goodwill(1))
    (made,) = await reverse(ledger, GOODWILL)
    assert isinstance(made, Transaction)
    unknown = "txn_" + "0" * 32
    assert kinds(await reverse(ledger, made.transaction_id, unknown)) == [ReversalNotReversible, TransactionNotFound]


async def test_a_reversal_that_would_overdraw_is_refused(ledger: Runtime) -> None:
    await consume(ledger, capture())
    (released,) = await book(ledger, release(1, 500))
    await book(ledger, payout(1, 1))
    assert isinstance(released, Transaction)
    assert kinds(await reverse(ledger, released.transaction_id)) == [InsufficientFunds]


async def test_consumers_and_callers_post_on_one_hot_merchant_at_the_same_time(ledger: Runtime) -> None:
    await consume(ledger, capture(1))
    captures = [consume(ledger, *(capture(100 * k + n) for n in range(50)), partition=k % 6) for k in range(1, 9)]
    journals = [book(ledger, *(release(10 * k + n, 7) for n in range(5))) for k in range(8)]
    await asyncio.gather(*captures, *journals)
    assert await balance(ledger, account("platform.income")) == (1 + 8 * 50) * 10_000
    assert await balance(ledger, AVAILABLE) == 8 * 5 * 7


def _fields(asked: Journal) -> dict[str, Any]:
    return {name: getattr(asked, name) for name in Journal.__dataclass_fields__}
