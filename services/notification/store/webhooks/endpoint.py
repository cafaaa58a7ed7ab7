"""The SQL of endpoints and of what is known of their secrets."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from paykit.paging import TimeKey
from paykit.postgres.database import Tx
from paykit.postgres.lists.walk import Found, Walk
from paykit.postgres.table import Table
from paykit.work import Rows
from services.notification.domain.webhooks.endpoint import WebhookEndpoint, WebhookEndpointState
from services.notification.domain.webhooks.secret import WebhookSecret

_LIVING = "state <> 'DELETED'"
_SIGNING_COUNT = """
(SELECT count(*) FROM webhook_secret s
 WHERE s.endpoint_id = webhook_endpoint.endpoint_id AND (s.expire_time IS NULL OR s.expire_time > clock_timestamp()))
"""
_COUNT_LIVING = """
SELECT merchant_id, count(*) AS endpoints FROM webhook_endpoint
WHERE merchant_id = ANY($1::text[]) AND state <> 'DELETED' GROUP BY merchant_id
"""
# One at a time per merchant, so that two of them together cannot exceed what one may have.
_LOCK_MERCHANTS = """
SELECT pg_advisory_xact_lock(hashtextextended('webhook_endpoint ' || merchant_id, 0))
FROM (SELECT DISTINCT unnest($1::text[]) AS merchant_id ORDER BY 1) AS merchant
"""

# Steps from one endpoint that has something pending to the next, past all its rows.
_WAITING = """
WITH RECURSIVE waiting AS (
    (SELECT endpoint_id FROM webhook_delivery WHERE state = 'PENDING' ORDER BY endpoint_id LIMIT 1)
    UNION ALL
    SELECT (SELECT d.endpoint_id FROM webhook_delivery d
            WHERE d.state = 'PENDING' AND d.endpoint_id > waiting.endpoint_id ORDER BY d.endpoint_id LIMIT 1)
    FROM waiting WHERE waiting.endpoint_id IS NOT NULL
)
SELECT endpoint_id FROM waiting JOIN webhook_endpoint e USING (endpoint_id)
CROSS JOIN LATERAL (SELECT min(due_time) AS due_time FROM webhook_delivery d
                    WHERE d.endpoint_id = e.endpoint_id AND d.state = 'PENDING'
                    AND (d.lease_time IS NULL OR d.lease_time <= $1)) AS first
WHERE e.state = 'ENABLED' AND (e.rest_until_time IS NULL OR e.rest_until_time <= $1)
    AND (e.failure_count >= $2) = $3 AND first.due_time <= $1
    AND (SELECT count(*) FROM webhook_delivery f WHERE f.endpoint_id = e.endpoint_id AND f.lease_time > $1) < $4
ORDER BY first.due_time
"""

_COUNT_BY_STATE = "SELECT state, count(*) AS endpoints FROM webhook_endpoint WHERE state <> 'DELETED' GROUP BY state"
# Of each endpoint the first that is due, which its index leads to.
_OVERDUE = """
SELECT coalesce(extract(epoch FROM clock_timestamp() - min(first.due_time)), 0)::float8 AS overdue_s
FROM webhook_endpoint e
CROSS JOIN LATERAL (SELECT min(due_time) AS due_time FROM webhook_delivery d
                    WHERE d.endpoint_id = e.endpoint_id AND d.state = 'PENDING') AS first
WHERE e.state = 'ENABLED' AND e.failure_count = 0
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookEndpointFilter:
    """What ListWebhookEndpoints selects; None selects all.

    Attributes:
        create_time_before, update_time_before: Exclusive; other bounds belong to their range.
    """

    merchant_id: str
    state: WebhookEndpointState | None
    create_time_min: datetime | None
    create_time_before: datetime | None
    update_time_min: datetime | None = None
    update_time_before: datetime | None = None
    oldest_first: bool = False


