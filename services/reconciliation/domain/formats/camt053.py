"""CAMT.053 files, a bank's statements in XML: ISO 20022 camt.053.001.02 to .08.

Elements are read as they come and forgotten, and a line is yielded with the element that ends it; what is in a file is
so never in memory at once. No entity, no DTD, nothing from the network is read.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import cast
from zoneinfo import ZoneInfo

from lxml import etree

from paykit.money import AMOUNT_MINOR_MAX
from services.reconciliation.domain.formats.amounts import exponent_of
from services.reconciliation.domain.formats.balances import RunningBalance
from services.reconciliation.domain.formats.file_line import FileLine, FileStatement, Reading
from services.reconciliation.domain.formats.limits import (
    DEPTH_MAX,
    ELEMENTS_MAX,
    FIELD_CHARS_MAX,
    LINES_MAX,
    STATEMENTS_MAX,
)
from services.reconciliation.domain.formats.mapping import StatementMapping
from services.reconciliation.domain.formats.movements import movement
from services.reconciliation.domain.formats.references import found_references, given
from services.reconciliation.domain.formats.refusals import CellInvalid, file_invalid
from services.reconciliation.domain.formats.xml_elements import (
    Element,
    Elements,
    element_invalid,
    forget,
    line_of,
    name_of,
)

_NAMESPACE = re.compile(r"urn:iso:std:iso:20022:tech:xsd:camt\.053\.001\.0[2-8]")
_SHOWN_OF_ACCOUNT = 4


def read_camt053(chunks: Iterable[bytes], mapping: StatementMapping) -> Iterator[Reading]:
    """Yield the lines of each statement, and the statement after them.

    An entry of several transactions is a line for each, where they tell amounts; they add up to the entry then. What
    moved no money, as a closing of 0.00 does, is no line.

    Raises:
        StatementFileInvalid: It is no such XML, or goes beyond a bound.
        StatementLineInvalid: An element breaks a rule; `column` is its path.
        StatementBalanceMismatch: The entries do not lead from the opening to the closing balance.
    """
    parser = etree.XMLPullParser(
        events=("start", "end"),
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        # A comment within an amount would end its text.
        remove_comments=True,
        remove_pis=True,
    )
    reader = _Reader(mapping)
    try:
        for chunk in chunks:
            parser.feed(chunk)
            yield from _readings(reader, parser)
        parser.close()
        yield from _readings(reader, parser)
    except etree.XMLSyntaxError as error:
        raise file_invalid(f"is no XML ({error.msg})", line=error.lineno or None) from None
    if not reader.statements:
        raise file_invalid("has no statement")


def _readings(reader: "_Reader", parser: etree.XMLPullParser) -> Iterator[Reading]:
    for action, found in parser.read_events():
        element = cast("Element", found)
        if action == "start":
            reader.begin(element)
        else:
            yield from reader.end(element)


@dataclass(slots=True)
class _Entry:
    """An entry, of which the transactions that came so far are lines already."""

    lines: int = 0
    details: int = 0
    signed_minor: int = 0
    unpriced: bool = False
    alone: Element | None = None


@dataclass(slots=True)
class _Section:
    """A statement in the making."""

    reference: str | None = None
    account: str | None = None
    currency_code: str | None = None
    closing_minor: int | None = None
    closing_date: date | None = None
    last_date: date | None = None
    line_count: int = 0
    balance: RunningBalance = field(default_factory=RunningBalance)


class _Reader:
    def __init__(self, mapping: StatementMapping) -> None:
        self._mapping = mapping
        self._xml = Elements("", ZoneInfo(mapping.time_zone))
        self._lines = 0
        self._section = _Section()
        self._entry = _Entry()
        self._path: list[str] = []
        self._held = 0
        self._held_at: list[int] = []  # How many there were when each element of the path had begun.
        self.statements = 0

    def begin(self, element: Element) -> None:
        """Note where the parser is; the first element must be that of a camt.053 document."""
        name = name_of(element)
        self._path.append(name)
        self._held += 1
        self._held_at.append(self._held)
        if len(self._path) > DEPTH_MAX:
            raise file_invalid(f"has elements deeper than {DEPTH_MAX}", line=line_of(element))
        if self._held > ELEMENTS_MAX:
            rule = f"has more than {ELEMENTS_MAX} elements that are no entry's or are all of one"
            raise file_invalid(rule, line=line_of(element))
        if len(self._path) == 1:
            self._require_document(element, name)
        elif name == "Stmt":
            self._section = _Section()
        elif name == "Ntry":
            self._entry = _Entry()

    def end(self, element: Element) -> Iterator[Reading]:
        """Yield what an element is the end of, and forget what was read."""
        name, path = self._path[-1], "/".join(self._path[1:])
        if isinstance(element.text, str) and len(element.text) > FIELD_CHARS_MAX:
            raise element_invalid(element, path, f"has more than {FIELD_CHARS_MAX} characters")
        match path:
            case "BkToCstmrStmt/Stmt":
                yield self._close(element)
                self._forget(element)
            case "BkToCstmrStmt/Stmt/Bal":
                self._take_balance(element)
            case "BkToCstmrStmt/Stmt/Ntry":
                yield from self._end_entry(element)
                self._forget(element)
            case "BkToCstmrStmt/Stmt/Ntry/NtryDtls/TxDtls":
                yield from self._detail(element)
                if element is not self._entry.alone:
                    self._forget(element)
            case "BkToCstmrStmt/Stmt/Ntry/NtryDtls":
                self._drop_before(element)
            case "BkToCstmrStmt/Stmt/Id" | "BkToCstmrStmt/Stmt/Acct":
                self._take_head(element, name)
        self._path.pop()
        self._held_at.pop()

    def _forget(self, element: Element) -> None:
        """Forget the element that ends, of which a husk remains beside what its parent had begun with."""
        forget(element)
        self._held = self._held_at[-2] + 1

    def _drop_before(self, element: Element) -> None:
        """Drop the details before these, or each look for what an entry does not have would pass by all of them."""
        entry, earlier, alone = element.getparent(), element.getprevious(), self._entry.alone
        if entry is None or earlier is None or earlier.tag != element.tag:
            return
        if alone is None or alone.getparent() is not earlier:
            self._held -= sum(1 for _ in earlier.iter())
            entry.remove(earlier)

    def _require_document(self, element: Element, name: str) -> None:
        if element.getroottree().docinfo.doctype:  # type: ignore[attr-defined]
            raise file_invalid("has a document type, which may hold anything", line=line_of(element))
        namespace = etree.QName(element).namespace or ""
        if name != "Document" or _NAMESPACE.fullmatch(namespace) is None:
            raise file_invalid("is no camt.053.001.02 to .08", line=line_of(element))
        self._xml = Elements(f"{{{namespace}}}", ZoneInfo(self._mapping.time_zone))

    def _take_head(self, element: Element, name: str) -> None:
        if name == "Id":
            self._section.reference = given(element.text)
            return
        section = self._section
        number = self._xml.text(element, "Id/IBAN") or self._xml.text(element, "Id/Othr/Id")
        section.account = number[-_SHOWN_OF_ACCOUNT:] if number else None
        if currency_code := self._xml.text(element, "Ccy"):
            self._take_currency(element, "Acct/Ccy", currency_code)

    def _take_balance(self, element: Element) -> None:
        code = self._xml.text(element, "Tp/CdOrPrtry/Cd")
        if code not in {"OPBD", "PRCD", "CLBD"}:
            return
        amount_minor = self._xml.moved(element, "Bal")
        self._take_currency(element, "Bal/Amt/@Ccy", self._currency(element))
        section = self._section
        if code == "CLBD":
            section.closing_minor, section.closing_date = amount_minor, self._xml.optional_date(element, "Dt", "Bal")
        elif code == "OPBD" or section.balance.opening_minor is None:
            section.balance.opening_minor = amount_minor

    def _take_currency(self, element: Element, path: str, currency_code: str) -> None:
        """Have a statement be in the currency that is told first; whatever else tells one must tell the same."""
        try:
            exponent_of(currency_code)
        except CellInvalid as error:
            raise element_invalid(element, path, error.rule, error.value) from None
        section = self._section
        section.currency_code = section.currency_code or currency_code
        if section.currency_code != currency_code:
            raise element_invalid(element, path, f"is not in {section.currency_code}, as the account is", currency_code)

    def _detail(self, element: Element) -> Iterator[Reading]:
        """Make a line of one transaction of an entry, if it tells its amount."""
        entry = next(element.iterancestors("{*}Ntry"))
        self._entry.details += 1
        amount = self._xml.find(element, "Amt")
        if amount is None:
            amount = self._xml.find(element, "AmtDtls/TxAmt/Amt")
        if amount is None or amount.get("Ccy") != self._currency(entry):
            self._entry.unpriced = True
            # What the only transaction of an entry says is said of the entry.
            self._entry.alone = element if self._entry.details == 1 else None
            return
        direction = element if self._xml.find(element, "CdtDbtInd") is not None else entry
        signed = self._xml.signed(direction, "TxDtls", self._xml.amount(element, "TxDtls", amount))
        if signed:
            self._entry.signed_minor += signed
            self._entry.lines += 1
            yield self._line(entry, element, signed)

    def _end_entry(self, element: Element) -> Iterator[Reading]:
        status = self._xml.text(element, "Sts/Cd") or self._xml.text(element, "Sts")
        if status != "BOOK":
            raise element_invalid(
                element, "Ntry/Sts", "is not BOOK: what is not booked is not on a statement", status or ""
            )
        signed = self._xml.moved(element, "Ntry")
        self._section.balance.moved_minor += signed
        entry = self._entry
        if not entry.lines and signed:
            yield self._line(element, entry.alone, signed)
        elif entry.lines > 1 and self._xml.find(element, "Chrgs") is not None:
            raise element_invalid(element, "Ntry/Chrgs", "are of several transactions together")
        elif entry.lines and (entry.unpriced or entry.signed_minor != signed):
            rule = f"is {signed} minor units, and its transactions add up to {entry.signed_minor}"
            raise element_invalid(element, "Ntry/Amt", rule)

    def _line(self, entry: Element, detail: Element | None, signed_minor: int) -> FileLine:
        self._lines += 1
        if self._lines > LINES_MAX:
            raise file_invalid(f"has more than {LINES_MAX} lines", line=line_of(entry))
        section, currency_code = self._section, self._currency(entry)
        self._take_currency(entry, "Ntry/Amt", currency_code)
        section.line_count += 1
        fee_minor, included = self._charges(entry, detail, currency_code)
        gross = signed_minor + fee_minor if included else signed_minor
        # Each charge is within the bound, and so is the entry; their sums need not be.
        if max(abs(fee_minor), abs(gross)) > AMOUNT_MINOR_MAX:
            raise element_invalid(entry, "Ntry/Chrgs", "lead to more than 2^53-1 minor units")
        operation, amount_minor = self._movement(entry, detail, gross)
        line_date, moment = self._booked(entry)
        section.last_date = max(line_date, section.last_date or line_date)
        return self._made(entry, detail, (operation, amount_minor, fee_minor), (line_date, moment))

    def _made(
        self,
        entry: Element,
        detail: Element | None,
        moved: tuple[str, int, int],
        booked: tuple[date, datetime | None],
    ) -> FileLine:
        operation, amount_minor, fee_minor = moved
        of_bank = self._reference(detail, "AcctSvcrRef") or given(self._xml.text(entry, "AcctSvcrRef"))
        end_to_end = self._reference(detail, "EndToEndId")
        references = found_references(end_to_end, self._free_text(entry, detail))
        return FileLine(
            section=self.statements,
            line_no=line_of(entry if detail is None else detail),
            line_id=None,
            operation=operation,
            outcome="SUCCEEDED",
            amount_minor=amount_minor,
            currency_code=self._currency(entry),
            channel_fee_minor=fee_minor,
            line_date=booked[0],
            value_date=self._xml.optional_date(entry, "ValDt", "Ntry"),
            occurred_at=booked[1],
            related_no=references.related_no,
            attempt_id=references.attempt_id,
            channel_reference=of_bank,
            text=references.text,
        )

    def _movement(self, entry: Element, detail: Element | None, signed_minor: int) -> tuple[str, int]:
        """Return what was moved: a reversal of a debit is a credit, and is told as the reversal of what debits are."""
        mapping = self._mapping
        code = self._code(detail) or self._code(entry)
        reversal = self._xml.text(entry, "RvslInd") in {"true", "1"}
        incoming = (signed_minor > 0) is not reversal
        operation = mapping.operations.get(code) if code else None
        operation = operation or (mapping.credit_operation if incoming else mapping.debit_operation)
        try:
            return movement(operation, signed_minor, mapping.account_holder)
        except CellInvalid as error:
            raise element_invalid(entry, "Ntry/Amt", error.rule) from None

    def _charges(self, entry: Element, detail: Element | None, currency_code: str) -> tuple[int, bool]:
        """Return what the bank charged, above 0 when it took, and whether the amount is less by it."""
        charges = None if detail is None else self._xml.find(detail, "Chrgs")
        if charges is None and self._entry.details <= 1:
            charges = self._xml.find(entry, "Chrgs")
        if charges is None:
            return 0, False
        records = self._xml.all(charges, "Rcrd") or [charges]
        fee_minor, included = 0, False
        for record in records:
            amount = self._xml.find(record, "Amt")
            if amount is None or amount.get("Ccy") != currency_code:
                raise element_invalid(entry, "Ntry/Chrgs", f"are not in {currency_code}")
            gives_back = self._xml.text(record, "CdtDbtInd") == "CRDT"
            fee_minor += self._xml.amount(record, "Ntry/Chrgs", amount) * (-1 if gives_back else 1)
            included = included or self._xml.text(record, "ChrgInclInd") in {"true", "1"}
        return fee_minor, included

    def _booked(self, entry: Element) -> tuple[date, datetime | None]:
        for name in ("BookgDt", "ValDt"):
            if self._xml.find(entry, name) is not None:
                return self._xml.day(entry, name, "Ntry")
        raise element_invalid(entry, "Ntry/BookgDt", "is not there")

    def _close(self, element: Element) -> FileStatement:
        section, self._section = self._section, _Section()
        line, at = line_of(element), section.closing_date or section.last_date
        if section.currency_code is None or at is None:
            raise element_invalid(element, "Stmt", "has neither entries nor a closing balance with its day")
        section.balance.require(section.closing_minor, line=line, statement=section.reference or "")
        self.statements += 1
        if self.statements > STATEMENTS_MAX:
            raise file_invalid(f"has more than {STATEMENTS_MAX} statements", line=line)
        return FileStatement(
            section=self.statements - 1,
            reference=section.reference,
            account=section.account,
            currency_code=section.currency_code,
            statement_date=at,
            line_count=section.line_count,
            opening_balance_minor=section.balance.opening_minor,
            closing_balance_minor=section.closing_minor,
        )

    def _currency(self, element: Element) -> str:
        """Return the currency of an entry or a balance."""
        amount = self._xml.find(element, "Amt")
        return "" if amount is None else amount.get("Ccy") or ""

    def _code(self, element: Element | None) -> str:
        """Return the bank's code of an entry: PMNT/RCDT/ESCT by the standard, or its own."""
        if element is None:
            return ""
        parts = ("BkTxCd/Domn/Cd", "BkTxCd/Domn/Fmly/Cd", "BkTxCd/Domn/Fmly/SubFmlyCd")
        code = "/".join(filter(None, (self._xml.text(element, part) for part in parts)))
        return code or self._xml.text(element, "BkTxCd/Prtry/Cd") or ""

    def _reference(self, detail: Element | None, name: str) -> str | None:
        return None if detail is None else given(self._xml.text(detail, f"Refs/{name}"))

    def _free_text(self, entry: Element, detail: Element | None) -> str:
        texts = [] if detail is None else [found.text for found in self._xml.all(detail, "RmtInf/Ustrd")]
        texts.append(None if detail is None else self._xml.text(detail, "AddtlTxInf"))
        texts.append(self._xml.text(entry, "AddtlNtryInf"))
        return " ".join(text.strip() for text in texts if text and text.strip())
