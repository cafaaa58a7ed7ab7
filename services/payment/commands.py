"""Payments and refunds as callers ask for them. What channels answer is in `evidence`."""

from collections.abc import Sequence
from dataclasses import dataclass

from paykit import merchants
from paykit.cause import Cause
from paykit.errors import CurrencyUnknown, DomainError
from paykit.ids import new_id
from paykit.money import EXPONENTS, require_currency
from paykit.runtime import merchant_projection
from paykit.runtime.db import Tx
from paystream.merchant.v1.events import MerchantStatus
from paystream.payment.v1 import events
from services.payment import domain, refund, refund_store, store
from services.payment.attempt import Attempt, AttemptAction
from services.payment.attempt_store import ATTEMPTS
from services.payment.domain import Payment
from services.payment.refund import Refund

CHANNEL = "simulator"
"""The channel that payments go through."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CreatePayment:
    """A payment asked for.

    Attributes:
        metadata: JSON text of an object of strings.
    """

    merchant_id: str
    merchant_reference: str
    order_id: str | None
    amount_minor: int
    currency_code: str
    method: events.PaymentMethod
    method_token: str
    metadata: str
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
    """Accept payments and queue their charges.

    Writes a payment and an attempt each, and emits PaymentCreated. Refusals: CurrencyUnknown, MerchantUnknown,
    MerchantNotActive, MerchantSuspended, MerchantReferenceTaken.
    """
    known = await merchant_projection.statuses(tx, sorted({item.merchant_id for item in items}))
    results = [_refusal(item, known) or _new_payment(tx, item) for item in items]
    made = [result for result in results if isinstance(result, Payment)]
    if made and not await store.insert_payments(tx, made):
        results = await _refuse_taken(tx, results, made)
    kept = [(r, item.cause) for r, item in zip(results, items, strict=True) if isinstance(r, Payment)]
    tx.hold(*[payment.payment_id for payment, _ in kept])
    await ATTEMPTS.insert(tx, [_charge(payment, cause) for payment, cause in kept])
    for payment, cause in kept:
        tx.emit(domain.created(payment), cause=cause)
    return results


async def create_refunds(tx: Tx, items: Sequence[CreateRefund]) -> list[Refund | DomainError]:
    """Accept refunds and queue them, one after another under the lock of their payments.

    Writes a refund and an attempt each, and emits RefundCreated. Refusals: PaymentNotFound, CurrencyMismatch,
    IllegalTransition, RefundExceedsRefundable.
    """
    payments = await store.lock_payments(tx, [item.payment_id for item in items])
    results: list[Refund | DomainError] = []
    attempts: list[Attempt] = []
    changed: dict[str, Payment] = {}
    for item in items:
        result = _create_refund(tx, item, payments)
        if not isinstance(result, Refund):
            results.append(result)
            continue
        payment = payments[item.payment_id]
        results.append(result)
        changed[payment.payment_id] = payment
        attempts.append(refund_attempt(payment, result, payment.channel_reference, item.cause.traceparent))
    await store.update_payments(tx, list(changed.values()))
    await refund_store.insert_refunds(tx, [result for result in results if isinstance(result, Refund)])
    await ATTEMPTS.insert(tx, attempts)
    return results


def refund_attempt(payment: Payment, made: Refund, original_reference: str | None, traceparent: str | None) -> Attempt:
    """Make the attempt that carries a refund out."""
    return Attempt(
        attempt_id=new_id("att"),
        payment_id=payment.payment_id,
        refund_id=made.refund_id,
        action=AttemptAction.REFUND,
        channel=payment.channel,
        amount_minor=made.amount_minor,
        currency_code=made.currency_code,
        original_reference=original_reference,
        traceparent=traceparent,
        create_time=made.create_time,
        update_time=made.create_time,
    )


def _refusal(item: CreatePayment, known: dict[str, MerchantStatus]) -> DomainError | None:
    if item.currency_code not in EXPONENTS:
        return _currency_refusal(item.currency_code)
    status = known.get(item.merchant_id)
    return None if status is MerchantStatus.ACTIVE else merchants.refusal(item.merchant_id, status)


def _currency_refusal(currency_code: str) -> DomainError | None:
    try:
        require_currency(currency_code, field="amount.currency_code")
    except CurrencyUnknown as refusal:
        return refusal
    return None


def _new_payment(tx: Tx, item: CreatePayment) -> Payment:
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
        channel=CHANNEL,
        correlation_id=item.cause.correlation_id,
        create_time=tx.now,
        update_time=tx.now,
    )


def _charge(payment: Payment, cause: Cause) -> Attempt:
    return Attempt(
        attempt_id=new_id("att"),
        payment_id=payment.payment_id,
        refund_id=None,
        action=AttemptAction.CHARGE,
        channel=payment.channel,
        amount_minor=payment.amount_minor,
        currency_code=payment.currency_code,
        traceparent=cause.traceparent,
        create_time=payment.create_time,
        update_time=payment.create_time,
    )


async def _refuse_taken(
    tx: Tx, results: Sequence[Payment | DomainError], made: Sequence[Payment]
) -> list[Payment | DomainError]:
    """Put a refusal in the place of each payment that was left out because its reference is taken."""
    holders = await store.holders(tx, [(payment.merchant_id, payment.merchant_reference) for payment in made])
    return [_refuse_if_taken(result, holders) if isinstance(result, Payment) else result for result in results]


def _refuse_if_taken(payment: Payment, holders: dict[tuple[str, str], str]) -> Payment | DomainError:
    holder = holders[payment.merchant_id, payment.merchant_reference]
    if holder == payment.payment_id:
        return payment
    return domain.MerchantReferenceTaken(
        "Another payment of the merchant has this reference.", field="merchant_reference", payment_id=holder
    )


def _create_refund(tx: Tx, item: CreateRefund, payments: dict[str, Payment]) -> Refund | DomainError:
    """Decide one refund on the payment as the refunds before it left it."""
    payment = payments.get(item.payment_id)
    if payment is None:
        return domain.PaymentNotFound("No payment has this id.", field="payment_id", payment_id=item.payment_id)
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
    payments[item.payment_id] = after
    tx.emit(event, cause=item.cause)
    return made
