"""One merchant of the running line, as tests ask about it: what it sells, gives back and pays out, and what is kept."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import grpc
import pytest

from paykit.ids import new_id
from paykit.money import AMOUNT_MINOR_MAX
from paystream.accounting.v1 import accounting_pb2
from paystream.channel.v1 import channel_pb2
from paystream.common.v1 import contradiction_pb2, money_pb2
from paystream.payment.v1 import payment_pb2
from paystream.settlement.v1 import settlement_pb2
from paystream.withdrawal.v1 import withdrawal_pb2
from tests.e2e.conftest import Line
from tests.line.clients import (
    call,
    first_payment,
    learnt,
    new_merchant,
    new_request_id,
    payment_request,
    refund_request,
    refused,
)
from tests.line.waiting import until

FEES = {"USD": (290, 30)}
"""2.9 % and 0.30."""
SUSPENSE = """
SELECT coalesce(-sum(e.effect * e.amount_minor), 0)
FROM accounting.entry e JOIN accounting.account a USING (account_id)
     JOIN accounting.transaction t USING (transaction_id)
WHERE t.merchant_id = $1 AND a.account_kind = 'suspense'
"""
"""What is owed to somebody for what happened at one merchant's; below 0 what is out with nothing behind it."""
RETRY_PAUSE_S = 0.2
CLERK, CHIEF = "clerk", "chief"


