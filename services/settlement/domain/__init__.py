"""The rules of settlement: states, decisions and the events that tell of them. Pure."""

from services.settlement.domain import closing, item, policy, report, reserve, settlement, sums, verification

__all__ = ["closing", "item", "policy", "report", "reserve", "settlement", "sums", "verification"]
