"""What a channel says against what is recorded, applied by the table of `domain.later_word`, listed and told."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from paykit.channels.attempts import AttemptState, RecordEvidence
from paykit.channels.judging import LaterWord
from paykit.errors import InvariantError
from paykit.ids import new_id
from paystream.payment.v1 import events
from services.payment import domain
from services.payment.commands.later import bounced, late_capture, refund_back
from services.payment.commands.order import CapturedOrders
from services.payment.commands.work import ContradictionWork
from services.payment.domain.attempt import WITHDRAWN, AttemptAction, PaymentAttempt
from services.payment.domain.capture import Capture
from services.payment.domain.later import later_word
from services.payment.domain.later.late_capture import LateCapture, LateCaptureState
from services.payment.domain.later.later_word import Treatment
from services.payment.domain.movement import MovementState
from services.payment.domain.payment import PaymentAction, PaymentState
from services.payment.domain.refund import Refund


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """A later word with what it is about.

    Attributes:
        recorded: The attempt as it was before the word.
        decided: The attempt as the word leaves it.
        contradiction_id: Of the contradiction that is listed for it.
    """

    item: RecordEvidence
    recorded: PaymentAttempt
    decided: PaymentAttempt
    word: LaterWord
    contradiction_id: str
    orders: CapturedOrders

    @property
    def reported_minor(self) -> int:
        """What the word is over: as the channel says, else what is recorded."""
        return self.item.evidence.amount_minor or self.recorded.carried_out_minor

    @property
    def undone_reference(self) -> str | None:
        """The reference under which what was carried out is said to be undone."""
        second = self.word is LaterWord.SECOND_FAILED
        return self.item.evidence.channel_reference if second else self.recorded.channel_reference

    @property
    def difference_minor(self) -> int:
        """By how much the word is over more or less than is recorded; all of it where it is about something new."""
        if self.word in {LaterWord.LESS, LaterWord.MORE}:
            return abs(self.reported_minor - self.recorded.carried_out_minor)
        return self.reported_minor


@dataclass(frozen=True, slots=True)
class Applied:
    """What a later word did.

    Attributes:
        subject_id: What it is about.
        amount_minor: What it moved, or is over.
        suspense_minor: What stands in suspense for it: above 0 it is owed, below 0 it is out.
        needs_decision: Whether people are to end it.
    """

    subject_id: str
    amount_minor: int
    suspense_minor: int = 0
    needs_decision: bool = False


def contradict(
    rows: ContradictionWork,
    item: RecordEvidence,
    recorded: PaymentAttempt,
    decided: PaymentAttempt,
    *,
    word: LaterWord | None,
    orders: CapturedOrders,
) -> None:
    """Apply a later word, list it and tell of it; emits PaymentContradicted after what else it emits."""
    if word is None:
        raise InvariantError(f"nothing contradicts attempt {recorded.attempt_id}")
    heard = Heard(
        item=item,
        recorded=recorded,
        decided=decided,
        word=word,
        contradiction_id=new_id("ctr", of=recorded.payment_id),
        orders=orders,
    )
    treatment = later_word.TREATMENTS.get((recorded.action, word), Treatment.NOTE)
    keep(rows, heard, _APPLY[treatment](rows, heard))


def keep(rows: ContradictionWork, heard: Heard, applied: Applied) -> None:
    """List a contradiction and tell of it; emits PaymentContradicted."""
    payment, evidence = rows.payments[heard.recorded.payment_id], heard.item.evidence
    contradiction = rows.contradictions.add(
        domain.contradiction.begin(
            payment,
            heard.recorded,
            evidence,
            contradiction_id=heard.contradiction_id,
            kind=later_word.kind_of(heard.recorded.action, heard.word),
            subject_id=applied.subject_id,
            amount_minor=applied.amount_minor,
            suspense_minor=applied.suspense_minor,
            needs_decision=applied.needs_decision,
            now=rows.tx.now,
        )
    )
    payment, event = domain.contradiction.tell(
        payment,
        contradiction,
        heard.recorded,
        source=events.Evidence(evidence.source),
        reported_minor=evidence.amount_minor,
        now=rows.tx.now,
    )
    rows.payments.put(payment)
    rows.tx.emit(event, cause=heard.item.cause)


def receive_late(rows: ContradictionWork, heard: Heard) -> Applied:
    """Hold money that came late in suspense, and try to give it back."""
    payment = rows.payments[heard.recorded.payment_id]
    late = late_capture.receive(
        rows,
        heard.recorded,
        contradiction_id=heard.contradiction_id,
        reference=_reference(heard),
        amount_minor=heard.difference_minor,
        reason=_late_reason(payment.state, heard),
        cause=heard.item.cause,
    )
    return Applied(subject_id=late.capture_id, amount_minor=late.amount_minor, suspense_minor=late.amount_minor)


def refund_twice(rows: ContradictionWork, heard: Heard, amount_minor: int | None = None) -> Applied:
    """Book a refund that is out a second time, or over more than was asked for: people say who bears it."""
    refund = rows.book_refunded(
        heard.recorded.payment_id,
        amount_minor=amount_minor or heard.difference_minor,
        late_capture_id=None,
        attempt_id=heard.recorded.attempt_id,
        channel_reference=_reference(heard),
        cause=heard.item.cause,
    )
    return out(refund, refund.amount_minor)


def out(refund: Refund, out_minor: int) -> Applied:
    """Return what a refund that is out leaves in suspense: people say who bears it."""
    return Applied(
        subject_id=refund.refund_id,
        amount_minor=refund.carried_out_minor,
        suspense_minor=-out_minor,
        needs_decision=out_minor > 0,
    )


def _reverse(rows: ContradictionWork, heard: Heard) -> Applied:
    """Book a capture that bounced, in whole or in part, or money that came late and is gone again."""
    late = late_capture.of_reference(rows, heard.recorded.attempt_id, heard.undone_reference)
    above = late is not None and late.late_reason is events.LateReason.ABOVE_AMOUNT
    if late is not None and not (above and heard.word is LaterWord.FAILED):
        return _late_reversed(rows, heard, late)
    second = heard.word is LaterWord.SECOND_FAILED
    taken = bounced.taken(rows, heard.recorded, heard.undone_reference, second=second)
    if not taken or any(each.capture.reversed_minor for each in taken):
        return _look_into(heard)
    out_minor = late_capture.undone(rows, late, heard.item.cause) if late else 0
    left_minor = sum(each.amount_minor for each in taken)
    gone_minor = min(heard.difference_minor, left_minor) if heard.word is LaterWord.LESS else left_minor
    rest_minor = gone_minor
    for each in taken:
        part_minor = min(each.amount_minor, rest_minor)
        rest_minor -= part_minor
        if part_minor:
            _take_back(rows, heard, each.capture, part_minor)
    return Applied(taken[0].capture.capture_id, gone_minor, suspense_minor=-out_minor, needs_decision=out_minor > 0)


def _take_back(rows: ContradictionWork, heard: Heard, capture: Capture, amount_minor: int) -> None:
    """Book what bounced of a capture; emits PaymentReversed."""
    payment, reversed_capture, event = domain.reversal.reverse(
        rows.payments[capture.payment_id],
        capture,
        amount_minor=amount_minor,
        attempt_id=heard.recorded.attempt_id,
        code=heard.item.evidence.failure_code,
        now=rows.tx.now,
    )
    rows.payments.put(payment)
    if capture.capture_id in rows.captures:
        rows.captures.put(reversed_capture)
    rows.tx.emit(event, cause=heard.item.cause)
    heard.orders.count_reversed(event)


def _late_reversed(rows: ContradictionWork, heard: Heard, late: LateCapture) -> Applied:
    """Take note that money that came late is gone again; that only a part of it is, people look into."""
    if heard.word is LaterWord.LESS:
        return _look_into(heard)
    if late.state is LateCaptureState.RETURNED:
        return refund_twice(rows, heard)  # The payer had it from us, and the channel has taken it from us as well.
    given_minor = late.amount_minor - late_capture.held_minor(rows, late)
    late_capture.gone(rows, late, heard.item.cause)
    return refund_twice(rows, heard, given_minor) if given_minor else Applied(late.capture_id, late.amount_minor)


def _release(rows: ContradictionWork, heard: Heard) -> Applied:
    """Have a channel release what it authorized after all, or a second time."""
    payment = rows.payments[heard.recorded.payment_id]
    rows.add_attempt(
        payment,
        AttemptAction.CANCEL,
        amount_minor=heard.reported_minor,
        traceparent=heard.item.cause.traceparent,
        original_reference=_reference(heard),
    )
    return _of_payment(heard)


def _lose_authorization(rows: ContradictionWork, heard: Heard) -> Applied:
    """Let nothing more be captured: the channel has the authorization no more."""
    payment, evidence = rows.payments[heard.recorded.payment_id], heard.item.evidence
    if payment.state is PaymentState.AUTHORIZED and not (payment.capturing_minor or payment.cancelling_minor):
        failure = domain.attempt.failure(evidence)
        failed, event = domain.payment.fail(payment, failure, action=PaymentAction.LOSE_AUTHORIZATION, now=rows.tx.now)
        rows.payments.put(failed)
        rows.tx.emit(event, cause=heard.item.cause)
    elif domain.authorization.uncaptured_minor(payment) and payment.state is not PaymentState.FAILED:
        reason = events.CancelReason.REQUESTED
        rows.payments.put(domain.authorization.intend_cancel(payment, reason=reason, now=rows.tx.now))
        rows.void_if_due(payment.payment_id, traceparent=heard.item.cause.traceparent)
    return _of_payment(heard)


def _cancel_late(rows: ContradictionWork, heard: Heard) -> Applied:
    """Give up what was not captured, as its channel has released it after all; people look at what was captured."""
    payment = rows.payments[heard.recorded.payment_id]
    own = heard.recorded.original_reference == payment.channel_reference  # Else a second authorization is released.
    held = own and payment.state in {PaymentState.AUTHORIZED, PaymentState.SUCCEEDED}
    left_minor = domain.authorization.uncaptured_minor(payment) if held else 0
    if left_minor and not (payment.capturing_minor or payment.cancelling_minor):
        cancelled, event = domain.authorization.lose_remainder(payment, now=rows.tx.now)
        rows.payments.put(cancelled)
        rows.tx.emit(event, cause=heard.item.cause)
    elif left_minor:
        reason = events.CancelReason.REQUESTED
        rows.payments.put(domain.authorization.intend_cancel(payment, reason=reason, now=rows.tx.now))
    elif held:
        return _look_into(heard)
    return _of_payment(heard)


def _cancel_again(rows: ContradictionWork, heard: Heard) -> Applied:
    """Ask once more to release what a channel says that it has not released."""
    recorded = heard.recorded
    rows.add_attempt(
        rows.payments[recorded.payment_id],
        AttemptAction.CANCEL,
        amount_minor=recorded.amount_minor,
        traceparent=heard.item.cause.traceparent,
        original_reference=recorded.original_reference,
    )
    return _of_payment(heard)


def _refund_late(rows: ContradictionWork, heard: Heard) -> Applied:
    """Book a refund that is out after all: what is left of the captures bears it, the rest stands in suspense."""
    refund = late_capture.of_held(rows, rows.refunds[heard.recorded.refund_id or ""])
    if refund.state is MovementState.RETURNED:  # The ledger has booked it, and books each refund once: this is another.
        told = {"attempt_id": heard.recorded.attempt_id, "reference": _reference(heard)}
        again = late_capture.out_again(rows, refund, heard.reported_minor, cause=heard.item.cause, **told)
        return refund_twice(rows, heard) if again is None else out(again, 0)
    payment, amount_minor = rows.payments[refund.payment_id], min(heard.reported_minor, refund.amount_minor)
    backed = domain.refund_share.backed(rows.shares_of(refund), rows.captures_of(payment), amount_minor)
    payment, refund, event = domain.refund.succeed_late(
        payment,
        refund,
        backed,
        attempt_id=heard.recorded.attempt_id,
        channel_reference=_reference(heard),
        amount_minor=amount_minor,
        now=rows.tx.now,
    )
    rows.payments.put(payment)
    rows.refunds.put(refund)
    rows.change_captures(backed, domain.refund_share.pay_late)
    rows.keep_shares(refund, backed)
    rows.tx.emit(event, cause=heard.item.cause)
    heard.orders.count_refunded(event)
    return out(refund, late_capture.refund_done(rows, refund, heard.item.cause))


def _refund_back(rows: ContradictionWork, heard: Heard) -> Applied:
    """Book a refund that came back, in whole or in part, first what is out above it; late money is held again."""
    refund, attempt, less = rows.refunds[heard.recorded.refund_id or ""], heard.recorded, heard.word is LaterWord.LESS
    if refund.returned_minor or (refund.late_capture_id and less):
        return _look_into(heard)
    out_minor = heard.reported_minor if less else 0
    own_minor = max(refund.carried_out_minor - out_minor, 0)
    above_minor = max(attempt.carried_out_minor - out_minor - own_minor, 0)
    cause, code = heard.item.cause, heard.item.evidence.failure_code
    unbooked_minor = refund_back.take_back_above(
        rows, attempt, above_minor, code=code, orders=heard.orders, cause=cause
    )
    applied = Applied(subject_id=refund.refund_id, amount_minor=own_minor + above_minor)
    if own_minor:
        event = refund_back.book(rows, refund, own_minor, attempt_id=attempt.attempt_id, code=code, cause=cause)
        heard.orders.count_refund_returned(event)
        if refund.late_capture_id is not None:
            applied = _late_again(rows, heard, refund)
        else:
            refund_back.clear(rows, event, cause)
            heard.orders.refund_again(rows, event, cause, amount_minor=own_minor)
    return replace(applied, needs_decision=applied.needs_decision or unbooked_minor > 0)


def _late_again(rows: ContradictionWork, heard: Heard, refund: Refund) -> Applied:
    """Hold money that came late again, as the refund of it came back; another is tried later."""
    late, came_minor = rows.late_captures.get(refund.late_capture_id), refund.carried_out_minor
    if late is None or late.state is LateCaptureState.ACCEPTED:
        return Applied(refund.refund_id, came_minor, needs_decision=True)
    if late.state is LateCaptureState.HELD:
        late_capture.hold_more(rows, late, came_minor)
        return Applied(late.capture_id, came_minor)
    again = domain.late_capture.come_back(late, contradiction_id=heard.contradiction_id, now=rows.tx.now)
    rows.late_captures.put(again)
    return Applied(late.capture_id, late.amount_minor, suspense_minor=came_minor)


def _look_into(heard: Heard) -> Applied:
    return replace(_of_payment(heard), needs_decision=True)


_APPLY: Mapping[Treatment, Callable[[ContradictionWork, Heard], Applied]] = MappingProxyType(
    {
        Treatment.RECEIVE_LATE: receive_late,
        Treatment.LATE_GONE: _reverse,
        Treatment.REVERSE: _reverse,
        Treatment.RELEASE: _release,
        Treatment.LOSE_AUTHORIZATION: _lose_authorization,
        Treatment.CANCEL_LATE: _cancel_late,
        Treatment.CANCEL_AGAIN: _cancel_again,
        Treatment.REFUND_LATE: _refund_late,
        Treatment.REFUND_BACK: _refund_back,
        Treatment.REFUND_TWICE: refund_twice,
        Treatment.LOOK_INTO: lambda _rows, heard: _look_into(heard),
        Treatment.NOTE: lambda _rows, heard: _of_payment(heard),
    }
)


def _of_payment(heard: Heard) -> Applied:
    """Return what a word that moved nothing is about."""
    recorded = heard.recorded
    subject_id = recorded.refund_id or recorded.capture_id or recorded.payment_id
    return Applied(subject_id=subject_id, amount_minor=heard.reported_minor)


def _late_reason(state: PaymentState, heard: Heard) -> events.LateReason:
    if heard.word is LaterWord.SECOND_REFERENCE:
        return events.LateReason.SECOND_REFERENCE
    if heard.word is LaterWord.MORE or heard.recorded.state is AttemptState.SUCCEEDED:
        return events.LateReason.ABOVE_AMOUNT
    withdrawn = heard.recorded.failure_code == WITHDRAWN or state is PaymentState.CANCELLED
    return events.LateReason.AFTER_CANCELLATION if withdrawn else events.LateReason.AFTER_FAILURE


def _reference(heard: Heard) -> str:
    reference = heard.item.evidence.channel_reference or heard.decided.channel_reference
    if reference is None:
        raise InvariantError(f"attempt {heard.recorded.attempt_id} was carried out without a reference of the channel")
    return reference
