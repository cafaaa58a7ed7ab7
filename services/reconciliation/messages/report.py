"""Reports on the wire."""

from paykit.errors import FieldInvalid
from paystream.reconciliation.v1 import report_pb2 as pb
from services.reconciliation.commands.reporting import WantedReport
from services.reconciliation.domain.report import REPORT_DAYS_MAX, CsvRows, JsonRows, RowWriter, days_between
from services.reconciliation.messages.rule_set import read_day


def from_export(request: pb.ExportReportRequest) -> WantedReport:
    """Read which report is wanted.

    Raises:
        FieldInvalid: There is no such day, the last comes before the first, or there are too many.
    """
    first, last = read_day(request.first_date, "first_date"), read_day(request.last_date, "last_date")
    days = (last - first).days + 1
    if not 1 <= days <= REPORT_DAYS_MAX:
        raise FieldInvalid(f"A report is of 1 to {REPORT_DAYS_MAX} days, not of {days}.", field="last_date")
    return WantedReport(channel=request.channel, days=days_between(first, last), items=request.items)


def to_writer(request: pb.ExportReportRequest) -> RowWriter:
    """Make what writes a report as it is wanted."""
    return JsonRows() if request.format == pb.REPORT_FORMAT_JSON else CsvRows(items=request.items)
