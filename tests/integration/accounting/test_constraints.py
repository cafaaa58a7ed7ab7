"""What the database itself refuses, whatever the service's code does."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import pytest

from paykit.postgres.connecting import LOCK_TIMEOUT_MS
from paykit.postgres.database import Tx
from paykit.process.runtime import Runtime
from services.accounting import jobs, store
from services.accounting.domain.chart import ChartError
from tests.integration.accounting.books import account, consume
from tests.unit.accounting.ledger import ALICE, NOON, capture

INCOME, SETTLEMENT = account("platform.income"), account("merchant.settlement", ALICE)
COLUMNS = ("account_id", "effective_at", "transaction_id", "line", "side", "effect", "amount_minor", "currency_code")

Row = tuple[Any, ...]


def entry(transaction_id: str, line: int, side: str, amount_minor: int, currency_code: str = "USD") -> Row:
    return INCOME, NOON, transaction_id, line, side, 1, amount_minor, currency_code


async def insert_by_statement(tx: Tx, rows: list[Row]) -> None:
    sql = """INSERT INTO entry SELECT * FROM unnest($1::text[], $2::timestamptz[], $3::text[], $4::smallint[],
        $5::text[], $6::smallint[], $7::bigint[], $8::text[])"""
    await tx.run(sql, *map(list, zip(*rows, strict=True)))


async def insert_by_copy(tx: Tx, rows: list[Row]) -> None:
    await tx.copy("entry", COLUMNS, rows)


BOTH_WAYS = pytest.mark.parametrize("insert", [insert_by_statement, insert_by_copy])
Insert = Callable[[Tx, list[Row]], Awaitable[None]]


@BOTH_WAYS
async def test_entries_that_balance_are_taken(ledger: Runtime, insert: Insert) -> None:
    balanced = [entry("txn_1", 0, "DEBIT", 5), entry("txn_1", 1, "CREDIT", 5)]
    await ledger.transaction(lambda tx: insert(tx, balanced))


@BOTH_WAYS
@pytest.mark.parametrize(
    "unbalanced",
    [
        [entry("txn_1", 0, "DEBIT", 5)],
        [entry("txn_1", 0, "DEBIT", 5), entry("txn_1", 1, "CREDIT", 4)],
        [entry("txn_1", 0, "DEBIT", 5), entry("txn_2", 0, "CREDIT", 5)],
        [entry("txn_1", 0, "DEBIT", 5, "USD"), entry("txn_1", 1, "CREDIT", 5, "EUR")],
    ],
)
async def test_entries_that_do_not_balance_are_refused(ledger: Runtime, insert: Insert, unbalanced: list[Row]) -> None:
    with pytest.raises(asyncpg.CheckViolationError, match=r"debits and credits of txn_\d differ"):
        await ledger.transaction(lambda tx: insert(tx, unbalanced))


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE entry SET amount_minor = 1",
        "DELETE FROM entry",
        "TRUNCATE entry",
        "UPDATE transaction SET amount_minor = 1",
        "DELETE FROM transaction",
        "UPDATE account SET merchant_id = NULL",
        "DELETE FROM account",
        "DELETE FROM balance",
        "UPDATE chart_in_use SET chart_name = 'psp_liability'",
        "UPDATE chart_version SET content = ''",
        "DELETE FROM chart_version",
        "DELETE FROM journal_proposal",
        "DELETE FROM period",
        "DELETE FROM currency",
        "ALTER TABLE entry DISABLE TRIGGER ALL",
        "DROP TABLE entry",
    ],
)
async def test_what_is_booked_cannot_be_changed_by_the_service(ledger: Runtime, statement: str) -> None:
    await consume(ledger, capture())
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await ledger.transaction(lambda tx: tx.fetch(statement))


async def test_a_balance_below_its_floor_is_refused(ledger: Runtime) -> None:
    available = account("merchant.available", ALICE)

    async def spend(tx: Tx, amount: int) -> None:
        sql = "UPDATE balance SET balance_minor = balance_minor - $1 WHERE account_id = $2"
        assert await tx.run(sql, amount, available) == 1

    fill = "INSERT INTO balance (account_id, stripe, balance_minor, floor_minor) VALUES ($1, 0, 10, 0)"
    await ledger.transaction(lambda tx: tx.run(fill, available))
    await ledger.transaction(lambda tx: spend(tx, 10))
    with pytest.raises(asyncpg.CheckViolationError, match="balance_floor"):
        await ledger.transaction(lambda tx: spend(tx, 1))


async def test_a_balance_with_a_floor_has_one_row(ledger: Runtime) -> None:
    split = "INSERT INTO balance (account_id, stripe, balance_minor, floor_minor) VALUES ($1, 3, 10, 0)"
    with pytest.raises(asyncpg.CheckViolationError, match="balance_floor"):
        await ledger.transaction(lambda tx: tx.run(split, SETTLEMENT))


async def test_an_account_in_an_unknown_currency_is_refused(ledger: Runtime) -> None:
    sql = "INSERT INTO account VALUES ($1, 'platform.income', NULL, 'QQQ', 'CREDIT', $2)"
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        await ledger.transaction(lambda tx: tx.run(sql, INCOME, NOON))


async def test_a_ledger_keeps_the_chart_of_its_first_start(ledger: Runtime) -> None:
    other, same = store.load_chart("psp_liability"), store.load_chart("merchant_asset")
    with pytest.raises(ChartError, match="kept by the chart 'merchant_asset'"):
        await ledger.transaction(lambda tx: store.keep_chart(tx, other))
    assert await ledger.transaction(lambda tx: store.keep_chart(tx, same)) == 1


async def test_a_process_starts_while_another_stands_still_in_a_booking(ledger: Runtime) -> None:
    async def stand_still(tx: Tx) -> None:
        await store.open_books(tx)
        await jobs.keep_chart(ledger)

    await ledger.transaction(stand_still)


async def test_a_new_version_of_a_chart_waits_until_a_booking_has_ended(ledger: Runtime, admin_url: str) -> None:
    holds, books_end = asyncio.Event(), asyncio.Event()

    async def book(tx: Tx) -> None:
        await store.open_books(tx)
        holds.set()
        await books_end.wait()

    booking = asyncio.create_task(ledger.transaction(book))
    await holds.wait()
    owner = await asyncpg.connect(admin_url)
    await owner.execute("DELETE FROM accounting.chart_version")  # What there is to note then is a version again.
    await owner.close()
    starting = asyncio.create_task(jobs.keep_chart(ledger))
    await asyncio.sleep(1.2 * LOCK_TIMEOUT_MS / 1_000)  # Longer than one try waits.
    assert not starting.done()
    books_end.set()
    await asyncio.gather(booking, starting)