class WebhookEndpoints(Table[str, WebhookEndpoint]):
    """The table `webhook_endpoint`."""

    async def count_living(self, tx: Tx, merchant_ids: Collection[str]) -> defaultdict[str, int]:
        """Count the endpoints of merchants that are not deleted; none is added meanwhile by another transaction."""
        await tx.fetch(_LOCK_MERCHANTS, list(merchant_ids))
        rows = await tx.fetch(_COUNT_LIVING, list(merchant_ids))
        return defaultdict(int, {row["merchant_id"]: row["endpoints"] for row in rows})

    async def keeping(self, tx: Tx, merchant_ids: Collection[str]) -> list[WebhookEndpoint]:
        """Read the endpoints of merchants for which what comes is kept."""
        condition = "merchant_id = ANY($1::text[]) AND state IN ('ENABLED', 'PAUSED', 'FAILING')"
        return await self.select(tx, condition, sorted(merchant_ids))

    async def waiting(self, tx: Tx, *, at: datetime, failures_min: int, failing: bool, slots: int) -> list[str]:
        """Name the endpoints that have slots left and for which something is due, the longest due first.

        Args:
            tx: The transaction.
            at: Real time.
            failures_min: How many failed tries in a row make an endpoint a failing one.
            failing: Whether failing ones are wanted, or the others.
            slots: Deliveries to one endpoint at one time.
        """
        return [row["endpoint_id"] for row in await tx.fetch(_WAITING, at, failures_min, failing, slots)]

    async def by_state(self, tx: Tx) -> dict[str, int]:
        """Count the endpoints that are not deleted, by state."""
        return {row["state"]: row["endpoints"] for row in await tx.fetch(_COUNT_BY_STATE)}

    async def overdue_s(self, tx: Tx) -> float:
        """Return for how many seconds the longest due delivery to an endpoint that takes what it is sent is due."""
        return max(float((await tx.fetch(_OVERDUE))[0]["overdue_s"]), 0.0)

    async def claim(self, tx: Tx, endpoint_ids: Sequence[str]) -> Rows[str, WebhookEndpoint]:
        """Lock endpoints that are delivered to, as far as nobody else has them."""
        condition = "endpoint_id = ANY($1::text[]) AND state = 'ENABLED' ORDER BY endpoint_id"
        return await self.claim_where(tx, condition, list(endpoint_ids))

    async def list(
        self, tx: Tx, selection: WebhookEndpointFilter, *, after: TimeKey | None, limit: int
    ) -> Found[WebhookEndpoint]:
        """List a merchant's endpoints as asked for, from after a (create_time, endpoint_id) on."""
        walk = endpoint_walk if selection.state is not None else living_walk
        return await walk.page(tx, selection, after=after, limit=limit)


endpoints = WebhookEndpoints(
    WebhookEndpoint,
    "webhook_endpoint",
    key="endpoint_id",
    changing=(
        *("url", "event_filters", "description", "state", "revision", "failing_since_time", "failure_count"),
        *("rest_until_time", "update_time"),
    ),
    computed={"secret_count": _SIGNING_COUNT},
    sql_types={"event_filters": "text"},
    readers={"event_filters": lambda text: tuple(text.split())},
    writers={"event_filters": lambda endpoint: " ".join(endpoint.event_filters)},
)


endpoint_walk = Walk(endpoints, scopes=(("merchant_id",),))
living_walk = Walk(endpoints, scopes=(("merchant_id",),), where=_LIVING)
"""Where no state is asked for; of one merchant there are few that are deleted."""


class WebhookSecrets(Table[tuple[str, int], WebhookSecret]):
    """The table `webhook_secret`, which holds no secret."""

    async def of(self, tx: Tx, endpoint_ids: Collection[str]) -> dict[str, list[WebhookSecret]]:
        """Read what is known of the secrets of endpoints, the newest first."""
        condition = "endpoint_id = ANY($1::text[]) ORDER BY endpoint_id, number DESC"
        found: defaultdict[str, list[WebhookSecret]] = defaultdict(list)
        for secret in await self.select(tx, condition, sorted(endpoint_ids)):
            found[secret.endpoint_id].append(secret)
        return found


secrets = WebhookSecrets(WebhookSecret, "webhook_secret", key=("endpoint_id", "number"), changing=("expire_time",))
