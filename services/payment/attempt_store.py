"""The SQL of attempts, which are also the queue of work for the channels, and of evidence about them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from paykit.runtime.db import Tx
from paykit.runtime.rows import require_all_changed
from services.payment import store
from services.payment.attempt import Attempt, AttemptAction, AttemptState, Evidence, Verdict, inquiry_pause_s

SHOWN_MAX = 100
"""Attempts of one payment that GetPayment shows."""

_COLUMNS = ", ".join(
    f"attempt.{name}"
    for name in (
        *("attempt_id", "payment_id", "refund_id", "action", "channel", "amount_minor", "currency_code", "state"),
        *("original_reference", "channel_reference", "failure_reason", "failure_code", "inquiry_count"),
        *("contradicted", "traceparent", "create_time", "update_time"),
    )
)
_AGE = "coalesce(extract(epoch FROM clock_timestamp() - start_time), 0)::float8 AS age_s"
_BESIDE = ("merchant_id", "method_token", "correlation_id")
_CLAIMED = f"{_COLUMNS}, {_AGE}, " + ", ".join(f"payment.{name}" for name in _BESIDE)
_INSERTED = (
    "attempt_id",
    "payment_id",
    "refund_id",
    "action",
    "channel",
    "amount_minor",
    "currency_code",
    "original_reference",
    "traceparent",
    "create_time",
    "update_time",
)

_ANY_PENDING = "SELECT EXISTS (SELECT FROM attempt WHERE state = 'PENDING')"
_ANY_DUE = "SELECT EXISTS (SELECT FROM attempt WHERE state IN ('STARTED', 'UNKNOWN') AND due_time <= now())"

# Takes attempts to send off the queue, for good: from here on they are only ever inquired about. Jobs of several
# processes pass each other's rows by.
_CLAIM_PENDING = f"""
UPDATE attempt SET state = 'STARTED', start_time = clock_timestamp(), due_time = now() + $2::float8 * interval '1 s'
FROM (SELECT attempt_id AS claimed_id FROM attempt WHERE state = 'PENDING' ORDER BY due_time LIMIT $1
      FOR UPDATE SKIP LOCKED) claimed, payment
WHERE attempt_id = claimed_id AND payment.payment_id = attempt.payment_id
RETURNING {_CLAIMED}
"""

# Takes attempts whose lease or pause has ended. The new lease keeps other jobs away while this one inquires.
_CLAIM_OPEN = f"""
UPDATE attempt SET due_time = now() + $2::float8 * interval '1 s'
FROM (SELECT attempt_id AS claimed_id FROM attempt
      WHERE state IN ('STARTED', 'UNKNOWN') AND due_time <= now() ORDER BY due_time LIMIT $1
      FOR UPDATE SKIP LOCKED) claimed, payment
WHERE attempt_id = claimed_id AND payment.payment_id = attempt.payment_id
RETURNING {_CLAIMED}
"""

# After the lock of the payments; against a claim at the same time.
_LOCK_ATTEMPTS = f"""
SELECT {_COLUMNS}, {_AGE} FROM attempt WHERE attempt_id = ANY($1::text[]) ORDER BY attempt_id FOR UPDATE
"""

_UPDATE_ATTEMPTS = """
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

_SELECT_SHOWN = f"""
SELECT {_COLUMNS}, {_AGE} FROM attempt WHERE payment_id = $1 ORDER BY attempt_id LIMIT {SHOWN_MAX}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """An attempt taken for sending or inquiring, with what a channel needs to know beside it."""

    attempt: Attempt
    merchant_id: str
    method_token: str
    correlation_id: str


async def insert_attempts(tx: Tx, attempts: Iterable[Attempt]) -> None:
    """Put attempts just made on the queue; those of one call in the order of their ids."""
    rows = [tuple([getattr(a, name) for name in _INSERTED]) for a in attempts]
    if rows:
        await tx.copy("attempt", _INSERTED, rows)


async def any_pending(tx: Tx) -> bool:
    """Say whether attempts wait to be sent."""
    return bool((await tx.fetch(_ANY_PENDING))[0][0])


async def any_due(tx: Tx) -> bool:
    """Say whether an inquiry is due."""
    return bool((await tx.fetch(_ANY_DUE))[0][0])


async def claim_pending(tx: Tx, *, limit: int, lease_s: float) -> list[Claimed]:
    """Take the attempts that have waited longest, to send them."""
    return [_claimed(row) for row in await tx.fetch(_CLAIM_PENDING, limit, lease_s)]


async def claim_open(tx: Tx, *, limit: int, lease_s: float) -> list[Claimed]:
    """Take attempts that were sent, whose outcome is not known, and whose next inquiry is due."""
    return [_claimed(row) for row in await tx.fetch(_CLAIM_OPEN, limit, lease_s)]


async def lock_attempts(tx: Tx, attempt_ids: Sequence[str]) -> dict[str, Attempt]:
    """Lock attempts, in the order of their ids, and give those that exist."""
    return {row["attempt_id"]: to_attempt(row) for row in await tx.fetch(_LOCK_ATTEMPTS, attempt_ids)}


async def update_attempts(tx: Tx, attempts: Sequence[Attempt]) -> None:
    """Write locked attempts back, each at most once; an open one becomes due after its pause.

    Raises:
        InvariantError: An attempt is not there, or came twice.
    """
    if not attempts:
        return
    changed = await tx.run(
        _UPDATE_ATTEMPTS,
        [a.attempt_id for a in attempts],
        [a.state for a in attempts],
        [a.channel_reference for a in attempts],
        [a.failure_reason for a in attempts],
        [a.failure_code for a in attempts],
        [a.inquiry_count for a in attempts],
        [a.contradicted for a in attempts],
        [inquiry_pause_s(a.inquiry_count) for a in attempts],
        [a.update_time for a in attempts],
    )
    require_all_changed("attempt", changed, len(attempts))


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


async def attempts_of_payment(tx: Tx, payment_id: str) -> list[Attempt]:
    """Give a payment's attempts and those of its refunds, oldest first, at most SHOWN_MAX."""
    return [to_attempt(row) for row in await tx.fetch(_SELECT_SHOWN, payment_id)]


def to_attempt(row: Mapping[str, Any]) -> Attempt:
    """Make an attempt of a row of its table."""
    values = dict(row)
    values["action"] = AttemptAction(values["action"])
    values["state"] = AttemptState(values["state"])
    values["failure_reason"] = store.to_failure_reason(values["failure_reason"])
    return Attempt(**values)


def _claimed(row: Mapping[str, Any]) -> Claimed:
    values = dict(row)
    beside = {name: values.pop(name) for name in _BESIDE}
    return Claimed(attempt=to_attempt(values), **beside)
