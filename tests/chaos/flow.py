"""Payments that keep coming while processes are killed."""

import asyncio
import itertools
from collections.abc import Callable, Iterator, Sequence

from paystream.payment.v1 import payment_pb2
from tests.line.clients import Clients, call_through, first_payment, payment_request


class Flow:
    """Payments over a few merchants, each asked for until it is acknowledged.

    Attributes:
        acknowledged: Ids of the payments that callers were told of, each once.
    """

    def __init__(self, clients: Clients, merchants: Sequence[str], amount_of: Callable[[int], int]) -> None:
        self._clients = clients
        self._merchants = itertools.cycle(merchants)
        self._amount_of = amount_of
        self._numbers = itertools.count()
        self.acknowledged: list[str] = []
        self.hurried = asyncio.Event()
        """Once set, batches follow each other without a pause."""

    async def begin(self, count: int) -> None:
        """Ask for a first payment of each merchant, which succeeds once payment knows them."""
        for request in self._requests(count):
            self.acknowledged.append((await first_payment(self._clients, request)).payment_id)

    async def run(self, count: int, *, batch: int, pause_s: float) -> None:
        """Ask for so many payments, batch after batch."""
        for size in [batch] * (count // batch):
            request = payment_pb2.BatchCreatePaymentsRequest(requests=self._requests(size))
            reply = await call_through(self._clients.payment.BatchCreatePayments, request)
            self.acknowledged += [result.payment.payment_id for result in reply.results]
            if not self.hurried.is_set():
                await asyncio.sleep(pause_s)

    async def run_singly(self, count: int) -> None:
        """Ask for so many payments, one after another."""
        for request in self._requests(count):
            reply = await call_through(self._clients.payment.CreatePayment, request)
            self.acknowledged.append(reply.payment.payment_id)

    def _requests(self, count: int) -> Iterator[payment_pb2.CreatePaymentRequest]:
        for _ in range(count):
            yield payment_request(next(self._merchants), self._amount_of(next(self._numbers)))
