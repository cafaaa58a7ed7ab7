"""What the end of each call to a channel does to its payment, and to the capture or refund that it was for."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from paykit.channels.attempts import AttemptState, Evidence, EvidenceOutcome, RecordEvidence, Verdict
from paykit.errors import InvariantError
from paykit.ids import new_id
from paykit.postgres.database import Tx
from paystream.payment.v1 import events
from services.payment.commands.changes import Changes
from services.payment.commands.orders import CapturedOrders
from services.payment.domain import attempt, authorization, capture, refund
from services.payment.domain import movement as follow_up
from services.payment.domain import payment as domain
from services.payment.domain.attempt import Attempt, AttemptAction
from services.payment.domain.fee import FeeTerms
from services.payment.domain.payment import Payment

VOID_RETRY_PAUSE = timedelta(hours=1)
"""Business time until a void that paystream decided, and its channel refused, is tried again."""
NOTHING_HELD_CODES = frozenset(
    {"authorization_cancelled", "authorization_unknown", "authorization_not_approved", "already_captured"}
)
"""A channel that refuses a void with one of these holds nothing that could be released."""


@dataclass(slots=True, kw_only=True)
class Ending:
    """What a transaction that applies evidence works on.

    Attributes:
        terms: By payment, for those that may be captured.
        orders: Of those payments.
        authorization_ttl: From an authorization until what is not captured of it is given up.
    """

    tx: Tx
    changes: Changes
    terms: Mapping[str, FeeTerms]
    orders: CapturedOrders
    authorization_ttl: timedelta


def contradict(ending: Ending, item: RecordEvidence, before: Attempt) -> None:
    """Say that evidence contradicts the record; what a failed call did after all is undone."""
    evidence, changes = item.evidence, ending.changes
    payment, event = domain.contradict(
        changes.payments[before.payment_id],
        refund_id=before.refund_id,
        recorded=events.PreviousState(before.state),
        reported=events.ReportedOutcome(evidence.outcome),
        evidence=events.Evidence(evidence.source),
        channel_reference=evidence.channel_reference,
        now=ending.tx.now,
    )
    changes.put_payment(payment)
    ending.tx.emit(event, cause=item.cause)
    if evidence.outcome is EvidenceOutcome.SUCCEEDED and before.state is AttemptState.FAILED:
        _undo(ending, item, before)


def _undo(ending: Ending, item: RecordEvidence, before: Attempt) -> None:
    """Release what was authorized, and give back what was taken, after the call for it had failed."""
    payment, reference = ending.changes.payments[before.payment_id], item.evidence.channel_reference
    if before.action is AttemptAction.AUTHORIZE:
        ending.changes.add_attempt(
            payment,
            AttemptAction.CANCEL,
            amount_minor=before.amount_minor,
            traceparent=before.traceparent,
            original_reference=reference,
        )
    elif before.action in {AttemptAction.CHARGE, AttemptAction.CAPTURE}:
        payment, made, event = refund.give_back(
            payment, refund_id=new_id("ref"), amount_minor=before.amount_minor, now=ending.tx.now
        )
        ending.changes.add_refund(
            payment, made, traceparent=before.traceparent, original_reference=before.original_reference or reference
        )
        ending.tx.emit(event, cause=item.cause)


def _end_charge(ending: Ending, item: RecordEvidence, verdict: Verdict, after: Attempt) -> None:
    if verdict is not Verdict.SUCCEED:
        _end_first(ending, item, verdict, after)
        return
    before = ending.changes.payments[after.payment_id]
    payment, event = domain.capture(
        before,
        amount_minor=after.amount_minor,
        capture_id=new_id("cap"),
        channel_reference=_reference(after),
        terms=_terms(ending, before),
        now=ending.tx.now,
    )
    _captured(ending, item, payment, event)


def _end_authorization(ending: Ending, item: RecordEvidence, verdict: Verdict, after: Attempt) -> None:
    if verdict is not Verdict.SUCCEED:
        _end_first(ending, item, verdict, after)
        return
    payment, event = authorization.authorize(
        ending.changes.payments[after.payment_id],
        channel_reference=_reference(after),
        expire_time=ending.tx.now + ending.authorization_ttl,
        now=ending.tx.now,
    )
    ending.changes.put_payment(payment)
    ending.tx.emit(event, cause=item.cause)
    ending.changes.void_if_due(ending.tx, payment.payment_id, traceparent=after.traceparent)


def _end_first(ending: Ending, item: RecordEvidence, verdict: Verdict, after: Attempt) -> None:
    """End a charge or an authorization that did not succeed, or not yet."""
    before, evidence = ending.changes.payments[after.payment_id], item.evidence
    event: events.PaymentFailed | events.PaymentUnknown
    if verdict is Verdict.FAIL:
        payment, event = domain.fail(before, attempt.failure(evidence), now=ending.tx.now)
    else:
        payment, event = domain.lose_answer(
            before, evidence=_lost_by(evidence), channel_reference=evidence.channel_reference, now=ending.tx.now
        )
    ending.changes.put_payment(payment)
    ending.tx.emit(event, cause=item.cause)


def _end_capture(ending: Ending, item: RecordEvidence, verdict: Verdict, after: Attempt) -> None:
    changes, now = ending.changes, ending.tx.now
    payment, made = changes.payments[after.payment_id], changes.captures[after.capture_id or ""]
    if verdict is Verdict.LOSE_ANSWER:
        changes.put_capture(follow_up.lose_answer(made, now=now))
    elif verdict is Verdict.SUCCEED:
        payment, made, event = capture.succeed(
            payment, made, channel_reference=_reference(after), terms=_terms(ending, payment), now=now
        )
        changes.put_capture(made)
        _captured(ending, item, payment, event)
    else:
        payment, made = capture.fail(payment, made, attempt.failure(item.evidence), now=now)
        changes.put_capture(made)
        changes.put_payment(payment)
    changes.void_if_due(ending.tx, after.payment_id, traceparent=after.traceparent)


def _end_void(ending: Ending, item: RecordEvidence, verdict: Verdict, after: Attempt) -> None:
    before = ending.changes.payments[after.payment_id]
    if verdict is Verdict.LOSE_ANSWER or not before.cancelling_minor:
        return  # Without an amount held it released what had been authorized after the payment had failed.
    if verdict is Verdict.SUCCEED or item.evidence.failure_code in NOTHING_HELD_CODES:
        payment, event = authorization.void(before, now=ending.tx.now)
        ending.tx.emit(event, cause=item.cause)
    else:
        retry_time = ending.tx.now + VOID_RETRY_PAUSE
        payment = authorization.fail_void(before, retry_time=retry_time, now=ending.tx.now)
    ending.changes.put_payment(payment)


def _end_refund(ending: Ending, item: RecordEvidence, verdict: Verdict, after: Attempt) -> None:
    changes, now = ending.changes, ending.tx.now
    payment, made = changes.payments[after.payment_id], changes.refunds[after.refund_id or ""]
    event: events.RefundSuccess | events.RefundFailed
    if verdict is Verdict.LOSE_ANSWER:
        changes.put_refund(follow_up.lose_answer(made, now=now))
        return
    if verdict is Verdict.SUCCEED:
        payment, made, event = refund.succeed(payment, made, channel_reference=_reference(after), now=now)
    else:
        payment, made, event = refund.fail(payment, made, attempt.failure(item.evidence), now=now)
    changes.put_refund(made)
    changes.put_payment(payment)
    ending.tx.emit(event, cause=item.cause)
    if isinstance(event, events.RefundFailed):
        ending.orders.refund_again(ending.tx, event, changes, item.cause)


END: Mapping[AttemptAction, Callable[[Ending, RecordEvidence, Verdict, Attempt], None]] = {
    AttemptAction.CHARGE: _end_charge,
    AttemptAction.AUTHORIZE: _end_authorization,
    AttemptAction.CAPTURE: _end_capture,
    AttemptAction.CANCEL: _end_void,
    AttemptAction.REFUND: _end_refund,
}
"""By what was asked: applies a verdict that ends a call, or loses its answer."""


def _captured(ending: Ending, item: RecordEvidence, payment: Payment, event: events.PaymentSuccess) -> None:
    """Take a payment as a capture left it, and give the capture back if its order does not want it any more."""
    ending.changes.put_payment(payment)
    ending.tx.emit(event, cause=item.cause)
    ending.orders.refund_if_due(ending.tx, event, ending.changes, item.cause)


def _lost_by(evidence: Evidence) -> events.Evidence:
    """Say how an outcome became unknown: by silence, or by an answer that decides nothing."""
    return (
        events.Evidence.NO_ANSWER if evidence.outcome is EvidenceOutcome.NO_ANSWER else events.Evidence(evidence.source)
    )


def _reference(after: Attempt) -> str:
    if after.channel_reference is None:
        raise InvariantError(f"attempt {after.attempt_id} succeeded without a reference of the channel")
    return after.channel_reference


def _terms(ending: Ending, payment: Payment) -> FeeTerms:
    terms = ending.terms.get(payment.payment_id)
    if terms is None:
        raise InvariantError(f"payment {payment.payment_id} is of a merchant that has no fee plan")
    return terms
