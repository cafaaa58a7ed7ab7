"""The SQL of funds: credits, a projection of what became available, and the allowance that withdrawals take from.

The row of the allowance is the lock that keeps concurrent withdrawals of one merchant and currency within the balance.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from paykit.postgres.database import Tx
from paykit.postgres.rows import columns, require_all_changed
from services.withdrawal.domain.allowance import Allowance, Key

_LOCK = """
SELECT merchant_id, currency_code FROM allowance
JOIN unnest($1::text[], $2::text[]) AS wanted (merchant_id, currency_code) USING (merchant_id, currency_code)
ORDER BY merchant_id, currency_code FOR UPDATE OF allowance
"""

_INSERT = """
INSERT INTO allowance (merchant_id, currency_code, withdrawn_minor)
SELECT merchant_id, currency_code, 0
FROM unnest($1::text[], $2::text[]) AS new (merchant_id, currency_code) ORDER BY merchant_id, currency_code
ON CONFLICT (merchant_id, currency_code) DO NOTHING
"""

# A statement after the one that locked, so that it sees what whoever held the lock before has written. The sum of the
# day is taken from the withdrawals themselves: they are few, and a day has no row that could be locked beforehand.
_SELECT = """
SELECT merchant_id, currency_code, coalesce(withdrawn_minor, 0) AS withdrawn_minor,
    coalesce(total_minor, 0) AS settled_minor,
    (SELECT coalesce(sum(amount_minor), 0) FROM withdrawal w
     WHERE w.merchant_id = wanted.merchant_id AND w.currency_code = wanted.currency_code
       AND w.create_time >= day_start AND w.create_time < day_end AND w.state NOT IN ('REJECTED', 'FAILED')
    ) AS today_minor
FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::timestamptz[])
  AS wanted (merchant_id, currency_code, day_start, day_end)
LEFT JOIN allowance USING (merchant_id, currency_code)
LEFT JOIN credit_total USING (merchant_id, currency_code)
"""

_ADD_WITHDRAWN = """
UPDATE allowance SET withdrawn_minor = allowance.withdrawn_minor + new.amount_minor
FROM unnest($1::text[], $2::text[], $3::numeric[]) AS new (merchant_id, currency_code, amount_minor)
WHERE allowance.merchant_id = new.merchant_id AND allowance.currency_code = new.currency_code
"""

# A credit applied before is there already, and counts once.
_INSERT_CREDITS = """
INSERT INTO credit (source_id, merchant_id, currency_code, amount_minor, book_time)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::timestamptz[])
ON CONFLICT (source_id, merchant_id, currency_code) DO NOTHING
RETURNING merchant_id, currency_code, amount_minor
"""

_ADD_TO_TOTALS = """
INSERT INTO credit_total AS old (merchant_id, currency_code, total_minor)
SELECT * FROM unnest($1::text[], $2::text[], $3::numeric[])
ON CONFLICT (merchant_id, currency_code) DO UPDATE SET total_minor = old.total_minor + excluded.total_minor
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Credit:
    """What a settlement, or an adjustment of the ledger, made available; below 0 where it took away.

    Attributes:
        source_id: The settlement or the ledger's transaction.
        book_time: Decides what is used up first.
    """

    source_id: str
    merchant_id: str
    currency_code: str
    amount_minor: int
    book_time: datetime


async def lock_allowances(tx: Tx, keys: Iterable[Key]) -> None:
    """Lock the allowances of merchants and currencies, in their order, making those that are not there."""
    wanted = sorted(set(keys))
    if len(await tx.fetch(_LOCK, *_transposed(wanted))) < len(wanted):
        await tx.run(_INSERT, *_transposed(wanted))
        await tx.fetch(_LOCK, *_transposed(wanted))


async def allowances(tx: Tx, days: Mapping[Key, tuple[datetime, datetime]]) -> dict[Key, Allowance]:
    """Give allowances as they stand, each with the sum of a day."""
    rows = await tx.fetch(_SELECT, *_transposed(list(days)), *([day[end] for day in days.values()] for end in (0, 1)))
    return {
        (row["merchant_id"], row["currency_code"]): Allowance(
            settled_minor=int(row["settled_minor"]),
            withdrawn_minor=int(row["withdrawn_minor"]),
            today_minor=int(row["today_minor"]),
        )
        for row in rows
    }


async def take(tx: Tx, amounts: Iterable[tuple[Key, int]]) -> None:
    """Count amounts as withdrawn; the allowances are locked."""
    sums = _sums(amounts)
    if sums:
        changed = await tx.run(_ADD_WITHDRAWN, *_transposed(list(sums)), list(sums.values()))
        require_all_changed("allowance", changed, len(sums))


async def give_back(tx: Tx, amounts: Sequence[tuple[Key, int]]) -> None:
    """Count amounts as not withdrawn any more, locking the allowances."""
    if amounts:
        await lock_allowances(tx, {key for key, _ in amounts})
        await take(tx, [(key, -amount_minor) for key, amount_minor in amounts])


async def add_credits(tx: Tx, credits_told: Sequence[Credit]) -> None:
    """Keep credits, each once however often it was told."""
    rows = sorted(credits_told, key=lambda c: (c.source_id, c.merchant_id, c.currency_code))
    if not rows:
        return
    names = ("source_id", "merchant_id", "currency_code", "amount_minor", "book_time")
    new = await tx.fetch(_INSERT_CREDITS, *columns(rows, names))
    sums = _sums(((row["merchant_id"], row["currency_code"]), row["amount_minor"]) for row in new)
    if sums:
        await tx.run(_ADD_TO_TOTALS, *_transposed(list(sums)), list(sums.values()))


def _sums(amounts: Iterable[tuple[Key, int]]) -> dict[Key, int]:
    """Add up by key, in the order of the keys."""
    sums: defaultdict[Key, int] = defaultdict(int)
    for key, amount_minor in amounts:
        sums[key] += amount_minor
    return {key: sums[key] for key in sorted(sums)}


def _transposed(keys: Sequence[Key]) -> tuple[list[str], list[str]]:
    return [merchant_id for merchant_id, _ in keys], [currency_code for _, currency_code in keys]
