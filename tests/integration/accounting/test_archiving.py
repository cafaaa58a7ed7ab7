"""Archiving months: whatever happens meanwhile, nothing is lost, and what must not be archived is refused."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from paykit.errors import DomainError
from paykit.postgres.database import Tx
from paykit.process.runtime import Runtime
from paystream.accounting.v1 import accounting_pb2 as pb
from services.accounting import store
from services.accounting.commands import archiving, journals
from services.accounting.commands.posting import Posting, post
from services.accounting.commands.verification import LedgerDifferenceError, verify
from services.accounting.domain import booking, transaction_key
from services.accounting.domain.archive import ArchiveRefusedError, MonthArchived
from services.accounting.domain.journal import Reversal, TransactionNotReversible
from services.accounting.domain.transaction import Transaction, TransactionNotFound, transaction_id
from services.accounting.rpc.accounting import AccountingServicer
from services.accounting.store.archive import carried, pairs
from tests.integration.accounting.books import account, balance, consume, rows
from tests.integration.accounting.old_months import (
    APRIL,
    FEBRUARY,
    JANUARY,
    MARCH,
    administered,
    archive,
    booked_and_closed,
    id_of,
    noon,
    sold,
)
from tests.unit.accounting.ledger import ALICE, CAUSE

SETTLEMENT = account("merchant.settlement", ALICE)


@pytest.fixture
async def old(ledger: Runtime) -> Runtime:
    await booked_and_closed(ledger)
    return ledger


async def test_a_booking_that_looked_before_the_month_was_archived_begins_anew(
    old: Runtime, admin_url: str, tmp_path: Path
) -> None:
    tries: list[store.OpenBooks] = []

    async def replay(tx: Tx) -> list[Transaction | DomainError]:
        tries.append(await store.open_books(tx))
        if len(tries) == 1:
            await archive(admin_url, JANUARY, to=tmp_path)
        asked = booking.book(tries[-1].chart, event, tx.now, closed_through=tries[-1].closed_through)
        assert asked is not None
        posting = Posting(asked, CAUSE, 0)
        return await post(tx, tries[-1], [posting])

    event = sold(JANUARY, 1)
    [result] = await old.transaction(replay)
    assert [books.archived_months for books in tries] == [frozenset(), frozenset({JANUARY})]
    assert isinstance(result, Transaction)
    assert (await old.read(verify)).transactions == 2


async def test_archiving_waits_for_who_reads_what_it_takes_away(old: Runtime, admin_url: str, tmp_path: Path) -> None:
    async def slow_reading(tx: Tx) -> int:
        await carried.hold_journal(tx)
        archiving_ = asyncio.create_task(archive(admin_url, JANUARY, to=tmp_path))
        await asyncio.wait([archiving_], timeout=3)
        assert not archiving_.done()
        running.append(archiving_)
        return await store.balance_of(tx, SETTLEMENT, as_of=noon(JANUARY, 1))

    running: list[asyncio.Task[Any]] = []
    assert await old.read(slow_reading) == 9_680
    assert len(await running[0]) == 1
    assert (await old.read(verify)).transactions == 2


@asynccontextmanager
async def giving_way(admin_url: str, month: int, *, to: Path) -> AsyncIterator[asyncio.Event]:
    """Have a month's table give way, but for the end of the transaction, for which the event is waited."""
    in_place, may_end = asyncio.Event(), asyncio.Event()

    async def held(tx: Tx) -> None:
        await archiving.take_over(tx, manifest, to)
        in_place.set()
        await may_end.wait()

    async with administered(admin_url) as database:
        manifest = await database.read(lambda tx: archiving.write(tx, month, to))
        swapping = asyncio.create_task(database.transaction(held))
        try:
            await asyncio.wait([swapping, asyncio.create_task(in_place.wait())], return_when=asyncio.FIRST_COMPLETED)
            yield may_end
        finally:
            may_end.set()
            await swapping


WAITING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"


async def while_it_gives_way(admin_url: str, to: Path, *asked: Coroutine[Any, Any, Any]) -> list[Any]:
    """Ask while January's table gives way, have that end once all who ask wait for it, and return what came of each."""
    connection = await asyncpg.connect(admin_url)
    async with giving_way(admin_url, JANUARY, to=to) as may_end:
        asking = [asyncio.create_task(each) for each in asked]
        for _ in range(LOOKS_MAX):
            if await connection.fetchval(WAITING) == len(asked):
                break
            await asyncio.sleep(0.01)
        else:
            pytest.fail("nobody waits for the month that gives way")
        may_end.set()
        results = await asyncio.gather(*asking, return_exceptions=True)
    await connection.close()
    return results


LOOKS_MAX = 150
"""At who waits, 10 ms apart; they would give up after the time for a lock."""


