"""The SQL of payments: the hot set-based statements, and the reads behind GetPayment and ListPayments."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from paykit.merchants.references import References
from paykit.paging import TimeKey
from paykit.postgres.database import Tx
from paykit.postgres.rows import columns, require_all_changed
from paykit.serve.listing import newest_first
from paystream.payment.v1 import events
from services.payment.domain.payment import CaptureMode, Payment, PaymentState

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
    sa.Column("capture_mode", _TEXT),
    sa.Column("authorized_minor", sa.BigInteger),
    sa.Column("capturing_minor", sa.BigInteger),
    sa.Column("cancelling_minor", sa.BigInteger),
    sa.Column("cancelled_minor", sa.BigInteger),
    sa.Column("cancel_reason", _TEXT),
    sa.Column("expire_time", sa.DateTime(timezone=True)),
    sa.Column("captured_minor", sa.BigInteger),
    sa.Column("captured_in_parts", sa.Boolean),
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

REFERENCES = References("payment", "payment_id")

_COLUMNS = ", ".join(column.name for column in PAYMENT.columns)

# What a payment is made with. The other columns begin with their defaults.
_GIVEN = (
    *("payment_id", "merchant_id", "merchant_reference", "order_id", "amount_minor", "currency_code", "method"),
    *("method_token", "metadata", "capture_mode", "channel", "correlation_id"),
)
# Everything that can change but the channel, which only `move_payments` changes.
_CHANGING = (
    *("state", "authorized_minor", "capturing_minor", "cancelling_minor", "cancelled_minor", "cancel_reason"),
    *("expire_time", "captured_minor", "captured_in_parts", "refunded_minor", "refunding_minor", "disputed_minor"),
    *("fee_minor", "fee_returned_minor", "fee_returning_minor", "fee_plan_version", "refund_fee_returned"),
    *("capture_id", "channel_reference", "failure_reason", "failure_code", "aggregate_version", "update_time"),
)


def _arrays(names: Sequence[str]) -> str:
    """Give the parameters of these columns as `unnest` takes them."""
    kinds = {sa.BigInteger: "bigint", sa.Boolean: "boolean", sa.DateTime: "timestamptz", sa.Text: "text"}
    types = [kinds[type(PAYMENT.c[name].type)] for name in names]
    return ", ".join(f"${at}::{kind}[]" for at, kind in enumerate(types, start=1))


# A reference already taken leaves its row out; the count of rows tells. Rows come in the order of that unique key, so
# that two batches with the same references wait for each other in one order and cannot deadlock.
_INSERT_PAYMENTS = f"""
INSERT INTO payment ({", ".join(_GIVEN)}, create_time, update_time, state, aggregate_version)
SELECT {", ".join(_GIVEN)}, ${len(_GIVEN) + 1}, ${len(_GIVEN) + 1}, 'CREATED', 1
FROM unnest({_arrays(_GIVEN)}) AS new ({", ".join(_GIVEN)})
ON CONFLICT (merchant_id, merchant_reference) DO NOTHING
"""

# The lock under which everything about a payment changes, its refunds and attempts included.
_LOCK_PAYMENTS = f"SELECT {_COLUMNS} FROM payment WHERE payment_id = ANY($1::text[]) ORDER BY payment_id FOR UPDATE"

_LOCK_PAYMENTS_OF_ATTEMPTS = f"""
SELECT {_COLUMNS} FROM payment
WHERE payment_id IN (SELECT payment_id FROM attempt WHERE attempt_id = ANY($1::text[]))
ORDER BY payment_id FOR UPDATE
"""

# For an order that was closed; after the order's row is written, so that a payment made meanwhile is seen. What ended
# without a capture has nothing to undo, and an order can have any number of that.
_LOCK_PAYMENTS_OF_ORDERS = f"""
SELECT {_COLUMNS} FROM payment WHERE order_id = ANY($1::text[]) AND state NOT IN ('FAILED', 'CANCELLED')
ORDER BY payment_id FOR UPDATE
"""

# The authorizations whose time is over; jobs of several processes pass each other's rows by.
_LOCK_EXPIRED = f"""
SELECT {_COLUMNS} FROM payment WHERE payment_id IN (
    SELECT payment_id FROM payment WHERE expire_time <= $1 ORDER BY expire_time LIMIT $2 FOR UPDATE SKIP LOCKED)
