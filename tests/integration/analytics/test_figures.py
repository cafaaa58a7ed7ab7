"""Figures as they are asked for, on a real database."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from paykit.errors import FieldInvalid
from paykit.ids import new_id
from paykit.merchants.standing import MerchantUnknown
from paykit.serve.timestamps import from_timestamp, to_timestamp
from paystream.analytics.v1 import analytics_pb2 as pb
from paystream.payment.v1 import events as payment
from services.analytics.domain import question as asked
from services.analytics.domain.periods import TimeZoneUnknown
from services.analytics.domain.question import ResultTooLarge
from tests.integration.analytics.conftest import ANY, Observatory
from tests.unit.analytics.builders import NOON, example

DAY: dict[str, Any] = {
    "start_time": to_timestamp(datetime(2026, 3, 10, tzinfo=UTC)),
    "end_time": to_timestamp(datetime(2026, 3, 11, tzinfo=UTC)),
}
WEEK = DAY | {"end_time": to_timestamp(datetime(2026, 3, 17, tzinfo=UTC))}


def captured(observatory: Observatory, amount_minor: int, **changes: Any) -> payment.PaymentSuccess:
    given = {
        "merchant_id": observatory.merchant_id,
        "payment_id": new_id("pay"),
        "amount_minor": amount_minor,
        "currency_code": "USD",
        "fee_minor": 0,
        "method": payment.PaymentMethod.CARD,
        "channel": "simulator",
    }
    return example(payment.PaymentSuccess, **given | changes)


def amounts(rows: list[pb.MetricRow], field: str = "captured") -> list[tuple[datetime, str, int, str]]:
    tallies = [getattr(row.figures, field) for row in rows]
    return [
        (from_timestamp(row.start_time), row.currency_code, tally.count, tally.amount_minor)
        for row, tally in zip(rows, tallies, strict=True)
    ]


async def test_a_payment_from_its_creation_to_a_refund(observatory: Observatory) -> None:
    await observatory.know_merchant()
    of_payment: dict[str, Any] = {
        "merchant_id": observatory.merchant_id,
        "payment_id": new_id("pay"),
        "currency_code": "USD",
        "channel": "simulator",
    }
    wallet = of_payment | {"method": payment.PaymentMethod.WALLET}
    later = NOON + timedelta(seconds=2, milliseconds=500)
    await observatory.tell(
        example(payment.PaymentCreated, amount_minor=1_000, **wallet),
        example(payment.PaymentSuccess, amount_minor=600, fee_minor=30, occurred_at=later, **wallet),
        example(payment.PaymentSuccess, amount_minor=400, fee_minor=20, occurred_at=later, **wallet),
        example(
            payment.RefundSuccess,
            amount_minor=250,
            fee_returned_minor=5,
            reason=payment.RefundReason.OTHER,
            suspense_minor=0,
            **of_payment,
        ),
    )
    (row,) = await observatory.query(**DAY, group_by=["DIMENSION_METHOD"])
    assert (row.method, row.channel, row.merchant_id) == ("WALLET", "", "")
    tally = pb.Tally
    assert row.figures == pb.Figures(
        created=tally(count=1, amount_minor="1000", duration_ms="0"),
        succeeded=tally(count=1, amount_minor="600", duration_ms="2500"),
        captured=tally(count=2, amount_minor="1000", duration_ms="0"),
        refunded=tally(count=1, amount_minor="250", duration_ms="0"),
        fees=tally(count=2, amount_minor="50", duration_ms="0"),
        fees_returned=tally(count=1, amount_minor="5", duration_ms="0"),
        success_rate=pb.Rate(numerator="1", denominator="1", basis_points=10_000),
        refund_rate=pb.Rate(numerator="250", denominator="1000", basis_points=2_500),
        dispute_rate=pb.Rate(numerator="0", denominator="2", basis_points=0),
        captured_average_minor="500",
        time_to_capture_average_ms="2500",
    )


async def test_a_late_event_counts_in_its_own_hour(observatory: Observatory) -> None:
    await observatory.tell(captured(observatory, 100, occurred_at=NOON))
    await observatory.tell(captured(observatory, 200, occurred_at=NOON - timedelta(hours=3)))
    rows = await observatory.query(**DAY, grain="GRAIN_HOUR")
    assert amounts(rows) == [(NOON - timedelta(hours=3), "USD", 1, "200"), (NOON, "USD", 1, "100")]


async def test_stripes_are_added(observatory: Observatory) -> None:
    await observatory.tell(captured(observatory, 100), partition=1)
    await observatory.tell(captured(observatory, 200), partition=5)
    assert amounts(await observatory.query(**DAY, grain="GRAIN_QUARTER_HOUR")) == [(NOON, "USD", 2, "300")]


async def test_currencies_are_never_added(observatory: Observatory) -> None:
    await observatory.tell(captured(observatory, 100), captured(observatory, 7, currency_code="JPY"))
    reply = await observatory.call.GetOverview(pb.GetOverviewRequest(**DAY), ANY)
    assert [(code, count, amount) for _, code, count, amount in amounts(list(reply.totals))] == [
        ("JPY", 1, "7"),
        ("USD", 1, "100"),
    ]
    assert reply.merchant_count == 1


async def test_a_sum_may_exceed_what_64_bits_hold(observatory: Observatory) -> None:
    most = 9_007_199_254_740_991
    await observatory.tell(*(captured(observatory, most) for _ in range(1_100)))
    ((_, _, count, amount),) = amounts(await observatory.query(**DAY))
    assert (count, amount) == (1_100, str(1_100 * most))
    assert int(amount) > 2**63


@pytest.mark.parametrize(
    ("zone", "began"),
    [
        ("Asia/Kolkata", datetime(2026, 3, 10, 18, 30, tzinfo=UTC)),
        ("Asia/Kathmandu", datetime(2026, 3, 10, 18, 15, tzinfo=UTC)),
    ],
)
async def test_the_days_of_a_zone_with_half_and_quarter_hours_are_exact(
    observatory: Observatory, zone: str, began: datetime
) -> None:
    await observatory.know_merchant(time_zone=zone)
    await observatory.tell(
        captured(observatory, 100, occurred_at=began - timedelta(microseconds=1)),
        captured(observatory, 200, occurred_at=began),
    )
    day = timedelta(days=1)
    expected = [(began - day, "USD", 1, "100"), (began, "USD", 1, "200")]
    stats = await observatory.stats(**WEEK, grain="GRAIN_DAY")
    assert stats.time_zone == zone
    assert amounts(list(stats.periods)) == expected
    assert amounts(await observatory.query(**WEEK, grain="GRAIN_DAY", time_zone=zone)) == expected
    assert amounts(await observatory.query(**WEEK, grain="GRAIN_DAY", merchant_time_zones=True)) == expected


async def test_a_merchant_that_moves_has_other_days_and_no_other_figures(observatory: Observatory) -> None:
    await observatory.know_merchant(time_zone="UTC")
    await observatory.tell(captured(observatory, 100, occurred_at=datetime(2026, 3, 10, 20, tzinfo=UTC)))
    assert amounts(list((await observatory.stats(**WEEK, grain="GRAIN_DAY")).periods)) == [
        (datetime(2026, 3, 10, tzinfo=UTC), "USD", 1, "100")
    ]
    await observatory.know_merchant(time_zone="Asia/Tokyo", aggregate_version=3)
    stats = await observatory.stats(**WEEK, grain="GRAIN_DAY")
    assert amounts(list(stats.periods)) == [(datetime(2026, 3, 10, 15, tzinfo=UTC), "USD", 1, "100")]
    assert amounts(list(stats.totals)) == [(datetime(2026, 3, 10, tzinfo=UTC), "USD", 1, "100")]


async def test_a_day_of_23_hours_and_a_month(observatory: Observatory) -> None:
    # Berlin goes to summer time on March 29 at 01:00 UTC.
    for moment in (datetime(2026, 3, 28, 23, tzinfo=UTC), datetime(2026, 3, 29, 21, 59, tzinfo=UTC)):
        await observatory.tell(captured(observatory, 100, occurred_at=moment))
    await observatory.tell(captured(observatory, 1, occurred_at=datetime(2026, 3, 29, 22, tzinfo=UTC)))
    month: dict[str, Any] = {
        "start_time": to_timestamp(datetime(2026, 2, 1, tzinfo=UTC)),
        "end_time": to_timestamp(datetime(2026, 5, 1, tzinfo=UTC)),
        "time_zone": "Europe/Berlin",
    }
    assert amounts(await observatory.query(**month, grain="GRAIN_DAY")) == [
        (datetime(2026, 3, 28, 23, tzinfo=UTC), "USD", 2, "200"),
        (datetime(2026, 3, 29, 22, tzinfo=UTC), "USD", 1, "1"),
    ]
    assert amounts(await observatory.query(**month, grain="GRAIN_MONTH")) == [
        (datetime(2026, 2, 28, 23, tzinfo=UTC), "USD", 3, "201")
    ]


async def test_the_top_groups_of_each_currency_by_amount_or_count(observatory: Observatory) -> None:
    await observatory.tell(
        captured(observatory, 900, channel="north"),
        captured(observatory, 100, channel="south"),
        captured(observatory, 100, channel="south"),
        captured(observatory, 5, channel="west", currency_code="JPY"),
    )
    grouped = DAY | {"group_by": ["DIMENSION_CHANNEL"]}
    by_amount = await observatory.query(**grouped, top=pb.Top(limit=1))
    assert [(row.currency_code, row.channel) for row in by_amount] == [("JPY", "west"), ("USD", "north")]
    by_count = await observatory.query(**grouped, top=pb.Top(limit=1, ranking=pb.RANKING_COUNT))
    assert [(row.currency_code, row.channel) for row in by_count] == [("JPY", "west"), ("USD", "south")]


async def test_failures_by_reason(observatory: Observatory) -> None:
    failed = {"merchant_id": observatory.merchant_id, "currency_code": "USD", "amount_minor": 10}
    declined, limit = payment.FailureReason.DECLINED, payment.FailureReason.LIMIT_EXCEEDED
    await observatory.tell(
        *(example(payment.PaymentFailed, reason=reason, **failed) for reason in (declined, declined, limit))
    )
    (row,) = await observatory.query(**DAY)
    assert [(part.reason, part.tally.count) for part in row.figures.reasons] == [("DECLINED", 2), ("LIMIT_EXCEEDED", 1)]
    assert row.figures.success_rate == pb.Rate(numerator="0", denominator="3", basis_points=0)
    by_reason = await observatory.query(**DAY, group_by=["DIMENSION_REASON"])
    assert [(row.reason, row.figures.failed.count) for row in by_reason] == [("DECLINED", 2), ("LIMIT_EXCEEDED", 1)]


async def test_filters_select(observatory: Observatory) -> None:
    await observatory.tell(
        captured(observatory, 1),
        captured(observatory, 2, merchant_id="mer_" + "b" * 32),
        captured(observatory, 4, currency_code="JPY"),
        captured(observatory, 8, channel="north"),
        captured(observatory, 16, method=payment.PaymentMethod.WALLET),
    )

    async def total(**wanted: Any) -> int:
        return sum(int(amount) for *_, amount in amounts(await observatory.query(**DAY, **wanted)))

    assert await total() == 31
    assert await total(merchant_id=observatory.merchant_id) == 29
    assert await total(currency_code="USD") == 27
    assert await total(channel="simulator") == 23
    assert await total(method="CARD") == 15


async def test_what_cannot_be_answered_is_refused(observatory: Observatory, monkeypatch: pytest.MonkeyPatch) -> None:
    await observatory.tell(captured(observatory, 1), captured(observatory, 2, currency_code="JPY"))
    with pytest.raises(TimeZoneUnknown):
        await observatory.query(**DAY, time_zone="Mars/Olympus")
    with pytest.raises(FieldInvalid):
        await observatory.query(**DAY, time_zone="UTC", merchant_time_zones=True)
    with pytest.raises(FieldInvalid):
        await observatory.query(start_time=DAY["end_time"], end_time=DAY["start_time"])
    with pytest.raises(MerchantUnknown):
        await observatory.stats(**DAY)
    monkeypatch.setattr(asked, "ROWS_MAX", 1)
    with pytest.raises(ResultTooLarge):
        await observatory.query(**DAY)


@pytest.mark.parametrize("zone", ["Factory", "localtime", "Etc/GMT+12", "Pacific/Kiritimati", "Asia/Kathmandu"])
async def test_a_zone_is_answered_or_refused_and_never_a_defect(observatory: Observatory, zone: str) -> None:
    await observatory.tell(captured(observatory, 1))
    try:
        rows = await observatory.query(**WEEK, grain="GRAIN_DAY", time_zone=zone)
    except TimeZoneUnknown:
        return
    assert [amount for *_, amount in amounts(rows)] == ["1"]


async def test_a_merchant_that_nobody_told_of_has_its_days_in_utc(observatory: Observatory) -> None:
    await observatory.tell(captured(observatory, 1))
    rows = await observatory.query(**WEEK, grain="GRAIN_DAY", merchant_time_zones=True)
    assert amounts(rows) == [(datetime(2026, 3, 10, tzinfo=UTC), "USD", 1, "1")]
