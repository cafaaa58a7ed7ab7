"""Payments on the wire: between messages and domain values."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from functools import lru_cache
from operator import attrgetter

from paykit.cause import Cause
from paykit.channels.actions.next_action_messages import to_next_action
from paykit.contacts.contact_messages import from_receipt_contact
from paykit.errors import DomainError
from paykit.merchants.labels import metadata_text
from paykit.reasons.stated_reason_messages import to_stated_reason
from paykit.serve import listing
from paykit.serve.status import to_status
from paykit.serve.timestamps import from_optional, to_timestamp
from paykit.serve.validation import update_masks
from paystream.payment.v1 import events
from paystream.payment.v1 import payment_pb2 as pb
from services.payment.commands.payment import CreatePayment, UpdatePayment
from services.payment.domain import authorization, payer_action, routing
from services.payment.domain.method import NO_DETAIL, MethodDetail
from services.payment.domain.payment import CaptureMode, Payment, PaymentState
from services.payment.domain.routing import PaymentRoute
from services.payment.store import PaymentFilter

UPDATABLE = frozenset({"metadata"})
"""Fields of a payment that its merchant can change."""

_METHODS = {
    pb.PAYMENT_METHOD_TYPE_CARD: events.PaymentMethod.CARD,
    pb.PAYMENT_METHOD_TYPE_BANK_TRANSFER: events.PaymentMethod.BANK_TRANSFER,
    pb.PAYMENT_METHOD_TYPE_WALLET: events.PaymentMethod.WALLET,
}
_CAPTURE_MODES = {
    pb.CAPTURE_MODE_UNSPECIFIED: CaptureMode.AUTOMATIC,
    pb.CAPTURE_MODE_AUTOMATIC: CaptureMode.AUTOMATIC,
    pb.CAPTURE_MODE_MANUAL: CaptureMode.MANUAL,
}
# Looked up once for every payment made, so by dictionaries and not by the descriptors.
_METHOD_TYPES = {domain: wire for wire, domain in _METHODS.items()}
_CAPTURE_MODE_VALUES = {domain: wire for wire, domain in _CAPTURE_MODES.items() if wire}
_PAYMENT_STATES = {state: pb.PaymentState.Value(f"PAYMENT_STATE_{state}") for state in PaymentState}
_FUNDINGS = {
    None: pb.CARD_FUNDING_UNSPECIFIED,
    events.CardFunding.CREDIT: pb.CARD_FUNDING_CREDIT,
    events.CardFunding.DEBIT: pb.CARD_FUNDING_DEBIT,
    events.CardFunding.PREPAID: pb.CARD_FUNDING_PREPAID,
}
_FUNDING_OF = {wire: domain for domain, wire in _FUNDINGS.items()}
_CANCEL_REASONS = {
    None: pb.CANCEL_REASON_UNSPECIFIED,
    events.CancelReason.REQUESTED: pb.CANCEL_REASON_REQUESTED,
    events.CancelReason.AUTHORIZATION_EXPIRED: pb.CANCEL_REASON_AUTHORIZATION_EXPIRED,
    events.CancelReason.ORDER_CLOSED: pb.CANCEL_REASON_ORDER_CLOSED,
    events.CancelReason.ACTION_EXPIRED: pb.CANCEL_REASON_ACTION_EXPIRED,
}

_SPARSE = (
    *("order_id", "captured_minor", "refunded_minor", "refunding_minor", "disputed_minor", "reversed_minor"),
    *("unbacked_minor", "fee_minor", "fee_returned_minor", "fee_plan_version", "capture_id", "channel_reference"),
    *("failure_reason", "failure_code", "cancelled_minor"),
)
"""Fields that a payment just made has nothing in: looked at together, and written where there is something."""
_sparse_values = attrgetter(*_SPARSE)
_read_json = json.JSONDecoder().decode

# All payments of one transaction have one create_time. Messages copy what they are made of, so one can serve for all.
_timestamp = lru_cache(maxsize=256)(to_timestamp)


def to_payment(payment: Payment) -> pb.Payment:
    """Make the resource."""
    message = pb.Payment()
    write_payment(payment, message)
    return message


def write_payment(payment: Payment, message: pb.Payment) -> None:
    """Write the resource into an empty message, as one that stands in a reply: put there later it would be copied."""
    message.payment_id = payment.payment_id
    message.merchant_id = payment.merchant_id
    message.merchant_reference = payment.merchant_reference
    amount = message.amount
    amount.amount_minor = payment.amount_minor
    amount.currency_code = payment.currency_code
    _write_method(payment, message.payment_method)
    message.capture_mode = _CAPTURE_MODE_VALUES[payment.capture_mode]
    message.state = _PAYMENT_STATES[payment.state]
    message.channel = payment.channel
    message.correlation_id = payment.correlation_id
    message.create_time.CopyFrom(_timestamp(payment.create_time))
    message.update_time.CopyFrom(_timestamp(payment.update_time))
    message.etag = authorization.etag(payment)
    sparse = _sparse_values(payment)
    if any(sparse):
        for name, value in zip(_SPARSE, sparse, strict=True):
            if value:
                setattr(message, name, value)
    if payment.cancel_reason is not None:
        _write_cancellation(payment, message)
    if payment.metadata != "{}":
        metadata = message.metadata
        for key, value in _read_json(payment.metadata).items():  # Given to the constructor they take twice as long.
            metadata[key] = value
    if payment.capture_mode is CaptureMode.MANUAL:
        _write_authorization(payment, message)
    waits_for = payment.payer_action
    if (action := payer_action.shown(waits_for)) is not None:
        message.next_action.CopyFrom(to_next_action(replace(action, expire_time=waits_for.action_expire_time)))


def _write_cancellation(payment: Payment, message: pb.Payment) -> None:
    message.cancel_reason = _CANCEL_REASONS[payment.cancel_reason]
    if (stated := to_stated_reason(authorization.cancellation(payment))) is not None:
        message.stated_reason.CopyFrom(stated)


def _write_authorization(payment: Payment, message: pb.Payment) -> None:
    message.authorized_minor = payment.authorized_minor
    message.capturing_minor = payment.capturing_minor
    message.capturable_minor = authorization.capturable_minor(payment)
    if payment.expire_time is not None:
        message.authorization_expire_time.CopyFrom(_timestamp(payment.expire_time))


def to_streamed(
    request_id: str, position: int, result: pb.BatchCreatePaymentsResponse.Result | DomainError
) -> pb.StreamCreatePaymentsResponse:
    """Make what is answered to one item of a stream."""
    if isinstance(result, DomainError):
        error = to_status(result, item_path="request")
        return pb.StreamCreatePaymentsResponse(request_id=request_id, position=position, error=error)
    return pb.StreamCreatePaymentsResponse(request_id=request_id, position=position, payment=result.payment)


def from_create_payment(
    request: pb.CreatePaymentRequest, cause: Cause, routes: Sequence[PaymentRoute], *, unsent_ttl: timedelta
) -> CreatePayment:
    """Read a payment asked for, and choose its channel; the request has been checked against its rules.

    `unsent_ttl` is how long it may wait to be sent, where the request does not say until when.
    """
    amount, method = request.amount, _METHODS[request.payment_method.type]
    return CreatePayment(
        merchant_id=request.merchant_id,
        merchant_reference=request.merchant_reference,
        order_id=request.order_id or None,
        amount_minor=amount.amount_minor,
        currency_code=amount.currency_code,
        method=method,
        method_token=request.payment_method.token,
        method_detail=_detail(request.payment_method),
        metadata=metadata_text(request.metadata),
        capture_mode=_CAPTURE_MODES[request.capture_mode],
        channel=routing.preferred(routes, amount.currency_code, method),
        contact=from_receipt_contact(request.contact) if request.HasField("contact") else None,
        expire_time=from_optional(request, "expire_time"),
        return_url=request.return_url or None,
        unsent_ttl=unsent_ttl,
        cause=cause,
    )


def _write_method(payment: Payment, method: pb.PaymentMethod) -> None:
    method.type = _METHOD_TYPES[payment.method]
    method.token = payment.method_token
    detail = payment.method_detail
    if detail != NO_DETAIL:
        method.brand = detail.brand or ""
        method.funding = _FUNDINGS[detail.funding]
        method.issuer_country_code = detail.issuer_country_code or ""


def _detail(method: pb.PaymentMethod) -> MethodDetail:
    if not (method.brand or method.funding or method.issuer_country_code):
        return NO_DETAIL
    return MethodDetail(
        brand=method.brand or None,
        funding=_FUNDING_OF[method.funding],
        issuer_country_code=method.issuer_country_code or None,
    )


def from_update_payment(request: pb.UpdatePaymentRequest) -> UpdatePayment:
    """Read a change of a payment.

    Raises:
        UpdateMaskInvalid: The mask names no field, or one that cannot be changed.
    """
    payment = request.payment
    update_masks.paths(request.update_mask, payment, UPDATABLE)
    return UpdatePayment(payment_id=payment.payment_id, metadata=metadata_text(payment.metadata), etag=payment.etag)


def from_list_payments(request: pb.ListPaymentsRequest) -> PaymentFilter:
    """Read what ListPayments selects."""
    name = pb.PaymentState.Name(request.state).removeprefix("PAYMENT_STATE_")
    return PaymentFilter(
        merchant_id=request.merchant_id or None,
        order_id=request.order_id or None,
        merchant_reference=request.merchant_reference or None,
        state=PaymentState(name) if request.state else None,
        capture_mode=_CAPTURE_MODES[request.capture_mode] if request.capture_mode else None,
        create_time_min=from_optional(request, "create_time_min"),
        create_time_before=from_optional(request, "create_time_before"),
        currency_code=request.currency_code or None,
        amount_minor_min=request.amount_minor_min or None,
        amount_minor_max=request.amount_minor_max or None,
        channel=request.channel or None,
        method=_METHODS.get(request.payment_method_type),
        update_time_min=from_optional(request, "update_time_min"),
        update_time_before=from_optional(request, "update_time_before"),
        oldest_first=listing.oldest_first(request),
    )
