"""What a journey asks for, as requests of the services' APIs."""

from typing import Any

from google.protobuf import duration_pb2

from paystream.channel.v1 import channel_pb2
from paystream.common.v1 import contact_pb2, money_pb2
from paystream.order.v1 import order_pb2
from paystream.payment.v1 import payment_pb2
from paystream.settlement.v1 import settlement_pb2
from paystream.withdrawal.v1 import withdrawal_pb2
from tests.e2e.model import views
from tests.e2e.model.asking import (
    Act,
    AnswerDispute,
    Ask,
    CancelOrder,
    Capture,
    CreateOrder,
    Decide,
    OpenDispute,
    Pay,
    Refund,
    Settle,
    Void,
    Withdraw,
)
from tests.e2e.model.told import PAYER
from tests.line.clients import Clients, call_through, new_request_id, payment_request

CLERK, CHIEF = [("paystream-caller", "clerk")], [("paystream-caller", "chief")]
"""Who asks for withdrawals, and who decides on them."""
CONTACT = contact_pb2.ReceiptContact(receipt_email=PAYER, locale="zh-CN")
CAPTURING = {payment_pb2.ATTEMPT_ACTION_CHARGE, payment_pb2.ATTEMPT_ACTION_CAPTURE}

TTL = duration_pb2.Duration(seconds=5 * 86_400)
"""Of orders that expire."""

Made = tuple[Any, Any, Any]
"""A method, its request, and metadata."""


