"""Between the messages of analytics.proto and the domain."""

from services.analytics.messages.figures import to_rows
from services.analytics.messages.question import (
    from_get_merchant_stats,
    from_get_overview,
    from_query_metrics,
)

__all__ = ["from_get_merchant_stats", "from_get_overview", "from_query_metrics", "to_rows"]
