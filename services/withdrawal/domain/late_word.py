"""A withdrawal as the bank's later words leave it, and the events that say so; which word does what is in `late_rules`.

Each movement is booked at most once by its type: the ledger knows a withdrawal's by its id. What would be booked twice
is counted where money is out, and left to people where it came back. Pure.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from paykit.aggregate import next_revision
from paykit.channels.attempts import Evidence
from paykit.clock import no_earlier
from paykit.contradictions import contradiction as contradictions
from paykit.contradictions.contradiction import Contradiction, ContradictionKind
from paykit.errors import InvariantError
from paystream.withdrawal.v1 import events
from services.withdrawal.domain.late_rules import PayoutWord
from services.withdrawal.domain.withdrawal import Withdrawal, facts, present
from services.withdrawal.domain.withdrawal_state import WithdrawalState

BOUNCED = "BOUNCED"
"""Why a withdrawal is FAILED that had been completed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BankWord:
    """What the bank said, and against what.

    Attributes:
        recorded: The state that it contradicts.
    """

    word: PayoutWord
    evidence: Evidence
    recorded: WithdrawalState


def pay_late(
    withdrawal: Withdrawal, *, evidence: Evidence, now: datetime
) -> tuple[Withdrawal, events.WithdrawalPaidLate | None]:
    """Record that the bank paid after all, or once more; no event tells what the ledger has booked before."""
    channel_reference = present(evidence.channel_reference or withdrawal.channel_reference, withdrawal)
    paid = replace(
        withdrawal,
        **next_revision(withdrawal, now),
        state=WithdrawalState.COMPLETED,
        channel_reference=channel_reference,
        failure_reason=None,
        failure_code=None,
        return_code=None,
        taken_minor=withdrawal.taken_minor + max(withdrawal.amount_minor, evidence.amount_minor or 0),
        paid_late=True,
    )
    if withdrawal.paid_late:
        return replace(paid, aggregate_version=withdrawal.aggregate_version), None
    return paid, events.WithdrawalPaidLate(
        **facts(paid),
        channel=present(paid.channel, paid),
        channel_reference=channel_reference,
        previous_state=withdrawal.state,
        attempt_id=evidence.attempt_id,
    )


def take_more(withdrawal: Withdrawal, *, evidence: Evidence, now: datetime) -> Withdrawal:
    """Count what the bank says it paid, where that is more than was asked for."""
    taken_minor = max(withdrawal.taken_minor, evidence.amount_minor or 0)
    return replace(withdrawal, update_time=no_earlier(now, withdrawal.update_time), taken_minor=taken_minor)


def bounce(
    withdrawal: Withdrawal, *, evidence: Evidence, now: datetime
) -> tuple[Withdrawal, events.WithdrawalBounced | None]:
    """Record that the bank never paid what it said it had, or once of twice.

    What the ledger has booked before is not booked again, and so does not come back: no event tells, nothing changes.
    """
    if withdrawal.bounced:
        return withdrawal, None
    taken_minor = max(withdrawal.taken_minor - withdrawal.amount_minor, 0)
    state = _state_after_bounce(withdrawal, taken_minor)
    failed = state is WithdrawalState.FAILED
    bounced = replace(
        withdrawal,
        **next_revision(withdrawal, now),
        state=state,
        failure_reason=BOUNCED if failed else None,
        failure_code=evidence.failure_code if failed else None,
        taken_minor=0 if failed else taken_minor,
        bounced=True,
    )
    return bounced, events.WithdrawalBounced(
        **facts(bounced),
        channel=present(bounced.channel, bounced),
        channel_reference=present(evidence.channel_reference or bounced.channel_reference, bounced),
        failure_code=evidence.failure_code,
        attempt_id=evidence.attempt_id,
    )


def contradict(
    withdrawal: Withdrawal, row: Contradiction, late: BankWord, *, now: datetime
) -> tuple[Withdrawal, events.WithdrawalContradicted]:
    """Mark a withdrawal as contradicted, and tell what is listed about it."""
    evidence = late.evidence
    differs = evidence.amount_minor not in {None, withdrawal.amount_minor}
    marked = replace(withdrawal, **next_revision(withdrawal, now), contradicted=True)
    return marked, events.WithdrawalContradicted(
        **facts(marked),
        contradiction_id=row.contradiction_id,
        kind=events.ContradictionKind(row.kind),
        attempt_id=row.attempt_id,
        recorded_state=late.recorded,
        reported_outcome=evidence.outcome,
        expected_minor=withdrawal.amount_minor if differs else None,
        reported_minor=evidence.amount_minor,
        channel_reference=evidence.channel_reference,
        needs_decision=row.needs_decision,
    )


def contradiction(
    withdrawal: Withdrawal,
    late: BankWord,
    *,
    contradiction_id: str,
    kind: ContradictionKind,
    needs_decision: bool,
    now: datetime,
) -> Contradiction:
    """Return what is listed for a word."""
    return Contradiction(
        contradiction_id=contradiction_id,
        aggregate_id=withdrawal.withdrawal_id,
        subject_id=withdrawal.withdrawal_id,
        attempt_id=late.evidence.attempt_id,
        merchant_id=withdrawal.merchant_id,
        kind=kind,
        amount_minor=late.evidence.amount_minor or withdrawal.amount_minor,
        currency_code=withdrawal.currency_code,
        suspense_minor=0,
        recorded=late.recorded,
        reported=late.word,
        channel_reference=late.evidence.channel_reference,
        needs_decision=needs_decision,
        create_time=now,
        update_time=now,
        state=contradictions.first_state(needs_decision=needs_decision),
    )


def resolve(
    withdrawal: Withdrawal, resolved: Contradiction, *, now: datetime
) -> tuple[Withdrawal, events.WithdrawalContradictionResolved]:
    """Tell that a contradiction is over.

    Raises:
        InvariantError: It has not ended.
    """
    if resolved.resolution is None:
        raise InvariantError(f"contradiction {resolved.contradiction_id} has not ended")
    told = replace(withdrawal, **next_revision(withdrawal, now))
    return told, events.WithdrawalContradictionResolved(
        **facts(told),
        contradiction_id=resolved.contradiction_id,
        resolution=events.ContradictionResolution(resolved.resolution),
        proposer=resolved.proposer,
        reason=resolved.reason,
    )


def _state_after_bounce(withdrawal: Withdrawal, taken_minor: int) -> WithdrawalState:
    if taken_minor >= withdrawal.amount_minor:
        return WithdrawalState.COMPLETED
    return WithdrawalState.FAILED if withdrawal.returned_minor is None else WithdrawalState.RETURNED
