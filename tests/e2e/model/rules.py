"""The arithmetic of the line and the channel's table of amounts, written a second time, from the documents alone."""

from dataclasses import dataclass

WHOLE = 10_000
"""Basis points in the whole, and the digits of an amount that decide what the channel does with it."""
FAILING = frozenset({9_001, 9_002, 9_004, 9_008, 9_009})
"""Declined, declined, never received, declined later, declined and then approved after all."""
CONTRADICTED = 9_009
DONE_AFTER_ALL = frozenset({CONTRADICTED, 9_017})
"""Declined, and then approved after all, where money comes in; it is given back, with 9017 at the third try."""
RETURNED = 9_010
DISPUTED_WON, DISPUTED_LOST = 9_011, 9_012
"""A capture that the payer disputes; contesting wins, or loses."""
PART, PART_OF = 9_013, 5_000
"""What comes in is approved down to a whole multiple."""
APPROVED_AGAIN, UNDONE, RETURNED_SHORT = 9_014, 9_015, 9_016
"""Done twice; done, and then not; a payout that comes back less BANK_FEE."""
BANK_FEE = 1_500
WAITS = {9_021: "redirect_to_url", 9_022: "three_d_secure_challenge", 9_023: "display_code", 9_024: "display_code"}
"""An authorization or charge that waits for its payer, and what for; the voucher, 9024, is called off by nobody."""
DOES, REFUSES = 9_025, 9_026
"""The payer does what the channel waits for by itself, or refuses."""
SPECIAL_MIN, SPECIAL_MAX = 9_001, 9_026


@dataclass(frozen=True, slots=True)
class Fees:
    """What one merchant pays in one currency."""

    basis_points: int
    fixed_minor: int
    returned: bool


def half_up(numerator: int, denominator: int) -> int:
    """Divide; a half goes up."""
    return (2 * numerator + denominator) // (2 * denominator)


def capture_fee(fees: Fees, amount_minor: int, *, captured: int, charged: int) -> int:
    """Give the fee of a capture: that of all captures so far, never more than they are, less what was charged."""
    total = captured + amount_minor
    together = min(half_up(total * fees.basis_points, WHOLE) + fees.fixed_minor, total)
    return min(max(together - charged, 0), amount_minor)


def returned_fee(*, fee: int, given: int, captured: int, refunded: int, amount: int) -> int:
    """Give what of a capture's fee returns with a refund: all refunds return their proportion, the last the rest."""
    proportion = half_up(fee * (refunded + amount), captured) - given
    return min(max(proportion, 0), amount, fee - given)


def own_returned_fee(*, fee: int, given: int, captured: int, refunded: int, amount: int) -> int:
    """Give what returns with what paystream gives back by itself, under terms that return nothing else."""
    part = half_up(fee * (refunded + amount), captured) - half_up(fee * refunded, captured)
    return min(part, fee - given)


def reserve(total_minor: int, released_minor: int, basis_points: int) -> int:
    """Give what a settlement holds back; what was released from earlier ones is not held again."""
    return half_up(max(total_minor - released_minor, 0) * basis_points, WHOLE)


def succeeds(amount_minor: int) -> bool:
    """Say whether the channel does what is asked of it with this amount, at once or soon."""
    return amount_minor % WHOLE not in FAILING


def brings_in(amount_minor: int) -> bool:
    """Say whether an authorization, charge or capture of this amount succeeds."""
    return amount_minor % WHOLE not in FAILING | DONE_AFTER_ALL


def waits_for(amount_minor: int) -> str:
    """Say what an authorization or charge of this amount waits for until somebody plays the payer; `""` for nothing."""
    return WAITS.get(amount_minor % WHOLE, "")


def begins(amount_minor: int) -> bool:
    """Say whether an authorization or charge of this amount succeeds, once its payer has done what there is to do."""
    return brings_in(amount_minor) and amount_minor % WHOLE != REFUSES


def approved(amount_minor: int) -> int:
    """Give what the channel takes when it is asked for an amount, and takes anything."""
    return amount_minor - amount_minor % PART_OF if amount_minor % WHOLE == PART else amount_minor


def ends_done(amount_minor: int) -> bool:
    """Say whether a refund of this amount is done in the end, whatever was said before."""
    return succeeds(amount_minor) or amount_minor % WHOLE == CONTRADICTED


def ordinary(amount_minor: int) -> int:
    """Give an amount near the given one, at least 1, that the channel treats like any other."""
    excess = amount_minor % WHOLE - SPECIAL_MIN + 1
    return max(amount_minor - (excess if 0 < excess <= SPECIAL_MAX - SPECIAL_MIN + 1 else 0), 1)


def with_fate(most_minor: int, fate: int | None) -> int:
    """Give the largest amount up to `most_minor` that meets a fate; an ordinary one where there is none."""
    if fate is None or most_minor < fate:
        return ordinary(most_minor)
    return (most_minor - fate) // WHOLE * WHOLE + fate
