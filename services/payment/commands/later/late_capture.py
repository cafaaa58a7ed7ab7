"""Money that came late: received, given back again and again, gone, or taken for the merchant by two people."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from paykit.cause import Cause
from paykit.contradictions import contradiction as contradiction_rules
from paykit.contradictions.contradiction import Contradiction, ContradictionState
from paykit.errors import DomainError, IllegalTransition
from paykit.ids import new_id
from paykit.postgres.database import Tx
from paykit.work import Rows, fold
from paystream.payment.v1 import events
from services.payment import domain, store
from services.payment.commands.order import CapturedOrders
from services.payment.commands.work import ContradictionWork
from services.payment.domain.attempt import PaymentAttempt
from services.payment.domain.fee import CaptureTerms
from services.payment.domain.later.late_capture import LateCapture, LateCaptureAction, LateCaptureState
from services.payment.domain.payment import CaptureMode, Payment
from services.payment.domain.refund import Refund

RETRIES_MAX = 200
"""Refunds that are tried again in one transaction."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryRefund:
    """Somebody asks that money that came late is given back now."""

    contradiction_id: str
    cause: Cause


async def begin(tx: Tx, payments: Rows[str, Payment], *, contradiction_ids: Collection[str] = ()) -> ContradictionWork:
    """Begin work with what came late for locked payments, and with contradictions that may be over."""
    return ContradictionWork(
        tx=tx,
        payments=payments,
        captures=store.captures.rows(tx),
        refunds=store.refunds.rows(tx),
        shares=store.refund_shares.rows(tx),
        attempts=store.attempts.rows(tx),
        contradictions=await store.contradictions.guarded_of(tx, list(payments), also=contradiction_ids),
        late_captures=await store.late_captures.guarded_of(tx, list(payments)),
    )


async def retry_refunds(tx: Tx, items: Sequence[RetryRefund]) -> list[Refund | DomainError]:
    """Give back, once more and now, what came late; emits RefundCreated and writes a refund and an attempt each.

    Refusals: ContradictionNotFound, IllegalTransition.
    """
    ids = [item.contradiction_id for item in items]
    rows = await begin(tx, await store.payments.lock_of_contradictions(tx, ids), contradiction_ids=ids)
    results = fold(items, lambda item: _retry(rows, item))
    await rows.save()
    return results


async def retry_due_refunds(tx: Tx) -> int:
    """Give back what came late and is due, at most RETRIES_MAX; return how many refunds were made."""
    due = await store.late_captures.payments_due(tx, limit=RETRIES_MAX)
    rows = await begin(tx, await store.payments.lock(tx, due))
    waiting = [late for late in rows.late_captures.values() if late.retry_time and late.retry_time <= tx.now]
    for late in waiting:
        give_back(rows, late, cause=Cause(rows.payments[late.payment_id].correlation_id, late.attempt_id))
    await rows.save()
    return len(waiting)


def receive(
    rows: ContradictionWork,
    attempt: PaymentAttempt,
    *,
    contradiction_id: str,
    reference: str,
    amount_minor: int,
    reason: events.LateReason,
    cause: Cause,
) -> LateCapture:
    """Hold money that came late, and try to give it back; emits LateCaptureReceived and RefundCreated."""
    now = rows.tx.now
    late = LateCapture(
        capture_id=new_id("cap", of=attempt.payment_id),
        payment_id=attempt.payment_id,
        attempt_id=attempt.attempt_id,
        contradiction_id=contradiction_id,
        amount_minor=amount_minor,
        currency_code=attempt.currency_code,
        late_reason=reason,
        channel_reference=reference,
        original_reference=_original(attempt, reference, reason),
        create_time=now,
        update_time=now,
    )
    payment, event = domain.late_capture.receive(rows.payments[attempt.payment_id], late, now=now)
    rows.payments.put(payment)
    rows.tx.emit(event, cause=cause)
    rows.late_captures.add(late)
    give_back(rows, late, cause=cause)
    return late


def give_back(rows: ContradictionWork, late: LateCapture, *, cause: Cause) -> Refund:
    """Queue a refund of what came late; emits RefundCreated.

    Raises:
        IllegalTransition: It was given back or accepted, or is being given back.
    """
    payment, tried, refund, event = domain.late_capture.give_back(
        rows.payments[late.payment_id],
        late,
        refund_id=new_id("ref", of=late.payment_id),
        amount_minor=held_minor(rows, late),
        now=rows.tx.now,
    )
    rows.late_captures.put(tried)
    rows.add_refund(payment, refund, traceparent=cause.traceparent, original_reference=late.original_reference)
    rows.tx.emit(event, cause=cause)
    return refund


