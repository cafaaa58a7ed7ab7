"""One order that is paid, in part refunded, settled and paid out to the merchant's bank."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import grpc

from paystream.accounting.v1 import accounting_pb2
from paystream.common.v1.money_pb2 import Money
from paystream.order.v1 import order_pb2
from paystream.payment.v1 import payment_pb2
from paystream.settlement.v1 import settlement_pb2
from paystream.withdrawal.v1 import withdrawal_pb2
from tests.line.clients import Clients, call, learnt, new_merchant, new_request_id, payment_request, refund_request
from tests.line.waiting import until

TOTAL_MINOR = 10_000
FEE_MINOR = 250 + 30
REFUND_MINOR = 1_000
NET_MINOR = TOTAL_MINOR - FEE_MINOR - REFUND_MINOR


@dataclass(frozen=True, kw_only=True)
class Sale:
    """Every id of it."""

    merchant_id: str
    order_id: str
    payment_id: str
    capture_id: str
    refund_id: str
    settlement_id: str
    withdrawal_id: str
    transaction_ids: tuple[str, ...]


def usd(amount_minor: int) -> Money:
    return Money(amount_minor=amount_minor, currency_code="USD")


async def sell(clients: Clients) -> Sale:
    """Take an order all the way, and wait until all of it is told and booked."""
    merchant_id = await new_merchant(clients, {"USD": (250, 30)})
    order_id = await _ordered(clients, merchant_id)
    payment = await _paid(clients, merchant_id, order_id)
    await _booked(clients, payment.payment_id, 1)
    refund_id = await _refunded(clients, payment.payment_id)
    settlement_id = await _settled(clients, merchant_id)
    withdrawal_id = await _withdrawn(clients, merchant_id)
    transactions = [
        *await _booked(clients, payment.payment_id, 2),
        *await _booked(clients, settlement_id, 1),
        *await _booked(clients, withdrawal_id, 2),
    ]
    get = order_pb2.GetOrderRequest(order_id=order_id)
    await _seen(clients.order.GetOrder, get, lambda reply: reply.order.refunded_minor)
    return Sale(
        merchant_id=merchant_id,
        order_id=order_id,
        payment_id=payment.payment_id,
        capture_id=payment.capture_id,
        refund_id=refund_id,
        settlement_id=settlement_id,
        withdrawal_id=withdrawal_id,
        transaction_ids=tuple(transactions),
    )


async def _seen(method: Any, request: Any, told: Callable[[Any], Any]) -> Any:
    """Call until the reply tells it."""

    async def look() -> Any:
        try:
            return told(await call(method, request))
        except grpc.aio.AioRpcError as error:
            if error.code() is not grpc.StatusCode.FAILED_PRECONDITION:
                raise
            return None

    return await until(look)


async def _ordered(clients: Clients, merchant_id: str) -> str:
    request = order_pb2.CreateOrderRequest(
        request_id=new_request_id(),
        merchant_id=merchant_id,
        merchant_reference="cart-7",
        line_items=[order_pb2.LineItem(name="Lamp", quantity=1, unit_price=usd(TOTAL_MINOR), amount=usd(TOTAL_MINOR))],
        total=usd(TOTAL_MINOR),
    )
    return str((await learnt(clients.order.CreateOrder, request)).order.order_id)


async def _paid(clients: Clients, merchant_id: str, order_id: str) -> Any:
    request = payment_request(merchant_id, TOTAL_MINOR, order_id=order_id, merchant_reference="till-7")
    created = await _seen(clients.payment.CreatePayment, request, lambda reply: reply.payment)
    get = payment_pb2.GetPaymentRequest(payment_id=created.payment_id)
    return await _seen(
        clients.payment.GetPayment, get, lambda reply: reply.payment if reply.payment.captured_minor else None
    )


async def _refunded(clients: Clients, payment_id: str) -> str:
    made = (await call(clients.payment.CreateRefund, refund_request(payment_id, REFUND_MINOR))).refund
    get = payment_pb2.GetRefundRequest(refund_id=made.refund_id)
    done = payment_pb2.REFUND_STATE_SUCCEEDED
    await _seen(clients.payment.GetRefund, get, lambda reply: reply.refund.state == done)
    return str(made.refund_id)


async def _settled(clients: Clients, merchant_id: str) -> str:
    pending = settlement_pb2.GetPendingBalanceRequest(merchant_id=merchant_id, currency_code="USD")
    wanted = str(NET_MINOR)
    await _seen(
        clients.settlement.GetPendingBalance,
        pending,
        lambda reply: [each for each in reply.balances if each.pending.total_minor == wanted],
    )
    request = settlement_pb2.CreateSettlementRequest(
        request_id=new_request_id(), merchant_id=merchant_id, currency_code="USD"
    )
    made = (await call(clients.settlement.CreateSettlement, request)).settlement
    get = settlement_pb2.GetSettlementRequest(settlement_id=made.settlement_id)
    done = settlement_pb2.SETTLEMENT_STATE_COMPLETED
    await _seen(clients.settlement.GetSettlement, get, lambda reply: reply.settlement.state == done)
    return str(made.settlement_id)


async def _withdrawn(clients: Clients, merchant_id: str) -> str:
    account = withdrawal_pb2.CreateBankAccountRequest(
        request_id=new_request_id(), merchant_id=merchant_id, currency_code="USD", token="tok_bank", last_four="0042"
    )
    bank_account_id = (await learnt(clients.withdrawal.CreateBankAccount, account)).bank_account.bank_account_id
    verify = withdrawal_pb2.VerifyBankAccountRequest(
        request_id=new_request_id(), bank_account_id=bank_account_id, result=withdrawal_pb2.VERIFICATION_RESULT_VERIFIED
    )
    await call(clients.withdrawal.VerifyBankAccount, verify)
    request = withdrawal_pb2.CreateWithdrawalRequest(
        request_id=new_request_id(), merchant_id=merchant_id, bank_account_id=bank_account_id, amount=usd(NET_MINOR)
    )
    made = await _seen(clients.withdrawal.CreateWithdrawal, request, lambda reply: reply.withdrawal)
    get = withdrawal_pb2.GetWithdrawalRequest(withdrawal_id=made.withdrawal_id)
    done = withdrawal_pb2.WITHDRAWAL_STATE_COMPLETED
    await _seen(clients.withdrawal.GetWithdrawal, get, lambda reply: reply.withdrawal.state == done)
    return str(made.withdrawal_id)


async def _booked(clients: Clients, root_reference: str, count: int) -> list[str]:
    request = accounting_pb2.ListTransactionsRequest(root_reference=root_reference)
    found = await _seen(
        clients.accounting.ListTransactions,
        request,
        lambda reply: reply.transactions if len(reply.transactions) == count else None,
    )
    return [each.transaction_id for each in found]
