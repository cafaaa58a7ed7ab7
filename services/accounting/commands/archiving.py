"""Archiving whole months: each is written to a file, read back, carried forward, and its table gives way to the rest.

A month is one database transaction, and before it begins the file and its manifest are on the disk. Whatever is killed
when, a month is either archived or as it was, and its files are whole or written anew. Source: docs/adr/0051.
"""

import asyncio
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from paykit.postgres import faults
from paykit.postgres.database import Database, Tx
from services.accounting import domain, store
from services.accounting.commands.verification import LedgerDifferenceError, verify
from services.accounting.domain.archive import (
    ArchivedMonth,
    ArchiveRefusedError,
    CarriedSums,
    first_difference,
    month_name,
    month_start,
)
from services.accounting.domain.transaction import Transaction, transaction_id
from services.accounting.store.archive import carried, month_files, pairs, swapping
from services.accounting.store.archive.month_files import Manifest

PAGE_ROWS = 2_000
"""Transactions held in memory at once."""
LOCK_TRIES_MAX = 60
"""Of LOCK_TIMEOUT_MS each, to get hold of the journal alone."""
LOCK_REST_S = 1.0
"""Between two of them, in which bookings that waited behind go on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthPlan:
    """A month that is to be archived: how many of its transactions are, and how many are kept."""

    month: int
    archived: int
    kept: int


async def plan(tx: Tx, before: int) -> list[MonthPlan]:
    """Return the months before another that have something to archive, the oldest first; comes first in `tx`.

    Raises:
        ArchiveRefusedError: One of them is not closed, or transactions of before the journal have not moved yet.
    """
    await swapping.act_as_owner(tx)
    done = {each.month for each in await carried.archived_months(tx)}
    plans = []
    for month in await swapping.months_with_tables(tx):
        if month < before and month not in done:
            archived, kept = await swapping.count(tx, month)
            if archived:
                await _require_final(tx, month)
                plans.append(MonthPlan(month=month, archived=archived, kept=kept))
    return plans


async def verified(database: Database) -> None:
    """Accept a ledger that is right; one that is not is not archived.

    Raises:
        ArchiveRefusedError: It is not.
    """

    async def as_owner(tx: Tx) -> None:
        await swapping.act_as_owner(tx)
        await verify(tx)

    try:
        await database.read(as_owner)
    except LedgerDifferenceError as difference:
        raise ArchiveRefusedError(f"the ledger differs: {difference}") from difference


async def archive(database: Database, month: int, directory: Path) -> Manifest:
    """Archive a month to a directory, and return what its manifest says.

    Args:
        database: As an administrator.
        month: One that `plan` returned.
        directory: Made if it is not there. A whole archive of the month that it has already is taken, if it is the
            same.

    Raises:
        ArchiveRefusedError: The month is not closed, has changed meanwhile, its books do not add up, the directory has
            another archive of it, or the journal is in use for too long. Nothing was dropped.

    Rows: archived_month, carried, archived_transaction; the tables of the month.
    """
    manifest = month_files.read_manifest(directory, month)
    if manifest is None:
        manifest = await database.read(lambda tx: write(tx, month, directory))
    await database.read(lambda tx: _compare(tx, manifest, directory))
    await database.transaction(lambda tx: take_over(tx, manifest, directory))
    return manifest


def require_whole(directory: Path, month: int) -> Manifest:
    """Return the manifest of a month whose file is what it says: its bytes, its counts, its sums, each balanced.

    Raises:
        ArchiveRefusedError: It is not.
    """
    manifest = month_files.read_manifest(directory, month)
    name = month_name(month)
    if manifest is None:
        raise ArchiveRefusedError(f"{directory} has no manifest of {name}")
    if month_files.file_hash(directory, month) != manifest.file_hash:
        raise ArchiveRefusedError(f"{month_files.file_name(month)} is not the file of its manifest: the hash differs")
    sums, last = CarriedSums(), ""
    for row in month_files.read_transactions(directory, month):
        key = transaction_id(row.transaction_type, row.related_no)
        if domain.transaction_key.month_of(key) != month or key <= last:
            raise ArchiveRefusedError(f"{row.transaction_id} is not of {name}, or not in the order of ids")
        sums.add(row)
        last = key
    if (sums.transactions, sums.entries) != (manifest.transactions, manifest.entries):
        raise ArchiveRefusedError(f"{name} has {sums.transactions} transactions, its manifest says otherwise")
    if (difference := first_difference(sums.result(), manifest.sums)) is not None:
        raise ArchiveRefusedError(f"{name} does not add up to its manifest: {difference}")
    return manifest


async def verify_archive(tx: Tx, directory: Path) -> list[Manifest]:
    """Hold the archives in a directory against their manifests and what the ledger carried forward, month by month.

    Raises:
        ArchiveRefusedError: A month is archived that the directory has not, or the other way round; a file is not what
            its manifest says; or the ledger carries something else.
    """
    await carried.hold_journal(tx)
    known = {each.month: each.manifest_hash for each in await carried.archived_months(tx)}
    found = month_files.manifests(directory)
    if odd := sorted(set(found) ^ known.keys()):
        where = "is in the directory and not archived" if odd[0] in found else "is archived and not in the directory"
        raise ArchiveRefusedError(f"{month_name(odd[0])} {where}")
    return [await _require_carried(tx, directory, month, known[month]) for month in found]


async def _require_carried(tx: Tx, directory: Path, month: int, manifest_hash: str) -> Manifest:
    manifest, name = require_whole(directory, month), month_name(month)
    if manifest.hash != manifest_hash:
        raise ArchiveRefusedError(f"the manifest of {name} is not the one that was carried forward: the hash differs")
    if (difference := first_difference(await swapping.carried_of(tx, month), manifest.sums)) is not None:
        raise ArchiveRefusedError(f"the ledger does not carry {name} forward as it was archived: {difference}")
    for page in _pages(month_files.read_transactions(directory, month)):
        digests = {_key(row): domain.archive.content_digest(row) for row in page}
        if digests != await swapping.digests_of(tx, month, [*digests]):
            raise ArchiveRefusedError(f"the ledger does not know all of {name}: look between {min(digests)} and on")
    if await swapping.count_pairs(tx, month) != manifest.transactions:
        raise ArchiveRefusedError(f"the ledger knows more of {name} than was archived")
    return manifest


async def write(tx: Tx, month: int, directory: Path) -> Manifest:
    """Write a month's file and manifest, on one snapshot."""
    await swapping.act_as_owner(tx)
    sums = CarriedSums()
    with closing(month_files.MonthWriter(directory, month)) as writer:
        async for ids in swapping.archivable_ids(tx, month, rows_max=PAGE_ROWS):
            for row in (await store.transactions.by_key(tx, ids)).values():
                sums.add(row)
                writer.add(row)
        writer.finish()
    manifest = Manifest(
        month=month,
        file_hash=month_files.file_hash(directory, month),
        transactions=sums.transactions,
        entries=sums.entries,
        sums=sums.result(),
    )
    month_files.write_manifest(directory, manifest)
    return manifest


