"""Elements of an XML file: what stands in them, exactly, or where it is wrong."""

import re
from datetime import date, datetime
from decimal import Decimal
from typing import cast
from zoneinfo import ZoneInfo

from lxml import etree

from paykit.money import AMOUNT_MINOR_MAX
from services.reconciliation.domain.formats.amounts import exponent_of
from services.reconciliation.domain.formats.refusals import CellInvalid, StatementLineInvalid, line_invalid

_AMOUNT = re.compile(r"\d{1,18}(?:\.\d{1,17})?", re.ASCII)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}(?:Z|[+-]\d{2}:\d{2})?", re.ASCII)
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:Z|[+-]\d{2}:\d{2})?", re.ASCII)

Element = etree._Element  # noqa: SLF001 - the name of its type in lxml's stubs


class Elements:
    """Reads elements of one namespace, and days in one zone."""

    def __init__(self, namespace: str, zone: ZoneInfo) -> None:
        self._namespace = namespace
        self._zone = zone

    def find(self, element: Element, path: str) -> Element | None:
        """Find an element by its path from another."""
        return element.find("/".join(self._namespace + part for part in path.split("/")))

    def all(self, element: Element, path: str) -> list[Element]:
        """Find all elements of a path."""
        return element.findall("/".join(self._namespace + part for part in path.split("/")))

    def text(self, element: Element, path: str) -> str | None:
        """Return the text of an element, without spaces around it; None where there is none."""
        found = self.find(element, path)
        return found.text.strip() if found is not None and found.text else None

    def child(self, element: Element, name: str, path: str) -> Element:
        """Find an element that must be there."""
        found = self.find(element, name)
        if found is None:
            raise element_invalid(element, f"{path}/{name}", "is not there")
        return found

    def amount(self, parent: Element, path: str, amount: Element) -> int:
        """Return an amount of at most its currency's decimals, exactly."""
        text, currency_code = (amount.text or "").strip(), amount.get("Ccy") or ""
        try:
            exponent = exponent_of(currency_code)
            number = Decimal(text) if not len(amount) and _AMOUNT.fullmatch(text) else None
        except CellInvalid as error:
            raise element_invalid(parent, f"{path}/Amt/@Ccy", error.rule, error.value) from None
        if number is None:
            raise element_invalid(parent, f"{path}/Amt", "is no amount", text)
        if -int(number.as_tuple().exponent) > exponent:
            rule = f"has more decimals than the {exponent} of {currency_code}"
            raise element_invalid(parent, f"{path}/Amt", rule, text)
        if (amount_minor := int(number.scaleb(exponent))) > AMOUNT_MINOR_MAX:
            raise element_invalid(parent, f"{path}/Amt", "is larger than 2^53-1 minor units", text)
        return amount_minor

    def moved(self, element: Element, path: str) -> int:
        """Return the amount of a balance or an entry, below 0 where it is a debit."""
        return self.signed(element, path, self.amount(element, path, self.child(element, "Amt", path)))

    def signed(self, element: Element, path: str, amount_minor: int) -> int:
        """Put a sign to an amount, below 0 where CdtDbtInd says debit."""
        side = self.text(element, "CdtDbtInd")
        if side not in {"CRDT", "DBIT"}:
            raise element_invalid(element, f"{path}/CdtDbtInd", "says neither CRDT nor DBIT", side or "")
        return amount_minor if side == "CRDT" else -amount_minor

    def day(self, element: Element, name: str, path: str) -> tuple[date, datetime | None]:
        """Return a day in the zone, and the moment where one is given."""
        text = self.text(element, f"{name}/Dt") or self.text(element, f"{name}/DtTm") or ""
        try:
            if _DAY.fullmatch(text):
                return date.fromisoformat(text[:10]), None
            if _MOMENT.fullmatch(text):
                moment = datetime.fromisoformat(text)
                moment = moment if moment.tzinfo else moment.replace(tzinfo=self._zone)
                return moment.astimezone(self._zone).date(), moment
        except (ValueError, OverflowError):
            raise element_invalid(element, f"{path}/{name}", "is a day or time that does not exist", text) from None
        raise element_invalid(element, f"{path}/{name}", "is no date", text)

    def optional_date(self, element: Element, name: str, path: str) -> date | None:
        """Return a day; None where there is no such element."""
        return None if self.find(element, name) is None else self.day(element, name, path)[0]


def line_of(element: Element) -> int:
    """Return the line that an element begins on."""
    return cast("int | None", element.sourceline) or 0


def element_invalid(element: Element, path: str, rule: str, value: str = "") -> StatementLineInvalid:
    """Refuse a file for one of its elements."""
    return line_invalid(rule, line=line_of(element), column=path, value=value)


def name_of(element: Element) -> str:
    """Return an element's name without its namespace."""
    return etree.QName(element).localname


def forget(element: Element) -> None:
    """Free what was read: the element's children, and those of its siblings that are before it."""
    element.clear()
    while element.getprevious() is not None:
        parent = element.getparent()
        if parent is None:
            return
        del parent[0]
