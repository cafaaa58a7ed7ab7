"""Reserves that settlements hold back, and their release. Pure."""

from dataclasses import replace
from datetime import datetime

from paykit.errors import IllegalTransition
from paystream.settlement.v1 import events
from services.settlement.domain.settlement import Settlement, SettlementAction, next_revision, next_state


def release_reserve(settlement: Settlement, *, now: datetime) -> tuple[Settlement, events.ReserveReleased]:
    """Ask the ledger to release the reserve that a settlement held back.

    Raises:
        IllegalTransition: It is not booked, or holds no reserve any more.
    """
    next_state(settlement.state, SettlementAction.RELEASE_RESERVE)
    if settlement.reserve_released_at is not None or not settlement.reserve_held_minor:
        raise _illegal_release(settlement, "holds no reserve")
    released = replace(settlement, **next_revision(settlement, now), reserve_released_at=now)
    return released, events.ReserveReleased(
        occurred_at=now,
        merchant_id=released.merchant_id,
        aggregate_version=released.aggregate_version,
        settlement_id=released.settlement_id,
        amount_minor=released.reserve_held_minor,
        currency_code=released.currency_code,
        release_id=None,
    )


def refuse_release(settlement: Settlement, *, reason: str, now: datetime) -> Settlement:
    """Record that the ledger would not release the reserve; no event tells of it, for the ledger's did.

    Raises:
        IllegalTransition: The ledger was never asked to.
    """
    if settlement.reserve_released_at is None:
        raise _illegal_release(settlement, "has released no reserve")
    return replace(settlement, reserve_refusal=reason, update_time=now)


def _illegal_release(settlement: Settlement, why: str) -> IllegalTransition:
    return IllegalTransition(
        f"{settlement.settlement_id} {why}.", state=settlement.state, action=SettlementAction.RELEASE_RESERVE
    )
