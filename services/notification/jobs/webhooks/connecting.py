"""Connections to checked addresses alone: a name is resolved, all its addresses are checked, and one is connected to.

The URL keeps its name for the Host header, for SNI and for the certificate, which httpx verifies against it.
"""

import asyncio
import ssl
from collections.abc import Iterable, Sequence
from typing import Any

import httpcore2
import httpx2

from services.notification.domain.webhooks import addresses
from services.notification.domain.webhooks.addresses import AddressPolicy
from services.notification.jobs.webhooks.resolving import Resolve

CONNECT_TIMEOUT_S = 3.0
"""To resolve, connect and shake hands; the total of a try bounds it again."""


class AddressRefusedError(Exception):
    """The name has an address that webhooks do not go to."""


class CheckedBackend(httpcore2.AsyncNetworkBackend):
    """The network as httpcore sees it, with every name resolved and checked by us."""

    def __init__(self, resolve: Resolve, policy: AddressPolicy) -> None:
        self._resolve = resolve
        self._policy = policy
        self._network = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the signature is the library's
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Connect to the first address of a name that answers.

        Raises:
            AddressRefusedError: One of its addresses is not for webhooks.
            ConnectError, ConnectTimeout: There is none, or none answers.
        """
        failure: Exception = httpcore2.ConnectError("the name has no address")
        for address in await self._addresses(host, port):
            try:
                found = await self._network.connect_tcp(address, port, timeout, local_address, socket_options)
                return _ClosedWithItsHandshake(found)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failure = error
        raise failure

    async def _addresses(self, host: str, port: int) -> Sequence[str]:
        try:
            found = await self._resolve(host.strip("[]"), port)
        except OSError as error:
            raise httpcore2.ConnectError("the name cannot be resolved") from error
        if not all(addresses.connectable(address, self._policy) for address in found):
            raise AddressRefusedError
        return found


class _ClosedWithItsHandshake(httpcore2.AsyncNetworkStream):
    """A connection that is closed with a handshake that is given up.

    The library closes one whose handshake fails, and leaves one whose try ends meanwhile to the garbage collector: a
    receiver that never answers it would take sockets of ours for as long as it likes.
    """

    def __init__(self, stream: httpcore2.AsyncNetworkStream) -> None:
        self._stream = stream

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109
        return await self._stream.read(max_bytes, timeout)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109
        await self._stream.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._stream.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - the signature is the library's
    ) -> httpcore2.AsyncNetworkStream:
        try:
            return await self._stream.start_tls(ssl_context, server_hostname, timeout)
        except asyncio.CancelledError:
            await self._stream.aclose()
            raise

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class CheckedTransport(httpx2.AsyncHTTPTransport):
    """HTTP/1.1 over checked connections, one for each try; no proxies of the environment."""

    def __init__(self, backend: CheckedBackend, ssl_context: Any) -> None:
        super().__init__(verify=ssl_context, trust_env=False)
        # The library has no argument for the network below its pool: so the pool is replaced.
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=ssl_context, max_keepalive_connections=0, max_connections=None, network_backend=backend
        )
