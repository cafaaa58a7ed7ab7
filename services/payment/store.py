"""The SQL of payments: the hot set-based statements, and the reads behind GetPayment and ListPayments."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from paykit.paging import TimeKey
from paykit.runtime.db import Tx
from paykit.runtime.listing import newest_first
from paykit.runtime.rows import require_all_changed
from paystream.payment.v1 import events
from services.payment.domain import Payment, PaymentState

METADATA = sa.MetaData()

_TEXT = sa.Text(collation="C")

PAYMENT = sa.Table(
    "payment",
    METADATA,
    sa.Column("payment_id", _TEXT, primary_key=True),
    sa.Column("merchant_id", _TEXT),
    sa.Column("merchant_reference", _TEXT),
    sa.Column("order_id", _TEXT),
    sa.Column("amount_minor", sa.BigInteger),
    sa.Column("currency_code", _TEXT),
    sa.Column("method", _TEXT),
    sa.Column("method_token", sa.Text),
    sa.Column("metadata", sa.Text),
    sa.Column("channel", _TEXT),
    sa.Column("correlation_id", _TEXT),
    sa.Column("state", _TEXT),
    sa.Column("captured_minor", sa.BigInteger),
    sa.Column("refunded_minor", sa.BigInteger),
    sa.Column("refunding_minor", sa.BigInteger),
    sa.Column("disputed_minor", sa.BigInteger),
    sa.Column("fee_minor", sa.BigInteger),
    sa.Column("fee_returned_minor", sa.BigInteger),
    sa.Column("fee_returning_minor", sa.BigInteger),
    sa.Column("fee_plan_version", sa.BigInteger),
    sa.Column("refund_fee_returned", sa.Boolean),
    sa.Column("capture_id", _TEXT),
    sa.Column("channel_reference", _TEXT),
    sa.Column("failure_reason", _TEXT),
    sa.Column("failure_code", sa.Text),
    sa.Column("aggregate_version", sa.BigInteger),
    sa.Column("create_time", sa.DateTime(timezone=True)),
    sa.Column("update_time", sa.DateTime(timezone=True)),
)

_COLUMNS = ", ".join(column.name for column in PAYMENT.columns)

# A reference already taken leaves its row out; the count of rows tells. Rows come in the order of that unique key, so
# that two batches with the same references wait for each other in one order and cannot deadlock.
_INSERT_PAYMENTS = """
INSERT INTO payment (payment_id, merchant_id, merchant_reference, order_id, amount_minor, currency_code, method,
    method_token, metadata, channel, correlation_id, create_time, update_time, state, aggregate_version)
SELECT payment_id, merchant_id, merchant_reference, order_id, amount_minor, currency_code, method, method_token,
    metadata, channel, correlation_id, $12, $12, 'CREATED', 1
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::text[], $7::text[], $8::text[],
    $9::text[], $10::text[], $11::text[])
  AS new (payment_id, merchant_id, merchant_reference, order_id, amount_minor, currency_code, method, method_token,
    metadata, channel, correlation_id)
ON CONFLICT (merchant_id, merchant_reference) DO NOTHING
"""

# Who has these references, after an insert that left some out.
_SELECT_HOLDERS = """
SELECT merchant_id, merchant_reference, payment_id FROM payment
JOIN unnest($1::text[], $2::text[]) AS wanted (merchant_id, merchant_reference) USING (merchant_id, merchant_reference)
"""

# The lock under which everything about a payment changes, its refunds and attempts included.
_LOCK_PAYMENTS = f"SELECT {_COLUMNS} FROM payment WHERE payment_id = ANY($1::text[]) ORDER BY payment_id FOR UPDATE"

_LOCK_PAYMENTS_OF_ATTEMPTS = f"""
SELECT {_COLUMNS} FROM payment
WHERE payment_id IN (SELECT payment_id FROM attempt WHERE attempt_id = ANY($1::text[]))
ORDER BY payment_id FOR UPDATE
"""

# Writes back everything that can change; the rows are locked, so nothing can have changed meanwhile.
_UPDATE_PAYMENTS = """
UPDATE payment SET state = new.state, captured_minor = new.captured_minor, refunded_minor = new.refunded_minor,
    refunding_minor = new.refunding_minor, fee_minor = new.fee_minor, fee_returned_minor = new.fee_returned_minor,
    fee_returning_minor = new.fee_returning_minor, fee_plan_version = new.fee_plan_version,
    disputed_minor = new.disputed_minor,
    refund_fee_returned = new.refund_fee_returned, capture_id = new.capture_id,
    channel_reference = new.channel_reference, failure_reason = new.failure_reason, failure_code = new.failure_code,
    aggregate_version = new.aggregate_version, update_time = new.update_time
FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[],
    $9::bigint[], $10::boolean[], $11::text[], $12::text[], $13::text[], $14::text[], $15::bigint[], $16::timestamptz[],
    $17::bigint[])
  AS new (payment_id, state, captured_minor, refunded_minor, refunding_minor, fee_minor, fee_returned_minor,
    fee_returning_minor, fee_plan_version, refund_fee_returned, capture_id, channel_reference, failure_reason,
    failure_code, aggregate_version, update_time, disputed_minor)