def refund_failed(rows: ContradictionWork, refund: Refund, attempt: PaymentAttempt, cause: Cause) -> None:
    """Have another refund tried later, or leave what came late to people; what the channel took back itself is out."""
    late = rows.late_captures.get(refund.late_capture_id)
    if late is None or late.state is not LateCaptureState.HELD:
        return
    waiting = rows.late_captures.put(domain.late_capture.wait(late, now=rows.tx.now))
    if waiting.bounced:
        _gone(rows, waiting, cause)
    elif waiting.retry_time is None:
        _escalate(rows, waiting, attempt, cause)


def of_held(rows: ContradictionWork, refund: Refund) -> Refund:
    """Return a refund that is done; of money that came late and is not held any more it gives nothing back."""
    late = rows.late_captures.get(refund.late_capture_id)
    held = late is None or late.state is LateCaptureState.HELD
    return refund if held else replace(refund, late_capture_id=None)


def refund_done(rows: ContradictionWork, refund: Refund, cause: Cause, *, ended: PaymentAttempt | None = None) -> int:
    """End what came late, as the payer has it back; return what of a refund is out with nothing behind it.

    Where it gave back a part, the rest stays held, and another refund is tried once none is under way. `ended` is the
    call of the refund that was; None where the refund had ended before.
    """
    late = rows.late_captures.get(refund.late_capture_id)
    if late is None:
        return refund.suspense_minor
    out_minor = refund.carried_out_minor - held_minor(rows, late)
    if out_minor < 0:
        _keep_rest(rows, late, refund, ended, cause)
        return 0
    rows.late_captures.put(domain.late_capture.returned(late, now=rows.tx.now))
    rows.settle(late.contradiction_id, cause)
    return out_minor


def hold_more(rows: ContradictionWork, late: LateCapture, amount_minor: int) -> None:
    """Hold what came back of a refund beside the rest that is held; the next refund gives back both."""
    contradiction = rows.contradictions[late.contradiction_id]
    suspense_minor = contradiction.suspense_minor + amount_minor
    rows.contradictions.put(contradiction_rules.leave(contradiction, suspense_minor, now=rows.tx.now))


def held_minor(rows: ContradictionWork, late: LateCapture) -> int:
    """Return what is held of money that came late: all of it, but for what a refund that was done in part gave back."""
    if late.state is not LateCaptureState.HELD:
        return 0
    contradiction = rows.contradictions.get(late.contradiction_id)
    return contradiction.suspense_minor if contradiction else late.amount_minor


def out_again(
    rows: ContradictionWork, came_back: Refund, amount_minor: int, *, attempt_id: str, reference: str, cause: Cause
) -> Refund | None:
    """End what came late by the refund of it that came back, and that the channel has made again: the payer has it.

    Emits RefundCreated and RefundSuccess; another that is under way will be out once too often. None where what came
    late is not held, or not in this amount.
    """
    late = rows.late_captures.get(came_back.late_capture_id)
    if late is None or late.state is not LateCaptureState.HELD or held_minor(rows, late) != amount_minor:
        return None
    return _book_gone(rows, late, attempt_id, reference, cause)


def accept(
    rows: ContradictionWork,
    contradiction: Contradiction,
    *,
    terms: CaptureTerms,
    orders: CapturedOrders,
    cause: Cause,
) -> None:
    """Take for the merchant what came late; emits LateCaptureAccepted and PaymentSuccess.

    It goes back if its order is closed or paid for already.

    Raises:
        IllegalTransition: It was given back, or is being given back.
        CaptureExceedsCapturable: The payment would hold more than it is over.
    """
    late = of_contradiction(rows, contradiction)
    late = replace(late, amount_minor=held_minor(rows, late))
    payment, accepted, capture, accepted_event, success = domain.late_capture.accept(
        rows.payments[late.payment_id],
        late,
        terms=terms,
        order_returned_minor=orders.returned_before(rows.payments[late.payment_id]),
        now=rows.tx.now,
    )
    rows.payments.put(payment)
    rows.late_captures.put(accepted)
    if payment.capture_mode is CaptureMode.MANUAL:
        rows.captures.add(capture)
    rows.tx.emit(accepted_event, cause=cause)
    rows.tx.emit(success, cause=cause)
    orders.refund_if_due(rows, success, cause)


