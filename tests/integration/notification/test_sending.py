"""Mail servers that are down, slow, refuse or break off: nothing is lost, nor sent twice where SMTP can tell."""

import asyncio
import re
from collections.abc import Iterator
from typing import Any

import pytest

from paykit.ids import new_id
from paykit.testing.fake_server import FakeServer, fake_server
from paystream.merchant.v1 import merchant_pb2
from paystream.notification.v1 import events
from paystream.notification.v1 import notification_pb2 as pb
from services.notification import jobs
from services.notification.domain.notification import TRIES_MAX
from tests.integration.notification.conftest import Office, example
from tests.integration.notification.mail_server import MailServer, breaking_server, mail_server
from tests.line.waiting import until

GET_MERCHANT = "paystream.merchant.v1.MerchantService/GetMerchant"
OWN = "owner@shop.example"
SENT, FAILED = pb.NOTIFICATION_STATE_SENT, pb.NOTIFICATION_STATE_FAILED
QUEUED, UNKNOWN = pb.NOTIFICATION_STATE_QUEUED, pb.NOTIFICATION_STATE_UNKNOWN
SUPPRESSED = pb.NOTIFICATION_STATE_SUPPRESSED


def shop(request: merchant_pb2.GetMerchantRequest) -> merchant_pb2.GetMerchantResponse:
    merchant = merchant_pb2.Merchant(merchant_id=request.merchant_id, display_name="Tea & Sons", contact_email=OWN)
    return merchant_pb2.GetMerchantResponse(merchant=merchant)


@pytest.fixture(scope="module")
def merchants() -> Iterator[FakeServer]:
    with fake_server({GET_MERCHANT: shop}) as fake:
        yield fake


@pytest.fixture
def sending(office: Office, merchants: FakeServer) -> Office:
    """The service with a merchant to ask, and no mail server yet."""
    use(office, port=1, peers={"merchant": merchants.address})
    return office


def use(office: Office, *, port: int, **changes: Any) -> None:
    """Have the service send through a mail server on this port."""
    given = {
        "mail_host": "127.0.0.1",
        "mail_port": port,
        "mail_security": "none",
        "mail_from_address": "pay@paystream.example",
        "mail_timeout_s": 2.0,
    }
    office.runtime.settings = office.runtime.settings.model_copy(update=given | changes)


def settled(office: Office, amount_minor: int = 125_000) -> Any:
    return example(
        "settlement.events",
        "SettlementCompleted",
        event_id=new_id("evt"),
        merchant_id=office.merchant_id,
        settlement_id=new_id("stl"),
        currency_code="USD",
        total_minor=amount_minor,
        net_minor=amount_minor,
        reserve_held_minor=0,
    )


async def run(office: Office, *, wait_s: float = 0.0) -> list[pb.Notification]:
    """Let what waits for its next try be due, send, and give the merchant's notifications."""
    await office.age(by_s=wait_s)
    await jobs.send_mails(office.runtime)
    return await office.listed(merchant_id=office.merchant_id)


async def taken(server: MailServer, count: int) -> bool:
    return len(server.mails) == count


def states(notifications: list[pb.Notification]) -> list[tuple[int, str]]:
    return [(notification.state, notification.reason) for notification in notifications]


async def counted(office: Office, sql: str) -> int:
    return int((await office.runtime.read(lambda tx: tx.fetch(sql)))[0][0])


async def outcomes(office: Office) -> list[tuple[int, str, int]]:
    (notification,) = await office.listed(merchant_id=office.merchant_id)
    tries = (await office.get(notification.notification_id)).tries
    return [(tried.outcome, tried.reason, tried.smtp_code) for tried in tries]


async def test_a_mail_reaches_the_merchant_once_with_all_that_it_says(sending: Office) -> None:
    async with mail_server() as server:
        use(sending, port=server.port)
        event = settled(sending)
        await sending.deliver(event)
        (notification,) = await run(sending)
        await run(sending, wait_s=10_000)
    ((recipient, message),) = server.mails
    assert (recipient, str(message["To"]), str(message["From"])) == (OWN, OWN, "Tea & Sons <pay@paystream.example>")
    assert str(message["Subject"]) == "Settlement of $1,250.00 completed"
    assert str(message["Message-ID"]) == f"<{notification.notification_id}@paystream.example>"
    plain, html = (message.get_body((kind,)) for kind in ("plain", "html"))
    assert plain is not None
    assert html is not None
    assert "Net amount: $1,250.00" in plain.get_content()
    assert "Tea &amp; Sons" in html.get_content()
    assert (notification.state, notification.try_count, notification.locale) == (SENT, 1, "en")
    (sent,) = await sending.told(notification.notification_id)
    assert isinstance(sent, events.NotificationSent)
    assert (sent.notified_event_id, sent.resource_id, sent.recipient_kind) == (
        event.event_id,
        event.settlement_id,
        events.RecipientKind.MERCHANT,
    )
    assert OWN not in repr(sent)


