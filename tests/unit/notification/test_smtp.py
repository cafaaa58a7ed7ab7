"""Handing a mail to servers that want TLS or a login, and what is said of it afterwards."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult

from services.notification.domain.notification import DeliveryOutcome, DeliveryResult
from services.notification.jobs.smtp import MailServer, hand_over
from tests import certificates

MESSAGE = b"Subject: x\r\n\r\nfirst\r\n.\r\n..second\r\n"


class Inbox:
    """Keeps what it takes."""

    def __init__(self) -> None:
        self.contents: list[bytes] = []
        self.recipients: list[list[str]] = []

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        self.contents.append(envelope.content)
        self.recipients.append(list(envelope.rcpt_tos))
        return "250 OK"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return certificates.write_own(tmp_path_factory.mktemp("tls") / "mail.pem")


@asynccontextmanager
async def serving(inbox: Inbox, *, tls: ssl.SSLContext | None = None, **options: Any) -> AsyncIterator[MailServer]:
    server = await asyncio.get_running_loop().create_server(
        lambda: SMTP(inbox, hostname="mail.test", **options), "127.0.0.1", 0, ssl=tls
    )
    port = server.sockets[0].getsockname()[1]
    try:
        yield MailServer(host="127.0.0.1", port=port, security="none", timeout_s=5.0)
    finally:
        server.close()


def context(certificate: Path) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(certificate)
    return made


async def sent(server: MailServer, recipient: str = "jo@home.example") -> DeliveryResult:
    return await hand_over(server, sender="pay@paystream.example", recipient=recipient, message=MESSAGE)


def authenticate(_server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
    return AuthResult(success=(data.login, data.password) == (b"shop", b"secret"), handled=False)


async def test_a_mail_arrives_to_the_byte_with_lines_that_begin_with_dots() -> None:
    inbox = Inbox()
    async with serving(inbox) as server:
        result = await sent(server)
    assert (result.outcome, result.smtp_code) == (DeliveryOutcome.ACCEPTED, 250)
    assert inbox.contents == [MESSAGE]


@pytest.mark.parametrize("password", ["secret", "wrong"])
async def test_starttls_and_a_login_go_before_the_mail(certificate: Path, password: str) -> None:
    inbox, tls = Inbox(), context(certificate)
    async with serving(
        inbox, tls_context=tls, require_starttls=True, auth_required=True, authenticator=authenticate
    ) as server:
        login = replace(server, security="starttls", ca_file=certificate, user="shop", password=password)
        result = await sent(login)
    if password == "secret":
        assert (result.outcome, len(inbox.contents)) == (DeliveryOutcome.ACCEPTED, 1)
    else:
        assert (result.outcome, result.reason) == (DeliveryOutcome.DEFERRED, "LOGIN_REFUSED")
        assert not inbox.contents
    assert "secret" not in repr(result)


async def test_tls_from_the_first_byte(certificate: Path) -> None:
    inbox = Inbox()
    async with serving(inbox, tls=context(certificate)) as server:
        assert (await sent(replace(server, security="tls", ca_file=certificate))).outcome is DeliveryOutcome.ACCEPTED


async def test_a_certificate_that_nobody_vouches_for_gets_no_mail_and_no_password(certificate: Path) -> None:
    inbox = Inbox()
    async with serving(inbox, tls_context=context(certificate)) as server:
        result = await sent(replace(server, security="starttls"))
    assert (result.outcome, result.reason) == (DeliveryOutcome.DEFERRED, "SERVER_UNAVAILABLE")
    assert not inbox.contents


async def test_a_server_without_starttls_gets_nothing_in_the_clear() -> None:
    inbox = Inbox()
    async with serving(inbox) as server:
        result = await sent(replace(server, security="starttls"))
    assert result.outcome is DeliveryOutcome.DEFERRED
    assert not inbox.contents


async def test_what_is_no_smtp_is_tried_again() -> None:
    async def chatter(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(chatter, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        result = await sent(MailServer(host="127.0.0.1", port=port, security="none", timeout_s=2.0))
    assert result.outcome is DeliveryOutcome.DEFERRED


async def test_a_recipient_that_could_break_a_command_names_nobody_else() -> None:
    inbox = Inbox()
    async with serving(inbox) as server:
        await sent(server, recipient="jo@home.example>\r\nRCPT TO:<all@home.example")
    assert all(recipients == ["jo@home.example"] for recipients in inbox.recipients)