class Requests:
    """Makes the requests of one merchant's journey.

    Attributes:
        ids: Of what was made, by kind and the journey's number.
        bank_accounts: By currency.
    """

    def __init__(self, clients: Clients, merchant_id: str) -> None:
        self._clients = clients
        self._merchant_id = merchant_id
        self._currencies: dict[int, str] = {}
        self.ids: dict[tuple[str, int], str] = {}
        self.bank_accounts: dict[str, str] = {}

    def learn(self, ask: Ask, reply: Any) -> None:
        """Remember the ids of what a reply tells of."""
        match ask:
            case CreateOrder():
                self.ids["order", ask.number] = reply.order.order_id
            case Pay():
                self.ids["payment", ask.number] = reply.payment.payment_id
                self._currencies[ask.number] = ask.currency
            case Withdraw():
                self.ids["withdrawal", ask.number] = reply.withdrawal.withdrawal_id

    async def make(self, ask: Ask) -> Made:
        """Make a request, with a request_id of its own."""
        match ask:
            case CreateOrder() | CancelOrder():
                return self._of_order(ask)
            case Act():
                return await self._of_payer(ask)
            case OpenDispute() | AnswerDispute():
                return await self._of_dispute(ask)
            case Pay() | Capture() | Void() | Refund():
                return self._of_payment(ask)
            case _:
                return self._of_funds(ask)

    def _of_order(self, ask: CreateOrder | CancelOrder) -> Made:
        service, named = self._clients.order, new_request_id()
        if isinstance(ask, CancelOrder):
            order_id = self.ids["order", ask.order]
            cancel = order_pb2.CancelOrderRequest(request_id=named, order_id=order_id, reason="out of stock")
            return service.CancelOrder, cancel, CLERK
        total = _money(ask.total, ask.currency)
        item = order_pb2.LineItem(name="Books", quantity=1, unit_price=total, amount=total)
        request = order_pb2.CreateOrderRequest(
            request_id=named,
            merchant_id=self._merchant_id,
            merchant_reference=f"journey {ask.number}",
            line_items=[item],
            total=total,
            contact=CONTACT,
            ttl=TTL if ask.expires else None,
        )
        return service.CreateOrder, request, CLERK

    def _of_payment(self, ask: Pay | Capture | Void | Refund) -> Made:
        service, named = self._clients.payment, new_request_id()
        if isinstance(ask, Pay):
            order_id = "" if ask.order is None else self.ids["order", ask.order]
            mode = payment_pb2.CAPTURE_MODE_MANUAL if ask.manual else payment_pb2.CAPTURE_MODE_AUTOMATIC
            more = {"order_id": order_id, "capture_mode": mode, "contact": CONTACT}
            request = payment_request(self._merchant_id, ask.amount, ask.currency, **more)
            return service.CreatePayment, request, CLERK
        about: dict[str, Any] = {"request_id": named, "payment_id": self.ids["payment", ask.payment]}
        if isinstance(ask, Void):
            return service.CancelPayment, payment_pb2.CancelPaymentRequest(reason="not wanted", **about), CLERK
        amount = None if ask.amount is None else _money(ask.amount, self._currencies[ask.payment])
        if isinstance(ask, Capture):
            captured = payment_pb2.CapturePaymentRequest(amount=amount, final=ask.final, **about)
            return service.CapturePayment, captured, CLERK
        reason = payment_pb2.REFUND_REASON_CUSTOMER_REQUEST
        return service.CreateRefund, payment_pb2.CreateRefundRequest(amount=amount, reason=reason, **about), CLERK

    async def _of_payer(self, ask: Act) -> Made:
        request = payment_pb2.GetPaymentRequest(payment_id=self.ids["payment", ask.payment])
        [attempt] = (await call_through(self._clients.payment.GetPayment, request)).attempts
        outcome = channel_pb2.LATE_OUTCOME_APPROVED if ask.does else channel_pb2.LATE_OUTCOME_DECLINED
        played = channel_pb2.SetOutcomeRequest(
            request_id=new_request_id(), attempt_id=attempt.attempt_id, outcome=outcome
        )
        return self._clients.channel.SetOutcome, played, CLERK

    async def _of_dispute(self, ask: OpenDispute | AnswerDispute) -> Made:
        named, payment_id = new_request_id(), self.ids["payment", ask.payment]
        if isinstance(ask, AnswerDispute):
            dispute_id = (await views.disputes(self._clients, payment_id))[ask.dispute].dispute_id
            if ask.contest:
                contest = payment_pb2.ContestDisputeRequest(
                    request_id=named, dispute_id=dispute_id, evidence="The parcel was signed for."
                )
                return self._clients.payment.ContestDispute, contest, CLERK
            accept = payment_pb2.AcceptDisputeRequest(request_id=named, dispute_id=dispute_id)
            return self._clients.payment.AcceptDispute, accept, CLERK
        got = await call_through(self._clients.payment.GetPayment, payment_pb2.GetPaymentRequest(payment_id=payment_id))
        succeeded = payment_pb2.ATTEMPT_STATE_SUCCEEDED
        [attempt] = [each for each in got.attempts if each.action in CAPTURING and each.state == succeeded]
        request = channel_pb2.OpenDisputeRequest(
            request_id=named,
            attempt_id=attempt.attempt_id,
            amount=_money(ask.amount, self._currencies[ask.payment]),
            contest_loses=not ask.wins,
        )
        return self._clients.channel.OpenDispute, request, CLERK

    def _of_funds(self, ask: Settle | Withdraw | Decide) -> Made:
        named = new_request_id()
        if isinstance(ask, Settle):
            settle = settlement_pb2.CreateSettlementRequest(
                request_id=named,
                merchant_id=self._merchant_id,
                currency_code=ask.currency,
                override_reason="settled out of turn",
            )
            return self._clients.settlement.CreateSettlement, settle, CLERK
        service = self._clients.withdrawal
        if isinstance(ask, Withdraw):
            withdraw = withdrawal_pb2.CreateWithdrawalRequest(
                request_id=named,
                merchant_id=self._merchant_id,
                bank_account_id=self.bank_accounts[ask.currency],
                amount=_money(ask.amount, ask.currency),
            )
            return service.CreateWithdrawal, withdraw, CLERK
        caller = CLERK if ask.same_person else CHIEF
        about = {"request_id": named, "withdrawal_id": self.ids["withdrawal", ask.withdrawal]}
        if ask.approve:
            return service.ApproveWithdrawal, withdrawal_pb2.ApproveWithdrawalRequest(**about), caller
        return service.RejectWithdrawal, withdrawal_pb2.RejectWithdrawalRequest(reason="not agreed", **about), caller


def _money(amount_minor: int, currency_code: str) -> money_pb2.Money:
    return money_pb2.Money(amount_minor=amount_minor, currency_code=currency_code)
