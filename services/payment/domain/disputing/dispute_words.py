"""Every word that a channel can say of a dispute, against everything that can be recorded of it. Pure.

One table, RULINGS, says what follows; `dispute_rulings` carries it out. docs/payments.md shows it to readers.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from paykit.contradictions.contradiction import ContradictionKind
from paystream.payment.v1 import events
from services.payment.domain.dispute import Dispute, DisputeOutcome, DisputeState, Reported


class DisputeStanding(StrEnum):
    """What is recorded of a dispute.

    NONE: nothing yet. INQUIRED: an inquiry is open. CLOSED: an inquiry has ended. HELD: the amount is held in the
    ledger. COUNTED: pre-arbitration, which counts in limits and holds nothing. WON and LOST: decided.
    """

    NONE = "NONE"
    INQUIRED = "INQUIRED"
    CLOSED = "CLOSED"
    HELD = "HELD"
    COUNTED = "COUNTED"
    WON = "WON"
    LOST = "LOST"


class DisputeWord(StrEnum):
    """What a channel says: that a stage has begun, or how it ended."""

    INQUIRY = "INQUIRY"
    CHARGEBACK = "CHARGEBACK"
    PRE_ARBITRATION = "PRE_ARBITRATION"
    WON = "WON"
    LOST = "LOST"


class DisputeStep(StrEnum):
    """What follows from a word, each step on what the one before it left.

    INQUIRE: nothing is held; DisputeInquiryOpened. CLOSE: the inquiry has ended. HOLD: take what is left of the
    capture; DisputeOpened. COUNT: take it out of the limits alone. AMEND: count what is disputed now. ESCALATE: note
    the stage. DECIDE: end what is held; DisputeWon or DisputeLost, by what is lost. OVERTURN: book what is lost now and
    was not, or the reverse; DisputeOverturned.
    """

    INQUIRE = "INQUIRE"
    CLOSE = "CLOSE"
    HOLD = "HOLD"
    COUNT = "COUNT"
    AMEND = "AMEND"
    ESCALATE = "ESCALATE"
    DECIDE = "DECIDE"
    OVERTURN = "OVERTURN"


_R, _W, _S = DisputeStanding, DisputeWord, DisputeStep

RULINGS: Mapping[tuple[DisputeStanding, DisputeWord], tuple[DisputeStep, ...]] = MappingProxyType(
    {
        (_R.NONE, _W.INQUIRY): (_S.INQUIRE,),
        (_R.NONE, _W.CHARGEBACK): (_S.HOLD,),
        (_R.NONE, _W.PRE_ARBITRATION): (_S.COUNT,),
        # A decision that comes before its opening opens the dispute, too.
        (_R.NONE, _W.WON): (_S.HOLD, _S.DECIDE),
        (_R.NONE, _W.LOST): (_S.HOLD, _S.DECIDE),
        (_R.INQUIRED, _W.INQUIRY): (),
        (_R.INQUIRED, _W.CHARGEBACK): (_S.HOLD,),
        (_R.INQUIRED, _W.PRE_ARBITRATION): (_S.COUNT,),
        (_R.INQUIRED, _W.WON): (_S.CLOSE,),
        (_R.INQUIRED, _W.LOST): (_S.HOLD, _S.DECIDE),
        (_R.CLOSED, _W.INQUIRY): (),
        (_R.CLOSED, _W.CHARGEBACK): (_S.HOLD,),
        (_R.CLOSED, _W.PRE_ARBITRATION): (_S.COUNT,),
        (_R.CLOSED, _W.WON): (),
        (_R.CLOSED, _W.LOST): (_S.HOLD, _S.DECIDE),
        (_R.HELD, _W.INQUIRY): (),
        (_R.HELD, _W.CHARGEBACK): (_S.AMEND,),
        # Its winning was not told, so the amount stays held until it is decided anew.
        (_R.HELD, _W.PRE_ARBITRATION): (_S.ESCALATE, _S.AMEND),
        (_R.HELD, _W.WON): (_S.DECIDE,),
        (_R.HELD, _W.LOST): (_S.DECIDE,),
        (_R.COUNTED, _W.INQUIRY): (),
        (_R.COUNTED, _W.CHARGEBACK): (),
        (_R.COUNTED, _W.PRE_ARBITRATION): (_S.AMEND,),
        (_R.COUNTED, _W.WON): (_S.OVERTURN,),
        (_R.COUNTED, _W.LOST): (_S.OVERTURN,),
        (_R.WON, _W.INQUIRY): (),
        (_R.WON, _W.CHARGEBACK): (),
        (_R.WON, _W.PRE_ARBITRATION): (_S.COUNT,),
        (_R.WON, _W.WON): (),
        (_R.WON, _W.LOST): (_S.OVERTURN,),
        (_R.LOST, _W.INQUIRY): (),
        (_R.LOST, _W.CHARGEBACK): (),
        (_R.LOST, _W.PRE_ARBITRATION): (_S.ESCALATE,),
        (_R.LOST, _W.WON): (_S.OVERTURN,),
        (_R.LOST, _W.LOST): (_S.OVERTURN,),
    }
)
"""What follows from a word; every pair is there."""

_INQUIRY_ENDED = (DisputeStep.INQUIRE, DisputeStep.CLOSE)
_STAGES = (
    events.DisputeStage.UNKNOWN,
    events.DisputeStage.INQUIRY,
    events.DisputeStage.CHARGEBACK,
    events.DisputeStage.PRE_ARBITRATION,
)
_INQUIRIES = frozenset({DisputeStanding.INQUIRED, DisputeStanding.CLOSED})
_DECIDED = frozenset({DisputeStanding.WON, DisputeStanding.LOST, DisputeStanding.COUNTED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Disagreement:
    """What in a report does not agree with what is recorded.

    Attributes:
        needs_decision: Whether two people must decide; otherwise a rule has handled it, and it is only listed.
    """

    kind: ContradictionKind
    needs_decision: bool


def standing(dispute: Dispute | None) -> DisputeStanding:
    """Return what is recorded of a dispute."""
    if dispute is None:
        return DisputeStanding.NONE
    if dispute.state in {DisputeState.WON, DisputeState.LOST, DisputeState.CLOSED}:
        return DisputeStanding(dispute.state)
    if dispute.stage is events.DisputeStage.INQUIRY:
        return DisputeStanding.INQUIRED
    return DisputeStanding.HELD if dispute.booked else DisputeStanding.COUNTED


def word(reported: Reported) -> DisputeWord:
    """Return what a report says; an opening that names no stage is a chargeback."""
    if reported.outcome is not DisputeOutcome.OPENED:
        return DisputeWord(reported.outcome)
    return DisputeWord(reported.stage or events.DisputeStage.CHARGEBACK)


def steps(dispute: Dispute | None, reported: Reported) -> tuple[DisputeStep, ...]:
    """Return what follows from a report: nothing from one that needs a decision, nor from what happened before."""
    if dispute is None:
        inquiry_ended = (reported.stage, reported.outcome) == (events.DisputeStage.INQUIRY, DisputeOutcome.WON)
        return _INQUIRY_ENDED if inquiry_ended else RULINGS[DisputeStanding.NONE, word(reported)]
    disagreement = disagrees(dispute, reported)
    if is_stale(dispute, reported) or (disagreement is not None and disagreement.needs_decision):
        return ()
    return _of_earlier_stage(dispute, reported) if _is_earlier(dispute, reported) else _ruling(dispute, reported)


def is_stale(dispute: Dispute, reported: Reported) -> bool:
    """Return whether a report tells, by the channel's own times, what happened before the decision on record."""
    if standing(dispute) not in _DECIDED or dispute.word_time is None or reported.occur_time is None:
        return False
    return reported.occur_time < dispute.word_time


