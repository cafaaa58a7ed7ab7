"""The rules of merchant: states, decisions and the events that tell of them. Pure."""

from services.merchant.domain import merchant, rules

__all__ = ["merchant", "rules"]
