"""What a merchant pays for a capture, and what of it returns with a refund: integers in minor units throughout."""

from dataclasses import dataclass

BASIS_POINTS = 10_000
"""Basis points in the whole."""


@dataclass(frozen=True, slots=True)
class CaptureTerms:
    """The part of a merchant's fee plan that is in force for one capture.

    Attributes:
        fee_plan_version: From 1.
        basis_points: Hundredths of a percent of the captured amount, 0..10000; 0 where the plan has no rule for the
            currency.
        fixed_minor: Charged once per payment, with its first capture.
        refund_fee_returned: Whether refunds of this payment return the fee in proportion.
    """

    fee_plan_version: int
    basis_points: int
    fixed_minor: int
    refund_fee_returned: bool


def capture_fee_minor(*, amount_minor: int, terms: CaptureTerms, first_capture: bool) -> int:
    """Return the fee of one capture: the share rounded half up, plus the fixed part, at most the amount itself."""
    share = _half_up(amount_minor * terms.basis_points, BASIS_POINTS)
    fixed = terms.fixed_minor if first_capture else 0
    return min(share + fixed, amount_minor)


def returned_fee_minor(
    *, fee_minor: int, given_minor: int, captured_minor: int, refunded_minor: int, amount_minor: int
) -> int:
    """Return the part of a fee that returns with a refund.

    All refunds together return their proportion of the fee, rounded half up once; this one takes what earlier ones
    left of it. So rounding never adds up, and the refund that leaves nothing captured takes the remainder exactly.

    Args:
        fee_minor: Charged for all captures.
        given_minor: What earlier refunds return of it, those still under way included.
        captured_minor: What was captured.
        refunded_minor: What earlier refunds give back, those still under way included.
        amount_minor: What this refund gives back.
    """
    together = _half_up(fee_minor * (refunded_minor + amount_minor), captured_minor)
    # Earlier refunds that failed took their parts with them, so the others may hold more than their proportion.
    return max(together - given_minor, 0)


def _half_up(numerator: int, denominator: int) -> int:
    """Divide two integers that are not negative; a half goes up."""
    return (2 * numerator + denominator) // (2 * denominator)
