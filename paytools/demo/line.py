"""The demo's two shops on the money line: orders, payments, refunds, a dispute, settlements and withdrawals."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import grpc

from paystream.channel.v1 import channel_pb2
from paystream.common.v1.money_pb2 import Money
from paystream.merchant.v1 import merchant_pb2
from paystream.order.v1 import order_pb2
from paystream.payment.v1 import payment_pb2
from paystream.settlement.v1 import settlement_pb2
from paystream.withdrawal.v1 import withdrawal_pb2
from paytools.demo import line_script as script
from paytools.demo.clients import PAGE_SIZE, Clients, DemoFailedError, call, new_request_id, pages
from paytools.demo.line_script import Course, Item, Sale
from paytools.demo.traffic import create_merchant

WAIT_S_MAX = 60.0
"""For each step; most take well under a second."""
LOOK_EVERY_S = 0.1
ORDER_TTL_S = 3_600
TREASURER = "treasurer"
"""The second person."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sold:
    """An order of the second shop, and its payment if there was one."""

    sale: Sale
    order_id: str
    payment_id: str | None


async def create_shop(clients: Clients, name: str, fee: tuple[int, int], policy: Any, *, returned: bool) -> str:
    """Create and activate a shop; give its merchant_id."""
    rule = merchant_pb2.FeeRule(currency_code=script.CURRENCY, basis_points=fee[0], fixed_minor=fee[1])
    request = merchant_pb2.CreateMerchantRequest(
        request_id=new_request_id(),
        display_name=name,
        contact_email=f"{name.lower().replace(' ', '.')}@example.com",
        fee_plan=merchant_pb2.FeePlan(fees=[rule], refund_fee_returned=returned),
        settlement_policy=policy,
    )
    return str((await create_merchant(clients, request)).merchant_id)


async def create_order(clients: Clients, merchant_id: str, reference: str, items: Sequence[Item]) -> str:
    """Create an order of these items; give its order_id."""
    lines = [
        order_pb2.LineItem(
            name=item.name,
            quantity=item.quantity,
            unit_price=money(item.unit_price_minor),
            amount=money(item.quantity * item.unit_price_minor),
        )
        for item in items
    ]
    request = order_pb2.CreateOrderRequest(
        request_id=new_request_id(),
        merchant_id=merchant_id,
        merchant_reference=reference,
        line_items=lines,
        total=money(sum(line.amount.amount_minor for line in lines)),
    )
    request.ttl.FromSeconds(ORDER_TTL_S)
    return str((await call(clients.order.CreateOrder, request)).order.order_id)


async def pay(clients: Clients, merchant_id: str, order_id: str, amount_minor: int, *, manual: bool = False) -> str:
    """Pay for an order, captured at once or by hand; give the payment_id."""
    request = payment_pb2.CreatePaymentRequest(
        request_id=new_request_id(),
        merchant_id=merchant_id,
        merchant_reference=f"pays {order_id[-8:]}",
        order_id=order_id,
        amount=money(amount_minor),
        payment_method=payment_pb2.PaymentMethod(type=payment_pb2.PAYMENT_METHOD_TYPE_CARD, token="tok_demo"),  # noqa: S106 - opens nothing
        capture_mode=payment_pb2.CAPTURE_MODE_MANUAL if manual else payment_pb2.CAPTURE_MODE_AUTOMATIC,
    )
    return str((await call(clients.payment.CreatePayment, request)).payment.payment_id)


async def capture(
    clients: Clients, payment_id: str, amount_minor: int, captured_minor: int, *, final: bool = False
) -> None:
    """Capture a part of what is authorized, the last one if final, and wait until so much is captured in all."""
    await call(
        clients.payment.CapturePayment,
        payment_pb2.CapturePaymentRequest(
            request_id=new_request_id(), payment_id=payment_id, amount=money(amount_minor), final=final
        ),
    )
    await payment_until(clients, payment_id, f"captured {captured_minor}", lambda p: p.captured_minor == captured_minor)


async def refund(clients: Clients, payment_id: str, amount_minor: int) -> None:
    """Give back a part of a payment, and wait until the payer has it."""
    await call(
        clients.payment.CreateRefund,
        payment_pb2.CreateRefundRequest(
            request_id=new_request_id(),
            payment_id=payment_id,
            amount=money(amount_minor),
            reason=payment_pb2.REFUND_REASON_CUSTOMER_REQUEST,
        ),
    )
    await payment_until(clients, payment_id, "refunded", lambda p: p.refunded_minor == amount_minor)


