"""Fees worked out by hand, and what holds for all of them."""

import itertools
from collections.abc import Sequence

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

    assert fees([amount_minor], [terms]) == [expected]


def fees(amounts: Sequence[int], plans: Sequence[CaptureTerms]) -> list[int]:
    """What each capture of a payment costs, one after another; the last plan stays in force."""
    captured_minor = fee_minor = 0
    result = []
    for amount_minor, terms in itertools.zip_longest(amounts, plans, fillvalue=plans[-1]):
        assert isinstance(amount_minor, int)
        assert isinstance(terms, CaptureTerms)
        cost = fee.capture_fee_minor(
            amount_minor=amount_minor, terms=terms, captured_minor=captured_minor, fee_minor=fee_minor
        )
        result.append(cost)
        captured_minor += amount_minor
        fee_minor += cost
    return result


@pytest.mark.parametrize(
    ("amounts", "expected"),
    [
        ([10_000], [320]),
        ([1, 9_999], [1, 319]),  # What the first was too small for, the second pays: 290 and 30 in all.
        ([5_000, 5_000], [175, 145]),  # 145 and 30, then 145.
        ([17, 17, 17], [17, 14, 0]),  # 34 cost 0.986, that is 1, and 30; 51 cost 1.479, that is 1, and 30.
    ],
)
def test_captures_of_a_payment_cost_together_what_one_would(amounts: list[int], expected: list[int]) -> None:
    assert fees(amounts, [CaptureTerms(1, 290, 30, refund_fee_returned=False)]) == expected


def test_588_captures_of_17_cost_320() -> None:
    # 9,996 cost 289.884, that is 290, and 30; one by one each would cost nothing but the fixed part.
    assert sum(fees([17] * 588, [CaptureTerms(1, 290, 30, refund_fee_returned=False)])) == 320


@pytest.mark.parametrize(
    ("basis_points", "expected"),
    [
        ((1_000, 1_500), [100, 200]),  # 15 % of 2,000 are 300.
        ((1_500, 1_000), [150, 50]),
        ((5_000, 1_000), [500, 0]),  # 10 % of 2,000 are 200: nothing is given back.
        ((0, 10_000), [0, 1_000]),  # All of the 2,000 would be charged: no more than this capture.
    ],
)
def test_the_plan_in_force_prices_the_payment_so_far(basis_points: tuple[int, int], expected: list[int]) -> None:
    plans = [CaptureTerms(i, points, 0, refund_fee_returned=False) for i, points in enumerate(basis_points, 1)]

    assert fees([1_000, 1_000], plans) == expected


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


def test_a_refund_returns_no_more_than_itself() -> None:
    # 60 captured with a fee of 30. Two refunds of 1 returned nothing, those that held 1 each have failed: the next
    # would be worth 1.5, that is 2.
    again = fee.returned_fee_minor(fee_minor=30, given_minor=0, captured_minor=60, refunded_minor=2, amount_minor=1)

    assert again == 1


@pytest.mark.parametrize(
    ("refunded_minor", "given_minor", "amount_minor", "expected"),
    [
        (0, 0, 2_000, 88),
        (1_000, 0, 1_000, 44),  # The first half went back by the merchant, without its fee.
        (1_500, 0, 500, 22),
        (1_000, 44, 500, 22),
    ],
)
def test_what_paystream_gives_back_returns_the_fee_of_just_that(
    refunded_minor: int, given_minor: int, amount_minor: int, expected: int
) -> None:
    returned = fee.own_returned_fee_minor(
        fee_minor=88,
        given_minor=given_minor,
        captured_minor=2_000,
        refunded_minor=refunded_minor,
        amount_minor=amount_minor,
    )

    assert returned == expected


def test_what_others_hold_beyond_their_proportion_is_not_taken_from_them() -> None:
    # 4 of the fee are given for 2 of 10, since the refunds between them failed; 3 of 10 would be worth 1.
    assert fee.returned_fee_minor(fee_minor=4, given_minor=4, captured_minor=10, refunded_minor=2, amount_minor=1) == 0


PLANS = st.builds(CaptureTerms, st.just(1), st.integers(0, 10_000), AMOUNTS, st.booleans())


@given(amounts=st.lists(AMOUNTS, min_size=1, max_size=12), plans=st.lists(PLANS, min_size=1, max_size=12))
def test_a_fee_lies_between_nothing_and_the_amount(amounts: list[int], plans: list[CaptureTerms]) -> None:
    costs = fees(amounts, plans[: len(amounts)])

    assert all(0 <= cost <= amount for cost, amount in zip(costs, amounts, strict=True))


@given(amounts=st.lists(st.integers(1, 10**9), min_size=1, max_size=12), plan=PLANS)
def test_however_a_payment_is_captured_its_fee_is_the_same(amounts: list[int], plan: CaptureTerms) -> None:
    assert sum(fees(amounts, [plan])) == fees([sum(amounts)], [plan])[0]


@given(
    amounts=st.lists(st.integers(1, 10**12), min_size=1, max_size=20),
    share=st.fractions(min_value=0, max_value=1),
)
def test_refunds_of_everything_return_exactly_the_fee(amounts: list[int], share: object) -> None:
    fee_minor = int(sum(amounts) * share)  # type: ignore[operator]

    returned = parts(fee_minor, amounts)

    assert sum(returned) == fee_minor
    assert all(0 <= part <= amount for part, amount in zip(returned, amounts, strict=True))
