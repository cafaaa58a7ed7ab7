"""The indexes that serve lists of settlements, whatever they are filtered by."""

from datetime import timedelta

from paykit.testing.runtimes import START
from services.settlement.domain.lifecycle import SettlementState
from services.settlement.store import SettlementFilter
from services.settlement.store.settlement import settlement_walk, state_walk
from tests.integration.list_plans import assert_served, multiply
from tests.integration.settlement.till import Till
from tests.unit.settlement.builders import ALICE, capture

VALUES = {
    "merchant_id": ALICE,
    "currency_code": "USD",
    "state": SettlementState.FAILED,
    "create_time_min": START,
    "create_time_before": START + timedelta(days=9),
    "update_time_min": START,
    "update_time_before": START + timedelta(days=9),
}


async def test_every_filter_of_settlements_is_served_by_an_index(till: Till, admin_url: str) -> None:
    await till.consume(capture(1))
    later = "'2030-01-01'::timestamptz + n * interval '1 s'"
    await multiply(
        admin_url,
        "settlement.settlement",
        "settlement_id",
        3_000,
        merchant_id=f"CASE n % 3 WHEN 0 THEN '{ALICE}' ELSE 'mer_' || lpad((n % 3)::text, 32, '0') END",
        holder_id="'stl_' || lpad(to_hex(n), 32, '0')",
        cut_off_at=later,
        create_time=later,
        update_time=later,
    )
    none = SettlementFilter(merchant_id=None)
    await assert_served(
        till.runtime, settlement_walk, none, indexes={("merchant_id",): "settlement_merchant"}, values=VALUES
    )
    await assert_served(till.runtime, state_walk, none, indexes={("state",): "settlement_state"}, values=VALUES)
