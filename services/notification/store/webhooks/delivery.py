"""The SQL of deliveries: the queue, its events, and the log of tries."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from paykit.paging import TimeKey
from paykit.postgres.database import Tx
from paykit.postgres.lists.walk import Found, Walk
from paykit.postgres.table import Table, where
from paykit.work import Rows
from services.notification.domain.webhooks.delivery import (
    WebhookAttempt,
    WebhookDelivery,
    WebhookDeliveryState,
    WebhookEvent,
)

ATTEMPTS_SHOWN_MAX = 50
"""Tries of one delivery that GetWebhookDelivery shows."""
HEAD_ROWS_MAX = 100
"""Due deliveries of one endpoint that are looked at to find those that may go now."""

# Under the locks of their endpoints. Of each resource the first that is due goes, and none while another of it is on
# its way; of each endpoint as many as it has slots left; endpoints take turns.
_CLAIM = """
WITH in_flight AS (
    SELECT endpoint_id, resource_key FROM webhook_delivery WHERE endpoint_id = ANY($1::text[]) AND lease_time > $2
), free AS (
    SELECT e.endpoint_id, $3 - count(f.endpoint_id) AS slots FROM unnest($1::text[]) AS e (endpoint_id)
    LEFT JOIN in_flight f USING (endpoint_id) GROUP BY e.endpoint_id
), chosen AS (
    SELECT c.delivery_id FROM free CROSS JOIN LATERAL (
        SELECT delivery_id, due_time, row_number() OVER (ORDER BY due_time, delivery_id) AS place FROM (
            SELECT DISTINCT ON (resource_key) head.* FROM (
                SELECT delivery_id, resource_key, resource_version, due_time FROM webhook_delivery d
                WHERE d.endpoint_id = free.endpoint_id AND d.state = 'PENDING' AND d.due_time <= $2
                    AND (d.lease_time IS NULL OR d.lease_time <= $2) AND d.delivery_id <> ALL($7::text[])
                ORDER BY d.due_time, d.resource_version LIMIT $4
            ) AS head
            WHERE NOT EXISTS (SELECT FROM in_flight f WHERE (f.endpoint_id, f.resource_key)
                = (free.endpoint_id, head.resource_key))
            ORDER BY resource_key, due_time, resource_version
        ) AS first
    ) AS c
    WHERE c.place <= free.slots ORDER BY c.place, c.due_time LIMIT $5
)
UPDATE webhook_delivery d SET lease_time = $6 FROM chosen, webhook_event e, webhook_endpoint p
WHERE d.delivery_id = chosen.delivery_id AND e.event_id = d.event_id AND p.endpoint_id = d.endpoint_id
RETURNING d.delivery_id, d.endpoint_id, d.event_id, p.url, e.body
"""

_SELECT_PENDING = """
SELECT delivery_id FROM webhook_delivery WHERE delivery_id = ANY($1::text[]) AND state = 'PENDING'
"""

_END_PENDING = """
UPDATE webhook_delivery SET state = 'FAILED', failure_reason = new.reason, update_time = greatest(update_time, $3)
FROM unnest($1::text[], $2::text[]) AS new (endpoint_id, reason)
WHERE webhook_delivery.endpoint_id = new.endpoint_id AND state = 'PENDING'
"""

_HASTEN = """
UPDATE webhook_delivery SET due_time = $2
WHERE endpoint_id = ANY($1::text[]) AND state = 'PENDING' AND due_time > $2
"""

_EXPIRE = """
UPDATE webhook_delivery SET state = 'FAILED', failure_reason = 'EXPIRED', update_time = $3
WHERE delivery_id = ANY(ARRAY(
    SELECT delivery_id FROM webhook_delivery WHERE state = 'PENDING' AND update_time < $1 LIMIT $2))
"""

_DELETE_DELIVERIES = """
DELETE FROM webhook_delivery WHERE delivery_id = ANY(ARRAY(
    SELECT delivery_id FROM webhook_delivery WHERE state <> 'PENDING' AND update_time < $1 LIMIT $2))
"""
_DELETE_EVENTS = """
DELETE FROM webhook_event WHERE event_id = ANY(ARRAY(
    SELECT event_id FROM webhook_event e WHERE create_time < $1
    AND NOT EXISTS (SELECT FROM webhook_delivery d WHERE d.event_id = e.event_id) ORDER BY create_time LIMIT $2))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimedWebhook:
    """A delivery taken for a try, with what is sent and where."""

    delivery_id: str
    endpoint_id: str
    event_id: str
    url: str
    body: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookDeliveryFilter:
    """What ListWebhookDeliveries selects; None selects all.

    Attributes:
        create_time_before, update_time_before: Exclusive; other bounds belong to their range.
    """

    merchant_id: str | None
    endpoint_id: str | None
    event_id: str | None
    state: WebhookDeliveryState | None
    create_time_min: datetime | None
    create_time_before: datetime | None
    update_time_min: datetime | None = None
    update_time_before: datetime | None = None
    oldest_first: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayedEvents:
    """Which events are replayed.

    Attributes:
        create_time_before: Exclusive.
    """

    merchant_id: str
    event_types: tuple[str, ...]
    create_time_min: datetime
    create_time_before: datetime