WHERE payment.payment_id = new.payment_id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentFilter:
    """What ListPayments selects; None selects all.

    Attributes:
        create_time_before: Exclusive.
    """

    merchant_id: str
    merchant_reference: str | None
    state: PaymentState | None
    create_time_min: datetime | None
    create_time_before: datetime | None


async def insert_payments(tx: Tx, payments: Sequence[Payment]) -> bool:
    """Insert payments just made, leaving out those whose reference is taken; say whether all went in.

    Of several payments with one reference, the first goes in.
    """
    rows = sorted(payments, key=lambda p: (p.merchant_id, p.merchant_reference))
    count = await tx.run(
        _INSERT_PAYMENTS,
        [p.payment_id for p in rows],
        [p.merchant_id for p in rows],
        [p.merchant_reference for p in rows],
        [p.order_id for p in rows],
        [p.amount_minor for p in rows],
        [p.currency_code for p in rows],
        [p.method for p in rows],
        [p.method_token for p in rows],
        [p.metadata for p in rows],
        [p.channel for p in rows],
        [p.correlation_id for p in rows],
        tx.now,
    )
    return count == len(rows)


async def holders(tx: Tx, references: Sequence[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """Give the payment that has each (merchant_id, merchant_reference)."""
    rows = await tx.fetch(_SELECT_HOLDERS, [r[0] for r in references], [r[1] for r in references])
    return {(row["merchant_id"], row["merchant_reference"]): row["payment_id"] for row in rows}


async def lock_payments(tx: Tx, payment_ids: Sequence[str]) -> dict[str, Payment]:
    """Lock payments, in the order of their ids, and give those that exist."""
    rows = await tx.fetch(_LOCK_PAYMENTS, sorted(set(payment_ids)))
    return _held(tx, rows)


async def lock_payments_of_attempts(tx: Tx, attempt_ids: Sequence[str]) -> dict[str, Payment]:
    """Lock the payments that attempts belong to, in the order of their ids."""
    return _held(tx, await tx.fetch(_LOCK_PAYMENTS_OF_ATTEMPTS, attempt_ids))


async def update_payments(tx: Tx, payments: Sequence[Payment]) -> None:
    """Write locked payments back; each at most once.

    Raises:
        InvariantError: A payment is not there, or came twice.
    """
    if not payments:
        return
    changed = await tx.run(
        _UPDATE_PAYMENTS,
        [p.payment_id for p in payments],
        [p.state for p in payments],
        [p.captured_minor for p in payments],
        [p.refunded_minor for p in payments],
        [p.refunding_minor for p in payments],
        [p.fee_minor for p in payments],
        [p.fee_returned_minor for p in payments],
        [p.fee_returning_minor for p in payments],
        [p.fee_plan_version for p in payments],
        [p.refund_fee_returned for p in payments],
        [p.capture_id for p in payments],
        [p.channel_reference for p in payments],
        [p.failure_reason for p in payments],
        [p.failure_code for p in payments],
        [p.aggregate_version for p in payments],
        [p.update_time for p in payments],
        [p.disputed_minor for p in payments],
    )
    require_all_changed("payment", changed, len(payments))


async def get_payment(tx: Tx, payment_id: str) -> Payment | None:
    """Give one payment."""
    rows = await tx.select(sa.select(PAYMENT).where(PAYMENT.c.payment_id == payment_id))
    return to_payment(rows[0]._asdict()) if rows else None


async def list_payments(tx: Tx, wanted: PaymentFilter, *, after: TimeKey | None, limit: int) -> list[Payment]:
    """List a merchant's payments, newest first, from after a (create_time, payment_id) on."""
    c = PAYMENT.c
    statement = sa.select(PAYMENT).where(c.merchant_id == wanted.merchant_id)
    if wanted.merchant_reference:
        statement = statement.where(c.merchant_reference == wanted.merchant_reference)
    if wanted.state:
        statement = statement.where(c.state == wanted.state)
    statement = newest_first(statement, (c.create_time, c.payment_id), wanted, after).limit(limit)
    return [to_payment(row._asdict()) for row in await tx.select(statement)]


def to_payment(row: Mapping[str, Any]) -> Payment:
    """Make a payment of a row of its table."""
    values = dict(row)
    values["state"] = PaymentState(values["state"])
    values["method"] = events.PaymentMethod(values["method"])
    values["failure_reason"] = to_failure_reason(values["failure_reason"])
    return Payment(**values)


def to_failure_reason(text: str | None) -> events.FailureReason | None:
    """Make a failure reason of its column."""
    return events.FailureReason(text) if text else None


def _held(tx: Tx, rows: Sequence[Any]) -> dict[str, Payment]:
    payments = {row["payment_id"]: to_payment(row) for row in rows}
    tx.hold(*payments)
    return payments
