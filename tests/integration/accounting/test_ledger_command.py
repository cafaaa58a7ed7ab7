"""`paystream ledger` as a person runs it."""

import asyncio

import asyncpg
import pytest
from typer.testing import CliRunner, Result

from paykit.process.runtime import Runtime
from paystream.payment.v1.events import DisputeLost, DisputeOpened
from paystream.withdrawal.v1.events import WithdrawalCompleted, WithdrawalCreated
from paytools.cli.commands.ledger import app
from tests.integration.accounting.books import consume
from tests.unit.accounting.ledger import (
    ALICE,
    BOB,
    capture,
    dispute,
    dispute_id,
    release,
    settlement,
    settlement_id,
    withdrawal,
    withdrawal_id,
)


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


async def test_the_books_are_shown_by_kind_and_currency_with_what_merchants_have_together(
    ledger: Runtime, admin_url: str
) -> None:
    await consume(ledger, capture(1, amount_minor=10_000, fee_minor=320))
    await consume(ledger, settlement(1, net=9_000, reserve=500))
    await consume(ledger, withdrawal(WithdrawalCreated, 1, amount_minor=6_000))
    await consume(ledger, capture(2, merchant_id=BOB, amount_minor=750, fee_minor=0, currency_code="JPY"))
    result = await run("balances", "--postgres", admin_url)
    assert result.exit_code == 0, result.output
    assert [line.split() for line in result.stdout.splitlines()] == [
        ["kind", "accounts", "balance"],
        ["merchant.settlement", "1", "750", "JPY"],
        ["platform.income", "1", "750", "JPY"],
        ["merchant.*", "1", "750", "JPY"],
        ["merchant.available", "1", "30.00", "USD"],
        ["merchant.reserve", "1", "5.00", "USD"],
        ["merchant.settlement", "1", "1.80", "USD"],
        ["merchant.withdrawing", "1", "60.00", "USD"],
        ["platform.fees", "1", "3.20", "USD"],
        ["platform.income", "1", "100.00", "USD"],
        ["merchant.*", "4", "96.80", "USD"],
    ]
    nobodys = await run("balances", "--postgres", admin_url, "--merchant", BOB, "--currency", "EUR")
    assert (nobodys.exit_code, nobodys.stdout) == (0, "The ledger has no such account.\n")
    bobs = await run("balances", "--postgres", admin_url, "--merchant", BOB, "--currency", "JPY")
    assert [line.split()[0] for line in bobs.stdout.splitlines()] == ["kind", "merchant.settlement", "merchant.*"]


async def test_what_is_in_transit_is_explained_by_what_has_not_ended(ledger: Runtime, admin_url: str) -> None:
    await consume(ledger, capture(1, amount_minor=10_000, fee_minor=320), capture(2, amount_minor=100, fee_minor=0))
    await consume(ledger, settlement(1, net=9_000, reserve=500), settlement(2, net=10, reserve=20))
    await consume(ledger, release(2, amount_minor=20))
    await consume(ledger, withdrawal(WithdrawalCreated, 1, amount_minor=6_000))
    await consume(ledger, withdrawal(WithdrawalCreated, 2, amount_minor=1_000))
    await consume(ledger, withdrawal(WithdrawalCompleted, 2, amount_minor=1_000))
    await consume(ledger, dispute(DisputeOpened, 1, amount_minor=70), dispute(DisputeOpened, 2, amount_minor=1))
    await consume(ledger, dispute(DisputeLost, 2, amount_minor=1))
    result = await run("balances", "--postgres", admin_url, "--explain")
    assert result.exit_code == 0, result.output
    _, _, explained = result.stdout.partition("\n\n")
    header, *lines = explained.splitlines()
    assert header.split() == ["in", "transit", "on", "merchant", "what", "transactions", "since", "(UTC)", "amount"]
    assert sorted((words[0], words[2], words[3], words[6]) for words in map(str.split, lines)) == [
        ("merchant.disputed", dispute_id(1), "1", "0.70"),
        ("merchant.reserve", settlement_id(1), "1", "5.00"),
        ("merchant.settlement", "DisputeOpened", "2", "-0.71"),
        ("merchant.settlement", "PaymentSuccess", "2", "97.80"),
        ("merchant.settlement", "ReserveReleased", "1", "0.20"),
        ("merchant.settlement", "SettlementCreated", "2", "-95.30"),
        ("merchant.withdrawing", withdrawal_id(1), "1", "60.00"),
    ]
    assert {words[1] for words in map(str.split, lines)} == {ALICE}


async def test_a_ledger_with_nothing_in_transit_says_so(ledger: Runtime, admin_url: str) -> None:
    await consume(ledger, capture(1, amount_minor=500, fee_minor=0))
    await consume(ledger, settlement(1, net=500, reserve=0))
    result = await run("balances", "--postgres", admin_url, "--explain")
    assert result.stdout.endswith("\n\nNothing is in transit.\n")


async def test_a_database_that_does_not_answer_is_said_to() -> None:
    result = await run("verify", "--postgres", "postgresql://nobody@127.0.0.1:1/none")
    assert result.exit_code == 1
    assert "PostgreSQL is unavailable" in result.stderr
