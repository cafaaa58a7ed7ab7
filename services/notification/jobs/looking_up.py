"""Where a notification goes to and whose business it is about: read when it is sent, and kept nowhere."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, tzinfo
from typing import TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import grpc
import structlog
from google.protobuf.message import Message

from paykit.base import peer_calls
from paykit.base.peer_calls import Decodable
from paykit.process.runtime import Runtime
from paystream.common.v1 import contact_pb2
from paystream.merchant.v1 import merchant_pb2
from paystream.order.v1 import order_pb2
from paystream.payment.v1 import payment_pb2
from services.notification import domain, store
from services.notification.domain.facts import Facts
from services.notification.domain.notification import DeliveryOutcome, DeliveryResult, Notification
from services.notification.domain.preferences import Preferences
from services.notification.domain.rendering import About
from services.notification.domain.topics import RecipientKind

Reply = TypeVar("Reply", bound=Decodable)
_Channels = Mapping[str, grpc.aio.Channel]

_PLAIN = re.compile(r"[!#-'*+./0-9=?A-Z^-~-]+@[A-Za-z0-9.-]+")
"""An address without quotes, comments and signs beyond ASCII; a list of two is none. Source: RFC 5322, dot-atom."""

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """Where a mail goes to."""

    address: str
    about: About


class PeerAway(Exception):
    """Another service cannot be asked now."""


async def recipient_of(runtime: Runtime, channels: _Channels, notification: Notification) -> Recipient | DeliveryResult:
    """Look up where a notification goes to; the result of its try where it goes nowhere now, or not at all."""
    try:
        found = await _look_up(runtime, channels, notification)
    except PeerAway as away:
        return DeliveryResult(outcome=DeliveryOutcome.DEFERRED, reason="PEER_UNAVAILABLE", detail=str(away))
    if isinstance(found, Recipient) and not _usable(found.address):
        return _suppressed("ADDRESS_INVALID")
    return found


async def _look_up(runtime: Runtime, channels: _Channels, notification: Notification) -> Recipient | DeliveryResult:
    merchant = await _merchant(channels, notification.merchant_id)
    if notification.recipient_kind is RecipientKind.MERCHANT:
        return await _of_merchant(runtime, notification, merchant)
    if notification.recipient_kind is RecipientKind.PAYER:
        return await _of_payer(channels, notification, merchant)
    address = runtime.settings.mail_operator_address
    about = _about(RecipientKind.OPERATOR, merchant, locale=None)
    return Recipient(address=address, about=about) if address else _suppressed("NO_ADDRESS")


async def _of_merchant(
    runtime: Runtime, notification: Notification, merchant: merchant_pb2.Merchant | None
) -> Recipient | DeliveryResult:
    merchant_id = notification.merchant_id or ""
    preferences = await runtime.read(lambda tx: store.preferences.get(tx, merchant_id))
    preferences = preferences or Preferences(merchant_id=merchant_id)
    about = _about(RecipientKind.MERCHANT, merchant, locale=preferences.locale)
    if notification.recipient is None:
        own = (merchant.notification_email or merchant.contact_email) if merchant else ""
        return Recipient(address=own, about=about) if own else _suppressed("NO_ADDRESS")
    for address in preferences.of(notification.template).addresses:
        if domain.recipients.address_digest(address) == notification.recipient:
            return Recipient(address=address, about=about)
    return _suppressed("ADDRESS_REMOVED")


async def _of_payer(
    channels: _Channels, notification: Notification, merchant: merchant_pb2.Merchant | None
) -> Recipient | DeliveryResult:
    for contact_id in Facts.from_json(notification.facts).contact_ids:
        contact = await _contact(channels, contact_id)
        if contact and contact.HasField("erase_time"):
            # What was erased at the payment is not looked for at its order.
            return _suppressed("CONTACT_ERASED")
        if contact and contact.receipt_email:
            about = _about(RecipientKind.PAYER, merchant, locale=contact.locale or None)
            return Recipient(address=contact.receipt_email, about=about)
    return _suppressed("NO_ADDRESS")


async def _contact(channels: _Channels, contact_id: str) -> contact_pb2.Contact | None:
    """The receipt contact of a payment or an order; None where none was left."""
    if contact_id.startswith("ord_"):
        order = order_pb2.GetContactRequest(order_id=contact_id)
        of_order = await _ask(channels, order, order_pb2.GetContactResponse)
        return of_order.contact if of_order else None
    payment = payment_pb2.GetContactRequest(payment_id=contact_id)
    of_payment = await _ask(channels, payment, payment_pb2.GetContactResponse)
    return of_payment.contact if of_payment else None


async def _merchant(channels: _Channels, merchant_id: str | None) -> merchant_pb2.Merchant | None:
    if merchant_id is None:
        return None
    request = merchant_pb2.GetMerchantRequest(merchant_id=merchant_id)
    reply = await _ask(channels, request, merchant_pb2.GetMerchantResponse)
    return reply.merchant if reply else None


async def _ask(channels: _Channels, request: Message, reply_type: type[Reply]) -> Reply | None:
    """The reply of another service; None where it knows no such thing.

    Raises:
        PeerAway: It cannot be asked, or refuses for another reason.
    """
    service = peer_calls.method_of(request)[0]
    if service not in channels:
        raise PeerAway(f"{service} has no address in PAYSTREAM_PEERS")
    try:
        return await peer_calls.ask(channels[service], request, reply_type)
    except grpc.aio.AioRpcError as error:
        if error.code() is grpc.StatusCode.NOT_FOUND:
            return None
        _log.warning("peer_not_asked", peer=service, code=error.code().name, details=error.details())
        raise PeerAway(f"{service} answers {error.code().name}") from error


def _about(kind: RecipientKind, merchant: merchant_pb2.Merchant | None, *, locale: str | None) -> About:
    if merchant is None:
        return About(recipient_kind=kind, locale=locale)
    return About(
        recipient_kind=kind,
        locale=locale or (None if kind is RecipientKind.OPERATOR else merchant.locale or None),
        merchant_name=merchant.public_name or merchant.display_name,
        support_address=merchant.support_email if _usable(merchant.support_email) else None,
        zone=UTC if kind is RecipientKind.OPERATOR else _zone(merchant.settlement_policy.time_zone),
    )


def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name) if name else UTC
    except (ZoneInfoNotFoundError, ValueError):
        return UTC


def _usable(address: str) -> bool:
    """Whether an address can stand in a header and be handed to any mail server."""
    return bool(_PLAIN.fullmatch(address))


def _suppressed(reason: str) -> DeliveryResult:
    return DeliveryResult(outcome=DeliveryOutcome.SUPPRESSED, reason=reason)
