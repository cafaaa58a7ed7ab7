"""The SQL of refunds. They change only under the lock of their payment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from paykit.paging import TimeKey
from paykit.postgres.database import Tx
from paykit.postgres.rows import require_all_changed
from paykit.serve.listing import newest_first
from paystream.payment.v1 import events
from services.payment.domain.movement import FollowUpState
from services.payment.domain.refund import Refund
from services.payment.store import payments as store

_TEXT = sa.Text(collation="C")

REFUND = sa.Table(
    "refund",
    store.METADATA,
    sa.Column("refund_id", _TEXT, primary_key=True),
    sa.Column("payment_id", _TEXT),
    sa.Column("merchant_id", _TEXT),
    sa.Column("amount_minor", sa.BigInteger),
    sa.Column("currency_code", _TEXT),
    sa.Column("reason", _TEXT),
    sa.Column("state", _TEXT),
    sa.Column("fee_returned_minor", sa.BigInteger),
    sa.Column("capture_id", _TEXT),
    sa.Column("channel_reference", _TEXT),
    sa.Column("failure_reason", _TEXT),
    sa.Column("failure_code", sa.Text),
    sa.Column("create_time", sa.DateTime(timezone=True)),
    sa.Column("update_time", sa.DateTime(timezone=True)),
)

_COLUMNS = tuple(column.name for column in REFUND.columns)

_SELECT_REFUNDS = f"SELECT {', '.join(_COLUMNS)} FROM refund WHERE refund_id = ANY($1::text[])"

# Writes back everything that can change; the payments are locked, so nothing can have changed meanwhile.
_UPDATE_REFUNDS = """
UPDATE refund SET state = new.state, channel_reference = new.channel_reference, failure_reason = new.failure_reason,
    failure_code = new.failure_code, update_time = new.update_time
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::timestamptz[])
  AS new (refund_id, state, channel_reference, failure_reason, failure_code, update_time)
WHERE refund.refund_id = new.refund_id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundFilter:
    """What ListRefunds selects; None selects all. payment_id or merchant_id is set.

    Attributes:
        create_time_before: Exclusive.
    """

    payment_id: str | None
    merchant_id: str | None
    state: FollowUpState | None
    create_time_min: datetime | None
    create_time_before: datetime | None


async def insert_refunds(tx: Tx, refunds: Sequence[Refund]) -> None:
    """Insert refunds just made."""
    if refunds:
        rows = sorted(refunds, key=lambda r: r.refund_id)
        await tx.copy("refund", _COLUMNS, [tuple(getattr(r, name) for name in _COLUMNS) for r in rows])


async def refunds_by_id(tx: Tx, refund_ids: Sequence[str]) -> dict[str, Refund]:
    """Give refunds whose payments are locked."""
    if not refund_ids:
        return {}
    return {row["refund_id"]: to_refund(row) for row in await tx.fetch(_SELECT_REFUNDS, refund_ids)}


async def update_refunds(tx: Tx, refunds: Sequence[Refund]) -> None:
    """Write refunds back; each at most once.

    Raises:
        InvariantError: A refund is not there, or came twice.
    """
    if not refunds:
        return
    changed = await tx.run(
        _UPDATE_REFUNDS,
        [r.refund_id for r in refunds],
        [r.state for r in refunds],
        [r.channel_reference for r in refunds],
        [r.failure_reason for r in refunds],
        [r.failure_code for r in refunds],
        [r.update_time for r in refunds],
    )
    require_all_changed("refund", changed, len(refunds))


async def get_refund(tx: Tx, refund_id: str) -> Refund | None:
    """Give one refund."""
    return (await refunds_by_id(tx, [refund_id])).get(refund_id)


async def list_refunds(tx: Tx, wanted: RefundFilter, *, after: TimeKey | None, limit: int) -> list[Refund]:
    """List refunds, newest first, from after a (create_time, refund_id) on."""
    c = REFUND.c
    statement = sa.select(REFUND)
    if wanted.payment_id:
        statement = statement.where(c.payment_id == wanted.payment_id)
    if wanted.merchant_id:
        statement = statement.where(c.merchant_id == wanted.merchant_id)
    if wanted.state:
        statement = statement.where(c.state == wanted.state)
    statement = newest_first(statement, (c.create_time, c.refund_id), wanted, after).limit(limit)
    return [to_refund(row._asdict()) for row in await tx.select(statement)]


def to_refund(row: Mapping[str, Any]) -> Refund:
    """Make a refund of a row of its table."""
    values = dict(row)
    values["state"] = FollowUpState(values["state"])
    values["reason"] = events.RefundReason(values["reason"])
    values["failure_reason"] = store.to_failure_reason(values["failure_reason"])
    return Refund(**values)