async def test_a_transaction_is_shown_or_said_to_be_archived_at_every_moment_of_the_swap(
    old: Runtime, admin_url: str, tmp_path: Path
) -> None:
    def get(transaction_type: str, related_no: str) -> Coroutine[Any, Any, Any]:
        request = pb.GetTransactionRequest(transaction_id=transaction_id(transaction_type, related_no))
        return AccountingServicer(old).GetTransaction(request, None)

    captured = get("PaymentSuccess", id_of("cap", JANUARY, 1))
    kept = get("DisputeOpened", id_of("dsp", JANUARY, 1))
    never = get("PaymentSuccess", id_of("cap", JANUARY, 9))
    of_archive, of_rest, of_nothing = await while_it_gives_way(admin_url, tmp_path, captured, kept, never)
    assert isinstance(of_archive, MonthArchived)
    assert of_rest.transaction.related_no == id_of("dsp", JANUARY, 1)
    assert len(of_rest.transaction.entries) == 2
    assert isinstance(of_nothing, TransactionNotFound)


async def test_a_reversal_finds_what_was_kept_or_archived_at_every_moment_of_the_swap(
    old: Runtime, admin_url: str, tmp_path: Path
) -> None:
    def reverse(transaction_type: str, related_no: str) -> Coroutine[Any, Any, Any]:
        key = transaction_id(transaction_type, related_no)
        reversal = Reversal(transaction_id=key, reason="Wrong", effective_at=None, cause=CAUSE)
        return old.transaction(lambda tx: journals.reversing_transactions(tx, [reversal]))

    [of_archive], [of_rest] = await while_it_gives_way(
        admin_url,
        tmp_path,
        reverse("PaymentSuccess", id_of("cap", JANUARY, 1)),
        reverse("DisputeOpened", id_of("dsp", JANUARY, 1)),
    )
    assert isinstance(of_archive, MonthArchived)
    # It is of an event, and so it is found and cannot be reversed.
    assert isinstance(of_rest, TransactionNotReversible)


ARCHIVED = "SELECT month FROM archived_month"


async def test_whatever_is_ended_when_the_month_is_archived_or_as_it_was(
    old: Runtime, admin_url: str, tmp_path: Path
) -> None:
    present = await balance(old, SETTLEMENT)
    for delay_ms in (5, 10, 20, 30, 50, 80, 120, 160, 200, 250):
        ended = asyncio.create_task(archive(admin_url, JANUARY, to=tmp_path))
        await asyncio.wait([ended], timeout=delay_ms / 1_000)
        ended.cancel()
        with contextlib.suppress(asyncio.CancelledError, ArchiveRefusedError):
            await ended
        # Whoever is ended while it commits has gone; the server may still be at it.
        before, known = None, await rows(old, ARCHIVED)
        while before != known:
            before, transactions = known, (await old.read(verify)).transactions
            known = await rows(old, ARCHIVED)
        assert transactions == (2 if known else 5)
        assert await balance(old, SETTLEMENT) == present
    if not known:
        await archive(admin_url, JANUARY, to=tmp_path)
    async with administered(admin_url) as database:
        assert len(await database.read(lambda tx: archiving.verify_archive(tx, tmp_path))) == 1


async def test_what_must_not_be_archived_is_refused_and_stays(old: Runtime, admin_url: str, tmp_path: Path) -> None:
    await consume(old, sold(MARCH, 5))
    with pytest.raises(ArchiveRefusedError, match=r"2024-03 is not closed: .* 2024-03-31 23:59:59.999999"):
        await archive(admin_url, MARCH, to=tmp_path)
    async with administered(admin_url) as database:
        with pytest.raises(ArchiveRefusedError, match="2024-03 is not closed"):
            await database.read(lambda tx: archiving.plan(tx, APRIL))
        plans = await database.read(lambda tx: archiving.plan(tx, MARCH))
    assert [(each.month, each.archived, each.kept) for each in plans] == [(JANUARY, 3, 1), (FEBRUARY, 1, 0)]
    await archive(admin_url, JANUARY, to=tmp_path)
    manifest = archiving.require_whole(tmp_path, JANUARY)
    async with administered(admin_url) as database:
        with pytest.raises(ArchiveRefusedError, match="2024-01 was archived meanwhile"):
            await database.transaction(lambda tx: archiving.take_over(tx, manifest, tmp_path))


async def test_what_is_told_between_the_file_and_the_take_over_is_not_lost(
    old: Runtime, admin_url: str, tmp_path: Path
) -> None:
    async with administered(admin_url) as database:
        manifest = await database.read(lambda tx: archiving.write(tx, JANUARY, tmp_path))
        # In real time, what is of a closed period is effective after it; here the row is dated by hand.
        connection = await asyncpg.connect(admin_url)
        await connection.execute(_SAME_AGAIN)
        await connection.close()
        with pytest.raises(ArchiveRefusedError, match="something was told late meanwhile"):
            await database.transaction(lambda tx: archiving.take_over(tx, manifest, tmp_path))
        with pytest.raises(ArchiveRefusedError, match=r"take journal-2024-01.json away"):
            await archiving.archive(database, JANUARY, tmp_path)
    assert await rows(old, "SELECT * FROM archived_month") == []


