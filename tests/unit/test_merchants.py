"""Which merchants may do new business, and why others may not."""

import pytest

from paykit.errors import DomainError
from paykit.merchants.standing import MerchantNotActive, MerchantSuspended, MerchantUnknown, require_active
from paystream.merchant.v1.events import MerchantStatus


def test_an_active_merchant_may_do_business() -> None:
    require_active("mer_1", MerchantStatus.ACTIVE)


@pytest.mark.parametrize(
    ("status", "error", "message"),
    [
        (None, MerchantUnknown, "The merchant is not known."),
        (MerchantStatus.CREATED, MerchantNotActive, "The merchant is not active."),
        (MerchantStatus.UNKNOWN, MerchantNotActive, "The merchant is not active."),
        (MerchantStatus.SUSPENDED, MerchantSuspended, "The merchant is suspended."),
    ],
)
def test_any_other_may_not(status: MerchantStatus | None, error: type[Exception], message: str) -> None:
    with pytest.raises(DomainError) as caught:
        require_active("mer_1", status)
    refused = caught.value
    assert type(refused) is error
    assert (refused.message, refused.field, refused.metadata) == (message, "merchant_id", {"merchant_id": "mer_1"})
