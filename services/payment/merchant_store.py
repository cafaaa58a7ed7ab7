"""The SQL of what payment knows of merchants: a projection of merchant.events."""

from collections.abc import Sequence

from paykit.runtime.db import Tx
from paystream.merchant.v1.events import (
    MerchantActivated,
    MerchantCreated,
    MerchantStatus,
    MerchantSuspended,
    MerchantUpdated,
)
from services.payment.fee import FeeTerms

MerchantEvent = MerchantCreated | MerchantUpdated | MerchantActivated | MerchantSuspended
"""Every event of a merchant carries its complete state."""

_SELECT_STATUSES = "SELECT merchant_id, status FROM merchant WHERE merchant_id = ANY($1::text[])"

# An event that is not newer than what is known changes nothing: that makes applying it again harmless.
_UPSERT_MERCHANTS = """
INSERT INTO merchant AS old (merchant_id, status, fee_plan_version, refund_fee_returned, aggregate_version)
SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::boolean[], $5::bigint[])
ON CONFLICT (merchant_id) DO UPDATE SET status = excluded.status, fee_plan_version = excluded.fee_plan_version,
    refund_fee_returned = excluded.refund_fee_returned, aggregate_version = excluded.aggregate_version
WHERE old.aggregate_version < excluded.aggregate_version
RETURNING merchant_id
"""

_DELETE_FEES = "DELETE FROM merchant_fee WHERE merchant_id = ANY($1::text[])"

# The terms in force for payments that are being captured.
_SELECT_TERMS = """
SELECT payment_id, fee_plan_version, coalesce(basis_points, 0) AS basis_points, coalesce(fixed_minor, 0) AS fixed_minor,
    refund_fee_returned
FROM unnest($1::text[], $2::text[], $3::text[]) AS captured (payment_id, merchant_id, currency_code)
JOIN merchant USING (merchant_id)
LEFT JOIN merchant_fee USING (merchant_id, currency_code)
"""


async def statuses(tx: Tx, merchant_ids: Sequence[str]) -> dict[str, MerchantStatus]:
    """Give the status of the merchants that are known."""
    rows = await tx.fetch(_SELECT_STATUSES, merchant_ids)
    return {row["merchant_id"]: MerchantStatus(row["status"]) for row in rows}


async def fee_terms(tx: Tx, captured: Sequence[tuple[str, str, str]]) -> dict[str, FeeTerms]:
    """Give the terms in force for each (payment_id, merchant_id, currency_code), by payment_id."""
    if not captured:
        return {}
    columns = [list(column) for column in zip(*captured, strict=True)]
    return {row[0]: FeeTerms(*row[1:]) for row in await tx.fetch(_SELECT_TERMS, *columns)}


async def save_merchants(tx: Tx, latest: Sequence[MerchantEvent]) -> None:
    """Bring merchants to the state of these events, one event per merchant, unless a newer one came before."""
    rows = sorted(latest, key=lambda event: event.merchant_id or "")
    newer = await tx.fetch(
        _UPSERT_MERCHANTS,
        [e.merchant_id for e in rows],
        [e.status for e in rows],
        [e.fee_plan_version for e in rows],
        [e.refund_fee_returned for e in rows],
        [e.aggregate_version for e in rows],
    )
    changed = {row["merchant_id"] for row in newer}
    await tx.run(_DELETE_FEES, sorted(changed))
    fees = [
        (e.merchant_id, rule.currency_code, rule.basis_points, rule.fixed_minor)
        for e in rows
        if e.merchant_id in changed
        for rule in e.fees
    ]
    if fees:
        await tx.copy("merchant_fee", ("merchant_id", "currency_code", "basis_points", "fixed_minor"), fees)
