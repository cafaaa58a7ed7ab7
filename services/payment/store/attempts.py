"""Payment's tables `attempt` and `evidence`; the SQL is in `paykit.channels.attempt_table`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from paykit.channels import attempts
from paykit.channels.attempt_table import AttemptTable
from paykit.channels.attempts import AttemptState
from paykit.postgres.database import Tx
from services.payment.domain.attempt import Attempt, AttemptAction
from services.payment.store import payments as store

SHOWN_MAX = 100
"""Attempts of one payment that GetPayment shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed(attempts.Claimed[Attempt]):
    """An attempt taken for sending or inquiring, with what a channel needs to know beside it."""

    method_token: str


def to_attempt(row: Mapping[str, Any]) -> Attempt:
    """Make an attempt of a row of its table."""
    values = dict(row)
    values["action"] = AttemptAction(values["action"])
    values["state"] = AttemptState(values["state"])
    values["failure_reason"] = store.to_failure_reason(values["failure_reason"])
    return Attempt(**values)


ATTEMPTS = AttemptTable(
    aggregate="payment",
    own=("payment_id", "refund_id", "capture_id", "original_reference"),
    beside=("merchant_id", "method_token", "correlation_id"),
    attempt=to_attempt,
    claimed=Claimed,
)
"""The attempts of payments, their captures and refunds."""

# What payments begin with. Its state is looked at under its lock only, as a job may be claiming it.
_SELECT_FIRST = """
SELECT attempt_id FROM attempt
WHERE payment_id = ANY($1::text[]) AND action IN ('CHARGE', 'AUTHORIZE') ORDER BY attempt_id
"""


async def lock_first(tx: Tx, payment_ids: Sequence[str]) -> dict[str, Attempt]:
    """Lock the charges and authorizations of locked payments; whether they were sent can no longer change."""
    rows = await tx.fetch(_SELECT_FIRST, payment_ids)
    return await ATTEMPTS.lock(tx, [row["attempt_id"] for row in rows])
