"""Payments and refunds as callers ask for them. What channels answer is in `evidence`."""

from collections.abc import Sequence
from dataclasses import dataclass

from paykit.cause import Cause
from paykit.errors import CurrencyUnknown, DomainError
from paykit.ids import new_id
from paykit.merchants import projection as merchant_projection
from paykit.merchants import standing as merchants
from paykit.money import EXPONENTS, require_currency
from paykit.postgres.database import Tx
from paystream.merchant.v1.events import MerchantStatus
from paystream.payment.v1 import events
from services.payment.commands import order_matching
from services.payment.commands.changes import Changes
from services.payment.commands.order_matching import Matching
from services.payment.domain import payment as domain
from services.payment.domain import refund, routing
from services.payment.domain.attempt import Attempt, AttemptAction
from services.payment.domain.payment import CaptureMode, Payment
from services.payment.domain.refund import Refund
from services.payment.store import payments as store
from services.payment.store.attempts import ATTEMPTS

_FIRST_ACTION = {CaptureMode.AUTOMATIC: AttemptAction.CHARGE, CaptureMode.MANUAL: AttemptAction.AUTHORIZE}


@dataclass(frozen=True, slots=True, kw_only=True)
class CreatePayment:
    """A payment asked for.

    Attributes:
        metadata: JSON text of an object of strings.
        channel: The channel it goes through; None where none takes it.
    """

    merchant_id: str
    merchant_reference: str
    order_id: str | None
    amount_minor: int
    currency_code: str
    method: events.PaymentMethod
    method_token: str
    metadata: str
    capture_mode: CaptureMode
    channel: str | None
    cause: Cause


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateRefund:
    """A refund asked for."""

    payment_id: str
    amount_minor: int
    currency_code: str
    reason: events.RefundReason
    cause: Cause


async def create_payments(tx: Tx, items: Sequence[CreatePayment]) -> list[Payment | DomainError]:
    """Accept payments and queue their charges or authorizations.

    Writes a payment and an attempt each, and emits PaymentCreated. Refusals: CurrencyUnknown, MerchantUnknown,
    MerchantNotActive, MerchantSuspended, ChannelNotAvailable, OrderUnknown, OrderMerchantMismatch,
    OrderCurrencyMismatch, OrderClosed, OrderAmountExceeded, MerchantReferenceTaken.
    """
    known = await merchant_projection.statuses(tx, sorted({item.merchant_id for item in items}))
    asked = [item for item in items if item.order_id]
    matching = await order_matching.lock(tx, items) if asked else None
    results = [_refusal(item, known) or _match(tx, item, matching) for item in items]
    made = [result for result in results if isinstance(result, Payment)]
    if made and not await store.insert_payments(tx, made):
        results = await store.REFERENCES.refuse_taken(tx, results)
    kept = [(r, item.cause) for r, item in zip(results, items, strict=True) if isinstance(r, Payment)]
    tx.hold(*[payment.payment_id for payment, _ in kept])
    await ATTEMPTS.insert(tx, [_first_attempt(payment, cause) for payment, cause in kept])
    for payment, cause in kept:
        tx.emit(domain.created(payment), cause=cause)
    return results


async def create_refunds(tx: Tx, items: Sequence[CreateRefund]) -> list[Refund | DomainError]:
    """Accept refunds and queue them, one after another under the lock of their payments.

    Writes a refund and an attempt each, and emits RefundCreated. Refusals: PaymentNotFound, CurrencyMismatch,
    IllegalTransition, RefundExceedsRefundable.
    """
    locked = await store.lock_payments(tx, [item.payment_id for item in items])
    changes = Changes(payments=locked)
    results = [_create_refund(tx, item, changes) for item in items]
    await changes.save(tx)
    return results


def _refusal(item: CreatePayment, known: dict[str, MerchantStatus]) -> DomainError | None:
    if item.currency_code not in EXPONENTS:
        return _currency_refusal(item.currency_code)
    status = known.get(item.merchant_id)
    if status is not MerchantStatus.ACTIVE:
        return merchants.refusal(item.merchant_id, status)
    return None if item.channel else routing.not_available(item.currency_code, item.method)


def _currency_refusal(currency_code: str) -> DomainError | None:
    try:
        require_currency(currency_code, field="amount.currency_code")
    except CurrencyUnknown as refusal:
        return refusal
    return None


def _match(tx: Tx, item: CreatePayment, matching: Matching | None) -> Payment | DomainError:
    """Make a payment, unless the order that it is for refuses it."""
    if matching is None:
        return _new_payment(tx, item, item.cause.correlation_id)
    refused = matching.refusal(item)
    return refused or _new_payment(tx, item, matching.correlation_id(item) or item.cause.correlation_id)


def _new_payment(tx: Tx, item: CreatePayment, correlation_id: str) -> Payment:
    return Payment(
        payment_id=new_id("pay"),
        merchant_id=item.merchant_id,
        merchant_reference=item.merchant_reference,
        order_id=item.order_id,
        amount_minor=item.amount_minor,
        currency_code=item.currency_code,
        method=item.method,
        method_token=item.method_token,
        metadata=item.metadata,
        capture_mode=item.capture_mode,
        channel=item.channel or "",
        correlation_id=correlation_id,
        create_time=tx.now,
        update_time=tx.now,
    )


def _first_attempt(payment: Payment, cause: Cause) -> Attempt:
    return Attempt(
        attempt_id=new_id("att"),
        payment_id=payment.payment_id,
        action=_FIRST_ACTION[payment.capture_mode],
        channel=payment.channel,
        amount_minor=payment.amount_minor,
        currency_code=payment.currency_code,
        traceparent=cause.traceparent,
        create_time=payment.create_time,
        update_time=payment.create_time,
    )


def _create_refund(tx: Tx, item: CreateRefund, changes: Changes) -> Refund | DomainError:
    """Decide one refund on the payment as the refunds before it left it."""
    payment = changes.payments.get(item.payment_id)
    if payment is None:
        return domain.not_found(item.payment_id)
    try:
        after, made, event = refund.create(
            payment,
            refund_id=new_id("ref"),
            amount_minor=item.amount_minor,
            currency_code=item.currency_code,
            reason=item.reason,
            now=tx.now,
        )
    except DomainError as refusal:
        return refusal
    changes.add_refund(after, made, traceparent=item.cause.traceparent)
    tx.emit(event, cause=item.cause)
    return made
