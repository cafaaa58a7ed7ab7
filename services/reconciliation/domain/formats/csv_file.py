"""CSV files, by a channel's mapping: one line a row, one statement a currency."""

import csv
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from services.reconciliation.domain.formats.amounts import amount_parser
from services.reconciliation.domain.formats.dates import date_parser
from services.reconciliation.domain.formats.file_line import FileLine, FileStatement, Reading
from services.reconciliation.domain.formats.limits import (
    COLUMNS_MAX,
    FIELD_CHARS_MAX,
    IDENTITY_CHARS_MAX,
    LINES_MAX,
    STATEMENTS_MAX,
    TEXT_CHARS_MAX,
)
from services.reconciliation.domain.formats.mapping import (
    CREDIT_WORDS,
    DEBIT_WORDS,
    OUTCOMES,
    AmountSign,
    StatementMapping,
)
from services.reconciliation.domain.formats.movements import OPERATIONS, movement, unsigned_movement
from services.reconciliation.domain.formats.refusals import CellInvalid, file_invalid, line_invalid, mapping_invalid
from services.reconciliation.domain.formats.text import lines_of_text

_RATE = re.compile(r"\d{1,20}(?:\.\d{1,20})?", re.ASCII)
_RATE_CHARS_MAX = 32
_BLANK = " \t"
_IDENTITIES = (
    *("line_id", "related_no", "attempt_id", "channel_reference", "original_channel_reference", "payout_reference"),
    "acquirer_reference",
)
Row = Sequence[str]
Cell = Callable[[Row], str]


def read_csv(chunks: Iterable[bytes], mapping: StatementMapping) -> Iterator[Reading]:
    """Yield the lines of a CSV file, and at its end a statement for each currency.

    Every row has as many fields as the first; empty lines are no rows.

    Raises:
        StatementFileInvalid: It is no such text, is empty, or goes beyond a bound.
        StatementMappingInvalid: A column of the mapping is not in it, or is there twice.
        StatementLineInvalid: A row or one of its fields breaks a rule.
    """
    rows = _Rows(lines_of_text(chunks, mapping.encoding), mapping)
    names = next(rows, None) if mapping.header else None
    if mapping.header and names is None:
        raise file_invalid("has no row with the names of the columns")
    reader: _RowReader | None = _RowReader(mapping, names, len(names)) if names is not None else None
    for row in rows:
        reader = reader or _RowReader(mapping, None, len(row))
        yield reader.read(row, rows.line_no)
    if reader is None or not reader.statements:
        raise file_invalid("has no line of money")
    yield from reader.closed()


class _Rows:
    """The rows of a file, the line that each begins on, and what the parser refuses."""

    def __init__(self, lines: Iterator[str], mapping: StatementMapping) -> None:
        # The limit is the whole process's; no other part of it reads CSV.
        csv.field_size_limit(FIELD_CHARS_MAX)
        self._skip(lines, mapping.rows_skipped)
        self._skipped = mapping.rows_skipped
        self._reader = csv.reader(lines, strict=True, delimiter=mapping.delimiter, quotechar=mapping.quote)
        self.line_no = 0

    def __iter__(self) -> "_Rows":
        return self

    def __next__(self) -> list[str]:
        row: list[str] = []
        while not row:
            self.line_no = self._reader.line_num + self._skipped + 1
            try:
                row = next(self._reader)
            except csv.Error as error:
                at = self._reader.line_num + self._skipped
                rule = f"is no CSV ({error}), in the row that begins on line {self.line_no}"
                raise file_invalid(rule, line=at) from None
        return row

    @staticmethod
    def _skip(lines: Iterator[str], count: int) -> None:
        for at in range(count):
            if next(lines, None) is None:
                raise file_invalid(f"ends within the {count} rows to skip", line=at + 1)


@dataclass(slots=True)
class _Statement:
    section: int
    line_count: int
    last_date: date


