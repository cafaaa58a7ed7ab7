"""Everything the settlement service claims, recomputed from its items, and held against the ledger.

What a foreign key on items and a check of each row would cost in speed is caught up with here, in sets, on one
snapshot. `paystream settlement verify` runs it.
"""

from paykit.postgres.database import Tx
from paykit.postgres.long_reading import read_for_long
from paykit.verification import Progress
from services.settlement.domain.balance import FOLLOWED
from services.settlement.domain.settlement import MerchantCurrency
from services.settlement.domain.verification import Collected, SettlementDifferenceError
from services.settlement.store.narrow_item import KIND, SETTLEMENT_ID, TRANSACTION_ID
from services.settlement.store.settlement import SUMS

# Each statement reads the first difference, as (subject, detail), or no row.

_HOLDERS = """
SELECT settlement.settlement_id AS subject,
    CASE WHEN holder.settlement_id IS NULL THEN 'counts in ' || settlement.holder_id || ', which does not exist'
        WHEN (holder.merchant_id, holder.currency_code) <> (settlement.merchant_id, settlement.currency_code)
            THEN 'counts in ' || holder.settlement_id || ', of another merchant or currency'
        ELSE 'counts in ' || holder.settlement_id || ', which is ' || holder.state
    END AS detail
FROM settlement LEFT JOIN settlement AS holder ON holder.settlement_id = settlement.holder_id
WHERE holder.settlement_id IS NULL OR holder.holder_id <> holder.settlement_id
    OR (holder.merchant_id, holder.currency_code) <> (settlement.merchant_id, settlement.currency_code)
ORDER BY settlement.settlement_id
LIMIT 1
"""

_ITEMS = """
SELECT item.transaction_id || ' of ' || item.merchant_id AS subject,
    CASE WHEN settlement.settlement_id IS NULL THEN 'came into ' || item.settlement_id || ', which does not exist'
        ELSE 'came into ' || item.settlement_id || ', of ' || settlement.merchant_id
    END AS detail
FROM item LEFT JOIN settlement ON settlement.settlement_id = item.settlement_id
WHERE settlement.settlement_id IS NULL OR settlement.merchant_id <> item.merchant_id
ORDER BY item.transaction_id, item.merchant_id
LIMIT 1
"""

_NARROW_ITEMS = f"""
SELECT {TRANSACTION_ID} AS subject,
    CASE WHEN settlement.settlement_id IS NULL THEN 'came into ' || {SETTLEMENT_ID} || ', which does not exist'
        WHEN item.transaction_id IS NOT NULL THEN 'is an item a second time, of ' || item.merchant_id
        ELSE 'is of a form ' || form || ', which is none'
    END AS detail
FROM narrow_item LEFT JOIN settlement ON settlement.settlement_id = {SETTLEMENT_ID}
LEFT JOIN item ON item.transaction_id = {TRANSACTION_ID}
WHERE settlement.settlement_id IS NULL OR item.transaction_id IS NOT NULL OR {KIND} IS NULL
ORDER BY narrow_item.transaction_id
LIMIT 1
"""

# Both tables, as far as sums go.
_EVERY_ITEM = f"""(
    SELECT settlement_id, transaction_id, kind, amount_minor, fee_minor FROM item
    UNION ALL
    SELECT {SETTLEMENT_ID}, {TRANSACTION_ID}, {KIND}, amount_minor, fee_minor FROM narrow_item
) AS item"""

_SUM_OF = {
    "payments_minor": "amount_minor) FILTER (WHERE kind = 'PAYMENT')",
    "refunds_minor": "amount_minor) FILTER (WHERE kind = 'REFUND')",
    "fees_minor": "fee_minor)",
    "disputes_minor": "amount_minor) FILTER (WHERE kind = 'DISPUTE')",
    "reserve_released_minor": "amount_minor) FILTER (WHERE kind = 'RESERVE_RELEASE')",
    "adjustments_minor": "amount_minor) FILTER (WHERE kind IN ('ADJUSTMENT', 'RECOVERY', 'RESERVE_CONSUMPTION'))",
}

