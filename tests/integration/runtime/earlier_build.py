"""Claims as builds of before `idempotency_claim` made them, statement by statement."""

from collections.abc import Sequence
from typing import Any

from paykit.postgres.database import Tx
from paykit.serve.idempotency import Claim, Key

_INSERT = """
INSERT INTO idempotency_key (caller, method, request_id, request_hash, create_time)
SELECT c.caller, c.method, c.request_id, c.request_hash, now()
FROM unnest($1::text[], $2::text[], $3::uuid[], $4::bytea[]) AS c (caller, method, request_id, request_hash)
ORDER BY c.caller, c.method, c.request_id
ON CONFLICT DO NOTHING
"""
_SELECT = """
SELECT k.request_hash, k.reply
FROM unnest($1::text[], $2::text[], $3::uuid[]) AS c (caller, method, request_id)
JOIN idempotency_key k USING (caller, method, request_id)
"""
_STORE = """
UPDATE idempotency_key k SET reply = c.reply
FROM unnest($1::text[], $2::text[], $3::uuid[], $4::bytea[]) AS c (caller, method, request_id, reply)
WHERE (k.caller, k.method, k.request_id) = (c.caller, c.method, c.request_id)
"""
_RELEASE = """
DELETE FROM idempotency_key k USING unnest($1::text[], $2::text[], $3::uuid[]) AS c (caller, method, request_id)
WHERE (k.caller, k.method, k.request_id) = (c.caller, c.method, c.request_id)
"""


async def claim(tx: Tx, claims: Sequence[Claim]) -> list[tuple[bytes, bytes]]:
    """Claim, and give digests and replies of what was claimed before."""
    columns = _columns([each.key for each in claims])
    claimed = await tx.run(_INSERT, *columns, [each.request_hash for each in claims])
    if claimed == len(claims):
        return []
    rows = [(row[0], row[1]) for row in await tx.fetch(_SELECT, *columns) if row[1] is not None]
    assert len(rows) + claimed == len(claims)  # That build asked its caller to try again.
    return rows


async def store(tx: Tx, replies: Sequence[tuple[Key, bytes]]) -> None:
    await tx.run(_STORE, *_columns([key for key, _ in replies]), [reply for _, reply in replies])


async def release(tx: Tx, keys: Sequence[Key]) -> None:
    await tx.run(_RELEASE, *_columns(keys))


def _columns(keys: Sequence[Key]) -> list[list[Any]]:
    return [list(column) for column in zip(*keys, strict=True)]
