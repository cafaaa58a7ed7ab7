"""Calls that may be repeated: a request id is carried out once, and a repetition gets the stored reply.

Claims come first in the transaction: a second transaction with the same request id waits on the claim row until the
first has committed, and then finds its reply. Only successes are stored; a refusal takes its claim back. Replies are
forgotten after a while; what a call created keeps the call's key, and is found by it when the claim is made anew.
"""

import hashlib
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Generic, Protocol, TypeVar, cast

from google.protobuf.message import Message

from paykit.base.errors import UnavailableError
from paykit.cause import CreatingCall
from paykit.errors import RequestIdReused
from paykit.postgres.database import Tx

R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)

REQUEST_KEY_BYTES = 16
"""Of the digest that what was created keeps of its call."""
RETENTION_H = 24
"""Replies are kept at least this long; what was created is found by its request key for good."""
EXPIRED_ROWS_MAX = 20_000
"""Replies forgotten in one transaction."""

Key = tuple[str, str, str]
"""caller, method, request_id."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A request id in its scope, with what a row that the call creates keeps of it."""

    key: Key
    creating_call: CreatingCall

    @classmethod
    def of(cls, key: Key, request: Message) -> "Claim":
        """Make the claim of a request."""
        digest = hashlib.sha256("\x1f".join(key).encode()).digest()
        return cls(key, CreatingCall(request_key=digest[:REQUEST_KEY_BYTES], request_hash=hash_request(request)))

    @property
    def request_hash(self) -> bytes | None:
        """The digest of the request."""
        return self.creating_call.request_hash


class CreatedRows(Protocol):
    """A table of what calls create."""

    @property
    def quoted(self) -> str:
        """Its name in SQL."""
        ...

    @property
    def key(self) -> str:
        """The column that is its primary key."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Creates(Generic[R_co]):
    """Where an operation keeps what its calls created.

    Attributes:
        table: Has the columns of `CreatingCall`.
        read: Reads results by the key of that table, as they are now.
    """

    table: CreatedRows
    read: Callable[[Tx, Collection[str]], Awaitable[Mapping[str, R_co]]]


@dataclass(frozen=True, slots=True)
class Created(Generic[R_co]):
    """What an earlier call with the same request id created, as it is now."""

    request_hash: bytes
    result: R_co


@dataclass(frozen=True, slots=True)
class Earlier(Generic[R_co]):
    """What is known of earlier calls with the same request ids.

    Attributes:
        stored: Their replies, while they are kept.
        created: What they created, where the replies are forgotten.
    """

    stored: Mapping[Key, "Stored"]
    created: Mapping[Key, Created[R_co]]


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

# The same, and what earlier calls created whose claims are forgotten. The statement's snapshot has all that, which is
# old by then; what a rival commits meanwhile still has its claim, so that this one is not inserted.
_INSERT_CLAIMS_AND_FIND = """
WITH claimed AS ({insert} RETURNING 1)
SELECT (SELECT count(*) FROM claimed) AS claimed, created.request_key, created.request_hash, created.{key}
FROM (SELECT) AS once LEFT JOIN {table} AS created ON created.request_key = ANY($5::bytea[])
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


async def claim(tx: Tx, claims: Sequence[Claim], creates: Creates[R] | None) -> Earlier[R]:
    """Claim distinct request ids; give what is known of those that were claimed before.

    A claim whose call is found by what it created stays until it is released.

    Raises:
        UnavailableError: A claim vanished between two statements, as its retention ended; try again.
    """
    if not claims:
        return Earlier({}, {})
    columns = _columns([c.key for c in claims])
    arguments = (*columns, [c.request_hash for c in claims])
    created: dict[Key, Created[R]] = {}
    if creates is None:
        claimed = await tx.run(_INSERT_CLAIMS, *arguments)
    else:
        claimed, created = await _claim_and_find(tx, claims, arguments, creates)
    if claimed == len(claims):
        return Earlier({}, created)
    rows = await tx.fetch(_SELECT_REPLIES, *columns)
    stored = {
        (row["caller"], row["method"], row["request_id"]): Stored(row["request_hash"], row["reply"])
        for row in rows
        if row["reply"] is not None
    }
    if len(stored) + claimed != len(claims):
        raise UnavailableError("a stored reply expired during the call", part="postgresql")
    return Earlier(stored, {key: found for key, found in created.items() if key not in stored})


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


async def _claim_and_find(
    tx: Tx, claims: Sequence[Claim], arguments: Sequence[Any], creates: Creates[R]
) -> tuple[int, dict[Key, Created[R]]]:
    """Claim, and find in the same round trip what earlier calls created; it is read only where there is some."""
    keys = {claim.creating_call.request_key: claim.key for claim in claims}
    rows = await tx.fetch(_find_statement(creates.table.quoted, creates.table.key), *arguments, list(keys))
    found = {row[3]: (keys[row[1]], row[2]) for row in rows if row[1] is not None}
    if not found:
        return rows[0][0], {}
    results = await creates.read(tx, found.keys())
    return rows[0][0], {key: Created(hashed, results[created_id]) for created_id, (key, hashed) in found.items()}


@cache
def _find_statement(table: str, key: str) -> str:
    return _INSERT_CLAIMS_AND_FIND.format(insert=_INSERT_CLAIMS, table=table, key=key)


def _columns(keys: Sequence[Key]) -> list[list[Any]]:
    return [list(column) for column in zip(*keys, strict=True)]
