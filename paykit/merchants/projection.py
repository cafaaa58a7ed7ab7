"""What a service knows of merchants: its table `merchant`, a projection of merchant.events.

Every event of a merchant carries the merchant's complete state, so the newest one is all there is to know. The service
makes the table, with at least `merchant_id` (primary key), `status` (its standing) and `aggregate_version`.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from paykit.consume.delivery import Delivered, Handle, Handler, Subscription
from paykit.merchants.standing import MerchantStanding, standing_of
from paykit.postgres.database import Tx
from paystream.merchant.v1.events import (
    MerchantActivated,
    MerchantCreated,
    MerchantSuspended,
    MerchantUpdated,
)

MerchantEvent: TypeAlias = MerchantCreated | MerchantUpdated | MerchantActivated | MerchantSuspended

_SELECT_STATUSES = "SELECT merchant_id, status FROM merchant WHERE merchant_id = ANY($1::text[])"

# An event that is not newer than what is known changes nothing: that makes applying it again harmless.
_UPSERT = """
INSERT INTO merchant AS old (merchant_id, status, aggregate_version{names})
SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[]{arrays})
ON CONFLICT (merchant_id) DO UPDATE SET status = excluded.status, aggregate_version = excluded.aggregate_version{sets}
WHERE old.aggregate_version < excluded.aggregate_version
RETURNING merchant_id
"""


@dataclass(frozen=True, slots=True)
class Column:
    """What a service keeps of a merchant beside its standing.

    Attributes:
        name: Of the column.
        sql_type: Of the column, as in `bigint`.
        value: Reads it from an event.
    """

    name: str
    sql_type: str
    value: Callable[[MerchantEvent], Any]


class MerchantProjection:
    """The table `merchant` of one service, with the columns that the service needs."""

    def __init__(self, *columns: Column) -> None:
        self._columns = columns
        self._upsert = _UPSERT.format(
            names="".join(f", {column.name}" for column in columns),
            arrays="".join(f", ${i}::{column.sql_type}[]" for i, column in enumerate(columns, start=4)),
            sets="".join(f", {column.name} = excluded.{column.name}" for column in columns),
        )

    async def keep(self, tx: Tx, deliveries: Sequence[Delivered[MerchantEvent]]) -> list[MerchantEvent]:
        """Bring merchants to their newest state, and give the events that were news, one per merchant.

        An event applied before, or older than what is known, changes nothing.
        """
        newest = _newest(deliveries)
        rows = [newest[merchant_id] for merchant_id in sorted(newest)]
        changed = await tx.fetch(
            self._upsert,
            [event.merchant_id for event in rows],
            [standing_of(event) for event in rows],
            [event.aggregate_version for event in rows],
            *([column.value(event) for event in rows] for column in self._columns),
        )
        return [newest[row["merchant_id"]] for row in changed]


async def statuses(tx: Tx, merchant_ids: Collection[str]) -> dict[str, MerchantStanding]:
    """Read the standing of the merchants that are known."""
    rows = await tx.look(_SELECT_STATUSES, list(merchant_ids))
    return {row["merchant_id"]: MerchantStanding(row["status"]) for row in rows}


def subscription(handler: Handler, *, rebuild: Handler | None = None) -> Subscription:
    """Declare a subscription to merchant.events, all of which are handled alike.

    Args:
        handler: Keeps the projection, and decides what follows from it where something does.
        rebuild: Keeps the projection only; None where the handler does nothing else.
    """
    handle = Handle(handler=handler, rebuild=rebuild or handler)
    events = (MerchantCreated, MerchantUpdated, MerchantActivated, MerchantSuspended)
    return Subscription(topic=MerchantCreated.TOPIC, handles=dict.fromkeys(events, handle))


def _newest(deliveries: Sequence[Delivered[MerchantEvent]]) -> dict[str, MerchantEvent]:
    newest: dict[str, MerchantEvent] = {}
    for delivery in deliveries:
        previous = newest.get(delivery.key)
        if previous is None or previous.aggregate_version < delivery.event.aggregate_version:
            newest[delivery.key] = delivery.event
    return newest
