"""Sums of what people booked alone: whatever was added to them, they say what the rows of the journal say."""

import asyncio
import importlib
import random
from collections.abc import Sequence
from datetime import datetime, timedelta

import asyncpg
import pytest

from paykit.cause import Cause
from paykit.errors import DomainError
from paykit.postgres.database import Tx
from paykit.process.runtime import Runtime
from paystream.accounting.v1.events import Side
from services.accounting import store
from services.accounting.commands.journals import create_transactions
from services.accounting.domain.journal import Journal, Leg
from services.accounting.domain.transaction import Transaction
from services.accounting.store.two_people import booked_alone
from tests.integration.accounting.books import consume, rows
from tests.unit.accounting.ledger import ALICE, capture

DAY = timedelta(days=1)
PEOPLE = ("ann", "ANN", "bob", None)
LIMIT = 10_000_000


def journal(number: int, person: str | None, amount: int) -> Journal:
    legs = (
        Leg(side=Side.DEBIT, amount_minor=amount, account_kind="merchant.settlement", merchant_id=ALICE),
        Leg(side=Side.CREDIT, amount_minor=amount, account_kind="platform.fees"),
    )
    return Journal(
        transaction_type="Goodwill",
        related_no=f"ticket-{number}",
        currency_code="USD",
        legs=legs,
        reason="A complaint",
        effective_at=None,
        cause=Cause(correlation_id="cor", actor=person),
        alone_limit_minor=LIMIT,
    )


async def book(ledger: Runtime, items: Sequence[Journal]) -> list[Transaction | DomainError]:
    return await ledger.transaction(lambda tx: create_transactions(tx, items))


async def sums(ledger: Runtime, since: datetime, *, has_former: bool = False) -> dict[tuple[str, str], int]:
    async def read(tx: Tx) -> dict[tuple[str, str], int]:
        return await store.booked_alone(tx, since=since, has_former=has_former)

    return await ledger.transaction(read)


@pytest.fixture
def few_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows are added once five are behind, seven by one statement."""
    monkeypatch.setattr(booked_alone, "ADDED_MIN", 5)
    for name in ("_SELECT", "_ADD"):
        statement = getattr(booked_alone, name)
        monkeypatch.setattr(booked_alone, name, statement.replace("LIMIT 20000", "LIMIT 7"))
        assert getattr(booked_alone, name) != statement
    monkeypatch.setattr(booked_alone, "ADDED_AT_ONCE_MAX", 7)


@pytest.mark.usefixtures("few_at_once")
async def test_the_sums_of_two_days_are_those_of_the_rows(ledger: Runtime) -> None:
    draw = random.Random(16)  # noqa: S311 - the same every time
    await consume(ledger, capture(1))
    made: list[tuple[datetime, str, int]] = []
    for _ in range(60):
        ledger.clock.advance(timedelta(seconds=draw.choice((0, 1, 150, 300, 1_799, 20_000))))  # type: ignore[attr-defined]
        drawn = [(draw.choice(PEOPLE), draw.randint(1, 900)) for _ in range(draw.choice((1, 3, 17)))]
        batch = [journal(len(made) + at, *each) for at, each in enumerate(drawn)]
        now = ledger.clock.now()
        for (person, amount), booked in zip(drawn, await book(ledger, batch), strict=True):
            assert isinstance(booked, Transaction)
            made.append((now, (person or "").casefold(), amount))
        for since in (now - DAY, *(each[0] for each in draw.sample(made, min(len(made), 2)) if each[0] > now - DAY)):
            wanted: dict[tuple[str, str], int] = {}
            for moment, person, amount in made:
                if moment > since:
                    wanted[person, "USD"] = wanted.get((person, "USD"), 0) + amount
            assert await sums(ledger, since) == wanted
            assert await sums(ledger, since, has_former=True) == wanted
    [(summed, kept)] = await rows(
        ledger, "SELECT (SELECT position FROM booked_alone_summed), (SELECT min(slot) FROM booked_alone_sum)"
    )
    [(last,)] = await rows(ledger, "SELECT max(position) FROM journal WHERE month = 0")
    assert last - summed < 2_048, "what is behind the sums is added to them"
    assert kept >= ledger.clock.now() - 2 * DAY - booked_alone.SLOT * 2, "what is of no day any more is forgotten"


@pytest.mark.usefixtures("few_at_once")
async def test_those_who_book_at_once_are_decided_on_each_others_sums(ledger: Runtime) -> None:
    """Forty calls at once, each of a third of the limit: three of them pass."""
    await consume(ledger, capture(1))
    items = [journal(number, "ann", LIMIT // 3) for number in range(40)]
    results = await asyncio.gather(*(book(ledger, [item]) for item in items))
    assert sum(isinstance(result, Transaction) for [result] in results) == 3
    assert await sums(ledger, ledger.clock.now() - DAY) == {("ann", "USD"): LIMIT // 3 * 3}


async def test_a_ledger_that_is_upgraded_adds_the_journals_of_its_last_days(ledger: Runtime, admin_url: str) -> None:
    migration = importlib.import_module("services.accounting.migrations.accounting_0011_sums_of_what_is_booked_alone")
    await consume(ledger, capture(1))
    for days, number in ((0, 1), (3, 2), (1, 3)):  # The last one is of the fifth day, 24 hours after the one before.
        ledger.clock.advance(timedelta(days=days))  # type: ignore[attr-defined]
        await book(ledger, [journal(number, "ann", 10**number), journal(-number, "bob", 1)])
    connection = await asyncpg.connect(admin_url, server_settings={"search_path": "accounting"})
    try:
        await connection.execute("DELETE FROM booked_alone_sum; DELETE FROM booked_alone_summed")
        await connection.execute(migration._SUMMED)
    finally:
        await connection.close()
    [(summed,)] = await rows(ledger, "SELECT position FROM booked_alone_summed")
    [(first,)] = await rows(ledger, "SELECT position FROM journal_transaction WHERE related_no = 'ticket-1'")
    assert summed >= first, "the journal of the first day is in no sum"
    now = ledger.clock.now()
    assert await sums(ledger, now - DAY) == {("ann", "USD"): 1_000, ("bob", "USD"): 1}
    assert await sums(ledger, now - DAY - timedelta(seconds=1)) == {("ann", "USD"): 1_100, ("bob", "USD"): 2}