class _RowReader:
    """Makes lines of rows; each of its parts is found once, before the first row."""

    def __init__(self, mapping: StatementMapping, names: Row | None, width: int) -> None:
        if width > COLUMNS_MAX:
            raise file_invalid(f"has more than {COLUMNS_MAX} columns", line=mapping.rows_skipped + 1)
        self._mapping = mapping
        self._width = width
        self._columns = _found_columns(mapping, names, width)
        self._identity_columns = [self._columns.get(name) for name in _IDENTITIES]
        self._parsers: dict[str, Callable[[str], int]] = {}
        self._names = names
        self._lines = 0
        self._at: str = ""
        self._date = date_parser(mapping.date_pattern, mapping.time_zone)
        self._operation_of = _words(mapping.operations, OPERATIONS)
        self._outcome_of = _words(mapping.outcomes, OUTCOMES)
        self.statements: dict[str, _Statement] = {}

    def read(self, row: Row, line_no: int) -> FileLine:
        """Make the line of a row."""
        if len(row) != self._width:
            rule = f"has {len(row)} fields, and the first row {self._width}"
            raise line_invalid(rule, line=line_no, column="row")
        self._lines += 1
        if self._lines > LINES_MAX:
            raise file_invalid(f"has more than {LINES_MAX} lines", line=line_no)
        try:
            return self._line(row, line_no)
        except CellInvalid as error:
            raise line_invalid(error.rule, line=line_no, column=self._place(), value=error.value) from None

    def closed(self) -> Iterator[FileStatement]:
        """Yield the statements of what was read."""
        for currency_code, statement in self.statements.items():
            yield FileStatement(
                section=statement.section,
                reference=None,
                account=None,
                currency_code=currency_code,
                statement_date=statement.last_date,
                line_count=statement.line_count,
            )

    def _line(self, row: Row, line_no: int) -> FileLine:
        has = self._columns
        currency_code = self._cell(row, "currency") or self._mapping.currency_code
        operation, amount_minor = self._movement(row, currency_code)
        line_date, moment = self._date(self._cell(row, "line_date"))
        settled_in = self._cell(row, "settlement_currency") or None
        line_id, related_no, attempt_id, of_channel, of_original, of_payout, of_acquirer = self._identities(row)
        return FileLine(
            self._section(currency_code, line_date),
            line_no,
            line_id,
            operation,
            self._outcome(row) if "outcome" in has else "SUCCEEDED",
            amount_minor,
            currency_code,
            self._fee(row, currency_code) if "fee" in has else 0,
            line_date,
            self._optional_day(row, "value_date") if "value_date" in has else None,
            moment,
            related_no,
            attempt_id,
            of_channel,
            of_original,
            self._settled(row, settled_in) if settled_in or "settlement_amount" in has else None,
            settled_in,
            self._rate(row) if "exchange_rate" in has else None,
            of_payout,
            of_acquirer,
            self._text(row) if "text" in has else None,
        )

    def _cell(self, row: Row, name: str) -> str:
        """Return what stands in a column, without spaces around it, and remember the column for a refusal."""
        at = self._columns.get(name)
        if at is None:
            return ""
        self._at = name
        return row[at].strip(_BLANK)

    def _place(self) -> str:
        at = self._columns.get(self._at)
        if at is None:
            return self._at
        return self._names[at] if self._names else str(at + 1)

    def _movement(self, row: Row, currency_code: str) -> tuple[str, int]:
        parse = self._amounts(currency_code)
        mapping = self._mapping
        match mapping.amount_sign:
            case AmountSign.UNSIGNED:
                operation = self._operation(row, incoming=True)
                return unsigned_movement(operation, self._amount(row, "amount", parse))
            case AmountSign.SIGNED:
                signed = self._amount(row, "amount", parse)
            case AmountSign.INDICATOR:
                incoming = self._incoming(row)
                amount_minor = self._amount(row, "amount", parse)
                signed = amount_minor if incoming else -amount_minor
            case AmountSign.TWO_COLUMNS:
                signed = self._of_two_columns(row, parse)
        operation = self._operation(row, incoming=signed > 0)
        self._at = "amount"
        return movement(operation, signed, mapping.account_holder)

    def _amounts(self, currency_code: str) -> Callable[[str], int]:
        parse = self._parsers.get(currency_code)
        if parse is None:
            self._at = "currency"
            marks = self._mapping.decimal_mark, self._mapping.thousands_mark
            parse = amount_parser(currency_code, decimal_mark=marks[0], thousands_mark=marks[1])
            self._parsers[currency_code] = parse
        return parse

    def _amount(self, row: Row, name: str, parse: Callable[[str], int]) -> int:
        return parse(self._cell(row, name))

    def _of_two_columns(self, row: Row, parse: Callable[[str], int]) -> int:
        debit, credit = self._cell(row, "debit"), self._cell(row, "credit")
        if bool(debit) is bool(credit):
            raise CellInvalid("is not one of debit and credit alone", f"{debit} {credit}")
        return parse(credit) if credit else -parse(self._cell(row, "debit"))

    def _incoming(self, row: Row) -> bool:
        word = self._cell(row, "indicator").upper()
        if word not in CREDIT_WORDS | DEBIT_WORDS:
            raise CellInvalid("says neither debit nor credit", word)
        return word in CREDIT_WORDS

    def _operation(self, row: Row, *, incoming: bool) -> str:
        word = self._cell(row, "operation")
        if not word and "operation" not in self._columns:
            return self._mapping.credit_operation if incoming else self._mapping.debit_operation
        operation = self._operation_of.get(word)
        if operation is None:
            raise CellInvalid("is no operation of the mapping", word)
        return operation

    def _outcome(self, row: Row) -> str:
        word = self._cell(row, "outcome")
        if not word:
            return "SUCCEEDED"
        outcome = self._outcome_of.get(word)
        if outcome is None:
            raise CellInvalid("is no outcome of the mapping", word)
        return outcome

    def _optional_day(self, row: Row, name: str) -> date | None:
        text = self._cell(row, name)
        return self._date(text)[0] if text else None

    def _fee(self, row: Row, currency_code: str) -> int:
        text = self._cell(row, "fee")
        if not text:
            return 0
        fee_minor = self._amounts_in("fee", currency_code)(text)
        return -fee_minor if self._mapping.fee_negative else fee_minor

    def _settled(self, row: Row, currency_code: str | None) -> int | None:
        text = self._cell(row, "settlement_amount")
        if not text and currency_code is None:
            return None
        if not text or currency_code is None:
            raise CellInvalid("is given without its currency, or the other way round", text)
        return self._amounts_in("settlement_amount", currency_code)(text)

    def _amounts_in(self, name: str, currency_code: str) -> Callable[[str], int]:
        parse = self._amounts(currency_code)
        self._at = name
        return parse

    def _rate(self, row: Row) -> str | None:
        text = self._cell(row, "exchange_rate").replace(self._mapping.decimal_mark, ".")
        if text and (len(text) > _RATE_CHARS_MAX or _RATE.fullmatch(text) is None):
            raise CellInvalid("is no exchange rate", text)
        return text or None

    def _identities(self, row: Row) -> list[str | None]:
        if len(max(row, key=len)) > IDENTITY_CHARS_MAX:
            self._bound_identities(row)
        return [None if at is None else row[at].strip(_BLANK) or None for at in self._identity_columns]

    def _bound_identities(self, row: Row) -> None:
        for name in _IDENTITIES:
            if len(text := self._cell(row, name)) > IDENTITY_CHARS_MAX:
                raise CellInvalid(f"has more than {IDENTITY_CHARS_MAX} characters", text)

    def _text(self, row: Row) -> str | None:
        text = self._cell(row, "text")
        if len(text) > TEXT_CHARS_MAX:
            raise CellInvalid(f"has more than {TEXT_CHARS_MAX} characters", text)
        return text or None

    def _section(self, currency_code: str, line_date: date) -> int:
        statement = self.statements.get(currency_code)
        if statement is None:
            if len(self.statements) == STATEMENTS_MAX:
                raise CellInvalid(f"is one currency more than {STATEMENTS_MAX}", currency_code)
            statement = self.statements[currency_code] = _Statement(len(self.statements), 0, line_date)
        statement.line_count += 1
        statement.last_date = max(statement.last_date, line_date)
        return statement.section


