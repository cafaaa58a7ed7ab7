"""The SQL of the tables that transactions stood in before the journal, and of moving them into it.

What stands there is read and verified as what stands in the journal, and a pair booked there is not booked again. The
tables go when no ledger has rows in them any more: docs/adr/0050.
"""

from dataclasses import replace
from datetime import UTC, datetime

from paykit.errors import InvariantError
from paykit.postgres.database import Tx
from services.accounting.domain.transaction import Transaction, transaction_id
from services.accounting.domain.transaction_key import NAMED_MONTH, month_of
from services.accounting.store import journal
from services.accounting.store.transaction import transactions

MOVE_ROWS_MAX = 500
"""Transactions moved in one database transaction."""

MONTHS_AHEAD = 2
"""Months of the journal that are there before they begin; what comes before that stands apart until then."""

MONTHS_BACK = 24
"""Months that are made late for what came before their table; what is of an older one stays apart."""

_MOVING_LOCK = 0x6D6F_7665
"""Advisory lock of moving: two processes would move the same rows."""

_TRY_LOCK = "SELECT pg_try_advisory_xact_lock($1) AS alone"

_ANY = "SELECT EXISTS (SELECT FROM former_transaction) AS some"

_SELECT_IDS = "SELECT transaction_id FROM former_transaction ORDER BY effective_at, transaction_id LIMIT $1"

_SELECT_NAMES = """
SELECT transaction_type, related_no FROM former_transaction ORDER BY effective_at, transaction_id LIMIT $1
"""

_RETIRE = "SELECT retire_former($1::text[]) AS retired"

_KEEP_MONTHS = "SELECT keep_journal_months($1::smallint[], $2::smallint) AS present"


async def keep_months(tx: Tx, now: datetime) -> int:
    """Make the tables of the month of real time and of the next ones, which ids will be of.

    Returns:
        How many of them there are, the present one first, without a gap.
    """
    current = now.astimezone(UTC)
    first = current.year * 12 + current.month - 1
    months = list(range(first, first + MONTHS_AHEAD + 1))
    present = (await tx.fetch(_KEEP_MONTHS, months, first - MONTHS_BACK))[0]["present"]
    return min(int(present), len(months))


async def keep_months_to_move(tx: Tx) -> bool:
    """Make the tables of the months that are moved next; say whether there is anything to move.

    In a transaction of its own, for it holds up who reads or books in what has no month's table yet.
    """
    if not (await tx.fetch(_ANY))[0]["some"]:
        return False
    names = await tx.fetch(_SELECT_NAMES, MOVE_ROWS_MAX)
    months = {month_of(transaction_id(*name)) for name in names} - {NAMED_MONTH}
    await tx.fetch(_KEEP_MONTHS, sorted(months), None)
    return True


async def move(tx: Tx) -> int:
    """Move the earliest transactions into the journal, under the ids that they were told by; return how many.

    Rows: journal, leg, former_transaction, former_entry.

    Raises:
        InvariantError: The journal has some of them already.
    """
    if not (await tx.fetch(_TRY_LOCK, _MOVING_LOCK))[0]["alone"]:
        return 0
    ids = [row["transaction_id"] for row in await tx.fetch(_SELECT_IDS, MOVE_ROWS_MAX)]
    if not ids:
        return 0
    former = await transactions.former(tx, ids)
    moved = [_under_its_key(row) for row in former.values()]
    told = {new.transaction_id: old for new, old in zip(moved, former, strict=True) if new.transaction_id != old}
    inserted = await journal.insert_new(tx, await journal.place(tx, moved), former_ids=told)
    if len(inserted) != len(moved):
        raise InvariantError(f"{len(moved) - len(inserted)} of {len(moved)} transactions stand in the journal already")
    await tx.fetch(_RETIRE, ids)
    return len(ids)


def _under_its_key(row: Transaction) -> Transaction:
    return replace(row, transaction_id=transaction_id(row.transaction_type, row.related_no))
