"""The servicers of analytics."""

from services.analytics.rpc.analytics import servicers

__all__ = ["servicers"]
