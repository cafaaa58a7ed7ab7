"""What stops payouts that are approved: read anew whenever they are looked at, so that nothing has to be undone."""

from dataclasses import dataclass

from paykit.postgres.database import Tx

# The first that holds goes before the others: what stops most comes first.
BLOCKED_REASON = """(CASE WHEN withdrawal.state = 'APPROVED' THEN (
    SELECT CASE WHEN m.status = 'FROZEN' THEN 'MERCHANT_FROZEN'
                WHEN m.status = 'SUSPENDED' THEN 'MERCHANT_SUSPENDED'
                WHEN m.payout_hold THEN 'PAYOUT_HOLD'
                WHEN EXISTS (SELECT FROM contradiction c WHERE c.merchant_id = withdrawal.merchant_id
                    AND c.currency_code = withdrawal.currency_code AND c.needs_decision
                    AND c.state IN ('OPEN', 'PROPOSED')) THEN 'CONTRADICTION_OPEN'
                WHEN EXISTS (SELECT FROM open_contradiction o WHERE o.merchant_id = withdrawal.merchant_id
                    AND o.currency_code = withdrawal.currency_code AND NOT o.resolved) THEN 'CONTRADICTION_OPEN' END
    FROM merchant m WHERE m.merchant_id = withdrawal.merchant_id) END)"""

BLOCKED_REASONS = ("MERCHANT_FROZEN", "MERCHANT_SUSPENDED", "PAYOUT_HOLD", "CONTRADICTION_OPEN")

_COUNT = f"""
SELECT {BLOCKED_REASON} AS reason, count(*) AS withdrawals FROM withdrawal
WHERE state = 'APPROVED' AND {BLOCKED_REASON} IS NOT NULL GROUP BY 1 ORDER BY 1
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockedCount:
    """How many withdrawals a reason keeps from being sent."""

    reason: str
    withdrawals: int


async def count_blocked(tx: Tx) -> list[BlockedCount]:
    """Count the withdrawals that are not sent now, by reason."""
    return [BlockedCount(**row) for row in await tx.fetch(_COUNT)]
