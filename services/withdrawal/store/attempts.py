"""Withdrawal's tables `attempt` and `evidence`; the SQL is in `paykit.channels.attempt_table`."""

from dataclasses import dataclass

from paykit.channels import attempts
from paykit.channels.attempt_table import AttemptTable
from services.withdrawal.domain.attempt import Attempt

SHOWN_MAX = 10
"""Attempts of one withdrawal that GetWithdrawal shows; it has one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed(attempts.Claimed[Attempt]):
    """An attempt taken for sending or inquiring, with where the money is to go."""

    destination_token: str


ATTEMPTS = AttemptTable(
    Attempt,
    aggregate="withdrawal",
    beside=("merchant_id", "destination_token", "correlation_id"),
    claimed=Claimed,
)
"""The calls to the bank."""
