"""The notification process is killed while it posts webhooks and sends mails: all arrive, and few of them twice."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from paykit.base.config import Settings
from paykit.testing import hosts
from paystream.notification.v1 import notification_pb2 as pb
from paystream.payment.v1.events import PaymentSuccess
from paytools.localstack.parts import mail_sink
from services.channel.service import SERVICE as CHANNEL
from services.merchant.service import SERVICE as MERCHANT
from services.payment.service import SERVICE as PAYMENT
from tests.chaos.conftest import Launch
from tests.chaos.flow import Flow
from tests.line import topics
from tests.line.books import Books
from tests.line.clients import Clients, call, connected, new_merchant, new_request_id
from tests.line.draining import applied
from tests.line.mail import SlowSink, taken_by
from tests.line.processes import ServiceProcess
from tests.line.receiving import receiver
from tests.line.waiting import until
from tests.line.webhooks import WebhookInbox

pytestmark = pytest.mark.chaos

SEED = 20260303
MERCHANTS = 8
KILLS = 4
PAYMENTS = 48
"""Asked for at once before each kill; a few more come until the process is killed."""
BATCH = 12
PAUSE_S = 0.3
MORE_MAX = 1_000
ANSWER_S = (0.2, 1.0)
"""The least and most time that receivers and the mail server take to answer for what they have taken."""
DECLINED_MINOR = 9_001

POSTED = (
    "SELECT endpoint_id, event_id FROM notification.webhook_delivery WHERE state = 'PENDING' AND lease_time > now()"
)
SENT = "SELECT notification_id FROM notification.notification WHERE state = 'SENDING'"
END_LEASES = (
    "UPDATE notification.webhook_delivery SET lease_time = now() WHERE state = 'PENDING' AND lease_time > now()"
)
END_SENDING = """
UPDATE notification.notification SET due_time = now() WHERE state = 'SENDING' AND notification_id = ANY($1::text[])
"""
HASTEN = """
UPDATE notification.notification SET due_time = now() WHERE state = 'QUEUED' AND notification_id = ANY($1::text[])
"""
OPEN = """
SELECT (SELECT count(*) FROM notification.webhook_delivery WHERE state = 'PENDING')
    + (SELECT count(*) FROM notification.notification WHERE state IN ('QUEUED', 'SENDING'))
