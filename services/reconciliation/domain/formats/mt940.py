"""MT940 files, a bank's statements as SWIFT has them, and the dialects of banks.

A file is a row of messages. What stands before a message's :20: is its envelope, and differs from bank to bank; the
fields of a statement are the same everywhere, and :86: is in the words of the bank (`references.marked_parts`).
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date

from services.reconciliation.domain.formats.amounts import amount_parser
from services.reconciliation.domain.formats.balances import RunningBalance
from services.reconciliation.domain.formats.dates import date_parser
from services.reconciliation.domain.formats.file_line import FileLine, FileStatement, Reading
from services.reconciliation.domain.formats.limits import LINES_MAX, STATEMENTS_MAX, TAG_LINES_MAX, TEXT_CHARS_MAX
from services.reconciliation.domain.formats.mapping import StatementMapping
from services.reconciliation.domain.formats.movements import movement
from services.reconciliation.domain.formats.references import found_references, given, marked_parts
from services.reconciliation.domain.formats.refusals import CellInvalid, file_invalid, line_invalid
from services.reconciliation.domain.formats.text import lines_of_text

_TAG = re.compile(r":(\d{2}[A-Z]?|NS):(.*)", re.DOTALL)
_SILENT = frozenset({"13", "13D", "21", "28", "28C", "34F", "64", "65", "90C", "90D", "NS"})
"""Fields that tell nothing of a line or a balance that is reconciled."""
_BALANCE = re.compile(r"([CD])(\d{6})([A-Z]{3})(\d{1,12},\d{0,4})")
_ENTRY = re.compile(
    r"(?P<value>\d{6})(?P<entry>\d{4}|\s{4})?(?P<mark>R?[CD])(?P<funds>[A-Z])?(?P<amount>\d{1,12},\d{0,4})"
    r"(?P<kind>[SNF][A-Z0-9]{3})(?P<reference>.*)"
)
_ENVELOPE_END = re.compile(r"-\}?|-\}?\{5:.*")
_YEAR_BOUNDARY_DAYS = 180
_SHOWN_OF_ACCOUNT = 4


def read_mt940(chunks: Iterable[bytes], mapping: StatementMapping) -> Iterator[Reading]:
    """Yield the lines of each statement, and the statement after its last page.

    What moved no money, as a closing of 0,00 does, is no line.

    Raises:
        StatementFileInvalid: It is no such text, ends within a statement, or goes beyond a bound.
        StatementLineInvalid: A field breaks a rule; `column` is its tag.
        StatementBalanceMismatch: The entries do not lead from the opening to the closing balance.
    """
    reader = _Reader(mapping)
    for each in _fields(lines_of_text(chunks, mapping.encoding)):
        yield from reader.take(each)
    yield from reader.end()


@dataclass(frozen=True, slots=True)
class _Field:
    """A field with its continuation lines; the tag of the envelope's end is empty."""

    tag: str
    lines: list[str]
    line_no: int


def _fields(lines: Iterable[str]) -> Iterator[_Field]:
    """Cut text into fields; what stands around messages is left out, and what stands within them is not."""
    pending: _Field | None = None
    line_no = 0
    for line_no, raw in enumerate(lines, 1):
        line = raw.rstrip("\r\n")
        tag = _TAG.fullmatch(line)
        if tag is None and pending is None:
            continue
        if tag is None and pending is not None and _ENVELOPE_END.fullmatch(line.rstrip()) is None:
            pending.lines.append(line)
            if len(pending.lines) > TAG_LINES_MAX:
                raise line_invalid(f"has more than {TAG_LINES_MAX} lines", line=line_no, column=f":{pending.tag}:")
            continue
        if pending is not None:
            yield pending
        pending = None if tag is None else _Field(tag[1], [tag[2]], line_no)
        if tag is None:
            yield _Field("", [], line_no)
    if pending is not None:
        yield pending
    yield _Field("", [], line_no)


@dataclass(slots=True)
class _Page:
    """A message: one page of a statement."""

    line_no: int
    reference: str | None
    account: str | None = None
    currency_code: str = ""
    closed: bool = False
    final: bool = False


@dataclass(slots=True)
class _Account:
    """A statement in the making, over its pages."""

    reference: str | None = None
    account: str | None = None
    currency_code: str = ""
    statement_date: date | None = None
    first_minor: int | None = None
    closing_minor: int = 0
    line_count: int = 0
    balance: RunningBalance = field(default_factory=RunningBalance)


