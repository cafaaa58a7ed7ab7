"""Payments as callers ask for them. What channels answer is in `evidence`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from paykit.aggregate import require_etag
from paykit.cause import NO_CALL, Cause, CreatingCall
from paykit.contacts import contact as contact_rules
from paykit.contacts import erasing
from paykit.contacts.contact import PayerContact, ReceiptContact
from paykit.contacts.erasing import EraseContact
from paykit.errors import DomainError
from paykit.ids import ids_in_slots, new_id, slot_of
from paykit.merchants import standing
from paykit.merchants.references import insert_referenced
from paykit.money import require_currency
from paykit.postgres.database import Tx
from paykit.work import fold
from paystream.payment.v1 import events
from paystream.quick_init import quick_init
from services.payment import domain, store
from services.payment.commands import order_matching
from services.payment.commands.order_matching import Matching
from services.payment.domain.attempt import UNSENT_TTL, AttemptAction, PaymentAttempt
from services.payment.domain.method import NO_DETAIL, MethodDetail
from services.payment.domain.payment import CaptureMode, Payment
from services.payment.store import Payee

_FIRST_ACTION = {CaptureMode.AUTOMATIC: AttemptAction.CHARGE, CaptureMode.MANUAL: AttemptAction.AUTHORIZE}


@quick_init
@dataclass(frozen=True, slots=True, kw_only=True)
class CreatePayment:
    """A payment asked for.

    Attributes:
        metadata: JSON text of an object of strings.
        channel: The channel it goes through; None where none takes it.
        expire_time: Until when it may be sent to that; None for as long as `unsent_ttl` says.
        return_url: Where that sends the payer back to; None where the caller does not say.
        creating_call: Set where a call asks for it.
        payment_id: The id that it gets; None for a new one.
    """

    merchant_id: str
    merchant_reference: str
    order_id: str | None
    amount_minor: int
    currency_code: str
    method: events.PaymentMethod
    method_token: str
    method_detail: MethodDetail = NO_DETAIL
    metadata: str
    capture_mode: CaptureMode
    channel: str | None
    contact: ReceiptContact | None = None
    expire_time: datetime | None = None
    return_url: str | None = field(default=None, repr=False)
    unsent_ttl: timedelta = UNSENT_TTL
    cause: Cause
    creating_call: CreatingCall = NO_CALL
    payment_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdatePayment:
    """Metadata that a payment is to have, JSON text, if it still has the etag; an empty one asks for nothing."""

    payment_id: str
    metadata: str
    etag: str


async def create_payments(tx: Tx, items: Sequence[CreatePayment]) -> list[Payment | DomainError]:
    """Accept payments and queue their charges or authorizations.

    Writes a payment and an attempt each, and emits PaymentCreated. Refusals: CurrencyUnknown, MerchantUnknown,
    MerchantNotActive, MerchantSuspended, FeeRuleMissing, ChannelNotAvailable, OrderUnknown, OrderMerchantMismatch,
    OrderCurrencyMismatch, OrderClosed, OrderAmountExceeded, MerchantReferenceTaken, EmailInvalid,
    FieldInvalid (expire_time, contact).
    """
    payees = await store.payees(tx, [(item.merchant_id, item.currency_code) for item in items])
    matching = await _lock_orders(tx, items)
    payments = fold(items, lambda item: _create(tx, item, payees, matching))
    results = await insert_referenced(tx, store.payments, payments)
    accepted = [(p, item) for p, item in zip(results, items, strict=True) if isinstance(p, Payment)]
    await store.attempts.insert(tx, _first_attempts(accepted))
    await store.contacts.add(tx, {payment.payment_id: item.contact for payment, item in accepted})
    for payment, item in accepted:
        tx.emit(domain.payment.created(payment), cause=item.cause)
    return results


async def update_payments(tx: Tx, items: Sequence[UpdatePayment]) -> list[Payment | DomainError]:
    """Change what merchants attached to payments, in order; no event tells of it.

    Refusals: PaymentNotFound, EtagMismatch.
    """
    locked = await store.payments.lock(tx, [item.payment_id for item in items])
    payments = {payment.payment_id: payment for payment in locked.values()}
    described: list[Payment] = []

    def update(item: UpdatePayment) -> Payment:
        payment = payments.get(item.payment_id)
        if payment is None:
            raise domain.payment.not_found(item.payment_id)
        require_etag(item.etag, domain.authorization.etag(payment), payment_id=payment.payment_id)
        changed = domain.authorization.describe(payment, item.metadata, now=tx.now)
        if changed is not payment:
            described.append(changed)
        payments[item.payment_id] = changed
        return changed

    results = fold(items, update)
    await store.payments.describe(tx, described)
    return results


async def erase_contacts(tx: Tx, items: Sequence[EraseContact]) -> list[PayerContact | DomainError]:
    """Erase where payers got receipts. Refusals: ContactNotFound."""
    return await erasing.erase(tx, store.contacts, items)


async def _lock_orders(tx: Tx, items: Sequence[CreatePayment]) -> Matching | None:
    """Lock the orders that payments are for; None, and no statement, where there is none."""
    order_ids = {item.order_id for item in items if item.order_id}
    references = [(item.merchant_id, item.merchant_reference) for item in items]
    return await order_matching.lock(tx, order_ids, references) if order_ids else None


def _create(tx: Tx, item: CreatePayment, payees: Mapping[tuple[str, str], Payee], matching: Matching | None) -> Payment:
    require_currency(item.currency_code, at=tx.now, field="amount.currency_code")
    contact_rules.check(item.contact)
    payee = payees.get((item.merchant_id, item.currency_code))
    standing.require_active(item.merchant_id, payee.standing if payee else None)
    if payee and not payee.priced:
        raise domain.fee.rule_missing(item.merchant_id, item.currency_code)
    _send_until(item, now=tx.now)
    if not item.channel:
        raise domain.routing.not_available(item.currency_code, item.method)
    correlation_id = _admit(matching, item) if matching else None
    return Payment(
        payment_id=item.payment_id or new_id("pay", of=item.merchant_id),
        merchant_id=item.merchant_id,
        merchant_reference=item.merchant_reference,
        order_id=item.order_id,
        amount_minor=item.amount_minor,
        currency_code=item.currency_code,
        method=item.method,
        method_token=item.method_token,
        method_detail=item.method_detail,
        country_code=payee.country_code if payee else None,
        metadata=item.metadata,
        return_url=item.return_url,
        capture_mode=item.capture_mode,
        channel=item.channel,
        correlation_id=correlation_id or item.cause.correlation_id,
        create_time=tx.now,
        update_time=tx.now,
        creating_call=item.creating_call,
    )


def _admit(matching: Matching, item: CreatePayment) -> str | None:
    reference = (item.merchant_id, item.merchant_reference)
    return matching.admit(item.order_id, reference, currency_code=item.currency_code, amount_minor=item.amount_minor)


def _send_until(item: CreatePayment, *, now: datetime) -> datetime:
    return domain.attempt.send_until(item.expire_time, item.unsent_ttl, now=now)


def _first_attempts(accepted: Sequence[tuple[Payment, CreatePayment]]) -> list[PaymentAttempt]:
    slots = [slot_of(payment.payment_id) for payment, _ in accepted]
    ids = zip(ids_in_slots("att", slots), ids_in_slots("cap", slots), strict=True)
    return [_first_attempt(*each, *own) for each, own in zip(accepted, ids, strict=True)]


def _first_attempt(payment: Payment, item: CreatePayment, attempt_id: str, capture_id: str) -> PaymentAttempt:
    action = _FIRST_ACTION[payment.capture_mode]
    return PaymentAttempt(
        attempt_id=attempt_id,
        payment_id=payment.payment_id,
        # Its channel is told before the call what the capture will be called, so that statements name it.
        allotted_capture_id=capture_id if action is AttemptAction.CHARGE else None,
        action=action,
        channel=payment.channel,
        amount_minor=payment.amount_minor,
        currency_code=payment.currency_code,
        expire_time=_send_until(item, now=payment.create_time),
        traceparent=item.cause.traceparent,
        create_time=payment.create_time,
        update_time=payment.create_time,
    )
