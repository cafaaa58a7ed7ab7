"""Every SQL statement of analytics."""

from services.analytics.store.change import ChangedKey, changed_since, forget_changes, note_changes, present_snapshot
from services.analytics.store.figure import add_to_figures, changed_figures
from services.analytics.store.merchant import merchants, zone_of
from services.analytics.store.origin import mark_captured, origins
from services.analytics.store.query import count_merchants, sums

__all__ = [
    "ChangedKey",
    "add_to_figures",
    "changed_figures",
    "changed_since",
    "count_merchants",
    "forget_changes",
    "mark_captured",
    "merchants",
    "note_changes",
    "origins",
    "present_snapshot",
    "sums",
    "zone_of",
]
