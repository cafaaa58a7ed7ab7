"""The SQL of a service's table `attempt`, which is also its queue of work for channels, and of its table `evidence`."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Generic, TypeVar

from paykit.channels.attempts import Attempt, Claimed, Evidence, Verdict, inquiry_pause_s
from paykit.errors import InvariantError
from paykit.postgres.database import Tx

A = TypeVar("A", bound=Attempt)
C = TypeVar("C", bound=Claimed[Any])

_GIVEN = ("attempt_id", "action", "channel", "amount_minor", "currency_code", "traceparent", "create_time")
_CHANGING = ("state", "channel_reference", "failure_reason", "failure_code", "inquiry_count", "contradicted")
_AGE = "coalesce(extract(epoch FROM clock_timestamp() - start_time), 0)::float8 AS age_s"

_ANY_PENDING = "SELECT EXISTS (SELECT FROM attempt WHERE state = 'PENDING' AND channel = $1)"
_ANY_DUE = """
SELECT EXISTS (SELECT FROM attempt WHERE state IN ('STARTED', 'UNKNOWN') AND due_time <= now() AND channel = $1)
"""

# Takes attempts to send off the queue, for good: from here on they are only ever inquired about. Jobs of several
# processes pass each other's rows by.
_CLAIM_PENDING = """
UPDATE attempt SET state = 'STARTED', start_time = clock_timestamp(), due_time = now() + $2::float8 * interval '1 s'
FROM (SELECT attempt_id AS claimed_id FROM attempt WHERE state = 'PENDING' AND channel = $3 ORDER BY due_time LIMIT $1
      FOR UPDATE SKIP LOCKED) claimed, {aggregate}
WHERE attempt_id = claimed_id AND {aggregate}.{aggregate}_id = attempt.{aggregate}_id
RETURNING {claimed}
"""

# Takes attempts whose lease or pause has ended. The new lease keeps other jobs away while this one inquires.
_CLAIM_OPEN = """
UPDATE attempt SET due_time = now() + $2::float8 * interval '1 s'
FROM (SELECT attempt_id AS claimed_id FROM attempt
      WHERE state IN ('STARTED', 'UNKNOWN') AND due_time <= now() AND channel = $3 ORDER BY due_time LIMIT $1
      FOR UPDATE SKIP LOCKED) claimed, {aggregate}
WHERE attempt_id = claimed_id AND {aggregate}.{aggregate}_id = attempt.{aggregate}_id
RETURNING {claimed}
"""

# After the lock of the aggregates; against a claim at the same time.
_LOCK = "SELECT {columns} FROM attempt WHERE attempt_id = ANY($1::text[]) ORDER BY attempt_id FOR UPDATE"

_UPDATE = """
UPDATE attempt SET state = new.state, channel_reference = new.channel_reference, failure_reason = new.failure_reason,
    failure_code = new.failure_code, inquiry_count = new.inquiry_count, contradicted = new.contradicted,
    due_time = now() + new.pause_s * interval '1 s', update_time = new.update_time
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::boolean[], $8::float8[],
    $9::timestamptz[])
  AS new (attempt_id, state, channel_reference, failure_reason, failure_code, inquiry_count, contradicted, pause_s,
    update_time)
WHERE attempt.attempt_id = new.attempt_id
"""

# What was told before is there already.
_INSERT_EVIDENCE = """
INSERT INTO evidence (attempt_id, source, outcome, verdict, channel_reference, failure_code, record_time)
SELECT attempt_id, source, outcome, verdict, channel_reference, failure_code, $7
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[])
  AS new (attempt_id, source, outcome, verdict, channel_reference, failure_code)