async def _compare(tx: Tx, manifest: Manifest, directory: Path) -> None:
    """Read a month's file back, and hold it against the tables, transaction by transaction."""
    await swapping.act_as_owner(tx)
    month = manifest.month
    require_whole(directory, month)
    with closing(month_files.read_transactions(directory, month)) as rows:
        async for ids in swapping.archivable_ids(tx, month, rows_max=PAGE_ROWS):
            booked = await store.transactions.by_key(tx, ids)
            for key in ids:
                if next(rows, None) != booked[key]:
                    raise _changed(month, directory)
        if next(rows, None) is not None:
            raise _changed(month, directory)


async def take_over(tx: Tx, manifest: Manifest, directory: Path) -> None:
    """Carry a month forward, and have what is kept of it take its place."""
    await swapping.act_as_owner(tx)
    month = manifest.month
    await _patiently(tx, swapping.lock_month, month)
    if any(each.month == month for each in await carried.archived_months(tx)):
        raise ArchiveRefusedError(f"{month_name(month)} was archived meanwhile, by another")
    await _require_final(tx, month)
    archived, kept = await swapping.count(tx, month)
    if archived != manifest.transactions:
        raise _changed(month, directory)
    carrying = ArchivedMonth(month, manifest.hash)
    await swapping.insert_month(tx, carrying, transactions=archived, kept=kept, now=tx.now)
    if (difference := first_difference(await swapping.carried_of(tx, month), manifest.sums)) is not None:
        raise ArchiveRefusedError(f"{month_name(month)} does not add up to its manifest: {difference}")
    for page in _pages(month_files.read_transactions(directory, month)):
        await pairs.insert_pairs(tx, [pair for row in page for pair in _known_pairs(row, month)])
    await swapping.keep_the_rest(tx, month)
    if (account := await swapping.unbalanced_account(tx, month)) is not None:
        raise ArchiveRefusedError(f"without {month_name(month)} what is kept and carried is not the balance: {account}")
    await _patiently(tx, swapping.put_in_place, month)


async def _require_final(tx: Tx, month: int) -> None:
    """Accept a month into which nothing is dated any more, once all of the ledger is in the journal."""
    closed_through, has_former = await swapping.standing(tx)
    if has_former:
        raise ArchiveRefusedError("transactions of before the journal have not moved into it yet: wait for move_former")
    last = month_start(month + 1) - carried.RESOLUTION
    if closed_through is None or closed_through < last:
        raise ArchiveRefusedError(f"{month_name(month)} is not closed: two people close the period that ends {last}")


async def _patiently(tx: Tx, step: swapping.MonthStep, month: int) -> None:
    """Carry out a step that waits for others, giving way to them in between."""
    for tries_left in reversed(range(LOCK_TRIES_MAX)):
        try:
            async with tx.savepoint():
                await step(tx, month)
        except Exception as error:
            if faults.sort(error) not in {faults.Fault.LOCKED, faults.Fault.CONFLICT}:
                raise
            if not tries_left:
                raise ArchiveRefusedError("the journal is in use for too long: nothing was dropped") from error
            await asyncio.sleep(LOCK_REST_S)
        else:
            return


def _known_pairs(row: Transaction, month: int) -> Iterator[tuple[str, int, int, bool]]:
    key, digest = _key(row), domain.archive.content_digest(row)
    yield key[4:], digest, month, False
    if row.transaction_id != key:
        yield row.transaction_id[4:], digest, month, True


def _key(row: Transaction) -> str:
    return transaction_id(row.transaction_type, row.related_no)


def _pages(rows: Iterator[Transaction]) -> Iterator[list[Transaction]]:
    while page := [*islice(rows, PAGE_ROWS)]:
        yield page


def _changed(month: int, directory: Path) -> ArchiveRefusedError:
    name = month_name(month)
    return ArchiveRefusedError(
        f"what {directory} has of {name} is not what the ledger has: something was told late meanwhile, or it is of "
        f"another ledger; take journal-{name}.json away and try again, or name another directory"
    )
