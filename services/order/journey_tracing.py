"""From any id of the line to its story: what to ask whom, and what belongs together."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from paystream.accounting.v1 import accounting_pb2
from paystream.journey.v1 import journey_pb2 as pb
from paystream.order.v1 import order_pb2
from paystream.payment.v1 import payment_pb2
from paystream.settlement.v1 import settlement_pb2
from paystream.withdrawal.v1 import withdrawal_pb2
from services.order import journey
from services.order.journey_peers import Peers

PAYMENTS_MAX = 50
"""Payments of one order that a story tells."""
RESOURCES_MAX = 100
"""Refunds, and disputes, of one payment."""
TRANSACTIONS_MAX = 200
"""Transactions of one payment, settlement or withdrawal; and of a whole story, whose settlements are looked for."""
SETTLEMENTS_MAX = 20
WITHDRAWALS_MAX = 20
LISTED_PAYMENTS_MAX = 100
"""Payments named beside the story of a settlement or withdrawal."""
LISTED_ITEMS_MAX = 2_000
"""Items of a settlement that are looked through for them."""


@dataclass(kw_only=True)
class Story:
    """What was found; empty where nobody knows the id."""

    root_id: str = ""
    correlation_id: str = ""
    steps: list[pb.Step] = field(default_factory=list)
    payment_ids: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class _Payment:
    payment: payment_pb2.Payment | None  # None where payment could not be asked, and the ledger knows of it.
    steps: list[pb.Step]
    captures: Sequence[payment_pb2.Capture]
    refunds: Sequence[payment_pb2.Refund]
    transactions: Sequence[accounting_pb2.Transaction]


async def trace(peers: Peers, named: str) -> Story:
    """Tell the story that an id belongs to."""
    kind = named[:3]
    if kind in _PAYMENT_OF:
        named, kind = await _PAYMENT_OF[kind](peers, named) or "", "pay"
    if kind == "txn":
        return await _of_transaction(peers, named)
    return await _STORIES[kind](peers, named) if named else Story()


async def _of_order(peers: Peers, order_id: str) -> Story:
    request = payment_pb2.ListPaymentsRequest(order_id=order_id)
    reply, listed = await asyncio.gather(
        peers.ask("order", "GetOrder", order_pb2.GetOrderRequest(order_id=order_id)),
        peers.rows("payment", "ListPayments", request, "payments", limit=PAYMENTS_MAX),
    )
    known = [each.payment_id for each in (*listed, *(reply.payments if reply is not None else ()))]
    payments = await _each(_payment(peers, payment_id) for payment_id in list(dict.fromkeys(known))[:PAYMENTS_MAX])
    if reply is None and not payments:
        return Story()
    steps = [step for each in payments for step in each.steps]
    if reply is not None:
        captures = [capture for each in payments for capture in each.captures]
        refunds = [refund for each in payments for refund in each.refunds]
        steps += journey.order_steps(reply.order, captures, refunds)
    steps += await _onward(peers, [transaction for each in payments for transaction in each.transactions])
    told = reply.order if reply is not None else payments[0].payment
    return Story(root_id=order_id, correlation_id=told.correlation_id if told else "", steps=steps)


async def _of_payment(peers: Peers, payment_id: str) -> Story:
    found = await _payment(peers, payment_id)
    if found is None:
        return Story()
    payment = found.payment
    if payment is not None and payment.order_id:
        story = await _of_order(peers, payment.order_id)
        if story.root_id:
            return story
    steps = found.steps + await _onward(peers, found.transactions)
    return Story(root_id=payment_id, correlation_id=payment.correlation_id if payment else "", steps=steps)


async def _of_settlement(peers: Peers, settlement_id: str) -> Story:
    steps, payment_ids = await asyncio.gather(
        _settlement(peers, settlement_id, None), _payments_of_settlement(peers, settlement_id)
    )
    if not steps:
        return Story()
    reply = await peers.ask("settlement", "GetSettlement", _get_settlement(settlement_id))
    correlation_id = reply.settlement.correlation_id if reply else ""
    steps += await _withdrawals(peers, [settlement_id])
    return Story(root_id=settlement_id, correlation_id=correlation_id, steps=steps, payment_ids=payment_ids)


async def _of_withdrawal(peers: Peers, withdrawal_id: str) -> Story:
    steps = await _withdrawal(peers, withdrawal_id)
    reply = await peers.ask("withdrawal", "GetWithdrawal", _get_withdrawal(withdrawal_id))
    if reply is None:
        return Story(root_id=withdrawal_id, steps=steps) if steps else Story()
    settlement_ids = await _settlements_of_withdrawal(peers, reply.withdrawal)
    told = await _each(_settlement(peers, each, None) for each in settlement_ids)
    named = await _each(_payments_of_settlement(peers, each) for each in settlement_ids)
    return Story(
        root_id=withdrawal_id,
        correlation_id=reply.withdrawal.correlation_id,
        steps=steps + [step for each in told for step in each],
        payment_ids=_some_payments(peers, [payment_id for each in named for payment_id in each]),
    )


async def _of_transaction(peers: Peers, transaction_id: str) -> Story:
    request = accounting_pb2.GetTransactionRequest(transaction_id=transaction_id)
    reply = await peers.ask("accounting", "GetTransaction", request)
    if reply is None:
        return Story()
    root = reply.transaction.root_reference
    story = await _STORIES[root[:3]](peers, root) if root[:4] in {"pay_", "stl_", "wdr_"} else Story()
    return (
        story if story.root_id else Story(root_id=transaction_id, steps=[journey.transaction_step(reply.transaction)])
    )


async def _payment(peers: Peers, payment_id: str) -> _Payment | None:
    """Give a payment and all that belongs to it alone."""
    reply, refunds, disputes, transactions = await asyncio.gather(
        peers.ask("payment", "GetPayment", payment_pb2.GetPaymentRequest(payment_id=payment_id)),
        _rows_of_payment(peers, "ListRefunds", payment_pb2.ListRefundsRequest(payment_id=payment_id), "refunds"),
        _rows_of_payment(peers, "ListDisputes", payment_pb2.ListDisputesRequest(payment_id=payment_id), "disputes"),
        _transactions(peers, payment_id),
    )
    if reply is None and not transactions:
        return None
    told = reply or payment_pb2.GetPaymentResponse()
    steps = [journey.transaction_step(each) for each in transactions]
    if reply is not None:
        steps += journey.payment_steps(reply.payment, reply.attempts, reply.captures)
    steps += _flat(journey.attempt_steps, told.attempts) + _flat(journey.capture_steps, told.captures)
    steps += _flat(journey.refund_steps, refunds) + _flat(journey.dispute_steps, disputes)
    return _Payment(
        payment=told.payment if reply is not None else None,
        steps=steps,
        captures=told.captures,
        refunds=refunds,
        transactions=transactions,
    )


async def _onward(peers: Peers, transactions: Sequence[accounting_pb2.Transaction]) -> list[pb.Step]:
    """Follow transactions into the settlements that they count in, and on to the bank."""
    followed = [each for each in transactions if each.merchant_id]
    peers.truncated |= len(followed) > TRANSACTIONS_MAX
    items = await _each(_items_of(peers, each.transaction_id) for each in followed[:TRANSACTIONS_MAX])
    joined: dict[str, Timestamp] = {}
    for item in sorted((item for some in items for item in some), key=lambda i: i.effective_time.ToNanoseconds()):
        joined.setdefault(item.settlement_id, item.effective_time)
    chosen = list(joined)[:SETTLEMENTS_MAX]
    peers.truncated |= len(joined) > SETTLEMENTS_MAX
    told = await _each(_settlement(peers, each, joined[each]) for each in chosen)
    return [step for each in told for step in each] + await _withdrawals(peers, chosen)


async def _settlement(peers: Peers, settlement_id: str, joined: Timestamp | None) -> list[pb.Step]:
    reply, transactions = await asyncio.gather(
        peers.ask("settlement", "GetSettlement", _get_settlement(settlement_id)), _transactions(peers, settlement_id)
    )
    own = journey.settlement_steps(reply.settlement, transactions, joined=joined) if reply else []
    return own + [journey.transaction_step(each) for each in transactions]


async def _withdrawals(peers: Peers, settlement_ids: Sequence[str]) -> list[pb.Step]:
    """Tell of the withdrawals that the funds of settlements went into."""
    found = await _each(_withdrawals_of_settlement(peers, each) for each in settlement_ids)
    named = list(dict.fromkeys(withdrawal.withdrawal_id for some in found for withdrawal in some))
    peers.truncated |= len(named) > WITHDRAWALS_MAX
    told = await _each(_withdrawal(peers, each) for each in named[:WITHDRAWALS_MAX])
    return [step for each in told for step in each]


async def _withdrawal(peers: Peers, withdrawal_id: str) -> list[pb.Step]:
    reply, transactions = await asyncio.gather(
        peers.ask("withdrawal", "GetWithdrawal", _get_withdrawal(withdrawal_id)), _transactions(peers, withdrawal_id)
    )
    own = journey.withdrawal_steps(reply.withdrawal) + _flat(journey.payout_steps, reply.attempts) if reply else []
    return own + [journey.transaction_step(each) for each in transactions]


async def _settlements_of_withdrawal(peers: Peers, withdrawal: withdrawal_pb2.Withdrawal) -> list[str]:
    """Look for the settlements whose funds went into a withdrawal, among the merchant's latest."""
    request = settlement_pb2.ListSettlementsRequest(
        merchant_id=withdrawal.merchant_id,
        currency_code=withdrawal.amount.currency_code,
        state=settlement_pb2.SETTLEMENT_STATE_COMPLETED,
    )
    latest = await peers.rows("settlement", "ListSettlements", request, "settlements", limit=SETTLEMENTS_MAX)
    ids = [each.settlement_id for each in latest]
    found = await _each(_withdrawals_of_settlement(peers, each) for each in ids)
    wanted = withdrawal.withdrawal_id
    return [
        each
        for each, some in zip(ids, found, strict=True)
        if wanted in {withdrawal.withdrawal_id for withdrawal in some}
    ]