async def test_no_row_has_an_address(sending: Office) -> None:
    async with mail_server(MailServer(refusals={OWN: [f"450 <{OWN}> is busy", f"550 {OWN} is gone"]})) as server:
        use(sending, port=server.port)
        await sending.deliver(settled(sending))
        await run(sending)
        await run(sending, wait_s=10_000)
    for table in ("notification", "delivery_try"):
        sql = f"SELECT count(*) FROM {table} AS t WHERE t::text LIKE '%@%'"
        assert await counted(sending, sql) == 0
    assert [tried[1:] for tried in await outcomes(sending)] == [("RECIPIENT_REFUSED", 450), ("RECIPIENT_REFUSED", 550)]


async def test_a_server_that_is_down_loses_nothing_and_takes_the_mail_when_it_is_up(sending: Office) -> None:
    await sending.deliver(settled(sending))
    for _ in range(3):
        assert states(await run(sending, wait_s=10_000)) == [(QUEUED, "SERVER_UNAVAILABLE")]
    async with mail_server() as server:
        use(sending, port=server.port)
        assert states(await run(sending, wait_s=10_000)) == [(SENT, "")]
    assert len(server.mails) == 1
    assert [tried[1] for tried in await outcomes(sending)] == ["SERVER_UNAVAILABLE"] * 3 + [""]


async def test_a_try_waits_for_its_time(sending: Office) -> None:
    await sending.deliver(settled(sending))
    await run(sending)
    assert (await run(sending))[0].try_count == 1
    assert (await run(sending, wait_s=9))[0].try_count == 1
    assert (await run(sending, wait_s=10))[0].try_count == 2


async def test_a_recipient_refused_for_good_fails_at_once_and_one_refused_for_now_is_tried_again(
    sending: Office,
) -> None:
    gone, busy = "gone@shop.example", "busy@shop.example"
    await sending.prefer(pb.TopicPreference(template="settlement_completed", addresses=[gone, busy, OWN]))
    refusals = {gone: ["550 5.1.1 no such user"], busy: ["451 4.7.1 try again later"]}
    async with mail_server(MailServer(refusals=refusals)) as server:
        use(sending, port=server.port)
        await sending.deliver(settled(sending))
        first = await run(sending)
        assert sorted(states(first)) == sorted(
            [(FAILED, "RECIPIENT_REFUSED"), (QUEUED, "RECIPIENT_REFUSED"), (SENT, "")]
        )
        second = await run(sending, wait_s=60)
    assert sorted(states(second)) == sorted([(FAILED, "RECIPIENT_REFUSED"), (SENT, ""), (SENT, "")])
    assert sorted(recipient for recipient, _ in server.mails) == [busy, OWN]
    assert sorted(server.tries) == sorted([gone, busy, busy, OWN])
    failed = next(notification for notification in second if notification.state == FAILED)
    (event,) = await sending.told(failed.notification_id)
    assert isinstance(event, events.NotificationFailed)
    assert (event.reason, event.smtp_code, event.in_doubt) == ("RECIPIENT_REFUSED", 550, False)


@pytest.mark.parametrize("at", ["CONNECT", "MAIL", "RCPT", "DATA"])
async def test_a_connection_broken_before_the_mail_is_tried_again_as_if_nothing_had_been(
    sending: Office, at: str
) -> None:
    async with breaking_server(at, at) as server:
        use(sending, port=server.port)
        await sending.deliver(settled(sending))
        await run(sending)
        await run(sending, wait_s=100)
        assert states(await run(sending, wait_s=100)) == [(SENT, "")]
    assert len(server.bodies) == 1
    deferred = [tried[0] for tried in await outcomes(sending)]
    assert deferred == [pb.DELIVERY_OUTCOME_DEFERRED] * 2 + [pb.DELIVERY_OUTCOME_ACCEPTED]


@pytest.mark.parametrize(("at", "arrived"), [("BODY", 0), ("END", 1)])
async def test_a_connection_broken_after_the_mail_is_in_doubt_and_it_goes_once_more_as_the_same_mail(
    sending: Office, at: str, arrived: int
) -> None:
    async with breaking_server(at) as server:
        use(sending, port=server.port)
        await sending.deliver(settled(sending))
        assert states(await run(sending)) == [(QUEUED, "NO_ANSWER")]
        (notification,) = await run(sending, wait_s=100)
    assert notification.state == SENT
    assert len(server.bodies) == arrived + 1
    message_ids = {re.search(r"(?mi)^Message-ID: (\S+)", body)[1] for body in server.bodies}  # type: ignore[index]
    assert message_ids == {f"<{notification.notification_id}@paystream.example>"}
    assert (await outcomes(sending))[0][:2] == (pb.DELIVERY_OUTCOME_IN_DOUBT, "NO_ANSWER")


