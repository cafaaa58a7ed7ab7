"""The table `settlement`. Locks on several that are PENDING come in the order of merchant, currency and cut-off."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from paykit.merchants.standing import STOPPED, MerchantStanding
from paykit.money import AMOUNT_MINOR_MAX
from paykit.paging import TimeKey
from paykit.postgres.database import Tx
from paykit.postgres.lists.walk import Found, Walk
from paykit.postgres.rows import array_text, columns, require_all_changed
from paykit.postgres.table import Table
from paykit.work import Rows
from services.settlement.domain.lifecycle import SettlementState
from services.settlement.domain.settlement import MerchantCurrency, Place, Settlement
from services.settlement.domain.sums import Sums

SUMS = tuple(Sums.__dataclass_fields__)
_SUMS_SQL = ", ".join(SUMS)

# Adds to the settlement that collects at a place, or begins one; where its total would be too large, nothing, but its
# row is locked. The rows come in the order of the unique key, which is the order of every lock on what is PENDING.
# Numbers and our own ids come as arrays in one text, and totals go back as texts: the driver looks twice at each
# element of an array and makes a Decimal of each numeric, which took longer than all else here.
_COLLECT = f"""
INSERT INTO settlement AS present (settlement_id, holder_id, merchant_id, currency_code, cut_off_at, due_at,
    {_SUMS_SQL}, state, create_time, update_time)
SELECT settlement_id, settlement_id, merchant_id, currency_code, cut_off_at, due_at,
    {_SUMS_SQL}, 'PENDING', $1, $1
FROM unnest($2::text::text[], $3::text[], $4::text[], $5::timestamptz[], $6::timestamptz[], $7::text::bigint[],
    {", ".join(f"${at}::text::numeric[]" for at in range(8, 14))})
    AS new (settlement_id, merchant_id, currency_code, cut_off_at, due_at, {_SUMS_SQL})
ON CONFLICT (merchant_id, currency_code, cut_off_at) WHERE state = 'PENDING' AND NOT is_full
DO UPDATE SET {", ".join(f"{name} = present.{name} + excluded.{name}" for name in SUMS)}
WHERE present.total_minor + excluded.total_minor <= {AMOUNT_MINOR_MAX} OR excluded.total_minor <= 0
RETURNING merchant_id, currency_code, cut_off_at, settlement_id, due_at, total_minor::text
"""

# Locked, as no other row at the place is.
_SET_FULL = """
UPDATE settlement SET is_full = true, due_at = coalesce(due_at, $4)
FROM unnest($1::text[], $2::text[], $3::timestamptz[]) AS place (merchant_id, currency_code, cut_off_at)
WHERE settlement.merchant_id = place.merchant_id AND settlement.currency_code = place.currency_code
    AND settlement.cut_off_at IS NOT DISTINCT FROM place.cut_off_at AND state = 'PENDING' AND NOT is_full
"""

_SET_DUE = """
UPDATE settlement SET due_at = new.due_at
FROM unnest($1::text[], $2::timestamptz[]) AS new (settlement_id, due_at)
WHERE settlement.settlement_id = new.settlement_id
"""

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

_LONGEST_DUE = """
SELECT coalesce(extract(epoch FROM $1::timestamptz - min(due_at)), 0)::float8 AS due_s FROM settlement
WHERE state = 'PENDING' AND due_at <= $1
"""

# Of the merchants and currencies of which something is due, longest due first.
_OF_DUE = """
(merchant_id, currency_code) IN (
    SELECT due.merchant_id, due.currency_code FROM settlement AS due
    WHERE {bounds}due.state = 'PENDING' AND due.due_at <= $1 ORDER BY due.due_at LIMIT $2)
"""

# What another process is releasing at this moment is left to it.
_RELEASABLE = """
state = 'COMPLETED' AND reserve_due_at <= $1 ORDER BY reserve_due_at LIMIT $2
"""

# The oldest reserve of each merchant and currency that is not being moved.
_OLDEST_RESERVES = """
settlement.settlement_id = ANY(SELECT oldest.settlement_id
FROM unnest($1::text[], $2::text[]) AS key (merchant_id, currency_code) CROSS JOIN LATERAL (
    SELECT settlement_id FROM settlement AS held
    WHERE held.merchant_id = key.merchant_id AND held.currency_code = key.currency_code AND held.state = 'COMPLETED'
        AND held.released_minor + held.consumed_minor < held.reserve_held_minor AND held.reserve_due_at IS NOT NULL
    ORDER BY held.close_time LIMIT 1
) AS oldest) AND settlement.reserve_due_at IS NOT NULL
"""

# What counted in a settlement counts in another one from now on.
_MOVE_HELD = """
UPDATE settlement SET holder_id = moved.into_id
FROM unnest($1::text[], $2::text[]) AS moved (from_id, into_id)
WHERE settlement.holder_id = moved.from_id AND settlement.settlement_id <> moved.from_id
"""

_SELECT_HOMES = "SELECT settlement_id FROM settlement WHERE holder_id = $1 ORDER BY settlement_id"

_SELECT_BALANCES = f"""
SELECT currency_code,
    {", ".join(f"coalesce(sum({name}) FILTER (WHERE state = 'PENDING'), 0) AS {name}" for name in SUMS)},
    coalesce(sum(total_minor) FILTER (WHERE state = 'CREATED'), 0) AS settling_minor, min(due_at) AS next_due_at,
    (SELECT status FROM merchant WHERE merchant_id = $1 AND status = ANY($3::text[])) AS hold_reason
