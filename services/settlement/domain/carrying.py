"""What is told of a settlement that counts in another one. Pure."""

from paystream.settlement.v1 import events
from services.settlement.domain.settlement import Settlement


def carried_event(settlement: Settlement, carried: Settlement) -> events.SettlementCarried:
    """Return the event of a settlement that counts in another one, with what it had collected; its only one."""
    return events.SettlementCarried(
        occurred_at=carried.update_time,
        merchant_id=carried.merchant_id,
        aggregate_version=1,
        settlement_id=carried.settlement_id,
        currency_code=carried.currency_code,
        into_settlement_id=carried.holder_id,
        carried_minor=settlement.sums.total_minor,
        item_count=settlement.sums.item_count,
        cut_off_at=settlement.cut_off_at,
    )