async def dispute_and_lose(clients: Clients, payment_id: str) -> str:
    """Have the payer dispute a payment, contest it and lose; give the dispute_id."""
    payment = await call(clients.payment.GetPayment, payment_pb2.GetPaymentRequest(payment_id=payment_id))
    await call(
        clients.channel.OpenDispute,
        channel_pb2.OpenDisputeRequest(
            request_id=new_request_id(),
            attempt_id=payment.attempts[0].attempt_id,
            reason=channel_pb2.DISPUTE_REASON_NOT_RECEIVED,
            contest_loses=True,
        ),
    )
    listing = payment_pb2.ListDisputesRequest(payment_id=payment_id)

    async def disputes() -> Any:
        return (await call(clients.payment.ListDisputes, listing)).disputes

    opened = (await until("a dispute is opened", disputes, bool))[0]
    contest = payment_pb2.ContestDisputeRequest(
        request_id=new_request_id(), dispute_id=opened.dispute_id, evidence="Delivered on 20 November, signed for."
    )
    await call(clients.payment.ContestDispute, contest)
    await until("the dispute is lost", disputes, lambda one: one[0].state == payment_pb2.DISPUTE_STATE_LOST)
    return str(opened.dispute_id)


async def sell_all(clients: Clients, merchant_id: str) -> list[Sold]:
    """Take every order of the second shop on its course, but for the time that passes."""
    return await asyncio.gather(*(_sell(clients, merchant_id, sale) for sale in script.SALES))


async def pending_until(clients: Clients, merchant_id: str, total_minor: int) -> None:
    """Wait until so much awaits settlement."""
    request = settlement_pb2.GetPendingBalanceRequest(merchant_id=merchant_id, currency_code=script.CURRENCY)

    async def total() -> int:
        reply = await call(clients.settlement.GetPendingBalance, request)
        return sum(int(balance.pending.total_minor) for balance in reply.balances)

    await until(f"{total_minor} await settlement", total, lambda found: found == total_minor)


async def completed_settlement(clients: Clients, merchant_id: str) -> Any:
    """Wait for the shop's settlement, and give it once the ledger has booked it."""
    request = settlement_pb2.ListSettlementsRequest(
        merchant_id=merchant_id, state=settlement_pb2.SETTLEMENT_STATE_COMPLETED
    )

    async def settlements() -> Any:
        return (await call(clients.settlement.ListSettlements, request)).settlements

    return (await until("a settlement is completed", settlements, bool))[0]


async def settle_by_hand(clients: Clients, merchant_id: str) -> int:
    """Settle everything a merchant has pending, in each currency; give how many settlements that took."""
    pending = settlement_pb2.GetPendingBalanceRequest(merchant_id=merchant_id)
    for balance in (await call(clients.settlement.GetPendingBalance, pending)).balances:
        request = settlement_pb2.CreateSettlementRequest(
            request_id=new_request_id(),
            merchant_id=merchant_id,
            currency_code=balance.currency_code,
            override_reason="Settled by hand, before its time.",
        )
        await call(clients.settlement.CreateSettlement, request)

    async def settled() -> list[Any]:
        request = settlement_pb2.ListSettlementsRequest(merchant_id=merchant_id, page_size=PAGE_SIZE)
        settlements = await pages(clients.settlement.ListSettlements, request, "settlements")
        return [settlement for settlement in settlements if settlement.state != settlement_pb2.SETTLEMENT_STATE_PENDING]

    def booked(settlements: list[Any]) -> bool:
        return all(settlement.state == settlement_pb2.SETTLEMENT_STATE_COMPLETED for settlement in settlements)

    settlements = await until("all are booked", settled, booked)
    return len(settlements)


async def open_account(clients: Clients, merchant_id: str) -> str:
    """Register the shop's bank account and have a second person verify it; give its id."""
    created = await call(
        clients.withdrawal.CreateBankAccount,
        withdrawal_pb2.CreateBankAccountRequest(
            request_id=new_request_id(),
            merchant_id=merchant_id,
            currency_code=script.CURRENCY,
            token="bank_tok_demo",  # noqa: S106 - opens nothing
            last_four="3000",
        ),
    )
    account_id = created.bank_account.bank_account_id
    verify = withdrawal_pb2.VerifyBankAccountRequest(
        request_id=new_request_id(), bank_account_id=account_id, result=withdrawal_pb2.VERIFICATION_RESULT_VERIFIED
    )
    await call(clients.withdrawal.VerifyBankAccount, verify, caller=TREASURER)
    return str(account_id)


