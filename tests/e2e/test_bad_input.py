"""Every method of every running service, found by reflection, is sent what is wrong, and says so as documented."""

import asyncio
import random
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, cast

import grpc
import pytest
from google.protobuf import message_factory
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from google.rpc import code_pb2, error_details_pb2, status_pb2
from grpc_status import rpc_status

from paykit.errors import DomainError, Kind
from paykit.process.catalogue import schema_names, service_names
from paykit.testing.fake_server import fake_server
from paystream.merchant.v1 import merchant_pb2
from paytools.cli import reflection
from tests.e2e.conftest import Line
from tests.line import selling
from tests.line.clients import payment_request
from tests.line.malformed_requests import Spoiled, spoiled
from tests.line.replies import broken_rule
from tests.line.waiting import until
from tests.line.wellformed import Forms

SEED = 20260301
CALLS_AT_ONCE = 60
CALL_S_MAX = 20.0
"""An answer that takes longer is none. The longest waits that are meant are 2 s, for what may still arrive."""
ENDLESS = (
    "paystream.analytics.v1.AnalyticsOperationsService.StreamMetrics",
    "paystream.payment.v1.PaymentService.WatchPayment",
)
"""Streams that only their caller ends: of these the first reply is read."""
ITEMS_OF_STREAM_MAX = 200
LAST = ("merchant", "channel", "Clock")
"""Walked last, in this order: they suspend merchants, make the channel misbehave and move the time of all services."""
CATALOGUE = re.compile(
    r"^\| <a id=\"[A-Z_]+\"></a>`(?P<reason>[A-Z_]+)` \| (?P<code>[A-Z_]+) \| \S.* \|$", re.MULTILINE
)
DOCUMENT = Path(__file__).parents[2] / "docs/errors.md"


def documented() -> set[tuple[str, str]]:
    """Give every code with a reason that callers may be told of; INTERNAL is a defect."""
    rows = CATALOGUE.finditer(DOCUMENT.read_text(encoding="utf-8"))
    return {(row["code"], row["reason"]) for row in rows} - {("INTERNAL", "INTERNAL")}


class Walk:
    """Calls every method with everything wrong.

    Attributes:
        complaints: What was not answered as documented, one line each.
        answers: Number of calls by code.
    """

    def __init__(self, address: str, forms: Forms, chance: random.Random) -> None:
        self._address = address
        self._forms = forms
        self._chance = chance
        self._documented = documented()
        self._slots = asyncio.Semaphore(CALLS_AT_ONCE)
        self.complaints: list[str] = []
        self.answers: dict[str, int] = {}

    async def run(self) -> list[str]:
        """Walk all methods; give their names."""
        with grpc.insecure_channel(self._address) as channel:
            methods = sorted(await asyncio.to_thread(reflection.Server(channel).methods), key=_turn)
            async with grpc.aio.insecure_channel(self._address) as calls:
                for method in methods:
                    await self._method(calls, method)
        return [f"{method.containing_service.full_name}/{method.name}" for method in methods]

    async def _method(self, channel: Any, method: MethodDescriptor) -> None:
        requests = list(spoiled(method.input_type, self._forms, self._chance))
        async with asyncio.TaskGroup() as group:
            for each in requests:
                group.create_task(self._call(channel, method, each.what, [each.serialized]))
            for what, stream in _streams(requests) if method.client_streaming else ():
                group.create_task(self._call(channel, method, what, stream))

    async def _call(self, channel: Any, method: MethodDescriptor, what: str, requests: Sequence[bytes]) -> None:
        async with self._slots:
            try:
                replies = await _replies(channel, method, requests)
            except grpc.aio.AioRpcError as error:
                code = error.code().name
                faults = list(self._faults(rpc_status.from_call(cast("Any", error)), code))
            else:
                code, faults = "OK", [fault for reply in replies for fault in self._faults_in(reply)]
                faults += filter(None, (broken_rule(reply, repeats=True) for reply in replies))
                for reply in replies:
                    self._forms.learn(reply)
        self.answers[code] = self.answers.get(code, 0) + 1
        self.complaints += [f"{method.full_name}, {what}: {fault}" for fault in faults]

    def _faults_in(self, reply: Message) -> Iterator[str]:
        """Look at the refusals that stand in a reply, as those of a batch's items do."""
        for field, value in reply.ListFields():
            for each in value if field.is_repeated and field.message_type is not None else (value,):
                if field.message_type is None or field.message_type.GetOptions().map_entry:
                    continue
                if field.message_type.full_name == status_pb2.Status.DESCRIPTOR.full_name:
                    told = status_pb2.Status.FromString(each.SerializeToString())
                    yield from self._faults(told, code_pb2.Code.Name(told.code))
                else:
                    yield from self._faults_in(each)

    def _faults(self, told: Any, code: str) -> Iterator[str]:
        info = error_details_pb2.ErrorInfo()
        if told is None or not any(each.Unpack(info) for each in told.details):
            yield f"{code} without ErrorInfo"
        elif info.domain != "paystream" or (code, info.reason) not in self._documented:
            yield f"{code} {info.domain} {info.reason} is not documented"


