"""What the database itself refuses, whatever the service's code does."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any

import asyncpg
import pytest

from paykit.postgres.connecting import LOCK_TIMEOUT_MS
from paykit.postgres.database import Tx
from paykit.postgres.faults import UniqueViolation
from paykit.process.runtime import Runtime
from services.accounting import jobs, store
from services.accounting.domain.chart import ChartError
from tests.integration.accounting.books import account, consume
from tests.unit.accounting.ledger import ALICE, NOON, capture

INCOME, SETTLEMENT = account("platform.income"), account("merchant.settlement", ALICE)
Row = dict[str, Any]

TRANSFER: Row = {
    "position": 1,
    "effective_at": NOON,
    "create_time": NOON,
    "amount1": 5,
    "transaction_id": "0" * 12 + "50008" + "0" * 15,
    "account1": 1,
    "contra1": 2,
    "account_no": 1,
    "month": 0,
    "type_no": 22,
    "currency_no": 14_030,
    "direction": 0,
    "transaction_type": "Adjustment",
    "related_no": "ticket-1",
    "root_reference": "ticket-1",
}
WIDE: Row = {
    **{name: value for name, value in TRANSFER.items() if name not in {"amount1", "account1", "contra1"}},
    "accounts": [1, 2, 3],
    "amounts": [5, -3, -2],
    "amount_minor": 5,
}


async def insert_by_statement(tx: Tx, row: Row) -> None:
    places = ", ".join(f"${at}" for at in range(1, len(row) + 1))
    await tx.run(f"INSERT INTO journal ({', '.join(row)}) VALUES ({places})", *row.values())


async def insert_by_copy(tx: Tx, row: Row) -> None:
    await tx.copy("journal", [*row], [(*row.values(),)])


BOTH_WAYS = pytest.mark.parametrize("insert", [insert_by_statement, insert_by_copy])
Insert = Callable[[Tx, Row], Awaitable[None]]


@BOTH_WAYS
@pytest.mark.parametrize(
    "row",
    [
        TRANSFER,
        TRANSFER | {"amount1": -5},
        TRANSFER | {"amount2": -3, "account2": 2, "contra2": 3},
        WIDE,
        WIDE | {"accounts": [1, 2], "amounts": [2**53 - 1, 1 - 2**53]},
    ],
)
async def test_entries_that_balance_are_taken(ledger: Runtime, insert: Insert, row: Row) -> None:
    await ledger.transaction(lambda tx: insert(tx, row))
    assert await ledger.read(lambda tx: tx.fetch("SELECT sum(debit_minor)::bigint FROM journal_line")) == [(0,)]


@BOTH_WAYS
@pytest.mark.parametrize(
    "row",
    [
        TRANSFER | {"amount1": None},
        TRANSFER | {"amount1": 0},
        TRANSFER | {"amount1": 2**53},
        TRANSFER | {"contra1": None},
        TRANSFER | {"account1": None},
        TRANSFER | {"amount2": 3},
        TRANSFER | {"amount2": 3, "account2": 2},
        TRANSFER | {"account2": 2, "contra2": 3},
        TRANSFER | {"amounts": [5, -5]},
        TRANSFER | {"accounts": [1, 2], "amounts": [5, -5]},
        WIDE | {"amounts": [5, -3, -3]},
        WIDE | {"amounts": [5, -5]},
        WIDE | {"amounts": [5, -5, 0]},
        WIDE | {"amounts": [5, -5, None]},
        WIDE | {"amounts": [2**53, -(2**53), 0]},
        WIDE | {"accounts": [1, 2, None]},
        WIDE | {"accounts": [], "amounts": []},
        WIDE | {"accounts": [1], "amounts": [0]},
        WIDE | {"accounts": [1] * 34, "amounts": [1, -1] * 17},
        WIDE | {"amounts": None},
        WIDE | {"amount_minor": None},
    ],
)
async def test_entries_that_do_not_balance_are_refused(ledger: Runtime, insert: Insert, row: Row) -> None:
    with pytest.raises(asyncpg.CheckViolationError, match="journal_balanced"):
        await ledger.transaction(lambda tx: insert(tx, row))


MONTH = 2026 * 12 + 2  # March.
PACKED: Row = {
    **{name: value for name, value in TRANSFER.items() if name not in {"transaction_type", "related_no"}},
    "type_no": 0,
    "month": MONTH,
}


@pytest.mark.parametrize(
    ("row", "rule"),
    [
        (TRANSFER | {"month": MONTH}, "journal_month"),
        (TRANSFER | {"type_no": 0, "transaction_type": None, "related_no": None}, "journal_month"),
        (TRANSFER | {"related_no": None}, "journal_named"),
        (TRANSFER | {"root_reference": None}, "journal_root"),
        (TRANSFER | {"root": "0" * 32}, "journal_root"),
        (PACKED | {"request_key": bytes(16), "request_hash": b"1"}, "journal_called"),
        (PACKED | {"related_no": "cap_1", "transaction_type": "PaymentSuccess"}, "journal_named"),
    ],
)
async def test_what_a_transaction_is_known_by_goes_together(ledger: Runtime, row: Row, rule: str) -> None:
    with pytest.raises(asyncpg.CheckViolationError, match=rule):
        await ledger.transaction(lambda tx: insert_by_statement(tx, row))


async def test_a_month_takes_only_ids_of_its_time(ledger: Runtime) -> None:
    await ledger.transaction(lambda tx: tx.fetch("SELECT keep_journal_months($1)", [MONTH]))
    first = f"{int(datetime(2026, 3, 1, tzinfo=UTC).timestamp() * 1_000):012x}"
    last = f"{int(datetime(2026, 4, 1, tzinfo=UTC).timestamp() * 1_000) - 1:012x}"
    for digits in (first + "0" * 20, last + "f" * 20):
        taken = PACKED | {"transaction_id": digits}
        await ledger.transaction(partial(insert_by_statement, row=taken))
    for digits in (f"{int(first, 16) - 1:012x}" + "f" * 20, f"{int(last, 16) + 1:012x}" + "0" * 20):
        strange = PACKED | {"transaction_id": digits}
        with pytest.raises(asyncpg.CheckViolationError):
            await ledger.transaction(partial(insert_by_statement, row=strange))


async def test_a_transaction_is_unique_in_all_months(ledger: Runtime) -> None:
    await ledger.transaction(lambda tx: insert_by_statement(tx, TRANSFER))
    with pytest.raises(UniqueViolation):
        await ledger.transaction(lambda tx: insert_by_statement(tx, TRANSFER | {"position": 2}))


@pytest.mark.parametrize(
    "statement",
    [
        *(f"{change} {table}" for table in ("journal", "leg") for change in ("DELETE FROM", "TRUNCATE", "DROP TABLE")),
        *(f"{change} {table}" for table in ("journal_0", "leg_0") for change in ("DELETE FROM", "TRUNCATE")),
        "UPDATE journal SET amount1 = 1",
        "UPDATE journal_0 SET amount1 = 1",
        "INSERT INTO journal_0 SELECT * FROM journal_0",
        "INSERT INTO journal_default SELECT * FROM journal",
        "UPDATE leg SET debit_minor = 1",
        "INSERT INTO former_entry SELECT * FROM former_entry",
        "DELETE FROM former_entry",
        "UPDATE former_transaction SET amount_minor = 1",
        "DELETE FROM former_transaction",
        "UPDATE transaction_type SET related_prefix = 'ref'",
        "UPDATE account SET merchant_id = NULL",
        "DELETE FROM account",
        "DELETE FROM balance",
        "UPDATE chart_in_use SET chart_name = 'psp_liability'",
        "UPDATE chart_version SET content = ''",
        "DELETE FROM chart_version",
        "DELETE FROM journal_proposal",
        "DELETE FROM period",
        "DELETE FROM currency",
        "ALTER TABLE journal DISABLE TRIGGER ALL",
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
