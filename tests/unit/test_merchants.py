"""Which merchants may do new business or be paid out, and why others may not."""

import itertools
from dataclasses import dataclass

import pytest

from paykit.errors import DomainError
from paykit.merchants.standing import (
    STOPPED,
    MerchantClosing,
    MerchantFrozen,
    MerchantNotActive,
    MerchantStanding,
    MerchantSuspended,
    MerchantUnknown,
    require_active,
    require_payable,
    standing_of,
)
from paystream.merchant.v1.events import MerchantStatus


@dataclass(frozen=True, kw_only=True)
class Told:
    """What an event says of a merchant."""

    status: MerchantStatus
    frozen: bool = False
    closing: bool = False


def test_an_active_merchant_may_do_business_and_is_paid_out() -> None:
    require_active("mer_1", MerchantStanding.ACTIVE)
    require_payable("mer_1", MerchantStanding.ACTIVE)


@pytest.mark.parametrize(
    ("standing", "error", "message"),
    [
        (None, MerchantUnknown, "The merchant is not known."),
        (MerchantStanding.CREATED, MerchantNotActive, "The merchant is not active."),
        (MerchantStanding.UNKNOWN, MerchantNotActive, "The merchant is not active."),
        (MerchantStanding.SUSPENDED, MerchantSuspended, "The merchant is suspended."),
        (MerchantStanding.FROZEN, MerchantFrozen, "The merchant is frozen."),
        (MerchantStanding.CLOSING, MerchantClosing, "The merchant is closing."),
    ],
)
def test_any_other_may_not_and_only_one_that_leaves_is_paid_out(
    standing: MerchantStanding | None, error: type[Exception], message: str
) -> None:
    with pytest.raises(DomainError) as caught:
        require_active("mer_1", standing)
    refused = caught.value
    assert type(refused) is error
    assert (refused.message, refused.field, refused.metadata) == (message, "merchant_id", {"merchant_id": "mer_1"})

    if standing is MerchantStanding.CLOSING:
        require_payable("mer_1", standing)
        return
    with pytest.raises(error):
        require_payable("mer_1", standing)


# Rows: the status; columns: as it is, closing, frozen, both.
STANDINGS = """
CREATED    CREATED    CREATED    FROZEN  FROZEN
ACTIVE     ACTIVE     CLOSING    FROZEN  FROZEN
SUSPENDED  SUSPENDED  SUSPENDED  FROZEN  FROZEN
UNKNOWN    UNKNOWN    UNKNOWN    FROZEN  FROZEN
"""


def test_what_stops_more_goes_before_what_stops_less() -> None:
    rows = [line.split() for line in STANDINGS.strip().splitlines()]
    assert {row[0] for row in rows} == set(MerchantStatus)

    for status, *expected in rows:
        actual = [
            standing_of(Told(status=MerchantStatus(status), frozen=frozen, closing=closing))
            for frozen, closing in itertools.product((False, True), repeat=2)
        ]
        assert actual == expected


def test_suspended_and_frozen_merchants_are_stopped() -> None:
    assert {"SUSPENDED", "FROZEN"} == STOPPED
