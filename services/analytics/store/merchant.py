"""The SQL of what analytics knows of merchants: the time zone of their days."""

from paykit.merchants.projection import Column, MerchantEvent, MerchantProjection
from paykit.postgres.database import Tx
from services.analytics.domain import periods

_SELECT_ZONE = "SELECT time_zone FROM merchant WHERE merchant_id = $1"


def _zone(event: MerchantEvent) -> str:
    """Read a merchant's time zone; one that is unknown here counts as UTC, so that no question can fail by it."""
    zone: str = event.settlement_policy.time_zone
    try:
        periods.require_zone(zone)
    except periods.TimeZoneUnknown:
        return "UTC"
    return zone


merchants = MerchantProjection(Column("time_zone", "text", _zone))


async def zone_of(tx: Tx, merchant_id: str) -> str | None:
    """Read the time zone of a merchant; None where no event has told of it."""
    rows = await tx.fetch(_SELECT_ZONE, merchant_id)
    return rows[0][0] if rows else None