class Shop:
    """A merchant in USD; amounts are in minor units."""

    def __init__(self, line: Line, merchant_id: str) -> None:
        self._line = line
        self._clients = line.clients
        self.merchant_id = merchant_id
        self._bank_account_id = ""

    @classmethod
    async def opened(
        cls, line: Line, fees: Mapping[str, tuple[int, int]] | None = None, *, refund_fee_returned: bool = False
    ) -> "Shop":
        """Open a shop whose fee is 2.9 % and 0.30 unless it is given."""
        merchant_id = await new_merchant(line.clients, fees or FEES, refund_fee_returned=refund_fee_returned)
        return cls(line, merchant_id)

    # Payments.

    async def charge(self, amount_minor: int, state: str = "SUCCEEDED", *, manual: bool = False) -> str:
        """Charge, wait until the payment is in a state, and give its id."""
        mode = payment_pb2.CAPTURE_MODE_MANUAL if manual else payment_pb2.CAPTURE_MODE_AUTOMATIC
        request = payment_request(self.merchant_id, amount_minor, capture_mode=mode)
        payment = await first_payment(self._clients, request)
        await self.until_payment(payment.payment_id, state=state)
        return payment.payment_id

    async def capture(self, payment_id: str, amount_minor: int, state: str = "SUCCEEDED") -> None:
        """Capture, and wait until the capture is in a state."""
        request = payment_pb2.CapturePaymentRequest(
            request_id=new_request_id(), payment_id=payment_id, amount=usd(amount_minor)
        )
        await call(self._clients.payment.CapturePayment, request)
        wanted = payment_pb2.CaptureState.Value(f"CAPTURE_STATE_{state}")

        async def ended() -> bool:
            got = await self.payment(payment_id)
            return any(each.amount.amount_minor == amount_minor and each.state == wanted for each in got.captures)

        await until(ended)

    async def void(self, payment_id: str) -> None:
        """Ask to give up what is not captured."""
        request = payment_pb2.CancelPaymentRequest(
            request_id=new_request_id(), payment_id=payment_id, reason="not wanted"
        )
        await call(self._clients.payment.CancelPayment, request)

    async def payment(self, payment_id: str) -> Any:
        """Give a payment with its captures and attempts."""
        return await call(self._clients.payment.GetPayment, payment_pb2.GetPaymentRequest(payment_id=payment_id))

    async def until_payment(self, payment_id: str, *, state: str | None = None, **fields: int) -> Any:
        """Wait until a payment is in a state, and fields of it have values."""

        async def seen() -> Any:
            payment = (await self.payment(payment_id)).payment
            stands = state is None or payment.state == payment_pb2.PaymentState.Value(f"PAYMENT_STATE_{state}")
            return payment if stands and all(getattr(payment, name) == fields[name] for name in fields) else None

        return await self._waited(seen, lambda: self.payment(payment_id))

    async def refund(self, payment_id: str, amount_minor: int, state: str = "SUCCEEDED") -> str:
        """Refund, wait until the refund is in a state, and give its id."""
        request = refund_request(payment_id, amount_minor)
        refund_id = (await call(self._clients.payment.CreateRefund, request)).refund.refund_id
        await self.until_refund(refund_id, state)
        return str(refund_id)

    async def refund_refused(self, payment_id: str, amount_minor: int) -> str:
        """Ask for a refund that is to be refused, and give the reason."""
        return (await refused(self._clients.payment.CreateRefund, refund_request(payment_id, amount_minor))).reason

    async def refundable(self, payment_id: str) -> int:
        """Give what can be refunded now, as the refusal of more says it."""
        request = refund_request(payment_id, AMOUNT_MINOR_MAX)
        metadata = (await refused(self._clients.payment.CreateRefund, request)).metadata
        return int(dict(metadata).get("refundable_minor", 0))

    async def until_refund(self, refund_id: str, state: str) -> None:
        """Wait until a refund is in a state."""
        get = payment_pb2.GetRefundRequest(refund_id=refund_id)
        wanted = payment_pb2.RefundState.Value(f"REFUND_STATE_{state}")

        async def reached() -> bool:
            return (await call(self._clients.payment.GetRefund, get)).refund.state == wanted  # type: ignore[no-any-return]

        await self._waited(reached, lambda: call(self._clients.payment.GetRefund, get))

    async def refunds(self, payment_id: str) -> list[tuple[int, str, str]]:
        """Give amount, state and reason of a payment's refunds, oldest first."""
        request = payment_pb2.ListRefundsRequest(payment_id=payment_id)
        found = (await call(self._clients.payment.ListRefunds, request)).refunds
        return [
            (
                each.amount.amount_minor,
                payment_pb2.RefundState.Name(each.state).removeprefix("REFUND_STATE_"),
                payment_pb2.RefundReason.Name(each.reason).removeprefix("REFUND_REASON_"),
            )
            for each in reversed(found)
        ]

    async def until_refunds(self, payment_id: str, wanted: list[tuple[int, str, str]]) -> None:
        """Wait until a payment has these refunds."""

        async def reached() -> bool:
            return await self.refunds(payment_id) == wanted

        await self._waited(reached, lambda: self.refunds(payment_id))

    # Money out.

    async def settle(self) -> None:
        """Settle what is pending, and wait until it is booked."""
        made = (await self._allowed(self._clients.settlement.CreateSettlement, self._settlement())).settlement
        get = settlement_pb2.GetSettlementRequest(settlement_id=made.settlement_id)
        done = settlement_pb2.SETTLEMENT_STATE_COMPLETED

        async def booked() -> bool:
            return (await call(self._clients.settlement.GetSettlement, get)).settlement.state == done  # type: ignore[no-any-return]

        await until(booked)

    async def settle_now(self) -> None:
        """Ask once for a settlement of what is pending."""
        await call(self._clients.settlement.CreateSettlement, self._settlement())

    async def funded(self, amount_minor: int, *, fee_minor: int) -> None:
        """Charge an amount and settle it, so that what the fee leaves can be withdrawn."""
        await self.charge(amount_minor)
        await self.until_balances({"settlement": amount_minor - fee_minor})
        await self.settle()
        await self.until_withdrawable(amount_minor - fee_minor)

    async def withdraw(self, amount_minor: int, state: str | None = "COMPLETED") -> str:
        """Withdraw, wait until the withdrawal is in a state, and give its id."""
        request = await self.withdrawal_request(amount_minor)
        made = (await self._allowed(self._clients.withdrawal.CreateWithdrawal, request)).withdrawal
        if state is not None:
            await self.until_withdrawal(made.withdrawal_id, state)
        return str(made.withdrawal_id)

    async def withdrawal_request(self, amount_minor: int) -> Any:
        """Ask for a withdrawal to the merchant's bank account, which is made when it is first needed."""
        if not self._bank_account_id:
            self._bank_account_id = await self._bank_account()
        return withdrawal_pb2.CreateWithdrawalRequest(
            request_id=new_request_id(),
            merchant_id=self.merchant_id,
            bank_account_id=self._bank_account_id,
            amount=usd(amount_minor),
        )

    async def withdrawal_refused(self, amount_minor: int) -> str:
        """Ask for a withdrawal that is to be refused, and give the reason."""
        return (
            await refused(self._clients.withdrawal.CreateWithdrawal, await self.withdrawal_request(amount_minor))
        ).reason

    async def withdrawal(self, withdrawal_id: str) -> Any:
        """Give a withdrawal."""
        get = withdrawal_pb2.GetWithdrawalRequest(withdrawal_id=withdrawal_id)
        return await call(self._clients.withdrawal.GetWithdrawal, get)

    async def until_withdrawal(self, withdrawal_id: str, state: str) -> None:
        """Wait until a withdrawal is in a state."""
        wanted = withdrawal_pb2.WithdrawalState.Value(f"WITHDRAWAL_STATE_{state}")

        async def reached() -> bool:
            return (await self.withdrawal(withdrawal_id)).withdrawal.state == wanted  # type: ignore[no-any-return]

        await self._waited(reached, lambda: self.withdrawal(withdrawal_id))

    async def withdrawable(self) -> int:
        """Give what can be withdrawn now."""
        request = withdrawal_pb2.GetWithdrawableBalanceRequest(merchant_id=self.merchant_id, currency_code="USD")
        return int((await learnt(self._clients.withdrawal.GetWithdrawableBalance, request)).withdrawable_minor)

    async def until_withdrawable(self, amount_minor: int) -> None:
        """Wait until so much can be withdrawn."""

        async def reached() -> bool:
            return await self.withdrawable() == amount_minor

        await self._waited(reached, self.withdrawable)

    # What the channel says.

    async def attempt(self, payment_id: str, action: str, *, of: str | None = None) -> str:
        """Give the id of the newest call to the channel for a payment, or for one capture or refund of it."""
        wanted = payment_pb2.AttemptAction.Value(f"ATTEMPT_ACTION_{action}")
        found = [each for each in (await self.payment(payment_id)).attempts if each.action == wanted]
        own = [each for each in found if of is None or of in {each.refund_id, each.capture_id}]
        return str(max(own, key=lambda each: each.create_time.ToNanoseconds()).attempt_id)

    async def payout(self, withdrawal_id: str) -> str:
        """Give the id of the call to the bank for a withdrawal."""
        return str((await self.withdrawal(withdrawal_id)).attempts[-1].attempt_id)

    async def said(self, attempt_id: str, outcome: str, amount_minor: int | None = None) -> Any:
        """Have channel or bank say something of an attempt after it was decided."""
        value = channel_pb2.LateOutcome.Value(f"LATE_OUTCOME_{outcome}")
        request = channel_pb2.SetOutcomeRequest(request_id=new_request_id(), attempt_id=attempt_id, outcome=value)
        if amount_minor is not None:
            request.amount.CopyFrom(usd(amount_minor))
        return (await call(self._clients.channel.SetOutcome, request)).transaction

    async def dispute(self, attempt_id: str, amount_minor: int, *, respond_within_s: int) -> None:
        """Have a payer's bank dispute what an attempt captured; lost unless it is answered in time."""
        request = channel_pb2.OpenDisputeRequest(
            request_id=new_request_id(),
            attempt_id=attempt_id,
            amount=usd(amount_minor),
            respond_within_seconds=respond_within_s,
        )
        await call(self._clients.channel.OpenDispute, request)

    async def unasked_charge(self, amount_minor: int) -> str:
        """Have the channel charge by itself, and tell payment of the attempt, which it does not know."""
        attempt_id = new_id("att")
        request = channel_pb2.AuthorizeRequest(
            attempt_id=attempt_id,
            merchant_id=self.merchant_id,
            amount=usd(amount_minor),
            method_token="tok_test",
            capture=True,
            callback_address=self._line.settings.grpc_address,
        )
        await call(self._clients.channel.Authorize, request)
        return attempt_id

    async def unmatched(self, attempt_id: str) -> Any:
        """Wait until payment lists what was told of an attempt that it does not know, and give it."""

        async def listed() -> Any:
            request = payment_pb2.ListUnmatchedEvidenceRequest(page_size=1_000)
            found = (await call(self._clients.payment.ListUnmatchedEvidence, request)).evidence
            return next((each for each in found if each.attempt_id == attempt_id), None)

        return await until(listed, seconds=WAIT_S_MAX)

    async def decline_refunds(self, attempt_id: str, count: int) -> None:
        """Have the next refunds of what an attempt captured declined."""
        await call(
            self._clients.channel.DeclineRefunds,
            channel_pb2.DeclineRefundsRequest(request_id=new_request_id(), attempt_id=attempt_id, count=count),
        )

    async def behave(self, **behaviour: int) -> None:
        """Have channel and bank behave so to this merchant; without anything, as to all."""
        given: dict[str, Any] = {"fee_basis_points": 150, "finality_seconds": 5} | behaviour
        request = channel_pb2.SetBehaviourRequest(
            request_id=new_request_id(),
            merchant_id=self.merchant_id,
            behaviour=channel_pb2.Behaviour(**given) if behaviour else None,
        )
        await call(self._clients.channel.SetBehaviour, request)

    # What is kept, and what waits for people.

    async def balances(self) -> dict[str, int]:
        """Give the merchant's balances in the ledger by kind, those at 0 left out, and what is in suspense for it."""
        request = accounting_pb2.ListAccountsRequest(merchant_id=self.merchant_id, page_size=100)
        found = {}
        for account in (await call(self._clients.accounting.ListAccounts, request)).accounts:
            asked = accounting_pb2.GetBalanceRequest(account_id=account.account_id)
            reply = await call(self._clients.accounting.GetBalance, asked)
            found[account.account_kind.removeprefix("merchant.")] = int(reply.balance_minor)
        found["suspense"] = await self._line.kept.number(SUSPENSE, self.merchant_id)
        return {kind: balance for kind, balance in found.items() if balance}

    async def until_balances(self, wanted: Mapping[str, int]) -> None:
        """Wait until the ledger keeps this of the merchant."""

        async def reached() -> bool:
            return await self.balances() == wanted

        await self._waited(reached, self.balances, wanted)

    async def contradictions(self, service: str = "payment") -> list[Any]:
        """Give the merchant's contradictions that a service lists, oldest first."""
        stub, messages = self._of(service)
        request = messages.ListContradictionsRequest(merchant_id=self.merchant_id)
        return list(reversed((await call(stub.ListContradictions, request)).contradictions))

    async def contradiction(self, kind: str, service: str = "payment") -> Any:
        """Wait for the merchant's one contradiction of a kind, and give it."""
        wanted = contradiction_pb2.ContradictionKind.Value(f"CONTRADICTION_KIND_{kind}")

        async def heard() -> Any:
            found = [each for each in await self.contradictions(service) if each.kind == wanted]
            assert len(found) <= 1, found
            return found[0] if found else None

        return await self._waited(heard, lambda: self.contradictions(service), kind)

    async def decide(self, contradiction: Any, resolution: str, service: str = "payment") -> None:
        """Propose how a contradiction ends, and have another person approve; the same person cannot."""
        stub, messages = self._of(service)
        named = {"contradiction_id": contradiction.contradiction_id}
        value = f"CONTRADICTION_RESOLUTION_{resolution}"
        propose = messages.ProposeResolutionRequest(
            request_id=new_request_id(), resolution=value, reason="The channel's own statement says so.", **named
        )
        await stub.ProposeResolution(propose, metadata=[("paystream-caller", CLERK)])
        approve = messages.ApproveResolutionRequest(request_id=new_request_id(), **named)
        with pytest.raises(grpc.aio.AioRpcError, match="PERMISSION_DENIED"):
            await stub.ApproveResolution(approve, metadata=[("paystream-caller", f" {CLERK.upper()} ")])
        approve.request_id = new_request_id()
        await self._allowed(stub.ApproveResolution, approve, CHIEF)

    def _of(self, service: str) -> tuple[Any, Any]:
        return getattr(self._clients, service), {"payment": payment_pb2, "withdrawal": withdrawal_pb2}[service]

    def _settlement(self) -> Any:
        return settlement_pb2.CreateSettlementRequest(
            request_id=new_request_id(), merchant_id=self.merchant_id, currency_code="USD"
        )

    async def _bank_account(self) -> str:
        request = withdrawal_pb2.CreateBankAccountRequest(
            request_id=new_request_id(),
            merchant_id=self.merchant_id,
            currency_code="USD",
            token="tok_bank",
            last_four="0042",
        )
        made = (await learnt(self._clients.withdrawal.CreateBankAccount, request)).bank_account
        verify = withdrawal_pb2.VerifyBankAccountRequest(
            request_id=new_request_id(),
            bank_account_id=made.bank_account_id,
            result=withdrawal_pb2.VERIFICATION_RESULT_VERIFIED,
        )
        await call(self._clients.withdrawal.VerifyBankAccount, verify)
        return str(made.bank_account_id)

    async def _allowed(self, method: Any, request: Any, caller: str = CLERK) -> Any:
        """Call until the services have heard what they must know, and nothing that is under way forbids it."""

        async def granted() -> Any:
            try:
                return await method(request, metadata=[("paystream-caller", caller)])
            except grpc.aio.AioRpcError as error:
                if error.code() is not grpc.StatusCode.FAILED_PRECONDITION:
                    raise
                await asyncio.sleep(RETRY_PAUSE_S)
                return None

        return await until(granted)

    async def _waited(
        self, look: Callable[[], Awaitable[Any]], show: Callable[[], Awaitable[Any]], wanted: object = None
    ) -> Any:
        """Wait, and say what there is instead if it never comes."""
        try:
            return await until(look, seconds=WAIT_S_MAX)
        except TimeoutError as error:
            raise AssertionError(f"{self.merchant_id}: wanted {wanted}, there is {await show()}") from error


def usd(amount_minor: int) -> Any:
    """Make an amount."""
    return money_pb2.Money(amount_minor=amount_minor, currency_code="USD")


WAIT_S_MAX = 60.0
"""For what one word leads to."""
