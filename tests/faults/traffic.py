"""Payments and refunds that callers ask for all the time, and what each was told."""

import asyncio
import itertools
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc

from tests.line.clients import Clients, payment_request, refund_request
from tests.line.waiting import WAIT_S_MAX

CALLERS = 6
PAUSE_S = 0.1
"""Between a caller's calls."""
DEADLINE_S = 5.0
"""Of a call while faults come and go."""
AGAIN_DEADLINE_S = 30.0
AGAIN_PAUSE_S = 0.2
AGAIN_AT_ONCE_MAX = 16
REFUND_EVERY = 4
"""Each so many-th call asks for a refund."""
REFUND_MINOR = 1
"""So little that a payment can be refunded hundreds of times."""
AMOUNT_MINOR = 1_000

RETRIABLE = frozenset(
    {
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        grpc.StatusCode.CANCELLED,
    }
)
"""What a caller may be told while the request itself is right: it asks again with the same request id."""


@dataclass(slots=True)
class Asked:
    """A request and what became of it.

    Attributes:
        request: A CreatePaymentRequest or CreateRefundRequest.
        refused: The code that the first call ended with; None if it was acknowledged.
        began: When it was first called, by the monotonic clock.
        ended: When that call ended.
        answer: The id that was acknowledged; None as long as none was.
    """

    request: Any
    began: float
    ended: float = 0.0
    refused: grpc.StatusCode | None = None
    answer: str | None = None

    @property
    def is_refund(self) -> bool:
        """Whether it asks for a refund."""
        return bool(self.request.DESCRIPTOR.name == "CreateRefundRequest")


@dataclass(slots=True)
class Traffic:
    """Callers of one merchant's payments.

    Attributes:
        refundable: Captured payments of which refunds are asked.
        asked: All that was asked so far, in the order in which calls ended.
    """

    clients: Clients
    merchant_id: str
    refundable: Sequence[str]
    asked: list[Asked] = field(default_factory=list)
    _numbers: Any = field(default_factory=itertools.count)

    @asynccontextmanager
    async def flowing(self) -> AsyncIterator[None]:
        """Keep calling until the block ends; calls in progress are waited for."""
        stopping = asyncio.Event()
        callers = [asyncio.create_task(self._keep_calling(stopping)) for _ in range(CALLERS)]
        try:
            yield
        finally:
            stopping.set()
            await asyncio.gather(*callers)

    async def ask_again(self) -> None:
        """Ask with the same request id for all that was not acknowledged, until it is.

        Raises:
            grpc.aio.AioRpcError: It is refused for good, which none of these requests deserves.
        """
        slots = asyncio.Semaphore(AGAIN_AT_ONCE_MAX)

        async def again(asked: Asked) -> None:
            async with slots:
                asked.answer = await self._until_acknowledged(asked)

        await asyncio.gather(*(again(asked) for asked in self.asked if asked.answer is None))

    async def repeat(self) -> Sequence[tuple[str | None, str]]:
        """Ask again for what was acknowledged after an answer was lost: (acknowledged, answered now) of each."""
        doubted = [asked for asked in self.asked if asked.refused is not None]
        return [(asked.answer, await self._until_acknowledged(asked)) for asked in doubted]

    def answers(self, *, refunds: bool) -> list[str]:
        """Return the ids acknowledged."""
        return [asked.answer for asked in self.asked if asked.answer is not None and asked.is_refund is refunds]

    @property
    def refusals(self) -> Counter[str]:
        """Count what first calls ended with that were not acknowledged, by the code's name."""
        return Counter(asked.refused.name for asked in self.asked if asked.refused is not None)

    async def _keep_calling(self, stopping: asyncio.Event) -> None:
        while not stopping.is_set():
            asked = self._next()
            try:
                asked.answer = await self._call(asked, DEADLINE_S)
            except grpc.aio.AioRpcError as error:
                if error.code() not in RETRIABLE:
                    raise
                asked.refused = error.code()
            asked.ended = time.monotonic()
            self.asked.append(asked)
            await asyncio.sleep(PAUSE_S)

    def _next(self) -> Asked:
        number = next(self._numbers)
        if number % REFUND_EVERY:
            request: Any = payment_request(self.merchant_id, AMOUNT_MINOR)
        else:
            request = refund_request(self.refundable[number // REFUND_EVERY % len(self.refundable)], REFUND_MINOR)
        return Asked(request=request, began=time.monotonic())

    async def _until_acknowledged(self, asked: Asked) -> str:
        async with asyncio.timeout(WAIT_S_MAX):
            while True:
                try:
                    return await self._call(asked, AGAIN_DEADLINE_S)
                except grpc.aio.AioRpcError as error:
                    if error.code() not in RETRIABLE:
                        raise
                await asyncio.sleep(AGAIN_PAUSE_S)

    async def _call(self, asked: Asked, deadline_s: float) -> str:
        payment = self.clients.payment
        if asked.is_refund:
            return str((await payment.CreateRefund(asked.request, timeout=deadline_s)).refund.refund_id)
        return str((await payment.CreatePayment(asked.request, timeout=deadline_s)).payment.payment_id)
