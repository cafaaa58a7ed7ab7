"""The SQL of what the ledger booked of movements, a projection, and of what only one side has told so far."""

from collections.abc import Sequence
from datetime import timedelta

from paykit.postgres.database import Tx
from paykit.postgres.table import Table
from services.reconciliation.domain.ledger import OneSidedBooking

# Both sides write the rows in one order; whichever comes second sees what the first wrote.
_KEEP_TOLD = """
INSERT INTO movement_booking (transaction_type, related_no, told, movement_id)
SELECT transaction_type, related_no, true, movement_id
FROM unnest($1::text[], $2::text[], $3::text[]) AS new (transaction_type, related_no, movement_id)
ORDER BY transaction_type COLLATE "C", related_no COLLATE "C"
ON CONFLICT (transaction_type, related_no) DO UPDATE SET told = true, movement_id = excluded.movement_id
WHERE NOT movement_booking.told
"""

_KEEP_BOOKED = """
INSERT INTO movement_booking (transaction_type, related_no, told, transaction_id)
SELECT transaction_type, related_no, false, transaction_id
FROM unnest($1::text[], $2::text[], $3::text[]) AS new (transaction_type, related_no, transaction_id)
ORDER BY transaction_type COLLATE "C", related_no COLLATE "C"
ON CONFLICT (transaction_type, related_no) DO UPDATE SET transaction_id = excluded.transaction_id
WHERE movement_booking.transaction_id IS NULL
"""

_WAIT = """
INSERT INTO open_booking ({columns})
SELECT {new_columns} FROM unnest({parameters}) AS new ({columns})
JOIN movement_booking b ON b.transaction_type = new.transaction_type AND b.related_no = new.related_no
WHERE NOT b.told OR b.transaction_id IS NULL
ORDER BY new.transaction_type COLLATE "C", new.related_no COLLATE "C"
ON CONFLICT DO NOTHING
"""

# A statement of its own, which sees what the other side has committed meanwhile. What is listed is ended by a job.
_SETTLE = """
DELETE FROM open_booking o
USING unnest($1::text[], $2::text[]) AS new (transaction_type, related_no), movement_booking b
WHERE (o.transaction_type, o.related_no) = (new.transaction_type, new.related_no) AND NOT o.listed
    AND (b.transaction_type, b.related_no) = (o.transaction_type, o.related_no)
    AND b.told AND b.transaction_id IS NOT NULL
"""

# Who lists a row keeps the other side from deleting it unseen.
_LIST = """
UPDATE open_booking SET listed = true
FROM (SELECT transaction_type, related_no FROM open_booking
      WHERE {bounds}NOT listed AND arrive_time <= now() - least($1::interval, $2::interval)
          AND arrive_time <= now() - CASE WHEN transaction_id IS NULL THEN $1::interval ELSE $2::interval END
      ORDER BY arrive_time LIMIT $3) late
WHERE (open_booking.transaction_type, open_booking.related_no) = (late.transaction_type, late.related_no)
    AND NOT open_booking.listed
RETURNING {columns}
"""

_ANY_LATE = "SELECT EXISTS (SELECT FROM open_booking WHERE NOT listed AND arrive_time <= now() - $1::interval)"

_LISTED_IN_VAIN = """
SELECT o.transaction_type, o.related_no FROM open_booking o
JOIN movement_booking b ON b.transaction_type = o.transaction_type AND b.related_no = o.related_no
WHERE {bounds}o.listed AND b.told AND b.transaction_id IS NOT NULL
ORDER BY o.transaction_type, o.related_no LIMIT $1
"""

_CLOSE = """
DELETE FROM open_booking o USING unnest($1::text[], $2::text[]) AS done (transaction_type, related_no)
WHERE (o.transaction_type, o.related_no) = (done.transaction_type, done.related_no)
"""

_KEY = ("transaction_type", "related_no")

_bookings: Table[tuple[str, str], OneSidedBooking] = Table(OneSidedBooking, "open_booking", key=_KEY)


async def keep_told(tx: Tx, told: Sequence[OneSidedBooking]) -> None:
    """Keep which movement payment or withdrawal told of, each once. Rows: movement_booking."""
    if told:
        await tx.run(_KEEP_TOLD, *_names(told), [booking.movement_id for booking in told])


async def keep_booked(tx: Tx, booked: Sequence[OneSidedBooking]) -> None:
    """Keep which transaction booked what, each once. Rows: movement_booking."""
    if booked:
        await tx.run(_KEEP_BOOKED, *_names(booked), [booking.transaction_id for booking in booked])


async def wait(tx: Tx, bookings: Sequence[OneSidedBooking]) -> None:
    """Have what was kept wait for its other side, unless that has come. Rows: open_booking."""
    if bookings:
        columns = _bookings.columns
        sql = _WAIT.format(
            columns=", ".join(columns),
            new_columns=", ".join(f"new.{column}" for column in columns),
            parameters=_bookings.parameters(columns),
        )
        await tx.run(sql, *([getattr(booking, column) for booking in bookings] for column in columns))


async def settle(tx: Tx, bookings: Sequence[OneSidedBooking]) -> None:
    """Let go of what has both sides now and was not listed. Rows: open_booking."""
    if bookings:
        await tx.run(_SETTLE, *_names(bookings))


async def any_late(tx: Tx, within: timedelta) -> bool:
    """Return whether anything that is not listed has waited for longer than this."""
    return bool((await tx.fetch(_ANY_LATE, within))[0][0])


async def list_late(
    tx: Tx, *, booked_within: timedelta | None, told_within: timedelta | None, limit: int
) -> list[OneSidedBooking]:
    """Take what has waited for longer than this, as far as `tx.claims` allows, the longest first. Rows: open_booking.

    Args:
        tx: The transaction.
        booked_within: How long what was told waits to be booked, in real time; None: it is not listed now.
        told_within: How long what was booked waits to be told, likewise.
        limit: How many to take at most.
    """
    bounds, keys = tx.claims.bounds(_KEY, first=4)
    sql = _LIST.format(columns=_bookings.selected, bounds=bounds)
    rows = await tx.fetch(sql, booked_within, told_within, limit, *keys)
    tx.claims.take((row["transaction_type"], row["related_no"]) for row in rows)
    return [_bookings.read(row) for row in rows]


async def listed_in_vain(tx: Tx, limit: int) -> list[tuple[str, str]]:
    """Take the names of what is listed and has both sides now, as far as `tx.claims` allows."""
    bounds, keys = tx.claims.bounds(tuple(f"o.{column}" for column in _KEY), first=2)
    rows = await tx.fetch(_LISTED_IN_VAIN.format(bounds=bounds), limit, *keys)
    names = [(row["transaction_type"], row["related_no"]) for row in rows]
    tx.claims.take(names)
    return names


async def close(tx: Tx, names: Sequence[tuple[str, str]]) -> None:
    """Let go of what was listed. Rows: open_booking."""
    if names:
        await tx.run(_CLOSE, [name[0] for name in names], [name[1] for name in names])


def _names(bookings: Sequence[OneSidedBooking]) -> tuple[list[str], list[str]]:
    return [booking.transaction_type for booking in bookings], [booking.related_no for booking in bookings]