async def withdraw(clients: Clients, merchant_id: str, account_id: str, amount_minor: int) -> Any:
    """Ask for a withdrawal as soon as so much can be withdrawn; give it as it was accepted."""
    balance = withdrawal_pb2.GetWithdrawableBalanceRequest(merchant_id=merchant_id, currency_code=script.CURRENCY)

    async def withdrawable() -> int:
        return int((await call(clients.withdrawal.GetWithdrawableBalance, balance)).withdrawable_minor)

    await until(f"{amount_minor} can be withdrawn", withdrawable, lambda found: found >= amount_minor)
    request = withdrawal_pb2.CreateWithdrawalRequest(
        request_id=new_request_id(), merchant_id=merchant_id, bank_account_id=account_id, amount=money(amount_minor)
    )
    return (await call(clients.withdrawal.CreateWithdrawal, request)).withdrawal


async def approve(clients: Clients, withdrawal_id: str) -> str:
    """Try to approve a withdrawal as who asked for it, then as a second person; give the words of the refusal.

    Raises:
        DemoFailedError: One person alone could do it.
    """

    def request() -> Any:
        return withdrawal_pb2.ApproveWithdrawalRequest(request_id=new_request_id(), withdrawal_id=withdrawal_id)

    try:
        await call(clients.withdrawal.ApproveWithdrawal, request())
    except grpc.aio.AioRpcError as error:
        await call(clients.withdrawal.ApproveWithdrawal, request(), caller=TREASURER)
        return error.details() or ""
    raise DemoFailedError("the person who asked for a withdrawal could approve it")


async def withdrawal_until(clients: Clients, withdrawal_id: str, state: str) -> Any:
    """Wait until a withdrawal is in a state, named without its prefix, and give it."""
    request = withdrawal_pb2.GetWithdrawalRequest(withdrawal_id=withdrawal_id)
    wanted = withdrawal_pb2.WithdrawalState.Value(f"WITHDRAWAL_STATE_{state}")

    async def look() -> Any:
        return (await call(clients.withdrawal.GetWithdrawal, request)).withdrawal

    return await until(f"the withdrawal is {state}", look, lambda found: found.state == wanted)


async def order_until(clients: Clients, order_id: str, state: str) -> Any:
    """Wait until an order is in a state, named without its prefix, and give it."""
    request = order_pb2.GetOrderRequest(order_id=order_id)
    wanted = order_pb2.OrderState.Value(f"ORDER_STATE_{state}")

    async def look() -> Any:
        return (await call(clients.order.GetOrder, request)).order

    return await until(f"the order is {state}", look, lambda found: found.state == wanted)


async def payment_until(clients: Clients, payment_id: str, what: str, ready: Callable[[Any], bool]) -> Any:
    """Wait until a payment has come as far as that, and give it."""
    request = payment_pb2.GetPaymentRequest(payment_id=payment_id)

    async def look() -> Any:
        return (await call(clients.payment.GetPayment, request)).payment

    return await until(f"the payment is {what}", look, ready)


async def until(what: str, look: Callable[[], Awaitable[T]], ready: Callable[[T], Any]) -> T:
    """Look again and again until what is found will do.

    Raises:
        DemoFailedError: It did not for WAIT_S_MAX.
    """
    give_up = time.monotonic() + WAIT_S_MAX
    while True:
        state = await look()
        if ready(state):
            return state
        if time.monotonic() > give_up:
            raise DemoFailedError(f"after {WAIT_S_MAX:.0f} s it is still not so that {what}: {state}")
        await asyncio.sleep(LOOK_EVERY_S)


def money(amount_minor: int) -> Money:
    """Return an amount in the currency of the line."""
    return Money(amount_minor=amount_minor, currency_code=script.CURRENCY)


async def _sell(clients: Clients, merchant_id: str, sale: Sale) -> Sold:
    item = Item(name=sale.item, quantity=1, unit_price_minor=sale.total_minor)
    order_id = await create_order(clients, merchant_id, f"order of a {sale.item.lower()}", [item])
    if sale.course is Course.EXPIRED:
        return Sold(sale=sale, order_id=order_id, payment_id=None)
    payment_id = await pay(clients, merchant_id, order_id, sale.total_minor)
    if sale.course is Course.CANCELLED:
        cancel = order_pb2.CancelOrderRequest(
            request_id=new_request_id(), order_id=order_id, reason="changed their mind"
        )
        await call(clients.order.CancelOrder, cancel)
        await payment_until(clients, payment_id, "refunded", lambda p: p.refunded_minor == sale.total_minor)
        return Sold(sale=sale, order_id=order_id, payment_id=payment_id)
    await order_until(clients, order_id, "PAID")
    if sale.course is Course.REFUNDED:
        await refund(clients, payment_id, script.PART_REFUND_MINOR)
    if sale.course is Course.DISPUTED:
        await dispute_and_lose(clients, payment_id)
    return Sold(sale=sale, order_id=order_id, payment_id=payment_id)