def gone(rows: ContradictionWork, late: LateCapture, cause: Cause) -> None:
    """Record that the channel took back itself what came late; emits RefundCreated and RefundSuccess where it was held.

    A refund under way comes to nothing, and then this follows.
    """
    bounced = rows.late_captures.put(domain.late_capture.bounce(late, now=rows.tx.now))
    if not bounced.refunding:
        _gone(rows, bounced, cause)


def undone(rows: ContradictionWork, late: LateCapture, cause: Cause) -> int:
    """Record that what was taken above an amount is gone with the rest; return what of it is out twice.

    Emits RefundCreated and RefundSuccess, but where a refund is under way, which comes to nothing.
    """
    given_minor = late.amount_minor - held_minor(rows, late)
    if late.state is not LateCaptureState.RETURNED:
        gone(rows, late, cause)
    if not given_minor:
        return 0
    refund = rows.book_refunded(
        late.payment_id,
        amount_minor=given_minor,
        late_capture_id=None,
        attempt_id=late.attempt_id,
        channel_reference=late.channel_reference,
        cause=cause,
    )
    return refund.carried_out_minor


def of_reference(rows: ContradictionWork, attempt_id: str, reference: str | None) -> LateCapture | None:
    """Return what came late for an attempt under a reference, and was not accepted for the merchant."""
    own = (
        late
        for late in rows.late_captures.values()
        if (late.attempt_id, late.channel_reference) == (attempt_id, reference)
    )
    return next((late for late in own if late.state is not LateCaptureState.ACCEPTED), None)


def of_contradiction(rows: ContradictionWork, contradiction: Contradiction) -> LateCapture:
    """Return the money that a contradiction came with.

    Raises:
        IllegalTransition: None came with it.
    """
    found = (late for late in rows.late_captures.values() if late.contradiction_id == contradiction.contradiction_id)
    late = next(found, None)
    if late is None:
        raise IllegalTransition(
            "No money came late with it.", state=contradiction.state, action=LateCaptureAction.GIVE_BACK
        )
    return late


def _retry(rows: ContradictionWork, item: RetryRefund) -> Refund:
    contradiction = rows.contradictions.require(item.contradiction_id, contradiction_rules.not_found)
    late = of_contradiction(rows, contradiction)
    return give_back(rows, domain.late_capture.start_over(late, now=rows.tx.now), cause=item.cause)


def _keep_rest(
    rows: ContradictionWork, late: LateCapture, refund: Refund, ended: PaymentAttempt | None, cause: Cause
) -> None:
    """Hold what a refund that was done in part did not give back."""
    rows.settle(late.contradiction_id, cause, part_minor=refund.carried_out_minor)
    if ended is not None:
        refund_failed(rows, refund, ended, cause)


def _gone(rows: ContradictionWork, late: LateCapture, cause: Cause) -> None:
    """Book what the channel took back itself as given back: the payer has it."""
    if late.state is LateCaptureState.HELD:
        _book_gone(rows, late, late.attempt_id, late.channel_reference, cause)


def _book_gone(rows: ContradictionWork, late: LateCapture, attempt_id: str, reference: str, cause: Cause) -> Refund:
    refund = rows.book_refunded(
        late.payment_id,
        amount_minor=held_minor(rows, late),
        late_capture_id=late.capture_id,
        attempt_id=attempt_id,
        channel_reference=reference,
        cause=cause,
    )
    refund_done(rows, refund, cause)
    return refund


def _escalate(rows: ContradictionWork, late: LateCapture, attempt: PaymentAttempt, cause: Cause) -> None:
    """Leave to people what no refund gave back; emits PaymentContradicted once more."""
    contradiction = rows.contradictions.get(late.contradiction_id)
    if contradiction is None or contradiction.needs_decision or contradiction.state is ContradictionState.RESOLVED:
        return
    escalated = rows.contradictions.put(contradiction_rules.escalate(contradiction, now=rows.tx.now))
    payment, event = domain.contradiction.tell(
        rows.payments[late.payment_id],
        escalated,
        attempt,
        source=events.Evidence.RESPONSE,
        reported_minor=held_minor(rows, late),
        now=rows.tx.now,
    )
    rows.payments.put(payment)
    rows.tx.emit(event, cause=cause)


def _original(attempt: PaymentAttempt, reference: str, reason: events.LateReason) -> str:
    """Return what a refund of late money names: of a capture the authorization, else the money's own reference."""
    second = reason is events.LateReason.SECOND_REFERENCE
    return reference if second else attempt.original_reference or reference
