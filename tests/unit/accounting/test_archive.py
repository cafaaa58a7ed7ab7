"""What is archived of the ledger, and what is known of it afterwards."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from paykit.events.event import Event
from services.accounting import store
from services.accounting.domain import archive, booking, lifecycle
from services.accounting.domain.archive import ArchiveRefusedError
from services.accounting.domain.booked_event import BOOKED_EVENTS
from services.accounting.domain.chart import Chart
from services.accounting.domain.transaction import Transaction, TransactionConflict, is_replay
from services.accounting.domain.transaction_key import BY_NAME
from tests.unit.accounting.ledger import ALICE, NOON, capture, refund

CHARTS = [store.load_chart(name) for name in ("merchant_asset", "psp_liability")]
NOW = datetime(2026, 3, 1, tzinfo=UTC)


def booked(event: Event, *, chart: Chart = CHARTS[0], closed_through: datetime | None = None) -> Transaction:
    transaction = booking.book(chart, event, NOW, closed_through=closed_through)
    assert transaction is not None
    return transaction


@pytest.mark.parametrize("name", archive.ARCHIVED_TYPES)
def test_no_later_booking_looks_at_what_is_archived(name: str) -> None:
    portions = {kind for each in lifecycle.PORTIONS for kind in (each.opening, *each.takings)}
    awaited = {each.transaction_type for each in BOOKED_EVENTS if each.awaited}
    assert name not in lifecycle.STEPS | portions | awaited
    assert name in BY_NAME
    for chart in CHARTS:
        assert not chart.shortfalls(name, ALICE, "USD")


def test_months_are_read_and_written() -> None:
    assert archive.read_month("2024-01") == 24_288
    assert archive.month_name(24_299) == "2024-12"
    assert archive.month_start(24_288) == datetime(2024, 1, 1, tzinfo=UTC)
    assert archive.month_at(datetime(2024, 12, 31, 23, 59, 59, tzinfo=UTC)) == 24_299
    # 2024-01-01T00:00:00Z is 1,704,067,200,000 ms, which is 0x18CC251F400.
    assert archive.first_digits(24_288) == "018cc251f400" + "0" * 20


@pytest.mark.parametrize("text", ["2024-1", "2024-13", "2024-00", "1999-12", "2200-01", "24-01", "2024-01-01", ""])
def test_what_is_no_month_is_refused(text: str) -> None:
    with pytest.raises(ArchiveRefusedError, match="is no month: write YYYY-MM"):
        archive.read_month(text)


def test_only_what_the_declared_retention_lets_go_is_archived() -> None:
    # 13 whole months stay before the one that is under way: those of February 2025 to February 2026.
    february = archive.read_month("2025-02")
    archive.require_retained(february, retention_months=13, now=NOW)
    with pytest.raises(ArchiveRefusedError, match="it may be 2025-02 at the latest"):
        archive.require_retained(february + 1, retention_months=13, now=NOW)
    with pytest.raises(ArchiveRefusedError, match="PAYSTREAM_LEDGER_RETENTION_MONTHS"):
        archive.require_retained(february, retention_months=None, now=NOW)


@pytest.mark.parametrize(
    "changes",
    [
        {"amount_minor": 10_001},
        {"merchant_id": "mer_" + "c" * 32},
        {"currency_code": "EUR"},
        {"payment_id": "pay_" + "d" * 32},
        {"fee_minor": 321},
        {"occurred_at": NOON + timedelta(microseconds=1)},
    ],
)
def test_a_digest_tells_apart_what_a_comparison_does(changes: dict[str, object]) -> None:
    for chart in CHARTS:
        one, other = (
            booking.book(chart, event, NOW, closed_through=None) for event in (capture(1), capture(1, **changes))
        )
        assert one is not None
        assert other is not None
        assert not is_replay(one, other, dated=True)
        assert archive.content_digest(one) != archive.content_digest(other)
        known = archive.ArchivedTransaction(archive.ArchivedMonth(24_288, "0" * 64), archive.content_digest(one))
        archive.require_replay(known, one)
        with pytest.raises(TransactionConflict):
            archive.require_replay(known, other)


def test_a_digest_is_that_of_the_event_also_after_its_period_was_closed() -> None:
    for event in (capture(1), refund(1)):
        one, late = booked(event), booked(event, closed_through=NOON + timedelta(days=1))
        assert one.effective_at != late.effective_at
        assert archive.content_digest(one) == archive.content_digest(late)


def test_sums_are_by_account_and_type_and_each_transaction_balances() -> None:
    sums = archive.CarriedSums()
    for event in (capture(1), capture(2, occurred_at=NOON - timedelta(hours=1)), refund(1)):
        sums.add(booked(event))
    assert (sums.transactions, sums.entries) == (3, 10)
    found = {each.transaction_type: each for each in sums.result() if each.debit_minor == 20_000}
    captured = found["PaymentSuccess"]
    assert (captured.transactions, captured.credit_minor) == (2, 640)
    assert (captured.first_at, captured.last_at) == (NOON - timedelta(hours=1), NOON)
    assert archive.first_difference(sums.result(), sums.result()) is None
    other = [replace(captured, debit_minor=19_999) if each == captured else each for each in sums.result()]
    assert archive.first_difference(sums.result(), other) == f"PaymentSuccess on {captured.account_id}"
    unbalanced = replace(booked(refund(1)), entries=booked(refund(1)).entries[:1])
    with pytest.raises(ArchiveRefusedError, match="debits exceed credits by 4000"):
        sums.add(unbalanced)
