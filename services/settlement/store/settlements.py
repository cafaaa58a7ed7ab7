"""The SQL of collecting, closing and booking: set-based, one round trip whatever the number of rows.

Locks on several PENDING settlements are taken in the order of merchant, currency and cut-off, by whomever.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any

from paykit.postgres.database import Tx
from paykit.postgres.rows import columns, require_all_changed
from paystream.settlement.v1.events import SettlementTrigger
from services.settlement.domain.item import Item
from services.settlement.domain.settlement import Settlement, SettlementState, Sums

Pair = tuple[str, str]
"""merchant_id, currency_code."""
Place = tuple[str, str, datetime | None]
"""merchant_id, currency_code, cut_off_at: where items are collected."""

SUMS = tuple(Sums.__dataclass_fields__)
_SUMS_SQL = ", ".join(SUMS)

COLUMNS = (
    "settlement_id",
    "merchant_id",
    "currency_code",
    "state",
    "trigger",
    "cut_off_at",
    "due_at",
    "noticed_at",
    "noticed_offsets",
    *SUMS,
    "reserve_held_minor",
    "reserve_release_at",
    "reserve_released_at",
    "reserve_refusal",
    "holder_id",
    "failure_reason",
    "transaction_id",
    "correlation_id",
    "aggregate_version",
    "create_time",
    "close_time",
    "update_time",
)
_COLUMNS_SQL = ", ".join(COLUMNS)

# Adds to the settlement that collects at a place, or begins one. The rows come in the order of the unique key, which is
# the order of every lock on what is PENDING.
_COLLECT = f"""
INSERT INTO settlement AS present (settlement_id, holder_id, merchant_id, currency_code, cut_off_at, due_at,
    {_SUMS_SQL}, state, create_time, update_time)
SELECT settlement_id, settlement_id, merchant_id, currency_code, cut_off_at, due_at, {_SUMS_SQL}, 'PENDING', $1, $1
FROM unnest($2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::timestamptz[], $7::bigint[], $8::numeric[],
    $9::numeric[], $10::numeric[], $11::numeric[], $12::numeric[], $13::numeric[])
    AS new (settlement_id, merchant_id, currency_code, cut_off_at, due_at, {_SUMS_SQL})
ON CONFLICT (merchant_id, currency_code, cut_off_at) WHERE state = 'PENDING'
DO UPDATE SET {", ".join(f"{name} = present.{name} + excluded.{name}" for name in SUMS)}
RETURNING merchant_id, currency_code, cut_off_at, settlement_id, due_at, total_minor
"""

_SET_DUE = """
UPDATE settlement SET due_at = new.due_at
FROM unnest($1::text[], $2::timestamptz[]) AS new (settlement_id, due_at)
WHERE settlement.settlement_id = new.settlement_id
"""

_ITEM_COLUMNS = (
    "transaction_id",
    "merchant_id",
    "settlement_id",
    "kind",
    "transaction_type",
    "related_no",
    "root_reference",
    "effective_at",
    "amount_minor",
    "fee_minor",
)

_SELECT_KNOWN = "SELECT transaction_id, merchant_id FROM item WHERE transaction_id = ANY($1::text[])"

_LOCK_BEFORE = """
SELECT merchant_id, currency_code, cut_off_at FROM settlement
JOIN unnest($1::text[], $2::text[], $3::timestamptz[]) AS wanted (merchant_id, currency_code, before)
    USING (merchant_id, currency_code)
WHERE state = 'PENDING' AND cut_off_at < wanted.before
ORDER BY merchant_id, currency_code, cut_off_at FOR UPDATE OF settlement
"""

_ANY_DUE = """
SELECT EXISTS (SELECT FROM settlement WHERE state = 'PENDING' AND due_at <= $1) AS any_due,
    EXISTS (SELECT FROM settlement WHERE state = 'PENDING' AND due_at <= $1 AND cut_off_at IS NOT NULL
        AND noticed_offsets IS NULL) AS any_cut_off
"""

# All that is PENDING of the merchants and currencies of which something is due, longest due first.
_LOCK_DUE = f"""
WITH due AS (
    SELECT merchant_id, currency_code FROM settlement WHERE state = 'PENDING' AND due_at <= $1 ORDER BY due_at LIMIT $2
)
SELECT {_COLUMNS_SQL} FROM settlement
WHERE state = 'PENDING' AND (merchant_id, currency_code) IN (SELECT merchant_id, currency_code FROM due)
ORDER BY merchant_id, currency_code, cut_off_at FOR UPDATE
"""

_LOCK_PENDING = f"""
SELECT {_COLUMNS_SQL} FROM settlement
WHERE state = 'PENDING'
    AND (merchant_id, currency_code) IN (SELECT * FROM unnest($1::text[], $2::text[]))
