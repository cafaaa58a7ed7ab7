"""What analytics does: counting."""

from services.analytics.commands import counting

__all__ = ["counting"]
