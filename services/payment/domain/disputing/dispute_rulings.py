"""What each step that follows from a channel's word does to a dispute, its payment and its capture. Pure.

An amount above what is left of the capture cannot be held: it is the excess, which the merchant owes once it is lost.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from types import MappingProxyType

from paykit.aggregate import next_revision
from paykit.clock import no_earlier
from paykit.contradictions.contradiction import Contradiction, first_state
from paystream.payment.v1 import events
from services.payment.domain.attempt import PaymentAttempt
from services.payment.domain.capture import Capture
from services.payment.domain.dispute import (
    Circumstances,
    Dispute,
    DisputeCase,
    DisputeEvent,
    DisputeOutcome,
    DisputeState,
    Reported,
    ResponseState,
    begin,
    facts,
    require_acceptable,
    touched,
)
from services.payment.domain.disputing import dispute_limits, dispute_words
from services.payment.domain.disputing.dispute_limits import count, disputable_minor
from services.payment.domain.disputing.dispute_words import Disagreement, DisputeStep
from services.payment.domain.payment import Payment

CHANNEL_AHEAD_MAX = timedelta(days=1)
"""How far a channel's clock may be ahead, or in another time zone. A time beyond that is no time at which something
happened: taken as it is, every later decision would be of the past."""


def open_case(
    payment: Payment,
    capture: Capture | None,
    attempt: PaymentAttempt,
    reported: Reported,
    *,
    dispute_id: str,
    circumstances: Circumstances,
) -> DisputeCase:
    """Return what the first word of a dispute does.

    Raises:
        IllegalTransition: The attempt captured nothing.
        ChannelAmountMismatch: The payment is in another currency.
    """
    dispute = begin(payment, capture, attempt, reported, dispute_id=dispute_id, now=circumstances.now)
    case = DisputeCase(payment=payment, capture=capture, dispute=dispute)
    return _take(case, dispute_words.steps(None, reported), reported, circumstances, counted=None)


def hear(case: DisputeCase, reported: Reported, circumstances: Circumstances) -> DisputeCase:
    """Return what another word of a channel does; what does not agree with the record is told and listed, too."""
    steps = dispute_words.steps(case.dispute, reported)
    disagreement = dispute_words.disagrees(case.dispute, reported)
    if disagreement is not None:
        case = _contradict(case, reported, disagreement, circumstances)
    return _take(case, steps, reported, circumstances, counted=case.dispute)


def accept(case: DisputeCase, circumstances: Circumstances) -> DisputeCase:
    """Return what giving a dispute up for the merchant does; the channel is still to be told.

    Raises:
        IllegalTransition: It is contested or decided already, or an inquiry.
    """
    require_acceptable(case.dispute)
    word = _word_of_the_merchant(case.dispute)
    after = _take(case, dispute_words.steps(case.dispute, word), word, circumstances, counted=case.dispute)
    accepted = replace(after.dispute, accepted=True, response_state=ResponseState.PENDING)
    return replace(after, dispute=accepted)


def _word_of_the_merchant(dispute: Dispute) -> Reported:
    """Return an accepted loss as a channel would tell it."""
    return Reported(
        attempt_id=dispute.attempt_id,
        dispute_reference=dispute.dispute_reference,
        outcome=DisputeOutcome.LOST,
        stage=None,
        amount_minor=dispute.claimed_minor,
        currency_code=dispute.currency_code,
        reason=dispute.reason,
        category=dispute.category,
        respond_by=dispute.respond_by,
        occur_time=None,
    )


def _take(
    case: DisputeCase,
    steps: tuple[DisputeStep, ...],
    reported: Reported,
    circumstances: Circumstances,
    *,
    counted: Dispute | None,
) -> DisputeCase:
    """Take steps; `counted` is the dispute as payment and capture count it, None of one that they do not know."""
    for step in steps:
        case = dispute_limits.tallied(counted, _STEPS[step](case, reported, circumstances))
        counted = case.dispute
    if not steps:
        return case
    heard = replace(case.dispute, word_time=_happened(reported, circumstances.now) or case.dispute.word_time)
    if dispute_words.is_later(heard, reported):
        heard = replace(heard, stage=reported.stage or heard.stage)
    return replace(case, dispute=heard)


def _happened(reported: Reported, now: datetime) -> datetime | None:
    """Return when what a channel says happened: now, if it says a time that is still far off."""
    occur_time = reported.occur_time
    return now if occur_time is not None and occur_time > now + CHANNEL_AHEAD_MAX else occur_time


def _contradict(
    case: DisputeCase, reported: Reported, disagreement: Disagreement, circumstances: Circumstances
) -> DisputeCase:
    """Tell and list that a word does not agree with the record, which stays until steps change it."""
    payment = _told(case.payment, circumstances.now)
    marked = replace(touched(case.dispute, circumstances.now), contradicted=True)
    same_currency = reported.currency_code == marked.currency_code
    contradiction = Contradiction(
        contradiction_id=circumstances.contradiction_id,
        aggregate_id=payment.payment_id,
        subject_id=marked.dispute_id,
        attempt_id=reported.attempt_id,
        merchant_id=payment.merchant_id,
        kind=disagreement.kind,
        amount_minor=reported.amount_minor if same_currency else marked.amount_minor,
        currency_code=marked.currency_code,
        suspense_minor=0,
        recorded=marked.state,
        reported=f"{dispute_words.word(reported)} {reported.amount_minor} {reported.currency_code}",
        channel_reference=reported.dispute_reference,
        needs_decision=disagreement.needs_decision,
        state=first_state(needs_decision=disagreement.needs_decision),
        create_time=payment.update_time,
        update_time=payment.update_time,
    )
    event = events.DisputeContradicted(
        **facts(payment, marked),
        contradiction_id=contradiction.contradiction_id,
        kind=events.ContradictionKind(disagreement.kind),
        recorded_state=contradiction.recorded,
        reported_outcome=dispute_words.word(reported),
        reported_minor=reported.amount_minor if same_currency else None,
        needs_decision=disagreement.needs_decision,
    )
    return replace(_after(case, payment, marked, event), contradiction=contradiction)


def _inquire(case: DisputeCase, reported: Reported, circumstances: Circumstances) -> DisputeCase:
    payment = _told(case.payment, circumstances.now)
    event = events.DisputeInquiryOpened(
        **facts(payment, case.dispute), category=reported.category, respond_by=reported.respond_by
    )
    return _after(case, payment, case.dispute, event)


def _close(case: DisputeCase, _reported: Reported, circumstances: Circumstances) -> DisputeCase:
    closed = replace(touched(case.dispute, circumstances.now), state=DisputeState.CLOSED)
    return replace(case, dispute=closed)


def _hold(case: DisputeCase, reported: Reported, circumstances: Circumstances) -> DisputeCase:
    held_minor = min(reported.amount_minor, disputable_minor(case))
    counted = count(_reopened(case, reported, circumstances), held_minor)
    payment = _told(counted.payment, circumstances.now)
    inquired = counted.dispute.stage is events.DisputeStage.INQUIRY
    held = replace(
        counted.dispute,
        stage=events.DisputeStage.CHARGEBACK if inquired else counted.dispute.stage,
        amount_minor=reported.amount_minor,
        claimed_minor=reported.amount_minor,
        held_minor=held_minor,
        excess_minor=reported.amount_minor - held_minor,
        fee_minor=circumstances.fee_minor,
        booked=True,
    )
    event = events.DisputeOpened(
        **facts(payment, held),
        respond_by=held.respond_by,
        stage=held.stage,
        category=held.category,
        excess_minor=held.excess_minor,
    )
    opened = _after(counted, payment, held, event)
    return _exceed(opened, circumstances) if held.excess_minor else opened


def _exceed(case: DisputeCase, circumstances: Circumstances) -> DisputeCase:
    """Tell that more is disputed than could be held."""
    payment, dispute = _told(case.payment, circumstances.now), case.dispute
    event = events.DisputeExceeded(
        **facts(payment, dispute),
        stage=dispute.stage,
        held_minor=dispute.held_minor,
        excess_minor=dispute.excess_minor,
    )
    return _after(case, payment, dispute, event)


def _count_alone(case: DisputeCase, reported: Reported, circumstances: Circumstances) -> DisputeCase:
    if case.dispute.state is DisputeState.LOST:
        return _escalate(case, reported, circumstances)
    if reported.outcome is not DisputeOutcome.OPENED:
        # The chargeback before it was decided only now; what is disputed in pre-arbitration was said earlier.
        reported = replace(
            reported,
            outcome=DisputeOutcome.OPENED,
            stage=events.DisputeStage.PRE_ARBITRATION,
            amount_minor=case.dispute.claimed_minor,
            respond_by=case.dispute.respond_by,
        )
    reopened = _reopened(case, reported, circumstances)
    counted_minor = min(reported.amount_minor, disputable_minor(case) + case.dispute.counted_minor)
    counted = count(reopened, counted_minor)
    return replace(counted, payment=_changed(counted.payment, circumstances.now))


def _amend(case: DisputeCase, reported: Reported, circumstances: Circumstances) -> DisputeCase:
    """Count what is disputed above what is counted; what is held stays held, whatever is disputed less of it."""
    wanted_minor = min(reported.amount_minor, disputable_minor(case) + case.dispute.counted_minor)
    amended = replace(
        touched(case.dispute, circumstances.now),
        claimed_minor=reported.amount_minor,
        respond_by=reported.respond_by or case.dispute.respond_by,
    )
    if amended == touched(case.dispute, circumstances.now):
        return case
    counted = count(replace(case, dispute=amended), max(wanted_minor, case.dispute.counted_minor))
    return replace(counted, payment=_changed(counted.payment, circumstances.now))


def _escalate(case: DisputeCase, reported: Reported, circumstances: Circumstances) -> DisputeCase:
    if case.dispute.state is DisputeState.LOST:
        noted = replace(touched(case.dispute, circumstances.now), stage=events.DisputeStage.PRE_ARBITRATION)
        return replace(case, dispute=noted)
    return _reopened(case, reported, circumstances)


def _decide(case: DisputeCase, reported: Reported, circumstances: Circumstances) -> DisputeCase:
    lost_minor = dispute_words.lost_minor(case.dispute, reported)
    return _lose(case, lost_minor, circumstances) if lost_minor else _win(case, circumstances)


def _win(case: DisputeCase, circumstances: Circumstances) -> DisputeCase:
    released = count(case, 0)
    payment = _told(released.payment, circumstances.now)
    won = replace(
        touched(released.dispute, circumstances.now),
        state=DisputeState.WON,
        fee_returned_minor=released.dispute.fee_minor,
        booked=False,
    )
    event = events.DisputeWon(
        **facts(payment, won),
        stage=won.stage,
        excess_minor=won.excess_minor,
        fee_returned_minor=won.fee_returned_minor,
    )
    return _after(released, payment, won, event)


def _lose(case: DisputeCase, lost_minor: int, circumstances: Circumstances) -> DisputeCase:
    """Lose what was held first, then of the excess; what is lost beyond what was disputed is a decision of its own."""
    held_minor, excess_minor = case.dispute.held_minor, case.dispute.excess_minor
    excess_lost_minor = min(excess_minor, max(0, lost_minor - held_minor))
    of_disputed_minor = min(lost_minor, case.dispute.amount_minor)
    counted = count(case, min(of_disputed_minor, disputable_minor(case) + case.dispute.counted_minor))
    payment = _told(counted.payment, circumstances.now)
    lost = replace(
        touched(counted.dispute, circumstances.now),
        state=DisputeState.LOST,
        lost_minor=of_disputed_minor,
        owed_minor=excess_lost_minor,
        booked=False,
    )
    event = events.DisputeLost(
        **facts(payment, lost),
        accepted=circumstances.accepted,
        stage=lost.stage,
        returned_minor=max(0, held_minor - lost_minor),
        excess_lost_minor=excess_lost_minor,
        excess_returned_minor=excess_minor - excess_lost_minor,
    )
    decided = _after(counted, payment, lost, event)
    return decided if lost_minor == of_disputed_minor else _change_loss(decided, lost_minor, circumstances)


def _overturn(case: DisputeCase, reported: Reported, circumstances: Circumstances) -> DisputeCase:
    lost_minor = dispute_words.lost_minor(case.dispute, reported)
    if lost_minor != case.dispute.lost_minor:
        return _change_loss(case, lost_minor, circumstances)
    if case.dispute.state in {DisputeState.WON, DisputeState.LOST}:
        return case
    # Pre-arbitration is over, and nothing had moved.
    released = count(case, lost_minor)
    won = replace(touched(released.dispute, circumstances.now), state=DisputeState.WON)
    return replace(released, payment=_changed(released.payment, circumstances.now), dispute=won)


def _change_loss(case: DisputeCase, lost_minor: int, circumstances: Circumstances) -> DisputeCase:
    """Book what is lost now and was not, or comes back: what the merchant owes for it is owed no more first."""
    before = case.dispute
    more_minor = lost_minor - before.lost_minor
    room_minor = disputable_minor(case) + before.counted_minor
    if more_minor > 0:
        settlement_minor = min(more_minor, max(0, room_minor - before.lost_minor))
        owed_minor = before.owed_minor + more_minor - settlement_minor
    else:
        owed_minor = max(0, before.owed_minor + more_minor)
        settlement_minor = -more_minor - (before.owed_minor - owed_minor)
    counted = count(case, min(lost_minor, room_minor))
    payment = _told(counted.payment, circumstances.now)
    decided = replace(
        touched(counted.dispute, circumstances.now),
        state=DisputeState.LOST if lost_minor else DisputeState.WON,
        lost_minor=lost_minor,
        owed_minor=owed_minor,
    )
    event = events.DisputeOverturned(
        **facts(payment, decided, amount_minor=abs(more_minor)),
        overturn_id=circumstances.overturn_id,
        stage=decided.stage,
        outcome=events.DisputeDecision.LOST if more_minor > 0 else events.DisputeDecision.WON,
        settlement_minor=settlement_minor,
        receivable_minor=abs(more_minor) - settlement_minor,
    )
    return _after(counted, payment, decided, event)


_STEPS: Mapping[DisputeStep, Callable[[DisputeCase, Reported, Circumstances], DisputeCase]] = MappingProxyType(
    {
        DisputeStep.INQUIRE: _inquire,
        DisputeStep.CLOSE: _close,
        DisputeStep.HOLD: _hold,
        DisputeStep.COUNT: _count_alone,
        DisputeStep.AMEND: _amend,
        DisputeStep.ESCALATE: _escalate,
        DisputeStep.DECIDE: _decide,
        DisputeStep.OVERTURN: _overturn,
    }
)


def _reopened(case: DisputeCase, reported: Reported, circumstances: Circumstances) -> DisputeCase:
    """Return the dispute at the stage that has begun, to be answered anew."""
    stage = reported.stage or events.DisputeStage.CHARGEBACK
    present = case.dispute
    begins = stage is not present.stage or present.state in {DisputeState.WON, DisputeState.CLOSED}
    reopened = replace(
        touched(present, circumstances.now),
        stage=stage,
        claimed_minor=reported.amount_minor,
        reason=reported.reason,
        category=reported.category or present.category,
        respond_by=reported.respond_by,
        state=DisputeState.OPENED if begins else present.state,
        evidence=None if begins else present.evidence,
        response_state=None if begins else present.response_state,
        accepted=False,
    )
    return replace(case, dispute=reopened)


def _told(payment: Payment, now: datetime) -> Payment:
    """Return a payment at the version that an event tells of."""
    return replace(payment, **next_revision(payment, now))


def _changed(payment: Payment, now: datetime) -> Payment:
    """Return a payment whose limits changed; no event tells of it."""
    return replace(payment, update_time=no_earlier(now, payment.update_time))


def _after(case: DisputeCase, payment: Payment, dispute: Dispute, event: DisputeEvent) -> DisputeCase:
    return replace(case, payment=payment, dispute=dispute, told=(*case.told, event))
