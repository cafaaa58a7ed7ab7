"""How a channel writes its files."""

import zoneinfo
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum

from services.reconciliation.domain.formats.amounts import exponent_of
from services.reconciliation.domain.formats.dates import date_parser
from services.reconciliation.domain.formats.movements import OPERATIONS, AccountHolder
from services.reconciliation.domain.formats.refusals import (
    CellInvalid,
    mapping_invalid,
)

ENCODINGS = ("utf-8", "utf-16", "iso-8859-1", "iso-8859-15", "windows-1252")
"""In which files are read. A byte order mark is taken off where UTF-8 has one; UTF-16 must have one."""
OUTCOMES = ("SUCCEEDED", "FAILED")
HEADER_ROWS_MAX = 100
"""Rows above the names of the columns that a mapping may skip."""


class StatementFormat(StrEnum):
    """How a file is written."""

    CSV = "CSV"
    CAMT053 = "CAMT053"
    MT940 = "MT940"


class AmountSign(StrEnum):
    """How a CSV file says which way money went."""

    UNSIGNED = "UNSIGNED"
    """The operation says it; an amount below 0 is a reversal."""
    SIGNED = "SIGNED"
    """Above 0 came into the account, below 0 went out."""
    INDICATOR = "INDICATOR"
    """A column says debit or credit."""
    TWO_COLUMNS = "TWO_COLUMNS"
    """Debits and credits stand in columns of their own, one of which is empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """Columns by name in the header, or by number from 1; an empty one is not in the file."""

    line_id: str = "line_id"
    operation: str = "operation"
    outcome: str = "outcome"
    amount: str = "amount"
    debit: str = ""
    credit: str = ""
    indicator: str = ""
    currency: str = "currency_code"
    fee: str = "channel_fee"
    line_date: str = "line_date"
    value_date: str = "value_date"
    related_no: str = "related_no"
    attempt_id: str = "attempt_id"
    channel_reference: str = "channel_reference"
    original_channel_reference: str = "original_channel_reference"
    settlement_amount: str = "settlement_amount"
    settlement_currency: str = "settlement_currency_code"
    exchange_rate: str = "exchange_rate"
    payout_reference: str = "payout_reference"
    acquirer_reference: str = "acquirer_reference"
    text: str = "text"

    def named(self) -> Iterator[tuple[str, str]]:
        """Yield what stands in a column, and the column."""
        for each in fields(self):
            if column := getattr(self, each.name):
                yield each.name, column


CREDIT_WORDS = frozenset({"C", "CR", "CREDIT", "CRDT", "H", "+"})
DEBIT_WORDS = frozenset({"D", "DR", "DEBIT", "DBIT", "S", "-"})


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementMapping:
    """How a channel writes its files; as it is without arguments it reads what `paystream` itself would write.

    Attributes:
        columns_required: Whether each column must be in the file; otherwise those that are not are left out.
        delimiter: One character; of CSV.
        quote: One character; of CSV.
        header: Whether a row names the columns; without it they are numbers.
        rows_skipped: Rows above it, whatever they hold.
        currency_code: The currency of all lines, where no column says it.
        operations: Operation by the file's word for it; a word that is missing is refused, unless it is an operation.
        outcomes: Outcome by the file's word for it, in the same way.
        credit_operation: What money that came into the account is, where no column says it.
        debit_operation: What money that went out is.
        fee_negative: Whether fees are below 0 when the channel keeps them.
        date_pattern: As `date_parser` takes it.
        time_zone: IANA name of the channel's zone, in which its days are.
    """

    columns: Columns = field(default_factory=Columns)
    columns_required: bool = False
    delimiter: str = ","
    quote: str = '"'
    header: bool = True
    rows_skipped: int = 0
    encoding: str = "utf-8"
    decimal_mark: str = "."
    thousands_mark: str = ""
    amount_sign: AmountSign = AmountSign.UNSIGNED
    account_holder: AccountHolder = AccountHolder.ACQUIRER
    currency_code: str = ""
    operations: Mapping[str, str] = field(default_factory=dict)
    outcomes: Mapping[str, str] = field(default_factory=dict)
    credit_operation: str = "CAPTURE"
    debit_operation: str = "REFUND"
    fee_negative: bool = False
    date_pattern: str = "YYYY-MM-DD"
    time_zone: str = "UTC"


BANK_MAPPING = StatementMapping(
    account_holder=AccountHolder.BANK,
    credit_operation="PAYOUT_TO_PLATFORM",
    debit_operation="PAY",
    decimal_mark=",",
)
"""For files of the platform's bank account: what the acquirer pays comes in, payouts to merchants go out."""


def require_applicable(mapping: StatementMapping) -> None:
    """Accept a mapping.

    Raises:
        StatementMappingInvalid: It says what cannot be, or twice; which column of a file is meant shows in the file.
    """
    for rule, column in _faults(mapping):
        raise mapping_invalid(rule, column=column)
    for operation in (*mapping.operations.values(), mapping.credit_operation, mapping.debit_operation):
        if operation not in OPERATIONS:
            raise mapping_invalid(f"{operation!r} is no operation", column="operations")
    for outcome in mapping.outcomes.values():
        if outcome not in OUTCOMES:
            raise mapping_invalid(f"{outcome!r} is no outcome", column="outcomes")
    _require_zone(mapping.time_zone)
    date_parser(mapping.date_pattern, mapping.time_zone)
    if mapping.currency_code:
        try:
            exponent_of(mapping.currency_code)
        except CellInvalid as error:
            raise mapping_invalid(error.rule, column="currency_code") from None


def _faults(mapping: StatementMapping) -> Iterator[tuple[str, str]]:
    marks = {"delimiter": mapping.delimiter, "quote": mapping.quote, "decimal_mark": mapping.decimal_mark}
    for name, mark in marks.items():
        if len(mark) != 1 or mark.isalnum() or mark in "\r\n\0":
            yield "is not one character that is neither a letter, a digit nor the end of a line", name
    if len(mapping.thousands_mark) > 1 or mapping.thousands_mark.isalnum():
        yield "is not one character", "thousands_mark"
    if mapping.delimiter == mapping.quote:
        yield "is the quote as well", "delimiter"
    if mapping.decimal_mark == mapping.thousands_mark:
        yield "is the decimal mark as well", "thousands_mark"
    if not 0 <= mapping.rows_skipped <= HEADER_ROWS_MAX:
        yield f"is not 0..{HEADER_ROWS_MAX}", "rows_skipped"
    if mapping.encoding not in ENCODINGS:
        yield f"is none of {', '.join(ENCODINGS)}", "encoding"
    named = [column for _, column in mapping.columns.named()]
    yield from (("stands for two things", column) for column in named if named.count(column) > 1)
    if mapping.amount_sign is AmountSign.INDICATOR and not mapping.columns.indicator:
        yield "is needed for INDICATOR", "indicator"
    if mapping.amount_sign is AmountSign.TWO_COLUMNS and not (mapping.columns.debit and mapping.columns.credit):
        yield "is needed for TWO_COLUMNS", "debit and credit"


def _require_zone(name: str) -> None:
    try:
        zoneinfo.ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise mapping_invalid("is no IANA time zone", column="time_zone") from None
