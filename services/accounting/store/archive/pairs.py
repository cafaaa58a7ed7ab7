"""The SQL of what is known of single archived transactions: which pairs were booked, and a hash of the content."""

from collections.abc import Collection, Iterable

from paykit.postgres.database import Tx
from services.accounting.domain import transaction_key
from services.accounting.domain.archive import ArchivedMonth, ArchivedTransaction, month_archived, month_start
from services.accounting.store.archive.carried import RESOLUTION, archived_months

_SELECT = """
SELECT archived_transaction.transaction_id, month, archived_month.manifest_hash, digest
FROM archived_transaction JOIN archived_month USING (month)
WHERE transaction_id = ANY($1::uuid[])
"""

_COLUMNS = ("transaction_id", "digest", "month", "former")


async def archived_among(tx: Tx, transaction_ids: Iterable[str]) -> dict[str, ArchivedTransaction]:
    """Read which of these ids, told now or before types had numbers, are of archived transactions."""
    digits = [each[4:] for each in transaction_ids if transaction_key.is_id(each)]
    if not digits:
        return {}
    return {
        f"txn_{row['transaction_id'].hex}": ArchivedTransaction(
            ArchivedMonth(row["month"], row["manifest_hash"]), row["digest"]
        )
        for row in await tx.fetch(_SELECT, digits)
    }


async def require_whole_root(tx: Tx, root_reference: str) -> None:
    """Accept a root_reference of which no transaction can be archived.

    What is archived is of a root that is a UUIDv7 of its own month or one before.

    Raises:
        MonthArchived: The month of the root, or one after it, is archived.
    """
    begun = transaction_key.month_of_uuid7(root_reference)
    if begun is None:
        return
    for archived in reversed(await archived_months(tx)):
        if archived.month >= begun:
            raise month_archived(archived, last_at=month_start(archived.month + 1) - RESOLUTION)


async def insert_pairs(tx: Tx, rows: Collection[tuple[str, int, int, bool]]) -> None:
    """Insert what is known of archived transactions: the digits of the id, digest, month, whether it is a former id."""
    await tx.copy("archived_transaction", _COLUMNS, rows)
