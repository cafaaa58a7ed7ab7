"""The SQL that books: rows of `journal`, and for accounts other than a transaction's main one its `leg`.

A transaction whose lines are one or two transfers, as almost all are, is one narrow row that cannot but balance; any
other has its lines in arrays. An index leads from the main account to its transactions; from the others, of which a
batch has few, the legs lead to them: one row for each batch, account and day. Source: docs/adr/0050.
"""

import contextlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import groupby, islice
from operator import itemgetter
from typing import Any
from uuid import UUID

from paykit.errors import InvariantError
from paykit.postgres.database import Tx
from paykit.postgres.faults import UniqueViolation
from paykit.postgres.rows import array_text
from paystream.accounting.v1.events import Direction, Side
from services.accounting.domain import transaction_key
from services.accounting.domain.transaction import Transaction

COPY_ROWS_MIN = 32
"""From this many transactions on, COPY with a savepoint is quicker than INSERT."""

ONE_TRANSFER, TWO_TRANSFERS = 2, 4
"""Lines of a narrow row."""

BATCH_ROWS_MAX = 1_024
"""Positions that a number of a batch stands for: an offset within a batch is a smallint."""

_SELECT_ACCOUNTS = """
SELECT account_id, account_no::bigint AS number FROM account WHERE account_id = ANY($1::text[])
UNION ALL SELECT NULL, nextval('journal_batch') FROM generate_series(1, $2)
"""

COLUMNS: Mapping[str, str] = {
    "position": "bigint",
    "effective_at": "timestamptz",
    "create_time": "timestamptz",
    "amount1": "bigint",
    "amount2": "bigint",
    "transaction_id": "uuid",
    "root": "uuid",
    "account1": "integer",
    "contra1": "integer",
    "account2": "integer",
    "contra2": "integer",
    "account_no": "integer",
    "month": "smallint",
    "type_no": "smallint",
    "currency_no": "smallint",
    "direction": "smallint",
    "accounts": "integer[]",
    "amounts": "bigint[]",
    "amount_minor": "bigint",
    "merchant_id": "text",
    "transaction_type": "text",
    "related_no": "text",
    "root_reference": "text",
    "occurred_at": "timestamptz",
    "actor": "text",
    "reason": "text",
    "request_key": "bytea",
    "request_hash": "bytea",
    "former_id": "uuid",
}
"""Of `journal`: by name, the type."""

LEG_COLUMNS = ("batch", "first_at", "last_at", "debit_minor", "account_no", "month", "transactions", "positions")


def _insert_statement() -> str:
    """Return the statement that leaves out what is booked; arrays come as text, as unnest takes those apart."""
    names = ", ".join(COLUMNS)
    plain = ["text" if sql_type.endswith("[]") else sql_type for sql_type in COLUMNS.values()]
    parameters = ", ".join(f"${at}::{sql_type}[]" for at, sql_type in enumerate(plain, 1))
    values = ", ".join(
        f"new.{name}::{sql_type}" if sql_type.endswith("[]") else f"new.{name}" for name, sql_type in COLUMNS.items()
    )
    return (
        f"INSERT INTO journal ({names}) SELECT {values} FROM unnest({parameters}) AS new ({names}) "
        "ON CONFLICT (transaction_id, month) DO NOTHING RETURNING transaction_id"
    )


_INSERT_ABSENT = _insert_statement()

_SIGNS = {Side.DEBIT: 1, Side.CREDIT: -1}
DIRECTIONS = {None: 0, Direction.CREDIT: 1, Direction.DEBIT: -1}

Row = tuple[Any, ...]


@dataclass(slots=True)
class JournalBatch:
    """Transactions of one month that stand together, in the order of ids, in which indexes are written quickest.

    Attributes:
        number: Of the batch: its transactions have the positions from number * BATCH_ROWS_MAX on.
        month: That of their ids.
        transactions: BATCH_ROWS_MAX at most.
    """

    number: int
    month: int
    transactions: list[Transaction]

    @property
    def first_position(self) -> int:
        """That of the first transaction."""
        return self.number * BATCH_ROWS_MAX


@dataclass(slots=True)
class Places:
    """Where transactions are going to stand.

    Attributes:
        accounts: account_no by account_id, of accounts that there are.
        batches: All of the transactions, each in one batch.
    """

    accounts: dict[str, int]
    batches: list[JournalBatch]


async def place(tx: Tx, transactions: Sequence[Transaction]) -> Places:
    """Read the numbers of accounts, and take those of batches; accounts that there are not are left out.

    Raises:
        InvariantError: The database gave other than one number for each batch.
    """
    account_ids = {entry.account_id for transaction in transactions for entry in transaction.entries}
    parts = [*_parts(transactions)]
    accounts, numbers = await take_numbers(tx, account_ids, batches=len(parts))
    return Places(accounts, _numbered(parts, numbers))