async def _replies(channel: Any, method: MethodDescriptor, requests: Sequence[bytes]) -> list[Message]:
    """Send serialized requests, and read all replies."""
    forms = {
        (False, False): channel.unary_unary,
        (False, True): channel.unary_stream,
        (True, False): channel.stream_unary,
        (True, True): channel.stream_stream,
    }
    reply_type = message_factory.GetMessageClass(method.output_type)
    made = forms[method.client_streaming, method.server_streaming](
        f"/{method.containing_service.full_name}/{method.name}",
        request_serializer=None,
        response_deserializer=reply_type.FromString,
    )
    sent = made(iter(requests) if method.client_streaming else requests[0], timeout=CALL_S_MAX)
    if method.full_name in ENDLESS:
        replies = [await anext(aiter(sent))]
        sent.cancel()
        return replies
    return [reply async for reply in sent] if method.server_streaming else [await sent]


def _streams(requests: Sequence[Spoiled]) -> Iterator[tuple[str, list[bytes]]]:
    """Give streams: none, one that breaks in the middle, one of many requests of which each is spoiled."""
    whole = requests[1].serialized
    yield "an empty stream", []
    yield "a stream with bytes of chance in the middle", [whole, b"\xff\xff\xff", whole]
    yield "a stream of spoiled requests", [each.serialized for each in requests[:ITEMS_OF_STREAM_MAX] if each.message]


def _turn(method: MethodDescriptor) -> tuple[int, str, int]:
    name = method.containing_service.full_name
    return max([0, *(n for n, part in enumerate(LAST, 1) if part in name)]), name, method.index


@pytest.fixture(scope="module")
async def forms(line: Line) -> Forms:
    """Forms that know the ids of an order that went all the way."""
    made = Forms(random.Random(SEED))  # noqa: S311  Chooses bad input.
    for name, value in vars(await selling.sell(line.clients)).items():
        if isinstance(value, str):
            made.known[name].append(value)
    return made


@pytest.mark.timeout(900)
async def test_whatever_is_sent_to_any_method_is_answered_as_documented(line: Line, forms: Forms) -> None:
    walk = Walk(line.settings.grpc_address, forms, random.Random(SEED))  # noqa: S311  Chooses bad input.
    methods = await walk.run()
    assert walk.complaints == []
    assert {name.split(".")[1] for name in methods} >= set(service_names())
    assert walk.answers["OK"] > len(methods)
    assert walk.answers["INVALID_ARGUMENT"] > 10 * len(methods)


async def test_nothing_that_was_accepted_was_too_much_for_those_who_hear_of_it(line: Line) -> None:
    await until(lambda: line.kept.drained(*schema_names()))
    letters = [f"""SELECT '{name}' AS service, record, reason FROM "{name}".dead_letter""" for name in schema_names()]
    assert await line.kept.rows(" UNION ALL ".join(letters)) == []


async def test_a_request_beyond_the_size_limit_is_refused_by_grpc_itself(line: Line) -> None:
    request = payment_request(f"mer_{'0' * 32}", 1_000, metadata={"note": "x" * line.settings.grpc_message_bytes_max})
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await line.clients.payment.CreatePayment(request, timeout=CALL_S_MAX)
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


class _Misnamed(DomainError):
    kind = Kind.FAILED_PRECONDITION
    reason = "NO_SUCH_REASON"


async def test_an_undocumented_answer_is_found() -> None:
    service = "paystream.merchant.v1.MerchantOperationsService"
    answers: dict[str, Any] = {
        "paystream.merchant.v1.MerchantService/GetMerchant": merchant_pb2.GetMerchantResponse(),
        f"{service}/ListMerchants": _Misnamed("no row in the catalogue says what this means"),
        f"{service}/ActivateMerchant": lambda _request: 1 // 0,
    }
    chance = random.Random(SEED)  # noqa: S311  Chooses bad input.
    with fake_server(answers) as fake:
        walk = Walk(fake.address, Forms(chance), chance)
        await walk.run()
    found = {(each.split(",")[0].rpartition(".")[2], each.rpartition(": ")[2]) for each in walk.complaints}
    assert ("ListMerchants", "FAILED_PRECONDITION paystream NO_SUCH_REASON is not documented") in found
    assert ("ActivateMerchant", "INTERNAL paystream INTERNAL is not documented") in found
    assert ("CreateMerchant", "UNIMPLEMENTED without ErrorInfo") in found
    assert "GetMerchant" not in {method for method, _ in found}
