"""A mail that cannot be taken to be sent, or recorded, holds up no other."""

from typing import Any

import pytest

from services.notification import domain, jobs
from services.notification.domain.notification import LEASE
from tests.integration import bad_rows
from tests.integration.notification.conftest import Office
from tests.integration.notification.mail_server import mail_server
from tests.integration.notification.test_sending import SENT, merchants, sending, settled, use

__all__ = ["merchants", "sending"]


async def is_sent(office: Office, mails: list[str]) -> list[bool]:
    return [(await office.get(mail)).notification.state == SENT for mail in mails]


@pytest.mark.parametrize("where", ["start", "conclude"])
async def test_one_that_cannot_be_sent_or_recorded_leaves_the_others_sent_and_is_sent_once_it_can_be(
    sending: Office, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    bad_rows.retry_at_once(monkeypatch)
    await sending.deliver(*(settled(sending, number) for number in range(1, 5)))
    mails = sorted(each.notification_id for each in await sending.listed(merchant_id=sending.merchant_id))

    def is_bad(notification: Any, *_: Any, **__: Any) -> bool:
        return bool(notification.notification_id == mails[1])

    async with mail_server() as server:
        use(sending, port=server.port)
        with monkeypatch.context() as planted:
            bad_rows.break_when(planted, domain.notification, where, is_bad)
            await jobs.mail.send_mails(sending.runtime)
            assert await is_sent(sending, mails) == [True, False, True, True]
            assert bad_rows.failing("notification", "send_mails") == 1
        await sending.age(by_s=LEASE.total_seconds() + 3_600)  # A mail of which nothing was recorded is in doubt then.
        for _ in range(2):
            await sending.age(by_s=3_600)
            await jobs.mail.send_mails(sending.runtime)
    assert await is_sent(sending, mails) == [True] * 4
    assert bad_rows.failing("notification", "send_mails") == 0
