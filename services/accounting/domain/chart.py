"""Charts of accounts: which kinds of account there are, and which entries each event books.

A chart is data (charts/*.toml). Parsing it proves, amount by amount, that the entries of every event balance whatever
the amounts will be, so that no booking needs to check it again.

    [types.WithdrawalPaidLate]
    direction = "DEBIT"             # What it does to the merchant: CREDIT, DEBIT; EITHER, as the amounts say; none.
    ignores = ["excess"]            # Amounts of the event that this chart does not book.
    entries = [
        { decrease = "merchant.available", amount = "amount", short = "merchant.receivable" },
        { decrease = "platform.bank", amount = "amount" },
    ]

`short` is where an entry goes as far as its account would fall below its floor; posting decides it, under the lock of
the balances.
"""

import hashlib
import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from paykit.ids import named_id
from paystream.accounting.v1.events import Direction, Entry, Side
from services.accounting.domain.booked_event import BOOKED_EVENTS

EVENT_AMOUNTS: Mapping[str, frozenset[str]] = {
    booked.transaction_type: frozenset(booked.amounts) for booked in BOOKED_EVENTS if booked.accounts is None
}
"""The events that a chart must know, and the amounts each brings; a correction names its accounts itself."""

OF_PLATFORM = frozenset(booked.transaction_type for booked in BOOKED_EVENTS if booked.of_platform)
"""The events that are about no merchant."""

SETTLEMENT = "merchant.settlement"
"""The kind that every chart has: its normal side is that of what merchants have."""

EITHER = "EITHER"
"""The direction of what may go either way, as the amounts of the event say."""

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
    """One entry that an event books.

    Attributes:
        short: Where it goes as far as the account would fall below its floor; None if it is refused then.
    """

    kind: AccountKind
    side: Side
    amount: str
    short: AccountKind | None = None


@dataclass(frozen=True, slots=True)
class EntryTemplate:
    """A rule for one merchant and currency: an entry but for its amount."""

    amount: str
    account_id: str
    account_kind: str
    merchant_id: str | None
    side: Side
    effect: int
    short: "EntryTemplate | None" = None


@dataclass(frozen=True, slots=True)
class EventType:
    """What an event does to the ledger.

    Attributes:
        direction: Seen from the merchant; None between its own accounts, or where no merchant is concerned.
        either: Whether the direction is as the amounts of each event say.
        ignores: Amounts that are not booked.
    """

    name: str
    direction: Direction | None
    rules: tuple[EntryRule, ...]
    either: bool = False
    ignores: frozenset[str] = frozenset()

    @property
    def may_fall_short(self) -> bool:
        """Whether an entry goes elsewhere where funds are short."""
        return any(rule.short is not None for rule in self.rules)


class Chart:
    """A proved chart of accounts.

    Attributes:
        name: As stored with the ledger that uses it.
        kinds: By name.
        types: By name of the event.
        floors: The floors of the kinds that have one, by name of the kind.
        merchant_side: The side on which merchants gain.
        text: What it was read from.
        content_hash: SHA-256 of the text, in hexadecimal digits.
    """

    def __init__(
        self, name: str, kinds: Mapping[str, AccountKind], types: Mapping[str, EventType], *, text: str = ""
    ) -> None:
        self.name = name
        self.text = text
        self.content_hash = hashlib.sha256(text.encode()).hexdigest()
        self.kinds = kinds
        self.types = types
        self.floors = {kind.name: kind.floor_minor for kind in kinds.values() if kind.floor_minor is not None}
        self.merchant_side = kinds[SETTLEMENT].normal_side
        self._falling_short = frozenset(name for name, event_type in types.items() if event_type.may_fall_short)
        # Ids of accounts are hashes: computing four for each payment would cost more than all its other arithmetic.
        self._templates: dict[tuple[str, str | None, str], tuple[EntryTemplate, ...]] = {}

    def templates(self, event_type: str, merchant_id: str | None, currency_code: str) -> tuple[EntryTemplate, ...]:
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

    def shortfalls(self, event_type: str, merchant_id: str | None, currency_code: str) -> Mapping[str, EntryTemplate]:
        """Return where entries of an event go as far as funds are short, by the account that they are short on."""
        if event_type not in self._falling_short:
            return {}
        templates = self.templates(event_type, merchant_id, currency_code)
        return {template.account_id: template.short for template in templates if template.short is not None}

    def direction_of(self, entries: Sequence[Entry]) -> Direction | None:
        """Return what entries do to the merchants' accounts together: by side, as what is owed counts against them."""
        owned = [entry for entry in entries if entry.merchant_id is not None]
        return _direction(
            sum(entry.amount_minor if entry.side is self.merchant_side else -entry.amount_minor for entry in owned)
        )


def account_id(kind: AccountKind, merchant_id: str | None, currency_code: str) -> str:
    """Return the one id of a kind's account in a currency; `merchant_id` is None for the platform's own."""
    return named_id("acc", kind.name, merchant_id or "", currency_code)


def parse(text: str, *, complete: bool = True) -> Chart:
    """Read a chart and prove it; one that an older build kept, and that need not know every event, is only read.

    Raises:
        ChartError: It names unknown kinds or amounts, lacks an event, an event's entries do not balance, or do not move
            its principal the way its direction says.
    """
    try:
        data = tomllib.loads(text)
        kinds = {name: _parse_kind(name, fields) for name, fields in data["kinds"].items()}
        types = {name: _parse_type(name, fields, kinds) for name, fields in data["types"].items()}
        chart = Chart(data["name"], kinds, types, text=text)
    except (tomllib.TOMLDecodeError, KeyError, ValueError, TypeError) as error:
        raise ChartError(f"the chart cannot be read: {error!r}") from error
    if complete:
        _prove(chart)
    return chart


