"""Withdrawal's tables `attempt` and `evidence`; the SQL is in `paykit.channels.attempt_table`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from paykit.channels import attempts
from paykit.channels.attempt_table import AttemptTable
from paykit.channels.attempts import AttemptState
from services.withdrawal.domain.attempt import Attempt

SHOWN_MAX = 10
"""Attempts of one withdrawal that GetWithdrawal shows; it has one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed(attempts.Claimed[Attempt]):
    """An attempt taken for sending or inquiring, with where the money is to go."""

    destination_token: str


def to_attempt(row: Mapping[str, Any]) -> Attempt:
    """Make an attempt of a row of its table."""
    values = dict(row)
    values["state"] = AttemptState(values["state"])
    return Attempt(**values)


ATTEMPTS = AttemptTable(
    aggregate="withdrawal",
    own=("withdrawal_id",),
    beside=("merchant_id", "destination_token", "correlation_id"),
    attempt=to_attempt,
    claimed=Claimed,
)
"""The calls to the bank."""