class WebhookDeliveries(Table[str, WebhookDelivery]):
    """The table `webhook_delivery`: they change under the locks of their endpoints."""

    async def claim(
        self,
        tx: Tx,
        endpoint_ids: Sequence[str],
        *,
        at: datetime,
        slots: int,
        limit: int,
        lease: timedelta,
        without: Sequence[str],
    ) -> list[ClaimedWebhook]:
        """Take deliveries that are due at a real time, for locked endpoints, until their lease ends.

        Args:
            tx: Has locked the endpoints.
            endpoint_ids: The endpoints.
            at: Real time.
            slots: Deliveries to one endpoint at one time.
            limit: Deliveries in all.
            lease: How long they are taken for; what is not recorded by then is due again.
            without: Deliveries to pass by.
        """
        if not endpoint_ids:
            return []
        rows = await tx.fetch(_CLAIM, list(endpoint_ids), at, slots, HEAD_ROWS_MAX, limit, at + lease, list(without))
        return [ClaimedWebhook(**row) for row in rows]

    async def pending(self, tx: Tx, delivery_ids: Sequence[str]) -> list[str]:
        """Return which of these deliveries are still to be made."""
        return [row["delivery_id"] for row in await tx.fetch(_SELECT_PENDING, list(delivery_ids))]

    async def of_events(self, tx: Tx, endpoint_id: str, event_ids: Collection[str]) -> Rows[str, WebhookDelivery]:
        """Lock the deliveries of events to an endpoint."""
        return await self.lock_where(
            tx, "endpoint_id = $1 AND event_id = ANY($2::text[])", endpoint_id, list(event_ids)
        )

    async def hasten(self, tx: Tx, endpoint_ids: Collection[str], at: datetime) -> None:
        """Have what is pending for endpoints tried at a real time, where it would be later."""
        if endpoint_ids:
            await tx.run(_HASTEN, sorted(endpoint_ids), at)

    async def end_pending(self, tx: Tx, reasons: Sequence[tuple[str, str]]) -> None:
        """End what is pending for endpoints that take nothing any more, each with its reason."""
        if reasons:
            await tx.run(_END_PENDING, [pair[0] for pair in reasons], [pair[1] for pair in reasons], tx.now)

    async def expire(self, tx: Tx, before: datetime, *, limit: int) -> None:
        """Give up deliveries that have waited since before a time, as those to endpoints that stay paused."""
        await tx.run(_EXPIRE, before, limit, tx.now)

    async def list(
        self, tx: Tx, selection: WebhookDeliveryFilter, *, after: TimeKey | None, limit: int
    ) -> Found[WebhookDelivery]:
        """List deliveries as asked for, from after a (create_time, delivery_id) on."""
        return await delivery_walk.page(tx, selection, after=after, limit=limit)


deliveries = WebhookDeliveries(
    WebhookDelivery,
    "webhook_delivery",
    key="delivery_id",
    changing=(
        *("state", "failure_reason", "attempt_count", "attempt_total", "replay_count", "due_time", "lease_time"),
        "update_time",
    ),
)


delivery_walk = Walk(deliveries, scopes=(("endpoint_id",), ("merchant_id",)), unique=(("endpoint_id", "event_id"),))


class WebhookEvents(Table[str, WebhookEvent]):
    """The table `webhook_event`."""

    async def of_merchant(self, tx: Tx, merchant_id: str, event_id: str) -> WebhookEvent | None:
        """Read one that is kept for a merchant."""
        found = await self.select(tx, "event_id = $1 AND merchant_id = $2", event_id, merchant_id)
        return found[0] if found else None

    async def select_replayed(
        self, tx: Tx, wanted: ReplayedEvents, *, after: TimeKey | None, limit: int
    ) -> list[WebhookEvent]:
        """Read a merchant's events, oldest first, from after a (create_time, event_id) on."""
        conditions, args = where(
            ("merchant_id = {}", wanted.merchant_id),
            ("event_type = ANY({}::text[])", list(wanted.event_types)),
            ("create_time >= {}", wanted.create_time_min),
            ("create_time < {}", wanted.create_time_before),
            ("(create_time, event_id) > ({}, {})", *(after or (None, None))),
        )
        order = f"ORDER BY create_time, event_id LIMIT ${len(args) + 1}"
        return await self.select(tx, f"{conditions} {order}", *args, limit)


events = WebhookEvents(WebhookEvent, "webhook_event", key="event_id")

attempts: Table[tuple[str, int], WebhookAttempt] = Table(
    WebhookAttempt, "webhook_attempt", key=("delivery_id", "attempt_number")
)


async def attempts_of(tx: Tx, delivery_id: str) -> list[WebhookAttempt]:
    """Read the newest tries of a delivery, oldest first, at most ATTEMPTS_SHOWN_MAX."""
    condition = "delivery_id = $1 ORDER BY attempt_number DESC LIMIT $2"
    return (await attempts.select(tx, condition, delivery_id, ATTEMPTS_SHOWN_MAX))[::-1]


async def delete_old(tx: Tx, before: datetime, *, limit: int) -> bool:
    """Forget deliveries that ended before a time, and events without deliveries; True if there may be more."""
    ended = await tx.run(_DELETE_DELIVERIES, before, limit)
    return max(ended, await tx.run(_DELETE_EVENTS, before, limit)) == limit
