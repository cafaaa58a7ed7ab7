"""Transfers between accounts of a merchant: negative balances made up for, reserves released, the ledger's answers."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog

from paykit.cause import Cause
from paykit.errors import DomainError
from paykit.ids import new_id
from paykit.postgres.database import Tx
from paykit.work import Rows, fold
from services.settlement import domain, store
from services.settlement.commands.booking import RecordBooking, RecordRejection
from services.settlement.domain.balance import BalanceWatch, MerchantPosition
from services.settlement.domain.fund_transfer import ASK_AGAIN_AFTER, FundTransfer, TransferKind, TransferState
from services.settlement.domain.settlement import MerchantCurrency, Settlement

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtendReserve:
    """A reserve to hold longer."""

    settlement_id: str
    release_at: datetime
    reason: str
    cause: Cause


async def look_at_balances(tx: Tx, *, limit: int) -> int:
    """Look at balances that may be negative or recover, and return how many.

    What is short is taken from available funds, else from the oldest reserve; emits BalanceRecovered or
    ReserveConsumed, and MerchantBalanceNegative for each that fell below zero.
    """
    watches = await store.balance_watches.claim_due(tx, limit=limit)
    positions = await store.positions(tx, set(watches))
    reserves = await _lock_reserves(tx, positions.values())
    transfers = store.fund_transfers.rows(tx)
    for watch in list(watches.values()):
        position = positions[watch.key]
        _tell_negative(tx, watches, watch, position)
        _make_up(tx, position, reserves, transfers)
    await tx.save(watches, reserves, transfers)
    return len(watches)


async def release_reserves(tx: Tx, *, limit: int) -> int:
    """Ask the ledger to release what reserves are due, and return how many; emits ReserveReleased for each."""
    settlements = await store.settlements.claim_releasable(tx, limit=limit)
    transfers = store.fund_transfers.rows(tx)
    for settlement in list(settlements.values()):
        released, transfer, event = domain.reserve.release(
            settlement, transfer_id=new_id("rsr", of=settlement.merchant_id), now=tx.now
        )
        settlements.put(released)
        transfers.add(transfer)
        tx.emit(event, cause=Cause(settlement.correlation_id or settlement.settlement_id))
    await tx.save(settlements, transfers)
    return len(settlements)


async def extend_reserves(tx: Tx, items: Sequence[ExtendReserve]) -> list[Settlement | DomainError]:
    """Hold reserves longer; emits ReserveExtended for each.

    Refusals: SettlementNotFound, IllegalTransition, ReserveNotHeld, FieldInvalid.
    """
    settlements = await store.settlements.lock(tx, [item.settlement_id for item in items])
    results = fold(items, lambda item: _extend(tx, item, settlements))
    await tx.save(settlements)
    return results


async def book_transfers(tx: Tx, items: Sequence[RecordBooking]) -> list[FundTransfer | DomainError]:
    """Record which transfers the ledger booked; one recorded before changes nothing.

    Refusals: TransferNotFound, IllegalTransition.
    """
    settlements, transfers = await _lock(tx, [item.event.related_no for item in items])
    results = fold(items, lambda item: _book(tx, item, settlements, transfers))
    await tx.save(settlements, transfers)
    return results


async def refuse_transfers(tx: Tx, items: Sequence[RecordRejection]) -> list[FundTransfer | DomainError]:
    """Record which transfers the ledger refused, and have balances looked at again; recorded before, nothing changes.

    Emits ReserveReleaseRefused for each release. Refusals: TransferNotFound, IllegalTransition.
    """
    known = await store.fund_transfers.by_key(tx, [item.event.related_no for item in items])
    keys = {transfer.key for transfer in known.values()}
    await store.balance_watches.mark(tx, keys, due_at=tx.now + ASK_AGAIN_AFTER)
    settlements, transfers = await _lock(tx, list(known))
    positions = await store.positions(tx, keys)
    moving = await store.fund_transfers.reserves_moving(tx, keys)
    left_minor = {key: positions[key].reserve_minor - moving.get(key, 0) for key in keys}
    results = fold(items, lambda item: _refuse(tx, item, settlements, transfers, left_minor))
    await tx.save(settlements, transfers)
    return results


async def _lock(tx: Tx, transfer_ids: Collection[str]) -> tuple[Rows[str, Settlement], Rows[str, FundTransfer]]:
    """Lock transfers, after the settlements whose reserves they take from, which they never change."""
    known = await store.fund_transfers.by_key(tx, set(transfer_ids))
    settlement_ids = {transfer.settlement_id for transfer in known.values() if transfer.settlement_id is not None}
    settlements = await store.settlements.lock(tx, settlement_ids)
    return settlements, await store.fund_transfers.lock(tx, list(known))


async def _lock_reserves(tx: Tx, positions: Collection[MerchantPosition]) -> Rows[str, Settlement]:
    keys = {
        (position.merchant_id, position.currency_code)
        for position in positions
        if domain.fund_transfer.needs_reserve(position)
    }
    return await store.settlements.lock_reserves(tx, keys)


def _tell_negative(
    tx: Tx, watches: Rows[MerchantCurrency, BalanceWatch], watch: BalanceWatch, position: MerchantPosition
) -> None:
    seen, event = domain.balance.look(watch, position, now=tx.now)
    watches.put(seen)
    if event is not None:
        tx.hold(watch.event_key)
        tx.emit(event, cause=Cause(watch.event_key))


def _make_up(
    tx: Tx, position: MerchantPosition, reserves: Rows[str, Settlement], transfers: Rows[str, FundTransfer]
) -> None:
    recovery = domain.fund_transfer.recover(position, transfer_id=new_id("rec", of=position.merchant_id), now=tx.now)
    if recovery is not None:
        transfer, recovered = recovery
        transfers.add(transfer)
        tx.emit(recovered, cause=Cause(transfer.transfer_id))
        return
    key = (position.merchant_id, position.currency_code)
    oldest = next((row for row in reserves.values() if (row.merchant_id, row.currency_code) == key), None)
    if oldest is None or not domain.fund_transfer.needs_reserve(position):
        return
    settlement, transfer, consumed = domain.reserve.consume(
        oldest, shortfall_minor=position.shortfall_minor, transfer_id=new_id("rsc", of=position.merchant_id), now=tx.now
    )
    reserves.put(settlement)
    transfers.add(transfer)
    tx.emit(consumed, cause=Cause(transfer.transfer_id))


def _extend(tx: Tx, item: ExtendReserve, settlements: Rows[str, Settlement]) -> Settlement:
    settlement = settlements.require(item.settlement_id, domain.settlement.not_found)
    extended, event = domain.reserve.extend(settlement, release_at=item.release_at, reason=item.reason, now=tx.now)
    tx.emit(event, cause=item.cause)
    return settlements.put(extended)


def _book(
    tx: Tx, item: RecordBooking, settlements: Rows[str, Settlement], transfers: Rows[str, FundTransfer]
) -> FundTransfer:
    transfer = transfers.require(item.event.related_no, domain.fund_transfer.not_found)
    if transfer.state is TransferState.BOOKED:
        return transfer
    booked = domain.fund_transfer.book(transfer, now=tx.now)
    if transfer.settlement_id is not None:
        settlements.put(domain.reserve.moved(settlements[transfer.settlement_id], transfer, now=tx.now))
    return transfers.put(booked)


def _refuse(
    tx: Tx,
    item: RecordRejection,
    settlements: Rows[str, Settlement],
    transfers: Rows[str, FundTransfer],
    left_minor: dict[MerchantCurrency, int],
) -> FundTransfer:
    transfer = transfers.require(item.event.related_no, domain.fund_transfer.not_found)
    if transfer.state is TransferState.REFUSED:
        return transfer
    reason = item.event.reason
    refused = domain.fund_transfer.refuse(transfer, reason=reason, now=tx.now)
    _log.warning("transfer_refused", transfer_id=transfer.transfer_id, kind=transfer.kind, reason=reason)
    if transfer.settlement_id is not None:
        left_minor[transfer.key] += transfer.settlement_minor
        settlement = settlements[transfer.settlement_id]
        left = domain.reserve.not_moved(
            settlement, transfer, in_ledger_minor=left_minor[transfer.key], reason=reason, now=tx.now
        )
        if transfer.kind is TransferKind.RELEASE:
            left, event = domain.reserve.release_refused(left, transfer, reason=reason, now=tx.now)
            tx.emit(event, cause=item.cause)
        settlements.put(left)
    return transfers.put(refused)
