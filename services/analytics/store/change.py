"""The SQL of which figures changed lately, for those who follow them. A record: no part of the figures.

What a reader has seen is a snapshot of PostgreSQL's: transactions that it did not see may have begun before others that
it saw, so that no number in a sequence could say how far it has come.
"""

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple

from paykit.postgres.database import Tx

CHANGES_KEPT_S = 600.0
"""How long a change can still be asked for, in real time."""
FORGOTTEN_ROWS_MAX = 10_000
"""Rows deleted at once."""

_NOTE = """
INSERT INTO figure_change (merchant_id, currency_code, quarter_time)
SELECT * FROM unnest($1::text[], $2::text[], $3::timestamptz[])
ON CONFLICT DO NOTHING
"""

_SNAPSHOT = "SELECT pg_current_snapshot()::text"

_CHANGED = """
SELECT DISTINCT merchant_id, currency_code, quarter_time FROM figure_change
WHERE transaction_id >= pg_snapshot_xmin($1::text::pg_snapshot)
    AND NOT pg_visible_in_snapshot(transaction_id, $1::text::pg_snapshot)
"""

_FORGET = """
DELETE FROM figure_change WHERE ctid IN (
    SELECT ctid FROM figure_change WHERE change_time < clock_timestamp() - $1::float8 * interval '1 second' LIMIT $2)
"""


class ChangedKey(NamedTuple):
    """Where figures changed."""

    merchant_id: str
    currency_code: str
    quarter_time: datetime


async def note_changes(tx: Tx, keys: Collection[ChangedKey]) -> None:
    """Note that the transaction changes figures."""
    if keys:
        await tx.run(_NOTE, *map(list, zip(*sorted(keys), strict=True)))


async def present_snapshot(tx: Tx) -> str:
    """Return what the transaction sees, to ask later for what it did not."""
    snapshot: str = (await tx.fetch(_SNAPSHOT))[0][0]
    return snapshot


async def changed_since(tx: Tx, snapshot: str) -> list[ChangedKey]:
    """Read where figures changed in transactions that the snapshot did not see."""
    return [ChangedKey(*row) for row in await tx.fetch(_CHANGED, snapshot)]


async def forget_changes(tx: Tx) -> bool:
    """Delete changes that nobody can ask for any more; True if there may be more."""
    return await tx.run(_FORGET, CHANGES_KEPT_S, FORGOTTEN_ROWS_MAX) == FORGOTTEN_ROWS_MAX
