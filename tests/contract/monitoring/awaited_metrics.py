"""Metrics that rules and dashboards name already, and that the code is still to bring: this list is to become empty.

A test fails where one of them is there: delete its line then, and this module with the last one.
"""

AWAITED = {
    "paystream_consumer_lag": ("service", "topic", "partition"),
    "paystream_consumer_oldest_unapplied_seconds": ("service",),
    "paystream_outbox_refused": ("service", "topic", "reason"),
    "paystream_outbox_quarantined_keys": ("service",),
}
"""Labels by name."""
