"""The SQL of a service's table `attempt`, which is also its queue of work for channels, and of its table `evidence`."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime
from typing import Any, Generic, TypeVar

from paykit.channels.attempts import (
    ENDED,
    Attempt,
    AttemptState,
    Claimed,
    Evidence,
    EvidenceOutcome,
    Lookup,
    RecordEvidence,
    Source,
    Verdict,
    inquiry_pause_s,
    worth_keeping,
)
from paykit.channels.judging import later_word, recorded_evidence
from paykit.postgres.database import Tx
from paykit.postgres.rows import columns, require_all_changed
from paykit.postgres.table import Table

A = TypeVar("A", bound=Attempt)
C = TypeVar("C", bound=Claimed[Any])

_CHANGING = (
    *("state", "channel_reference", "failure_reason", "failure_code", "approved_minor", "inquiry_count"),
    "contradicted",
)
_AGE_S = "coalesce(extract(epoch FROM clock_timestamp() - start_time), 0)::float8"

_ANY_PENDING = "SELECT EXISTS (SELECT FROM attempt WHERE state = 'PENDING' AND channel = $1)"
_ANY_DUE = """
SELECT EXISTS (SELECT FROM attempt WHERE state IN ({open}) AND due_time <= now() AND channel = $1)
"""

# Takes attempts to send off the queue, for good: from here on they are only ever inquired about. Jobs of several
# processes pass each other's rows by.
_CLAIM_PENDING = """
UPDATE attempt SET state = 'STARTED', start_time = clock_timestamp(), due_time = now() + $2::float8 * interval '1 s'
FROM (SELECT attempt_id AS claimed_id FROM attempt
      WHERE {bounds}state = 'PENDING' AND channel = $3 ORDER BY due_time LIMIT $1
      FOR UPDATE SKIP LOCKED) claimed, {aggregate}
WHERE attempt_id = claimed_id AND {aggregate}.{aggregate}_id = attempt.{aggregate}_id
RETURNING {claimed}
"""

# Takes attempts whose lease or pause has ended. The new lease keeps other jobs away while this one inquires.
_CLAIM_OPEN = """
UPDATE attempt SET due_time = now() + $2::float8 * interval '1 s'
FROM (SELECT attempt_id AS claimed_id FROM attempt
      WHERE {bounds}state IN ({open}) AND due_time <= now() AND channel = $3 ORDER BY due_time LIMIT $1
      FOR UPDATE SKIP LOCKED) claimed, {aggregate}
WHERE attempt_id = claimed_id AND {aggregate}.{aggregate}_id = attempt.{aggregate}_id
RETURNING {claimed}
"""

_SELECT_IN_STATES = "SELECT attempt_id FROM attempt WHERE attempt_id = ANY($1::text[]) AND state = ANY($2::text[])"

# Whoever inquired meanwhile moved due_time. Its age begins anew, as a channel's word that it has not got it counts from
# when it was sent.
_RENEW = """
UPDATE attempt SET start_time = clock_timestamp(), due_time = now() + $3::float8 * interval '1 s'
FROM unnest($1::text[], $2::timestamptz[]) AS held (held_id, lease_end), {aggregate}
WHERE attempt_id = held_id AND attempt.state = 'STARTED' AND due_time = lease_end AND due_time > clock_timestamp()
    AND {aggregate}.{aggregate}_id = attempt.{aggregate}_id
RETURNING {claimed}
"""

# Walks the index of attempts that are open, which are few. Real time, as it is about calls.
_SELECT_UNTOLD = """
SELECT attempt_id, {aggregate}_id FROM attempt
WHERE {bounds}state IN ('STARTED', 'UNKNOWN') AND NOT overdue_told AND start_time <= now() - $1::float8 * interval '1 s'
ORDER BY start_time, attempt_id LIMIT $2
"""

# An attempt may have had its outcome before its aggregate was locked.
_TAKE_UNTOLD = """
UPDATE attempt SET overdue_told = true
WHERE attempt_id = ANY($1::text[]) AND state IN ('STARTED', 'UNKNOWN') AND NOT overdue_told
RETURNING {attempt}, start_time
"""

# The trace of the call that asked for an attempt counts while it is under way: it is the longest of its columns.
_UPDATE = """
UPDATE attempt SET {sets}, due_time = now() + new.pause_s * interval '1 s',
    traceparent = CASE WHEN new.state IN ('SUCCEEDED', 'FAILED') THEN NULL ELSE attempt.traceparent END
FROM unnest({arrays}, ${last}::float8[]) AS new ({names}, pause_s)
WHERE attempt.attempt_id = new.attempt_id
"""

# What was told before is there already.
_INSERT_EVIDENCE = """
INSERT INTO evidence (attempt_id, source, outcome, verdict, channel_reference, failure_code, amount_minor,
    currency_code, record_time)
SELECT attempt_id, source, outcome, verdict, channel_reference, failure_code, amount_minor, currency_code, $9
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::text[])
  AS new (attempt_id, source, outcome, verdict, channel_reference, failure_code, amount_minor, currency_code)