def _direction(net: int) -> Direction | None:
    return None if net == 0 else Direction.CREDIT if net > 0 else Direction.DEBIT


def _template(rule: EntryRule, merchant_id: str | None, currency_code: str) -> EntryTemplate:
    owner = merchant_id if rule.kind.per_merchant else None
    short = None if rule.short is None else EntryRule(rule.short, rule.side, rule.amount)
    return EntryTemplate(
        amount=rule.amount,
        account_id=account_id(rule.kind, owner, currency_code),
        account_kind=rule.kind.name,
        merchant_id=owner,
        side=rule.side,
        effect=rule.kind.effect(rule.side),
        short=None if short is None else _template(short, merchant_id, currency_code),
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
    unknown = fields.keys() - {"direction", "entries", "ignores"}
    if unknown:
        raise ValueError(f"{name}: unknown {sorted(unknown)}")
    direction = fields.get("direction")  # TOML has no null: left out, it moves between a merchant's own accounts.
    if direction not in {None, "DEBIT", "CREDIT", EITHER}:
        raise ValueError(f"{name}: {direction!r} is not a direction")
    either = direction == EITHER
    return EventType(
        name,
        None if direction is None or either else Direction(direction),
        tuple(_parse_rule(name, entry, kinds) for entry in fields["entries"]),
        either=either,
        ignores=frozenset(fields.get("ignores", ())),
    )


def _parse_rule(type_name: str, entry: dict[str, str], kinds: Mapping[str, AccountKind]) -> EntryRule:
    verbs = entry.keys() & {"increase", "decrease"}
    if len(verbs) != 1 or entry.keys() - {"increase", "decrease", "amount", "short"}:
        raise ValueError(f"{type_name}: an entry says either increase or decrease, and an amount: {entry}")
    verb = verbs.pop()
    kind = kinds[entry[verb]]
    other = Side.CREDIT if kind.normal_side is Side.DEBIT else Side.DEBIT
    short = kinds[entry["short"]] if "short" in entry else None
    return EntryRule(kind, kind.normal_side if verb == "increase" else other, entry["amount"], short)


def _prove(chart: Chart) -> None:
    if chart.types.keys() != EVENT_AMOUNTS.keys():
        missing, unknown = EVENT_AMOUNTS.keys() - chart.types.keys(), chart.types.keys() - EVENT_AMOUNTS.keys()
        raise ChartError(f"{chart.name}: lacks entries for {sorted(missing)}, has some for unknown {sorted(unknown)}")
    for event_type in chart.types.values():
        _prove_balance(chart.name, event_type)
        _prove_owners(chart.name, event_type)
        _prove_direction(chart, event_type)
        for rule in event_type.rules:
            _prove_short(chart.name, event_type, rule)


def _prove_balance(chart_name: str, event_type: EventType) -> None:
    """Each amount must stand as often in debit as in credit: then the sums agree for all values of the amounts."""
    name, amounts = event_type.name, EVENT_AMOUNTS[event_type.name]
    unknown = ({rule.amount for rule in event_type.rules} | event_type.ignores) - amounts
    if unknown:
        raise ChartError(f"{chart_name}: {name} has no amount named {sorted(unknown)}")
    net: Counter[str] = Counter()
    for rule in event_type.rules:
        net[rule.amount] += 1 if rule.side is Side.DEBIT else -1
    for amount in sorted(amounts):
        if (amount in net) is (amount in event_type.ignores):
            said = "books what it ignores," if amount in net else "books no entry for"
            raise ChartError(f"{chart_name}: {name} {said} {amount}")
        if net[amount]:
            raise ChartError(
                f"{chart_name}: {name} does not balance: debits minus credits are {net[amount]} x {amount}"
            )


def _prove_direction(chart: Chart, event_type: EventType) -> None:
    """What the merchant gains or loses, fees apart, must be what the direction says, whatever the amounts will be."""
    net: Counter[str] = Counter()
    for rule in event_type.rules:
        if rule.kind.per_merchant and not rule.amount.startswith("fee"):
            net[rule.amount] += 1 if rule.side is chart.merchant_side else -1
    moved = {_direction(effect) for effect in net.values()} - {None}
    if event_type.either:
        return
    if moved != ({event_type.direction} - {None}):
        said = event_type.direction or "no direction"
        found = " and ".join(sorted(map(str, moved))) or "none"
        raise ChartError(f"{chart.name}: {event_type.name} says {said}, its entries say {found}")


def _prove_owners(chart_name: str, event_type: EventType) -> None:
    owned = [rule.kind.name for rule in event_type.rules if rule.kind.per_merchant]
    if owned and event_type.name in OF_PLATFORM:
        raise ChartError(f"{chart_name}: {event_type.name} is about no merchant, and books on {owned[0]}")


def _prove_short(chart_name: str, event_type: EventType, rule: EntryRule) -> None:
    """What goes elsewhere must lack funds where it comes from, and find no floor where it goes to."""
    if rule.short is None:
        return
    complaint = None
    if rule.kind.floor_minor is None or rule.kind.effect(rule.side) > 0:
        complaint = f"{rule.kind.name} cannot be short"
    elif rule.short.floor_minor is not None and rule.short.effect(rule.side) < 0:
        complaint = f"{rule.short.name} may be short itself"
    elif rule.short.per_merchant is not rule.kind.per_merchant:
        complaint = f"{rule.short.name} has another owner than {rule.kind.name}"
    elif [(other.kind, other.side) for other in event_type.rules].count((rule.kind, rule.side)) > 1:
        complaint = f"{rule.kind.name} stands there twice"
    if complaint is not None:
        raise ChartError(f"{chart_name}: {event_type.name}: {complaint}")
