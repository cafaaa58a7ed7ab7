"""Journeys on which anything may be contradicted at any time: no model foretells them, the books alone must agree.

What is asked may be refused for any reason of the business; what channel and bank say after all is always taken.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import grpc
from google.protobuf import field_mask_pb2

from paystream.channel.v1 import channel_pb2
from paystream.merchant.v1 import merchant_pb2
from paystream.payment.v1 import payment_pb2
from paystream.withdrawal.v1 import withdrawal_pb2
from tests.e2e.conftest import Line
from tests.e2e.outside.shop import CHIEF, CLERK, Shop, usd
from tests.line.clients import call_through, new_request_id, payment_request, refund_request, refusal_of

STEPS_MIN, STEPS_MAX = 4, 8
"""Before, and after, time has passed."""
CALL_S_MAX = 60.0
PAUSES_S = (0.0, 0.0, 0.3, 2.5)
"""Between two steps: at once, or after what came of the one before, or after what was said of it later."""
ORDINARY = (137, 1_000, 2_345, 8_800, 25_000, 48_888)
FATES = tuple(range(9_001, 9_027))
WAITING_FATES = tuple(range(9_021, 9_027))
"""Of these, amounts whose authorization or charge waits for its payer."""
ANSWER_LOST = 9003
"""Amounts modulo 10,000 whose answer is lost: the outcome is not known before somebody asks."""
WORDS = ("APPROVED", "DECLINED", "RETURNED", "APPROVED_AGAIN")
ACTS = ("APPROVED", "APPROVED", "DECLINED")
"""A payer does what it has to, or refuses."""
RESOLUTIONS = ("NONE", "CHARGE_MERCHANT", "WRITE_OFF", "ACCEPT", "RETRY")
DEFECTS = {grpc.StatusCode.INTERNAL, grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.UNKNOWN}
"""What is never an answer to a caller."""
ATTEMPTS = """
SELECT attempt_id, amount_minor FROM channel.channel_transaction
WHERE merchant_id = $1 ORDER BY create_time, attempt_id
"""

OF_PAYERS = """
SELECT a.attempt_id, a.payment_id, a.amount_minor FROM payment.attempt a JOIN payment.payment p USING (payment_id)
WHERE p.merchant_id = $1 AND a.action IN ('CHARGE', 'AUTHORIZE') AND a.channel_reference IS NOT NULL
    AND a.amount_minor % 10000 = ANY ($2::bigint[])
ORDER BY a.attempt_id
"""
"""What waits for its payer, or did: it may be over, called off or refused, and the payer's page still be open."""

CAPTURED = """
SELECT a.attempt_id FROM payment.attempt a JOIN payment.payment p USING (payment_id)
WHERE p.merchant_id = $1 AND p.state = 'SUCCEEDED' AND coalesce(p.reversed_minor, 0) = 0
    AND a.state = 'SUCCEEDED' AND a.action IN ('CHARGE', 'CAPTURE')
ORDER BY a.attempt_id
"""
"""What payment holds as captured; disputes of other money are refused, and told for days."""


