"""Corrections: what one person proposes to end a discrepancy by, and another approves or rejects. Pure.

A correction books the difference between two accounts of the platform, or it books nothing and explains. What is
approved to be booked is over once the ledger has said so; what it refuses can be proposed anew, otherwise.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from paykit import transitions
from paykit.base.four_eyes import SamePerson, require_another
from paykit.clock import no_earlier
from paykit.errors import DomainError, Kind


class CorrectionState(StrEnum):
    """How far it has come; APPROVED waits for the ledger, EXPLAINED needed none."""

    PROPOSED = "PROPOSED"
    APPROVED = "APPROVED"
    BOOKED = "BOOKED"
    REFUSED = "REFUSED"
    EXPLAINED = "EXPLAINED"
    REJECTED = "REJECTED"


class CorrectionAction(StrEnum):
    """What can happen to it: two are the second person's, two the ledger's."""

    APPROVE = "APPROVE"
    ACCEPT = "ACCEPT"
    REJECT = "REJECT"
    BOOK = "BOOK"
    REFUSE = "REFUSE"


_S, _A = CorrectionState, CorrectionAction

TRANSITIONS: Mapping[tuple[CorrectionState, CorrectionAction], CorrectionState] = MappingProxyType(
    {
        (_S.PROPOSED, _A.APPROVE): _S.APPROVED,
        (_S.PROPOSED, _A.ACCEPT): _S.EXPLAINED,
        (_S.PROPOSED, _A.REJECT): _S.REJECTED,
        (_S.APPROVED, _A.BOOK): _S.BOOKED,
        (_S.APPROVED, _A.REFUSE): _S.REFUSED,
    }
)
"""The state after an action; ACCEPT is the approval of what books nothing."""

PENDING = frozenset({_S.PROPOSED, _S.APPROVED})
"""States in which nothing else can be proposed for the same discrepancy."""


class CorrectionNotFound(DomainError):
    """No correction has this id."""

    kind = Kind.NOT_FOUND
    reason = "CORRECTION_NOT_FOUND"


class CorrectionPending(DomainError):
    """Another correction of the discrepancy waits for its decision, or for the ledger."""

    kind = Kind.FAILED_PRECONDITION
    reason = "CORRECTION_PENDING"


@dataclass(frozen=True, slots=True, kw_only=True)
class Booking:
    """What a correction books, in minor units of the currency; never of merchants."""

    debit_account_kind: str
    credit_account_kind: str
    amount_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """What is proposed for a discrepancy.

    Attributes:
        debit_account_kind: None where it books nothing, as are the other two.
        reason: Why, by the proposer.
        decision_reason: Why the second person decided so, if a reason was given.
        refusal: Why the ledger would not book it.
        transaction_id: What the ledger booked.
    """

    correction_id: str
    discrepancy_id: str
    state: CorrectionState
    debit_account_kind: str | None
    credit_account_kind: str | None
    amount_minor: int | None
    currency_code: str
    reason: str
    proposer: str
    decider: str | None = None
    decision_reason: str | None = None
    refusal: str | None = None
    transaction_id: str | None = None
    create_time: datetime
    update_time: datetime

    @property
    def booking(self) -> Booking | None:
        """What it books; None where it explains."""
        if self.debit_account_kind is None or self.credit_account_kind is None or self.amount_minor is None:
            return None
        return Booking(
            debit_account_kind=self.debit_account_kind,
            credit_account_kind=self.credit_account_kind,
            amount_minor=self.amount_minor,
        )


def propose(
    booking: Booking | None,
    *,
    correction_id: str,
    discrepancy_id: str,
    currency_code: str,
    reason: str,
    proposer: str | None,
    now: datetime,
) -> Correction:
    """Make a correction that waits for another person.

    Raises:
        SamePerson: The caller has no name, and so could be whoever decides.
    """
    if proposer is None:
        raise SamePerson("Who proposes needs a name.", field="caller")
    return Correction(
        correction_id=correction_id,
        discrepancy_id=discrepancy_id,
        state=CorrectionState.PROPOSED,
        debit_account_kind=None if booking is None else booking.debit_account_kind,
        credit_account_kind=None if booking is None else booking.credit_account_kind,
        amount_minor=None if booking is None else booking.amount_minor,
        currency_code=currency_code,
        reason=reason,
        proposer=proposer,
        create_time=now,
        update_time=now,
    )


def approve(correction: Correction, *, decider: str | None, reason: str | None, now: datetime) -> Correction:
    """Take a correction, which another person proposed: it is EXPLAINED at once, or the ledger is asked to book it.

    Raises:
        IllegalTransition: It was decided before.
        SamePerson: The caller proposed it, or has no name.
    """
    action = CorrectionAction.ACCEPT if correction.booking is None else CorrectionAction.APPROVE
    return _decide(correction, action, decider, reason, now)


def reject(correction: Correction, *, decider: str | None, reason: str | None, now: datetime) -> Correction:
    """Refuse a correction, which another person proposed; something else may be proposed.

    Raises:
        IllegalTransition: It was decided before.
        SamePerson: The caller proposed it, or has no name.
    """
    return _decide(correction, CorrectionAction.REJECT, decider, reason, now)


def book(correction: Correction, *, transaction_id: str, now: datetime) -> Correction:
    """Return a correction that the ledger has booked.

    Raises:
        IllegalTransition: It was not approved.
    """
    return replace(_touch(correction, CorrectionAction.BOOK, now), transaction_id=transaction_id)


def refuse(correction: Correction, *, refusal: str, now: datetime) -> Correction:
    """Return a correction that the ledger would not book.

    Raises:
        IllegalTransition: It was not approved.
    """
    return replace(_touch(correction, CorrectionAction.REFUSE, now), refusal=refusal)


def not_found(correction_id: str) -> CorrectionNotFound:
    """Refuse an id that no correction has."""
    message = f"There is no correction {correction_id}."
    return CorrectionNotFound(message, field="correction_id", correction_id=correction_id)


def pending(correction: Correction) -> CorrectionPending:
    """Refuse to propose beside a correction that is not over."""
    message = f"{correction.correction_id} of the same discrepancy is {correction.state}."
    return CorrectionPending(message, correction_id=correction.correction_id, state=correction.state)


def _decide(
    correction: Correction, action: CorrectionAction, decider: str | None, reason: str | None, now: datetime
) -> Correction:
    decided = _touch(correction, action, now)
    another = require_another(decider, than=correction.proposer, role="proposer")
    return replace(decided, decider=another, decision_reason=reason)


def _touch(correction: Correction, action: CorrectionAction, now: datetime) -> Correction:
    state = transitions.next_state(TRANSITIONS, correction.state, action, what="A correction")
    return replace(correction, state=state, update_time=no_earlier(now, correction.update_time))
