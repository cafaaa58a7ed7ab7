"""Rules by which lines and movements of a channel belong together, and how far they may differ. Pure.

Rules stand in the order in which they are tried:

    [[rule]]
    kind = "REFERENCE"                # both name the same thing
    by = "channel_reference"          # or attempt_id, related_no
    tolerance_minor = 0               # of amounts, in minor units
    tolerance_basis_points = 0        # and of what is recorded; the larger of both counts
    [[rule]]
    kind = "TEXT"                     # the line's text holds one of our ids
    [[rule]]
    kind = "WINDOW"                   # lines without references: same operation and amount, dates this near
    days = 2
    [[rule]]
    kind = "BATCH"                    # one line for all movements of a day, so many days before it
    operation = "CAPTURE"             # or another that moves money
    lag_days = 1
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from paykit.base.four_eyes import require_another
from paykit.cause import NO_CALL, CreatingCall
from paykit.clock import no_earlier
from paykit.errors import DomainError, Kind
from services.reconciliation.domain.formats.movements import REVERSALS

RULES_MAX = 20
CONTENT_CHARACTERS_MAX = 10_000
DAYS_MAX = 31
HOURS_MAX = 24 * 90
MINOR_MAX = 2**53 - 1
BASIS_POINTS_MAX = 10_000
BATCH_OPERATIONS = tuple(REVERSALS)
"""What a line can sum up: movements are of these, all of which may go back; lines of others have no movements."""


class RuleKind(StrEnum):
    """How lines and movements are told to belong together."""

    REFERENCE = "REFERENCE"
    TEXT = "TEXT"
    WINDOW = "WINDOW"
    BATCH = "BATCH"


class Reference(StrEnum):
    """What both sides may name."""

    CHANNEL_REFERENCE = "channel_reference"
    ATTEMPT_ID = "attempt_id"
    RELATED_NO = "related_no"


class RuleSetInvalid(DomainError):
    """The rules cannot be used; `path` says where."""

    kind = Kind.INVALID_ARGUMENT
    reason = "RULE_SET_INVALID"


class RuleSetNotFound(DomainError):
    """No rule set has this id."""

    kind = Kind.NOT_FOUND
    reason = "RULE_SET_NOT_FOUND"


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchingRule:
    """One rule; what its kind does not use is left at its default.

    Attributes:
        tolerance_minor: By how much amounts may differ, in minor units.
        tolerance_basis_points: The same, of the amount recorded; the larger of both counts.
        days: WINDOW: by how many days dates may differ.
        operation: BATCH: what the line sums up, one of BATCH_OPERATIONS; empty of a rule that matches nothing.
        lag_days: BATCH: days from the movements to the line.
    """

    kind: RuleKind
    by: Reference = Reference.CHANNEL_REFERENCE
    tolerance_minor: int = 0
    tolerance_basis_points: int = 0
    days: int = 0
    operation: str = ""
    lag_days: int = 0

    @property
    def name(self) -> str:
        """As outcomes show it."""
        return f"{self.kind}:{self.by}" if self.kind is RuleKind.REFERENCE else str(self.kind)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fee:
    """What the channel is to keep of a capture: round half up (amount x basis points / 10,000) + fixed."""

    basis_points: int
    fixed_minor: int = 0
    tolerance_minor: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The rules of a channel.

    Attributes:
        channel_hours: How long a line may come after its movement.
        internal_minutes: How long a movement may come after its line.
        fee: None where fees of the channel are not looked at.
        conversion_tolerance_minor: By how much an amount that the channel converted may differ.
    """

    rules: tuple[MatchingRule, ...]
    channel_hours: int = 72
    internal_minutes: int = 60
    fee: Fee | None = None
    conversion_tolerance_minor: int = 1

    @property
    def channel_sla(self) -> timedelta:
        """After which a movement without a line is missing at the channel."""
        return timedelta(hours=self.channel_hours)

    @property
    def internal_sla(self) -> timedelta:
        """After which a line without a movement is missing here."""
        return timedelta(minutes=self.internal_minutes)


class RuleSetState(StrEnum):
    """One set of a channel is ACTIVE at a time, or none."""

    DRAFT = "DRAFT"
    ACTIVE = "ACTIVE"
    REPLACED = "REPLACED"


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSet:
    """A version of a channel's rules.

    Attributes:
        version: From 1, by channel.
        content: The rules as TOML.
        reason: Why, by the proposer.
        activator: Who activated it, another person.
        creating_call: The call that made it.
    """

    rule_set_id: str
    channel: str
    version: int
    state: RuleSetState
    content: str
    proposer: str
    reason: str
    activator: str | None = None
    creating_call: CreatingCall = NO_CALL
    create_time: datetime
    update_time: datetime


def activate(rule_set: RuleSet, *, activator: str | None, now: datetime) -> RuleSet:
    """Have a channel's lines matched by a rule set from now on, as another person than its proposer.

    Raises:
        SamePerson: The caller proposed it, or has no name.
    """
    another = require_another(activator, than=rule_set.proposer, role="proposer")
    return replace(
        rule_set, state=RuleSetState.ACTIVE, activator=another, update_time=no_earlier(now, rule_set.update_time)
    )


