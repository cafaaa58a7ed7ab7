"""What a merchant pays for a capture, and what of it returns with a refund: integers in minor units throughout."""

from dataclasses import dataclass
from typing import TypedDict

from paykit.errors import DomainError, Kind

BASIS_POINTS = 10_000
"""Basis points in the whole."""


class FeeRuleMissing(DomainError):
    """The merchant's fee plan says nothing about this currency; metadata says which."""

    kind = Kind.FAILED_PRECONDITION
    reason = "FEE_RULE_MISSING"


@dataclass(frozen=True, slots=True)
class CaptureTerms:
    """The part of a merchant's fee plan that is in force for one capture.

    Attributes:
        fee_plan_version: From 1.
        basis_points: Hundredths of a percent of what is captured, 0..10000; 0 where the plan has no rule for the
            currency any more, which it had when the payment was accepted.
        fixed_minor: Charged once per payment.
        refund_fee_returned: Whether refunds of this capture return its fee in proportion.
    """

    fee_plan_version: int
    basis_points: int
    fixed_minor: int
    refund_fee_returned: bool


class TermsFacts(TypedDict):
    """The fields of events that tell the terms of a fee."""

    fee_plan_version: int
    fee_basis_points: int
    fee_fixed_minor: int


def terms_facts(terms: CaptureTerms) -> TermsFacts:
    """Return what an event tells of the terms in force."""
    return {
        "fee_plan_version": terms.fee_plan_version,
        "fee_basis_points": terms.basis_points,
        "fee_fixed_minor": terms.fixed_minor,
    }


def rule_missing(merchant_id: str, currency_code: str) -> FeeRuleMissing:
    """Return the refusal of a payment whose fee is not agreed: a mistake in a plan costs nobody its fees."""
    return FeeRuleMissing(
        f"The merchant's fee plan has no rule for {currency_code}, no default, and is not free.",
        field="amount.currency_code",
        merchant_id=merchant_id,
        currency_code=currency_code,
    )


def capture_fee_minor(*, amount_minor: int, terms: CaptureTerms, captured_minor: int, fee_minor: int) -> int:
    """Return the fee of one capture: that of all captures so far by its terms, less what was charged for the others.

    So neither the rounding nor the cap at what was captured depends on how a payment is captured in parts.

    Args:
        amount_minor: What is captured.
        terms: In force for this capture.
        captured_minor: By the payment's earlier captures.
        fee_minor: Charged for those.

    Returns: From 0 to the amount itself; a plan that became cheaper gives nothing back.
    """
    total_minor = captured_minor + amount_minor
    share_minor = _half_up(total_minor * terms.basis_points, BASIS_POINTS)
    together_minor = min(total_minor, share_minor + terms.fixed_minor)
    return min(max(together_minor - fee_minor, 0), amount_minor)


def returned_fee_minor(
    *, fee_minor: int, given_minor: int, captured_minor: int, refunded_minor: int, amount_minor: int
) -> int:
    """Return the part of a capture's fee that returns with a refund, where its terms return the fee.

    All refunds of the capture together return their proportion, rounded half up once; this one takes what earlier ones
    left of it. So rounding never adds up. What failed refunds released is caught up with, as far as a refund is worth:
    never more than itself returns. As no fee is more than its capture, what is left of it then never exceeds what is
    left to be refunded, so that the last refund takes the remainder exactly.

    Args:
        fee_minor: Charged for the capture.
        given_minor: What earlier refunds return of it, those still under way included, and what bounced.
        captured_minor: What was captured.
        refunded_minor: What earlier refunds give back, those still under way included, and what bounced.
        amount_minor: What this refund gives back.
    """
    kept_minor = fee_minor - given_minor
    proportion_minor = _half_up(fee_minor * (refunded_minor + amount_minor), captured_minor) - given_minor
    return min(max(proportion_minor, 0), amount_minor, kept_minor)


def own_returned_fee_minor(
    *, fee_minor: int, given_minor: int, captured_minor: int, refunded_minor: int, amount_minor: int
) -> int:
    """Return the part of a capture's fee that returns with what paystream gives back, where its terms return none.

    It is the fee of this very part: what refunds before gave back without its fee stays charged.

    Args:
        fee_minor: Charged for the capture.
        given_minor: What earlier refunds return of it, those still under way included, and what bounced.
        captured_minor: What was captured.
        refunded_minor: What earlier refunds give back, those still under way included, and what bounced.
        amount_minor: What this refund gives back.
    """
    before_minor = _half_up(fee_minor * refunded_minor, captured_minor)
    part_minor = _half_up(fee_minor * (refunded_minor + amount_minor), captured_minor) - before_minor
    return min(part_minor, fee_minor - given_minor)


def _half_up(numerator: int, denominator: int) -> int:
    """Divide two integers that are not negative; a half goes up."""
    return (2 * numerator + denominator) // (2 * denominator)
