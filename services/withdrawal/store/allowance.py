"""The SQL of allowances: what withdrawals have taken of each merchant's funds.

The row of the allowance is the lock that keeps concurrent withdrawals of one merchant and currency within the balance.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from paykit.postgres.database import Tx
from paykit.postgres.rows import require_all_changed
from services.withdrawal.domain.allowance import Allowance, MerchantCurrency

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
    coalesce(total_minor, 0) AS settled_minor, coalesce(balance_minor, 0) AS settlement_minor,
    (SELECT coalesce(sum(greatest(amount_minor, taken_minor)), 0) FROM withdrawal w
     WHERE w.merchant_id = wanted.merchant_id AND w.currency_code = wanted.currency_code
       AND w.create_time > $3 AND w.state NOT IN ('REJECTED', 'CANCELLED', 'FAILED')
    ) AS recent_minor
FROM unnest($1::text[], $2::text[]) AS wanted (merchant_id, currency_code)
LEFT JOIN allowance USING (merchant_id, currency_code)
LEFT JOIN credit_total USING (merchant_id, currency_code)
LEFT JOIN settlement_balance USING (merchant_id, currency_code)
"""

_ADD_WITHDRAWN = """
UPDATE allowance SET withdrawn_minor = allowance.withdrawn_minor + new.amount_minor
FROM unnest($1::text[], $2::text[], $3::numeric[]) AS new (merchant_id, currency_code, amount_minor)
WHERE allowance.merchant_id = new.merchant_id AND allowance.currency_code = new.currency_code
"""


async def lock_allowances(tx: Tx, keys: Iterable[MerchantCurrency]) -> None:
    """Lock the allowances of merchants and currencies, in their order, making those that are not there."""
    wanted = sorted(set(keys))
    arrays = transposed(wanted)
    if len(await tx.lock("allowance", _LOCK, *arrays)) < len(wanted):
        await tx.run(_INSERT, *arrays)
        await tx.lock("allowance", _LOCK, *arrays)


async def read_allowances(
    tx: Tx, keys: Collection[MerchantCurrency], *, since: datetime
) -> dict[MerchantCurrency, Allowance]:
    """Read allowances as they stand, each with the sum of the withdrawals accepted after a moment."""
    rows = await tx.fetch(_SELECT, *transposed(sorted(keys)), since)
    return {
        (row["merchant_id"], row["currency_code"]): Allowance(
            settled_minor=int(row["settled_minor"]),
            withdrawn_minor=int(row["withdrawn_minor"]),
            settlement_minor=int(row["settlement_minor"]),
            recent_minor=int(row["recent_minor"]),
        )
        for row in rows
    }


async def take_funds(tx: Tx, amounts: Iterable[tuple[MerchantCurrency, int]]) -> None:
    """Count amounts as withdrawn; the allowances are locked."""
    sums = sums_by_key(amounts)
    if sums:
        changed = await tx.run(_ADD_WITHDRAWN, *transposed(list(sums)), list(sums.values()))
        require_all_changed("allowance", changed, len(sums))


async def change_funds(tx: Tx, changes: Iterable[tuple[MerchantCurrency, int]]) -> None:
    """Count more or less as withdrawn, locking the allowances where it is not the same."""
    sums = {key: change_minor for key, change_minor in sums_by_key(changes).items() if change_minor}
    if sums:
        await lock_allowances(tx, sums)
        await take_funds(tx, sums.items())


def sums_by_key(amounts: Iterable[tuple[MerchantCurrency, int]]) -> dict[MerchantCurrency, int]:
    """Add up by key, in the order of the keys."""
    sums: defaultdict[MerchantCurrency, int] = defaultdict(int)
    for key, amount_minor in amounts:
        sums[key] += amount_minor
    return {key: sums[key] for key in sorted(sums)}


def transposed(keys: Sequence[MerchantCurrency]) -> tuple[list[str], list[str]]:
    """Return merchant ids and currency codes, as `unnest` takes them."""
    return [merchant_id for merchant_id, _ in keys], [currency_code for _, currency_code in keys]
