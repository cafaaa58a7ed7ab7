"""Every SQL statement of settlement."""

from services.settlement.store import policies, reading, settlements, verification

__all__ = ["policies", "reading", "settlements", "verification"]
