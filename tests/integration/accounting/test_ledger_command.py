"""`paystream ledger` as a person runs it."""

import asyncio
from pathlib import Path

import asyncpg
import pytest
from typer.testing import CliRunner, Result

from paykit.process.runtime import Runtime
from paystream.payment.v1.events import DisputeLost, DisputeOpened
from paystream.withdrawal.v1.events import WithdrawalCompleted, WithdrawalCreated
from paytools.cli.commands.ledger import app
from tests.integration.accounting.books import consume, rows
from tests.integration.accounting.old_months import booked_and_closed
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


async def test_months_are_archived_and_verified_by_command(
    ledger: Runtime, admin_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PAYSTREAM_DATABASE_URL", admin_url)
    directory = str(tmp_path / "archive")
    await booked_and_closed(ledger)
    refused = await run("archive", "--before", "2024-03", "--to", directory)
    assert refused.exit_code == 1
    assert "no retention is declared" in refused.stderr
    monkeypatch.setenv("PAYSTREAM_LEDGER_RETENTION_MONTHS", "13")
    for arguments in ([], ["--before", "2024-03"], ["--verify", directory, "--dry-run"]):
        assert (await run("archive", *arguments)).exit_code == 2
    assert "'2024-3' is no month" in (await run("archive", "--before", "2024-3", "--dry-run")).stderr
    assert "it may be 20" in (await run("archive", "--before", "2199-01", "--dry-run")).stderr
    tried = await run("archive", "--before", "2024-03", "--dry-run")
    assert tried.exit_code == 0, tried.output
    assert [line.split() for line in tried.stdout.splitlines()] == [
        ["month", "archived", "kept"],
        ["2024-01", "3", "1"],
        ["2024-02", "1", "0"],
    ]
    assert await rows(ledger, "SELECT * FROM archived_month") == []
    done = await run("archive", "--before", "2024-03", "--to", directory)
    assert done.exit_code == 0, done.output
    assert "ok  2024-01: 3 transactions, 8 entries archived, 1 kept; manifest " in done.stdout
    assert "ok  the ledger is right with what is carried forward" in done.stdout
    assert "Nothing before 2024-03 is left" in (await run("archive", "--before", "2024-03", "--to", directory)).stdout
    verified = await run("archive", "--verify", directory)
    assert verified.exit_code == 0, verified.output
    assert "The archive is what the ledger carries forward: 2 months." in verified.stdout
    (tmp_path / "archive" / "journal-2024-02.avro").unlink()
    missing = await run("archive", "--verify", directory)
    assert missing.exit_code == 1
    assert "No such file" in missing.stderr
