"""Refunds against the funds of their merchants."""

import pytest

from paystream.merchant.v1.events import RefundPolicy
from services.payment.domain.funds import Admission, FundsPolicy, RefundableFunds, RefundWouldOverdraw

ALLOW, QUEUE, REFUSE = RefundPolicy.ALLOW, RefundPolicy.QUEUE, RefundPolicy.REFUSE


def funds(
    policy: RefundPolicy, available_minor: int, *, limit_minor: int | None = None, waiting: bool = False
) -> RefundableFunds:
    return RefundableFunds(
        policy=FundsPolicy(refund_policy=policy, limit_minor=limit_minor),
        currency_code="USD",
        available_minor=available_minor,
        waiting=waiting,
    )


@pytest.mark.parametrize(
    ("policy", "limit_minor", "available_minor", "needed_minor", "becomes", "left_minor"),
    [
        (ALLOW, None, 0, 10_000, Admission.MADE, -10_000),
        (ALLOW, 5_000, 0, 5_000, Admission.MADE, -5_000),
        (ALLOW, 5_000, 0, 5_001, None, None),
        (ALLOW, 0, 100, 100, Admission.MADE, 0),
        (ALLOW, 0, 100, 101, None, None),
        (QUEUE, None, 9_680, 9_680, Admission.MADE, 0),
        (QUEUE, None, 9_680, 9_681, Admission.QUEUED, 9_680),
        (QUEUE, 5_000, 0, 1, Admission.QUEUED, 0),
        (REFUSE, None, 9_680, 9_680, Admission.MADE, 0),
        (REFUSE, None, 9_680, 10_000, None, None),
        (REFUSE, 5_000, 0, 1, None, None),
        (REFUSE, None, -1, 0, None, None),
    ],
)
def test_terms_decide_what_becomes_of_a_refund(  # noqa: PLR0917 - a row of the table
    policy: RefundPolicy,
    limit_minor: int | None,
    available_minor: int,
    needed_minor: int,
    becomes: Admission | None,
    left_minor: int | None,
) -> None:
    present = funds(policy, available_minor, limit_minor=limit_minor)
    if becomes is None:
        with pytest.raises(RefundWouldOverdraw) as refused:
            present.admit(needed_minor)
        assert refused.value.metadata == {
            "available_minor": str(available_minor),
            "limit_minor": str(limit_minor or 0),
            "currency_code": "USD",
        }
        return
    admission, left = present.admit(needed_minor)
    assert (admission, left.available_minor, left.waiting) == (becomes, left_minor, becomes is Admission.QUEUED)


def test_a_small_refund_waits_behind_a_large_one() -> None:
    admission, _ = funds(QUEUE, 100, waiting=True).admit(1)
    assert admission is Admission.QUEUED


@pytest.mark.parametrize(
    ("policy", "needed_minor", "left_minor"),
    [(QUEUE, 100, 0), (QUEUE, 101, None), (REFUSE, 101, None), (ALLOW, 101, -1)],
)
def test_what_waits_is_released_when_funds_suffice_or_nothing_restricts_it_any_more(
    policy: RefundPolicy, needed_minor: int, left_minor: int | None
) -> None:
    left = funds(policy, 100, waiting=True).release(needed_minor)
    assert (left and left.available_minor) == left_minor
