"""What a refund gives back of each capture, and the part of its fee that returns with that. Pure.

A refund takes the capture that it names, else the oldest that is left, then the next. What returns of a fee follows the
terms that stand with its capture, so that a fee plan that changed between two captures changes nothing for the first.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from services.payment.domain import fee
from services.payment.domain.capture import Capture, kept_fee_minor, refundable_minor


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundShare:
    """The part of a refund that one capture bears, in minor units of the payment's currency."""

    refund_id: str
    capture_id: str
    amount_minor: int
    fee_returned_minor: int


ShareChange = Callable[[Capture, RefundShare], Capture]
"""What a change of a refund does to a capture that bears a share of it."""


def spread(captures: Iterable[Capture], *, refund_id: str, amount_minor: int, unasked: bool) -> list[RefundShare]:
    """Spread a refund over captures, in their order; what they have not left of it is left out.

    `unasked` says that paystream gives back by itself, which returns the fee whatever the terms are.
    """
    shares, left_minor = [], amount_minor
    for capture in captures:
        part_minor = min(left_minor, refundable_minor(capture))
        if part_minor > 0:
            left_minor -= part_minor
            shares.append(
                RefundShare(
                    refund_id=refund_id,
                    capture_id=capture.capture_id,
                    amount_minor=part_minor,
                    fee_returned_minor=_returned_fee_minor(capture, part_minor, unasked=unasked),
                )
            )
    return shares


def hold(capture: Capture, share: RefundShare) -> Capture:
    """Return a capture of which a refund just made takes its share."""
    return replace(
        capture,
        refunding_minor=capture.refunding_minor + share.amount_minor,
        fee_returning_minor=capture.fee_returning_minor + share.fee_returned_minor,
    )


def hold_all(captures: Iterable[Capture], shares: Sequence[RefundShare]) -> list[Capture]:
    """Return the captures that bear shares of a refund just made, in the order of the shares."""
    by_id = {capture.capture_id: capture for capture in captures}
    return [hold(by_id[share.capture_id], share) for share in shares]


def release(capture: Capture, share: RefundShare) -> Capture:
    """Return a capture of which a refund that failed took nothing."""
    return replace(
        capture,
        refunding_minor=capture.refunding_minor - share.amount_minor,
        fee_returning_minor=capture.fee_returning_minor - share.fee_returned_minor,
    )


def pay(capture: Capture, share: RefundShare) -> Capture:
    """Return a capture of which a refund that succeeded gave back its share."""
    released = release(capture, share)
    return replace(
        released,
        refunded_minor=released.refunded_minor + share.amount_minor,
        fee_returned_minor=released.fee_returned_minor + share.fee_returned_minor,
    )


def fit(shares: Iterable[RefundShare], amount_minor: int) -> list[RefundShare]:
    """Return the shares of a refund that turned out to be of a smaller amount; of the fee, their proportion."""
    return _capped([(share, share.amount_minor) for share in shares], amount_minor)


def backed(shares: Iterable[RefundShare], captures: Iterable[Capture], amount_minor: int) -> list[RefundShare]:
    """Return what bears a refund that was thought to have failed: its shares, as far as captures still have them.

    Refunds made since may have taken its part of a fee, to the rounding of each: no more returns than was charged.
    """
    by_id = {capture.capture_id: capture for capture in captures}
    left = {capture_id: refundable_minor(capture) for capture_id, capture in by_id.items()}
    borne = _capped([(share, left.get(share.capture_id, 0)) for share in shares], amount_minor)
    kept = [kept_fee_minor(by_id[share.capture_id]) for share in borne]
    return [
        replace(share, fee_returned_minor=min(share.fee_returned_minor, kept_minor))
        for share, kept_minor in zip(borne, kept, strict=True)
    ]


def differences(shares: Sequence[RefundShare], kept: Iterable[RefundShare]) -> list[RefundShare]:
    """Return what of shares is not kept; those that are kept whole are left out."""
    rest = {share.capture_id: share for share in kept}
    none = [replace(share, amount_minor=0, fee_returned_minor=0) for share in shares]
    given = [(share, rest.get(share.capture_id, nothing)) for share, nothing in zip(shares, none, strict=True)]
    return [
        replace(
            share,
            amount_minor=share.amount_minor - left.amount_minor,
            fee_returned_minor=share.fee_returned_minor - left.fee_returned_minor,
        )
        for share, left in given
        if share.amount_minor > left.amount_minor
    ]


def pay_late(capture: Capture, share: RefundShare) -> Capture:
    """Return a capture of which a refund gave back a share that was not held."""
    return replace(
        capture,
        refunded_minor=capture.refunded_minor + share.amount_minor,
        fee_returned_minor=capture.fee_returned_minor + share.fee_returned_minor,
    )


def take_back(capture: Capture, share: RefundShare) -> Capture:
    """Return a capture whose share of a refund came back."""
    return replace(
        capture,
        refunded_minor=capture.refunded_minor - share.amount_minor,
        fee_returned_minor=capture.fee_returned_minor - share.fee_returned_minor,
    )


def charged_again(taken: Iterable[RefundShare], captures: Iterable[Capture]) -> list[RefundShare]:
    """Return shares that came back with the fee that is charged again: none of a capture of which all has bounced."""
    bounced = {capture.capture_id for capture in captures if capture.reversed_minor == capture.carried_out_minor}
    return [replace(share, fee_returned_minor=0) if share.capture_id in bounced else share for share in taken]


def _capped(limited: Iterable[tuple[RefundShare, int]], amount_minor: int) -> list[RefundShare]:
    """Return shares of at most their limits, and of an amount together; a part returns its proportion of the fee."""
    capped, left_minor = [], amount_minor
    for share, limit_minor in limited:
        part_minor = min(share.amount_minor, limit_minor, left_minor)
        if part_minor > 0:
            left_minor -= part_minor
            fee_minor = share.fee_returned_minor * part_minor // share.amount_minor
            capped.append(replace(share, amount_minor=part_minor, fee_returned_minor=fee_minor))
    return capped


def _returned_fee_minor(capture: Capture, amount_minor: int, *, unasked: bool) -> int:
    if not (unasked or capture.refund_fee_returned):
        return 0
    returned = fee.returned_fee_minor if capture.refund_fee_returned else fee.own_returned_fee_minor
    return returned(
        fee_minor=capture.fee_minor,
        given_minor=capture.fee_returned_minor + capture.fee_returning_minor,
        captured_minor=capture.carried_out_minor,
        refunded_minor=capture.refunded_minor + capture.refunding_minor + capture.reversed_minor,
        amount_minor=amount_minor,
    )