def lost_minor(dispute: Dispute, reported: Reported) -> int:
    """Return what is lost, in all, after a decision: with WON its amount comes back, with LOST its amount is lost."""
    if reported.outcome is DisputeOutcome.LOST:
        return reported.amount_minor
    return max(0, _at_stake_minor(dispute) - reported.amount_minor)


def disagrees(dispute: Dispute, reported: Reported) -> Disagreement | None:
    """Return what in a report does not agree with what is recorded; None where it does, or tells the past.

    A decision for a part is no disagreement: what it leaves comes back, or is lost.
    """
    if reported.attempt_id != dispute.attempt_id:
        return Disagreement(kind=ContradictionKind.SECOND_REFERENCE, needs_decision=True)
    if reported.currency_code != dispute.currency_code:
        return Disagreement(kind=ContradictionKind.OTHER_AMOUNT, needs_decision=True)
    told_late = is_stale(dispute, reported) or _is_earlier(dispute, reported)
    return None if told_late else _disagrees_in_outcome(dispute, reported)


def _disagrees_in_outcome(dispute: Dispute, reported: Reported) -> Disagreement | None:
    present, known_minor = standing(dispute), max(dispute.amount_minor, dispute.claimed_minor, dispute.lost_minor)
    won, exceeds = reported.outcome is DisputeOutcome.WON, reported.amount_minor > known_minor
    if won and exceeds:
        return Disagreement(kind=ContradictionKind.OTHER_AMOUNT, needs_decision=True)
    if DisputeStep.OVERTURN in _ruling(dispute, reported) and present in {DisputeStanding.WON, DisputeStanding.LOST}:
        changes = lost_minor(dispute, reported) != dispute.lost_minor and not is_later(dispute, reported)
        return Disagreement(kind=ContradictionKind.DECISION_OVERTURNED, needs_decision=False) if changes else None
    opens = reported.outcome is DisputeOutcome.OPENED
    if present is DisputeStanding.HELD and (reported.amount_minor != dispute.claimed_minor if opens else exceeds):
        return Disagreement(kind=ContradictionKind.OTHER_AMOUNT, needs_decision=False)
    return None


