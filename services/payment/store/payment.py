"""The SQL of payments. What changes about one, its captures, refunds and attempts included, changes under its lock."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from paykit.contradictions.contradiction_table import OF_CONTRADICTIONS
from paykit.paging import TimeKey
from paykit.postgres.database import Tx
from paykit.postgres.lists.walk import Found, Walk
from paykit.postgres.rows import columns, require_all_changed
from paykit.postgres.table import Table, where
from paykit.postgres.wakeups import CHANGES
from paykit.work import Rows
from paystream.payment.v1.events import PaymentMethod
from services.payment.domain.payment import CaptureMode, Payment, PaymentState

ZEROS = (
    *("authorized_minor", "capturing_minor", "cancelling_minor", "cancelled_minor", "captured_minor"),
    *("reversed_minor", "refunded_minor", "unbacked_minor", "refunding_minor", "disputed_minor", "overdisputed_minor"),
    *("lost_minor", "fee_minor", "fee_returned_minor", "fee_returning_minor", "capture_count", "metadata_version"),
)
"""Columns in which 0 is written as NULL, as it is what most of them hold for good; rows of earlier builds hold 0."""

# What is proven to be gone again of what payments captured: a refund that may still fail is not.
_RETURNED = (
    "coalesce(refunded_minor, 0) - coalesce(unbacked_minor, 0) + coalesce(reversed_minor, 0) + coalesce(lost_minor, 0)"
)

# What payments have captured, less that, and what they still may capture: what has failed or was given up counts not.
_SELECT_TAKEN = f"""
SELECT order_id, sum(-({_RETURNED}) - coalesce(cancelled_minor, 0) + CASE
        WHEN state IN ('CREATED', 'UNKNOWN', 'REQUIRES_ACTION') THEN amount_minor
        WHEN capture_mode = 'MANUAL' THEN coalesce(authorized_minor, 0)
        ELSE coalesce(captured_minor, 0) END)::bigint
FROM payment WHERE order_id = ANY($1::text[]) AND state NOT IN ('FAILED', 'CANCELLED') GROUP BY order_id
"""

_SELECT_PAID = f"""
SELECT order_id, sum(coalesce(captured_minor, 0))::bigint, sum({_RETURNED})::bigint FROM payment
WHERE order_id = ANY($1::text[]) GROUP BY order_id
"""

# A reference may, by a fault of the channel, be that of a dispute of another payment.
_OF_REPORTS = """
payment_id IN (
    SELECT payment_id FROM attempt WHERE attempt_id = ANY($1::text[])
    UNION
    SELECT dispute.payment_id FROM unnest($1::text[], $2::text[]) AS said (attempt_id, dispute_reference)
    JOIN attempt USING (attempt_id)
    JOIN dispute ON (dispute.channel, dispute.dispute_reference) = (attempt.channel, said.dispute_reference))
"""

_MOVE = """
UPDATE payment SET channel = new.channel, aggregate_version = new.aggregate_version, update_time = new.update_time
FROM unnest($1::text[], $2::text[], $3::bigint[], $4::timestamptz[])
    AS new (payment_id, channel, aggregate_version, update_time)
WHERE payment.payment_id = new.payment_id
"""

_KEEP_STATED = """
UPDATE payment SET stated_reason = new.stated_reason, stated_by = new.stated_by, stated_time = new.stated_time
FROM unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[])
    AS new (payment_id, stated_reason, stated_by, stated_time)
WHERE payment.payment_id = new.payment_id
"""

_DESCRIBE = """
UPDATE payment SET metadata = new.metadata, metadata_version = new.metadata_version, update_time = new.update_time
FROM unnest($1::text[], $2::text[], $3::bigint[], $4::timestamptz[])
    AS new (payment_id, metadata, metadata_version, update_time)
WHERE payment.payment_id = new.payment_id
"""

_MAY_SEND_PAYER = frozenset({PaymentState.CREATED, PaymentState.UNKNOWN, PaymentState.REQUIRES_ACTION})
"""While its channel may still send the payer back; later nobody needs to know where to."""
_ERASE_RETURN = "UPDATE payment SET return_url = NULL WHERE payment_id = ANY($1::text[])"


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentFilter:
    """What ListPayments selects; None selects all. merchant_id or order_id is set.

    Attributes:
        create_time_before, update_time_before: Exclusive; other bounds belong to their range.
    """

    merchant_id: str | None
    order_id: str | None
    merchant_reference: str | None
    state: PaymentState | None
    capture_mode: CaptureMode | None
    create_time_min: datetime | None
    create_time_before: datetime | None
    currency_code: str | None = None
    amount_minor_min: int | None = None
    amount_minor_max: int | None = None
    channel: str | None = None
    method: PaymentMethod | None = None
    update_time_min: datetime | None = None
    update_time_before: datetime | None = None
    oldest_first: bool = False


@dataclass(frozen=True, slots=True)
class ChannelReference:
    """A channel's own name of something that it was asked to do; without a channel, of whichever."""

    channel_reference: str
    channel: str | None