ORDER BY payment_id FOR UPDATE
"""

# Writes back everything that can change; the rows are locked, so nothing can have changed meanwhile.
_UPDATE_PAYMENTS = f"""
UPDATE payment SET {", ".join(f"{name} = new.{name}" for name in _CHANGING)}
FROM unnest({_arrays(("payment_id", *_CHANGING))}) AS new (payment_id, {", ".join(_CHANGING)})
WHERE payment.payment_id = new.payment_id
"""

_MOVE_PAYMENTS = """
UPDATE payment SET channel = new.channel, update_time = $3
FROM unnest($1::text[], $2::text[]) AS new (payment_id, channel) WHERE payment.payment_id = new.payment_id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentFilter:
    """What ListPayments selects; None selects all. merchant_id or order_id is set.

    Attributes:
        create_time_before: Exclusive.
    """

    merchant_id: str | None
    order_id: str | None
    merchant_reference: str | None
    state: PaymentState | None
    capture_mode: CaptureMode | None
    create_time_min: datetime | None
    create_time_before: datetime | None


async def insert_payments(tx: Tx, payments: Sequence[Payment]) -> bool:
    """Insert payments just made, leaving out those whose reference is taken; say whether all went in.

    Of several payments with one reference, the first goes in.
    """
    rows = sorted(payments, key=lambda p: (p.merchant_id, p.merchant_reference))
    count = await tx.run(_INSERT_PAYMENTS, *columns(rows, _GIVEN), tx.now)
    return count == len(rows)


async def lock_payments(tx: Tx, payment_ids: Sequence[str]) -> dict[str, Payment]:
    """Lock payments, in the order of their ids, and give those that exist."""
    rows = await tx.fetch(_LOCK_PAYMENTS, sorted(set(payment_ids)))
    return _held(tx, rows)


async def lock_payments_of_attempts(tx: Tx, attempt_ids: Sequence[str]) -> dict[str, Payment]:
    """Lock the payments that attempts belong to, in the order of their ids."""
    return _held(tx, await tx.fetch(_LOCK_PAYMENTS_OF_ATTEMPTS, attempt_ids))


async def lock_payments_of_orders(tx: Tx, order_ids: Sequence[str]) -> dict[str, Payment]:
    """Lock the payments for orders that took something or still may, in the order of their ids."""
    return _held(tx, await tx.fetch(_LOCK_PAYMENTS_OF_ORDERS, sorted(order_ids)))


async def lock_expired(tx: Tx, *, limit: int) -> dict[str, Payment]:
    """Lock payments whose authorization ends now or earlier, the longest over first."""
    return _held(tx, await tx.fetch(_LOCK_EXPIRED, tx.now, limit))


async def update_payments(tx: Tx, payments: Sequence[Payment]) -> None:
    """Write locked payments back; each at most once.

    Raises:
        InvariantError: A payment is not there, or came twice.
    """
    if not payments:
        return
    changed = await tx.run(_UPDATE_PAYMENTS, *columns(payments, ("payment_id", *_CHANGING)))
    require_all_changed("payment", changed, len(payments))


async def move_payments(tx: Tx, channels: Mapping[str, str]) -> None:
    """Have locked payments that no channel was called for go through another.

    Raises:
        InvariantError: A payment is not there.
    """
    changed = await tx.run(_MOVE_PAYMENTS, list(channels), list(channels.values()), tx.now)
    require_all_changed("payment", changed, len(channels))


async def get_payment(tx: Tx, payment_id: str) -> Payment | None:
    """Give one payment."""
    rows = await tx.select(sa.select(PAYMENT).where(PAYMENT.c.payment_id == payment_id))
    return to_payment(rows[0]._asdict()) if rows else None


async def list_payments(tx: Tx, wanted: PaymentFilter, *, after: TimeKey | None, limit: int) -> list[Payment]:
    """List payments, newest first, from after a (create_time, payment_id) on."""
    c, statement = PAYMENT.c, sa.select(PAYMENT)
    for name in ("merchant_id", "order_id", "merchant_reference", "state", "capture_mode"):
        if (value := getattr(wanted, name)) is not None:
            statement = statement.where(c[name] == value)
    statement = newest_first(statement, (c.create_time, c.payment_id), wanted, after).limit(limit)
    return [to_payment(row._asdict()) for row in await tx.select(statement)]


def to_payment(row: Mapping[str, Any]) -> Payment:
    """Make a payment of a row of its table."""
    values = dict(row)
    values["state"] = PaymentState(values["state"])
    values["capture_mode"] = CaptureMode(values["capture_mode"])
    values["cancel_reason"] = events.CancelReason(values["cancel_reason"]) if values["cancel_reason"] else None
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
