"""Calls that may be repeated: a request id is carried out once, and a repetition gets the stored reply.

Claims come first in the transaction: a second transaction with the same request id waits on the claim row until the
first has committed, and then finds its reply. Only successes are stored; a refusal takes its claim back.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, cast

from google.protobuf.message import Message

from paykit.base.errors import UnavailableError
from paykit.errors import RequestIdReused
from paykit.postgres.database import Tx

RETENTION_H = 24
"""Replies are kept at least this long; natural unique keys protect longer."""
EXPIRED_ROWS_MAX = 20_000
"""Replies forgotten in one transaction."""

Key = tuple[str, str, str]
"""caller, method, request_id."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A request id in its scope, with a digest of the request it came with."""

    key: Key
    request_hash: bytes


@dataclass(frozen=True, slots=True)
class Stored:
    """What an earlier call with the same request id was answered."""

    request_hash: bytes
    reply: bytes


class _Identified(Protocol):
    request_id: str


# Retention is real time, so the database's: a repeated call must be known however far business time was moved.
_INSERT_CLAIMS = """
INSERT INTO idempotency_key (caller, method, request_id, request_hash, create_time)
SELECT c.caller, c.method, c.request_id, c.request_hash, now()
FROM unnest($1::text[], $2::text[], $3::uuid[], $4::bytea[]) AS c (caller, method, request_id, request_hash)
ORDER BY c.caller, c.method, c.request_id
ON CONFLICT DO NOTHING
"""

_SELECT_REPLIES = """
SELECT k.caller, k.method, k.request_id::text AS request_id, k.request_hash, k.reply
FROM unnest($1::text[], $2::text[], $3::uuid[]) AS c (caller, method, request_id)
JOIN idempotency_key k USING (caller, method, request_id)
"""

_STORE_REPLIES = """
UPDATE idempotency_key k SET reply = c.reply
FROM unnest($1::text[], $2::text[], $3::uuid[], $4::bytea[]) AS c (caller, method, request_id, reply)
WHERE (k.caller, k.method, k.request_id) = (c.caller, c.method, c.request_id)
"""

_RELEASE_CLAIMS = """
DELETE FROM idempotency_key k USING unnest($1::text[], $2::text[], $3::uuid[]) AS c (caller, method, request_id)
WHERE (k.caller, k.method, k.request_id) = (c.caller, c.method, c.request_id)
"""

# Some at a time: a day of millions would take longer than a statement may.
_DELETE_EXPIRED = """
DELETE FROM idempotency_key
WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM idempotency_key WHERE create_time < now() - make_interval(hours => $1) LIMIT $2))
"""


def hash_request(request: Message) -> bytes:
    """Digest a request's deterministic bytes without its request id."""
    identified = cast("_Identified", request)
    request_id = identified.request_id
    identified.request_id = ""
    try:
        return hashlib.sha256(request.SerializeToString(deterministic=True)).digest()
    finally:
        identified.request_id = request_id


async def claim(tx: Tx, claims: Sequence[Claim]) -> dict[Key, Stored]:
    """Claim distinct request ids; give the stored replies of those that were claimed before.

    Raises:
        UnavailableError: A claim vanished between two statements, as its retention ended; try again.
    """
    columns = _columns([c.key for c in claims])
    inserted = await tx.run(_INSERT_CLAIMS, *columns, [c.request_hash for c in claims])
    if inserted == len(claims):
        return {}
    rows = await tx.fetch(_SELECT_REPLIES, *columns)
    stored = {
        (row["caller"], row["method"], row["request_id"]): Stored(row["request_hash"], row["reply"])
        for row in rows
        if row["reply"] is not None
    }
    if len(stored) + inserted != len(claims):
        raise UnavailableError("a stored reply expired during the call", part="postgresql")
    return stored


async def store(tx: Tx, replies: Sequence[tuple[Key, bytes]]) -> None:
    """Store the replies of claimed calls."""
    if replies:
        await tx.run(_STORE_REPLIES, *_columns([key for key, _ in replies]), [reply for _, reply in replies])


async def release(tx: Tx, keys: Sequence[Key]) -> None:
    """Take back the claims of refused calls, so that a repetition is decided anew."""
    if keys:
        await tx.run(_RELEASE_CLAIMS, *_columns(keys))


async def delete_expired(tx: Tx) -> bool:
    """Forget replies past retention; say whether there may be more of them."""
    deleted = await tx.run(_DELETE_EXPIRED, RETENTION_H, EXPIRED_ROWS_MAX)
    return deleted == EXPIRED_ROWS_MAX


def reused(key: Key) -> RequestIdReused:
    """Make the refusal of a request id that came with another request before."""
    return RequestIdReused(
        f"request_id {key[2]} was used before with another {key[1]} request.", field="request_id", method=key[1]
    )


def _columns(keys: Sequence[Key]) -> list[list[Any]]:
    return [list(column) for column in zip(*keys, strict=True)]
