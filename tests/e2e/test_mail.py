"""The mails of one order, from its creation to the merchant's bank, through a real mail server."""

from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from paystream.notification.v1 import notification_pb2 as pb
from paytools.localstack.parts import mail_sink
from paytools.localstack.parts.mail_sink import KeptMail
from tests.e2e.conftest import Line
from tests.line import mail, selling
from tests.line.clients import call
from tests.line.waiting import until

TO_THE_MERCHANT = {
    "bank_account_changed",
    "merchant_welcome",
    "order_paid",
    "settlement_completed",
    "withdrawal_completed",
}


@pytest.fixture(scope="module")
def mailbox(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("mail")


@pytest.fixture(scope="module")
async def changed_settings(mailbox: Path) -> AsyncIterator[dict[str, Any]]:
    async with mail.kept_in(mailbox) as settings:
        yield settings


@pytest.fixture(scope="module")
async def sale(line: Line) -> selling.Sale:
    return await selling.sell(line.clients)


async def listed(line: Line, **wanted: Any) -> list[pb.Notification]:
    request = pb.ListNotificationsRequest(**wanted)
    return list((await call(line.clients.notification.ListNotifications, request)).notifications)


def by_template(mails: list[KeptMail]) -> Counter[str]:
    return Counter(kept.header("X-Paystream-Template") for kept in mails)


async def test_the_merchant_gets_each_mail_once(line: Line, sale: selling.Sale, mailbox: Path) -> None:
    async def sent() -> bool:
        of_merchant = await listed(line, merchant_id=sale.merchant_id, state=pb.NOTIFICATION_STATE_SENT)
        return {each.template for each in of_merchant} >= TO_THE_MERCHANT

    await until(sent)
    notifications = await listed(line, merchant_id=sale.merchant_id, state=pb.NOTIFICATION_STATE_SENT)
    names = {f"<{each.message_name}@paystream.example>" for each in notifications}
    mails = [kept for kept in mail_sink.kept(mailbox) if kept.header("Message-ID") in names]
    # The bank account was added, and verified.
    assert by_template(mails) == Counter([*TO_THE_MERCHANT, "bank_account_changed"])
    paid = next(kept for kept in mails if kept.header("X-Paystream-Template") == "order_paid")
    assert paid.header("Subject") == "Order cart-7 is paid"
    assert "Amount: $100.00" in paid.body("plain")
    assert "$100.00" in paid.body("html")


async def test_that_they_were_sent_is_told_in_events(line: Line, sale: selling.Sale) -> None:
    async def told() -> bool:
        return not await line.kept.rows("SELECT FROM notification.outbox LIMIT 1")

    await until(told)
    sent = await listed(line, merchant_id=sale.merchant_id, state=pb.NOTIFICATION_STATE_SENT)
    versions = await line.kept.rows(
        "SELECT aggregate_version FROM notification.notification WHERE notification_id = ANY($1::text[])",
        [each.notification_id for each in sent],
    )
    assert {row["aggregate_version"] for row in versions} == {1}
