"""Charts of accounts: which kinds of account there are, and which entries each event books.

A chart is data (charts/*.toml). Parsing it proves, amount by amount, that the entries of every event balance whatever
the amounts will be, so that no booking needs to check it again.
"""

import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from paykit.ids import named_id
from paystream.accounting.v1.events import Direction, Side
from services.accounting.domain.booked_event import BOOKED_EVENTS, PRINCIPAL

EVENT_AMOUNTS: Mapping[str, frozenset[str]] = {
    booked.transaction_type: frozenset(booked.amounts) for booked in BOOKED_EVENTS
}
"""The events that a chart must know, and the amounts each brings."""

TEMPLATES_MAX = 200_000
"""Entry templates kept in memory, one per event type, merchant and currency; about 1 KB each."""


class ChartError(Exception):
    """The chart cannot be used; paystream does not start with it."""


@dataclass(frozen=True, slots=True)
class AccountKind:
    """A kind of account.

    Attributes:
        name: For example `merchant.settlement`.
        normal_side: The side that increases it.
        floor_minor: The least balance allowed, at most 0, since accounts begin there; None if there is none.
    """

    name: str
    normal_side: Side
    floor_minor: int | None = None

    @property
    def per_merchant(self) -> bool:
        """Whether each merchant has an account of its own."""
        return self.name.startswith("merchant.")

    def effect(self, side: Side) -> int:
        """Return +1 if an entry on this side increases the account, -1 if it decreases it."""
        return 1 if side is self.normal_side else -1


@dataclass(frozen=True, slots=True)
class EntryRule:
    """One entry that an event books."""

    kind: AccountKind
    side: Side
    amount: str


@dataclass(frozen=True, slots=True)
class EntryTemplate:
    """A rule for one merchant and currency: an entry but for its amount."""

    amount: str
    account_id: str
    account_kind: str
    merchant_id: str | None
    side: Side
    effect: int


@dataclass(frozen=True, slots=True)
class EventType:
    """What an event does to the ledger; `direction` is seen from the merchant, None between its own accounts."""

    name: str
    direction: Direction | None
    rules: tuple[EntryRule, ...]


class Chart:
    """A proved chart of accounts.

    Attributes:
        name: As stored with the ledger that uses it.
        kinds: By name.
        types: By name of the event.
        floors: The floors of the kinds that have one, by name of the kind.
    """

    def __init__(self, name: str, kinds: Mapping[str, AccountKind], types: Mapping[str, EventType]) -> None:
        self.name = name
        self.kinds = kinds
        self.types = types
        self.floors = {kind.name: kind.floor_minor for kind in kinds.values() if kind.floor_minor is not None}
        # Ids of accounts are hashes: computing four for each payment would cost more than all its other arithmetic.
        self._templates: dict[tuple[str, str, str], tuple[EntryTemplate, ...]] = {}

    def templates(self, event_type: str, merchant_id: str, currency_code: str) -> tuple[EntryTemplate, ...]:
        """Return the entries of an event but for their amounts, in the order of the chart."""
        key = (event_type, merchant_id, currency_code)
        templates = self._templates.get(key)
        if templates is None:
            if len(self._templates) >= TEMPLATES_MAX:
                self._templates.clear()
            rules = self.types[event_type].rules
            templates = tuple(_template(rule, merchant_id, currency_code) for rule in rules)
            self._templates[key] = templates
        return templates


def account_id(kind: AccountKind, merchant_id: str | None, currency_code: str) -> str:
    """Return the one id of a kind's account in a currency; `merchant_id` is None for the platform's own."""
    return named_id("acc", kind.name, merchant_id or "", currency_code)


def parse(text: str) -> Chart:
    """Read a chart and prove it.

    Raises:
        ChartError: It names unknown kinds or amounts, lacks an event, an event's entries do not balance, or do not move
            its principal the way its direction says.
    """
    try:
        data = tomllib.loads(text)
        kinds = {name: _parse_kind(name, fields) for name, fields in data["kinds"].items()}
        types = {name: _parse_type(name, fields, kinds) for name, fields in data["types"].items()}
        chart = Chart(data["name"], kinds, types)
    except (tomllib.TOMLDecodeError, KeyError, ValueError, TypeError) as error:
        raise ChartError(f"the chart cannot be read: {error!r}") from error
    _prove(chart)
    return chart


