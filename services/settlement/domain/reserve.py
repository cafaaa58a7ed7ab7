"""Reserves that settlements hold back: released, consumed, or held longer. Pure.

A reserve is moved by one transfer at a time: `reserve_due_at` is None while the ledger has not answered.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from paykit.errors import DomainError, FieldInvalid, Kind
from paystream.settlement.v1 import events
from services.settlement.domain.fund_transfer import ASK_AGAIN_AFTER, FundTransfer, TransferKind
from services.settlement.domain.lifecycle import SettlementAction, next_state
from services.settlement.domain.settlement import Settlement, change_facts, next_revision

EXTENSION_MAX = timedelta(days=3_650)
"""The longest that a reserve can be held from now on."""


class ReserveNotHeld(DomainError):
    """The settlement holds no reserve, or the ledger is moving it at this moment."""

    kind = Kind.FAILED_PRECONDITION
    reason = "RESERVE_NOT_HELD"


def release(
    settlement: Settlement, *, transfer_id: str, now: datetime
) -> tuple[Settlement, FundTransfer, events.ReserveReleased]:
    """Ask the ledger to release what is left of a reserve.

    Raises:
        IllegalTransition: The settlement is not booked.
        ReserveNotHeld: Nothing is left, or is being moved.
    """
    amount_minor = _require_held(settlement, SettlementAction.RELEASE_RESERVE)
    moving, transfer = _move(settlement, TransferKind.RELEASE, transfer_id, amount_minor, now)
    event = events.ReserveReleased(**change_facts(moving), release_id=transfer_id, amount_minor=amount_minor)
    return moving, transfer, event


def consume(
    settlement: Settlement, *, shortfall_minor: int, transfer_id: str, now: datetime
) -> tuple[Settlement, FundTransfer, events.ReserveConsumed]:
    """Ask the ledger to have a reserve, as far as it goes, make up for what is missing in the settlement account.

    Raises:
        IllegalTransition: The settlement is not booked.
        ReserveNotHeld: Nothing is left, or is being moved.
    """
    amount_minor = min(shortfall_minor, _require_held(settlement, SettlementAction.CONSUME_RESERVE))
    moving, transfer = _move(settlement, TransferKind.CONSUMPTION, transfer_id, amount_minor, now)
    event = events.ReserveConsumed(**change_facts(moving), consumption_id=transfer_id, amount_minor=amount_minor)
    return moving, transfer, event


def extend(
    settlement: Settlement, *, release_at: datetime, reason: str, now: datetime
) -> tuple[Settlement, events.ReserveExtended]:
    """Hold what is left of a reserve longer.

    Raises:
        IllegalTransition: The settlement is not booked.
        ReserveNotHeld: Nothing is left, or is being moved.
        FieldInvalid: The time is not later than the present one, or too late.
    """
    left_minor = _require_held(settlement, SettlementAction.EXTEND_RESERVE)
    earliest = max(settlement.reserve_release_at or now, now)
    if not earliest < release_at <= now + EXTENSION_MAX:
        message = f"reserve_release_time must be after {earliest.isoformat()} and at most ten years from now."
        raise FieldInvalid(message, field="reserve_release_time")
    extended = replace(
        settlement, **next_revision(settlement, now), reserve_release_at=release_at, reserve_due_at=release_at
    )
    return extended, events.ReserveExtended(
        **change_facts(extended), amount_minor=left_minor, reserve_release_at=release_at, reason=reason
    )


def moved(settlement: Settlement, transfer: FundTransfer, *, now: datetime) -> Settlement:
    """Record that the ledger moved a reserve, or part of it."""
    if transfer.kind is TransferKind.RELEASE:
        changed = replace(
            settlement,
            released_minor=settlement.released_minor + transfer.settlement_minor,
            reserve_released_at=now,
            update_time=now,
        )
    else:
        consumed_minor = settlement.consumed_minor + transfer.settlement_minor
        changed = replace(settlement, consumed_minor=consumed_minor, update_time=now)
    return _waiting(changed, changed.reserve_release_at)


def not_moved(
    settlement: Settlement, transfer: FundTransfer, *, in_ledger_minor: int, reason: str, now: datetime
) -> Settlement:
    """Record that the ledger would not move a reserve: what it does not hold any more counts as consumed.

    A release of the rest is due at once; where the ledger seems to hold all of it, the same is asked again later.

    Args:
        settlement: Whose reserve it is.
        transfer: What was refused.
        in_ledger_minor: What the ledger holds in the merchant's reserve, without what it was asked to move besides.
        reason: Why.
        now: When.
    """
    gone_minor = settlement.reserve_left_minor - max(0, in_ledger_minor)
    refused = replace(settlement, reserve_refusal=reason, update_time=now)
    if transfer.kind is TransferKind.CONSUMPTION:
        due_at = settlement.reserve_release_at
    else:
        due_at = now if gone_minor > 0 else now + ASK_AGAIN_AFTER
    return _waiting(replace(refused, consumed_minor=settlement.consumed_minor + max(0, gone_minor)), due_at)


def release_refused(
    settlement: Settlement, transfer: FundTransfer, *, reason: str, now: datetime
) -> tuple[Settlement, events.ReserveReleaseRefused]:
    """Tell that the ledger would not release what was left of a reserve."""
    told = replace(settlement, **next_revision(settlement, now))
    return told, events.ReserveReleaseRefused(
        **change_facts(told), release_id=transfer.transfer_id, amount_minor=transfer.settlement_minor, reason=reason
    )


def _move(
    settlement: Settlement, kind: TransferKind, transfer_id: str, amount_minor: int, now: datetime
) -> tuple[Settlement, FundTransfer]:
    transfer = FundTransfer(
        transfer_id=transfer_id,
        kind=kind,
        merchant_id=settlement.merchant_id,
        currency_code=settlement.currency_code,
        settlement_id=settlement.settlement_id,
        settlement_minor=amount_minor,
        create_time=now,
        update_time=now,
    )
    return replace(settlement, **next_revision(settlement, now), reserve_due_at=None), transfer


def _require_held(settlement: Settlement, action: SettlementAction) -> int:
    next_state(settlement.state, action)
    if settlement.reserve_due_at is None:
        message = f"{settlement.settlement_id} holds no reserve that could be moved."
        raise ReserveNotHeld(message, settlement_id=settlement.settlement_id)
    return settlement.reserve_left_minor


def _waiting(settlement: Settlement, due_at: datetime | None) -> Settlement:
    return replace(settlement, reserve_due_at=due_at if settlement.reserve_left_minor else None)
