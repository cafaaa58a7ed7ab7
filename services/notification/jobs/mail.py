"""Sending notifications: as many at once as there are slots, so that a slow one holds up nothing but its own slot.

Each is taken in one transaction, looked up, written and handed over in none, and recorded in another. What is lost
between, down to the process itself, leaves a notification that is SENDING with a lease.
"""

import asyncio
import time
from collections.abc import Mapping
from functools import partial

import grpc
import jinja2
import structlog
from prometheus_client import Counter, Gauge

from paykit.base import peer_calls
from paykit.base.errors import UnavailableError
from paykit.process.runtime import Runtime
from paykit.serve.operations import unanswered
from services.notification import commands, store
from services.notification.commands.notification import RecordTry
from services.notification.domain.notification import DeliveryOutcome, DeliveryResult, Notification, NotificationState
from services.notification.jobs import composing, looking_up, smtp
from services.notification.jobs.looking_up import Recipient
from services.notification.jobs.smtp import MailServer

SLOTS_MAX = 32
"""Mails that one process sends at once."""
SEND_EVERY_S = 0.5
"""Between two looks for what is due, while nothing is being sent and while something is."""
ROUNDS_PER_RUN_MAX = 1_000
"""Looks for what is due over one set of connections to the other services."""
SEND_WITHIN_S = 60.0
"""From the claim to the mail server: a process that stood still longer sends nothing, as its lease may be over."""
STOP_WAIT_S_MAX = 5.0
"""How long a process that ends lets mails go that it is sending."""
RECORD_TRIES_MAX = 60
"""Times that an outcome is recorded anew while PostgreSQL cannot be reached."""
RECORD_PAUSE_S = 2.0
REPORT_EVERY_S = 30.0

TRIES = Counter("paystream_notification_tries_total", "Tries to send notifications.", ["outcome"])
ENDED = Counter("paystream_notifications_ended_total", "Notifications that have ended.", ["template", "state"])
OPEN = Gauge("paystream_notifications_open", "Notifications that wait to be sent, or are being sent.")
OVERDUE = Gauge("paystream_notifications_overdue_seconds", "Seconds that the longest due one has been due.")
UNSENT = Gauge("paystream_notifications_unsent", "Notifications that were not sent, by state.", ["state"])

_RECORD = unanswered("RecordTry", commands.notification.record_tries)
_ENDED_STATES = frozenset({NotificationState.SENT, NotificationState.FAILED, NotificationState.UNKNOWN})

_log = structlog.get_logger()

_Channels = Mapping[str, grpc.aio.Channel]


async def send_mails(runtime: Runtime) -> bool:
    """Send what is due until nothing is; True when there may be more."""
    server = smtp.server_of(runtime.settings)
    if server is None or not (runtime.fails("send_mails") or await runtime.read(store.notifications.any_due)):
        return False
    in_flight: set[asyncio.Task[None]] = set()
    async with peer_calls.open_channels(runtime.settings.peers) as channels:
        try:
            for _ in range(ROUNDS_PER_RUN_MAX):
                free = SLOTS_MAX - len(in_flight)
                for notification in await _start(runtime, limit=free) if free else []:
                    in_flight.add(asyncio.create_task(_send(runtime, server, channels, notification)))
                if not in_flight:
                    return False
                _, in_flight = await asyncio.wait(in_flight, timeout=SEND_EVERY_S, return_when=asyncio.FIRST_COMPLETED)
            return True
        finally:
            await _let_go(in_flight)


async def report_mail(runtime: Runtime) -> bool:
    """Set the metrics of what waits and of what was not sent. Says that there is no more."""
    queue = await runtime.read(store.mail_queue)
    OPEN.set(queue.open)
    OVERDUE.set(max(queue.overdue_s, 0.0))
    for state in (NotificationState.FAILED, NotificationState.UNKNOWN):
        UNSENT.labels(state).set(queue.failed if state is NotificationState.FAILED else queue.unknown)
    return False


async def _start(runtime: Runtime, *, limit: int) -> list[Notification]:
    started = await runtime.isolated("send_mails", partial(commands.notification.start_tries, limit=limit))
    return [notification for part in started for notification in part]


async def _let_go(in_flight: set[asyncio.Task[None]]) -> None:
    """Let mails on their way arrive, for a while: one that is cut off is in doubt."""
    if in_flight:
        _, late = await asyncio.wait(in_flight, timeout=STOP_WAIT_S_MAX)
        for task in late:
            task.cancel()


async def _send(runtime: Runtime, server: MailServer, channels: _Channels, notification: Notification) -> None:
    """Send one mail and record what came of it."""
    try:
        result = await _result(runtime, server, channels, notification)
    except Exception as error:  # noqa: BLE001 - whatever it is, the other mails go on
        # By its type alone: a text could show an address.
        _log.error("mail_not_sent", notification_id=notification.notification_id, error=type(error).__name__)
        result = DeliveryResult(outcome=DeliveryOutcome.DEFERRED, reason="INTERNAL_ERROR")
    TRIES.labels(result.outcome).inc()
    await _record(runtime, notification, result)


async def _result(
    runtime: Runtime, server: MailServer, channels: _Channels, notification: Notification
) -> DeliveryResult:
    since = time.monotonic()
    found = await looking_up.recipient_of(runtime, channels, notification)
    if not isinstance(found, Recipient):
        return found
    sender = runtime.settings.mail_from_address or ""
    try:
        message, language = composing.compose(notification, found.about, sender=sender, recipient=found.address)
    except (jinja2.TemplateError, ValueError) as error:
        _log.error("mail_not_written", notification_id=notification.notification_id, error=type(error).__name__)
        return DeliveryResult(outcome=DeliveryOutcome.DEFERRED, reason="NOT_WRITTEN")
    if time.monotonic() - since > SEND_WITHIN_S:
        return DeliveryResult(outcome=DeliveryOutcome.DEFERRED, reason="SENDER_LATE")
    result = await smtp.hand_over(server, sender=sender, recipient=found.address, message=message)
    return DeliveryResult(
        outcome=result.outcome,
        reason=result.reason,
        smtp_code=result.smtp_code,
        detail=result.detail,
        locale=language,
    )


async def _record(runtime: Runtime, notification: Notification, result: DeliveryResult) -> None:
    """Record what came of a try, again and again while PostgreSQL is away: a lost word of the server is a doubt."""
    item = RecordTry(notification_id=notification.notification_id, try_number=notification.try_total, result=result)
    for _ in range(RECORD_TRIES_MAX):
        try:
            concluded: Notification = await runtime.change(_RECORD, item)
        except UnavailableError:
            await asyncio.sleep(RECORD_PAUSE_S)
        except Exception as error:  # noqa: BLE001 - one mail's; when its lease ends it is in doubt, and tried again
            runtime.set_aside("send_mails", notification.notification_id, error)
            return
        else:
            runtime.settle("send_mails", [notification.notification_id])
            if concluded.state in _ENDED_STATES:
                ENDED.labels(concluded.template, concluded.state).inc()
            return
    _log.error("mail_not_recorded", notification_id=notification.notification_id, outcome=result.outcome)
