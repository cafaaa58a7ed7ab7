"""Corrections that two people decided: between accounts of the platform, which the event names. Pure."""

from paykit.errors import DomainError, Kind
from paystream.accounting.v1.events import Entry, Side
from services.accounting.domain.chart import AccountKind, Chart
from services.accounting.domain.transaction import make_entry

CORRECTION = "Correction"
"""The type of the transaction."""

CORRECTABLE_KINDS = frozenset(
    {"channel.receivable", "channel.fees", "platform.bank", "platform.income", "platform.fees", "platform.losses"}
)
"""What a correction moves, as far as the chart has it: of no merchant, and nothing that waits for an event."""


class CorrectionNotPossible(DomainError):
    """The chart in use lacks a kind of account that the correction names, or no correction moves it."""

    kind = Kind.FAILED_PRECONDITION
    reason = "CORRECTION_NOT_POSSIBLE"


def entries(chart: Chart, debit: str, credit: str, amount_minor: int, currency_code: str) -> tuple[Entry, ...]:
    """Return the two entries of a correction.

    Raises:
        CorrectionNotPossible: A kind is not one that a correction moves, or both are the same.
    """
    debited, credited = _kind(chart, debit), _kind(chart, credit)
    if debited is credited:
        raise CorrectionNotPossible(f"{debit} is debited and credited.", account_kind=debit)
    return (
        make_entry(debited, None, currency_code, Side.DEBIT, amount_minor),
        make_entry(credited, None, currency_code, Side.CREDIT, amount_minor),
    )


def _kind(chart: Chart, name: str) -> AccountKind:
    kind = chart.kinds.get(name) if name in CORRECTABLE_KINDS else None
    if kind is None:
        message = f"A correction under the chart {chart.name} cannot move {name}."
        raise CorrectionNotPossible(message, account_kind=name, chart_name=chart.name)
    return kind
