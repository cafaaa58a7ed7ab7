"""Payment's tables `attempt` and `evidence`; most of their SQL is in `paykit.channels.attempt_table`."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from paykit.channels import attempts as channel_attempts
from paykit.channels.attempt_table import AttemptTable
from paykit.channels.attempts import AttemptState, Evidence
from paykit.channels.overdue import OPEN
from paykit.merchants import projection
from paykit.paging import TimeKey
from paykit.postgres.database import Tx
from paykit.postgres.rows import require_all_changed
from paykit.work import Rows
from services.payment.domain.attempt import PaymentAttempt, withhold
from services.payment.domain.routing import PaymentRoute

ATTEMPTS_SHOWN_MAX = 100
"""Attempts of one payment that GetPayment shows."""

# What payments begin with. Its state is looked at under its lock only, as a job may be claiming it.
_FIRST_OF_PAYMENTS = "payment_id = ANY($1::text[]) AND action IN ('CHARGE', 'AUTHORIZE')"

# What a payment begins with; what follows it stays with its channel. What nobody else takes is left out here, or it
# would stand before all that can be moved.
_SELECT_UNSENT = """
SELECT attempt_id, payment_id FROM attempt JOIN payment USING (payment_id)
WHERE attempt.state = 'PENDING' AND attempt.channel = ANY($1::text[]) AND action IN ('CHARGE', 'AUTHORIZE')
    AND EXISTS (
        SELECT FROM unnest($2::text[], $3::text[]) AS reachable (currencies, methods)
        WHERE (currencies = '' OR payment.currency_code = ANY(string_to_array(currencies, ',')))
            AND (methods = '' OR payment.method = ANY(string_to_array(methods, ','))))
LIMIT $4
"""

# Walks the index of the queue.
_SELECT_EXPIRED = """
SELECT attempt_id, payment_id FROM attempt WHERE {bounds}state = 'PENDING' AND expire_time <= $1 LIMIT $2
"""

_MOVE = """
UPDATE attempt SET channel = new.channel FROM unnest($1::text[], $2::text[]) AS new (attempt_id, channel)
WHERE attempt.attempt_id = new.attempt_id
"""

# Walks the index of attempts that are open, which are few: OFFSET 0 keeps the planner from beginning at a merchant's
# payments. Real time throughout, as it is about calls.
_SELECT_OVERDUE = f"""
SELECT {{attempt}}, merchant_id, start_time
FROM (SELECT * FROM attempt WHERE {OPEN}) attempt
CROSS JOIN LATERAL (SELECT merchant_id FROM payment WHERE payment.payment_id = attempt.payment_id OFFSET 0) AS own
WHERE (start_time, attempt_id) > ($2, $3) AND ($5::text IS NULL OR merchant_id = $5)
    AND ($6::text IS NULL OR attempt.channel = $6) AND ($7::text IS NULL OR attempt.currency_code = $7)
