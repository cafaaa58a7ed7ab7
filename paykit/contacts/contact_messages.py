"""Contacts on the wire: between messages and domain values."""

from paykit.contacts.contact import PayerContact, ReceiptContact
from paykit.serve.timestamps import to_timestamp
from paystream.common.v1 import contact_pb2 as pb


def to_contact(contact: PayerContact) -> pb.Contact:
    """Make the resource."""
    return pb.Contact(
        receipt_email=contact.receipt_email or "",
        locale=contact.locale or "",
        create_time=to_timestamp(contact.create_time),
        erase_time=to_timestamp(contact.erase_time) if contact.erase_time else None,
        erase_reason=contact.erase_reason or "",
    )


def from_receipt_contact(contact: pb.ReceiptContact) -> ReceiptContact | None:
    """Read a contact asked for; one that says nothing is none."""
    if not contact.receipt_email and not contact.locale:
        return None
    return ReceiptContact(receipt_email=contact.receipt_email or None, locale=contact.locale or None)
