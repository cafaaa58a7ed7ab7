"""Handing one mail to the mail server, and saying what is known of it afterwards.

Until the server was sent the last line of the mail it cannot have taken it: whatever goes wrong before is tried again.
Between that line and the server's answer lies the doubt. What refuses the recipient or the mail itself is final; what
refuses the sender, the login or the connection is for the operator to mend, and is tried again.
"""

import asyncio
import re
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import aiosmtplib

from paykit.base.config import Settings
from services.notification.domain.notification import DeliveryOutcome, DeliveryResult

MAIL_S_MAX = 120.0
"""How long handing over one mail may take, all answers of the server together."""
QUIT_S_MAX = 2.0
DETAIL_CHARS_MAX = 200
"""Of what the server said."""

_START_INPUT, _COMPLETED, _PERMANENT = 354, 250, 500
_LINE_STARTING_WITH_DOT = re.compile(rb"(?m)^\.")
_ADDRESS = re.compile(r"<?[^\s<>@]+@[^\s<>@]+>?")


@dataclass(frozen=True, slots=True, kw_only=True)
class MailServer:
    """Where mails are handed to.

    Attributes:
        timeout_s: For one answer.
        password: Of `user`; None where nobody logs in.
    """

    host: str
    port: int
    security: Literal["starttls", "tls", "none"]
    timeout_s: float
    ca_file: Path | None = None
    user: str | None = None
    password: str | None = None


def server_of(settings: Settings) -> MailServer | None:
    """Return the mail server of an installation; None where it has none."""
    if settings.mail_host is None:
        return None
    return MailServer(
        host=settings.mail_host,
        port=settings.mail_port,
        security=settings.mail_security,
        timeout_s=settings.mail_timeout_s,
        ca_file=settings.mail_ca_file,
        user=settings.mail_user,
        password=settings.mail_password.get_secret_value() if settings.mail_password else None,
    )


async def hand_over(server: MailServer, *, sender: str, recipient: str, message: bytes) -> DeliveryResult:
    """Hand one mail over to the server; says what is known of it and raises nothing of the network's."""
    progress = _Progress()
    try:
        async with asyncio.timeout(MAIL_S_MAX), _connected(server) as smtp:
            return await _hand_over(smtp, progress, sender=sender, recipient=recipient, message=message)
    except aiosmtplib.SMTPResponseException as error:
        return _answered(error, progress)
    except (aiosmtplib.SMTPException, OSError, TimeoutError, ValueError) as error:
        return _unanswered(error, progress)


@dataclass(slots=True)
class _Progress:
    """How far handing over has come.

    Attributes:
        addressed: The server has taken the sender; what it refuses from here on is the recipient or the mail.
        handed: The last line of the mail may be with the server.
    """

    addressed: bool = False
    handed: bool = False


@asynccontextmanager
async def _connected(server: MailServer) -> AsyncIterator[aiosmtplib.SMTP]:
    smtp = aiosmtplib.SMTP(
        hostname=server.host,
        port=server.port,
        timeout=server.timeout_s,
        use_tls=server.security == "tls",
        start_tls=server.security == "starttls",
        tls_context=None if server.security == "none" else _tls(server),
        username=server.user,
        password=server.password,
    )
    await smtp.connect()
    try:
        yield smtp
    finally:
        # What became of the mail is known by now; how the connection ends says nothing of it.
        with suppress(aiosmtplib.SMTPException, OSError, TimeoutError):
            await smtp.quit(timeout=QUIT_S_MAX)
        smtp.close()


async def _hand_over(
    smtp: aiosmtplib.SMTP, progress: _Progress, *, sender: str, recipient: str, message: bytes
) -> DeliveryResult:
    await smtp.mail(sender)
    progress.addressed = True
    await smtp.rcpt(recipient)
    answer = await smtp.execute_command(b"DATA")
    if answer.code != _START_INPUT:
        raise aiosmtplib.SMTPDataError(answer.code, answer.message)
    if smtp.protocol is None:
        raise aiosmtplib.SMTPServerDisconnected("Connection lost")
    # In one go: from here on nothing but its answer proves what the server has of it.
    smtp.protocol.write(_LINE_STARTING_WITH_DOT.sub(b"..", message) + b".\r\n")
    progress.handed = True
    answer = await smtp.protocol.read_response(timeout=smtp.timeout)
    if answer.code != _COMPLETED:
        raise aiosmtplib.SMTPDataError(answer.code, answer.message)
    return DeliveryResult(
        outcome=DeliveryOutcome.ACCEPTED, smtp_code=answer.code, detail=without_addresses(answer.message)
    )


def _answered(error: aiosmtplib.SMTPResponseException, progress: _Progress) -> DeliveryResult:
    """Return what a refusal of the server means."""
    final = progress.addressed and error.code >= _PERMANENT
    if not 400 <= error.code <= 599:  # noqa: PLR2004 - no refusal by SMTP: what it means is not known
        return _unanswered(error, progress)
    return DeliveryResult(
        outcome=DeliveryOutcome.REFUSED if final else DeliveryOutcome.DEFERRED,
        reason=_reason(error, progress),
        smtp_code=error.code,
        detail=without_addresses(error.message),
    )


def _reason(error: aiosmtplib.SMTPResponseException, progress: _Progress) -> str:
    match error:
        case aiosmtplib.SMTPAuthenticationError():
            return "LOGIN_REFUSED"
        case aiosmtplib.SMTPSenderRefused():
            return "SENDER_REFUSED"
        case aiosmtplib.SMTPRecipientRefused():
            return "RECIPIENT_REFUSED"
    return "MAIL_REFUSED" if progress.addressed else "SERVER_REFUSED"


def _unanswered(error: Exception, progress: _Progress) -> DeliveryResult:
    if progress.handed:
        return DeliveryResult(outcome=DeliveryOutcome.IN_DOUBT, reason="NO_ANSWER", detail=_name(error))
    timeouts = (TimeoutError, aiosmtplib.SMTPTimeoutError)
    reason = "SERVER_TIMEOUT" if isinstance(error, timeouts) else "SERVER_UNAVAILABLE"
    return DeliveryResult(outcome=DeliveryOutcome.DEFERRED, reason=reason, detail=_name(error))


def _name(error: Exception) -> str:
    return without_addresses(f"{type(error).__name__}: {error}")


def without_addresses(text: str) -> str:
    """Return what the server said as one line, without the addresses that it repeats."""
    line = " ".join(_ADDRESS.sub("<address>", text).split())
    return "".join(sign if sign.isprintable() else "?" for sign in line)[:DETAIL_CHARS_MAX]


def _tls(server: MailServer) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(server.ca_file) if server.ca_file else None)