async def take_numbers(tx: Tx, account_ids: Collection[str], *, batches: int) -> tuple[dict[str, int], list[int]]:
    """Read account_no by account_id, of accounts that there are, and take the numbers of so many batches."""
    accounts, numbers = dict[str, int](), list[int]()
    for account_id, number in await tx.fetch(_SELECT_ACCOUNTS, list(account_ids), batches):
        if account_id is None:
            numbers.append(number)
        else:
            accounts[account_id] = number
    return accounts, numbers


def batches_of(transactions: Sequence[Transaction], numbers: Sequence[int]) -> list[JournalBatch]:
    """Divide transactions into batches with these numbers.

    Raises:
        InvariantError: There is not one number for each batch.
    """
    return _numbered([*_parts(transactions)], numbers)


async def numbers_of(tx: Tx, account_ids: Collection[str]) -> dict[str, int]:
    """Read account_no by account_id, of accounts that there are."""
    return (await take_numbers(tx, account_ids, batches=0))[0]


async def insert_new(
    tx: Tx, places: Places, *, without: Collection[str] = (), former_ids: Mapping[str, str] | None = None
) -> set[str]:
    """Insert transactions with their entries; return the ids of those that were not booked before.

    Many are tried by COPY first, which costs half as much but refuses all when one was booked before: that is as
    rare as a replay. One of two that book the same pair at once waits here for the other's commit.

    Args:
        tx: The transaction.
        places: Of transactions whose accounts are all there; no pair of transaction_type and related_no twice.
        without: Ids of those that are left out.
        former_ids: The ids that they are known by to others, where these are not what `transaction_id` says.

    Rows: journal, leg.
    """
    if without:
        places = Places(places.accounts, [_left_out(batch, without) for batch in places.batches])
    rows = rows_of(places, former_ids=former_ids)
    if not rows:
        return set()
    inserted = await _insert(tx, rows)
    legs = legs_of(places, inserted=inserted)
    if legs:
        await tx.copy("leg", LEG_COLUMNS, legs)
    return {
        transaction.transaction_id
        for batch in places.batches
        for transaction in batch.transactions
        if inserted is None or _key(transaction) in inserted
    }


def rows_of(places: Places, *, former_ids: Mapping[str, str] | None = None) -> list[Row]:
    """Return the rows of `journal`, in the order of COLUMNS."""
    return [
        _row(transaction, batch.month, position, places.accounts, former_ids)
        for batch in places.batches
        for position, transaction in enumerate(batch.transactions, batch.first_position)
    ]


def legs_of(places: Places, *, inserted: Collection[UUID] | None = None) -> list[Row]:
    """Return the rows of `leg`, in the order of LEG_COLUMNS: of those that went in, None for all."""
    legs: list[Row] = []
    for batch in places.batches:
        new: Sequence[Transaction | None] = batch.transactions
        if inserted is not None:
            new = [each if _key(each) in inserted else None for each in batch.transactions]
        legs += _legs(new, batch.month, batch.first_position, places.accounts)
    return legs


async def _insert(tx: Tx, rows: Sequence[Row]) -> set[UUID] | None:
    """Return the keys of the rows that went in; None for all."""
    if len(rows) >= COPY_ROWS_MIN:
        with contextlib.suppress(UniqueViolation):
            async with tx.savepoint():
                await tx.copy("journal", [*COLUMNS], rows)
            return None
    at = [name.endswith("[]") for name in COLUMNS.values()]
    columns = [
        [*map(array_text, column)] if array else [*column]
        for array, column in zip(at, zip(*rows, strict=True), strict=True)
    ]
    inserted = await tx.fetch(_INSERT_ABSENT, *columns)
    return None if len(inserted) == len(rows) else {row[0] for row in inserted}


def _parts(transactions: Sequence[Transaction]) -> Iterator[tuple[int, list[Transaction]]]:
    """Yield the transactions of each batch with their month, which is that of one partition."""
    keyed = sorted((transaction_key.month_of(each.transaction_id), each.transaction_id, each) for each in transactions)
    for month, group in groupby(keyed, key=itemgetter(0)):
        rest = iter([item[2] for item in group])
        while part := [*islice(rest, BATCH_ROWS_MAX)]:
            yield month, part


def _numbered(parts: Sequence[tuple[int, list[Transaction]]], numbers: Sequence[int]) -> list[JournalBatch]:
    if len(numbers) != len(parts):  # What has no number would be booked nowhere, and its event told all the same.
        raise InvariantError(f"{len(parts)} batches of the journal were given {len(numbers)} numbers")
    return [JournalBatch(number, month, part) for number, (month, part) in zip(numbers, parts, strict=True)]