def _words(mapped: Mapping[str, str], known: Sequence[str]) -> Mapping[str, str]:
    return {word: word for word in known} | dict(mapped)


def _found_columns(mapping: StatementMapping, names: Row | None, width: int) -> dict[str, int]:
    """Find where the columns of the mapping stand."""
    titles = [name.strip() for name in names or ()]
    found = {}
    for what, column in mapping.columns.named():
        at = _place_of(column, titles, width, named=names is not None)
        if at is not None:
            found[what] = at
        elif mapping.columns_required:
            raise mapping_invalid("is not in the file", column=column)
    _require_needed(mapping, found)
    return found


def _place_of(column: str, titles: Sequence[str], width: int, *, named: bool) -> int | None:
    if titles.count(column) > 1:
        raise mapping_invalid("is in the file more than once", column=column)
    if column in titles:
        return titles.index(column)
    if column.isascii() and column.isdigit():
        if not 1 <= int(column) <= width:
            raise mapping_invalid(f"is not among the {width} columns of the file", column=column)
        return int(column) - 1
    if not named:
        raise mapping_invalid("is no number, and no row names the columns", column=column)
    return None


def _require_needed(mapping: StatementMapping, found: Mapping[str, int]) -> None:
    two = mapping.amount_sign is AmountSign.TWO_COLUMNS
    needed = ["line_date", *(("debit", "credit") if two else ("amount",))]
    if mapping.amount_sign is AmountSign.INDICATOR:
        needed.append("indicator")
    if mapping.amount_sign is AmountSign.UNSIGNED:
        needed.append("operation")
    if not mapping.currency_code:
        needed.append("currency")
    for what in needed:
        if what not in found:
            raise mapping_invalid(
                f"is needed for {what}, and is not in the file", column=getattr(mapping.columns, what)
            )
