"""What the end of each call to a channel does to its payment, and to the capture or refund that it was for."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from paykit.channels.attempts import Evidence, EvidenceOutcome, RecordEvidence, Verdict
from paykit.channels.judging import LaterWord
from paykit.errors import InvariantError
from paykit.ids import new_id
from paystream.payment.v1 import events
from services.payment import domain
from services.payment.commands import payer_action
from services.payment.commands.later import late_capture, later_word
from services.payment.commands.order import CapturedOrders
from services.payment.commands.work import ContradictionWork
from services.payment.domain.attempt import AttemptAction, PaymentAttempt
from services.payment.domain.fee import CaptureTerms
from services.payment.domain.later.late_capture import LateCapture
from services.payment.domain.payer_action import CallingOff
from services.payment.domain.payment import Payment
from services.payment.domain.refund import Refund

VOID_RETRY_PAUSE = timedelta(hours=1)
"""Business time until a void that paystream decided, and its channel refused, is tried again."""
NOTHING_HELD_CODES = frozenset(
    {"authorization_cancelled", "authorization_unknown", "authorization_not_approved", "already_captured"}
)
"""A channel that refuses a void with one of these holds nothing that could be released."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceWork(ContradictionWork):
    """What a transaction that applies evidence works on.

    Attributes:
        terms: By payment, for those that may be captured.
        orders: Of those payments.
        authorization_ttl: From an authorization until what is not captured of it is given up.
        action_ttl: How long a payer has for what a channel requires, where that does not say.
    """

    terms: Mapping[str, CaptureTerms]
    orders: CapturedOrders
    authorization_ttl: timedelta
    action_ttl: timedelta


def _end_charge(rows: EvidenceWork, item: RecordEvidence, verdict: Verdict, attempt: PaymentAttempt) -> None:
    if verdict is not Verdict.SUCCEED:
        _end_first(rows, item, verdict, attempt)
        return
    payment, event = domain.payment.capture(
        rows.payments[attempt.payment_id],
        amount_minor=min(attempt.carried_out_minor, attempt.amount_minor),
        capture_id=attempt.allotted_capture_id or new_id("cap", of=attempt.payment_id),
        attempt_id=attempt.attempt_id,
        channel_reference=_reference(attempt),
        terms=_terms(rows, attempt),
        now=rows.tx.now,
        order_returned_minor=rows.orders.returned_before(rows.payments[attempt.payment_id]),
    )
    _take_captured(rows, item, payment, event)


def _end_authorization(rows: EvidenceWork, item: RecordEvidence, verdict: Verdict, attempt: PaymentAttempt) -> None:
    if verdict is not Verdict.SUCCEED:
        _end_first(rows, item, verdict, attempt)
        return
    payment, event = domain.authorization.authorize(
        rows.payments[attempt.payment_id],
        attempt_id=attempt.attempt_id,
        channel_reference=_reference(attempt),
        amount_minor=attempt.carried_out_minor,
        expire_time=rows.tx.now + rows.authorization_ttl,
        now=rows.tx.now,
    )
    rows.payments.put(payment)
    rows.tx.emit(event, cause=item.cause)
    rows.void_if_due(payment.payment_id, traceparent=attempt.traceparent)


def _end_first(rows: EvidenceWork, item: RecordEvidence, verdict: Verdict, attempt: PaymentAttempt) -> None:
    """End a charge or an authorization that did not succeed, or not yet."""
    payment, evidence = rows.payments[attempt.payment_id], item.evidence
    event: events.PaymentFailed | events.PaymentUnknown
    if verdict is Verdict.FAIL and payment.payer_action.calling_off is not None:
        payer_action.fail_called_off(rows, item, attempt)
        return
    if verdict is Verdict.FAIL:
        payment, event = domain.payment.fail(payment, domain.attempt.failure(evidence), now=rows.tx.now)
    else:
        payment, event = domain.lost_answer.lose_answer(
            payment,
            attempt_id=attempt.attempt_id,
            evidence=_lost_by(evidence),
            channel_reference=evidence.channel_reference,
            now=rows.tx.now,
        )
    rows.payments.put(payment)
    rows.tx.emit(event, cause=item.cause)