class Payments(Table[str, Payment]):
    """The table `payment`; of a new row, amounts and what follows them begin with the database's defaults."""

    async def update(self, tx: Tx, rows: Collection[Payment]) -> None:
        """Write locked payments back, each at most once, and wake whoever watches some.

        Where the payer comes back to is erased once its channel has decided: apart, as most payments have none.
        """
        await super().update(tx, rows)
        await self.erase_returns(tx, rows)
        if rows:
            tx.wake(CHANGES)

    async def erase_returns(self, tx: Tx, rows: Iterable[Payment]) -> None:
        """Erase where payers came back to, of those of locked payments whose channel has decided."""
        decided = [row.payment_id for row in rows if row.return_url is not None and row.state not in _MAY_SEND_PAYER]
        if decided:
            require_all_changed(self.name, await tx.run(_ERASE_RETURN, decided), len(decided))

    async def lock_of_attempts(self, tx: Tx, attempt_ids: Collection[str]) -> Rows[str, Payment]:
        """Lock the payments that attempts belong to."""
        condition = "payment_id IN (SELECT payment_id FROM attempt WHERE attempt_id = ANY($1::text[]))"
        return await self.lock_where(tx, condition, attempt_ids)

    async def lock_of_reports(self, tx: Tx, reports: Collection[tuple[str, str]]) -> Rows[str, Payment]:
        """Lock the payments of attempts that are reported disputed, and those that know the disputes' references.

        Args:
            tx: The transaction.
            reports: attempt_id and dispute_reference of each.
        """
        attempt_ids, references = [attempt_id for attempt_id, _ in reports], [reference for _, reference in reports]
        return await self.lock_where(tx, _OF_REPORTS, attempt_ids, references)

    async def lock_of_disputes(self, tx: Tx, dispute_ids: Collection[str]) -> Rows[str, Payment]:
        """Lock the payments that disputes are about, which never change theirs."""
        condition = "payment_id IN (SELECT payment_id FROM dispute WHERE dispute_id = ANY($1::text[]))"
        return await self.lock_where(tx, condition, dispute_ids)

    async def lock_of_refunds(self, tx: Tx, refund_ids: Collection[str]) -> Rows[str, Payment]:
        """Lock the payments that refunds give back, which never change theirs."""
        condition = "payment_id IN (SELECT payment_id FROM refund WHERE refund_id = ANY($1::text[]))"
        return await self.lock_where(tx, condition, refund_ids)

    async def lock_of_contradictions(self, tx: Tx, contradiction_ids: Collection[str]) -> Rows[str, Payment]:
        """Lock the payments that contradictions are about, which never change theirs."""
        return await self.lock_where(tx, f"payment_id {OF_CONTRADICTIONS}", contradiction_ids)

    async def lock_of_orders(self, tx: Tx, order_ids: Collection[str]) -> Rows[str, Payment]:
        """Lock the payments for orders just written as closed, so that one made meanwhile is seen.

        What ended without a capture has nothing to undo, and an order can have any number of that: it is left out.
        """
        condition = "order_id = ANY($1::text[]) AND state NOT IN ('FAILED', 'CANCELLED')"
        return await self.lock_where(tx, condition, order_ids)

    async def claim_expired(self, tx: Tx, *, limit: int) -> Rows[str, Payment]:
        """Lock payments whose authorization is over, the longest over first, as far as nobody else has them."""
        return await self.claim_where(tx, "expire_time <= $1 ORDER BY expire_time LIMIT $2", tx.now, limit)

    async def claim_waiting(self, tx: Tx, *, limit: int) -> Rows[str, Payment]:
        """Lock payments whose payer did not act in time, the longest over first, as far as nobody else has them."""
        condition = "action_expire_time <= $1 ORDER BY action_expire_time LIMIT $2"
        return await self.claim_where(tx, condition, tx.now, limit)

    async def claim_expiring(self, tx: Tx, within: timedelta, *, limit: int) -> Rows[str, Payment]:
        """Lock payments whose authorization is soon over, which is still to be told, as far as nobody else has them."""
        condition = (
            "expire_time > $1 AND expire_time <= $2 AND NOT expiry_warned AND cancel_reason IS NULL "
            "AND authorized_minor > "
            "coalesce(captured_minor, 0) + coalesce(capturing_minor, 0) + coalesce(cancelled_minor, 0) "
            "ORDER BY expire_time LIMIT $3"
        )
        return await self.claim_where(tx, condition, tx.now, tx.now + within, limit)

    async def move(self, tx: Tx, rerouted: Sequence[Payment]) -> None:
        """Write locked payments that no channel was called for, and that go through another.

        Raises:
            InvariantError: A payment is not there.
        """
        written = ("payment_id", "channel", "aggregate_version", "update_time")
        changed = await tx.run(_MOVE, *columns(rerouted, written))
        require_all_changed(self.name, changed, len(rerouted))
        tx.wake(CHANGES)

    async def keep_stated(self, tx: Tx, payments: Collection[Payment]) -> None:
        """Write why callers asked to give up locked payments; of several changes of one the last counts.

        It stands apart from `update`, so that the changes of every payment do not pay for what few have.

        Raises:
            InvariantError: A payment is not there.
        """
        latest = {payment.payment_id: payment for payment in payments}
        if latest:
            rows = list(latest.values())
            stated = columns([payment.stated for payment in rows], ("stated_reason", "stated_by", "stated_time"))
            require_all_changed(self.name, await tx.run(_KEEP_STATED, list(latest), *stated), len(rows))

    async def describe(self, tx: Tx, payments: Collection[Payment]) -> None:
        """Write the metadata of locked payments; of several changes of one the last counts. As that.

        Raises:
            InvariantError: A payment is not there.
        """
        latest = list({payment.payment_id: payment for payment in payments}.values())
        if latest:
            written = ("payment_id", "metadata", "metadata_version", "update_time")
            require_all_changed(self.name, await tx.run(_DESCRIBE, *columns(latest, written)), len(latest))
            tx.wake(CHANGES)

    async def taken_minor(self, tx: Tx, order_ids: Collection[str]) -> dict[str, int]:
        """Read what payments have paid or still may capture of orders; nothing where there is none."""
        return {row[0]: row[1] for row in await tx.fetch(_SELECT_TAKEN, order_ids)}

    async def paid_minor(self, tx: Tx, order_ids: Collection[str]) -> tuple[dict[str, int], dict[str, int]]:
        """Read what payments have captured of orders, and what was refunded or lost of it; nothing for no payment."""
        rows = await tx.fetch(_SELECT_PAID, order_ids)
        return {row[0]: row[1] for row in rows}, {row[0]: row[2] for row in rows}

    async def by_channel_reference(
        self, tx: Tx, meant: ChannelReference, *, after: str | None, limit: int
    ) -> list[Payment]:
        """List the payments of calls that a channel gave a reference, in the order of their ids, from after one on."""
        of_calls, args = where(("channel_reference = {}", meant.channel_reference), ("channel = {}", meant.channel))
        condition = f"payment_id IN (SELECT payment_id FROM attempt WHERE {of_calls})"
        if after is not None:
            args.append(after)
            condition = f"{condition} AND payment_id > ${len(args)}"
        return await self.select(tx, f"{condition} ORDER BY payment_id LIMIT ${len(args) + 1}", *args, limit)

    async def list(self, tx: Tx, selection: PaymentFilter, *, after: TimeKey | None, limit: int) -> Found[Payment]:
        """List payments in the order asked for, from after a (create_time, payment_id) on."""
        return await payment_walk.page(tx, selection, after=after, limit=limit)


