"""Balances of merchants: a projection of what the ledger did to them, and which of them are to be looked at.

`balance_change` and its sums in `merchant_balance` leave out the settlement account, which settlements sum up to.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from paykit.postgres.database import Tx
from paykit.postgres.rows import columns
from paykit.postgres.table import Table
from paykit.work import Rows
from services.settlement.domain.balance import BalanceChange, BalanceWatch, MerchantPosition
from services.settlement.domain.settlement import MerchantCurrency

_MINORS = ("available_minor", "reserve_minor", "receivable_minor")
_MINORS_SQL = ", ".join(_MINORS)

_ADD_TO_BALANCES = f"""
INSERT INTO merchant_balance AS old (merchant_id, currency_code, {_MINORS_SQL})
SELECT merchant_id, currency_code, {", ".join(f"sum({name})" for name in _MINORS)}
FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[])
    AS new (merchant_id, currency_code, {_MINORS_SQL})
GROUP BY merchant_id, currency_code ORDER BY merchant_id, currency_code
ON CONFLICT (merchant_id, currency_code)
DO UPDATE SET {", ".join(f"{name} = old.{name} + excluded.{name}" for name in _MINORS)}
"""

# In the order of the key, which is that of every lock on these rows. least() takes no notice of NULL.
_MARK = """
INSERT INTO balance_watch AS old (merchant_id, currency_code, due_at)
SELECT merchant_id, currency_code, $3 FROM unnest($1::text[], $2::text[]) AS key (merchant_id, currency_code)
ORDER BY merchant_id, currency_code
ON CONFLICT (merchant_id, currency_code) DO UPDATE SET due_at = least(old.due_at, excluded.due_at)
"""

# What another process is looking at is left to it.
_DUE = "due_at <= $1 ORDER BY due_at LIMIT $2"

# By an index of each of the two kinds that are asked for.
_REQUESTED = """
EXISTS (SELECT FROM fund_transfer AS transfer WHERE transfer.merchant_id = key.merchant_id
    AND transfer.currency_code = key.currency_code AND transfer.state = 'REQUESTED' AND transfer.kind {kind})
"""
_POSITION = f"""
SELECT key.merchant_id, key.currency_code, coalesce(unbooked.pending_minor, 0) AS pending_minor,
    coalesce(unbooked.settling_minor, 0) AS settling_minor,
    {", ".join(f"coalesce(balance.{name}, 0) AS {name}" for name in _MINORS)},
    {_REQUESTED.format(kind="<> 'RELEASE'")} AS in_flight, {_REQUESTED.format(kind="= 'RELEASE'")} AS releasing
"""
_JOINED = """
LEFT JOIN merchant_balance AS balance USING (merchant_id, currency_code)
LEFT JOIN LATERAL (
    SELECT sum(total_minor) FILTER (WHERE state = 'PENDING') AS pending_minor,
        sum(total_minor) FILTER (WHERE state = 'CREATED') AS settling_minor
    FROM settlement
    WHERE state IN ('PENDING', 'CREATED') AND settlement.merchant_id = key.merchant_id
        AND settlement.currency_code = key.currency_code
) AS unbooked ON true
"""

_SELECT_POSITIONS = f"""
{_POSITION}
FROM unnest($1::text[], $2::text[]) AS key (merchant_id, currency_code)
{_JOINED}
ORDER BY key.merchant_id, key.currency_code
"""

# The keys of those below zero, and of those that owe, by the indexes of both.
_NEGATIVE_KEYS = """
SELECT merchant_id, currency_code FROM balance_watch WHERE negative_since IS NOT NULL
UNION
SELECT merchant_id, currency_code FROM merchant_balance WHERE receivable_minor > 0
"""
_SELECT_NEGATIVE = f"""
{_POSITION}, watch.negative_since
FROM ({_NEGATIVE_KEYS}) AS key
LEFT JOIN balance_watch AS watch USING (merchant_id, currency_code)
{_JOINED}
WHERE ($1 = '' OR key.currency_code = $1) AND (key.merchant_id, key.currency_code) > ($2, $3)
ORDER BY key.merchant_id, key.currency_code LIMIT $4
"""

_COUNT_NEGATIVE = """
SELECT count(*) AS balances, coalesce(max(extract(epoch FROM $1 - negative_since)), 0)::float8 AS oldest_s
FROM balance_watch WHERE negative_since IS NOT NULL
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class NegativeBalance:
    """A merchant that has been paid more than it earned, or owes.

    Attributes:
        negative_since: None where the total is not below zero, and something is owed.
    """

    position: MerchantPosition
    negative_since: datetime | None


