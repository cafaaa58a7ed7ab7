"""Every SQL statement of merchant."""

from services.merchant.store.fee_plan import FeePlanRow, fee_plans
from services.merchant.store.merchant import MerchantFilter, merchants

__all__ = ["FeePlanRow", "MerchantFilter", "fee_plans", "merchants"]