ORDER BY merchant_id, currency_code, cut_off_at FOR UPDATE
"""

_LOCK_PENDING_OF = """
SELECT settlement_id FROM settlement WHERE state = 'PENDING' AND merchant_id = ANY($1::text[])
ORDER BY merchant_id, currency_code, cut_off_at FOR UPDATE
"""

_LOCK = f"SELECT {_COLUMNS_SQL} FROM settlement WHERE settlement_id = ANY($1::text[]) ORDER BY settlement_id FOR UPDATE"

# What another process is releasing at this moment is left to it.
_LOCK_RELEASABLE = f"""
SELECT {_COLUMNS_SQL} FROM settlement
WHERE state = 'COMPLETED' AND reserve_held_minor > 0 AND reserve_released_at IS NULL AND reserve_release_at <= $1
ORDER BY reserve_release_at LIMIT $2 FOR UPDATE SKIP LOCKED
"""

_KEPT_COLUMNS = ("merchant_id", "currency_code", "create_time")
_CHANGED = tuple(name for name in COLUMNS if name not in _KEPT_COLUMNS)
_TYPES = {
    "cut_off_at": "timestamptz",
    "due_at": "timestamptz",
    "noticed_at": "timestamptz",
    "item_count": "bigint",
    "reserve_held_minor": "bigint",
    "reserve_release_at": "timestamptz",
    "reserve_released_at": "timestamptz",
    "aggregate_version": "bigint",
    "close_time": "timestamptz",
    "update_time": "timestamptz",
    **{name: "numeric" for name in SUMS if name != "item_count"},
}
_UNNESTED = ", ".join(f"${i}::{_TYPES.get(name, 'text')}[]" for i, name in enumerate(_CHANGED, start=1))
_SETS = ", ".join(
    f"{name} = new.{name}{'::bigint[]' if name == 'noticed_offsets' else ''}"
    for name in _CHANGED
    if name != "settlement_id"
)

# Writes back everything that can change; the rows are locked. An array within an array is no array of arrays, so the
# offsets come as text.
_SAVE = f"""
UPDATE settlement SET {_SETS}
FROM unnest({_UNNESTED}) AS new ({", ".join(_CHANGED)})
WHERE settlement.settlement_id = new.settlement_id
"""

# What counted in a settlement counts in another one from now on.
_MOVE_HELD = """
UPDATE settlement SET holder_id = moved.into_id
FROM unnest($1::text[], $2::text[]) AS moved (from_id, into_id)
WHERE settlement.holder_id = moved.from_id AND settlement.settlement_id <> moved.from_id
"""

_SELECT_CONSUMED = "SELECT partition, next_offset FROM consumer_offset WHERE topic = $1 ORDER BY partition"


async def collect(
    tx: Tx, sums: Mapping[Place, Sums], *, new_ids: Sequence[str], due: Sequence[datetime | None]
) -> dict[Place, tuple[str, datetime | None, int]]:
    """Add sums to what collects at places, and begin to collect where nothing does.

    Args:
        tx: The transaction.
        sums: In the order of places, None last.
        new_ids: A settlement id for each, used where one begins.
        due: When each is looked at, used where one begins.

    Returns:
        The settlement, when it is looked at, and its total, for each place.

    Rows: settlement.
    """
    merchant_ids, currency_codes, cut_offs = map(list, zip(*sums, strict=True))
    rows = await tx.fetch(
        _COLLECT, tx.now, new_ids, merchant_ids, currency_codes, cut_offs, due, *columns(list(sums.values()), SUMS)
    )
    require_all_changed("settlement", len(rows), len(sums))
    return {(row[0], row[1], row[2]): (row[3], row[4], int(row[5])) for row in rows}


async def set_due(tx: Tx, due: Mapping[str, datetime | None]) -> None:
    """Set when PENDING settlements, which are locked, are looked at; by settlement_id."""
    if due:
        changed = await tx.run(_SET_DUE, list(due), list(due.values()))
        require_all_changed("settlement", changed, len(due))


async def insert_items(tx: Tx, items: Iterable[tuple[Item, str]]) -> None:
    """Insert items, each with the settlement that it comes into.

    Raises:
        UniqueViolationError: One is there already.

    Rows: item.
    """
    rows = [
        (
            item.transaction_id,
            item.merchant_id,
            settlement_id,
            item.kind,
            item.transaction_type,
            item.related_no,
            item.root_reference,
            item.effective_at,
            item.amount_minor,
            item.fee_minor,
        )
        for item, settlement_id in items
    ]
    rows.sort()
    await tx.copy("item", _ITEM_COLUMNS, rows)


async def known_items(tx: Tx, transaction_ids: Sequence[str]) -> set[tuple[str, str]]:
    """Give (transaction_id, merchant_id) of the items that are there."""
    return {(row[0], row[1]) for row in await tx.fetch(_SELECT_KNOWN, transaction_ids)}


async def overdue_places(tx: Tx, before: Mapping[Pair, datetime]) -> dict[Pair, datetime]:
    """Give the earliest cut-off before a time at which something still collects, and lock it."""
    wanted = sorted(before)
    rows = await tx.fetch(
        _LOCK_BEFORE, [m for m, _ in wanted], [c for _, c in wanted], [before[pair] for pair in wanted]
    )
    found: dict[Pair, datetime] = {}
    for row in rows:
        found.setdefault((row[0], row[1]), row[2])
    return found


async def any_due(tx: Tx) -> tuple[bool, bool]:
    """Say whether a settlement is due, and whether one with a cut-off is that has not been looked at before."""
    row = (await tx.fetch(_ANY_DUE, tx.now))[0]
    return row["any_due"], row["any_cut_off"]


async def lock_due(tx: Tx, *, limit: int) -> list[Settlement]:
    """Lock all that is PENDING of merchants and currencies of which something is due, together."""
    return [settlement(row) for row in await tx.fetch(_LOCK_DUE, tx.now, limit)]


async def lock_pending(tx: Tx, pairs: Collection[Pair]) -> list[Settlement]:
    """Lock all that is PENDING of merchants and currencies."""
    wanted = sorted(pairs)
    rows = await tx.fetch(_LOCK_PENDING, [merchant for merchant, _ in wanted], [currency for _, currency in wanted])
    return [settlement(row) for row in rows]


async def look_now(tx: Tx, merchant_ids: Sequence[str]) -> None:
    """Have everything that is PENDING of merchants looked at now.

    Rows: settlement.
    """
    rows = await tx.fetch(_LOCK_PENDING_OF, merchant_ids)
    await set_due(tx, {row["settlement_id"]: tx.now for row in rows})


async def lock(tx: Tx, settlement_ids: Collection[str]) -> dict[str, Settlement]:
    """Lock the settlements that exist, for events of theirs."""
    found = {row["settlement_id"]: settlement(row) for row in await tx.fetch(_LOCK, sorted(settlement_ids))}
    tx.hold(*found)
    return found


async def lock_releasable(tx: Tx, *, limit: int) -> list[Settlement]:
    """Lock settlements whose reserve is to be released, longest due first."""
    return [settlement(row) for row in await tx.fetch(_LOCK_RELEASABLE, tx.now, limit)]


async def save(tx: Tx, settlements: Sequence[Settlement]) -> None:
    """Write back settlements that are locked; what is carried or refused takes what it held along.

    Rows: settlement.
    """
    moved = [each for each in settlements if each.holder_id != each.settlement_id]
    # First what gives up its place, for another may take it.
    for some in (moved, [each for each in settlements if each.holder_id == each.settlement_id]):
        if some:
            require_all_changed("settlement", await tx.run(_SAVE, *_changes(some)), len(some))
    if moved:
        await tx.run(_MOVE_HELD, [each.settlement_id for each in moved], [each.holder_id for each in moved])


async def consumed(tx: Tx, topic: str) -> dict[int, int]:
    """Give the next offset to apply of each partition that was ever consumed."""
    return {row["partition"]: row["next_offset"] for row in await tx.fetch(_SELECT_CONSUMED, topic)}


def settlement(row: Mapping[str, Any]) -> Settlement:
    """Make a settlement of its row."""
    fields = dict(row)
    sums = Sums(**{name: int(fields.pop(name)) for name in SUMS})
    offsets, trigger = fields.pop("noticed_offsets"), fields.pop("trigger")
    return Settlement(
        **fields | {"state": SettlementState(fields["state"])},
        sums=sums,
        noticed_offsets=None if offsets is None else tuple(offsets),
        trigger=None if trigger is None else SettlementTrigger(trigger),
    )


def _changes(settlements: Sequence[Settlement]) -> list[list[Any]]:
    rows = sorted(settlements, key=attrgetter("settlement_id"))
    return [[_value(each, name) for each in rows] for name in _CHANGED]


def _value(each: Settlement, name: str) -> Any:
    if name in SUMS:
        return getattr(each.sums, name)
    if name == "noticed_offsets":
        offsets = each.noticed_offsets
        return None if offsets is None else "{" + ",".join(map(str, offsets)) + "}"
    return getattr(each, name)
