"""A notification: one mail to one recipient about one event, and what becomes of it. Pure.

It holds no address: whom it goes to is looked up for each try. A try that ends without a word of the mail server on a
mail that it got leaves a doubt. The mail may have arrived; it is sent once more under the same Message-ID, by which a
receiver knows it again, and a second doubt ends it UNKNOWN. A process that died while sending leaves the same doubt.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType

from paykit import transitions
from paykit.clock import no_earlier
from paykit.errors import DomainError, Kind
from paystream.notification.v1 import events
from services.notification.domain.topics import RecipientKind

TRIES_MAX = 80
"""Tries since a notification was queued, before it is given up: with the delays below, about three days."""
RETRY_DELAY_S_MIN = 10
"""From the end of the first try to the second; each later delay is twice the one before."""
RETRY_DELAY_S_MAX = 3_600
LEASE = timedelta(minutes=5)
"""How long a try may take, in real time; a sender gives up long before."""
DOUBTS_MAX = 2
"""Doubtful tries before it is left to people."""

GIVEN_UP = "GIVEN_UP"
"""The reason after TRIES_MAX tries; the last try says why that one was."""


class NotificationState(StrEnum):
    """How far a notification has come."""

    QUEUED = "QUEUED"
    SENDING = "SENDING"
    SENT = "SENT"
    FAILED = "FAILED"
    UNKNOWN = "UNKNOWN"
    SUPPRESSED = "SUPPRESSED"


class NotificationAction(StrEnum):
    """What can happen to a notification."""

    SEND = "SEND"
    ACCEPT = "ACCEPT"
    DEFER = "DEFER"
    FAIL = "FAIL"
    LEAVE = "LEAVE"
    SUPPRESS = "SUPPRESS"
    RESEND = "RESEND"


class DeliveryOutcome(StrEnum):
    """How a try ended."""

    ACCEPTED = "ACCEPTED"
    DEFERRED = "DEFERRED"
    REFUSED = "REFUSED"
    IN_DOUBT = "IN_DOUBT"
    SUPPRESSED = "SUPPRESSED"


_S, _A = NotificationState, NotificationAction

TRANSITIONS: Mapping[tuple[NotificationState, NotificationAction], NotificationState] = MappingProxyType(
    {
        (_S.QUEUED, _A.SEND): _S.SENDING,
        (_S.SENDING, _A.ACCEPT): _S.SENT,
        (_S.SENDING, _A.DEFER): _S.QUEUED,
        (_S.SENDING, _A.FAIL): _S.FAILED,
        (_S.SENDING, _A.LEAVE): _S.UNKNOWN,
        (_S.SENDING, _A.SUPPRESS): _S.SUPPRESSED,
        **{(state, _A.RESEND): _S.QUEUED for state in (_S.SENT, _S.FAILED, _S.UNKNOWN, _S.SUPPRESSED)},
    }
)
"""The state after an action; a pair that is missing is illegal."""


_FINAL: Mapping[DeliveryOutcome, NotificationAction] = MappingProxyType(
    {
        DeliveryOutcome.ACCEPTED: _A.ACCEPT,
        DeliveryOutcome.REFUSED: _A.FAIL,
        DeliveryOutcome.SUPPRESSED: _A.SUPPRESS,
    }
)
"""What ends a notification, whatever was tried before."""


class NotificationNotFound(DomainError):
    """No notification has this id."""

    kind = Kind.NOT_FOUND
    reason = "NOTIFICATION_NOT_FOUND"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """One mail to one recipient about one event.

    Attributes:
        group_key: What is told once to each recipient: the event, or what it shares with others.
        event_id: Of the event that it tells of.
        record: That event's record name.
        recipient_no: From 0, tells the recipients of one kind apart.
        recipient: Digest of the address in the merchant's preferences; None for the one that the kind implies.
        contact_id: The order or payment whose receipt contact a payer's mail goes to; None for others.
        facts: JSON of what the template tells.
        reason: Why it ended, or waits.
        detail: What the mail server said last, without addresses.
        locale: Language of its last rendering.
        try_count: Tries since it was queued, or queued anew.
        try_total: Tries at all.
        doubt_count: Doubtful tries since it was queued, or queued anew.
        message_no: How often it was resent after it had been SENT: part of its Message-ID.
        due_time: In real time: while QUEUED, when it is tried; while SENDING, when the try is in doubt; None once it
            has ended.
        aggregate_version: From 0, one more with every event.
    """

    notification_id: str
    group_key: str
    event_id: str
    record: str
    template: str
    recipient_kind: RecipientKind
    recipient_no: int
    recipient: str | None
    contact_id: str | None
    merchant_id: str | None
    resource_id: str
    correlation_id: str
    facts: str
    state: NotificationState = NotificationState.QUEUED
    reason: str | None = None
    detail: str | None = None
    locale: str | None = None
    try_count: int = 0
    try_total: int = 0
    doubt_count: int = 0
    resend_count: int = 0
    message_no: int = 0
    due_time: datetime | None
    send_time: datetime | None = None
    traceparent: str | None = None
    aggregate_version: int = 0
    create_time: datetime
    update_time: datetime

    @property
    def message_name(self) -> str:
        """The Message-ID of its mail before the @: the same for every try of the same mail."""
        return f"{self.notification_id}.{self.message_no}" if self.message_no else self.notification_id


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryTry:
    """One try to send a notification; it has no outcome while it is being made."""

    notification_id: str
    try_number: int
    outcome: DeliveryOutcome | None = None
    reason: str | None = None
    smtp_code: int | None = None
    detail: str | None = None
    start_time: datetime
    end_time: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryResult:
    """What came of a try.

    Attributes:
        reason: UPPER_SNAKE; None where it was accepted.
        smtp_code: The mail server's, if it gave one.
        detail: What it said, without addresses.
        locale: Language of the mail, if it was rendered.
    """

    outcome: DeliveryOutcome
    reason: str | None = None
    smtp_code: int | None = None
    detail: str | None = None
    locale: str | None = None


def not_found(notification_id: str) -> NotificationNotFound:
    """Make the refusal for an id that is not known."""
    return NotificationNotFound("No such notification.", field="notification_id", notification_id=notification_id)


def start(notification: Notification, *, now: datetime, real_now: datetime) -> tuple[Notification, DeliveryTry]:
    """Begin a try; one that has not ended when its lease is over is in doubt.

    Raises:
        IllegalTransition: It is not QUEUED.
    """
    state = _next_state(notification, NotificationAction.SEND)
    number = notification.try_total + 1
    started = replace(
        _changed(notification, state, now),
        try_count=notification.try_count + 1,
        try_total=number,
        due_time=real_now + LEASE,
    )
    return started, DeliveryTry(notification_id=started.notification_id, try_number=number, start_time=now)


def end(delivery_try: DeliveryTry, result: DeliveryResult, *, now: datetime) -> DeliveryTry:
    """End a try by what came of it."""
    return replace(
        delivery_try,
        outcome=result.outcome,
        reason=result.reason,
        smtp_code=result.smtp_code,
        detail=result.detail,
        end_time=no_earlier(now, delivery_try.start_time),
    )


def conclude(
    notification: Notification, result: DeliveryResult, *, now: datetime, real_now: datetime
) -> tuple[Notification, events.NotificationSent | events.NotificationFailed | None]:
    """Take what came of the try that is being made.

    Returns:
        The notification, and its event where it has ended with a mail that was taken, refused, given up or in doubt.

    Raises:
        IllegalTransition: No try is being made.
    """
    action, reason = _consequence(notification, result)
    state = _next_state(notification, action)
    in_doubt = result.outcome is DeliveryOutcome.IN_DOUBT
    changed = replace(
        _changed(notification, state, now),
        reason=reason,
        detail=result.detail,
        locale=result.locale or notification.locale,
        doubt_count=notification.doubt_count + in_doubt,
        due_time=real_now + retry_delay(notification.try_count) if state is NotificationState.QUEUED else None,
        send_time=now if action is NotificationAction.ACCEPT else None,
    )
    return _with_event(changed, result)


def resend(notification: Notification, *, now: datetime, real_now: datetime) -> Notification:
    """Queue a notification that has ended anew.

    Raises:
        IllegalTransition: It is on its way.
    """
    state = _next_state(notification, NotificationAction.RESEND)
    arrived = notification.state is NotificationState.SENT
    return replace(
        _changed(notification, state, now),
        reason=None,
        detail=None,
        try_count=0,
        doubt_count=0,
        resend_count=notification.resend_count + 1,
        message_no=notification.message_no + arrived,
        due_time=real_now,
        send_time=None,
    )


def retry_delay(try_count: int) -> timedelta:
    """Return the wait after this many tries."""
    doublings = min(try_count - 1, RETRY_DELAY_S_MAX.bit_length())
    return timedelta(seconds=min(RETRY_DELAY_S_MIN * 2**doublings, RETRY_DELAY_S_MAX))


def _consequence(notification: Notification, result: DeliveryResult) -> tuple[NotificationAction, str | None]:
    """Return what the result of a try does to its notification, and why."""
    if result.outcome in _FINAL:
        return _FINAL[result.outcome], result.reason
    doubts = notification.doubt_count + (result.outcome is DeliveryOutcome.IN_DOUBT)
    if doubts >= DOUBTS_MAX:
        return NotificationAction.LEAVE, result.reason
    if notification.try_count < TRIES_MAX:
        return NotificationAction.DEFER, result.reason
    return (NotificationAction.LEAVE if doubts else NotificationAction.FAIL), GIVEN_UP


def _with_event(
    notification: Notification, result: DeliveryResult
) -> tuple[Notification, events.NotificationSent | events.NotificationFailed | None]:
    if notification.state not in {NotificationState.SENT, NotificationState.FAILED, NotificationState.UNKNOWN}:
        return notification, None
    ended = replace(notification, aggregate_version=notification.aggregate_version + 1)
    return ended, _sent(ended) if ended.state is NotificationState.SENT else _failed(ended, result)


def _sent(notification: Notification) -> events.NotificationSent:
    return events.NotificationSent(
        occurred_at=notification.update_time,
        merchant_id=notification.merchant_id,
        correlation_id=notification.correlation_id,
        aggregate_version=notification.aggregate_version,
        notification_id=notification.notification_id,
        template=notification.template,
        recipient_kind=events.RecipientKind(notification.recipient_kind),
        notified_event_id=notification.event_id,
        resource_id=notification.resource_id,
        locale=notification.locale,
        try_count=notification.try_count,
        resend_count=notification.resend_count,
    )


def _failed(notification: Notification, result: DeliveryResult) -> events.NotificationFailed:
    return events.NotificationFailed(
        occurred_at=notification.update_time,
        merchant_id=notification.merchant_id,
        correlation_id=notification.correlation_id,
        aggregate_version=notification.aggregate_version,
        notification_id=notification.notification_id,
        template=notification.template,
        recipient_kind=events.RecipientKind(notification.recipient_kind),
        notified_event_id=notification.event_id,
        resource_id=notification.resource_id,
        locale=notification.locale,
        try_count=notification.try_count,
        resend_count=notification.resend_count,
        reason=notification.reason or "",
        smtp_code=result.smtp_code,
        in_doubt=notification.state is NotificationState.UNKNOWN,
    )


def _next_state(notification: Notification, action: NotificationAction) -> NotificationState:
    return transitions.next_state(TRANSITIONS, notification.state, action, what="A notification")


def _changed(notification: Notification, state: NotificationState, now: datetime) -> Notification:
    return replace(notification, state=state, update_time=no_earlier(now, notification.update_time))
