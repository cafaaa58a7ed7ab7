"""The SQL of captures. They change only under the lock of their payment."""

from collections.abc import Mapping, Sequence
from typing import Any

from paykit.postgres.database import Tx
from paykit.postgres.rows import columns, require_all_changed
from services.payment.domain.capture import Capture
from services.payment.domain.movement import FollowUpState
from services.payment.store import payments as store

SHOWN_MAX = 100
"""Captures of one payment that GetPayment shows."""

_GIVEN = ("capture_id", "payment_id", "amount_minor", "currency_code", "final", "create_time")
_CHANGING = ("state", "fee_minor", "channel_reference", "failure_reason", "failure_code", "update_time")
_COLUMNS = (*_GIVEN, *_CHANGING)

_SELECT = f"SELECT {', '.join(_COLUMNS)} FROM capture"
_SELECT_BY_ID = f"{_SELECT} WHERE capture_id = ANY($1::text[])"
_SELECT_OF_PAYMENT = f"{_SELECT} WHERE payment_id = $1 ORDER BY capture_id LIMIT {SHOWN_MAX}"

# Writes back everything that can change; the payments are locked, so nothing can have changed meanwhile.
_UPDATE = f"""
UPDATE capture SET {", ".join(f"{name} = new.{name}" for name in _CHANGING)}
FROM unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::timestamptz[])
  AS new (capture_id, {", ".join(_CHANGING)})
WHERE capture.capture_id = new.capture_id
"""


async def insert_captures(tx: Tx, captures: Sequence[Capture]) -> None:
    """Insert captures just made."""
    if captures:
        rows = sorted(captures, key=lambda c: c.capture_id)
        await tx.copy("capture", _COLUMNS, [tuple(getattr(c, name) for name in _COLUMNS) for c in rows])


async def captures_by_id(tx: Tx, capture_ids: Sequence[str]) -> dict[str, Capture]:
    """Give captures whose payments are locked."""
    if not capture_ids:
        return {}
    return {row["capture_id"]: to_capture(row) for row in await tx.fetch(_SELECT_BY_ID, capture_ids)}


async def captures_of_payment(tx: Tx, payment_id: str) -> list[Capture]:
    """Give the captures of an authorized payment, oldest first, at most SHOWN_MAX."""
    return [to_capture(row) for row in await tx.fetch(_SELECT_OF_PAYMENT, payment_id)]


async def update_captures(tx: Tx, captures: Sequence[Capture]) -> None:
    """Write captures back; each at most once.

    Raises:
        InvariantError: A capture is not there, or came twice.
    """
    if captures:
        changed = await tx.run(_UPDATE, *columns(captures, ("capture_id", *_CHANGING)))
        require_all_changed("capture", changed, len(captures))


def to_capture(row: Mapping[str, Any]) -> Capture:
    """Make a capture of a row of its table."""
    values = dict(row)
    values["state"] = FollowUpState(values["state"])
    values["failure_reason"] = store.to_failure_reason(values["failure_reason"])
    return Capture(**values)
