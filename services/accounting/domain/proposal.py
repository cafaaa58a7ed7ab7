"""Journals and reversals that one person proposes, and another approves or rejects. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from paykit import transitions
from paykit.base.four_eyes import SamePerson, require_another
from paykit.cause import NO_CALL, Cause, CreatingCall
from paykit.clock import no_earlier
from paykit.errors import DomainError, Kind
from services.accounting.domain.journal import Journal, Leg, Reversal
from services.accounting.domain.transaction import Transaction


class JournalProposalNotFound(DomainError):
    """No proposal of a journal has this id."""

    kind = Kind.NOT_FOUND
    reason = "JOURNAL_PROPOSAL_NOT_FOUND"


class JournalProposalState(StrEnum):
    """How far it has come."""

    PROPOSED = "PROPOSED"
    BOOKED = "BOOKED"
    REJECTED = "REJECTED"


class JournalDecision(StrEnum):
    """What the second person says."""

    APPROVE = "APPROVE"
    REJECT = "REJECT"


TRANSITIONS: Mapping[tuple[JournalProposalState, JournalDecision], JournalProposalState] = MappingProxyType(
    {
        (JournalProposalState.PROPOSED, JournalDecision.APPROVE): JournalProposalState.BOOKED,
        (JournalProposalState.PROPOSED, JournalDecision.REJECT): JournalProposalState.REJECTED,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalProposal:
    """A journal or reversal that waits for a second person, or has met one.

    Attributes:
        amount_minor: What is to be booked, in minor units of currency_code.
        legs: As the proposer named them; none of a reversal.
        effective_at: As asked for; None for the moment of approval.
        reverses_transaction_id: What is to be reversed; None of a journal.
        decision_reason: Why the second person decided so, if a reason was given.
        transaction_id: What was booked, once it is.
        correlation_id: The journey that the transaction belongs to.
    """

    proposal_id: str
    state: JournalProposalState
    transaction_type: str
    related_no: str
    currency_code: str
    amount_minor: int
    legs: tuple[Leg, ...]
    effective_at: datetime | None
    reverses_transaction_id: str | None
    reason: str
    proposer: str
    decider: str | None = None
    decision_reason: str | None = None
    transaction_id: str | None = None
    correlation_id: str
    create_time: datetime
    update_time: datetime
    creating_call: CreatingCall = NO_CALL

    def asked(self, cause: Cause) -> Journal | Reversal:
        """Return what is to be booked once it is approved: two people have decided, so that no limit of one holds."""
        if self.reverses_transaction_id is not None:
            return Reversal(
                transaction_id=self.reverses_transaction_id,
                reason=self.reason,
                effective_at=self.effective_at,
                cause=cause,
            )
        return Journal(
            transaction_type=self.transaction_type,
            related_no=self.related_no,
            currency_code=self.currency_code,
            legs=self.legs,
            reason=self.reason,
            effective_at=self.effective_at,
            cause=cause,
        )


def propose(
    asked: Journal | Reversal,
    transaction: Transaction,
    *,
    proposal_id: str,
    proposer: str | None,
    creating_call: CreatingCall,
    now: datetime,
) -> JournalProposal:
    """Make the proposal of what would book a transaction.

    Raises:
        SamePerson: The caller has no name, and so could be whoever decides.
    """
    if proposer is None:
        raise SamePerson("Who proposes needs a name.")
    return JournalProposal(
        proposal_id=proposal_id,
        state=JournalProposalState.PROPOSED,
        transaction_type=transaction.transaction_type,
        related_no=transaction.related_no,
        currency_code=transaction.currency_code,
        amount_minor=transaction.amount_minor,
        legs=asked.legs if isinstance(asked, Journal) else (),
        effective_at=asked.effective_at,
        reverses_transaction_id=transaction.reverses_transaction_id,
        reason=asked.reason,
        proposer=proposer,
        correlation_id=asked.cause.correlation_id,
        create_time=now,
        update_time=now,
        creating_call=creating_call,
    )


def decide(
    proposal: JournalProposal, decision: JournalDecision, *, decider: str | None, reason: str | None, now: datetime
) -> JournalProposal:
    """Decide a proposal, which another person made; what is approved is BOOKED once its transaction is.

    Raises:
        IllegalTransition: It was decided before.
        SamePerson: The caller proposed it, or has no name.
    """
    state = transitions.next_state(TRANSITIONS, proposal.state, decision, what="A proposed journal")
    another = require_another(decider, than=proposal.proposer, role="proposer")
    update_time = no_earlier(now, proposal.update_time)
    return replace(proposal, state=state, decider=another, decision_reason=reason, update_time=update_time)


def not_found(proposal_id: str) -> JournalProposalNotFound:
    """Refuse an id that no proposal has."""
    message = f"There is no proposed journal {proposal_id}."
    return JournalProposalNotFound(message, field="proposal_id", proposal_id=proposal_id)