class _Reader:
    def __init__(self, mapping: StatementMapping) -> None:
        self._mapping = mapping
        self._date = date_parser("YYMMDD", mapping.time_zone)
        self._page: _Page | None = None
        self._open: _Account | None = None
        self._entry: tuple[re.Match[str], _Field] | None = None
        self._lines = 0
        self.statements = 0

    def take(self, found: _Field) -> Iterator[Reading]:
        """Yield what a field is the end of."""
        if found.tag != "86":
            yield from self._ended_entry([])
        if found.tag in _SILENT:
            self._required_page(found)
        elif found.tag == "86":
            yield from self._ended_entry(found.lines)
        elif found.tag in {"62F", "62M"}:
            yield from self._close_balance(found)
        else:
            self._note(found)

    def end(self) -> Iterator[Reading]:
        """Require that the file ended with a statement."""
        if self._open is not None:
            raise file_invalid("ends before :62F:, the closing balance of its last statement")
        if not self.statements:
            raise file_invalid("has no statement")
        yield from ()

    def _note(self, found: _Field) -> None:
        """Take what a field says of the page, or of the entry that the next field may go on with."""
        match found.tag:
            case "":
                self._end_page(found)
            case "20":
                self._end_page(found)
                self._page = _Page(found.line_no, given(found.lines[0]))
            case "25" | "25P":
                self._required_page(found).account = found.lines[0].strip()
            case "60F" | "60M":
                self._open_balance(found)
            case "61":
                self._entry = self._parsed_entry(found)
            case _:
                raise line_invalid("is no field of an MT940", line=found.line_no, column=f":{found.tag}:")

    def _required_page(self, found: _Field) -> _Page:
        if self._page is None:
            raise line_invalid("stands before :20:", line=found.line_no, column=f":{found.tag}:")
        return self._page

    def _end_page(self, found: _Field) -> None:
        page, self._page = self._page, None
        if page is not None and not page.closed:
            raise line_invalid("is missing: the message ends without it", line=found.line_no, column=":62F:")

    def _open_balance(self, found: _Field) -> None:
        page = self._required_page(found)
        side, _, currency_code, _ = groups = self._balance(found)
        opening_minor = self._signed(groups, found)
        if page.currency_code:
            raise line_invalid("is there twice", line=found.line_no, column=f":{found.tag}:")
        page.currency_code = currency_code
        if found.tag == "60F":
            if self._open is not None:
                raise line_invalid("opens a statement before the last one closed", line=found.line_no, column=":60F:")
            self._open = _Account(page.reference, page.account, currency_code, first_minor=opening_minor)
            self._open.balance.opening_minor = opening_minor
            return
        before = self._open
        if before is None or (before.account, before.currency_code) != (page.account, currency_code):
            raise line_invalid("goes on with a statement that is not open", line=found.line_no, column=":60M:")
        if before.closing_minor != opening_minor:
            rule = f"is {opening_minor} minor units, and the page before closed at {before.closing_minor}"
            raise line_invalid(rule, line=found.line_no, column=":60M:", value=side)

    def _close_balance(self, found: _Field) -> Iterator[Reading]:
        page, statement = self._required_page(found), self._open
        groups = self._balance(found)
        if statement is None or not page.currency_code or page.closed:
            raise line_invalid("closes what is not open", line=found.line_no, column=f":{found.tag}:")
        if groups[2] != page.currency_code:
            raise line_invalid(f"is not in {page.currency_code}", line=found.line_no, column=f":{found.tag}:")
        page.closed = True
        statement.closing_minor = self._signed(groups, found)
        statement.balance.require(statement.closing_minor, line=found.line_no, statement=statement.reference or "")
        if found.tag == "62F":
            self._open = None
            yield self._closed(statement, self._day(groups[1], found))

    def _closed(self, statement: _Account, day: date) -> FileStatement:
        self.statements += 1
        if self.statements > STATEMENTS_MAX:
            raise file_invalid(f"has more than {STATEMENTS_MAX} statements")
        return FileStatement(
            section=self.statements - 1,
            reference=statement.reference,
            account=(statement.account or "")[-_SHOWN_OF_ACCOUNT:] or None,
            currency_code=statement.currency_code,
            statement_date=day,
            line_count=statement.line_count,
            opening_balance_minor=statement.first_minor,
            closing_balance_minor=statement.closing_minor,
        )

    def _parsed_entry(self, found: _Field) -> tuple[re.Match[str], _Field]:
        page = self._required_page(found)
        if not page.currency_code or page.closed or self._open is None:
            raise line_invalid("stands outside of opening and closing balance", line=found.line_no, column=":61:")
        entry = _ENTRY.fullmatch(found.lines[0])
        if entry is None:
            raise line_invalid("is no statement line", line=found.line_no, column=":61:", value=found.lines[0])
        if entry["funds"] and entry["funds"] != page.currency_code[2]:
            rule = f"is in another currency than {page.currency_code}"
            raise line_invalid(rule, line=found.line_no, column=":61:", value=entry["funds"])
        return entry, found

    def _ended_entry(self, details: list[str]) -> Iterator[Reading]:
        """Yield the line of the entry that :86: or the next field ends; an :86: without an entry is the statement's."""
        if self._entry is None or self._open is None:
            return
        (entry, found), self._entry = self._entry, None
        self._lines += 1
        if self._lines > LINES_MAX:
            raise file_invalid(f"has more than {LINES_MAX} lines", line=found.line_no)
        amount_minor = self._amount(entry["amount"], self._open.currency_code, found)
        mark = entry["mark"]
        # RC takes a credit back, and is a debit; RD gives a debit back.
        signed = amount_minor if mark in {"C", "RD"} else -amount_minor
        self._open.balance.moved_minor += signed
        if signed:
            self._open.line_count += 1
            yield self._line(entry, found, details, signed, self._open.currency_code)

    def _line(
        self, entry: re.Match[str], found: _Field, details: list[str], signed_minor: int, currency_code: str
    ) -> FileLine:
        mapping = self._mapping
        incoming_first = entry["mark"] in {"C", "RC"}
        fallback = mapping.credit_operation if incoming_first else mapping.debit_operation
        wanted = mapping.operations.get(entry["kind"], fallback)
        try:
            operation, amount_minor = movement(wanted, signed_minor, mapping.account_holder)
        except CellInvalid as error:
            raise line_invalid(error.rule, line=found.line_no, column=":61:") from None
        value_date = self._day(entry["value"], found)
        own, _, of_bank = entry["reference"].partition("//")
        marks = marked_parts(details)
        text = " ".join(part.strip() for part in (*found.lines[1:], *details) if part.strip())
        references = found_references(marks.get("EREF") or given(own), text + " " + "".join(details))
        return FileLine(
            section=self.statements,
            line_no=found.line_no,
            line_id=None,
            operation=operation,
            outcome="SUCCEEDED",
            amount_minor=amount_minor,
            currency_code=currency_code,
            channel_fee_minor=0,
            line_date=self._entry_date(entry["entry"], value_date, found),
            value_date=value_date,
            related_no=references.related_no,
            attempt_id=references.attempt_id,
            channel_reference=given(of_bank) or given(own),
            text=text[:TEXT_CHARS_MAX] or None,
        )

    def _entry_date(self, month_day: str | None, value_date: date, found: _Field) -> date:
        """Return the booking date, of which the file has month and day only: the one next to the value date."""
        if not (month_day or "").strip():
            return value_date
        days = []
        for year in (value_date.year - 1, value_date.year, value_date.year + 1):
            try:
                days.append(date(year, int(month_day[:2]), int(month_day[2:])))  # type: ignore[index]
            except ValueError:  # The 29th of February is a day of some years.
                continue
        nearest = min(days, key=lambda day: abs((day - value_date).days), default=None)
        if nearest is None or abs((nearest - value_date).days) > _YEAR_BOUNDARY_DAYS + 3:
            raise line_invalid("is a day that does not exist", line=found.line_no, column=":61:", value=month_day or "")
        return nearest

    def _balance(self, found: _Field) -> tuple[str, str, str, str]:
        balance = _BALANCE.fullmatch(found.lines[0].rstrip())
        if balance is None or len(found.lines) > 1:
            raise line_invalid("is no balance", line=found.line_no, column=f":{found.tag}:", value=found.lines[0])
        return balance[1], balance[2], balance[3], balance[4]

    def _signed(self, groups: tuple[str, str, str, str], found: _Field) -> int:
        self._day(groups[1], found)
        amount_minor = self._amount(groups[3], groups[2], found)
        return amount_minor if groups[0] == "C" else -amount_minor

    def _amount(self, text: str, currency_code: str, found: _Field) -> int:
        # The comma is part of the amount even where no decimals follow it.
        try:
            return amount_parser(currency_code, decimal_mark=",")(text.removesuffix(","))
        except CellInvalid as error:
            raise line_invalid(error.rule, line=found.line_no, column=f":{found.tag}:", value=error.value) from None

    def _day(self, text: str, found: _Field) -> date:
        try:
            return self._date(text)[0]
        except CellInvalid as error:
            raise line_invalid(error.rule, line=found.line_no, column=f":{found.tag}:", value=error.value) from None
