"""Fee plans: what a merchant pays, version by version. Pure."""

from dataclasses import dataclass, replace
from datetime import datetime

from paystream.merchant.v1.events import FeeRule


@dataclass(frozen=True, slots=True, kw_only=True)
class FeePlan:
    """One version of what a merchant pays.

    Attributes:
        version: From 1, one more with every change.
        fees: Ascending by currency_code.
        refund_fee_returned: Whether a refund returns the fee in proportion.
        default_basis_points: The fee of currencies without a rule, in hundredths of a percent; None where none is set.
        free: Whether currencies without a rule cost no fee. Without this and a default nobody pays in them.
        effective_time: From when it is in force, until the next version's.
    """

    version: int
    fees: tuple[FeeRule, ...]
    refund_fee_returned: bool
    default_basis_points: int | None
    free: bool
    effective_time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class FeePlanTerms:
    """What a caller says about fees: a fee plan before it has a version and a time."""

    fees: tuple[FeeRule, ...] = ()
    refund_fee_returned: bool = False
    default_basis_points: int | None = None
    free: bool = False


def first(terms: FeePlanTerms, *, now: datetime) -> FeePlan:
    """Make the first version, in force at once."""
    return _version(terms, 1, now)


def following(present: FeePlan, terms: FeePlanTerms | None, *, now: datetime) -> FeePlan:
    """Make the version that follows, in force at once; the present one where there are no terms, or the same."""
    if terms is None:
        return present
    plan = _version(terms, present.version + 1, now)
    same = replace(plan, version=present.version, effective_time=present.effective_time) == present
    return present if same else plan


def _version(terms: FeePlanTerms, version: int, now: datetime) -> FeePlan:
    fees = tuple(sorted(terms.fees, key=lambda fee: fee.currency_code))
    return FeePlan(
        version=version,
        fees=fees,
        refund_fee_returned=terms.refund_fee_returned,
        default_basis_points=terms.default_basis_points,
        free=terms.free,
        effective_time=now,
    )
