"""What is left of a merchant's funds, and of its day."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paykit.errors import DomainError
from services.withdrawal.domain import allowance
from services.withdrawal.domain.allowance import Allowance, WithdrawalExceedsWithdrawable, WithdrawalLimitExceeded

LEFT = Allowance(settled_minor=10_000, withdrawn_minor=6_000, recent_minor=1_000)


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
    overdrawn = Allowance(settled_minor=-500, withdrawn_minor=0, recent_minor=700)

    assert (overdrawn.withdrawable_minor, overdrawn.left_minor(600)) == (0, 0)


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

    assert (left.withdrawn_minor, left.recent_minor) == (accepted, accepted)


@pytest.mark.parametrize(
    ("settled_minor", "withdrawn_minor", "settlement_minor", "withdrawable_minor"),
    [
        # A capture of 10,000 (fee 320) was settled, then refunded: the settlement account is at -10,000.
        (9_680, 0, -10_000, 0),
        # BalanceRecovered took the 9,680; 320 are still missing.
        (0, 0, -320, 0),
        # What awaits settlement cannot be withdrawn yet.
        (9_680, 0, 5_000, 9_680),
        (9_680, 680, -1_000, 8_000),
        # 600,000 were there; 509,009 failed and were paid after all.
        (600_000, 509_009, 0, 90_991),
        # A late payout took more than there was.
        (600_000, 1_109_009, 0, 0),
    ],
)
def test_what_is_below_zero_is_taken_off_what_is_available(
    settled_minor: int, withdrawn_minor: int, settlement_minor: int, withdrawable_minor: int
) -> None:
    funds = Allowance(settled_minor=settled_minor, withdrawn_minor=withdrawn_minor, settlement_minor=settlement_minor)

    assert funds.withdrawable_minor == withdrawable_minor


def test_from_the_second_of_five_million_on_a_second_person_decides() -> None:
    funds, decisions = Allowance(settled_minor=10_000_000), []
    for _ in range(5):
        decisions.append(allowance.needs_approval(funds, amount_minor=1_000_000, approval_limit_minor=1_000_000))
        funds = allowance.take(funds, 1_000_000)

    assert decisions == [False, True, True, True, True]


@pytest.mark.parametrize(
    ("recent_minor", "amount_minor", "needed"),
    [(0, 1_000, False), (0, 1_001, True), (999, 1, False), (999, 2, True), (1_000, 1, True), (5_000, 1, True)],
)
def test_the_approval_limit_is_of_all_that_was_accepted_in_a_day(
    recent_minor: int, amount_minor: int, *, needed: bool
) -> None:
    funds = Allowance(settled_minor=10_000, recent_minor=recent_minor)

    assert allowance.needs_approval(funds, amount_minor=amount_minor, approval_limit_minor=1_000) is needed


def refused(left: Allowance, *, amount_minor: int, daily_limit_minor: int) -> DomainError | None:
    try:
        allowance.require_withdrawable(
            left, amount_minor=amount_minor, currency_code="USD", daily_limit_minor=daily_limit_minor
        )
    except DomainError as refusal:
        return refusal
    return None