ON CONFLICT ON CONSTRAINT evidence_key DO NOTHING
"""

_SELECT_EVIDENCE = """
SELECT attempt_id, source, outcome, channel_reference, failure_code, amount_minor, currency_code FROM evidence
WHERE attempt_id = ANY($1::text[])
"""


class AttemptTable(Table[str, A], Generic[A, C]):
    """A service's attempts. They are locked after the rows that they are for.

    Args:
        attempt: The service's dataclass of an attempt.
        aggregate: The table of what the attempts are for; its key `<aggregate>_id` is a column of both.
        beside: The columns of the aggregate that a channel needs to know.
        claimed: Makes a claimed attempt of an attempt and what stands beside it.
        inquired: The states in which a channel is asked what became of an attempt; an index leads to them.
        changing: The columns that change beside those that attempts of all services have.
    """

    def __init__(
        self,
        attempt: type[A],
        *,
        aggregate: str,
        beside: Sequence[str],
        claimed: Callable[..., C],
        inquired: Sequence[AttemptState] = (AttemptState.STARTED, AttemptState.UNKNOWN),
        changing: Sequence[str] = (),
    ) -> None:
        changing = (*_CHANGING, *changing, "update_time")
        computed = {"age_s": _AGE_S, "lease_end": "attempt.due_time"}
        super().__init__(attempt, "attempt", key="attempt_id", changing=changing, computed=computed)
        self._make_claimed, self._beside, self._aggregate = claimed, tuple(beside), aggregate
        self._inquired, self._open = tuple(inquired), ", ".join(f"'{state}'" for state in inquired)
        self.claimed = ", ".join([self.selected, *(f"{aggregate}.{name}" for name in self._beside)])
        self._renew = _RENEW.format(aggregate=aggregate, claimed=self.claimed)
        self._written = ("attempt_id", *changing)
        self._update = _UPDATE.format(
            sets=", ".join(f"{column} = new.{column}" for column in changing),
            arrays=self.parameters(self._written),
            last=len(self._written) + 1,
            names=", ".join(self._written),
        )

    async def any_pending(self, tx: Tx, *, channel: str) -> bool:
        """Return whether attempts wait to be sent to a channel."""
        return bool((await tx.fetch(_ANY_PENDING, channel))[0][0])

    async def any_due(self, tx: Tx, *, channel: str) -> bool:
        """Return whether an inquiry at a channel is due."""
        return bool((await tx.fetch(_ANY_DUE.format(open=self._open), channel))[0][0])

    async def claim_pending(self, tx: Tx, *, channel: str, limit: int, lease_s: float) -> list[C]:
        """Take the attempts that have waited longest for a channel, to send them."""
        bounds, keys = tx.claims.bounds(("attempt_id",), first=4)
        sql = _CLAIM_PENDING.format(bounds=bounds, aggregate=self._aggregate, claimed=self.claimed)
        rows = await tx.lock(self.name, sql, limit, lease_s, channel, *keys)
        return await self._taken(tx, rows, states=("PENDING",))

    async def claim_open(self, tx: Tx, *, channel: str, limit: int, lease_s: float) -> list[C]:
        """Take attempts that a channel was sent, whose outcome is not known, and whose next inquiry is due."""
        bounds, keys = tx.claims.bounds(("attempt_id",), first=4)
        sql = _CLAIM_OPEN.format(bounds=bounds, aggregate=self._aggregate, claimed=self.claimed, open=self._open)
        rows = await tx.lock(self.name, sql, limit, lease_s, channel, *keys)
        return await self._taken(tx, rows, states=self._inquired)

    async def renew(self, tx: Tx, claimed: Collection[C], *, lease_s: float) -> list[C]:
        """Begin the leases of what was claimed to be sent anew; what another job has taken meanwhile is left out."""
        attempts = [each.attempt for each in claimed]
        ids, ends = [each.attempt_id for each in attempts], [each.lease_end for each in attempts]
        return self._claimed(await tx.lock(self.name, self._renew, ids, ends, lease_s))

    async def update(self, tx: Tx, rows: Collection[A]) -> None:
        """Write locked attempts back, each at most once; an open one becomes due after its pause.

        Raises:
            InvariantError: An attempt is not there, or came twice.
        """
        if rows:
            pauses_s = [inquiry_pause_s(attempt.inquiry_count) for attempt in rows]
            changed = await tx.run(self._update, *columns(list(rows), self._written), pauses_s)
            require_all_changed(self.name, changed, len(rows))

    async def untold_overdue(self, tx: Tx, within_s: float, *, limit: int) -> list[tuple[str, str]]:
        """Read which attempts were sent longer ago than this, have no outcome, and of which that is still to be told.

        Returns: attempt_id and the aggregate's id of each, the longest waiting first.
        """
        bounds, keys = tx.claims.bounds(("attempt_id",), first=3)
        sql = _SELECT_UNTOLD.format(aggregate=self._aggregate, bounds=bounds)
        rows = [(row[0], row[1]) for row in await tx.fetch(sql, within_s, limit, *keys)]
        tx.claims.take(attempt_id for attempt_id, _ in rows)
        return rows

    async def take_untold(self, tx: Tx, attempt_ids: Collection[str]) -> list[tuple[A, datetime]]:
        """Take attempts of locked aggregates to tell, once, that their outcome is overdue.

        Returns: Those that still have none, each with the time at which it was claimed to be sent, in the order of ids.
        """
        sql = _TAKE_UNTOLD.format(attempt=self.selected)
        rows = await tx.lock(self.name, sql, sorted(attempt_ids)) if attempt_ids else []
        taken = [(self.read(row), row["start_time"]) for row in rows]
        return sorted(taken, key=lambda pair: pair[0].attempt_id)

    async def of(self, tx: Tx, aggregate_id: str, *, limit: int) -> list[A]:
        """Read what an aggregate asked of channels, oldest first."""
        return await self.select(tx, f"{self._aggregate}_id = $1 ORDER BY attempt_id LIMIT $2", aggregate_id, limit)

    async def _taken(self, tx: Tx, rows: Sequence[Any], *, states: Collection[str]) -> list[C]:
        """Note attempts as taken; of those that were to be, others that still are in a state wait."""
        taken = [row["attempt_id"] for row in rows]
        tx.claims.take(taken)  # Before they are read: one that cannot be read is a bad row as well.
        if missed := set(tx.claims.only).difference(taken):
            left = await tx.fetch(_SELECT_IN_STATES, sorted(missed), list(states))
            tx.claims.wait(row["attempt_id"] for row in left)
        return self._claimed(rows)

    def _claimed(self, rows: Iterable[Any]) -> list[C]:
        beside = self._beside
        return [self._make_claimed(attempt=self.read(row), **{name: row[name] for name in beside}) for row in rows]


class EvidenceLog:
    """Evidence to keep beside its attempts, once however often it was told: a unit of work.

    Attributes:
        heard: What was said of attempts before, in this transaction as well: of those that are contradicted, of those
            that ended while an answer about them was under way, and of those that several pieces of evidence are about.
    """

    def __init__(self) -> None:
        self.kept: list[tuple[Evidence, Verdict]] = []
        self.heard: dict[str, list[Evidence]] = {}

    async def read(self, tx: Tx, attempts: Lookup[Attempt], items: Iterable[RecordEvidence]) -> None:
        """Read what was said before of locked attempts, as far as it matters; no statement where it does not."""
        told = [item.evidence for item in items]
        counts, answered = (
            Counter(each.attempt_id for each in told),
            {e.attempt_id for e in told if e.source in _ANSWERS},
        )
        wanted = sorted(
            attempt_id
            for attempt_id, count in counts.items()
            if (attempt := attempts.get(attempt_id)) is not None
            and (count > 1 or attempt.contradicted or (attempt.state in ENDED and attempt_id in answered))
        )
        for row in await tx.fetch(_SELECT_EVIDENCE, wanted) if wanted else ():
            self._hear(_read_evidence(row))

    def add(self, attempt: Attempt, evidence: Evidence, verdict: Verdict) -> None:
        """Take evidence, if it tells more than its attempt itself does.

        With the first that contradicts, what was recorded is kept as well.

        Args:
            attempt: As it was before the evidence.
            evidence: What became known.
            verdict: On it.
        """
        if verdict is Verdict.CONTRADICT and not attempt.contradicted:
            self._keep(recorded_evidence(attempt), Verdict.CONFIRM)
        overtaken = verdict is Verdict.CONFIRM and later_word(attempt, evidence) is not None
        if verdict is Verdict.CONTRADICT or overtaken or worth_keeping(evidence, verdict):
            self._keep(evidence, verdict)

    @property
    def unsaved(self) -> bool:
        """Whether there is something to write."""
        return bool(self.kept)

    async def save(self, tx: Tx) -> None:
        """Write it; what was told before is there already."""
        if not self.kept:
            return
        rows = sorted(self.kept, key=lambda pair: pair[0].attempt_id)
        evidence, verdicts = [pair[0] for pair in rows], [pair[1] for pair in rows]
        first = ("attempt_id", "source", "outcome")
        last = ("channel_reference", "failure_code", "amount_minor", "currency_code")
        await tx.run(_INSERT_EVIDENCE, *columns(evidence, first), verdicts, *columns(evidence, last), tx.now)
        self.kept = []

    def _keep(self, evidence: Evidence, verdict: Verdict) -> None:
        self._hear(evidence)
        self.kept.append((evidence, verdict))

    def _hear(self, evidence: Evidence) -> None:
        self.heard.setdefault(evidence.attempt_id, []).append(evidence)


_ANSWERS = frozenset({Source.RESPONSE, Source.INQUIRY})


def _read_evidence(row: Any) -> Evidence:
    return Evidence(
        attempt_id=row["attempt_id"],
        source=Source(row["source"]),
        outcome=EvidenceOutcome(row["outcome"]),
        channel_reference=row["channel_reference"],
        failure_code=row["failure_code"],
        amount_minor=row["amount_minor"],
        currency_code=row["currency_code"],
    )
