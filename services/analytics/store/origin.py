"""The SQL of where payments began. A projection."""

from collections.abc import Collection

from paykit.postgres.database import Tx
from paykit.postgres.table import Table
from services.analytics.domain.counting import PaymentOrigin

origins: Table[str, PaymentOrigin] = Table(PaymentOrigin, "payment_origin", key="payment_id")

_MARK_CAPTURED = """
UPDATE payment_origin SET captured = true WHERE payment_id = ANY($1::text[]) AND NOT captured RETURNING payment_id
"""


async def mark_captured(tx: Tx, payment_ids: Collection[str]) -> set[str]:
    """Note that payments were captured, and return those that were not before."""
    if not payment_ids:
        return set()
    return {row[0] for row in await tx.fetch(_MARK_CAPTURED, sorted(payment_ids))}