async def _payments_of_settlement(peers: Peers, settlement_id: str) -> list[str]:
    request = settlement_pb2.ListSettlementItemsRequest(settlement_id=settlement_id)
    items = await peers.rows("settlement", "ListSettlementItems", request, "items", limit=LISTED_ITEMS_MAX)
    return _some_payments(peers, [item.root_reference for item in items])


def _some_payments(peers: Peers, references: Sequence[str]) -> list[str]:
    found = list(dict.fromkeys(each for each in references if each.startswith("pay_")))
    peers.truncated |= len(found) > LISTED_PAYMENTS_MAX
    return found[:LISTED_PAYMENTS_MAX]


async def _items_of(peers: Peers, transaction_id: str) -> list[Any]:
    request = settlement_pb2.ListSettlementItemsRequest(transaction_id=transaction_id)
    return await peers.rows("settlement", "ListSettlementItems", request, "items", limit=RESOURCES_MAX)


async def _withdrawals_of_settlement(peers: Peers, settlement_id: str) -> list[Any]:
    request = withdrawal_pb2.ListWithdrawalsRequest(settlement_id=settlement_id)
    return await peers.rows("withdrawal", "ListWithdrawals", request, "withdrawals", limit=RESOURCES_MAX)


async def _transactions(peers: Peers, root_reference: str) -> list[Any]:
    request = accounting_pb2.ListTransactionsRequest(root_reference=root_reference)
    return await peers.rows("accounting", "ListTransactions", request, "transactions", limit=TRANSACTIONS_MAX)


