"""The rules of merchant: states, decisions and the events that tell of them. Pure."""

from services.merchant.domain import fee_plan, merchant, rules

__all__ = ["fee_plan", "merchant", "rules"]
