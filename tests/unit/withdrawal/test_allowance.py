"""What is left of a merchant's funds, and of its day."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paykit.errors import DomainError
from services.withdrawal.domain import allowance
from services.withdrawal.domain.allowance import Allowance, WithdrawalExceedsWithdrawable, WithdrawalLimitExceeded

LEFT = Allowance(settled_minor=10_000, withdrawn_minor=6_000, today_minor=1_000)


@pytest.mark.parametrize(
    ("amount_minor", "daily_limit_minor", "refusal"),
    [
        (4_000, 5_000, None),
        (4_001, 9_000, WithdrawalExceedsWithdrawable),
        (4_000, 4_999, WithdrawalLimitExceeded),
        (4_001, 1_000, WithdrawalExceedsWithdrawable),
        (1, 1_000, WithdrawalLimitExceeded),
        (1, 0, WithdrawalLimitExceeded),
    ],
)
def test_an_amount_fits_the_balance_and_the_day(
    amount_minor: int, daily_limit_minor: int, refusal: type[Exception] | None
) -> None:
    told = refused(LEFT, amount_minor=amount_minor, daily_limit_minor=daily_limit_minor)
    assert (type(told) if told else None) is refusal


def test_refusals_say_what_is_left() -> None:
    funds = refused(LEFT, amount_minor=4_001, daily_limit_minor=9_000)
    limit = refused(LEFT, amount_minor=4_000, daily_limit_minor=4_999)

    assert funds is not None
    assert limit is not None
    assert funds.metadata == {"withdrawable_minor": "4000", "currency_code": "USD"}
    assert limit.metadata == {"left_minor": "3999", "currency_code": "USD"}


def test_nothing_is_left_of_less_than_nothing() -> None:
    overdrawn = Allowance(settled_minor=-500, withdrawn_minor=0, today_minor=700)

    assert (overdrawn.withdrawable_minor, overdrawn.left_today_minor(600)) == (0, 0)


def test_a_currency_without_a_limit_of_its_own_has_the_general_one() -> None:
    assert [allowance.limit_of({"*": 7, "JPY": 0}, code) for code in ("JPY", "USD")] == [0, 7]


@given(st.integers(0, 1_000), st.lists(st.integers(1, 300), max_size=20), st.integers(0, 1_000))
def test_accepted_amounts_never_exceed_the_funds_or_the_limit(
    settled_minor: int, amounts: list[int], daily_limit_minor: int
) -> None:
    left, accepted = Allowance(settled_minor=settled_minor), 0
    for amount in amounts:
        fits = accepted + amount <= min(settled_minor, daily_limit_minor)
        assert (refused(left, amount_minor=amount, daily_limit_minor=daily_limit_minor) is None) == fits
        if fits:
            left, accepted = allowance.take(left, amount), accepted + amount

    assert (left.withdrawn_minor, left.today_minor) == (accepted, accepted)


@pytest.mark.parametrize(
    ("now", "zone", "first", "following"),
    [
        # UTC, and the last moment of a day.
        ("2026-03-01T12:00", "UTC", "2026-03-01T00:00", "2026-03-02T00:00"),
        ("2026-03-01T23:59", "UTC", "2026-03-01T00:00", "2026-03-02T00:00"),
        # Nine hours ahead: noon in London is evening there, the same day; 16:00 is the next.
        ("2026-03-01T12:00", "Asia/Tokyo", "2026-02-28T15:00", "2026-03-01T15:00"),
        ("2026-03-01T16:00", "Asia/Tokyo", "2026-03-01T15:00", "2026-03-02T15:00"),
        # Clocks go forward at 02:00 in New York on 8 March, and back on 1 November.
        ("2026-03-08T12:00", "America/New_York", "2026-03-08T05:00", "2026-03-09T04:00"),
        ("2026-11-01T12:00", "America/New_York", "2026-11-01T04:00", "2026-11-02T05:00"),
        # In Cairo clocks go forward at midnight, on 24 April: the day begins at 01:00 there.
        ("2026-04-24T12:00", "Africa/Cairo", "2026-04-23T22:00", "2026-04-24T21:00"),
    ],
)
def test_a_day_begins_and_ends_in_the_merchants_zone(now: str, zone: str, first: str, following: str) -> None:
    assert allowance.day_of(utc(now), zone) == (utc(first), utc(following))


@given(
    st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1)),  # noqa: DTZ001  The zone is put on below.
    st.sampled_from(["UTC", "America/New_York", "Africa/Cairo", "Australia/Lord_Howe", "Asia/Kathmandu"]),
)
def test_every_moment_is_in_its_day_and_days_touch(moment: datetime, zone: str) -> None:
    now = moment.replace(tzinfo=UTC)

    first, following = allowance.day_of(now, zone)

    assert first <= now < following
    assert allowance.day_of(first, zone) == (first, following)
    assert allowance.day_of(following, zone)[0] == following
    assert allowance.day_of(first - timedelta(microseconds=1), zone)[1] == first
    assert first.astimezone(ZoneInfo(zone)).date() == now.astimezone(ZoneInfo(zone)).date()


def refused(left: Allowance, *, amount_minor: int, daily_limit_minor: int) -> DomainError | None:
    try:
        allowance.require_withdrawable(
            left, amount_minor=amount_minor, currency_code="USD", daily_limit_minor=daily_limit_minor
        )
    except DomainError as refusal:
        return refusal
    return None


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