def _left_out(batch: JournalBatch, ids: Collection[str]) -> JournalBatch:
    return replace(batch, transactions=[each for each in batch.transactions if each.transaction_id not in ids])


def _key(transaction: Transaction) -> UUID:
    return UUID(transaction.transaction_id[4:])


def currency_number(currency_code: str) -> int:
    """Return the number of a currency: its three letters to the base of 26, as the function `currency_code` reads."""
    first, second, third = currency_code.encode()
    return (first - 65) * 676 + (second - 65) * 26 + third - 65


def _row(
    transaction: Transaction,
    month: int,
    position: int,
    accounts: Mapping[str, int],
    former_ids: Mapping[str, str] | None,
) -> Row:
    entries = transaction.entries
    signed = [entry.amount_minor if entry.side is Side.DEBIT else -entry.amount_minor for entry in entries]
    numbers = [accounts[entry.account_id] for entry in entries]
    main, merchant_text = _main(transaction)
    number = transaction_key.number_of(transaction.transaction_id)
    named = number == transaction_key.NAMED_NUMBER
    root = None if named else transaction_key.root_digits(transaction.transaction_type, transaction.root_reference)
    lines = _transfers(numbers, signed)
    amount_minor = transaction.amount_minor
    former_id = None if former_ids is None else former_ids.get(transaction.transaction_id)
    call = transaction.creating_call
    return (
        position,
        transaction.effective_at,
        transaction.create_time,
        lines[0],
        lines[1],
        transaction.transaction_id[4:],
        root,
        *lines[2:6],
        accounts[main],
        month,
        number,
        currency_number(transaction.currency_code),
        DIRECTIONS[transaction.direction],
        lines[6],
        lines[7],
        None if lines[0] is not None and amount_minor == abs(lines[0]) else amount_minor,
        merchant_text,
        transaction.transaction_type if named else None,
        transaction.related_no if named else None,
        transaction.root_reference if root is None else None,
        transaction.occurred_at,
        transaction.actor,
        transaction.reason,
        call.request_key,
        call.request_hash,
        None if former_id is None else former_id[4:],
    )


def _transfers(numbers: Sequence[int], signed: Sequence[int]) -> tuple[Any, ...]:
    """Return amount1, amount2, account1, contra1, account2, contra2, accounts and amounts of lines."""
    if len(signed) == ONE_TRANSFER and signed[0] == -signed[1]:
        return signed[0], None, numbers[0], numbers[1], None, None, None, None
    if len(signed) == TWO_TRANSFERS and signed[0] == -signed[1] and signed[2] == -signed[3]:
        return signed[0], signed[2], *numbers, None, None
    return None, None, None, None, None, None, [*numbers], [*signed]


def _main(transaction: Transaction) -> tuple[str, str | None]:
    """Return the account whose index leads to a transaction, and the merchant where the account does not say it."""
    merchant_id = transaction.merchant_id
    for entry in transaction.entries:
        if entry.merchant_id == merchant_id:
            return entry.account_id, None
    return transaction.entries[0].account_id, merchant_id or ""


def _legs(
    batch: Sequence[Transaction | None], month: int, first_position: int, accounts: Mapping[str, int]
) -> Iterable[Row]:
    """Yield the legs of a batch, in which None stands for what was booked before."""
    legs: dict[tuple[str, int], _Leg] = {}
    for at, transaction in enumerate(batch):
        if transaction is None:
            continue
        main, _ = _main(transaction)
        effective_at = transaction.effective_at
        day = effective_at.toordinal()
        for entry in transaction.entries:
            if entry.account_id == main:
                continue
            leg = legs.get((entry.account_id, day))
            if leg is None:
                leg = legs[entry.account_id, day] = _Leg(effective_at, effective_at)
            leg.add(at, effective_at, _SIGNS[entry.side] * entry.amount_minor)
    everything = [*range(len(batch))]
    for (account_id, _), leg in sorted(legs.items()):
        yield (
            first_position,
            leg.first_at,
            leg.last_at,
            leg.debit_minor,
            accounts[account_id],
            month,
            len(leg.positions),
            None if leg.positions == everything else leg.positions,
        )


@dataclass(slots=True)
class _Leg:
    first_at: datetime
    last_at: datetime
    debit_minor: int = 0
    positions: list[int] = field(default_factory=list)

    def add(self, position: int, effective_at: datetime, debit_minor: int) -> None:
        self.debit_minor += debit_minor
        if not self.positions or self.positions[-1] != position:
            self.positions.append(position)
        if effective_at < self.first_at:
            self.first_at = effective_at
        elif effective_at > self.last_at:
            self.last_at = effective_at
