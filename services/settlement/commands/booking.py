"""What the ledger says of settlements: booked, or refused; and the release of their reserves."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import structlog

from paykit.cause import Cause
from paykit.errors import DomainError
from paykit.ids import new_id
from paykit.postgres.database import Tx
from paystream.accounting.v1.events import TransactionCreated, TransactionRejected
from services.settlement.domain import closing
from services.settlement.domain import policy as policies
from services.settlement.domain import settlement as domain
from services.settlement.domain.item import BOOKING, RELEASE, effect_minor
from services.settlement.domain.settlement import (
    Settlement,
    SettlementAction,
    SettlementNotFound,
    SettlementState,
    Sums,
)
from services.settlement.store import policies as policy_store
from services.settlement.store import settlements as store

_OURS = frozenset({BOOKING, RELEASE})

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Told:
    """Something the ledger told of a settlement, and the cause of what follows."""

    event: TransactionCreated | TransactionRejected
    cause: Cause


async def complete_settlements(tx: Tx, told: Sequence[Told]) -> list[DomainError | None]:
    """Note which settlements the ledger booked; one refusal or None for each, in order.

    What was noted before changes nothing. Refusals: SettlementNotFound, IllegalTransition, BookingMismatch.

    Rows: settlement. Events: SettlementCompleted.
    """
    locked = await store.lock(tx, {each.event.related_no for each in told})
    changed: dict[str, Settlement] = {}
    refusals = [_complete(tx, each, locked, changed) for each in told]
    await store.save(tx, list(changed.values()))
    return refusals


async def note_refusals(tx: Tx, told: Sequence[Told]) -> list[DomainError | None]:
    """Note which settlements and releases of reserves the ledger refused; one refusal or None for each, in order.

    What a refused settlement held is pending again. A settlement noted before changes nothing. What the ledger refused
    of others is nothing to us. Refusals: SettlementNotFound, IllegalTransition.

    Rows: settlement. Events: SettlementFailed.
    """
    await policy_store.keep_still(tx)
    locked = await store.lock(tx, {each.event.related_no for each in told if each.event.transaction_type in _OURS})
    return [await _refuse(tx, each, locked) if each.event.transaction_type in _OURS else None for each in told]


async def release_reserves(tx: Tx, *, limit: int) -> int:
    """Ask the ledger to release what reserves are due; give how many.

    Rows: settlement. Events: ReserveReleased.
    """
    changed = []
    for settlement in await store.lock_releasable(tx, limit=limit):
        released, event = domain.release_reserve(settlement, now=tx.now)
        changed.append(released)
        tx.hold(settlement.settlement_id)
        tx.emit(event, cause=Cause(settlement.correlation_id or settlement.settlement_id, None, None, None))
    await store.save(tx, changed)
    return len(changed)


def _complete(tx: Tx, told: Told, locked: dict[str, Settlement], changed: dict[str, Settlement]) -> DomainError | None:
    event = told.event
    settlement = locked.get(event.related_no)
    if settlement is None or not isinstance(event, TransactionCreated):
        return _not_found(event.related_no)
    if settlement.state is SettlementState.COMPLETED and settlement.transaction_id == event.transaction_id:
        return None
    try:
        done, event_told = domain.complete(
            settlement,
            transaction_id=event.transaction_id,
            booked_minor=-effect_minor(event.entries, settlement.merchant_id),
            now=tx.now,
        )
    except DomainError as refusal:
        return refusal
    locked[done.settlement_id] = changed[done.settlement_id] = done
    tx.emit(event_told, cause=told.cause)
    return None


async def _refuse(tx: Tx, told: Told, locked: dict[str, Settlement]) -> DomainError | None:
    settlement = locked.get(told.event.related_no)
    if settlement is None or not isinstance(told.event, TransactionRejected):
        return _not_found(told.event.related_no)
    try:
        if told.event.transaction_type == RELEASE:
            changed = await _refuse_release(tx, settlement, told.event.reason)
        elif settlement.state is SettlementState.FAILED:
            return None
        else:
            changed = await _fail(tx, settlement, told.event.reason, told.cause)
    except DomainError as refusal:
        return refusal
    locked[changed.settlement_id] = changed
    return None


async def _refuse_release(tx: Tx, settlement: Settlement, reason: str) -> Settlement:
    refused = domain.refuse_release(settlement, reason=reason, now=tx.now)
    _log.error("reserve_not_released", settlement_id=settlement.settlement_id, reason=reason)
    await store.save(tx, [refused])
    return refused


async def _fail(tx: Tx, settlement: Settlement, reason: str, cause: Cause) -> Settlement:
    domain.next_state(settlement.state, SettlementAction.FAIL)
    into = await _receiver(tx, settlement)
    failed, receiver, event = domain.fail(settlement, reason=reason, into=into, now=tx.now)
    await store.save(tx, [failed, receiver])
    tx.emit(event, cause=cause)
    return failed


async def _receiver(tx: Tx, settlement: Settlement) -> Settlement:
    """Give the settlement that takes back what a refused one held; it is not tried again at once."""
    pair = (settlement.merchant_id, settlement.currency_code)
    policy = (await policy_store.policies(tx, [settlement.merchant_id])).get(settlement.merchant_id, policies.UNKNOWN)
    cut_off = policies.open_cut_off(policy, tx.now)
    place = (*pair, cut_off)
    due_at = closing.first_due_at(policy, cut_off)
    await store.collect(tx, {place: Sums()}, new_ids=[new_id("stl")], due=[due_at])
    receiver = next(each for each in await store.lock_pending(tx, [pair]) if each.cut_off_at == cut_off)
    total_minor = receiver.sums.total_minor + settlement.sums.total_minor
    due_at = closing.due_after_refusal(
        policy, settlement.currency_code, total_minor=total_minor, due_at=receiver.due_at, now=tx.now
    )
    return replace(receiver, due_at=due_at)


def _not_found(settlement_id: str) -> SettlementNotFound:
    return SettlementNotFound(f"There is no settlement {settlement_id}.", settlement_id=settlement_id)
