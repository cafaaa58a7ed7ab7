"""When a delivery is tried."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notification.domain.webhooks import filters, schedule

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@given(delivery_id=st.text(max_size=40))
def test_ten_tries_fill_three_days_and_the_waits_are_the_same_whoever_asks(delivery_id: str) -> None:
    waits = [schedule.retry_delay(delivery_id, count) for count in range(1, 10)]
    assert schedule.retry_delay(delivery_id, 10) is None
    assert waits == [schedule.retry_delay(delivery_id, count) for count in range(1, 10)]
    shortest = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 64_800, 79_200]
    for wait, seconds in zip(waits, shortest, strict=True):
        assert wait is not None
        assert seconds <= wait.total_seconds() <= seconds * 1.1
    assert sum(shortest) == 257_705  # 71.6 hours


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("", None),
        ("0", None),
        ("-5", None),
        ("1.5", None),
        ("120", 120),
        (" 120 ", 120),
        ("21600", 21_600),
        ("21601", 21_600),
        ("9999999999", 21_600),
        ("9" * 400, None),
        ("٣", None),
        ("Sun, 01 Mar 2026 12:02:00 GMT", 120),
        ("Sun, 01 Mar 2026 11:59:00 GMT", None),
        ("Sun, 01 Mar 2099 12:00:00 GMT", 21_600),
        ("Sun, 01 Mar 2026 12:02:00", 120),
        ("soon", None),
        ("Mon, 99 Foo 99999 99:99:99 GMT", None),
    ],
)
def test_retry_after_is_seconds_or_a_date_within_bounds(header: str | None, seconds: int | None) -> None:
    expected = None if seconds is None else timedelta(seconds=seconds)
    assert schedule.retry_after(header, NOW) == expected


@given(st.text(max_size=60))
def test_no_header_breaks_it(header: str) -> None:
    asked = schedule.retry_after(header, NOW)
    assert asked is None or timedelta(0) < asked <= timedelta(hours=6)


@pytest.mark.parametrize(
    ("event_filters", "event_type", "taken"),
    [
        ((), "payment.PaymentSuccess", True),
        (("*",), "payment.PaymentSuccess", True),
        (("PaymentSuccess",), "payment.PaymentSuccess", True),
        (("payment.PaymentSuccess",), "payment.PaymentSuccess", True),
        (("payment.*",), "payment.RefundSuccess", True),
        (("payment.Refund*",), "payment.RefundSuccess", True),
        (("Refund*",), "payment.RefundSuccess", True),
        (("payment.Refund*",), "payment.PaymentSuccess", False),
        (("order.*",), "payment.PaymentSuccess", False),
        (("paymentsuccess",), "payment.PaymentSuccess", False),
        (("payment",), "payment.PaymentSuccess", False),
        (("order.*", "PaymentSuccess"), "payment.PaymentSuccess", True),
    ],
)
def test_filter_takes_what_it_names(event_filters: tuple[str, ...], event_type: str, *, taken: bool) -> None:
    assert filters.matches(event_filters, event_type) is taken


@pytest.mark.parametrize("event_filter", ["order.*", "OrderPaid", "*", "order.Order*"])
def test_filter_that_takes_something_is_taken(event_filter: str) -> None:
    filters.check([event_filter], ["order.OrderPaid"])


@pytest.mark.parametrize(
    "event_filter", ["", "payment.*", "order.orderpaid", "order.[A-Z]*", "a.b.c", "order.", "order ", "order.?rderPaid"]
)
def test_filter_that_takes_nothing_is_refused(event_filter: str) -> None:
    with pytest.raises(filters.WebhookFilterInvalid):
        filters.check([event_filter], ["order.OrderPaid"])