# A refused settlement keeps the sums that it was told with, and holds nothing.
_SUMS = f"""
WITH came AS (
    SELECT settlement_id, count(*) AS item_count,
        {", ".join(f"coalesce(sum({of}, 0) AS {name}" for name, of in _SUM_OF.items())}
    FROM {_EVERY_ITEM} GROUP BY settlement_id
), held AS (
    SELECT home.holder_id AS settlement_id, {", ".join(f"sum(came.{name}) AS {name}" for name in SUMS)}
    FROM came JOIN settlement AS home ON home.settlement_id = came.settlement_id
    GROUP BY home.holder_id
), compared AS (
    SELECT settlement.settlement_id AS subject, {
    ", ".join(f"settlement.{name} AS kept_{name}, coalesce(held.{name}, 0) AS held_{name}" for name in SUMS)
}
    FROM settlement LEFT JOIN held ON held.settlement_id = settlement.settlement_id
    WHERE settlement.state <> 'FAILED'
)
SELECT subject, CASE {
    " ".join(
        f"WHEN kept_{name} <> held_{name} THEN '{name} is ' || kept_{name} || ', its items sum up to ' || held_{name}"
        for name in SUMS
    )
} END AS detail
FROM compared
WHERE ({", ".join(f"kept_{name}" for name in SUMS)}) <> ({", ".join(f"held_{name}" for name in SUMS)})
ORDER BY subject
LIMIT 1
"""

_BALANCES = """
SELECT merchant_id || ' ' || currency_code AS subject,
    'available, reserve and owed are kept as ' || kept || ', their changes sum up to ' || summed AS detail
FROM (
    SELECT merchant_id, currency_code, (available_minor, reserve_minor, receivable_minor)::text AS kept
    FROM merchant_balance
) AS balance FULL JOIN (
    SELECT merchant_id, currency_code, (sum(available_minor), sum(reserve_minor), sum(receivable_minor))::text AS summed
    FROM balance_change GROUP BY merchant_id, currency_code
) AS change USING (merchant_id, currency_code)
WHERE kept IS DISTINCT FROM summed
ORDER BY 1 LIMIT 1
"""

_CHECKS = (
    ("holders", "settlement", _HOLDERS),
    ("items", "item", _ITEMS),
    ("narrow items", "narrow_item", _NARROW_ITEMS),
    ("sums", "settlement", _SUMS),
    ("balances", "balance_change", _BALANCES),
)
_COUNT = {table: f"SELECT count(*) FROM {table}" for table in ("settlement", "item", "narrow_item", "balance_change")}

_FOLLOWED = "SELECT merchant_id, currency_code, available_minor, reserve_minor, receivable_minor FROM merchant_balance"

_COLLECTED = f"""
WITH came AS (
    SELECT settlement_id, count(*) AS items,
        sum(hashtextextended(transaction_id || ' ' || (amount_minor + fee_minor), 0)::numeric) AS digest
    FROM {_EVERY_ITEM} WHERE amount_minor + fee_minor <> 0 GROUP BY settlement_id
)
SELECT merchant_id, currency_code, coalesce(sum(items), 0) AS items, coalesce(sum(digest), 0) AS digest,
    coalesce(sum(total_minor) FILTER (WHERE state IN ('PENDING', 'CREATED')), 0) AS unbooked_minor
FROM settlement LEFT JOIN came ON came.settlement_id = settlement.settlement_id
GROUP BY merchant_id, currency_code
"""


async def check_settlements(tx: Tx, *, progress: Progress = lambda _check, _rows: None) -> None:
    """Check on the transaction's snapshot that settlements are the sums of the items they hold.

    Raises:
        SettlementDifferenceError: The first claim that does not hold.
    """
    await read_for_long(tx)
    for name, table, sql in _CHECKS:
        for row in await tx.fetch(sql):
            raise SettlementDifferenceError(name, row["subject"], row["detail"])
        progress(name, int((await tx.fetch(_COUNT[table]))[0][0]))


async def collected(tx: Tx) -> dict[MerchantCurrency, Collected]:
    """Read what was collected of every merchant and currency."""
    await read_for_long(tx)
    return {
        (row["merchant_id"], row["currency_code"]): Collected(
            int(row["items"]), int(row["digest"]), int(row["unbooked_minor"])
        )
        for row in await tx.fetch(_COLLECTED)
    }


async def balances_followed(tx: Tx) -> dict[str, dict[MerchantCurrency, int]]:
    """Read the balances of every merchant and currency as they were followed, by the kind of account."""
    rows = await tx.fetch(_FOLLOWED)
    return {
        kind: {(row["merchant_id"], row["currency_code"]): int(row[column]) for row in rows}
        for kind, column in FOLLOWED.items()
    }
