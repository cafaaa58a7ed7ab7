"""A ledger that the build before the journal has kept is migrated, goes on, and verifies."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from paykit.ids import named_id, new_id
from paykit.process import migrate
from paykit.testing import databases, runtimes
from paytools.localstack import Endpoints
from services.accounting import jobs, store
from services.accounting.commands.verification import verify
from services.accounting.domain.transaction import transaction_id
from services.accounting.service import SERVICE
from tests.integration.accounting.books import account, consume, rows
from tests.unit.accounting.ledger import ALICE, NOON, capture

CAPTURE, PAYMENT = new_id("cap"), new_id("pay")
FORMER = named_id("txn", "PaymentSuccess", CAPTURE)
SETTLEMENT, INCOME, FEES = (
    account("merchant.settlement", ALICE),
    account("platform.income"),
    account("platform.fees"),
)

_ACCOUNTS = "INSERT INTO account VALUES ($1, $2, $3, 'USD', $4, $5)"
_BALANCES = "INSERT INTO balance VALUES ($1, 0, $2, NULL)"
_TRANSACTION = """
INSERT INTO transaction (transaction_id, transaction_type, related_no, root_reference, merchant_id, direction,
    amount_minor, currency_code, effective_at, create_time, account_ids)
VALUES ($1, 'PaymentSuccess', $2, $3, $4, 'CREDIT', 10000, 'USD', $5, $5, $6)
"""
_ENTRIES = """
INSERT INTO entry VALUES
    ($1, $5, $4, 0, 'DEBIT', 1, 10000, 'USD'), ($2, $5, $4, 1, 'CREDIT', 1, 10000, 'USD'),
    ($1, $5, $4, 2, 'CREDIT', -1, 320, 'USD'), ($3, $5, $4, 3, 'DEBIT', 1, 320, 'USD')
"""


async def booked_before(connection: asyncpg.Connection) -> None:
    """Write what the build before wrote of a capture of 100.00 with a fee of 3.20."""
    for account_id, kind, merchant_id, side, balance_minor in (
        (SETTLEMENT, "merchant.settlement", ALICE, "DEBIT", 9_680),
        (INCOME, "platform.income", None, "CREDIT", 10_000),
        (FEES, "platform.fees", None, "DEBIT", 320),
    ):
        await connection.execute(_ACCOUNTS, account_id, kind, merchant_id, side, NOON)
        await connection.execute(_BALANCES, account_id, balance_minor)
    await connection.execute(_TRANSACTION, FORMER, CAPTURE, PAYMENT, ALICE, NOON, [SETTLEMENT, INCOME, FEES])
    await connection.execute(_ENTRIES, SETTLEMENT, INCOME, FEES, FORMER, NOON)


@pytest.fixture(scope="module")
async def kept_before(stack: Endpoints) -> str:
    """A database that was kept by the build before, and migrated, to be copied: an administrator's URL."""
    url = await databases.make_template(stack.postgres, [])
    await migrate.init(url, ["accounting"], password=databases.SERVICE_PASSWORD)
    await migrate.migrate(url, ["accounting"], target="accounting_0007")
    connection = await asyncpg.connect(url, server_settings={"search_path": "accounting"})
    await booked_before(connection)
    await connection.close()
    await migrate.migrate(url, ["accounting"])
    return url


@pytest.fixture
async def url(kept_before: str) -> AsyncIterator[str]:
    async with databases.database(kept_before) as url:
        yield url


async def test_a_ledger_of_before_is_migrated_and_goes_on(url: str, tmp_path: Path) -> None:
    again: dict[str, Any] = {"capture_id": CAPTURE, "payment_id": PAYMENT}
    async with runtimes.runtime(SERVICE, url, cache_dir=tmp_path) as ledger:
        assert await consume(ledger, capture(1, **again)) == [None]
        assert await consume(ledger, capture(2, occurred_at=NOON + timedelta(hours=1))) == [None]
        report = await ledger.read(verify)
        assert (report.accounts, report.transactions, report.entries) == (3, 2, 8)
        while await jobs.move_former(ledger):
            pass
        moved = "SELECT transaction_id, former_id IS NOT NULL FROM journal_transaction ORDER BY 2"
        assert await rows(ledger, moved) == [
            (transaction_id("PaymentSuccess", capture(2).capture_id), False),
            (FORMER, True),
        ]
        assert await consume(ledger, capture(1, **again)) == [None]
        assert await ledger.read(verify) == report
        assert await ledger.read(lambda tx: store.balance_of(tx, SETTLEMENT)) == 2 * 9_680
        assert await ledger.read(lambda tx: store.balance_of(tx, INCOME, as_of=NOON)) == 10_000