@dataclass
class ContradictedJourney:
    """One merchant's journey; the same for the same number.

    Attributes:
        log: What was done and answered, for a person.
    """

    line: Line
    number: int
    log: list[str] = field(default_factory=list)
    payments: list[str] = field(default_factory=list)
    withdrawals: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Draw from the journey's number alone."""
        self._draw = random.Random(self.number)  # noqa: S311 - the journey of a number is always the same
        self.shop: Shop

    async def begin(self) -> None:
        """Open a shop that has sold something."""
        basis_points, fixed = self._draw.choice((0, 290)), self._draw.choice((0, 30))
        returned = self._draw.random() < 0.5
        self.shop = await Shop.opened(self.line, {"USD": (basis_points, fixed)}, refund_fee_returned=returned)
        await self._behave()
        self.payments.append(await self.shop.charge(48_888))

    async def go(self) -> None:
        """Take some steps, and leave the merchant as it was."""
        for _ in range(self._draw.randint(STEPS_MIN, STEPS_MAX)):
            step = self._draw.choice(self._steps())
            try:
                done = await step()
                self.log.append(f"{step.__name__}: {done}")
            except grpc.aio.AioRpcError as error:
                if error.code() in DEFECTS:
                    raise AssertionError(f"{self}\n{step.__name__}: {error}") from error
                self.log.append(f"{step.__name__}: {refusal_of(error).reason}")
            await asyncio.sleep(self._draw.choice(PAUSES_S))
        await self._restore()

    def __str__(self) -> str:
        """Tell what happened so far."""
        return "\n".join([f"journey {self.number} of merchant {self.shop.merchant_id}", *self.log])

    def _steps(self) -> Sequence[Callable[[], Awaitable[object]]]:
        ordinary = (self._pay, self._authorize, self._capture, self._void, self._refund, self._settle, self._withdraw)
        often = (self._pay, self._refund, self._withdraw, self._say, self._say, self._say)
        of_payers = (self._send_payer, self._send_payer, self._act, self._act, self._call_off)
        seldom = (self._dispute, self._decide, self._change_plan, self._suspend, self._cancel)
        return (*ordinary, *often, *of_payers, *seldom)

    async def _behave(self) -> None:
        """Be told everything soon."""
        await self.shop.behave(callback_delay_ms=self._draw.choice((50, 400)))

    def _amount(self) -> int:
        return self._draw.choice((*ORDINARY, 10_000 * self._draw.randint(0, 3) + self._draw.choice(FATES)))

    async def _pay(self, *, manual: bool = False, amount_minor: int | None = None) -> str:
        mode = payment_pb2.CAPTURE_MODE_MANUAL if manual else payment_pb2.CAPTURE_MODE_AUTOMATIC
        request = payment_request(self.shop.merchant_id, amount_minor or self._amount(), capture_mode=mode)
        made = (await self._call("payment", "CreatePayment", request)).payment
        self.payments.append(made.payment_id)
        return f"{made.payment_id} {made.amount.amount_minor}"

    async def _authorize(self) -> str:
        return await self._pay(manual=True)

    async def _send_payer(self) -> str:
        """Ask for a payment whose payer has to act."""
        amount_minor = 10_000 * self._draw.randint(0, 3) + self._draw.choice(WAITING_FATES)
        return await self._pay(manual=self._draw.random() < 0.5, amount_minor=amount_minor)

    async def _act(self) -> str:
        """Have a payer do what is waited for or refuse, in time or too late, or be told to have done either."""
        attempts = await self.line.kept.rows(OF_PAYERS, self.shop.merchant_id, WAITING_FATES)
        if not attempts:
            return "nobody"
        chosen = self._draw.choice(attempts)
        return await self._say_of(chosen["attempt_id"], chosen["amount_minor"], self._draw.choice(ACTS))

    async def _call_off(self) -> str:
        """Give up a payment whose payer has to act, or had."""
        attempts = await self.line.kept.rows(OF_PAYERS, self.shop.merchant_id, WAITING_FATES)
        if not attempts:
            return "none"
        payment_id = self._draw.choice(attempts)["payment_id"]
        await self._void(payment_id)
        return str(payment_id)

    async def _capture(self) -> int:
        amount_minor = self._amount()
        request = payment_pb2.CapturePaymentRequest(
            request_id=new_request_id(),
            payment_id=self._draw.choice(self.payments),
            amount=usd(amount_minor),
            final=self._draw.random() < 0.3,
        )
        await self._call("payment", "CapturePayment", request)
        return amount_minor

    async def _void(self, payment_id: str | None = None) -> None:
        chosen = payment_id or self._draw.choice(self.payments)
        request = payment_pb2.CancelPaymentRequest(request_id=new_request_id(), payment_id=chosen, reason="not wanted")
        await self._call("payment", "CancelPayment", request)

    async def _refund(self) -> str:
        payment_id, amount_minor = self._draw.choice(self.payments), self._amount()
        await self._call("payment", "CreateRefund", refund_request(payment_id, amount_minor))
        return f"{payment_id} {amount_minor}"

    async def _settle(self) -> None:
        await self.shop.settle_now()

    async def _withdraw(self) -> int:
        able = await self.shop.withdrawable()
        amount_minor = max(self._draw.choice((able, able // 2, self._amount())), 1)
        request = await self.shop.withdrawal_request(amount_minor)
        made = (await self._call("withdrawal", "CreateWithdrawal", request)).withdrawal
        self.withdrawals.append(made.withdrawal_id)
        return amount_minor

    async def _cancel(self) -> None:
        if self.withdrawals:
            request = withdrawal_pb2.CancelWithdrawalRequest(
                request_id=new_request_id(), withdrawal_id=self._draw.choice(self.withdrawals), reason="wrong account"
            )
            await self._call("withdrawal", "CancelWithdrawal", request)

    async def _say(self) -> str:
        """Have channel or bank say something of any attempt of this merchant, over all or part of its amount."""
        attempts = await self.line.kept.rows(ATTEMPTS, self.shop.merchant_id)
        chosen, word = self._draw.choice(attempts), self._draw.choice(WORDS)
        attempt_id, asked_minor = chosen["attempt_id"], chosen["amount_minor"]
        if (asked_minor or 0) % 10_000 == ANSWER_LOST:
            # A second word that comes before the first was asked for is the first to be heard, and the other one stands
            # on the statement alone.
            return f"{attempt_id} unheard"
        return await self._say_of(attempt_id, asked_minor, word)

    async def _say_of(self, attempt_id: str, asked_minor: int | None, word: str) -> str:
        amount_minor = self._draw.choice((None, None, max((asked_minor or 1) * 3 // 5, 1)))
        await self.shop.said(attempt_id, word, amount_minor)
        return f"{attempt_id} {word} {amount_minor}"

    async def _dispute(self) -> str:
        attempts = await self.line.kept.rows(CAPTURED, self.shop.merchant_id)
        if not attempts:
            return "none"
        request = channel_pb2.OpenDisputeRequest(
            request_id=new_request_id(),
            attempt_id=self._draw.choice(attempts)["attempt_id"],
            amount=self._draw.choice((None, usd(self._draw.choice(ORDINARY)))),
            respond_within_seconds=self._draw.choice((1, 3_600)),
            contest_loses=self._draw.random() < 0.5,
        )
        return str((await self._call("channel", "OpenDispute", request)).dispute.dispute_reference)

    async def _decide(self) -> str:
        """End a contradiction, as two people may."""
        service = self._draw.choice(("payment", "withdrawal"))
        open_ = [each for each in await self.shop.contradictions(service) if each.state in {2, 3}]
        if not open_:
            return "none"
        contradiction = self._draw.choice(open_)
        resolution = self._draw.choice(RESOLUTIONS)
        await self.shop.decide(contradiction, resolution, service)
        return f"{contradiction.contradiction_id} {resolution}"

    async def _change_plan(self) -> int:
        basis_points = self._draw.choice((0, 150, 333))
        rule = merchant_pb2.FeeRule(currency_code="USD", basis_points=basis_points, fixed_minor=10)
        request = merchant_pb2.UpdateMerchantRequest(
            request_id=new_request_id(),
            merchant=merchant_pb2.Merchant(
                merchant_id=self.shop.merchant_id,
                fee_plan=merchant_pb2.FeePlan(fees=[rule], refund_fee_returned=self._draw.random() < 0.5),
            ),
            update_mask=field_mask_pb2.FieldMask(paths=["fee_plan"]),
        )
        await self._call("merchant", "UpdateMerchant", request)
        return basis_points

    async def _suspend(self) -> None:
        request = merchant_pb2.SuspendMerchantRequest(
            request_id=new_request_id(), merchant_id=self.shop.merchant_id, reason="a look at it"
        )
        await self._call("merchant", "SuspendMerchant", request)
        await asyncio.sleep(self._draw.choice(PAUSES_S))
        await self._restore()

    async def _restore(self) -> None:
        """Let the merchant go on, so that nothing waits for it."""
        got = await call_through(
            self.line.clients.merchant.GetMerchant,
            merchant_pb2.GetMerchantRequest(merchant_id=self.shop.merchant_id),
        )
        if got.merchant.state == merchant_pb2.MERCHANT_STATE_SUSPENDED:
            request = merchant_pb2.ActivateMerchantRequest(
                request_id=new_request_id(), merchant_id=self.shop.merchant_id
            )
            await self._call("merchant", "ActivateMerchant", request)

    async def _call(self, service: str, method: str, request: Any) -> Any:
        caller = self._draw.choice((CLERK, CHIEF))
        stub = getattr(self.line.clients, service)
        metadata = [("paystream-caller", caller)]
        return await call_through(getattr(stub, method), request, timeout_s=CALL_S_MAX, metadata=metadata)
