"""The SQL of what withdrawal knows of merchants: a projection of merchant.events."""

from collections.abc import Collection
from dataclasses import dataclass

from paykit.merchants.projection import Column, MerchantProjection
from paykit.postgres.database import Tx
from paystream.merchant.v1.events import MerchantStatus

_SELECT = "SELECT merchant_id, status, time_zone FROM merchant WHERE merchant_id = ANY($1::text[])"


@dataclass(frozen=True, slots=True)
class MerchantProfile:
    """A merchant as events told of it.

    Attributes:
        time_zone: Of its settlement policy; its days begin and end by it.
    """

    status: MerchantStatus
    time_zone: str


class MerchantProfiles(MerchantProjection):
    """The table `merchant`."""

    async def by_id(self, tx: Tx, merchant_ids: Collection[str]) -> dict[str, MerchantProfile]:
        """Read the merchants that are known."""
        rows = await tx.fetch(_SELECT, list(set(merchant_ids)))
        return {row["merchant_id"]: MerchantProfile(MerchantStatus(row["status"]), row["time_zone"]) for row in rows}


merchants = MerchantProfiles(Column("time_zone", "text", lambda event: event.settlement_policy.time_zone))
