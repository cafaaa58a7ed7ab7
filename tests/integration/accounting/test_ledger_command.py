"""`paystream ledger verify` as a person runs it."""

import asyncio

import asyncpg
import pytest
from typer.testing import CliRunner, Result

from paykit.cli.ledger import app
from paykit.runtime.runtime import Runtime
from tests.integration.accounting.books import consume
from tests.unit.accounting.ledger import capture


async def run(*arguments: str) -> Result:
    """Run the command in a thread, for it has an event loop of its own."""
    return await asyncio.to_thread(CliRunner().invoke, app, list(arguments))


@pytest.fixture(autouse=True)
def _plain_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("NO_COLOR", "1")


async def test_a_sound_ledger_exits_0_and_says_what_was_checked(ledger: Runtime, admin_url: str) -> None:
    await consume(ledger, capture(1), capture(2, fee_minor=0))
    result = await run("verify", "--postgres", admin_url)
    assert result.exit_code == 0, result.output
    assert "ok  balances" in result.stdout
    assert "The ledger is right: 3 accounts, 2 transactions, 6 entries." in result.stdout


async def test_a_difference_exits_1_and_is_named(ledger: Runtime, admin_url: str) -> None:
    await consume(ledger, capture(1))
    connection = await asyncpg.connect(admin_url)
    await connection.execute(
        "UPDATE accounting.balance SET balance_minor = balance_minor - 1 WHERE balance_minor = 320"
    )
    await connection.close()
    result = await run("verify", "--postgres", admin_url)
    assert result.exit_code == 1
    assert "the ledger differs: balances: acc_" in result.stderr
    assert "balance is 319, its entries sum up to 320" in result.stderr


async def test_a_database_that_does_not_answer_is_said_to() -> None:
    result = await run("verify", "--postgres", "postgresql://nobody@127.0.0.1:1/none")
    assert result.exit_code == 1
    assert "PostgreSQL is unavailable" in result.stderr
