"""The SQL of notifications and their tries."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from paykit.paging import TimeKey
from paykit.postgres.database import Tx
from paykit.postgres.lists.walk import Found, Walk
from paykit.postgres.table import Table
from paykit.work import Rows
from services.notification.domain.notification import DeliveryTry, Notification, NotificationState
from services.notification.domain.topics import RecipientKind

TRIES_SHOWN_MAX = 100
"""Tries of one notification that GetNotification shows."""

_ANY_DUE = "SELECT EXISTS (SELECT FROM notification WHERE due_time <= clock_timestamp())"

_SELECT_OPEN = """
SELECT notification_id FROM notification
WHERE notification_id = ANY($1::text[]) AND state IN ('QUEUED', 'SENDING')
"""

_KNOWN_GROUPS = "SELECT DISTINCT group_key FROM notification WHERE group_key = ANY($1::text[])"

_MAIL_QUEUE = """
SELECT count(*) FILTER (WHERE due_time IS NOT NULL) AS open,
    count(*) FILTER (WHERE state = 'FAILED') AS failed,
    count(*) FILTER (WHERE state = 'UNKNOWN') AS unknown,
    coalesce(extract(epoch FROM clock_timestamp() - min(due_time)), 0)::float8 AS overdue_s
FROM notification WHERE state IN ('QUEUED', 'SENDING', 'FAILED', 'UNKNOWN')
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationFilter:
    """What ListNotifications selects; None selects all.

    Attributes:
        create_time_before, update_time_before: Exclusive; other bounds belong to their range.
    """

    merchant_id: str | None
    resource_id: str | None
    correlation_id: str | None
    template: str | None
    state: NotificationState | None
    recipient_kind: RecipientKind | None
    create_time_min: datetime | None
    create_time_before: datetime | None
    update_time_min: datetime | None = None
    update_time_before: datetime | None = None
    oldest_first: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MailQueue:
    """What waits to be sent.

    Attributes:
        open: Notifications that are QUEUED or SENDING.
        failed: That are FAILED.
        unknown: That are UNKNOWN.
        overdue_s: How long, in real time, the one has been due that was due first; below 0 where none is.
    """

    open: int
    failed: int
    unknown: int
    overdue_s: float


class Notifications(Table[str, Notification]):
    """The table `notification`."""

    async def known_groups(self, tx: Tx, group_keys: Collection[str]) -> set[str]:
        """Read which of these have made notifications."""
        return {row[0] for row in await tx.fetch(_KNOWN_GROUPS, group_keys)}

    async def any_due(self, tx: Tx) -> bool:
        """Return whether one is to be tried, or its try is in doubt."""
        return bool((await tx.fetch(_ANY_DUE))[0][0])

    async def claim_due(self, tx: Tx, state: NotificationState, *, limit: int) -> Rows[str, Notification]:
        """Lock those in a state whose time has come, the longest due first, as far as nobody else has them."""
        condition = "state = $1 AND due_time <= clock_timestamp() ORDER BY due_time LIMIT $2"
        return await self.claim_where(tx, condition, state, limit)

    async def wait(self, tx: Tx) -> None:
        """Have those of `tx.claims` that are not due yet, as they are being sent, be looked at again."""
        if missed := set(tx.claims.only).difference(tx.claims.taken):
            tx.claims.wait(row["notification_id"] for row in await tx.fetch(_SELECT_OPEN, sorted(missed)))

    async def list(
        self, tx: Tx, selection: NotificationFilter, *, after: TimeKey | None, limit: int
    ) -> Found[Notification]:
        """List notifications as asked for, from after a (create_time, notification_id) on."""
        return await notification_walk.page(tx, selection, after=after, limit=limit)


notifications = Notifications(
    Notification,
    "notification",
    key="notification_id",
    changing=(
        *("state", "reason", "detail", "locale", "try_count", "try_total", "doubt_count", "resend_count"),
        *("message_no", "due_time", "send_time", "aggregate_version", "update_time"),
    ),
)

notification_walk = Walk(notifications, scopes=(("resource_id",), ("correlation_id",), ("merchant_id",), ("state",)))

ONCE_PER_RECIPIENT = ("group_key", "template", "recipient_kind", "recipient_no")
"""What no two notifications share."""

TryKey = tuple[str, int]
"""notification_id, try_number."""

tries: Table[TryKey, DeliveryTry] = Table(
    DeliveryTry,
    "delivery_try",
    key=("notification_id", "try_number"),
    changing=("outcome", "reason", "smtp_code", "detail", "end_time"),
)


async def tries_of(tx: Tx, notification_id: str) -> list[DeliveryTry]:
    """Read the latest tries of a notification, oldest first, at most TRIES_SHOWN_MAX."""
    condition = "notification_id = $1 ORDER BY try_number DESC LIMIT $2"
    return (await tries.select(tx, condition, notification_id, TRIES_SHOWN_MAX))[::-1]


async def real_time(tx: Tx) -> datetime:
    """Return the server's clock, by which tries are due: business time may be moved, and must not repeat a mail."""
    now: datetime = (await tx.fetch("SELECT clock_timestamp()"))[0][0]
    return now


async def mail_queue(tx: Tx) -> MailQueue:
    """Read what waits to be sent."""
    return MailQueue(**(await tx.fetch(_MAIL_QUEUE))[0])
