"""A contradiction: evidence against what is recorded, from when it was heard until it is over. Pure.

What can be handled by rule is AUTOMATIC from the start: it is listed, and blocks nothing. What needs people is OPEN:
one proposes, another approves or rejects, and both names stay with the reason.
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
from paykit.reasons.stated_reason import NOT_STATED, StatedReason


class ContradictionState(StrEnum):
    """How far it has come; OPEN and PROPOSED hold up payouts where a decision is needed."""

    AUTOMATIC = "AUTOMATIC"
    OPEN = "OPEN"
    PROPOSED = "PROPOSED"
    RESOLVED = "RESOLVED"


class ContradictionKind(StrEnum):
    """What was said against what: a success after a failure, a failure after a success, and so on."""

    LATE_SUCCESS = "LATE_SUCCESS"
    LATE_FAILURE = "LATE_FAILURE"
    SECOND_REFERENCE = "SECOND_REFERENCE"
    OTHER_AMOUNT = "OTHER_AMOUNT"
    REVERSED = "REVERSED"
    RETURNED = "RETURNED"
    DECISION_OVERTURNED = "DECISION_OVERTURNED"


class ContradictionResolution(StrEnum):
    """How it ends.

    NONE: looked at, nothing to be moved. CHARGE_MERCHANT, WRITE_OFF: who bears what is out with nothing behind it.
    ACCEPT: money that came late is the merchant's. RETRY: it is given back once more. EVIDENCE: what followed ended it.
    """

    NONE = "NONE"
    CHARGE_MERCHANT = "CHARGE_MERCHANT"
    WRITE_OFF = "WRITE_OFF"
    ACCEPT = "ACCEPT"
    RETRY = "RETRY"
    EVIDENCE = "EVIDENCE"


class ContradictionAction(StrEnum):
    """What can happen to it."""

    ESCALATE = "ESCALATE"
    PROPOSE = "PROPOSE"
    APPROVE = "APPROVE"
    REJECT = "REJECT"
    SETTLE = "SETTLE"


_S, _A, _R = ContradictionState, ContradictionAction, ContradictionResolution

TRANSITIONS: Mapping[tuple[ContradictionState, ContradictionAction], ContradictionState] = MappingProxyType(
    {
        (_S.AUTOMATIC, _A.ESCALATE): _S.OPEN,
        (_S.PROPOSED, _A.ESCALATE): _S.PROPOSED,
        (_S.AUTOMATIC, _A.PROPOSE): _S.PROPOSED,
        (_S.OPEN, _A.PROPOSE): _S.PROPOSED,
        (_S.PROPOSED, _A.APPROVE): _S.RESOLVED,
        (_S.PROPOSED, _A.REJECT): _S.OPEN,
        # What followed may settle it at any time; a proposal falls with it.
        (_S.AUTOMATIC, _A.SETTLE): _S.RESOLVED,
        (_S.OPEN, _A.SETTLE): _S.RESOLVED,
        (_S.PROPOSED, _A.SETTLE): _S.RESOLVED,
    }
)
"""The state after an action; a pair that is missing is illegal. A rejected proposal leaves it as it was before."""

UNRESOLVED = frozenset({_S.OPEN, _S.PROPOSED})
"""States in which people are waited for."""


class ContradictionNotFound(DomainError):
    """No contradiction has this id."""

    kind = Kind.NOT_FOUND
    reason = "CONTRADICTION_NOT_FOUND"


class ResolutionNotPossible(DomainError):
    """The contradiction cannot end like that; metadata says how it can."""

    kind = Kind.FAILED_PRECONDITION
    reason = "RESOLUTION_NOT_POSSIBLE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Contradiction:
    """Evidence against what is recorded; amounts are in minor units of `currency_code`.

    Attributes:
        aggregate_id: The payment or withdrawal under whose lock it changes, and whose events tell of it.
        subject_id: What is contradicted: the payment or withdrawal itself, or its capture, refund or dispute.
        attempt_id: The call to the channel that it is about; None where it is about none.
        amount_minor: What the evidence is over.
        suspense_minor: What stands in suspense for it: above 0 money that came and is owed, below 0 money that is out
            with nothing behind it.
        recorded: The state that the evidence contradicts, in the service's words.
        reported: What the evidence says.
        needs_decision: Whether rules could not end it.
        resolution: Proposed, and with RESOLVED how it ended.
        decider: Who approved; None where evidence ended it.
        stated: Why the latest proposal was rejected.
    """

    contradiction_id: str
    aggregate_id: str
    subject_id: str
    attempt_id: str | None
    merchant_id: str
    kind: ContradictionKind
    amount_minor: int
    currency_code: str
    suspense_minor: int
    recorded: str
    reported: str
    channel_reference: str | None
    needs_decision: bool
    create_time: datetime
    update_time: datetime
    state: ContradictionState = ContradictionState.OPEN
    resolution: ContradictionResolution | None = None
    proposer: str | None = None
    decider: str | None = None
    reason: str | None = None
    stated: StatedReason = NOT_STATED


def not_found(contradiction_id: str) -> ContradictionNotFound:
    """Return the refusal of what is asked of a contradiction that does not exist."""
    return ContradictionNotFound(
        "No contradiction has this id.", field="contradiction_id", contradiction_id=contradiction_id
    )


def first_state(*, needs_decision: bool) -> ContradictionState:
    """Return the state in which a contradiction begins."""
    return ContradictionState.OPEN if needs_decision else ContradictionState.AUTOMATIC


def possible(contradiction: Contradiction) -> tuple[ContradictionResolution, ...]:
    """Return what people may decide: where money is out, who bears it; where money came, whose it is."""
    if contradiction.suspense_minor < 0:
        return _R.CHARGE_MERCHANT, _R.WRITE_OFF
    if contradiction.suspense_minor > 0:
        return (_R.ACCEPT,)
    return (_R.NONE,)


def escalate(contradiction: Contradiction, *, now: datetime) -> Contradiction:
    """Leave to people what rules could not end.

    Raises:
        IllegalTransition: It is with people already, or over.
    """
    return replace(_touch(contradiction, _A.ESCALATE, now), needs_decision=True)


def propose(
    contradiction: Contradiction,
    resolution: ContradictionResolution,
    *,
    proposer: str | None,
    reason: str,
    now: datetime,
) -> Contradiction:
    """Propose how it ends; another person decides.

    Raises:
        SamePerson: The caller has no name.
        IllegalTransition: A proposal waits for its decision, or it is over.
        ResolutionNotPossible: It cannot end like that.
    """
    if proposer is None:
        raise SamePerson("Who proposes needs a name.", field="caller")
    proposed = _touch(contradiction, _A.PROPOSE, now)
    if resolution not in possible(contradiction):
        choices = ",".join(possible(contradiction))
        raise ResolutionNotPossible(f"It can end by {choices}.", field="resolution", possible=choices)
    return replace(proposed, resolution=resolution, proposer=proposer, reason=reason)


def approve(contradiction: Contradiction, *, decider: str | None, now: datetime) -> Contradiction:
    """End it as was proposed; what stood in suspense for it is cleared with that.

    Raises:
        SamePerson: The caller proposed it, or has no name.
        IllegalTransition: No proposal waits for a decision.
    """
    approved = _touch(contradiction, _A.APPROVE, now)
    return replace(approved, suspense_minor=0, decider=_another(contradiction, decider))


def reject(contradiction: Contradiction, *, decider: str | None, stated: StatedReason, now: datetime) -> Contradiction:
    """Refuse what was proposed, for a reason; something else may be.

    Raises:
        SamePerson: The caller proposed it, or has no name.
        IllegalTransition: No proposal waits for a decision.
    """
    rejected = _touch(contradiction, _A.REJECT, now)
    _another(contradiction, decider)
    state = first_state(needs_decision=contradiction.needs_decision)
    return replace(rejected, state=state, resolution=None, proposer=None, reason=None, stated=stated)


def settle(contradiction: Contradiction, *, now: datetime) -> Contradiction:
    """End it by what followed, such as a refund that succeeded; nothing stands in suspense for it any more.

    Raises:
        IllegalTransition: It is over.
    """
    settled = _touch(contradiction, _A.SETTLE, now)
    return replace(settled, suspense_minor=0, resolution=_R.EVIDENCE, proposer=None, reason=None)


def leave(contradiction: Contradiction, suspense_minor: int, *, now: datetime) -> Contradiction:
    """Record what stands in suspense for it now, where what followed has changed that and did not end it."""
    return replace(contradiction, suspense_minor=suspense_minor, update_time=no_earlier(now, contradiction.update_time))


def _another(contradiction: Contradiction, decider: str | None) -> str:
    return require_another(decider, than=contradiction.proposer or "", role="proposer")


def _touch(contradiction: Contradiction, action: ContradictionAction, now: datetime) -> Contradiction:
    state = transitions.next_state(TRANSITIONS, contradiction.state, action, what="A contradiction")
    return replace(contradiction, state=state, update_time=no_earlier(now, contradiction.update_time))