def _end_capture(rows: EvidenceWork, item: RecordEvidence, verdict: Verdict, attempt: PaymentAttempt) -> None:
    payment, capture = rows.payments[attempt.payment_id], rows.captures[attempt.capture_id or ""]
    now = rows.tx.now
    if verdict is Verdict.LOSE_ANSWER:
        rows.captures.put(domain.movement.lose_answer(capture, now=now))
    elif verdict is Verdict.SUCCEED:
        payment, capture, event = domain.capture.succeed(
            payment,
            capture,
            attempt_id=attempt.attempt_id,
            channel_reference=_reference(attempt),
            amount_minor=attempt.carried_out_minor,
            terms=_terms(rows, attempt),
            now=now,
            order_returned_minor=rows.orders.returned_before(payment),
        )
        rows.captures.put(capture)
        _take_captured(rows, item, payment, event)
    else:
        rows.fail_capture(capture, domain.attempt.failure(item.evidence), item.cause)
    rows.void_if_due(attempt.payment_id, traceparent=attempt.traceparent)


def _end_void(rows: EvidenceWork, item: RecordEvidence, verdict: Verdict, attempt: PaymentAttempt) -> None:
    payment, now = rows.payments[attempt.payment_id], rows.tx.now
    if payment.payer_action.calling_off is CallingOff.ASKED:
        payer_action.end_calling_off(rows, item, verdict, attempt)
        return
    if verdict is Verdict.LOSE_ANSWER or not payment.cancelling_minor:
        return  # Without an amount held it released what had been authorized after the payment had failed.
    if attempt.original_reference != payment.channel_reference:
        return  # It released a second authorization; what the payment holds waits for the void of its own.
    if verdict is Verdict.SUCCEED or item.evidence.failure_code in NOTHING_HELD_CODES:
        payment, event = domain.authorization.void(payment, now=now)
        rows.tx.emit(event, cause=item.cause)
    else:
        payment = domain.authorization.fail_void(payment, retry_time=now + VOID_RETRY_PAUSE, now=now)
    rows.payments.put(payment)


def _end_refund(rows: EvidenceWork, item: RecordEvidence, verdict: Verdict, attempt: PaymentAttempt) -> None:
    refund = rows.refunds[attempt.refund_id or ""]
    if verdict is Verdict.LOSE_ANSWER:
        _lose_refund(rows, item, attempt, refund)
    elif verdict is Verdict.SUCCEED:
        _end_refund_well(rows, item, attempt, refund)
    else:
        _end_refund_in_vain(rows, item, attempt, refund)


def _lose_refund(rows: EvidenceWork, item: RecordEvidence, attempt: PaymentAttempt, refund: Refund) -> None:
    payment, unknown, event = domain.refund.lose_answer(
        rows.payments[attempt.payment_id],
        refund,
        attempt_id=attempt.attempt_id,
        evidence=_lost_by(item.evidence),
        now=rows.tx.now,
    )
    rows.payments.put(payment)
    rows.refunds.put(unknown)
    rows.tx.emit(event, cause=item.cause)