def replaced(rule_set: RuleSet, *, now: datetime) -> RuleSet:
    """Return a rule set that another takes the place of."""
    return replace(rule_set, state=RuleSetState.REPLACED, update_time=no_earlier(now, rule_set.update_time))


def not_found(rule_set_id: str) -> RuleSetNotFound:
    """Refuse an id that no rule set has."""
    message = f"There is no rule set {rule_set_id}."
    return RuleSetNotFound(message, field="rule_set_id", rule_set_id=rule_set_id)


def fee_of(fee: Fee, amount_minor: int) -> int:
    """Return what a channel is to keep of a capture, in minor units."""
    return (amount_minor * fee.basis_points + 5_000) // 10_000 + fee.fixed_minor


def parse(content: str, *, kept: bool = False) -> Rules:
    """Read rules.

    Args:
        content: The rules as TOML.
        kept: Whether they were accepted before. There was a time when any text was taken for an operation: such a rule
            matches nothing, as ever, and holds up no other.

    Raises:
        RuleSetInvalid: The text is no TOML, or a rule is wrong.
    """
    try:
        table = tomllib.loads(content)
    except (ValueError, RecursionError) as error:
        # No TOML; or a number of thousands of digits, or values that deep inside one another.
        raise _invalid("content", f"is no TOML: {error}") from error
    _require_known(table, {"rule", "fee", "channel_hours", "internal_minutes", "conversion_tolerance_minor"}, "")
    raw_rules = table.get("rule")
    if not isinstance(raw_rules, list) or not 1 <= len(raw_rules) <= RULES_MAX:
        raise _invalid("rule", f"must be 1 to {RULES_MAX} tables")
    return Rules(
        rules=tuple(_rule(raw, f"rule[{at}]", kept=kept) for at, raw in enumerate(raw_rules)),
        channel_hours=_number(table, "channel_hours", "", default=72, most=HOURS_MAX),
        internal_minutes=_number(table, "internal_minutes", "", default=60, most=HOURS_MAX * 60),
        fee=_fee(table["fee"]) if "fee" in table else None,
        conversion_tolerance_minor=_number(table, "conversion_tolerance_minor", "", default=1, most=MINOR_MAX),
    )


def _rule(raw: Any, path: str, *, kept: bool) -> MatchingRule:
    if not isinstance(raw, dict):
        raise _invalid(path, "must be a table")
    _require_known(raw, {field.name for field in fields(MatchingRule)}, path)
    kind = _choice(RuleKind, raw.get("kind"), f"{path}.kind")
    return MatchingRule(
        kind=kind,
        by=_choice(Reference, raw.get("by", Reference.CHANNEL_REFERENCE), f"{path}.by"),
        tolerance_minor=_number(raw, "tolerance_minor", path, default=0, most=MINOR_MAX),
        tolerance_basis_points=_number(raw, "tolerance_basis_points", path, default=0, most=BASIS_POINTS_MAX),
        days=_number(raw, "days", path, default=0, most=DAYS_MAX),
        operation=_operation(raw.get("operation", ""), kind, f"{path}.operation", kept=kept),
        lag_days=_number(raw, "lag_days", path, default=0, most=DAYS_MAX),
    )


def _operation(value: Any, kind: RuleKind, path: str, *, kept: bool) -> str:
    """Read what lines of a BATCH sum up; empty of other kinds, and where a kept rule names what there is not."""
    if kind is RuleKind.BATCH and value in BATCH_OPERATIONS:
        return str(value)
    if kept or (kind is not RuleKind.BATCH and value == ""):
        return ""
    if kind is RuleKind.BATCH:
        raise _invalid(path, f"must be one of {', '.join(BATCH_OPERATIONS)}")
    raise _invalid(path, "stands with kind BATCH, and nowhere else")


def _fee(raw: Any) -> Fee:
    if not isinstance(raw, dict):
        raise _invalid("fee", "must be a table")
    _require_known(raw, {field.name for field in fields(Fee)}, "fee")
    return Fee(
        basis_points=_number(raw, "basis_points", "fee", default=0, most=BASIS_POINTS_MAX),
        fixed_minor=_number(raw, "fixed_minor", "fee", default=0, most=MINOR_MAX),
        tolerance_minor=_number(raw, "tolerance_minor", "fee", default=0, most=MINOR_MAX),
    )


def _choice(choices: Any, value: Any, path: str) -> Any:
    try:
        return choices(value)
    except ValueError as error:
        raise _invalid(path, f"must be one of {', '.join(choices)}") from error


def _number(raw: Mapping[str, Any], name: str, path: str, *, default: int, most: int) -> int:
    value = raw.get(name, default)
    if type(value) is not int or not 0 <= value <= most:
        raise _invalid(f"{path}.{name}".lstrip("."), f"must be a whole number from 0 to {most}")
    return value


def _require_known(raw: Mapping[str, Any], known: set[str], path: str) -> None:
    unknown = sorted(raw.keys() - known)
    if unknown:
        raise _invalid(f"{path}.{unknown[0]}".lstrip("."), f"is not known here; there are {', '.join(sorted(known))}")


def _invalid(path: str, rule: str) -> RuleSetInvalid:
    return RuleSetInvalid(f"{path} {rule}.", field="content", path=path)
