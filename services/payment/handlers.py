"""What merchants, orders and the ledger do, as far as payments need it, and what statements say of their calls."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TypeAlias, TypeVar

from paykit.channels import statement_lines
from paykit.channels.attempts import EvidenceOutcome
from paykit.consume.delivery import Delivered, HandlerResult
from paykit.merchants.projection import MerchantEvent
from paykit.postgres.database import Tx
from paystream.accounting.v1.events import TransactionCreated
from paystream.order.v1.events import OrderCancelled, OrderCreated, OrderExpired, OrderPaid
from paystream.payment.v1.events import RefundSuccess
from paystream.reconciliation.v1.events import StatementEvidenceAccepted
from services.payment import commands, store
from services.payment.domain.funds import MerchantCurrency
from services.payment.domain.order import ProjectedOrder, ProjectedOrderState

OrderEvent: TypeAlias = OrderCreated | OrderPaid | OrderCancelled | OrderExpired
FUNDS = frozenset({"merchant.settlement", "merchant.available"})
"""The kinds of accounts that refunds can draw on."""

ClosingEvent: TypeAlias = OrderCancelled | OrderExpired

E = TypeVar("E", bound=OrderEvent)

_STATES: Mapping[type[OrderEvent], ProjectedOrderState] = {
    OrderCreated: ProjectedOrderState.OPEN,
    OrderPaid: ProjectedOrderState.PAID,
    OrderCancelled: ProjectedOrderState.CANCELLED,
    OrderExpired: ProjectedOrderState.EXPIRED,
}


async def on_merchant_changed(tx: Tx, deliveries: Sequence[Delivered[MerchantEvent]]) -> Sequence[HandlerResult]:
    """Keep the latest state of each merchant; an event applied before, or older than what is known, changes nothing."""
    await store.keep_merchants(tx, deliveries)
    return [None] * len(deliveries)


async def on_order_changed(tx: Tx, deliveries: Sequence[Delivered[OrderEvent]]) -> Sequence[HandlerResult]:
    """Keep the latest state of each order; an event applied before, or older than what is known, changes nothing."""
    await _keep(tx, deliveries)
    return [None] * len(deliveries)


async def on_order_closed(tx: Tx, deliveries: Sequence[Delivered[ClosingEvent]]) -> Sequence[HandlerResult]:
    """Keep that orders are closed, then undo the payments for them; see `commands.order.close_orders`.

    In this order: a capture at the same time either finds the order closed, or is found captured here.
    """
    closed = await _keep(tx, deliveries)
    causes = {delivery.key: delivery.cause for delivery in deliveries if delivery.key in closed}
    if causes:
        await commands.order.close_orders(tx, causes)
    return [None] * len(deliveries)


async def on_transaction_created(
    tx: Tx, deliveries: Sequence[Delivered[TransactionCreated]]
) -> Sequence[HandlerResult]:
    """Follow merchants' funds, and count refunds no more that the ledger has booked."""
    booked = [d.event.related_no for d in deliveries if d.event.transaction_type == RefundSuccess.__name__]
    await store.funds.forget_booked(tx, booked)
    return await keep_funds(tx, deliveries)


async def keep_funds(tx: Tx, deliveries: Sequence[Delivered[TransactionCreated]]) -> Sequence[HandlerResult]:
    """Follow merchants' funds: what is settled or not, and neither in transit nor held."""
    effects = defaultdict[MerchantCurrency, int](int)
    for delivery in deliveries:
        for entry in delivery.event.entries:
            if entry.merchant_id is not None and entry.account_kind in FUNDS:
                effects[entry.merchant_id, entry.currency_code] += entry.effect * entry.amount_minor
    await store.funds.follow(tx, effects)
    return [None] * len(deliveries)


async def on_statement_evidence(
    tx: Tx, deliveries: Sequence[Delivered[StatementEvidenceAccepted]]
) -> Sequence[HandlerResult]:
    """End or contradict charges, captures, voids and refunds by lines of statements; what is about none is kept.

    What an authorization proven so may be captured for is not the settings' time but `AUTHORIZATION_TTL`.
    """
    items, results = statement_lines.sort_out(
        deliveries,
        mine=lambda event: event.operation not in statement_lines.OF_BANKS,
        outcomes=frozenset({EvidenceOutcome.SUCCEEDED, EvidenceOutcome.FAILED}),
    )
    await commands.evidence.record_evidence(tx, items)
    return results


async def _keep(tx: Tx, deliveries: Sequence[Delivered[E]]) -> set[str]:
    """Keep the last of several events of an order; return the orders that were changed by theirs."""
    latest = {delivery.key: delivery.event for delivery in deliveries}
    return await store.orders.keep(tx, [_order(event) for event in latest.values()])


def _order(event: OrderEvent) -> ProjectedOrder:
    return ProjectedOrder(
        order_id=event.order_id,
        merchant_id=event.merchant_id or "",
        currency_code=event.currency_code,
        total_minor=event.total_minor,
        state=_STATES[type(event)],
        correlation_id=event.correlation_id,
        aggregate_version=event.aggregate_version,
    )
