"""What withdrawal asks of the bank, and what its failures mean here. Pure; see `paykit.channels.attempts`."""

from dataclasses import dataclass, replace
from datetime import datetime

from paykit.channels import attempts, judging
from paykit.channels.attempts import AttemptState, Evidence, EvidenceOutcome, Verdict
from paykit.clock import no_earlier
from paykit.errors import IllegalTransition

PAY = "PAY"
"""The only action: each withdrawal is paid by one attempt."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PayoutAttempt(attempts.Attempt):
    """The call to the bank that pays a withdrawal."""

    withdrawal_id: str


def decide(attempt: PayoutAttempt, evidence: Evidence, verdict: Verdict, *, now: datetime) -> PayoutAttempt:
    """Return the attempt as a verdict leaves it."""
    return judging.decide(attempt, evidence, verdict, failure_reason=failure_reason(evidence), now=now)


def failure_reason(evidence: Evidence) -> str:
    """Return the reason that evidence of a failure proves: refused by the bank, or never arrived there."""
    return "NOT_RECEIVED" if evidence.outcome is EvidenceOutcome.NOT_FOUND else "BANK_REJECTED"


def never_send(attempt: PayoutAttempt, *, reason: str, now: datetime) -> PayoutAttempt:
    """Return the attempt as one that ends without having been sent.

    Raises:
        IllegalTransition: It was sent, or has ended.
    """
    if attempt.state is not AttemptState.PENDING:
        raise IllegalTransition(f"An attempt that is {attempt.state} was sent.", state=attempt.state, action="CANCEL")
    update_time = no_earlier(now, attempt.update_time)
    return replace(attempt, state=AttemptState.FAILED, failure_reason=reason, update_time=update_time)
