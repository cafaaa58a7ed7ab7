"""Currencies come and go, and the books stay: what is known is booked, and migrations bring what is new."""

import asyncpg
import pytest

from paykit.process import migrate
from paykit.process.runtime import Runtime
from paystream.withdrawal.v1.events import WithdrawalCompleted, WithdrawalCreated
from services.accounting.commands.verification import verify
from services.accounting.service import SERVICE
from tests.conftest import RuntimeOf
from tests.integration.accounting.books import account, balance, consume, rows
from tests.integration.accounting.test_in_transit import consume_all
from tests.integration.accounting.test_ledger_command import run
from tests.unit.accounting.ledger import ALICE, capture, refund, settlement, withdrawal


async def test_a_currency_that_left_the_list_is_refunded_settled_withdrawn_and_printed(
    runtime_of: RuntimeOf, admin_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # 100.00 PLN captured before the currency is closed here.
    before = await runtime_of(SERVICE)
    await consume(before, capture(1, amount_minor=10_000, fee_minor=320, currency_code="PLN"))
    monkeypatch.setenv("PAYSTREAM_CURRENCY_CLOSINGS", '{"PLN": "2026-01-01"}')
    ledger = await runtime_of(SERVICE)
    outcomes = await consume_all(
        ledger,
        refund(1, amount_minor=4_000, currency_code="PLN"),
        settlement(1, net=5_680, reserve=0, currency_code="PLN"),
        withdrawal(WithdrawalCreated, 1, amount_minor=5_680, currency_code="PLN"),
        withdrawal(WithdrawalCompleted, 1, amount_minor=5_680, currency_code="PLN"),
    )
    assert outcomes == [None] * 4
    assert await balance(ledger, account("platform.income", None, "PLN")) == 10_000 - 4_000 - 5_680
    printed = await run("balances", "--explain", "--postgres", admin_url)
    assert printed.exit_code == 0, printed.output
    assert "3.20 PLN" in printed.stdout
    await ledger.read(verify)


async def test_one_that_the_iso_list_itself_has_closed_is_booked_as_well(ledger: Runtime) -> None:
    assert await consume(ledger, refund(1, amount_minor=4_000, currency_code="BGN")) == [None]
    assert await balance(ledger, account("merchant.settlement", ALICE, "BGN")) == -4_000


async def test_each_migration_brings_currencies_that_are_new_and_days_that_changed(
    ledger: Runtime, admin_url: str
) -> None:
    connection = await asyncpg.connect(admin_url)
    await connection.execute("DELETE FROM accounting.currency WHERE currency_code = 'XCG'")
    await connection.execute("UPDATE accounting.currency SET valid_until = NULL WHERE currency_code = 'BGN'")
    await connection.execute("INSERT INTO accounting.currency VALUES ('OLD', 2)")
    await connection.close()
    await migrate.migrate(admin_url, ["accounting"])
    sql = """
        SELECT currency_code, exponent, valid_from::text, valid_until::text FROM currency
        WHERE currency_code IN ('XCG', 'BGN', 'OLD') ORDER BY 1
    """
    assert await rows(ledger, sql) == [
        ("BGN", 2, None, "2026-01-01"),
        ("OLD", 2, None, None),
        ("XCG", 2, "2025-03-31", None),
    ]
    assert await consume(ledger, capture(1, currency_code="XCG")) == [None]