ON CONFLICT ON CONSTRAINT evidence_key DO NOTHING
"""

_SELECT_SHOWN = "SELECT {columns} FROM attempt WHERE {aggregate}_id = $1 ORDER BY attempt_id LIMIT $2"


class AttemptTable(Generic[A, C]):
    """A service's attempts; every statement is one round trip whatever the number of rows.

    Args:
        aggregate: The table of what the attempts are for; its key `<aggregate>_id` is a column of both.
        own: The service's columns in `attempt`, written once.
        beside: The columns of the aggregate that a channel needs to know.
        attempt: Makes an attempt of a row.
        claimed: Makes a claimed attempt of an attempt and what stands beside it.
    """

    def __init__(
        self,
        *,
        aggregate: str,
        own: Sequence[str],
        beside: Sequence[str],
        attempt: Callable[[Mapping[str, Any]], A],
        claimed: Callable[..., C],
    ) -> None:
        self._attempt, self._make_claimed = attempt, claimed
        self._beside = tuple(beside)
        self._inserted = (*_GIVEN, "update_time", *own)
        names = [*self._inserted, *_CHANGING]
        columns = ", ".join([*(f"attempt.{name}" for name in names), _AGE])
        joined = ", ".join([columns, *(f"{aggregate}.{name}" for name in self._beside)])
        self._claim_pending = _CLAIM_PENDING.format(aggregate=aggregate, claimed=joined)
        self._claim_open = _CLAIM_OPEN.format(aggregate=aggregate, claimed=joined)
        self._lock = _LOCK.format(columns=columns)
        self._select_shown = _SELECT_SHOWN.format(aggregate=aggregate, columns=columns)

    async def insert(self, tx: Tx, attempts: Iterable[A]) -> None:
        """Put attempts just made on the queue; those of one call in the order of their ids."""
        rows = [tuple([getattr(a, name) for name in self._inserted]) for a in attempts]
        if rows:
            await tx.copy("attempt", self._inserted, rows)

    async def any_pending(self, tx: Tx, *, channel: str) -> bool:
        """Say whether attempts wait to be sent to a channel."""
        return bool((await tx.fetch(_ANY_PENDING, channel))[0][0])

    async def any_due(self, tx: Tx, *, channel: str) -> bool:
        """Say whether an inquiry at a channel is due."""
        return bool((await tx.fetch(_ANY_DUE, channel))[0][0])

    async def claim_pending(self, tx: Tx, *, channel: str, limit: int, lease_s: float) -> list[C]:
        """Take the attempts that have waited longest for a channel, to send them."""
        return [self._claimed(row) for row in await tx.fetch(self._claim_pending, limit, lease_s, channel)]

    async def claim_open(self, tx: Tx, *, channel: str, limit: int, lease_s: float) -> list[C]:
        """Take attempts that a channel was sent, whose outcome is not known, and whose next inquiry is due."""
        return [self._claimed(row) for row in await tx.fetch(self._claim_open, limit, lease_s, channel)]

    async def lock(self, tx: Tx, attempt_ids: Sequence[str]) -> dict[str, A]:
        """Lock attempts, in the order of their ids, and give those that exist."""
        return {row["attempt_id"]: self._attempt(row) for row in await tx.fetch(self._lock, attempt_ids)}

    async def update(self, tx: Tx, attempts: Sequence[A]) -> None:
        """Write locked attempts back, each at most once; an open one becomes due after its pause.

        Raises:
            InvariantError: An attempt is not there, or came twice.
        """
        if not attempts:
            return
        changed = await tx.run(
            _UPDATE,
            [a.attempt_id for a in attempts],
            *([getattr(a, name) for a in attempts] for name in _CHANGING),
            [inquiry_pause_s(a.inquiry_count) for a in attempts],
            [a.update_time for a in attempts],
        )
        if changed != len(attempts):
            raise InvariantError(f"{changed} rows of attempt changed in the place of {len(attempts)}")

    async def of(self, tx: Tx, aggregate_id: str, *, limit: int) -> list[A]:
        """Give what an aggregate asked of channels, oldest first."""
        return [self._attempt(row) for row in await tx.fetch(self._select_shown, aggregate_id, limit)]

    def _claimed(self, row: Mapping[str, Any]) -> C:
        values = dict(row)
        beside = {name: values.pop(name) for name in self._beside}
        return self._make_claimed(attempt=self._attempt(values), **beside)


async def insert_evidence(tx: Tx, told: Sequence[tuple[Evidence, Verdict]]) -> None:
    """Keep evidence, once however often it was told."""
    if not told:
        return
    rows = sorted(told, key=lambda pair: pair[0].attempt_id)
    await tx.run(
        _INSERT_EVIDENCE,
        [e.attempt_id for e, _ in rows],
        [e.source for e, _ in rows],
        [e.outcome for e, _ in rows],
        [verdict for _, verdict in rows],
        [e.channel_reference for e, _ in rows],
        [e.failure_code for e, _ in rows],
        tx.now,
    )