class BalanceChanges(Table[tuple[str, str], BalanceChange]):
    """The table `balance_change`, and its sums in `merchant_balance`."""

    async def add(self, tx: Tx, changes: Sequence[BalanceChange]) -> None:
        """Keep what transactions did to balances, each once however often it was told."""
        by_key = {self.key_of(change): change for change in reversed(changes)}
        inserted = [by_key[key] for key in await self.insert_absent(tx, list(by_key.values()))]
        if inserted:
            await tx.run(_ADD_TO_BALANCES, *columns(inserted, ("merchant_id", "currency_code", *_MINORS)))


class BalanceWatches(Table[MerchantCurrency, BalanceWatch]):
    """The table `balance_watch`, whose rows are locked before any settlement."""

    async def mark(self, tx: Tx, keys: Collection[MerchantCurrency], *, due_at: datetime) -> None:
        """Have balances looked at, at a time or before; their rows are locked from then on."""
        if keys:
            await tx.lock(self.name, _MARK, *_arrays(keys), due_at)

    async def claim_due(self, tx: Tx, *, limit: int) -> Rows[MerchantCurrency, BalanceWatch]:
        """Lock those that are due, longest due first."""
        return await self.claim_where(tx, _DUE, tx.now, limit)


async def positions(tx: Tx, keys: Collection[MerchantCurrency]) -> dict[MerchantCurrency, MerchantPosition]:
    """Read how merchants stand in currencies."""
    rows = await tx.fetch(_SELECT_POSITIONS, *_arrays(keys)) if keys else []
    return {(row[0], row[1]): _position(row) for row in rows}


async def negative_balances(
    tx: Tx, currency_code: str, *, after: MerchantCurrency | None, limit: int
) -> list[NegativeBalance]:
    """List merchants that are below zero or owe, in the order of merchants and currencies; "" is every currency."""
    rows = await tx.fetch(_SELECT_NEGATIVE, currency_code, *(after or ("", "")), limit)
    return [NegativeBalance(position=_position(row), negative_since=row["negative_since"]) for row in rows]


async def count_negative(tx: Tx) -> tuple[int, float]:
    """Count the balances below zero, and the seconds since the first of them fell below."""
    row = (await tx.fetch(_COUNT_NEGATIVE, tx.now))[0]
    return row["balances"], row["oldest_s"]


balance_changes = BalanceChanges(BalanceChange, "balance_change", key=("transaction_id", "merchant_id"))
balance_watches = BalanceWatches(
    BalanceWatch,
    "balance_watch",
    key=("merchant_id", "currency_code"),
    changing=("due_at", "negative_since", "aggregate_version"),
)


def _position(row: Mapping[str, Any]) -> MerchantPosition:
    return MerchantPosition(
        merchant_id=row["merchant_id"],
        currency_code=row["currency_code"],
        in_flight=row["in_flight"],
        releasing=row["releasing"],
        **{name: int(row[name]) for name in ("pending_minor", "settling_minor", *_MINORS)},
    )


def _arrays(keys: Collection[MerchantCurrency]) -> list[list[str]]:
    return [[key[i] for key in sorted(keys)] for i in (0, 1)]