async def test_a_second_doubt_leaves_it_to_people_who_have_it_sent_as_the_same_mail(sending: Office) -> None:
    async with breaking_server("END", "END") as server:
        use(sending, port=server.port)
        await sending.deliver(settled(sending))
        await run(sending)
        (notification,) = await run(sending, wait_s=100)
        assert (notification.state, notification.reason) == (UNKNOWN, "NO_ANSWER")
        assert (await run(sending, wait_s=100_000))[0].state == UNKNOWN
        (event,) = await sending.told(notification.notification_id)
        assert (type(event).__name__, event.in_doubt) == ("NotificationFailed", True)
        again = await sending.resend(notification.notification_id)
        assert (again.state, again.message_name) == (QUEUED, notification.message_name)
        (sent,) = await run(sending)
    assert (sent.state, sent.try_count, sent.resend_count) == (SENT, 1, 1)
    assert len(server.bodies) == 3
    assert [event.aggregate_version for event in await sending.told(notification.notification_id)] == [1, 2]


@pytest.mark.parametrize(
    ("at", "reason"), [("CONNECT", "SERVER_TIMEOUT"), ("MAIL", "SERVER_TIMEOUT"), ("END", "NO_ANSWER")]
)
async def test_a_server_that_falls_silent_is_waited_for_no_longer_than_a_timeout(
    sending: Office, at: str, reason: str
) -> None:
    async with breaking_server(at, silent=True) as server:
        use(sending, port=server.port, mail_timeout_s=0.3)
        await sending.deliver(settled(sending))
        assert states(await run(sending)) == [(QUEUED, reason)]


async def test_a_slow_recipient_holds_up_no_other(sending: Office) -> None:
    slow = "slow@shop.example"
    await sending.prefer(pb.TopicPreference(template="settlement_completed", addresses=[slow, OWN]))
    async with mail_server(MailServer(stalled=frozenset({slow}))) as server:
        use(sending, port=server.port)
        await sending.deliver(*[settled(sending) for _ in range(5)])
        job = asyncio.create_task(jobs.send_mails(sending.runtime))
        await until(lambda: taken(server, 5))
        assert {recipient for recipient, _ in server.mails} == {OWN}
        # What comes while slow ones are being sent does not wait for them either.
        await sending.deliver(settled(sending))
        await until(lambda: taken(server, 6))
        assert {recipient for recipient, _ in server.mails} == {OWN}
        server.released.set()
        await job
    assert len(server.mails) == 12
    assert len(set(server.message_ids)) == 12


async def test_it_is_given_up_after_its_last_try(sending: Office) -> None:
    await sending.deliver(settled(sending))
    await sending.runtime.transaction(
        lambda tx: tx.run("UPDATE notification SET try_count = $1, try_total = $1", TRIES_MAX - 1)
    )
    (notification,) = await run(sending)
    assert (notification.state, notification.reason) == (FAILED, "GIVEN_UP")


async def test_a_sender_that_died_leaves_a_doubt(sending: Office) -> None:
    async with mail_server() as server:
        await sending.deliver(settled(sending))
        await sending.start()
        use(sending, port=server.port)
        assert (await run(sending, wait_s=100))[0].state == pb.NOTIFICATION_STATE_SENDING
        # Its lease is over; then it is tried once more, after the wait that any try is followed by.
        assert states(await run(sending, wait_s=300)) == [(QUEUED, "SENDER_LOST")]
        assert states(await run(sending, wait_s=100)) == [(SENT, "")]
    assert len(server.mails) == 1


async def test_a_merchant_that_cannot_be_asked_for_is_asked_again(sending: Office, merchants: FakeServer) -> None:
    async with mail_server() as server:
        use(sending, port=server.port, peers={"merchant": "127.0.0.1:1"})
        await sending.deliver(settled(sending))
        assert states(await run(sending)) == [(QUEUED, "PEER_UNAVAILABLE")]
        use(sending, port=server.port, peers={"merchant": merchants.address})
        assert states(await run(sending, wait_s=100)) == [(SENT, "")]


async def test_an_address_that_was_taken_out_gets_nothing(sending: Office) -> None:
    former = "former@shop.example"
    await sending.prefer(pb.TopicPreference(template="settlement_completed", addresses=[former]))
    await sending.deliver(settled(sending))
    await sending.prefer()
    async with mail_server() as server:
        use(sending, port=server.port)
        assert states(await run(sending)) == [(SUPPRESSED, "ADDRESS_REMOVED")]
    assert server.mails == []


async def test_a_mail_that_was_sent_goes_out_again_as_another_and_one_on_its_way_does_not(sending: Office) -> None:
    async with mail_server() as server:
        use(sending, port=server.port)
        await sending.deliver(settled(sending))
        (notification,) = await run(sending)
        again = await sending.resend(notification.notification_id)
        assert again.message_name == f"{notification.notification_id}.1"
        await run(sending)
    assert len(set(server.message_ids)) == 2


async def test_a_mail_refused_after_it_was_written_fails_or_is_tried_again_by_the_code(sending: Office) -> None:
    async with mail_server(MailServer(data_answers=["452 4.3.1 disk full", "554 5.7.1 spam"])) as server:
        use(sending, port=server.port)
        await sending.deliver(settled(sending))
        assert states(await run(sending)) == [(QUEUED, "MAIL_REFUSED")]
        assert states(await run(sending, wait_s=100)) == [(FAILED, "MAIL_REFUSED")]
