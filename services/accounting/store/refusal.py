"""The SQL of refusals: what was refused to events for good."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from paykit.postgres.database import Tx
from paykit.postgres.table import Table
from paystream.accounting.v1.events import TransactionRejected
from services.accounting.domain import transaction_key
from services.accounting.domain.transaction import transaction_id


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusalRow:
    """A transaction that is never booked, also when its event comes again."""

    transaction_id: str
    transaction_type: str
    related_no: str
    root_reference: str
    reason: str
    create_time: datetime

    @classmethod
    def of(cls, rejection: TransactionRejected, now: datetime) -> "RefusalRow":
        """Make the row of what is told to who waits."""
        return cls(
            transaction_id=transaction_id(rejection.transaction_type, rejection.related_no),
            transaction_type=rejection.transaction_type,
            related_no=rejection.related_no,
            root_reference=rejection.root_reference,
            reason=rejection.reason,
            create_time=now,
        )


class Refusals(Table[str, RefusalRow]):
    """The table `refusal`."""

    async def refused_among(self, tx: Tx, transaction_ids: Collection[str]) -> frozenset[str]:
        """Return those of the ids that are refused, also under the ids from before types had numbers."""
        former = {transaction_key.former_id(each): each for each in transaction_ids}
        rows = await self.by_key(tx, {*transaction_ids, *former})
        return frozenset(former.get(each, each) for each in rows)


refusals = Refusals(RefusalRow, "refusal", key="transaction_id")