FROM settlement
WHERE state IN ('PENDING', 'CREATED') AND merchant_id = $1 AND ($2 = '' OR currency_code = $2)
GROUP BY currency_code ORDER BY currency_code
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class SettlementFilter:
    """What lists of settlements select; None selects all.

    Attributes:
        create_time_before, update_time_before: Exclusive; other bounds belong to their range.
    """

    merchant_id: str | None
    currency_code: str | None = None
    state: SettlementState | None = None
    create_time_min: datetime | None = None
    create_time_before: datetime | None = None
    update_time_min: datetime | None = None
    update_time_before: datetime | None = None
    oldest_first: bool = False


@dataclass(frozen=True, slots=True)
class PendingBalance:
    """What awaits settlement in a currency.

    Attributes:
        settling_minor: Closed, and not known to be booked.
        hold_reason: Why nothing is closed; None unless the merchant is on hold.
    """

    currency_code: str
    sums: Sums
    settling_minor: int
    next_due_at: datetime | None
    hold_reason: MerchantStanding | None


class CollectingSettlement(NamedTuple):
    """A settlement that collects at a place: when it is looked at, and its total."""

    settlement_id: str
    due_at: datetime | None
    total_minor: int


class Settlements(Table[str, Settlement]):
    """Settlements and the sums of what they hold."""

    async def collect(
        self, tx: Tx, sums: Mapping[Place, Sums], *, new_ids: Sequence[str], due: Sequence[datetime | None]
    ) -> dict[Place, CollectingSettlement]:
        """Add sums to what collects at places, and begin to collect where nothing does; one settlement for each.

        Args:
            tx: The transaction.
            sums: In the order of places, None last.
            new_ids: A settlement id for each, used where one begins.
            due: When each is looked at, used where one begins.

        Returns:
            What collects at each place; without those whose total would have been too large.
        """
        merchant_ids, currency_codes, cut_offs = map(list, zip(*sums, strict=True))
        texts = map(array_text, columns(list(sums.values()), SUMS))
        arrays = (array_text(new_ids), merchant_ids, currency_codes, cut_offs, due, *texts)
        rows = await tx.lock(self.name, _COLLECT, tx.now, *arrays)
        return {(row[0], row[1], row[2]): CollectingSettlement(row[3], row[4], int(row[5])) for row in rows}

    async def set_full(self, tx: Tx, places: Sequence[Place]) -> None:
        """Keep what collects at places, which is locked, from collecting more; others begin to collect there."""
        if places:
            changed = await tx.run(_SET_FULL, *map(list, zip(*places, strict=True)), tx.now)
            require_all_changed(self.name, changed, len(places))

    async def set_due(self, tx: Tx, due: Mapping[str, datetime | None]) -> None:
        """Set when PENDING settlements, which are locked, are looked at; by settlement_id."""
        if due:
            changed = await tx.run(_SET_DUE, list(due), list(due.values()))
            require_all_changed(self.name, changed, len(due))

    async def lock_first_before(
        self, tx: Tx, before: Mapping[MerchantCurrency, datetime]
    ) -> dict[MerchantCurrency, datetime]:
        """Lock what still collects for cut-offs before a time, and return the earliest of them."""
        rows = await tx.lock(self.name, _LOCK_BEFORE, *_arrays(before), [before[key] for key in sorted(before)])
        first: dict[MerchantCurrency, datetime] = {}
        for row in rows:
            first.setdefault((row[0], row[1]), row[2])
        return first

    async def any_due(self, tx: Tx) -> tuple[bool, bool]:
        """Read whether a settlement is due, and whether one with a cut-off is that was not looked at before."""
        row = (await tx.fetch(_ANY_DUE, tx.now))[0]
        return row["any_due"], row["any_cut_off"]

    async def longest_due_s(self, tx: Tx) -> float:
        """Return for how long the longest due settlement has been due, in seconds of business time; 0 if none is."""
        return float((await tx.fetch(_LONGEST_DUE, tx.now))[0]["due_s"])

    async def lock_due(self, tx: Tx, *, limit: int) -> Rows[str, Settlement]:
        """Lock all that is PENDING of merchants and currencies of which something is due, together."""
        bounds, keys = tx.claims.bounds(("due.merchant_id", "due.currency_code"), first=3)
        settlements = await self._lock_pending(tx, _OF_DUE.format(bounds=bounds), tx.now, limit, *keys)
        tx.claims.take((settlement.merchant_id, settlement.currency_code) for settlement in settlements.values())
        return settlements

    async def lock_pending(self, tx: Tx, keys: Collection[MerchantCurrency]) -> Rows[str, Settlement]:
        """Lock all that is PENDING of merchants and currencies."""
        condition = "(merchant_id, currency_code) IN (SELECT * FROM unnest($1::text[], $2::text[]))"
        return await self._lock_pending(tx, condition, *_arrays(keys))

    async def lock_pending_of(self, tx: Tx, merchant_ids: Collection[str]) -> Rows[str, Settlement]:
        """Lock all that is PENDING of merchants."""
        return await self._lock_pending(tx, "merchant_id = ANY($1::text[])", merchant_ids)

    async def claim_releasable(self, tx: Tx, *, limit: int) -> Rows[str, Settlement]:
        """Lock settlements whose reserve is to be released, longest due first."""
        return await self.claim_where(tx, _RELEASABLE, tx.now, limit)

    async def lock_reserves(self, tx: Tx, keys: Collection[MerchantCurrency]) -> Rows[str, Settlement]:
        """Lock the settlement of each merchant and currency that has held back a reserve for the longest time."""
        return await self.lock_where(tx, _OLDEST_RESERVES, *_arrays(keys)) if keys else self.rows(tx)

    async def update(self, tx: Tx, rows: Collection[Settlement]) -> None:
        """Write locked settlements back; what is carried or refused takes what it held along."""
        # First what gives up its place: another may take it, and the index is checked row by row within a statement.
        await super().update(tx, [row for row in rows if row.is_full or row.state is not SettlementState.PENDING])
        await super().update(tx, [row for row in rows if row.state is SettlementState.PENDING and not row.is_full])
        moved = [row for row in rows if row.holder_id != row.settlement_id]
        if moved:
            await tx.run(_MOVE_HELD, *columns(moved, ("settlement_id", "holder_id")))

    async def homes(self, tx: Tx, settlement_id: str) -> list[str]:
        """Read the settlements that the items of one came into, its own id among them if it holds its own."""
        return [row["settlement_id"] for row in await tx.fetch(_SELECT_HOMES, settlement_id)]

    async def pending_balances(self, tx: Tx, merchant_id: str, currency_code: str) -> list[PendingBalance]:
        """Read what awaits settlement of a merchant, by currency; an empty currency code is all."""
        return [
            PendingBalance(
                row["currency_code"],
                Sums(**{name: int(row[name]) for name in SUMS}),
                int(row["settling_minor"]),
                row["next_due_at"],
                MerchantStanding(row["hold_reason"]) if row["hold_reason"] else None,
            )
            for row in await tx.fetch(_SELECT_BALANCES, merchant_id, currency_code, list(STOPPED))
        ]

    async def _lock_pending(self, tx: Tx, condition: str, *args: object) -> Rows[str, Settlement]:
        sql = f"""
            SELECT {self.selected} FROM settlement WHERE state = 'PENDING' AND {condition}
            ORDER BY merchant_id, currency_code, cut_off_at, settlement_id FOR UPDATE
        """
        return self.rows(tx, [self.read(row) for row in await tx.lock(self.name, sql, *args)])

    async def list(
        self, tx: Tx, selection: SettlementFilter, *, after: TimeKey | None, limit: int
    ) -> Found[Settlement]:
        """List a merchant's settlements in the order asked for, from after a (create_time, settlement_id) on."""
        return await settlement_walk.page(tx, selection, after=after, limit=limit)

    async def list_in_state(
        self, tx: Tx, selection: SettlementFilter, *, after: TimeKey | None, limit: int
    ) -> Found[Settlement]:
        """List settlements of all merchants in the state that is selected, as `list`."""
        return await state_walk.page(tx, selection, after=after, limit=limit)


_NUMERIC = tuple(name for name in SUMS if name != "item_count")

settlements = Settlements(
    Settlement,
    "settlement",
    key="settlement_id",
    changing=(
        *("state", "trigger", "cut_off_at", "due_at", "noticed_at", "noticed_offsets", "is_full", "sums"),
        *("reserve_held_minor", "override_reason"),
        *("reserve_release_at", "reserve_due_at", "released_minor", "consumed_minor", "reserve_released_at"),
        *("reserve_refusal", "holder_id", "failure_reason"),
        *("transaction_id", "correlation_id", "aggregate_version", "close_time", "update_time"),
        "creating_call",
    ),
    sql_types=dict.fromkeys(_NUMERIC, "numeric"),
    readers=dict.fromkeys(_NUMERIC, int),
)

settlement_walk = Walk(settlements, scopes=(("merchant_id",),))
state_walk = Walk(settlements, scopes=(("state",),))


def _arrays(keys: Collection[MerchantCurrency]) -> list[list[str]]:
    return [[key[i] for key in sorted(keys)] for i in (0, 1)]
