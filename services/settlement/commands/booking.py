"""What the ledger says of settlements: booked, or refused."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from paykit.cause import Cause
from paykit.errors import DomainError
from paykit.ids import new_id
from paykit.postgres.database import Tx
from paykit.work import Rows, fold
from paystream.accounting.v1.events import TransactionCreated, TransactionRejected
from services.settlement import domain, store
from services.settlement.domain.item import effect_minor
from services.settlement.domain.lifecycle import SettlementAction, SettlementState
from services.settlement.domain.policy import UNKNOWN, Policy
from services.settlement.domain.settlement import Place, Settlement, place_order
from services.settlement.domain.sums import Sums


@dataclass(frozen=True, slots=True)
class RecordBooking:
    """A booking by the ledger of a settlement or a transfer, to record."""

    event: TransactionCreated
    cause: Cause


@dataclass(frozen=True, slots=True)
class RecordRejection:
    """A refusal by the ledger to book a settlement or a transfer, to record."""

    event: TransactionRejected
    cause: Cause


async def complete_settlements(tx: Tx, items: Sequence[RecordBooking]) -> list[Settlement | DomainError]:
    """Record which settlements the ledger booked; emits SettlementCompleted for each.

    A booking recorded before changes nothing. Refusals: SettlementNotFound, IllegalTransition, BookingMismatch.
    """
    settlements = await store.settlements.lock(tx, [item.event.related_no for item in items])
    results = fold(items, lambda item: _complete(tx, item, settlements))
    await tx.save(settlements)
    return results


async def record_rejections(tx: Tx, items: Sequence[RecordRejection]) -> list[Settlement | DomainError]:
    """Record which settlements the ledger refused; emits SettlementFailed for each.

    What a refused settlement held is pending again, and balances that waited for it are looked at. A refusal recorded
    before changes nothing. Refusals: SettlementNotFound, IllegalTransition.
    """
    settlement_ids = [item.event.related_no for item in items]
    known = await store.settlements.by_key(tx, settlement_ids)
    keys = {(settlement.merchant_id, settlement.currency_code) for settlement in known.values()}
    await store.balance_watches.mark(tx, keys, due_at=tx.now)
    await store.merchants.keep_still(tx)
    settlements = await store.settlements.lock(tx, settlement_ids)
    refused = [settlement for settlement in settlements.values() if settlement.state is SettlementState.CREATED]
    policies = await store.merchants.policies(tx, {settlement.merchant_id for settlement in refused})
    receivers = await _lock_receivers(tx, refused, policies)
    results = fold(items, lambda item: _reject(tx, item, settlements, receivers=receivers, policies=policies))
    await tx.save(settlements, receivers)
    return results


def _complete(tx: Tx, item: RecordBooking, settlements: Rows[str, Settlement]) -> Settlement:
    booking = item.event
    settlement = settlements.require(booking.related_no, domain.settlement.not_found)
    if settlement.state is SettlementState.COMPLETED and settlement.transaction_id == booking.transaction_id:
        return settlement
    completed, event = domain.settlement.complete(
        settlement,
        transaction_id=booking.transaction_id,
        booked_minor=-effect_minor(booking.entries, settlement.merchant_id),
        now=tx.now,
    )
    tx.emit(event, cause=item.cause)
    return settlements.put(completed)


def _reject(
    tx: Tx,
    item: RecordRejection,
    settlements: Rows[str, Settlement],
    *,
    receivers: Rows[str, Settlement],
    policies: Mapping[str, Policy],
) -> Settlement:
    settlement = settlements.require(item.event.related_no, domain.settlement.not_found)
    reason = item.event.reason
    if settlement.state is SettlementState.FAILED:
        return settlement
    domain.lifecycle.next_state(settlement.state, SettlementAction.FAIL)
    policy = policies.get(settlement.merchant_id, UNKNOWN)
    place = _place_of_receiver(settlement, policy, tx.now)
    into = next(receiver for receiver in receivers.values() if receiver.place == place and not receiver.is_full)
    if not domain.settlement.fits(settlement, into):
        into = receivers.add(domain.settlement.beside(into, new_id("stl", of=into.merchant_id), now=tx.now))
    failed, receiver, event = domain.settlement.fail(settlement, reason=reason, into=into, now=tx.now)
    due_at = domain.closing.due_after_refusal(
        policy, receiver.currency_code, total_minor=receiver.sums.total_minor, due_at=receiver.due_at, now=tx.now
    )
    receivers.put(replace(receiver, due_at=due_at))
    tx.emit(event, cause=item.cause)
    return settlements.put(failed)


async def _lock_receivers(
    tx: Tx, refused: Sequence[Settlement], policies: Mapping[str, Policy]
) -> Rows[str, Settlement]:
    """Lock what takes back what refused settlements held; it begins to collect where nothing does."""
    if not refused:
        return store.settlements.rows(tx)
    places = {
        _place_of_receiver(settlement, policies.get(settlement.merchant_id, UNKNOWN), tx.now) for settlement in refused
    }
    ordered = sorted(places, key=place_order)
    due = [domain.closing.first_due_at(policies.get(merchant_id), cut_off) for merchant_id, _, cut_off in ordered]
    new_ids = [new_id("stl", of=merchant_id) for merchant_id, _, _ in ordered]
    await store.settlements.collect(tx, dict.fromkeys(ordered, Sums()), new_ids=new_ids, due=due)
    return await store.settlements.lock_pending(tx, {place[:2] for place in places})


def _place_of_receiver(settlement: Settlement, policy: Policy, now: datetime) -> Place:
    return settlement.merchant_id, settlement.currency_code, domain.policy.open_cut_off(policy, now)
