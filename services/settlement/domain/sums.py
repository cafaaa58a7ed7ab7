"""Sums of items, by what they are, and the part of them that is held back. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypedDict

from paykit.money import AMOUNT_MINOR_MAX
from paystream.merchant.v1.events import ReserveBase
from services.settlement.domain.item import ItemKind
from services.settlement.domain.item_form import CollectedItem


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums:
    """Sums of items, by what they are; below zero where they take from the merchant."""

    item_count: int = 0
    payments_minor: int = 0
    refunds_minor: int = 0
    fees_minor: int = 0
    disputes_minor: int = 0
    reserve_released_minor: int = 0
    adjustments_minor: int = 0

    @property
    def total_minor(self) -> int:
        """The sum of all of them."""
        return (
            self.payments_minor
            + self.refunds_minor
            + self.fees_minor
            + self.disputes_minor
            + self.reserve_released_minor
            + self.adjustments_minor
        )

    def __add__(self, other: "Sums") -> "Sums":
        """Return the sums of the items of both."""
        return Sums(**{name: getattr(self, name) + getattr(other, name) for name in Sums.__dataclass_fields__})


class SumFacts(TypedDict):
    """The fields in which events tell sums."""

    item_count: int
    payments_minor: int
    refunds_minor: int
    fees_minor: int
    disputes_minor: int
    reserve_released_minor: int
    adjustments_minor: int


def sum_facts(sums: Sums) -> SumFacts:
    """Return sums as events tell them."""
    return {
        "item_count": sums.item_count,
        "payments_minor": sums.payments_minor,
        "refunds_minor": sums.refunds_minor,
        "fees_minor": sums.fees_minor,
        "disputes_minor": sums.disputes_minor,
        "reserve_released_minor": sums.reserve_released_minor,
        "adjustments_minor": sums.adjustments_minor,
    }


_WHOLE_BASIS_POINTS = 10_000

_SUM_OF = MappingProxyType(
    {
        ItemKind.PAYMENT: "payments_minor",
        ItemKind.REFUND: "refunds_minor",
        ItemKind.DISPUTE: "disputes_minor",
        ItemKind.RESERVE_RELEASE: "reserve_released_minor",
        ItemKind.ADJUSTMENT: "adjustments_minor",
        ItemKind.RECOVERY: "adjustments_minor",
        ItemKind.RESERVE_CONSUMPTION: "adjustments_minor",
    }
)


def sums_of(items: Sequence[CollectedItem]) -> Sums:
    """Sum items up."""
    sums: dict[str, int] = dict.fromkeys(Sums.__dataclass_fields__, 0)
    sums["item_count"] = len(items)
    for item in items:
        sums[_SUM_OF[item.kind]] += item.amount_minor
        sums["fees_minor"] += item.fee_minor
    return Sums(**sums)


def parts_of(items: Sequence[CollectedItem]) -> list[list[CollectedItem]]:
    """Cut items into as few parts as one settlement can hold each; as a rule, one."""
    effects_minor = [item.amount_minor + item.fee_minor for item in items]
    if sum(effect_minor for effect_minor in effects_minor if effect_minor > 0) <= AMOUNT_MINOR_MAX:
        return [list(items)]
    parts: list[list[CollectedItem]] = [[]]
    total_minor = 0
    for item, effect_minor in zip(items, effects_minor, strict=True):
        if parts[-1] and total_minor + effect_minor > AMOUNT_MINOR_MAX:
            parts.append([])
            total_minor = 0
        parts[-1].append(item)
        total_minor += effect_minor
    return parts


def reserve_minor(sums: Sums, basis_points: int, base: ReserveBase = ReserveBase.NET) -> int:
    """Return the part of a settlement to hold back, rounded half up, and at most its total.

    Net it is a part of the total, without what was released before and is not held again; gross, of the payments before
    refunds, fees and disputes.
    """
    of_minor = sums.payments_minor if base is ReserveBase.GROSS else sums.total_minor - sums.reserve_released_minor
    held_minor = (2 * max(of_minor, 0) * basis_points + _WHOLE_BASIS_POINTS) // (2 * _WHOLE_BASIS_POINTS)
    return min(held_minor, max(sums.total_minor, 0))