async def _rows_of_payment(peers: Peers, method: str, request: Any, name: str) -> list[Any]:
    return await peers.rows("payment", method, request, name, limit=RESOURCES_MAX)


async def _payment_of_refund(peers: Peers, refund_id: str) -> str | None:
    reply = await peers.ask("payment", "GetRefund", payment_pb2.GetRefundRequest(refund_id=refund_id))
    return reply.refund.payment_id if reply else None


async def _payment_of_dispute(peers: Peers, dispute_id: str) -> str | None:
    reply = await peers.ask("payment", "GetDispute", payment_pb2.GetDisputeRequest(dispute_id=dispute_id))
    return reply.dispute.payment_id if reply else None


async def _payment_of_capture(peers: Peers, capture_id: str) -> str | None:
    """Ask the ledger: it books captures by their ids, under their payment's."""
    request = accounting_pb2.ListTransactionsRequest(related_no=capture_id, page_size=1)
    reply = await peers.ask("accounting", "ListTransactions", request)
    return reply.transactions[0].root_reference if reply and reply.transactions else None


def _get_settlement(settlement_id: str) -> settlement_pb2.GetSettlementRequest:
    return settlement_pb2.GetSettlementRequest(settlement_id=settlement_id)


def _get_withdrawal(withdrawal_id: str) -> withdrawal_pb2.GetWithdrawalRequest:
    return withdrawal_pb2.GetWithdrawalRequest(withdrawal_id=withdrawal_id)


async def _each(asked: Iterable[Awaitable[Any]]) -> list[Any]:
    """Ask side by side, and leave out what is not there."""
    return [answer for answer in await asyncio.gather(*asked) if answer is not None]


def _flat(steps_of: Callable[[Any], list[pb.Step]], resources: Iterable[Any]) -> list[pb.Step]:
    return [step for each in resources for step in steps_of(each)]


_STORIES: Mapping[str, Callable[[Peers, str], Awaitable[Story]]] = {
    "ord": _of_order,
    "pay": _of_payment,
    "stl": _of_settlement,
    "wdr": _of_withdrawal,
}

_PAYMENT_OF: Mapping[str, Callable[[Peers, str], Awaitable[str | None]]] = {
    "ref": _payment_of_refund,
    "dsp": _payment_of_dispute,
    "cap": _payment_of_capture,
}
