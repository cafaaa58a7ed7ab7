"""Refunds as callers ask for them. What channels answer is in `evidence`."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from paykit.cause import NO_CALL, Cause, CreatingCall
from paykit.errors import DomainError
from paykit.ids import new_id
from paykit.merchants.labels import NO_LABELS, Labels
from paykit.merchants.references import TakenReferences, taken_references
from paykit.postgres.database import Tx
from paykit.work import fold
from paystream.payment.v1 import events
from services.payment import domain, store
from services.payment.commands import refund_funds, work
from services.payment.commands.refund_funds import LockedFunds
from services.payment.commands.work import PaymentWork
from services.payment.domain.funds import Admission
from services.payment.domain.refund import Refund


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateRefund:
    """A refund asked for.

    Attributes:
        capture_id: The one capture to give back; None for the oldest that are left.
        refund_id: The id that it gets; None for a new one.
    """

    payment_id: str
    amount_minor: int
    currency_code: str
    reason: events.RefundReason
    capture_id: str | None = None
    cause: Cause
    labels: Labels = NO_LABELS
    creating_call: CreatingCall = NO_CALL
    refund_id: str | None = None


async def create_refunds(tx: Tx, items: Sequence[CreateRefund]) -> list[Refund | DomainError]:
    """Accept refunds and queue them, one after another under the lock of their payments.

    Writes a refund each and, unless it waits for funds, an attempt, and emits RefundCreated. Refusals: PaymentNotFound,
    CurrencyMismatch, IllegalTransition, CaptureNotFound, RefundExceedsRefundable, RefundWouldOverdraw,
    MerchantReferenceTaken.
    """
    payments = await store.payments.lock(tx, [item.payment_id for item in items])
    rows = work.begin(tx, payments, captures=await work.captures_to_refund(tx, payments.values()))
    references = await taken_references(tx, store.refunds, work.wanted_references(rows, items))
    funds = await refund_funds.lock(tx, {(p.merchant_id, p.currency_code) for p in payments.values()})
    results = fold(items, lambda item: _create(rows, item, references, funds))
    await rows.save()
    return results


def _create(rows: PaymentWork, item: CreateRefund, references: TakenReferences, funds: LockedFunds) -> Refund:
    payment = rows.payments.require(item.payment_id, domain.payment.not_found)
    accepted = domain.refund.create(
        payment,
        rows.captures_of(payment),
        refund_id=item.refund_id or new_id("ref", of=payment.payment_id),
        amount_minor=item.amount_minor,
        currency_code=item.currency_code,
        reason=item.reason,
        now=rows.tx.now,
        of_capture=item.capture_id,
    )
    refund = replace(accepted.refund, labels=item.labels, creating_call=item.creating_call)
    admission, left = funds.admit(refund)
    references.take(refund.merchant_id, item.labels.merchant_reference, refund.refund_id)
    funds.put(refund, left)
    accepted = replace(accepted, refund=refund)
    return rows.accept_refund(domain.funds.queue(accepted) if admission is Admission.QUEUED else accepted, item.cause)
