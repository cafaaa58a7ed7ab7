"""References that merchants give what they create, unique per merchant: who has one that could not be given again."""

from collections.abc import Iterable, Sequence
from typing import Any, Protocol, TypeVar

from paykit.errors import DomainError
from paykit.merchants.standing import MerchantReferenceTaken
from paykit.postgres.database import Tx
from paykit.postgres.table import Table
from paykit.work import kept


class Referenced(Protocol):
    """What a merchant gave a reference to."""

    @property
    def merchant_id(self) -> str:
        """The merchant."""
        ...

    @property
    def merchant_reference(self) -> str:
        """Its reference, which nothing else of the merchant in the same table has."""
        ...


Row = TypeVar("Row", bound=Referenced)

Reference = tuple[str, str]
"""merchant_id, merchant_reference."""


class TakenReferences:
    """References of one table that are taken, as the decisions of one transaction take more of them.

    A rival that took one meanwhile is met by the table's unique constraint, upon which the transaction is run again.
    """

    def __init__(self, table: Table[str, Any], holders: dict[Reference, str]) -> None:
        self._table = table
        self._holders = holders

    def take(self, merchant_id: str, merchant_reference: str | None, key: str) -> None:
        """Take the reference, if it is one, for what has this key.

        Raises:
            MerchantReferenceTaken: Something else has it.
        """
        if merchant_reference is None:
            return
        holder = self._holders.setdefault((merchant_id, merchant_reference), key)
        if holder != key:
            raise _taken(self._table, holder)


_UNIQUE = ("merchant_id", "merchant_reference")

# What has these references, as after an insert that left some out.
_SELECT_HOLDERS = """
SELECT merchant_id, merchant_reference, {key} FROM {table}
JOIN unnest($1::text[], $2::text[]) AS wanted (merchant_id, merchant_reference) USING (merchant_id, merchant_reference)
"""


async def insert_referenced(
    tx: Tx, table: Table[str, Row], results: Sequence[Row | DomainError]
) -> list[Row | DomainError]:
    """Insert what was made, as far as its references are free; what has one that is taken is refused.

    The transaction holds what went in. Refusals among the results stay.
    """
    rows = kept(results)
    if tx.at_end:  # A reference that is taken fails the transaction then, and its calls are decided anew in another.
        await table.insert(tx, rows)
        tx.hold(*map(table.key_of, rows))
        return list(results)
    inserted = await table.insert_absent(tx, rows, unique=_UNIQUE)
    tx.hold(*inserted)
    if len(inserted) == len(rows):
        return list(results)
    holders = await holders_of(tx, table, [(row.merchant_id, row.merchant_reference) for row in rows])
    return [row if isinstance(row, DomainError) else _refused_if_taken(table, row, holders) for row in results]


async def holders_of(tx: Tx, table: Table[str, Any], references: Sequence[Reference]) -> dict[Reference, str]:
    """Read the key of what has each of these references; those that nothing has are left out."""
    sql = _SELECT_HOLDERS.format(table=table.quoted, key=table.key)
    rows = await tx.fetch(sql, *([reference[i] for reference in references] for i in (0, 1)))
    return {(row["merchant_id"], row["merchant_reference"]): row[table.key] for row in rows}


async def taken_references(tx: Tx, table: Table[str, Any], wanted: Iterable[tuple[str, str | None]]) -> TakenReferences:
    """Read which of these references, by merchant, are taken; no statement where there is none."""
    references = [(merchant_id, reference) for merchant_id, reference in wanted if reference is not None]
    return TakenReferences(table, await holders_of(tx, table, references) if references else {})


def _refused_if_taken(table: Table[str, Row], row: Row, holders: dict[Reference, str]) -> Row | DomainError:
    holder = holders[row.merchant_id, row.merchant_reference]
    if holder == table.key_of(row):
        return row
    return _taken(table, holder)


def _taken(table: Table[str, Any], holder: str) -> MerchantReferenceTaken:
    message = f"Another {table.name} of the merchant has this reference."
    return MerchantReferenceTaken(message, field="merchant_reference", **{table.key: holder})
