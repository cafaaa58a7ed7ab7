"""A gRPC server with canned answers, for the tests of paystream's callers.

It answers over a real port, behind the same edge as paystream's services: requests are checked by the real rules, and
refusals arrive as the real statuses. A caller's code therefore meets here what it will meet in production::

    CREATE = "paystream.payment.v1.PaymentService/CreatePayment"
    with fake_server({CREATE: payment_pb2.CreatePaymentResponse(...)}) as fake:
        pay(fake.address)
        assert fake.requests[CREATE][0].amount.amount_minor == 1234
"""

import asyncio
import threading
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import grpc
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message

from paykit.base.errors import UnavailableError
from paykit.errors import DomainError
from paykit.serve import server as grpc_server
from paykit.serve.server import ServerOptions, Servicer
from paykit.testing import servicing

START_S_MAX = 30.0

Result: TypeAlias = Message | DomainError | UnavailableError
Answer: TypeAlias = Result | Sequence[Result] | Callable[[Any], Result | Sequence[Result]]
"""What a method answers: a reply or a refusal, a sequence of them for a stream of replies, or a function that gives it
for the request (for the list of requests, where they are a stream)."""


@dataclass
class FakeServer:
    """A running fake.

    Attributes:
        address: `host:port` for a channel without encryption.
        requests: The valid requests received so far, by method, in order; a stream's requests one by one.
    """

    address: str
    requests: dict[str, list[Any]] = field(default_factory=lambda: defaultdict(list))


@contextmanager
def fake_server(answers: Mapping[str, Answer], *, address: str = "127.0.0.1:0") -> Iterator[FakeServer]:
    """Serve canned answers from a thread of its own, so that blocking and asynchronous callers can both be tested.

    Args:
        answers: By method, as in `paystream.payment.v1.PaymentService/CreatePayment`. The other methods of the same
            services answer UNIMPLEMENTED.
        address: `host:port`, where port 0 takes a free one, or `unix:/path`.

    Raises:
        LookupError: There is no such service or method.
        TypeError: A canned reply is not of the method's type.
    """
    _check(answers)
    fake = FakeServer(address)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="fake-server", daemon=True)
    thread.start()
    try:
        starting = asyncio.run_coroutine_threadsafe(_start(answers, fake), loop)
        server = starting.result(START_S_MAX)
        fake.address = server.address
        try:
            yield fake
        finally:
            asyncio.run_coroutine_threadsafe(server.stop(0), loop).result(START_S_MAX)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _start(answers: Mapping[str, Answer], fake: FakeServer) -> grpc_server.GrpcServer:
    names = servicing.services_of(answers)
    servicers = [_servicer(name, answers, fake) for name in names]
    return await grpc_server.start(servicers, ServerOptions(address=fake.address))


def _check(answers: Mapping[str, Answer]) -> None:
    for name, answer in answers.items():
        service, _, method_name = name.rpartition("/")
        method = servicing.describe(service).methods_by_name.get(method_name)
        if method is None:
            raise LookupError(f"there is no method {name}")
        for result in () if callable(answer) else _results(answer):
            if isinstance(result, Message) and result.DESCRIPTOR.full_name != method.output_type.full_name:
                raise TypeError(f"{name} answers {method.output_type.full_name}, not {result.DESCRIPTOR.full_name}")


def _servicer(full_name: str, answers: Mapping[str, Answer], fake: FakeServer) -> Servicer:
    def behaviour_of(method: MethodDescriptor) -> Callable[..., Any]:
        name = f"{full_name}/{method.name}"
        return _behaviour(method, name, answers.get(name), fake.requests[name])

    return servicing.make_servicer(full_name, behaviour_of)


def _behaviour(method: MethodDescriptor, name: str, answer: Answer | None, received: list[Any]) -> Callable[..., Any]:
    async def results(request: Any, context: Any) -> Sequence[Result]:
        if answer is None:
            await context.abort(grpc.StatusCode.UNIMPLEMENTED, f"the fake has no answer for {name}")
        requests = [message async for message in request] if method.client_streaming else [request]
        received.extend(requests)
        return _results(answer(requests if method.client_streaming else request) if callable(answer) else answer)

    async def reply(request: Any, context: Any) -> Message:
        return _reply((await results(request, context))[0])

    async def replies(request: Any, context: Any) -> AsyncIterator[Message]:
        for result in await results(request, context):
            yield _reply(result)

    return replies if method.server_streaming else reply


def _results(answer: Any) -> Sequence[Result]:
    return answer if isinstance(answer, Sequence) else [answer]


def _reply(result: Result) -> Message:
    if isinstance(result, Message):
        return result
    raise result
