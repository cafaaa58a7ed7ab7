"""A settlement's report as CSV and as JSON, in pieces. Pure."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Protocol

from paykit.spreadsheet import csv_rows
from services.settlement.domain.item import SettlementItem
from services.settlement.domain.settlement import Settlement

COLUMNS = (
    "settlement_id",
    "transaction_id",
    "kind",
    "transaction_type",
    "related_no",
    "root_reference",
    "effective_time",
    "amount_minor",
    "fee_minor",
    "total_minor",
    "currency_code",
)
"""Of the CSV, and the names of an item's fields in JSON."""


class ReportWriter(Protocol):
    """Writes a report piece by piece."""

    media_type: str
    """Of what is written, as Content-Type has it."""

    def begin(self, settlement: Settlement) -> str:
        """Return what stands before the items."""

    def items(self, settlement: Settlement, page: Iterable[SettlementItem]) -> str:
        """Return the next items."""

    def end(self) -> str:
        """Return what stands after the items."""


class CsvWriter:
    """RFC 4180: a line of column names, then one for each item."""

    media_type = "text/csv; charset=utf-8"

    def begin(self, settlement: Settlement) -> str:  # noqa: ARG002 - a ReportWriter
        """Return the column names."""
        return csv_rows([COLUMNS])

    def items(self, settlement: Settlement, page: Iterable[SettlementItem]) -> str:
        """Return a line for each item."""
        return csv_rows(_fields(settlement, item).values() for item in page)

    def end(self) -> str:
        """Return nothing: the last line is the end."""
        return ""


class JsonWriter:
    """One object: the settlement's own fields, and `items`, a line each."""

    media_type = "application/json"

    def __init__(self) -> None:
        self._separator = "\n"

    def begin(self, settlement: Settlement) -> str:
        """Return the settlement's own fields, and open the list of items."""
        fields = json.dumps(_head(settlement), ensure_ascii=False, indent=1)
        return fields.removesuffix("\n}") + ',\n "items": ['

    def items(self, settlement: Settlement, page: Iterable[SettlementItem]) -> str:
        """Return an object for each item."""
        text = ""
        for item in page:
            text += self._separator + json.dumps(_fields(settlement, item), ensure_ascii=False)
            self._separator = ",\n"
        return text

    def end(self) -> str:
        """Close the list and the object."""
        return "\n]}\n"


def _fields(settlement: Settlement, item: SettlementItem) -> dict[str, str | int]:
    values = (
        settlement.settlement_id,
        item.transaction_id,
        item.kind.value,
        item.transaction_type,
        item.related_no,
        item.root_reference,
        _time(item.effective_at),
        item.amount_minor,
        item.fee_minor,
        item.amount_minor + item.fee_minor,
        item.currency_code,
    )
    return dict(zip(COLUMNS, values, strict=True))


def _head(settlement: Settlement) -> dict[str, Any]:
    sums = settlement.sums
    return {
        "settlement_id": settlement.settlement_id,
        "merchant_id": settlement.merchant_id,
        "currency_code": settlement.currency_code,
        "trigger": settlement.trigger and settlement.trigger.value,
        "cut_off_time": settlement.cut_off_at and _time(settlement.cut_off_at),
        "close_time": settlement.close_time and _time(settlement.close_time),
        "item_count": sums.item_count,
        "payments_minor": sums.payments_minor,
        "refunds_minor": sums.refunds_minor,
        "fees_minor": sums.fees_minor,
        "disputes_minor": sums.disputes_minor,
        "reserve_released_minor": sums.reserve_released_minor,
        "adjustments_minor": sums.adjustments_minor,
        "total_minor": sums.total_minor,
        "reserve_held_minor": settlement.reserve_held_minor,
        "net_minor": settlement.net_minor,
    }


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