def _template(rule: EntryRule, merchant_id: str, currency_code: str) -> EntryTemplate:
    owner = merchant_id if rule.kind.per_merchant else None
    return EntryTemplate(
        amount=rule.amount,
        account_id=account_id(rule.kind, owner, currency_code),
        account_kind=rule.kind.name,
        merchant_id=owner,
        side=rule.side,
        effect=rule.kind.effect(rule.side),
    )


def _parse_kind(name: str, fields: dict[str, Any]) -> AccountKind:
    unknown = fields.keys() - {"normal_side", "floor_minor"}
    if unknown:
        raise ValueError(f"{name}: unknown {sorted(unknown)}")
    floor_minor = fields.get("floor_minor")
    if floor_minor is not None and floor_minor > 0:
        raise ValueError(f"{name}: floor_minor {floor_minor} is above 0, where accounts begin")
    return AccountKind(name, _side(fields["normal_side"]), floor_minor)


def _side(text: str) -> Side:
    if text not in {"DEBIT", "CREDIT"}:
        raise ValueError(f"{text!r} is not a side")
    return Side(text)


def _parse_type(name: str, fields: dict[str, Any], kinds: Mapping[str, AccountKind]) -> EventType:
    direction = fields.get("direction")  # TOML has no null: left out, it moves between a merchant's own accounts.
    if direction not in {None, "DEBIT", "CREDIT"}:
        raise ValueError(f"{name}: {direction!r} is not a direction")
    rules = tuple(_parse_rule(name, entry, kinds) for entry in fields["entries"])
    return EventType(name, direction and Direction(direction), rules)


def _parse_rule(type_name: str, entry: dict[str, str], kinds: Mapping[str, AccountKind]) -> EntryRule:
    verbs = entry.keys() & {"increase", "decrease"}
    if len(verbs) != 1 or entry.keys() - {"increase", "decrease", "amount"}:
        raise ValueError(f"{type_name}: an entry says either increase or decrease, and an amount: {entry}")
    verb = verbs.pop()
    kind = kinds[entry[verb]]
    other = Side.CREDIT if kind.normal_side is Side.DEBIT else Side.DEBIT
    return EntryRule(kind, kind.normal_side if verb == "increase" else other, entry["amount"])


def _prove(chart: Chart) -> None:
    if chart.types.keys() != EVENT_AMOUNTS.keys():
        raise ChartError(f"{chart.name}: has entries for {sorted(chart.types)}, not for {sorted(EVENT_AMOUNTS)}")
    for event_type in chart.types.values():
        _prove_balance(chart.name, event_type.name, event_type.rules)
        _prove_direction(chart.name, event_type)


def _prove_balance(chart_name: str, type_name: str, rules: Sequence[EntryRule]) -> None:
    """Each amount must stand as often in debit as in credit: then the sums agree for all values of the amounts."""
    unknown = {rule.amount for rule in rules} - EVENT_AMOUNTS[type_name]
    if unknown:
        raise ChartError(f"{chart_name}: {type_name} has no amount named {sorted(unknown)}")
    net: Counter[str] = Counter()
    for rule in rules:
        net[rule.amount] += 1 if rule.side is Side.DEBIT else -1
    for amount in sorted(EVENT_AMOUNTS[type_name]):
        if amount not in net:
            raise ChartError(f"{chart_name}: {type_name} books no entry for {amount}")
        if net[amount]:
            raise ChartError(
                f"{chart_name}: {type_name} does not balance: debits minus credits are {net[amount]} x {amount}"
            )


def _prove_direction(chart_name: str, event_type: EventType) -> None:
    """What the merchant's accounts gain or lose together of the principal must be what the direction says."""
    net = sum(
        rule.kind.effect(rule.side) for rule in event_type.rules if rule.kind.per_merchant and rule.amount == PRINCIPAL
    )
    moved = None if net == 0 else Direction.CREDIT if net > 0 else Direction.DEBIT
    if event_type.direction is not moved:
        said = event_type.direction or "no direction"
        raise ChartError(f"{chart_name}: {event_type.name} says {said}, its entries say {moved or 'none'}")
