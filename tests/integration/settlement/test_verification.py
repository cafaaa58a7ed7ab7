"""`paystream settlement verify` finds what is wrong within the settlements, and between them and the ledger."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from paykit.process.runtime import Runtime
from paykit.testing import databases
from paykit.testing.outbox_events import outbox_events
from paystream.accounting.v1.events import TransactionCreated
from paystream.merchant.v1.events import MerchantStatus
from paystream.settlement.v1.events import SettlementCreated
from paytools.cli.commands.settlement import app
from services.accounting.service import SERVICE as ACCOUNTING
from services.settlement.domain.settlement import Settlement
from tests.conftest import RuntimeOf
from tests.integration.accounting import books
from tests.integration.damage import damage
from tests.integration.settlement.till import Till
from tests.unit.accounting import ledger as told
from tests.unit.settlement.builders import ALICE, daily, utc


class Both:
    """A ledger and a settlement service that tell each other what happened, when asked to."""

    def __init__(self, ledger: Runtime, till: Till) -> None:
        self.ledger = ledger
        self.till = till

    async def pass_on(self) -> None:
        """Bring every event of each to the other, again and again, until nothing is new."""
        before: tuple[int, int] | None = None
        while before != (before := (len(await self._booked()), len(await self.till.told()))):
            await self.till.consume(*await self._booked())
            settled = [event for event in await self.till.told() if isinstance(event, SettlementCreated)]
            if settled:
                await books.consume(self.ledger, *settled)

    async def _booked(self) -> Sequence[Any]:
        events = [self.ledger.codec.decode(row["value"]) for row in await outbox_events(self.ledger)]
        return [event for event in events if isinstance(event, TransactionCreated)]


@pytest.fixture
async def database_url(template: str) -> AsyncIterator[str]:
    """A fresh database: a ledger is never empty."""
    async with databases.database(template) as url:
        yield url


@pytest.fixture
async def both(till: Till, runtime_of: RuntimeOf) -> Both:
    """Captures and refunds of two merchants, of which one settlement is booked, one not told of, and one pending."""
    made = Both(await runtime_of(ACCOUNTING), till)
    await till.policy(daily("18:00", reserve_basis_points=1_000, reserve_days=5))
    captures = [told.capture(number, occurred_at=utc(1, 10)) for number in range(1, 4)]
    await books.consume(made.ledger, *captures, told.capture(4, merchant_id=told.BOB, fee_minor=10_000))
    await made.pass_on()
    assert isinstance(await till.create(), Settlement)
    await made.pass_on()
    await books.consume(made.ledger, told.refund(1, amount_minor=4_000), told.capture(5))
    await made.pass_on()
    await till.create()
    await books.consume(made.ledger, told.capture(6))
    await made.pass_on()
    return made


def turned(column: str) -> str:
    """Return the SQL of an id whose digits are turned over, which twice is itself."""
    return f"translate({column}::text, '0123456789abcdef', 'fedcba9876543210')::uuid"


async def run(admin_url: str) -> Result:
    """Run the command in a thread, for it has an event loop of its own."""
    arguments = ["verify", "--postgres", admin_url, "--wait", "0"]
    return await asyncio.to_thread(CliRunner().invoke, app, arguments, env={"COLUMNS": "200", "NO_COLOR": "1"})


async def test_sound_settlements_exit_0_and_say_what_was_checked(both: Both, admin_url: str) -> None:
    result = await run(admin_url)
    assert result.exit_code == 0, result.output
    assert "ok  sums" in result.stdout
    assert "The settlements are right: 6 transactions." in result.stdout
    balance = await books.balance(both.ledger, books.account("merchant.settlement", ALICE))
    assert balance == sum(
        each.sums.total_minor for each in await both.till.settlements(state=None) if not each.transaction_id
    )


async def test_every_kind_of_damage_exits_1_and_is_named(both: Both, admin_url: str) -> None:
    pending = "(SELECT settlement_id FROM settlement.settlement WHERE state = 'PENDING' LIMIT 1)"
    for statement, undo, said in (
        (
            f"UPDATE settlement.settlement SET payments_minor = payments_minor + 1 WHERE settlement_id = {pending}",
            f"UPDATE settlement.settlement SET payments_minor = payments_minor - 1 WHERE settlement_id = {pending}",
            "sums: stl_",
        ),
        (
            "UPDATE settlement.settlement SET item_count = item_count + 1 WHERE state = 'COMPLETED'",
            "UPDATE settlement.settlement SET item_count = item_count - 1 WHERE state = 'COMPLETED'",
            "item_count is",
        ),
        (
            f"UPDATE settlement.narrow_item SET settlement_id = {turned('settlement_id')}",
            f"UPDATE settlement.narrow_item SET settlement_id = {turned('settlement_id')}",
            "which does not exist",
        ),
        (
            f"UPDATE settlement.narrow_item SET transaction_id = {turned('transaction_id')}",
            f"UPDATE settlement.narrow_item SET transaction_id = {turned('transaction_id')}",
            "others were collected than the ledger has",
        ),
        (
            "UPDATE accounting.balance SET balance_minor = balance_minor + 7",
            "UPDATE accounting.balance SET balance_minor = balance_minor - 7",
            "the ledger's balance is",
        ),
    ):
        await damage(admin_url, statement)
        result = await run(admin_url)
        assert (result.exit_code, said in result.stderr) == (1, True), (statement, result.stderr)
        await damage(admin_url, undo)
    assert (await run(admin_url)).exit_code == 0


async def test_balances_that_were_followed_wrongly_are_a_difference(both: Both, admin_url: str) -> None:
    for statement, said in (
        ("UPDATE settlement.merchant_balance SET available_minor = available_minor + 7", "their changes sum up to"),
        (
            (
                "UPDATE settlement.balance_change SET available_minor = available_minor + 7 "
                "WHERE transaction_id = (SELECT min(transaction_id) FROM settlement.balance_change)"
            ),
            "merchant.available was followed to",
        ),
    ):
        await damage(admin_url, statement)
        result = await run(admin_url)
        assert (result.exit_code, said in result.stderr) == (1, True), result.stderr


async def test_what_asks_for_a_person_is_named_and_is_no_difference(both: Both, admin_url: str) -> None:
    # BOB's capture of 10,000 cost as much; then 4,000 of it went back. ALICE is suspended with something pending.
    await books.consume(both.ledger, told.refund(4, amount_minor=4_000, merchant_id=told.BOB))
    await both.pass_on()
    await both.till.policy(daily("18:00"), version=2, status=MerchantStatus.SUSPENDED)
    await damage(
        admin_url,
        "UPDATE settlement.settlement SET reserve_due_at = NULL, reserve_refusal = 'ACCOUNT_CLOSED' "
        "WHERE state = 'COMPLETED'",
    )
    result = await run(admin_url)
    assert result.exit_code == 0, result.stderr
    assert f"see held       {ALICE} USD: 9680 pending of a merchant that is SUSPENDED" in result.stdout
    assert f"see negative   {told.BOB} USD: settlement -4000, available 0, reserve 0, owes 0" in result.stdout
    assert "2904 in reserve, to be released 2026-03-06T12:00:00Z, last refused for ACCOUNT_CLOSED" in result.stdout


async def test_what_is_on_its_way_for_longer_than_is_waited_for_is_a_difference(both: Both, admin_url: str) -> None:
    await books.consume(both.ledger, told.capture(7))
    result = await run(admin_url)
    assert result.exit_code == 1
    assert f"transactions: {ALICE} USD: 6 transactions were collected, the ledger has 7" in result.stderr
