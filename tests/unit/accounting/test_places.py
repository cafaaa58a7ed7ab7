"""Where transactions stand in the journal: each in one batch of its month, and none without a place."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from paykit.errors import InvariantError
from services.accounting.domain import booking
from services.accounting.domain.transaction import Transaction
from services.accounting.store import journal, load_chart
from tests.unit.accounting.ledger import NOON, capture

JANUARY, FEBRUARY = datetime(2031, 1, 31, tzinfo=UTC), datetime(2031, 2, 1, tzinfo=UTC)


def booked(at: datetime, number: int) -> Transaction:
    capture_id = f"cap_{int(at.timestamp() * 1_000):012x}70008{number:015x}"
    transaction = booking.book(load_chart("merchant_asset"), capture(1, capture_id=capture_id), NOON)
    assert isinstance(transaction, Transaction)
    return transaction


class Answering:
    """A transaction whose database answers every statement with the same rows."""

    def __init__(self, rows: list[tuple[str | None, int]]) -> None:
        self._rows = rows

    async def fetch(self, _sql: str, *_args: Any) -> list[tuple[str | None, int]]:
        return self._rows


def test_a_batch_holds_one_month_and_as_many_as_its_number_stands_for() -> None:
    transactions = [*(booked(FEBRUARY, number) for number in range(2)), *(booked(JANUARY, n) for n in range(1_025))]
    batches = journal.batches_of(transactions, [7, 8, 9])
    assert [(each.number, each.month, len(each.transactions)) for each in batches] == [
        (7, 2_031 * 12, 1_024),
        (8, 2_031 * 12, 1),
        (9, 2_031 * 12 + 1, 2),
    ]
    ids = [transaction.transaction_id for each in batches for transaction in each.transactions]
    assert ids == sorted(transaction.transaction_id for transaction in transactions)
    accounts = {entry.account_id: at for at, entry in enumerate(transactions[0].entries)}
    rows = journal.rows_of(journal.Places(accounts, batches))
    assert [row[0] for row in rows] == [*range(7 * 1_024, 8 * 1_024), 8 * 1_024, 9 * 1_024, 9 * 1_024 + 1]


@pytest.mark.parametrize("numbers", [[], [1], [1, 2, 3]])
def test_other_than_one_number_for_each_batch_is_an_error_and_no_row_is_lost(numbers: list[int]) -> None:
    transactions = [booked(JANUARY, 1), booked(FEBRUARY, 2)]
    accounts = {entry.account_id: at for at, entry in enumerate(transactions[0].entries)}
    reply = [*accounts.items(), *((None, number) for number in numbers)]
    tx: Any = Answering(reply)
    with pytest.raises(InvariantError, match=f"2 batches of the journal were given {len(numbers)} numbers"):
        asyncio.run(journal.place(tx, transactions))
    with pytest.raises(InvariantError):
        journal.batches_of(transactions, numbers)


def test_an_account_without_a_number_is_an_error_and_no_row_is_lost() -> None:
    transaction = booked(JANUARY, 1)
    tx: Any = Answering([(transaction.entries[0].account_id, 1), (None, 5)])
    places = asyncio.run(journal.place(tx, [transaction]))
    with pytest.raises(KeyError):
        journal.rows_of(places)
