"""Fees worked out by hand, and what holds for all of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.payment.domain import fee
from services.payment.domain.fee import CaptureTerms

AMOUNTS = st.integers(1, 2**53 - 1)


@pytest.mark.parametrize(
    ("amount_minor", "basis_points", "fixed_minor", "expected"),
    [
        (1234, 290, 30, 66),  # 12.34 USD: 35.786 cents are 36, and 30.
        (10_000, 290, 30, 320),  # 100.00 USD: 290 and 30.
        (150, 100, 0, 2),  # 1.5 goes up.
        (149, 100, 0, 1),  # 1.49 goes down.
        (49, 100, 0, 0),
        (50, 100, 0, 1),
        (1000, 360, 0, 36),  # 1000 JPY, which has no minor unit of its own.
        (1234, 125, 100, 115),  # 1.234 BHD: 15.425 fils are 15, and 100.
        (20, 290, 30, 20),  # 0.58 is 1, and 30, but no more than the amount.
        (5000, 10_000, 1, 5000),
        (2**53 - 1, 1, 0, 900719925474),  # 900719925474.0991
        (77, 0, 0, 0),
    ],
)
def test_the_share_is_rounded_half_up_and_capped_at_the_amount(
    amount_minor: int, basis_points: int, fixed_minor: int, expected: int
) -> None:
    terms = CaptureTerms(1, basis_points, fixed_minor, refund_fee_returned=False)

    assert fee.capture_fee_minor(amount_minor=amount_minor, terms=terms, first_capture=True) == expected


def test_a_later_capture_pays_no_fixed_part() -> None:
    terms = CaptureTerms(1, 290, 30, refund_fee_returned=False)

    assert fee.capture_fee_minor(amount_minor=1234, terms=terms, first_capture=False) == 36


def parts(fee_minor: int, amounts: list[int]) -> list[int]:
    """What each refund returns when all of the captured amount goes back in these parts."""
    given_minor = refunded_minor = 0
    result = []
    for amount_minor in amounts:
        part = fee.returned_fee_minor(
            fee_minor=fee_minor,
            given_minor=given_minor,
            captured_minor=sum(amounts),
            refunded_minor=refunded_minor,
            amount_minor=amount_minor,
        )
        result.append(part)
        given_minor += part
        refunded_minor += amount_minor
    return result


@pytest.mark.parametrize(
    ("fee_minor", "amounts", "expected"),
    [
        (320, [10_000], [320]),
        (320, [5_000, 5_000], [160, 160]),
        (100, [100, 100, 100], [33, 34, 33]),  # 33.3, 66.7, 100.
        (1, [1, 1, 1], [0, 1, 0]),  # 0.33, 0.67, 1.
        (3, [50, 50], [2, 1]),  # 1.5 goes up, the last takes the remainder.
        (4, [1] * 10, [0, 1, 0, 1, 0, 0, 1, 0, 1, 0]),  # 0.4, 0.8, 1.2, 1.6, 2.0, 2.4, 2.8, 3.2, 3.6, 4.0.
        (115, [1_000, 234], [93, 22]),  # 1.234 BHD: 93.19, then 115.
        (36, [999, 1], [36, 0]),  # 1000 JPY: 35.96, then 36.
        (0, [7, 3], [0, 0]),
    ],
)
def test_the_fee_returns_in_proportion_and_the_last_refund_takes_the_remainder(
    fee_minor: int, amounts: list[int], expected: list[int]
) -> None:
    assert parts(fee_minor, amounts) == expected


def test_a_part_that_a_failed_refund_released_returns_with_the_next() -> None:
    # 100 captured with a fee of 3. Two refunds of 50 return 2 and 1; the first fails; the third gives its 2 back.
    again = fee.returned_fee_minor(fee_minor=3, given_minor=1, captured_minor=100, refunded_minor=50, amount_minor=50)

    assert again == 2


def test_what_others_hold_beyond_their_proportion_is_not_taken_from_them() -> None:
    # 4 of the fee are given for 2 of 10, since the refunds between them failed; 3 of 10 would be worth 1.
    assert fee.returned_fee_minor(fee_minor=4, given_minor=4, captured_minor=10, refunded_minor=2, amount_minor=1) == 0


@given(amount_minor=AMOUNTS, basis_points=st.integers(0, 10_000), fixed_minor=AMOUNTS, first=st.booleans())
def test_a_fee_lies_between_nothing_and_the_amount(
    *, amount_minor: int, basis_points: int, fixed_minor: int, first: bool
) -> None:
    terms = CaptureTerms(1, basis_points, fixed_minor, refund_fee_returned=False)

    assert 0 <= fee.capture_fee_minor(amount_minor=amount_minor, terms=terms, first_capture=first) <= amount_minor


@given(
    amounts=st.lists(st.integers(1, 10**12), min_size=1, max_size=20),
    share=st.fractions(min_value=0, max_value=1),
)
def test_refunds_of_everything_return_exactly_the_fee(amounts: list[int], share: object) -> None:
    fee_minor = int(sum(amounts) * share)  # type: ignore[operator]

    returned = parts(fee_minor, amounts)

    assert sum(returned) == fee_minor
    assert all(0 <= part <= amount for part, amount in zip(returned, amounts, strict=True))
