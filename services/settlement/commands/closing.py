"""Closing what collected items: by policy, and on request."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from operator import attrgetter

import structlog

from paykit.cause import NO_CALL, Cause, CreatingCall
from paykit.consumption import Consumption
from paykit.errors import DomainError
from paykit.merchants import standing
from paykit.money import AMOUNT_MINOR_MAX, require_known_currency
from paykit.postgres.database import Tx
from paykit.work import Rows, fold
from paystream.settlement.v1.events import SettlementTrigger
from services.settlement import domain, store
from services.settlement.domain.closing import GRACE, Review
from services.settlement.domain.policy import Policy
from services.settlement.domain.settlement import MerchantCurrency, Settlement

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateSettlement:
    """A settlement asked for.

    Attributes:
        override_reason: Why cut-offs and days of delay do not count; None where they do.
    """

    merchant_id: str
    currency_code: str
    override_reason: str | None = None
    cause: Cause
    creating_call: CreatingCall = NO_CALL


async def close_due(tx: Tx, *, view: Consumption, limit: int) -> int:
    """Close or carry forward what is due, and return how many merchants and currencies were looked at.

    Emits SettlementCreated for each that is closed, and SettlementCarried for each that is carried.
    """
    settlements = await store.settlements.lock_due(tx, limit=limit)
    policies = await store.merchants.policies(tx, {settlement.merchant_id for settlement in settlements.values()})
    by_merchant = _by_merchant(settlements)
    for (merchant_id, _), pending in by_merchant.items():
        policy = policies.get(merchant_id, domain.policy.UNKNOWN)
        findings = domain.closing.review(policy, pending, view=view, now=tx.now)
        _tell_people(pending, findings)
        _tell_carried(tx, pending, findings.carried)
        for settlement in (*findings.carried, *findings.kept):
            settlements.put(settlement)
        for closed, event in findings.closed:
            settlements.put(closed)
            tx.emit(event, cause=Cause(closed.settlement_id))
    await tx.save(settlements)
    return len(by_merchant)


async def review_now(tx: Tx, merchant_ids: Collection[str]) -> None:
    """Have everything that is pending of merchants looked at now."""
    settlements = await store.settlements.lock_pending_of(tx, merchant_ids)
    for settlement in list(settlements.values()):
        settlements.put(replace(settlement, due_at=tx.now))
    await tx.save(settlements)


async def create_settlements(tx: Tx, items: Sequence[CreateSettlement]) -> list[Settlement | DomainError]:
    """Settle what is pending of merchants in currencies, as far as one settlement can hold it.

    Emits SettlementCreated for each, and SettlementCarried for each that counts in it. Refusals: CurrencyUnknown,
    MerchantUnknown, MerchantSuspended, MerchantFrozen, SettlementNotDue, NothingToSettle.
    """
    policies = await store.merchants.policies(tx, {item.merchant_id for item in items})
    settlements = await store.settlements.lock_pending(tx, {(item.merchant_id, item.currency_code) for item in items})
    pending = _by_merchant(settlements)
    results = fold(items, lambda item: _create(tx, item, policies.get(item.merchant_id), settlements, pending))
    await tx.save(settlements)
    return results


def _create(
    tx: Tx,
    item: CreateSettlement,
    policy: Policy | None,
    settlements: Rows[str, Settlement],
    pending: dict[MerchantCurrency, list[Settlement]],
) -> Settlement:
    require_known_currency(item.currency_code)
    if policy is None:
        raise standing.unknown(item.merchant_id)
    if policy.hold_reason is not None:
        standing.require_payable(item.merchant_id, policy.hold_reason)
    key = (item.merchant_id, item.currency_code)
    chosen = _chosen(item, policy, pending.get(key, []), tx.now)
    whole, carried = domain.closing.merge(chosen, now=tx.now)
    closed, event = domain.settlement.close(
        replace(whole, override_reason=item.override_reason),
        policy,
        trigger=SettlementTrigger.REQUEST,
        correlation_id=item.cause.correlation_id,
        now=tx.now,
    )
    gone = {closed.settlement_id, *(settlement.settlement_id for settlement in carried)}
    pending[key] = [settlement for settlement in pending[key] if settlement.settlement_id not in gone]
    _tell_carried(tx, chosen, carried, cause=item.cause)
    for settlement in carried:
        settlements.put(settlement)
    tx.emit(event, cause=item.cause)
    return settlements.put(replace(closed, creating_call=item.creating_call))


def _chosen(item: CreateSettlement, policy: Policy, pending: Sequence[Settlement], now: datetime) -> list[Settlement]:
    """Choose what a request settles.

    Raises:
        SettlementNotDue: Days of delay are not over, and the request does not say why they do not count.
        NothingToSettle: The total is not above 0.
    """
    if item.override_reason is None:
        domain.closing.require_due(policy, pending, now=now)
        chosen = domain.closing.settleable(policy, pending, now=now)
    else:
        chosen = list(pending)
    domain.settlement.require_any(sum(settlement.sums.total_minor for settlement in chosen), item.currency_code)
    return chosen


def _by_merchant(settlements: Rows[str, Settlement]) -> dict[MerchantCurrency, list[Settlement]]:
    """Group settlements, which come in this order, by merchant and currency."""
    groups = groupby(settlements.values(), attrgetter("merchant_id", "currency_code"))
    return {key: list(group) for key, group in groups}


def _tell_carried(
    tx: Tx, pending: Sequence[Settlement], carried: Sequence[Settlement], *, cause: Cause | None = None
) -> None:
    """Tell what counts in another settlement; of what nobody asked for, each begins a journey."""
    before = {settlement.settlement_id: settlement for settlement in pending}
    for settlement in carried:
        event = domain.carrying.carried_event(before[settlement.settlement_id], settlement)
        tx.emit(event, cause=cause or Cause(settlement.settlement_id))


def _tell_people(pending: Sequence[Settlement], findings: Review) -> None:
    """Log what nobody asked for: a cut-off closed though its events are late, a total that cannot be settled."""
    noticed_at = {settlement.settlement_id: settlement.noticed_at for settlement in pending}
    for closed, _ in findings.closed:
        if closed.close_time and (since := noticed_at[closed.settlement_id]) and closed.close_time - since >= GRACE:
            _log.warning("settlement_closed_by_grace", settlement_id=closed.settlement_id)
    for kept in findings.kept:
        if kept.sums.total_minor > AMOUNT_MINOR_MAX:
            _log.error("settlement_too_large", settlement_id=kept.settlement_id)