def _ruling(dispute: Dispute, reported: Reported) -> tuple[DisputeStep, ...]:
    present, said = standing(dispute), word(reported)
    if present in _INQUIRIES and said is DisputeWord.WON and is_later(dispute, reported):
        return RULINGS[DisputeStanding.NONE, said]  # Not the end of the inquiry: of a dispute that was not heard of.
    return RULINGS[present, said]


def is_later(dispute: Dispute, reported: Reported) -> bool:
    """Return whether a report is, by its own word, of a stage that the dispute had not reached."""
    return reported.stage is not None and _STAGES.index(reported.stage) > _STAGES.index(dispute.stage)


def _is_earlier(dispute: Dispute, reported: Reported) -> bool:
    """Return whether a decision is, by its own word, of a stage that the dispute has left."""
    if reported.outcome is DisputeOutcome.OPENED or reported.stage is None:
        return False
    return _STAGES.index(reported.stage) < _STAGES.index(dispute.stage)


def _of_earlier_stage(dispute: Dispute, reported: Reported) -> tuple[DisputeStep, ...]:
    """Return what follows from such a decision: it ends a chargeback that is still held, and nothing else."""
    if standing(dispute) is not DisputeStanding.HELD or reported.stage is events.DisputeStage.INQUIRY:
        return ()
    won = reported.outcome is DisputeOutcome.WON
    return (DisputeStep.DECIDE, DisputeStep.COUNT) if won else (DisputeStep.DECIDE,)


def _at_stake_minor(dispute: Dispute) -> int:
    """Return what a decision can give back: what is lost, once it is decided, and what is disputed before."""
    present = standing(dispute)
    if present is DisputeStanding.LOST:
        return dispute.lost_minor
    return dispute.claimed_minor if present is DisputeStanding.COUNTED else dispute.amount_minor