def _end_refund_well(rows: EvidenceWork, item: RecordEvidence, attempt: PaymentAttempt, refund: Refund) -> None:
    """Book a refund, or the part of it that was approved; what came late is given back by it."""
    held, amount_minor = rows.shares_of(refund), min(attempt.carried_out_minor, attempt.amount_minor)
    late = rows.late_captures.get(refund.late_capture_id)
    paid = domain.refund_share.fit(held, amount_minor)
    payment, refund, event = domain.refund.succeed(
        rows.payments[attempt.payment_id],
        late_capture.of_held(rows, refund),
        paid,
        attempt_id=attempt.attempt_id,
        channel_reference=_reference(attempt),
        amount_minor=amount_minor,
        now=rows.tx.now,
    )
    rows.payments.put(payment)
    rows.refunds.put(refund)
    rows.change_captures(held, domain.refund_share.release)
    rows.change_captures(paid, domain.refund_share.pay_late)
    rows.keep_shares(refund, paid)
    rows.tx.emit(event, cause=item.cause)
    rows.orders.count_refunded(event)
    rows.orders.refund_again(rows, event, item.cause, amount_minor=refund.amount_minor - amount_minor)
    if late is not None:
        _give_back_late_money(rows, item, attempt, refund, late)


def _give_back_late_money(
    rows: EvidenceWork, item: RecordEvidence, attempt: PaymentAttempt, refund: Refund, late: LateCapture
) -> None:
    """End what came late, as the payer has it; where the payer has it twice now, people say who bears that."""
    out_minor = late_capture.refund_done(rows, refund, item.cause, ended=attempt)
    heard = later_word.Heard(
        item=item,
        recorded=attempt,
        decided=attempt,
        word=LaterWord.SECOND_REFERENCE,
        contradiction_id=new_id("ctr", of=refund.payment_id),
        orders=rows.orders,
    )
    if out_minor:
        later_word.keep(rows, heard, later_word.out(refund, out_minor))
    elif late.bounced:
        later_word.keep(rows, heard, later_word.refund_twice(rows, heard))


def _end_refund_in_vain(rows: EvidenceWork, item: RecordEvidence, attempt: PaymentAttempt, refund: Refund) -> None:
    """Free what a refund held; what came late is to be given back by another."""
    payment, refund, event = domain.refund.fail(
        rows.payments[attempt.payment_id], refund, domain.attempt.failure(item.evidence), now=rows.tx.now
    )
    rows.change_captures(rows.shares_of(refund), domain.refund_share.release)
    rows.payments.put(payment)
    rows.refunds.put(refund)
    rows.tx.emit(event, cause=item.cause)
    if refund.late_capture_id is None:
        rows.orders.refund_again(rows, event, item.cause, amount_minor=refund.amount_minor)
    else:
        late_capture.refund_failed(rows, refund, attempt, item.cause)


END: Mapping[AttemptAction, Callable[[EvidenceWork, RecordEvidence, Verdict, PaymentAttempt], None]] = {
    AttemptAction.CHARGE: _end_charge,
    AttemptAction.AUTHORIZE: _end_authorization,
    AttemptAction.CAPTURE: _end_capture,
    AttemptAction.CANCEL: _end_void,
    AttemptAction.REFUND: _end_refund,
}
"""By what was asked: applies a verdict that ends a call, or loses its answer."""


def _take_captured(rows: EvidenceWork, item: RecordEvidence, payment: Payment, event: events.PaymentSuccess) -> None:
    """Take a payment as a capture left it, and give the capture back if its order does not want it any more."""
    rows.payments.put(payment)
    rows.tx.emit(event, cause=item.cause)
    rows.orders.refund_if_due(rows, event, item.cause)


def _lost_by(evidence: Evidence) -> events.Evidence:
    """Return how an outcome became unknown: by silence, or by an answer that decides nothing."""
    return (
        events.Evidence.NO_ANSWER if evidence.outcome is EvidenceOutcome.NO_ANSWER else events.Evidence(evidence.source)
    )


def _reference(attempt: PaymentAttempt) -> str:
    if attempt.channel_reference is None:
        raise InvariantError(f"attempt {attempt.attempt_id} succeeded without a reference of the channel")
    return attempt.channel_reference


def _terms(rows: EvidenceWork, attempt: PaymentAttempt) -> CaptureTerms:
    terms = rows.terms.get(attempt.payment_id)
    if terms is None:
        raise InvariantError(f"payment {attempt.payment_id} is of a merchant that has no fee plan")
    return terms
