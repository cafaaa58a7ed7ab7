"""Calls that may be repeated: a request id is carried out once, and a repetition gets the stored reply.

Claims come first in the transaction: a second transaction with the same request id waits on the claim row until the
first has committed, and then finds its reply. Only successes are stored; a refusal takes its claim back. Replies are
forgotten after a while, a day of them at once; what a call created keeps the call's key, and is found by it when the
claim is made anew. In which days a claim stands: `paykit.postgres.partitions.idempotency_schema`.
"""

import hashlib
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any, Generic, Protocol, TypeVar, cast

from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message

from paykit.base.errors import UnavailableError
from paykit.cause import CreatingCall
from paykit.errors import RequestIdReused
from paykit.postgres.database import Tx
from paykit.postgres.fused.fused_driver import FusedDriver
from paykit.postgres.fused.writes import Write
from paykit.postgres.partitions.idempotency_schema import FIRST_DAY, LAST_DAY, OVERLAP_MIN
from paykit.postgres.partitions.time_partitions import TimePartitions
from paykit.postgres.rows import texts_text

R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)

REQUEST_KEY_BYTES = 16
"""Of the digest that what was created keeps of its call."""
RETENTION_H = 24
"""Replies are kept at least this long; what was created is found by its request key for good."""
TRANSACTION_MIN_MAX = OVERLAP_MIN // 2
"""Minutes after its begin in which a transaction stores replies: no other can claim beside it so soon after."""
EXPIRED_ROWS_MAX = 20_000
"""Replies of builds of before that are forgotten in one transaction."""

CLAIMS = TimePartitions(table="idempotency_claim", kept=timedelta(hours=RETENTION_H), fillfactor=80)

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


_UNNEST_KEYS = "unnest($1::text::text[], $2::text::text[], $3::uuid[]) AS c (caller, method, request_id)"

# One claim after another by its key, whatever a day was taken to hold when the plan was made: one of an empty day, as
# each is at its begin, would read all of the day for every call. OFFSET 0 keeps claims from being read in another way.
_CLAIMS_OF = """
CROSS JOIN LATERAL (
    SELECT claim.tableoid AS part, claim.ctid AS place, claim.request_hash, claim.reply FROM idempotency_claim claim
    WHERE (claim.caller, claim.method, claim.request_id) = (c.caller, c.method, c.request_id) AND claim.day {days}
    OFFSET 0
) AS own
"""
_OWN_DAYS = _CLAIMS_OF.format(days=f"BETWEEN {FIRST_DAY} AND {LAST_DAY}")
_OTHER_DAYS = _CLAIMS_OF.format(days=f"= ANY (ARRAY[{LAST_DAY} - 1, {LAST_DAY} + 1])")
_ALL_DAYS = _CLAIMS_OF.format(days=f"BETWEEN {LAST_DAY} - 1 AND {LAST_DAY} + 1")
# Nobody else sees a claim without its reply, or changes where it is.
_PLACED = "(k.tableoid, k.ctid) = (own.part, own.place)"

# By day, then by key: in whichever days two transactions claim, they do it in the same order.
_INSERT_CLAIMS = f"""
INSERT INTO idempotency_claim (caller, method, request_id, day, request_hash)
SELECT c.caller, c.method, c.request_id, {FIRST_DAY} + days.later, c.request_hash
FROM unnest($1::text::text[], $2::text::text[], $3::uuid[], $4::bytea[])
        AS c (caller, method, request_id, request_hash),
    generate_series(0, {LAST_DAY} - {FIRST_DAY}) AS days (later)
ORDER BY days.later, c.caller, c.method, c.request_id
ON CONFLICT DO NOTHING
"""

_FROM_EARLIER_BUILDS = f"FROM {_UNNEST_KEYS} JOIN idempotency_key k USING (caller, method, request_id)"

# What was claimed in the last 24 h, in the days before and after as well, and by builds of before. Committed claims
# have their reply; those without are the transaction's own.
_REPLY = "SELECT c.caller, c.method, c.request_id::text"
_SELECT_STORED = f"""
{_REPLY}, own.request_hash, own.reply FROM {_UNNEST_KEYS} {_ALL_DAYS} WHERE own.reply IS NOT NULL
UNION ALL {_REPLY}, k.request_hash, k.reply {_FROM_EARLIER_BUILDS} WHERE k.reply IS NOT NULL
"""

