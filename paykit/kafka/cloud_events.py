"""The headers of a row of the outbox: CloudEvents in Kafka's binary mode.

Source: CloudEvents 1.0, Kafka protocol binding, section 3.2.
"""

from typing import Any

HeaderList = list[tuple[str, str | bytes | None]]


class CloudEventHeaders:
    """Makes headers; what does not change from event to event is made once."""

    def __init__(self) -> None:
        self._fixed: dict[tuple[str, str], HeaderList] = {}

    def of(self, row: Any) -> HeaderList:
        """Return the headers of one outbox row."""
        if row["header_names"] is not None:
            return list(zip(row["header_names"], row["header_values"], strict=True))
        kind = (row["event_type"], row["dataschema"])
        fixed = self._fixed.get(kind) or self._fixed.setdefault(kind, _fixed_headers(*kind))
        own: HeaderList = [
            ("ce_id", row["event_id"]),
            ("ce_time", row["occurred_at"].isoformat()),
            ("ce_subject", row["key"]),
        ]
        if row["traceparent"]:
            own.append(("traceparent", row["traceparent"]))
        return own + fixed


def _fixed_headers(event_type: str, dataschema: str) -> HeaderList:
    service = event_type.split(".")[1]
    return [
        ("ce_type", event_type),
        ("ce_source", f"/paystream/{service}"),
        ("ce_specversion", "1.0"),
        ("ce_dataschema", dataschema),
        ("content-type", "application/avro"),
    ]
