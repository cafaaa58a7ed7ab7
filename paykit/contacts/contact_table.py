"""The SQL of a service's table `contact`."""

from collections.abc import Mapping

from paykit.contacts import contact as contact_rules
from paykit.contacts.contact import PayerContact, ReceiptContact
from paykit.postgres.database import Tx
from paykit.postgres.table import Table


class ContactTable(Table[str, PayerContact]):
    """A service's contacts."""

    def __init__(self) -> None:
        super().__init__(
            PayerContact,
            "contact",
            key="subject_id",
            changing=("receipt_email", "erase_time", "erase_reason", "eraser"),
        )

    async def add(self, tx: Tx, given: Mapping[str, ReceiptContact | None]) -> None:
        """Keep what contacts were given with what was just created, by its id; no statement where there is none."""
        await self.insert(
            tx, [contact_rules.begin(key, contact, now=tx.now) for key, contact in given.items() if contact]
        )
