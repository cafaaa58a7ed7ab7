"""What the ledger books becomes items of settlements that collect, on a real database."""

from services.settlement.domain import SettlementState, Sums
from tests.integration.settlement.till import Till
from tests.unit.settlement.builders import (
    BOB,
    capture,
    daily,
    refund,
)


async def test_captures_fees_and_refunds_are_summed_up_per_merchant_and_currency(till: Till) -> None:
    await till.policy(daily())
    await till.consume(
        capture(1, 10_000, 320),
        capture(2, 500, currency_code="JPY"),
        refund(1, 4_000, 128),
        capture(3, 700, merchant_id=BOB),
    )
    yen, dollars = sorted(await till.settlements(), key=lambda each: each.currency_code)
    assert (dollars.currency_code, yen.currency_code) == ("USD", "JPY")
    assert dollars.sums == Sums(item_count=2, payments_minor=10_000, refunds_minor=-4_000, fees_minor=-192)
    assert dollars.sums.total_minor == 5_808
    assert yen.sums == Sums(item_count=1, payments_minor=500)
    assert [each.sums.total_minor for each in await till.settlements(BOB)] == [700]
    assert {each.state for each in (yen, dollars)} == {SettlementState.PENDING}
