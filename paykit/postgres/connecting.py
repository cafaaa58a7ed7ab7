"""The one place where connections to PostgreSQL are made, for the pool, for listening and for leading alike.

Every connection has bounds on both sides. The server's end a statement, a wait for a lock and an idle transaction; the
client's end what the server itself cannot: a host or a proxy that has gone silent, and answers nothing any more.
"""

import asyncio
import contextlib
import json
import socket
from dataclasses import replace
from typing import Any

import asyncpg

from paykit.base import database_url

CONNECT_TIMEOUT_S = 5.0
STATEMENT_TIMEOUT_MS = 30_000
COMMAND_TIMEOUT_S = STATEMENT_TIMEOUT_MS / 1_000 + 5.0
"""How long the client waits for an answer: the server has ended the statement by then, unless it is silent."""
LOCK_TIMEOUT_MS = 2_000
IDLE_IN_TRANSACTION_TIMEOUT_MS = 10_000
"""A stopped process gives its locks back after this."""
KEEPALIVE_S = 10
KEEPALIVE_PROBES = 3
UNACKNOWLEDGED_MS = (KEEPALIVE_PROBES + 1) * KEEPALIVE_S * 1_000
"""How long sent bytes may stay unacknowledged by the other host (TCP_USER_TIMEOUT), as long as keepalives may."""
STATEMENT_CACHE_SIZE = 512
"""Prepared statements kept by each connection."""
END_TIMEOUT_S = 2.0
"""How long a rollback or a farewell may take, before the connection is cut."""

_JSONB_VERSION = b"\1"
_SSL_WORDS = ("sslmode", "ssl")
_KEEPALIVES = (
    (socket.SOL_SOCKET, "SO_KEEPALIVE", 1),
    (socket.IPPROTO_TCP, "TCP_KEEPIDLE", KEEPALIVE_S),
    (socket.IPPROTO_TCP, "TCP_KEEPINTVL", KEEPALIVE_S),
    (socket.IPPROTO_TCP, "TCP_KEEPCNT", KEEPALIVE_PROBES),
    (socket.IPPROTO_TCP, "TCP_USER_TIMEOUT", UNACKNOWLEDGED_MS),
)


async def connect(url: str, schema: str, **settings: str) -> Any:
    """Open a connection of a service to a server that takes writes.

    Args:
        url: Of the database; `?ssl=` and `?sslmode=` mean the same.
        schema: The service's.
        settings: Of the session, beyond `connection_settings`.

    Raises:
        OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError: It cannot be reached, or refuses.
    """
    connection = await asyncpg.connect(
        **address_of(url),
        timeout=CONNECT_TIMEOUT_S,
        command_timeout=COMMAND_TIMEOUT_S,
        statement_cache_size=STATEMENT_CACHE_SIZE,
        target_session_attrs="read-write",
        server_settings=connection_settings(schema) | settings,
    )
    _bound_silence(connection)
    await connection.set_type_codec(
        "jsonb", schema="pg_catalog", format="binary", encoder=_jsonb_of_text, decoder=_value_of_jsonb
    )
    return connection


def address_of(url: str) -> dict[str, Any]:
    """Return the driver's arguments that a URL stands for, the same for whoever connects.

    Its query may say how the connection is encrypted, by libpq's `sslmode` or by the driver's own word for it, `ssl`.
    """
    parsed = database_url.parse(url)
    asked = dict(parsed.query)
    encryption = next((asked[word] for word in _SSL_WORDS if word in asked), None)
    dsn = str(replace(parsed, query=tuple(pair for pair in parsed.query if pair[0] not in _SSL_WORDS)))
    return {"dsn": dsn} if encryption is None else {"dsn": dsn, "ssl": encryption}


def connection_settings(schema: str) -> dict[str, str]:
    """Return the settings that every connection of a service starts with."""
    return {
        "application_name": f"paystream-{schema}",
        "search_path": schema,
        "timezone": "UTC",
        "statement_timeout": str(STATEMENT_TIMEOUT_MS),
        "lock_timeout": str(LOCK_TIMEOUT_MS),
        "idle_in_transaction_session_timeout": str(IDLE_IN_TRANSACTION_TIMEOUT_MS),
        # A plan made while a table is empty is kept when it has grown: never let that be a sequential scan.
        "plan_cache_mode": "force_generic_plan",
        "enable_seqscan": "off",
        "tcp_keepalives_idle": str(KEEPALIVE_S),
        "tcp_keepalives_interval": str(KEEPALIVE_S),
        "tcp_keepalives_count": str(KEEPALIVE_PROBES),
        "tcp_user_timeout": str(UNACKNOWLEDGED_MS),
    }


async def end_transaction(connection: Any) -> bool:
    """Roll a transaction back; a connection of which nothing is heard in time is cut instead.

    Returns:
        Whether the connection can be used again.
    """
    rolling_back = asyncio.ensure_future(connection.execute("ROLLBACK", timeout=END_TIMEOUT_S))
    try:
        # The driver's own bound begins when the statement is sent, which a cancellation under way holds up.
        await asyncio.wait_for(asyncio.shield(rolling_back), END_TIMEOUT_S)
    except BaseException:  # noqa: BLE001 - the error that led here is the one to tell
        rolling_back.cancel()
        connection.terminate()
        with contextlib.suppress(BaseException):
            await rolling_back
        return False
    return True


# The server's binary form of jsonb is its text behind the number of the form's version.
def _jsonb_of_text(text: str) -> bytes:
    return _JSONB_VERSION + text.encode()


def _value_of_jsonb(binary: bytes) -> Any:
    return json.loads(binary[len(_JSONB_VERSION) :])


def _bound_silence(connection: Any) -> None:
    """Have the kernel end a connection whose other host has gone; what it lacks of this, it does without."""
    own_socket = connection._transport.get_extra_info("socket")  # noqa: SLF001 - the driver has no option for it
    if own_socket is None or own_socket.family not in {socket.AF_INET, socket.AF_INET6}:
        return
    for level, name, value in _KEEPALIVES:
        if hasattr(socket, name):
            own_socket.setsockopt(level, getattr(socket, name), value)
