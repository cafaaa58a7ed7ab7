"""Refunds that came back, in whole or in part, and what had been given back above them."""

from paykit.cause import Cause
from paykit.contradictions.contradiction import ContradictionKind
from paystream.payment.v1 import events
from services.payment import domain
from services.payment.commands.order import CapturedOrders
from services.payment.commands.work import ContradictionWork
from services.payment.domain.attempt import PaymentAttempt
from services.payment.domain.refund import Refund


def book(
    rows: ContradictionWork, refund: Refund, amount_minor: int, *, attempt_id: str, code: str | None, cause: Cause
) -> events.RefundReturned:
    """Book what came back of a refund: captures and suspense have it again; emits RefundReturned."""
    payment, shares = rows.payments[refund.payment_id], rows.shares_of(refund)
    kept = domain.refund_return.kept_shares(refund, shares, amount_minor)
    differences = domain.refund_share.differences(shares, kept)
    returning = domain.refund_share.charged_again(differences, rows.captures_of(payment))
    payment, returned, event = domain.refund_return.send_back(
        payment,
        refund,
        returning,
        amount_minor=amount_minor,
        attempt_id=attempt_id,
        code=code,
        now=rows.tx.now,
    )
    rows.payments.put(payment)
    rows.refunds.put(returned)
    rows.change_captures(returning, domain.refund_share.take_back)
    if amount_minor < refund.carried_out_minor:
        rows.keep_shares(refund, kept)
    rows.tx.emit(event, cause=cause)
    return event


def take_back_above(
    rows: ContradictionWork,
    attempt: PaymentAttempt,
    amount_minor: int,
    *,
    code: str | None,
    orders: CapturedOrders,
    cause: Cause,
) -> int:
    """Book that what a call had given back above what was asked came back, the latest first.

    Return what of the amount is not booked: people have said who bears it, or a part of it came back before. Emits
    RefundReturned and PaymentContradictionResolved, and RefundCreated where the order was closed meanwhile.
    """
    left_minor = amount_minor
    for refund in _above(rows, attempt):
        part_minor = min(left_minor, refund.carried_out_minor)
        if part_minor and not refund.returned_minor:
            left_minor -= part_minor
            event = book(rows, refund, part_minor, attempt_id=attempt.attempt_id, code=code, cause=cause)
            clear(rows, event, cause)
            orders.refund_freed(rows, event, amount_minor=part_minor, cause=cause)
    return left_minor


def clear(rows: ContradictionWork, event: events.RefundReturned, cause: Cause) -> None:
    """Take off what stands in suspense for a refund what came back there; nobody decides about what is over by that."""
    own = [row for row in rows.contradictions.values() if row.subject_id == event.refund_id and row.suspense_minor]
    for contradiction in own:
        rows.settle(contradiction.contradiction_id, cause, part_minor=event.suspense_minor)


def _above(rows: ContradictionWork, attempt: PaymentAttempt) -> list[Refund]:
    """Return the refunds of what a call gave back above what was asked, the latest first, where nobody has decided."""
    listed = [
        row.subject_id
        for row in sorted(rows.contradictions.values(), key=lambda row: row.contradiction_id, reverse=True)
        if row.attempt_id == attempt.attempt_id and row.kind is ContradictionKind.OTHER_AMOUNT and row.suspense_minor
    ]
    return [rows.refunds[refund_id] for refund_id in listed if refund_id in rows.refunds]
