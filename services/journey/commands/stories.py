"""The story that an id belongs to, by what kind of id it is."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace

from paystream.withdrawal.v1 import withdrawal_pb2
from services.journey import domain
from services.journey.commands import parts
from services.journey.domain.story import Story
from services.journey.peers import reads
from services.journey.peers.calls import Peers

NAMED_PAYMENTS_MAX = 100
"""Payments named beside the story of a settlement or withdrawal."""


async def trace(peers: Peers, resource_id: str) -> Story:
    """Ask for the story that an id belongs to; nothing that could not be asked is an error."""
    kind = resource_id[:3]
    if kind in _PAYMENT_ID_OF:
        resource_id, kind = await _PAYMENT_ID_OF[kind](peers, resource_id), "pay"
    story = await _STORY_OF[kind](peers, resource_id) if resource_id else Story()
    if not story.correlation_id:
        return story
    notifications = await reads.notifications_of_journey(peers, story.correlation_id)
    told = parts.flattened(domain.notification.notification_steps, notifications)
    return replace(story, steps=[*story.steps, *told])


async def _of_order(peers: Peers, order_id: str) -> Story:
    reply, listed = await asyncio.gather(reads.order(peers, order_id), reads.payments_of_order(peers, order_id))
    payment_ids = dict.fromkeys(payment.payment_id for payment in (*listed, *(reply.payments if reply else ())))
    payments = await parts.side_by_side(
        parts.payment_parts(peers, payment_id) for payment_id in list(payment_ids)[: reads.PAYMENTS_MAX]
    )
    if reply is None and not payments:
        return Story()
    steps = [step for payment in payments for step in payment.steps]
    if reply is not None:
        captures = [capture for payment in payments for capture in payment.captures]
        refunds = [refund for payment in payments for refund in payment.refunds]
        steps += domain.order.order_steps(reply.order, captures, refunds)
    steps += await parts.onward_steps(peers, [booked for payment in payments for booked in payment.transactions])
    root = reply.order if reply is not None else payments[0].payment
    return Story(root_id=order_id, correlation_id=root.correlation_id if root else "", steps=steps)


async def _of_payment(peers: Peers, payment_id: str) -> Story:
    traced = await parts.payment_parts(peers, payment_id)
    if traced is None:
        return Story()
    payment = traced.payment
    if payment is not None and payment.order_id:
        story = await _of_order(peers, payment.order_id)
        if story.root_id:
            return story
    steps = [*traced.steps, *await parts.onward_steps(peers, traced.transactions)]
    return Story(root_id=payment_id, correlation_id=payment.correlation_id if payment else "", steps=steps)


async def _of_settlement(peers: Peers, settlement_id: str) -> Story:
    steps, payment_ids = await asyncio.gather(
        parts.settlement_steps(peers, settlement_id), _payment_ids_of_settlement(peers, settlement_id)
    )
    if not steps:
        return Story()
    settlement = await reads.settlement(peers, settlement_id)
    steps += await parts.payout_steps(peers, [settlement_id])
    correlation_id = settlement.correlation_id if settlement else ""
    return Story(root_id=settlement_id, correlation_id=correlation_id, steps=steps, payment_ids=payment_ids)


async def _of_withdrawal(peers: Peers, withdrawal_id: str) -> Story:
    steps = await parts.withdrawal_steps(peers, withdrawal_id)
    reply = await reads.withdrawal(peers, withdrawal_id)
    if reply is None:
        return Story(root_id=withdrawal_id, steps=steps) if steps else Story()
    settlement_ids = await _settlement_ids_of_withdrawal(peers, reply.withdrawal)
    settlements = await parts.side_by_side(parts.settlement_steps(peers, named) for named in settlement_ids)
    payment_ids = await parts.side_by_side(_payment_ids_of_settlement(peers, named) for named in settlement_ids)
    return Story(
        root_id=withdrawal_id,
        correlation_id=reply.withdrawal.correlation_id,
        steps=steps + [step for settlement in settlements for step in settlement],
        payment_ids=_distinct_payments(peers, [payment_id for page in payment_ids for payment_id in page]),
    )


async def _of_transaction(peers: Peers, transaction_id: str) -> Story:
    transaction = await reads.transaction(peers, transaction_id)
    if transaction is None:
        return Story()
    root = transaction.root_reference
    story = await _STORY_OF[root[:3]](peers, root) if root[:4] in {"pay_", "stl_", "wdr_"} else Story()
    return story if story.root_id else Story(root_id=transaction_id, steps=parts.transaction_steps([transaction]))


async def _settlement_ids_of_withdrawal(peers: Peers, withdrawal: withdrawal_pb2.Withdrawal) -> list[str]:
    """Look for the settlements whose funds went into a withdrawal, among the merchant's latest."""
    latest = await reads.latest_settlements(peers, withdrawal.merchant_id, withdrawal.amount.currency_code)
    settlement_ids = [settlement.settlement_id for settlement in latest]
    listed = await parts.side_by_side(reads.withdrawals_of_settlement(peers, named) for named in settlement_ids)
    return [
        settlement_id
        for settlement_id, page in zip(settlement_ids, listed, strict=True)
        if withdrawal.withdrawal_id in {paid_out.withdrawal_id for paid_out in page}
    ]


async def _payment_ids_of_settlement(peers: Peers, settlement_id: str) -> list[str]:
    items = await reads.items_of_settlement(peers, settlement_id)
    return _distinct_payments(peers, [item.root_reference for item in items])


def _distinct_payments(peers: Peers, references: Sequence[str]) -> list[str]:
    payment_ids = list(dict.fromkeys(reference for reference in references if reference.startswith("pay_")))
    peers.truncated |= len(payment_ids) > NAMED_PAYMENTS_MAX
    return payment_ids[:NAMED_PAYMENTS_MAX]


_STORY_OF: Mapping[str, Callable[[Peers, str], Awaitable[Story]]] = {
    "ord": _of_order,
    "pay": _of_payment,
    "stl": _of_settlement,
    "wdr": _of_withdrawal,
    "txn": _of_transaction,
}

_PAYMENT_ID_OF: Mapping[str, Callable[[Peers, str], Awaitable[str]]] = {
    "ref": reads.payment_id_of_refund,
    "dsp": reads.payment_id_of_dispute,
    "cap": reads.payment_id_of_capture,
}