_SAME_AGAIN = """
SET search_path = accounting; SET session_replication_role = replica;
CREATE TEMP TABLE again AS SELECT * FROM journal WHERE type_no = 0 AND month = 24288 LIMIT 1;
UPDATE again SET transaction_id = (left(transaction_id::text, -1) || 'f')::uuid, position = position + 900;
INSERT INTO journal SELECT * FROM again
"""


_BOTH_SIDES = """
UPDATE carried SET debit_minor = debit_minor + (debit_minor = 10700)::integer,
    credit_minor = credit_minor + (credit_minor = 10700)::integer
"""


@pytest.mark.parametrize(
    ("damage", "found"),
    [
        ("UPDATE carried SET debit_minor = debit_minor + 1 WHERE debit_minor = 10700", "archived months: 2024-01"),
        (
            "DELETE FROM archived_transaction WHERE ctid = (SELECT min(ctid) FROM archived_transaction)",
            "of which 2 are",
        ),
        ("DELETE FROM archived_month", "has 0 archived transactions|though it is not archived"),
        ("DELETE FROM carried", "carries nothing"),
        (_BOTH_SIDES, "balances: "),
    ],
)
async def test_damage_to_what_was_carried_forward_is_found(
    old: Runtime, admin_url: str, tmp_path: Path, damage: str, found: str
) -> None:
    await archive(admin_url, JANUARY, to=tmp_path)
    connection = await asyncpg.connect(admin_url)
    await connection.execute(f"SET search_path = accounting; {damage}")
    await connection.close()
    with pytest.raises(LedgerDifferenceError, match=found):
        await old.read(verify)


async def test_an_archive_that_is_not_what_was_carried_forward_is_found(
    old: Runtime, admin_url: str, tmp_path: Path
) -> None:
    await archive(admin_url, JANUARY, FEBRUARY, to=tmp_path)

    async def verified() -> int:
        async with administered(admin_url) as database:
            return len(await database.read(lambda tx: archiving.verify_archive(tx, tmp_path)))

    assert await verified() == 2
    avro, manifest = tmp_path / "journal-2024-01.avro", tmp_path / "journal-2024-01.json"
    bytes_, said = avro.read_bytes(), manifest.read_bytes()
    avro.write_bytes(bytes_[:-40] + bytes([bytes_[-40] ^ 1]) + bytes_[-39:])
    with pytest.raises(ArchiveRefusedError, match="the hash differs"):
        await verified()
    avro.write_bytes(bytes_)
    manifest.write_bytes(said.replace(b"10700", b"10701"))
    with pytest.raises(ArchiveRefusedError, match="does not add up to its manifest: PaymentSuccess"):
        await verified()
    manifest.write_bytes(said.replace(b'"entries": 8', b'"entries":  8'))
    with pytest.raises(ArchiveRefusedError, match="is not as it was written"):
        await verified()
    manifest.write_bytes(said)
    connection = await asyncpg.connect(admin_url)
    await connection.execute("UPDATE accounting.carried SET transactions = transactions + 1 WHERE debit_minor = 10700")
    with pytest.raises(ArchiveRefusedError, match="does not carry 2024-01 forward as it was archived"):
        await verified()
    await connection.execute("UPDATE accounting.carried SET transactions = transactions - 1 WHERE debit_minor = 10700")
    await connection.execute("UPDATE accounting.archived_transaction SET digest = digest + 1 WHERE month = 24289")
    await connection.close()
    with pytest.raises(ArchiveRefusedError, match="does not know all of 2024-02"):
        await verified()
    manifest.unlink()
    with pytest.raises(ArchiveRefusedError, match="2024-01 is archived and not in the directory"):
        await verified()


@pytest.mark.parametrize("table", ["archived_month", "carried", "archived_transaction", "journal_202401", "leg_202401"])
async def test_the_service_may_not_change_what_was_archived(
    old: Runtime, admin_url: str, tmp_path: Path, table: str
) -> None:
    await archive(admin_url, JANUARY, to=tmp_path)
    for statement in (f"DELETE FROM {table}", f"INSERT INTO {table} DEFAULT VALUES", f"UPDATE {table} SET month = 1"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await old.transaction(lambda tx, statement=statement: tx.run(statement))  # type: ignore[misc]


async def test_what_was_booked_before_types_had_numbers_is_known_by_both_ids(
    old: Runtime, admin_url: str, tmp_path: Path
) -> None:
    key = transaction_id("PaymentSuccess", id_of("cap", JANUARY, 1))
    former = transaction_key.former_id(key)
    connection = await asyncpg.connect(admin_url)
    await connection.execute(
        "UPDATE accounting.journal SET former_id = $1::uuid WHERE transaction_id = $2::uuid", former[4:], key[4:]
    )
    await connection.close()
    await archive(admin_url, JANUARY, to=tmp_path)
    assert set(await old.read(lambda tx: pairs.archived_among(tx, [key, former]))) == {key, former}
    assert await consume(old, sold(JANUARY, 1)) == [None]
    async with administered(admin_url) as database:
        assert len(await database.read(lambda tx: archiving.verify_archive(tx, tmp_path))) == 1
    assert (await old.read(verify)).transactions == 2
