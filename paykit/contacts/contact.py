"""Where a payer gets receipts: personal, so that it can be erased. Pure."""

from dataclasses import dataclass, replace
from datetime import datetime

from paykit import addresses
from paykit.clock import no_earlier
from paykit.errors import DomainError, Kind


class ContactNotFound(DomainError):
    """No contact was given with what has this id, if anything has it."""

    kind = Kind.NOT_FOUND
    reason = "CONTACT_NOT_FOUND"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptContact:
    """Where a payer is written to, as a merchant says; at least one of both is given.

    Attributes:
        locale: BCP 47.
    """

    receipt_email: str | None
    locale: str | None

    def __repr__(self) -> str:
        """Keep the address out of what is printed."""
        return f"ReceiptContact(locale={self.locale!r})"


@dataclass(frozen=True, slots=True, kw_only=True)
class PayerContact:
    """Where the payer of an order or a payment is written to.

    Attributes:
        subject_id: The order or payment.
        receipt_email: None where none was given, or it was erased.
        erase_time: None while it was not.
        eraser: Who erased it; None where the caller gave no name.
    """

    subject_id: str
    receipt_email: str | None
    locale: str | None
    create_time: datetime
    erase_time: datetime | None = None
    erase_reason: str | None = None
    eraser: str | None = None

    def __repr__(self) -> str:
        """Keep the address out of what is printed."""
        return f"PayerContact(subject_id={self.subject_id!r})"


def check(contact: ReceiptContact | None) -> None:
    """Accept a contact that mail can be sent to, or none.

    Raises:
        EmailInvalid: The address is none.
        FieldInvalid: The locale is none.
    """
    if contact and contact.receipt_email is not None:
        addresses.require_email(contact.receipt_email, field="contact.receipt_email")
    if contact and contact.locale is not None:
        addresses.require_locale(contact.locale, field="contact.locale")


def begin(subject_id: str, contact: ReceiptContact, *, now: datetime) -> PayerContact:
    """Return the contact of what was created with it."""
    return PayerContact(
        subject_id=subject_id, receipt_email=contact.receipt_email, locale=contact.locale, create_time=now
    )


def erase(contact: PayerContact, *, reason: str, eraser: str | None, now: datetime) -> PayerContact:
    """Return a contact without its address; one that was erased stays as it is."""
    if contact.erase_time is not None:
        return contact
    erase_time = no_earlier(now, contact.create_time)
    return replace(contact, receipt_email=None, erase_time=erase_time, erase_reason=reason, eraser=eraser)


def not_found(subject_id: str) -> ContactNotFound:
    """Return the refusal of what is asked of a contact that was never given."""
    return ContactNotFound("No contact was given with what has this id.", subject_id=subject_id)
