"""Every method that is called over HTTP, through Envoy, against the same call by gRPC: requests, replies, refusals."""

import random
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import grpc
import httpx
import protovalidate
import pytest
from google.protobuf import json_format, message_factory
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from google.rpc import error_details_pb2  # noqa: F401  The types of errors' details, for JSON.
from grpc_status import rpc_status

from paykit.errors import DomainError, Kind
from paykit.testing.fake_server import FakeServer, fake_server
from paytools.gateway import contracts
from paytools.gateway.contracts import HttpCall
from tests.line.gateway import gateway
from tests.line.http_calls import HttpRequest, as_http
from tests.line.wellformed import Forms
from tests.line.whole_requests import whole

TIMEOUT_S = 20.0
HTTP_STATUS = {
    grpc.StatusCode.INVALID_ARGUMENT: 400,
    grpc.StatusCode.NOT_FOUND: 404,
    grpc.StatusCode.ALREADY_EXISTS: 409,
    grpc.StatusCode.ABORTED: 409,
    grpc.StatusCode.FAILED_PRECONDITION: 400,
    grpc.StatusCode.PERMISSION_DENIED: 403,
    grpc.StatusCode.UNAUTHENTICATED: 401,
    grpc.StatusCode.RESOURCE_EXHAUSTED: 429,
    grpc.StatusCode.UNAVAILABLE: 503,
    grpc.StatusCode.DEADLINE_EXCEEDED: 504,
    grpc.StatusCode.INTERNAL: 500,
}
"""Of google.rpc.Code, as its comments say."""


class Refused(DomainError):
    """What the fake refuses with: details of each kind."""

    kind = Kind.UNAVAILABLE
    reason = "ROW_LOCKED"
    field = "request_id"
    retry_after_s = 1


@dataclass(frozen=True, slots=True)
class Row:
    """One method and one of the ways in which it is called over HTTP."""

    method: Any
    call: HttpCall

    @property
    def name(self) -> str:
        return f"{self.method.containing_service.full_name}/{self.method.name}"


def rows() -> list[Row]:
    return [
        Row(method, call)
        for service in contracts.services()
        for method in service.methods
        for call in contracts.http_calls(method)
        if not method.client_streaming and not is_file(method)
    ]


def is_file(method: MethodDescriptor) -> bool:
    """Files are sent as they are: tests/contract/gateway/test_files.py."""
    within = [field.message_type for field in method.output_type.fields if field.message_type is not None]
    return "google.api.HttpBody" in {message.full_name for message in within}


WITHOUT_RULES = {"ListTemplates", "BatchCreatePayments", "BatchCreateTransactions"}
"""Of whose requests no text can break a rule: in batches, each item is refused by itself."""
EVERY = pytest.mark.parametrize("row", rows(), ids=lambda row: f"{row.method.name} {row.call.verb} {row.call.path}")


@dataclass(frozen=True, slots=True)
class Both:
    """The same fake services, to be called by either."""

    fake: FakeServer
    http: httpx.Client
    channel: grpc.Channel
    answers: dict[str, Any]

    def by_grpc(self, row: Row, request: Message) -> tuple[Message | None, Any]:
        """Give the reply (of a stream the first), or the status."""
        kind = self.channel.unary_stream if row.method.server_streaming else self.channel.unary_unary
        callable_: Any = kind(
            f"/{row.name}",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=message_factory.GetMessageClass(row.method.output_type).FromString,
        )
        try:
            reply = callable_(request, timeout=TIMEOUT_S)
            return (next(iter(reply)) if row.method.server_streaming else reply), None
        except grpc.RpcError as error:
            return None, rpc_status.from_call(error)  # type: ignore[arg-type]

    def by_http(self, sent: HttpRequest) -> httpx.Response:
        content: Any = {} if sent.json is None else {"json": sent.json}
        return self.http.request(sent.verb, sent.path, params=httpx.QueryParams(tuple(sent.query)), **content)


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    answers: dict[str, Any] = {}
    canned = {row.name: (lambda _request, name=row.name: answers[name]) for row in rows()}
    with ExitStack() as stack:
        fake = stack.enter_context(fake_server(canned))
        programs = dict.fromkeys({contracts.program(each) for each in contracts.services()}, fake.address)
        url = stack.enter_context(gateway(tmp_path_factory.mktemp("gateway"), programs))
        http = stack.enter_context(httpx.Client(base_url=url, timeout=TIMEOUT_S))
        yield Both(fake, http, stack.enter_context(grpc.insecure_channel(fake.address)), answers)


@pytest.fixture
def forms() -> Forms:
    return Forms(random.Random(7))  # noqa: S311  The same in every run.


@EVERY
def test_a_whole_request_arrives_whole_and_its_reply_comes_back(both: Both, forms: Forms, row: Row) -> None:
    request, reply = whole(forms, row.method.input_type), forms.complete(row.method.output_type)
    both.answers[row.name] = reply
    received = both.fake.requests[row.name]
    received.clear()

    response = both.by_http(as_http(row.call, request))
    assert response.status_code == 200, response.text
    assert both.by_grpc(row, request) == (reply, None)
    assert received == [request, request]
    assert response.headers["content-type"] == "application/json"
    assert json_format.Parse(response.text, type(reply)()) == reply
    assert response.json() == json_format.MessageToDict(reply)


@EVERY
def test_a_refusal_is_the_same(both: Both, forms: Forms, row: Row) -> None:
    request = whole(forms, row.method.input_type)
    both.answers[row.name] = Refused("something else holds it", rows="1")
    refuse(both, row, request, grpc.StatusCode.UNAVAILABLE)


@EVERY
def test_a_field_that_breaks_its_rule_is_named_alike(both: Both, forms: Forms, row: Row) -> None:
    request = whole(forms, row.method.input_type)
    fields = [f for f in request.DESCRIPTOR.fields if f.type == f.TYPE_STRING]
    # Longer than any of these may be, where it is of no form; no variable of a path holds a slash.
    for spoilt in ("?" * 3, "?" * 2_100):
        for field in fields:
            if breaks_a_rule(request):
                break
            if field.is_repeated:
                getattr(request, field.name).append(spoilt)
            else:
                setattr(request, field.name, spoilt)
    if not breaks_a_rule(request):
        assert row.method.name in WITHOUT_RULES
        return
    both.answers[row.name] = forms.complete(row.method.output_type)
    refuse(both, row, request, grpc.StatusCode.INVALID_ARGUMENT)


def breaks_a_rule(request: Message) -> bool:
    return bool(protovalidate.collect_violations(request))


def refuse(both: Both, row: Row, request: Message, code: grpc.StatusCode) -> None:
    response = both.by_http(as_http(row.call, request))
    _, status = both.by_grpc(row, request)
    assert status is not None, row.name
    assert status.code == code.value[0]
    assert response.status_code == HTTP_STATUS[code], response.text
    assert response.headers["content-type"] == "application/json"
    assert response.json() == json_format.MessageToDict(status)


def test_most_methods_are_called_over_http() -> None:
    assert len({row.name for row in rows()}) >= 100
