"""The SQL of what payment knows of merchants: a projection of merchant.events."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from paykit.consume.delivery import Delivered
from paykit.merchants.projection import Column, MerchantEvent, MerchantProjection
from paykit.merchants.standing import MerchantStanding
from paykit.postgres.database import Tx
from paykit.postgres.rows import columns
from services.payment.domain.fee import CaptureTerms
from services.payment.domain.payment import Payment


def _limits_json(event: MerchantEvent) -> str:
    return json.dumps({limit.currency_code: limit.limit_minor for limit in event.refund_limits})


_MERCHANTS = MerchantProjection(
    Column("fee_plan_version", "bigint", lambda event: event.fee_plan_version),
    Column("refund_fee_returned", "boolean", lambda event: event.refund_fee_returned),
    Column("default_basis_points", "bigint", lambda event: event.default_basis_points),
    Column("fee_free", "boolean", lambda event: event.free),
    Column("country_code", "text", lambda event: event.country_code),
    Column("refund_policy", "text", lambda event: event.refund_policy),
    Column("refund_limits", "jsonb", _limits_json),
)


_FEE_COLUMNS = ("merchant_id", "currency_code", "basis_points", "fixed_minor", "dispute_fee_minor")

_DELETE_FEES = "DELETE FROM merchant_fee WHERE merchant_id = ANY($1::text[])"

# Who may be paid, and whether the fee plan says what that costs in a currency.
_SELECT_PAYEES = """
SELECT merchant_id, currency_code, status, country_code,
    fee_free OR coalesce(basis_points, default_basis_points) IS NOT NULL AS priced
FROM unnest($1::text[], $2::text[]) AS asked (merchant_id, currency_code)
JOIN merchant USING (merchant_id)
LEFT JOIN merchant_fee USING (merchant_id, currency_code)
"""

# The terms in force for payments that are being captured. A currency that had a rule when its payment was accepted, and
# has none any more, costs nothing.
_SELECT_TERMS = """
SELECT payment_id, fee_plan_version, coalesce(basis_points, default_basis_points, 0) AS basis_points,
    coalesce(fixed_minor, 0) AS fixed_minor, refund_fee_returned
FROM unnest($1::text[], $2::text[], $3::text[]) AS captured (payment_id, merchant_id, currency_code)
JOIN merchant USING (merchant_id)
LEFT JOIN merchant_fee USING (merchant_id, currency_code)
"""

_SELECT_DISPUTE_FEES = """
SELECT payment_id, dispute_fee_minor
FROM unnest($1::text[], $2::text[], $3::text[]) AS disputed (payment_id, merchant_id, currency_code)
JOIN merchant_fee USING (merchant_id, currency_code)
"""


@dataclass(frozen=True, slots=True)
class Payee:
    """A merchant to be paid in a currency.

    Attributes:
        country_code: ISO 3166-1 alpha-2; None where the merchant gave none.
        priced: Whether the fee plan in force says what that costs.
    """

    standing: MerchantStanding
    country_code: str | None
    priced: bool


async def payees(tx: Tx, wanted: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Payee]:
    """Read the merchants that are known of (merchant_id, currency_code), by these."""
    distinct = dict.fromkeys(wanted)
    rows = await tx.look(_SELECT_PAYEES, *([pair[i] for pair in distinct] for i in (0, 1)))
    return {(row[0], row[1]): Payee(MerchantStanding(row[2]), row[3], row[4]) for row in rows}


async def capture_terms(tx: Tx, captured: Sequence[Payment]) -> dict[str, CaptureTerms]:
    """Read the terms in force for payments, by payment_id."""
    if not captured:
        return {}
    rows = await tx.fetch(_SELECT_TERMS, *columns(captured, ("payment_id", "merchant_id", "currency_code")))
    return {row[0]: CaptureTerms(*row[1:]) for row in rows}


async def dispute_fees(tx: Tx, disputed: Collection[Payment]) -> dict[str, int]:
    """Read what a dispute of payments costs their merchants now, by payment_id; nothing where it is free."""
    if not disputed:
        return {}
    rows = await tx.fetch(
        _SELECT_DISPUTE_FEES, *columns(list(disputed), ("payment_id", "merchant_id", "currency_code"))
    )
    return {row[0]: row[1] for row in rows}


async def keep_merchants(tx: Tx, deliveries: Sequence[Delivered[MerchantEvent]]) -> None:
    """Bring merchants and their fees to their newest state."""
    changed = await _MERCHANTS.keep(tx, deliveries)
    await tx.run(_DELETE_FEES, sorted(str(event.merchant_id) for event in changed))
    fees = [
        (event.merchant_id, rule.currency_code, rule.basis_points, rule.fixed_minor, rule.dispute_fee_minor)
        for event in changed
        for rule in event.fees
    ]
    if fees:
        await tx.copy("merchant_fee", _FEE_COLUMNS, fees)
