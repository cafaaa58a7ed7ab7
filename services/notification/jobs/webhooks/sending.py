"""One try: a POST, and what came of it. Whatever a receiver does, it ends in time and takes little room."""

import asyncio
import contextlib
import ssl
from collections.abc import Mapping
from functools import cache

import httpx2

from services.notification.domain.webhooks import addresses
from services.notification.domain.webhooks.addresses import AddressPolicy, WebhookAddressRefused
from services.notification.domain.webhooks.delivery import EXCERPT_BYTES_MAX, WebhookAnswer
from services.notification.jobs.webhooks.connecting import (
    CONNECT_TIMEOUT_S,
    AddressRefusedError,
    CheckedBackend,
    CheckedTransport,
)
from services.notification.jobs.webhooks.resolving import Resolve, resolve

ATTEMPT_TIMEOUT_S = 10.0
"""From resolving the name to the end of what is read of the answer."""
ANSWER_TIMEOUT_S = 2.0
"""To read what is kept of an answer's body, once its status is known."""
RESPONSE_BYTES_MAX = 65_536
"""Of an answer's body that are read; what comes after them is not waited for."""
RETRY_AFTER_CHARS_MAX = 100
STATUS_MAX = 599
USER_AGENT = "paystream-webhooks/1"

ADDRESS_REFUSED, TIMEOUT, TLS_FAILED = "ADDRESS_REFUSED", "TIMEOUT", "TLS_FAILED"
CONNECTION_FAILED, PROTOCOL_ERROR = "CONNECTION_FAILED", "PROTOCOL_ERROR"


class WebhookSender:
    """Posts webhooks.

    Args:
        policy: Where to.
        resolver: Gives the addresses of names.
        ssl_context: What certificates are verified by; the system's authorities if None.
        timeout_s: Of one try.
    """

    def __init__(
        self,
        policy: AddressPolicy,
        *,
        resolver: Resolve = resolve,
        ssl_context: ssl.SSLContext | None = None,
        timeout_s: float = ATTEMPT_TIMEOUT_S,
    ) -> None:
        self._policy = policy
        self._timeout_s = timeout_s
        transport = CheckedTransport(CheckedBackend(resolver, policy), ssl_context or _public_authorities())
        self._client = httpx2.AsyncClient(
            transport=transport,
            trust_env=False,
            follow_redirects=False,
            timeout=httpx2.Timeout(ATTEMPT_TIMEOUT_S, connect=CONNECT_TIMEOUT_S, pool=None),
        )

    async def close(self) -> None:
        """Close every connection."""
        await self._client.aclose()

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> WebhookAnswer:
        """Post a body, and return what came of it; nothing that a receiver does is raised."""
        try:
            _check(url, self._policy)
            async with asyncio.timeout(self._timeout_s):
                return await self._post(url, headers, body)
        except (WebhookAddressRefused, AddressRefusedError):
            return WebhookAnswer(failure=ADDRESS_REFUSED)
        except (TimeoutError, httpx2.TimeoutException):
            return WebhookAnswer(failure=TIMEOUT)
        except httpx2.NetworkError as error:
            return WebhookAnswer(failure=TLS_FAILED if _is_tls(error) else CONNECTION_FAILED)
        except (httpx2.HTTPError, httpx2.InvalidURL, ValueError, OSError):
            return WebhookAnswer(failure=PROTOCOL_ERROR)

    async def _post(self, url: str, headers: Mapping[str, str], body: bytes) -> WebhookAnswer:
        sent = {**headers, "content-type": "application/json", "user-agent": USER_AGENT, "accept-encoding": "identity"}
        async with self._client.stream("POST", url, headers=sent, content=body) as response:
            excerpt = await _excerpt(response)
            if response.status_code > STATUS_MAX:
                return WebhookAnswer(failure=PROTOCOL_ERROR)
            return WebhookAnswer(
                status_code=response.status_code,
                retry_after=response.headers.get("retry-after", "")[:RETRY_AFTER_CHARS_MAX] or None,
                excerpt=excerpt,
            )


@cache
def _public_authorities() -> ssl.SSLContext:
    """Return the system's certificate authorities, which take a while to read."""
    return ssl.create_default_context()


def _check(url: str, policy: AddressPolicy) -> None:
    """Check a URL as it stands now, and that HTTP's library reads the same host and port in it.

    Raises:
        WebhookAddressRefused: It is none for webhooks.
        ValueError: It can be read in two ways.
    """
    parts, read = addresses.check_url(url, policy), httpx2.URL(url)
    usual = addresses.HTTPS_PORT if parts.scheme == "https" else addresses.HTTP_PORT
    if (parts.hostname, parts.port or usual) != (read.host, read.port or usual):
        raise ValueError("the address can be read in two ways")


async def _excerpt(response: httpx2.Response) -> bytes:
    """Read the answer's body as far as it is of use; of one that breaks off or is slow, what came."""
    read, excerpt = 0, b""
    with contextlib.suppress(TimeoutError, httpx2.HTTPError):
        async with asyncio.timeout(ANSWER_TIMEOUT_S):
            async for chunk in response.aiter_raw():
                excerpt += chunk[: EXCERPT_BYTES_MAX - len(excerpt)]
                read += len(chunk)
                if read >= RESPONSE_BYTES_MAX:
                    break
    return excerpt


def _is_tls(error: BaseException | None) -> bool:
    """Return whether TLS failed, at any step of what led to an error."""
    while error is not None:
        if isinstance(error, ssl.SSLError):
            return True
        error = error.__cause__ or error.__context__
    return False
