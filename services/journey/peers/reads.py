"""The questions that stories ask, each a public read RPC of the service that knows."""

from paystream.accounting.v1 import accounting_pb2
from paystream.notification.v1 import notification_pb2
from paystream.order.v1 import order_pb2
from paystream.payment.v1 import payment_pb2
from paystream.settlement.v1 import settlement_pb2
from paystream.withdrawal.v1 import withdrawal_pb2
from services.journey.peers.calls import Peers

PAYMENTS_MAX = 50
"""Payments of one order."""
RESOURCES_MAX = 100
"""Refunds, and disputes, of one payment; items of one transaction; withdrawals of one settlement."""
TRANSACTIONS_MAX = 200
"""Transactions of one payment, settlement or withdrawal."""
SETTLEMENTS_MAX = 20
"""Settlements that may have gone into one withdrawal."""
NOTIFICATIONS_MAX = 200
"""Mails about one journey."""
ITEMS_MAX = 2_000
"""Items of one settlement."""


async def order(peers: Peers, order_id: str) -> order_pb2.GetOrderResponse | None:
    """An order, with its payments."""
    return await peers.ask(order_pb2.GetOrderRequest(order_id=order_id), order_pb2.GetOrderResponse)


async def payments_of_order(peers: Peers, order_id: str) -> list[payment_pb2.Payment]:
    """The payments that name an order."""
    return await peers.rows(
        payment_pb2.ListPaymentsRequest(order_id=order_id),
        payment_pb2.ListPaymentsResponse,
        rows_of=lambda page: page.payments,
        limit=PAYMENTS_MAX,
    )


async def payment(peers: Peers, payment_id: str) -> payment_pb2.GetPaymentResponse | None:
    """A payment, with its attempts and captures."""
    return await peers.ask(payment_pb2.GetPaymentRequest(payment_id=payment_id), payment_pb2.GetPaymentResponse)


async def refunds_of_payment(peers: Peers, payment_id: str) -> list[payment_pb2.Refund]:
    """The refunds of a payment."""
    return await peers.rows(
        payment_pb2.ListRefundsRequest(payment_id=payment_id),
        payment_pb2.ListRefundsResponse,
        rows_of=lambda page: page.refunds,
        limit=RESOURCES_MAX,
    )


async def disputes_of_payment(peers: Peers, payment_id: str) -> list[payment_pb2.Dispute]:
    """The disputes of a payment."""
    request = payment_pb2.ListDisputesRequest(payment_id=payment_id)
    return await peers.rows(
        request, payment_pb2.ListDisputesResponse, rows_of=lambda page: page.disputes, limit=RESOURCES_MAX
    )


async def payment_id_of_refund(peers: Peers, refund_id: str) -> str:
    """The payment that a refund is of; empty where nobody knows."""
    reply = await peers.ask(payment_pb2.GetRefundRequest(refund_id=refund_id), payment_pb2.GetRefundResponse)
    return reply.refund.payment_id if reply else ""


async def payment_id_of_dispute(peers: Peers, dispute_id: str) -> str:
    """The payment that a dispute is of; empty where nobody knows."""
    reply = await peers.ask(payment_pb2.GetDisputeRequest(dispute_id=dispute_id), payment_pb2.GetDisputeResponse)
    return reply.dispute.payment_id if reply else ""


async def payment_id_of_capture(peers: Peers, capture_id: str) -> str:
    """The payment that a capture is of, as the ledger books it under its payment's id; empty where nobody knows."""
    request = accounting_pb2.ListTransactionsRequest(related_no=capture_id, page_size=1)
    reply = await peers.ask(request, accounting_pb2.ListTransactionsResponse)
    return reply.transactions[0].root_reference if reply and reply.transactions else ""


async def transaction(peers: Peers, transaction_id: str) -> accounting_pb2.Transaction | None:
    """A transaction, with its entries."""
    reply = await peers.ask(
        accounting_pb2.GetTransactionRequest(transaction_id=transaction_id), accounting_pb2.GetTransactionResponse
    )
    return reply.transaction if reply else None


async def transactions_of_root(peers: Peers, root_reference: str) -> list[accounting_pb2.Transaction]:
    """What was booked for a payment, settlement or withdrawal."""
    request = accounting_pb2.ListTransactionsRequest(root_reference=root_reference)
    return await peers.rows(
        request, accounting_pb2.ListTransactionsResponse, rows_of=lambda page: page.transactions, limit=TRANSACTIONS_MAX
    )


async def settlement(peers: Peers, settlement_id: str) -> settlement_pb2.Settlement | None:
    """A settlement."""
    reply = await peers.ask(
        settlement_pb2.GetSettlementRequest(settlement_id=settlement_id), settlement_pb2.GetSettlementResponse
    )
    return reply.settlement if reply else None


async def items_of_settlement(peers: Peers, settlement_id: str) -> list[settlement_pb2.SettlementItem]:
    """What counts in a settlement."""
    request = settlement_pb2.ListSettlementItemsRequest(settlement_id=settlement_id)
    return await peers.rows(
        request, settlement_pb2.ListSettlementItemsResponse, rows_of=lambda page: page.items, limit=ITEMS_MAX
    )


async def items_of_transaction(peers: Peers, transaction_id: str) -> list[settlement_pb2.SettlementItem]:
    """Where a transaction counts."""
    request = settlement_pb2.ListSettlementItemsRequest(transaction_id=transaction_id)
    return await peers.rows(
        request, settlement_pb2.ListSettlementItemsResponse, rows_of=lambda page: page.items, limit=RESOURCES_MAX
    )


async def latest_settlements(peers: Peers, merchant_id: str, currency_code: str) -> list[settlement_pb2.Settlement]:
    """The latest completed settlements of a merchant."""
    request = settlement_pb2.ListSettlementsRequest(
        merchant_id=merchant_id, currency_code=currency_code, state=settlement_pb2.SETTLEMENT_STATE_COMPLETED
    )
    return await peers.rows(
        request, settlement_pb2.ListSettlementsResponse, rows_of=lambda page: page.settlements, limit=SETTLEMENTS_MAX
    )


async def withdrawal(peers: Peers, withdrawal_id: str) -> withdrawal_pb2.GetWithdrawalResponse | None:
    """A withdrawal, with its attempts."""
    return await peers.ask(
        withdrawal_pb2.GetWithdrawalRequest(withdrawal_id=withdrawal_id), withdrawal_pb2.GetWithdrawalResponse
    )


async def withdrawals_of_settlement(peers: Peers, settlement_id: str) -> list[withdrawal_pb2.Withdrawal]:
    """The withdrawals that the funds of a settlement went into."""
    request = withdrawal_pb2.ListWithdrawalsRequest(settlement_id=settlement_id)
    return await peers.rows(
        request, withdrawal_pb2.ListWithdrawalsResponse, rows_of=lambda page: page.withdrawals, limit=RESOURCES_MAX
    )


async def notifications_of_journey(peers: Peers, correlation_id: str) -> list[notification_pb2.Notification]:
    """The mails about what happened in a journey."""
    request = notification_pb2.ListNotificationsRequest(correlation_id=correlation_id)
    return await peers.rows(
        request,
        notification_pb2.ListNotificationsResponse,
        rows_of=lambda page: page.notifications,
        limit=NOTIFICATIONS_MAX,
    )
