"""Contacts erased and read, of whichever service keeps them."""

from collections.abc import Sequence
from dataclasses import dataclass

from paykit.contacts import contact as contact_rules
from paykit.contacts.contact import PayerContact
from paykit.contacts.contact_table import ContactTable
from paykit.errors import DomainError
from paykit.postgres.database import Tx
from paykit.process.runtime import Runtime
from paykit.work import fold


@dataclass(frozen=True, slots=True, kw_only=True)
class EraseContact:
    """A contact to erase, by the id of what it was given with."""

    subject_id: str
    reason: str
    eraser: str | None


async def erase(tx: Tx, table: ContactTable, items: Sequence[EraseContact]) -> list[PayerContact | DomainError]:
    """Erase contacts; one that was erased before stays as it is. Refusals: ContactNotFound."""
    contacts = await table.lock(tx, [item.subject_id for item in items])

    def erase_one(item: EraseContact) -> PayerContact:
        present = contacts.require(item.subject_id, contact_rules.not_found)
        return contacts.put(contact_rules.erase(present, reason=item.reason, eraser=item.eraser, now=tx.now))

    results = fold(items, erase_one)
    await tx.save(contacts)
    return results


async def read(runtime: Runtime, table: ContactTable, subject_id: str) -> PayerContact:
    """Read a contact.

    Raises:
        ContactNotFound: None was given with what has this id.
    """
    found = await runtime.read(lambda tx: table.get(tx, subject_id))
    if found is None:
        raise contact_rules.not_found(subject_id)
    return found
