"""The SQL of what withdrawal knows of merchants: a projection of merchant.events."""

from collections.abc import Iterable
from dataclasses import dataclass

from paykit.merchants.projection import Column, MerchantProjection
from paykit.postgres.database import Tx
from paystream.merchant.v1.events import MerchantStatus

MERCHANTS = MerchantProjection(Column("time_zone", "text", lambda event: event.settlement_policy.time_zone))

_SELECT = "SELECT merchant_id, status, time_zone FROM merchant WHERE merchant_id = ANY($1::text[])"


@dataclass(frozen=True, slots=True)
class Merchant:
    """A merchant as events told of it.

    Attributes:
        time_zone: Of its settlement policy; its days begin and end by it.
    """

    status: MerchantStatus
    time_zone: str


async def merchants_by_id(tx: Tx, merchant_ids: Iterable[str]) -> dict[str, Merchant]:
    """Give the merchants that are known."""
    rows = await tx.fetch(_SELECT, sorted(set(merchant_ids)))
    return {row["merchant_id"]: Merchant(MerchantStatus(row["status"]), row["time_zone"]) for row in rows}