ORDER BY start_time, attempt_id LIMIT $4
"""
_BEGINNING = (datetime(1970, 1, 1, tzinfo=UTC), "")


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimedPaymentAttempt(channel_attempts.Claimed[PaymentAttempt]):
    """An attempt taken for sending or inquiring, with what a channel needs to know beside it.

    Attributes:
        withheld: Set where it was taken off the queue and is not sent.
    """

    method_token: str
    return_url: str | None = field(default=None, repr=False)
    withheld: Evidence | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OverdueFilter:
    """Which attempts without an outcome to list; None does not filter.

    Attributes:
        within_s: In so many seconds an outcome would not have been overdue.
    """

    within_s: float
    merchant_id: str | None = None
    channel: str | None = None
    currency_code: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OverdueAttempt:
    """An attempt whose outcome is overdue.

    Attributes:
        start_time: When it was claimed to be sent.
    """

    attempt: PaymentAttempt
    merchant_id: str
    start_time: datetime


class PaymentAttempts(AttemptTable[PaymentAttempt, ClaimedPaymentAttempt]):
    """The attempts of payments, their captures and refunds."""

    async def claim_pending(self, tx: Tx, *, channel: str, limit: int, lease_s: float) -> list[ClaimedPaymentAttempt]:
        """Take the attempts that have waited longest for a channel, and look which of them are still to be sent."""
        claimed = await super().claim_pending(tx, channel=channel, limit=limit, lease_s=lease_s)
        if not claimed:
            return []
        standings = await projection.statuses(tx, {each.merchant_id for each in claimed})
        return [
            replace(each, withheld=withhold(each.attempt, standings.get(each.merchant_id), now=tx.now))
            for each in claimed
        ]

    async def expired(self, tx: Tx, *, limit: int) -> list[tuple[str, str]]:
        """Read which attempts have waited too long to be sent.

        Returns: attempt_id and payment_id of each.
        """
        bounds, keys = tx.claims.bounds(("attempt_id",), first=3)
        rows = await tx.fetch(_SELECT_EXPIRED.format(bounds=bounds), tx.now, limit, *keys)
        tx.claims.take(row["attempt_id"] for row in rows)
        return [(row["attempt_id"], row["payment_id"]) for row in rows]

    async def lock_with_first(
        self, tx: Tx, attempt_ids: Collection[str], payment_ids: Collection[str]
    ) -> Rows[str, PaymentAttempt]:
        """Lock attempts, and the charges and authorizations of some locked payments beside them."""
        if not payment_ids:
            return await self.lock(tx, attempt_ids)
        condition = (
            "(attempt_id = ANY($1::text[]) OR payment_id = ANY($2::text[]) AND action IN ('CHARGE', 'AUTHORIZE'))"
        )
        return await self.lock_where(tx, condition, list(attempt_ids), list(payment_ids))

    async def lock_first(self, tx: Tx, payment_ids: Collection[str]) -> Rows[str, PaymentAttempt]:
        """Lock the charges and authorizations of locked payments; whether they were sent can no longer change."""
        return await self.lock_where(tx, _FIRST_OF_PAYMENTS, payment_ids)

    async def unsent(
        self, tx: Tx, channels: Collection[str], *, others: Sequence[PaymentRoute], limit: int
    ) -> list[tuple[str, str]]:
        """Read which charges and authorizations wait for channels, though others take them.

        Returns: attempt_id and payment_id of each.
        """
        currencies, methods = (
            [",".join(route.currencies) for route in others],
            [",".join(route.methods) for route in others],
        )
        rows = await tx.fetch(_SELECT_UNSENT, channels, currencies, methods, limit)
        return [(row["attempt_id"], row["payment_id"]) for row in rows]

    async def move(self, tx: Tx, channels: Mapping[str, str]) -> None:
        """Have locked attempts that were not sent wait for another channel.

        Raises:
            InvariantError: An attempt is not there.
        """
        changed = await tx.run(_MOVE, list(channels), list(channels.values()))
        require_all_changed(self.name, changed, len(channels))

    async def overdue(
        self, tx: Tx, wanted: OverdueFilter, /, *, after: TimeKey | None, limit: int
    ) -> list[OverdueAttempt]:
        """List attempts whose outcome is overdue, those that were sent first at first, after a (start_time, id)."""
        start_time, attempt_id = after or _BEGINNING
        sql = _SELECT_OVERDUE.format(attempt=self.selected)
        asked = (wanted.merchant_id, wanted.channel, wanted.currency_code)
        return [
            OverdueAttempt(attempt=self.read(row), merchant_id=row["merchant_id"], start_time=row["start_time"])
            for row in await tx.fetch(sql, wanted.within_s, start_time, attempt_id, limit, *asked)
        ]


attempts = PaymentAttempts(
    PaymentAttempt,
    aggregate="payment",
    beside=("merchant_id", "method_token", "correlation_id", "return_url"),
    claimed=ClaimedPaymentAttempt,
    inquired=(AttemptState.STARTED, AttemptState.UNKNOWN, AttemptState.ACTION_REQUIRED),
    changing=("action_digest",),
)
