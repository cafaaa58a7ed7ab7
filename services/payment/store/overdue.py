"""The SQL of attempts that have gone without an outcome for too long.

Real time throughout, as it is about calls. The statement walks the index of attempts that are open, which are few.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from paykit.channels.overdue import AGE, OPEN
from paykit.paging import TimeKey
from paykit.postgres.database import Tx
from services.payment.domain.attempt import Attempt
from services.payment.store.attempts import to_attempt

_ATTEMPT = (
    *("attempt_id", "payment_id", "refund_id", "capture_id", "original_reference", "action", "channel", "amount_minor"),
    *("currency_code", "create_time", "update_time", "state", "channel_reference", "failure_reason", "failure_code"),
    *("inquiry_count", "contradicted", "traceparent"),
)

_SELECT_OVERDUE = f"""
SELECT {", ".join(f"attempt.{name}" for name in _ATTEMPT)}, {AGE} AS age_s, start_time, merchant_id
FROM (SELECT * FROM attempt WHERE {OPEN}) attempt JOIN payment USING (payment_id)
WHERE (start_time, attempt_id) > ($2, $3) ORDER BY start_time, attempt_id LIMIT $4
"""

_BEGINNING = (datetime(1970, 1, 1, tzinfo=UTC), "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Overdue:
    """An attempt whose outcome is overdue.

    Attributes:
        start_time: When it was claimed to be sent.
    """

    attempt: Attempt
    merchant_id: str
    start_time: datetime


async def list_overdue(tx: Tx, within_s: float, /, *, after: TimeKey | None, limit: int) -> list[Overdue]:
    """List attempts sent longer ago than this that have no outcome, longest first, from after a (start_time, id) on."""
    start_time, attempt_id = after or _BEGINNING
    return [_overdue(row) for row in await tx.fetch(_SELECT_OVERDUE, within_s, start_time, attempt_id, limit)]


def _overdue(row: Mapping[str, Any]) -> Overdue:
    values = dict(row)
    beside = {name: values.pop(name) for name in ("merchant_id", "start_time")}
    return Overdue(attempt=to_attempt(values), **beside)