_CLAIM = f"WITH claimed AS ({_INSERT_CLAIMS} RETURNING 1)\nSELECT (SELECT count(*) FROM claimed) AS claimed"
_DAYS = f"{LAST_DAY} - {FIRST_DAY} + 1 AS days"

# The claims, and whether any of the calls is known from another day: what a rival commits meanwhile stands in a day in
# which this one claims too, and so has kept it from claiming.
_CLAIM_AND_LOOK = f"""
{_CLAIM}, {_DAYS},
    EXISTS (SELECT FROM {_UNNEST_KEYS} {_OTHER_DAYS})
    OR EXISTS (SELECT {_FROM_EARLIER_BUILDS}) AS known
"""

# The claims, and what earlier calls created; the replies of these are looked for only where there is some. The
# statement's snapshot has all that is from another day or forgotten; what a rival commits meanwhile has kept this one
# from claiming. One key after another, as above: all keys in one condition were held against each row of a table that
# the planner took for small.
_CLAIM_AND_FIND = f"""
{_CLAIM}, {_DAYS}, created.request_key, created.request_hash, created.{{key}}
FROM (SELECT) AS once LEFT JOIN (
    SELECT own.* FROM unnest($5::bytea[]) AS sought (request_key) CROSS JOIN LATERAL (
        SELECT kept.request_key, kept.request_hash, kept.{{key}} FROM {{table}} AS kept
        WHERE kept.request_key = sought.request_key
        OFFSET 0
    ) AS own
) AS created ON true
"""

# Not if the transaction has become so old that another could have the same claim, in a day that is not its own.
_STORE_REPLIES = f"""
UPDATE idempotency_claim k SET reply = own.new_reply
FROM (
    SELECT own.part, own.place, c.reply AS new_reply
    FROM unnest($1::text::text[], $2::text::text[], $3::uuid[], $4::bytea[]) AS c (caller, method, request_id, reply)
        {_OWN_DAYS}
) AS own
WHERE {_PLACED} AND clock_timestamp() < now() + interval '{TRANSACTION_MIN_MAX} minutes'
"""

# Of calls whose claims nobody had when the statement began, as its key says. As above, not if the transaction is old.
_CLAIM_ANSWERED = f"""
INSERT INTO idempotency_claim (caller, method, request_id, day, request_hash, reply)
SELECT c.caller, $1::text, c.request_id, {FIRST_DAY} + days.later, c.request_hash, c.reply
FROM unnest($2::text::text[], $3::uuid[], $4::bytea[], $5::bytea[]) AS c (caller, request_id, request_hash, reply),
    generate_series(0, {LAST_DAY} - {FIRST_DAY}) AS days (later)
WHERE clock_timestamp() < now() + interval '{TRANSACTION_MIN_MAX} minutes'
ORDER BY days.later, c.caller, c.request_id
"""

_RELEASE_CLAIMS = f"""
DELETE FROM idempotency_claim k
USING (SELECT own.part, own.place FROM {_UNNEST_KEYS} {_OWN_DAYS} WHERE own.reply IS NULL) AS own
WHERE {_PLACED}
"""

# Some at a time: a day of millions would take longer than a statement may.
_DELETE_EXPIRED = """
DELETE FROM idempotency_key
WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM idempotency_key WHERE create_time < now() - make_interval(hours => $1) LIMIT $2))
"""


@cache
def _can_wait(request_type: Descriptor) -> bool:
    return "wait_for" in request_type.fields_by_name


def hash_request(request: Message) -> bytes:
    """Digest a request's deterministic bytes without its request id, and without how long it waits for the outcome."""
    if _can_wait(cast("Descriptor", request.DESCRIPTOR)) and request.HasField("wait_for"):
        asked = type(request)()
        asked.CopyFrom(request)
        asked.ClearField("wait_for")
        return hash_request(asked)
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
    found: dict[str, tuple[Key, bytes]] = {}
    if creates is None:
        claimed, days, known = (await tx.fetch(_CLAIM_AND_LOOK, *arguments))[0]
    else:
        claimed, days, found = await _claim_and_find(tx, claims, arguments, creates)
        known = bool(found)
    if claimed == days * len(claims) and not known:
        return Earlier({}, {})
    stored = {(row[0], row[1], row[2]): Stored(row[3], row[4]) for row in await tx.fetch(_SELECT_STORED, *columns)}
    await _release_strays(tx, list(stored), claimed - days * (len(claims) - len(stored)))
    created = {created_id: call for created_id, call in found.items() if call[0] not in stored}
    if creates is None or not created:
        return Earlier(stored, {})
    results = await creates.read(tx, created.keys())
    return Earlier(stored, {key: Created(hashed, results[at]) for at, (key, hashed) in created.items()})