payments = Payments(
    Payment,
    "payment",
    key="payment_id",
    given=(
        *("payment_id", "merchant_id", "merchant_reference", "order_id", "amount_minor", "currency_code", "method"),
        *("brand", "funding", "issuer_country_code", "country_code"),
        *("method_token", "metadata", "capture_mode", "channel", "correlation_id", "create_time", "update_time"),
        *("state", "aggregate_version", "creating_call", "return_url"),
    ),
    shared=("create_time", "update_time", "state", "aggregate_version"),
    # All but the channel, which only `move` changes, and what only `keep_stated` and `describe` do.
    changing=(
        *("state", "authorized_minor", "capturing_minor", "cancelling_minor", "cancelled_minor", "cancel_reason"),
        *("expire_time", "captured_minor", "reversed_minor", "refunded_minor", "unbacked_minor", "refunding_minor"),
        *("disputed_minor", "overdisputed_minor", "lost_minor", "authorize_time", "expiry_warned", "attempt_count"),
        "capture_count",
        *("fee_minor", "fee_returned_minor", "fee_returning_minor", "fee_plan_version", "refund_fee_returned"),
        *("capture_id", "channel_reference", "failure_reason", "failure_code", "aggregate_version", "update_time"),
        "payer_action",
    ),
    zeros=ZEROS,
)

payment_walk = Walk(
    payments,
    scopes=(("order_id",), ("merchant_id",)),
    hashed=(("merchant_id",),),
    unique=(("merchant_id", "merchant_reference"),),
)