"""


@dataclass
class UnderWay:
    """What was under way when the process died: taken by it, and nothing recorded of what came of it.

    Attributes:
        webhooks: How often, by endpoint and event.
        mails: Notifications.
    """

    webhooks: Counter[tuple[str, str]] = field(default_factory=Counter)
    mails: set[str] = field(default_factory=set)


def answer_s(chance: random.Random = random.Random(SEED)) -> float:  # noqa: B008, S311 - one for all, chooses pauses
    return chance.uniform(*ANSWER_S)


@pytest.fixture
def mailbox(tmp_path: Path) -> Path:
    (tmp_path / "mail").mkdir()
    return tmp_path / "mail"


@pytest.fixture
def sink(mailbox: Path) -> SlowSink:
    return SlowSink(mailbox, answer_s)


@pytest.fixture
async def settings(settings: Settings, sink: SlowSink) -> AsyncIterator[Settings]:
    async with taken_by(sink) as sending:
        yield settings.model_copy(update=sending | {"webhook_loopback_allowed": True})


async def open_shop(clients: Clients, inbox: WebhookInbox) -> str:
    """Create a merchant with two endpoints that is mailed of each payment."""
    merchant_id = await new_merchant(clients, {"USD": (290, 30)})
    await inbox.register(clients, merchant_id, "payment.*")
    await inbox.register(clients, merchant_id, "PaymentSuccess", "PaymentFailed")
    told = pb.TopicPreference(template="payment_success", payer_muted=True, addresses=["till@shop.example"])
    quiet = pb.TopicPreference(template="payment_failed", payer_muted=True)
    request = pb.SetPreferencesRequest(request_id=new_request_id(), merchant_id=merchant_id, topics=[told, quiet])
    await call(clients.notification.SetPreferences, request)
    return merchant_id


async def kill_again_and_again(
    notification: ServiceProcess, kept: Books, flow: Flow, sending: Callable[[], bool]
) -> UnderWay:
    """Kill the process while receivers and the mail server are about to answer it, restarting it at once."""
    under_way = UnderWay()
    for _ in range(KILLS):
        await flow.run(PAYMENTS, batch=BATCH, pause_s=0.0)
        paying = asyncio.create_task(flow.run(MORE_MAX, batch=1, pause_s=PAUSE_S))

        async def is_sending() -> bool:
            return sending()

        try:
            await until(is_sending)
            await notification.kill()
        finally:
            paying.cancel()
        await note(kept, under_way)
        notification.spawn()
    return under_way


async def note(kept: Books, under_way: UnderWay) -> None:
    """Note what a dead process left, and let the time pass for which it had taken webhooks; mails wait longer."""
    await until(lambda: _gone(kept))
    posted = [(row["endpoint_id"], row["event_id"]) for row in await kept.rows(POSTED)]
    sent = {row["notification_id"] for row in await kept.rows(SENT)} - under_way.mails
    under_way.webhooks.update(posted)
    under_way.mails |= sent
    await kept.rows(END_LEASES)


async def _gone(kept: Books) -> bool:
    sessions = """
        SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND usename = 'paystream_notification'
    """
    return await kept.number(sessions) == 0


async def test_every_webhook_and_mail_arrives_and_only_what_was_under_way_twice_however_often_notification_is_killed(
    settings: Settings, launch: Launch, kept: Books, mailbox: Path, sink: SlowSink
) -> None:
    notification = launch("notification")
    async with (
        hosts.hosted([MERCHANT, PAYMENT, CHANNEL], settings),
        connected(
            dict.fromkeys(("merchant", "payment"), settings.grpc_address) | {"notification": notification.address}
        ) as clients,
        receiver() as server,
    ):
        await notification.start()
        inbox = WebhookInbox(server, pause_s=answer_s)
        shops = [await open_shop(clients, inbox) for _ in range(MERCHANTS)]
        flow = Flow(clients, shops, lambda number: 1_000 if number % 20 else DECLINED_MINOR)
        await flow.begin(MERCHANTS)
        under_way = await kill_again_and_again(
            notification, kept, flow, sending=lambda: bool(inbox.unanswered and sink.unanswered)
        )
        await kept.rows(END_SENDING, list(under_way.mails))
        await until(lambda: _all_ended(settings, kept, under_way))
        told = topics.once(await topics.events(settings, "payment.events"))
        assert inbox.differences(told) == []
        assert_posted_once(inbox, under_way)
        await assert_mailed_once(kept, mailbox, told=told, under_way=under_way)


async def _all_ended(settings: Settings, kept: Books, under_way: UnderWay) -> bool:
    """Say whether nothing waits any more; mails in doubt need not wait for their next try."""
    await kept.rows(HASTEN, list(under_way.mails))
    payments = await kept.number("SELECT count(*) FROM payment.payment WHERE state NOT IN ('SUCCEEDED', 'FAILED')")
    if payments or not await kept.drained("payment"):
        return False
    return await applied(settings, kept, "notification") and await kept.number(OPEN) == 0


def assert_posted_once(inbox: WebhookInbox, under_way: UnderWay) -> None:
    """Nothing is posted again but what was under way when the process died, and no more often than it died so."""
    again = Counter(
        {
            (endpoint_id, event_id): count - 1
            for endpoint_id, taken in inbox.taken.items()
            for event_id, count in taken.items()
        }
    )
    assert again - under_way.webhooks == Counter()
    assert again.total() > 0, "no receiver was asked again: nothing was proved"


async def assert_mailed_once(kept: Books, mailbox: Path, *, told: Sequence[Any], under_way: UnderWay) -> None:
    """Each payment is mailed of once under its own Message-ID, and what was under way once more at most."""
    mails = Counter(
        each.header("Message-ID")
        for each in mail_sink.kept(mailbox)
        if each.header("X-Paystream-Template") == "payment_success"
    )
    rows = await kept.rows(
        "SELECT notification_id, event_id, state FROM notification.notification WHERE template = $1", "payment_success"
    )
    assert {row["state"] for row in rows} == {"SENT"}
    assert {row["event_id"] for row in rows} == {each.event_id for each in told if type(each) is PaymentSuccess}
    assert mails.keys() == {message_id(row["notification_id"]) for row in rows}
    twice = Counter({name: count - 1 for name, count in mails.items()})
    assert twice - Counter(map(message_id, under_way.mails)) == Counter()
    assert twice.total() > 0, "no mail was sent again: nothing was proved"


def message_id(notification_id: str) -> str:
    return f"<{notification_id}@paystream.example>"