async def store(tx: Tx, replies: Sequence[tuple[Key, bytes]]) -> None:
    """Store the replies of claimed calls.

    Raises:
        UnavailableError: The transaction has become too old for its claims to hold.
    """
    if replies:
        stored = await tx.run(_STORE_REPLIES, *_columns([key for key, _ in replies]), [reply for _, reply in replies])
        if stored < len(replies):
            raise UnavailableError("the transaction of the call took too long", part="postgresql")


def claim_answered(at_end: FusedDriver, answers: Sequence[tuple[Claim, bytes]]) -> None:
    """Claim request ids of one method at the end of a transaction that leaves its writes for it, with the replies.

    A claim that another transaction has fails this one. Calls of operations that create something alone are claimed so:
    what an earlier call created, whose claim is from another day or forgotten, fails it by its request key.
    """
    if answers:
        method = answers[0][0].key[1]
        callers, _, request_ids = _columns([claim.key for claim, _ in answers])
        hashes, replies = [claim.request_hash for claim, _ in answers], [reply for _, reply in answers]
        write = Write(_CLAIM_ANSWERED, (method, callers, request_ids, hashes, replies))
        at_end.answer(write, len(answers))


async def release(tx: Tx, keys: Sequence[Key]) -> None:
    """Take back the claims of refused calls, so that a repetition is decided anew."""
    if keys:
        await tx.run(_RELEASE_CLAIMS, *_columns(keys))


async def delete_expired(tx: Tx) -> bool:
    """Forget replies of builds of before, past retention; say whether there may be more of them."""
    deleted = await tx.run(_DELETE_EXPIRED, RETENTION_H, EXPIRED_ROWS_MAX)
    return deleted == EXPIRED_ROWS_MAX


def reused(key: Key) -> RequestIdReused:
    """Make the refusal of a request id that came with another request before."""
    return RequestIdReused(
        f"request_id {key[2]} was used before with another {key[1]} request.", field="request_id", method=key[1]
    )


async def _claim_and_find(
    tx: Tx, claims: Sequence[Claim], arguments: Sequence[Any], creates: Creates[Any]
) -> tuple[int, int, dict[str, tuple[Key, bytes]]]:
    """Claim, and find in the same round trip what earlier calls created.

    Returns:
        The number of claims, that of the days in which each stands, and by the id of what was created its call and the
        digest of the request.
    """
    keys = {claim.creating_call.request_key: claim.key for claim in claims}
    rows = await tx.fetch(_find_statement(creates.table.quoted, creates.table.key), *arguments, list(keys))
    found = {row[4]: (keys[row[2]], row[3]) for row in rows if row[2] is not None}
    return rows[0][0], rows[0][1], found


async def _release_strays(tx: Tx, keys: Sequence[Key], strays: int) -> None:
    """Take back what was claimed anew, in one of its days, of calls that are known from another.

    Args:
        tx: That claimed.
        keys: Of the calls that are known.
        strays: How many claims these are; below 0 where an earlier one is not to be found any more.
    """
    if strays and (strays < 0 or await tx.run(_RELEASE_CLAIMS, *_columns(keys)) != strays):
        raise UnavailableError("a stored reply expired during the call", part="postgresql")


@cache
def _find_statement(table: str, key: str) -> str:
    return _CLAIM_AND_FIND.format(table=table, key=key)


def _columns(keys: Sequence[Key]) -> tuple[str, str, list[str]]:
    """Return keys as the parameters of `_UNNEST_KEYS`."""
    callers, methods, request_ids = zip(*keys, strict=True)
    return texts_text(callers), texts_text(methods), list(request_ids)
