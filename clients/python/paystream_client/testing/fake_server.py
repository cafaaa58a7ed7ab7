"""A gRPC server with canned answers, which checks requests by the rules of the protos and refuses as paystream does.

::

CREATE = "paystream.payment.v1.PaymentService/CreatePayment"
with fake_server({CREATE: payment_pb2.CreatePaymentResponse(...)}) as fake:
    pay(fake.address)
    assert fake.requests[CREATE][0].amount.amount_minor == 1234
"""

import importlib
import pkgutil
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NoReturn, TypeAlias

import grpc
import protovalidate
from google.protobuf import any_pb2, descriptor_pool
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from google.rpc import error_details_pb2, status_pb2

THREADS = 8
VIOLATIONS_MAX = 8


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """An answer that is none.

    Attributes:
        code: As docs/errors.md has it for the reason.
        reason: As in `MERCHANT_NOT_ACTIVE`.
        metadata: Facts for a program.
        retry_delay_s: After which the same request may be sent again; None says nothing of it.
    """

    code: grpc.StatusCode
    reason: str
    metadata: Mapping[str, str] = field(default_factory=dict)
    retry_delay_s: int | None = None


Result: TypeAlias = Message | Refusal
Answer: TypeAlias = Result | Sequence[Result] | Callable[[Any], Result | Sequence[Result]]
"""What a method answers: a reply or a refusal, a sequence of them for a stream of replies, or a function that gives it
for the request."""


@dataclass(kw_only=True)
class FakeServer:
    """A running fake.

    Attributes:
        address: `host:port` for a channel without encryption.
        requests: The valid requests received so far, by method, in order.
    """

    address: str = ""
    requests: dict[str, list[Any]] = field(default_factory=lambda: defaultdict(list))


@contextmanager
def fake_server(answers: Mapping[str, Answer]) -> Iterator[FakeServer]:
    """Serve canned answers on a free port of this machine.

    Args:
        answers: By method, as in `paystream.payment.v1.PaymentService/CreatePayment`; each takes one request. Other
            methods answer UNIMPLEMENTED.

    Raises:
        LookupError: There is no such service or method, or it takes a stream of requests.
    """
    fake = FakeServer()
    threads = ThreadPoolExecutor(THREADS)
    server = grpc.server(threads)
    for name, answer in answers.items():
        method = _method(name)
        handlers = {method.name: _handler(method, name, answer, fake)}
        generic = grpc.method_handlers_generic_handler(method.containing_service.full_name, handlers)
        server.add_generic_rpc_handlers((generic,))
    fake.address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    try:
        yield fake
    finally:
        server.stop(None).wait()
        threads.shutdown()


def _method(name: str) -> MethodDescriptor:
    service, _, method_name = name.rpartition("/")
    method = _service(service).methods_by_name.get(method_name)
    if method is None or method.client_streaming:
        raise LookupError(f"there is no method {name} that takes one request")
    return method


def _service(full_name: str) -> ServiceDescriptor:
    package = full_name.rpartition(".")[0]
    try:
        for module in pkgutil.iter_modules(importlib.import_module(package).__path__, f"{package}."):
            if module.name.endswith("_pb2"):
                importlib.import_module(module.name)
        return descriptor_pool.Default().FindServiceByName(full_name)
    except (ImportError, ValueError, KeyError) as error:
        raise LookupError(f"there is no service {full_name}") from error


def _handler(
    method: MethodDescriptor, name: str, answer: Answer, fake: FakeServer
) -> "grpc.RpcMethodHandler[Any, Any]":
    def results(request: Any, context: grpc.ServicerContext) -> Sequence[Result]:
        _check(request, context)
        fake.requests[name].append(request)
        given = answer(request) if callable(answer) else answer
        return given if isinstance(given, Sequence) else [given]

    def reply(request: Any, context: grpc.ServicerContext) -> Message:
        return _reply(results(request, context)[0], context)

    def replies(request: Any, context: grpc.ServicerContext) -> Iterable[Message]:
        return (_reply(result, context) for result in results(request, context))

    serve = grpc.unary_stream_rpc_method_handler if method.server_streaming else grpc.unary_unary_rpc_method_handler
    return serve(
        replies if method.server_streaming else reply,
        request_deserializer=GetMessageClass(method.input_type).FromString,
        response_serializer=GetMessageClass(method.output_type).SerializeToString,
    )


def _reply(result: Result, context: grpc.ServicerContext) -> Message:
    if isinstance(result, Message):
        return result
    details: list[Message] = [_info(result.reason, result.metadata)]
    if result.retry_delay_s is not None:
        retry = error_details_pb2.RetryInfo()
        retry.retry_delay.seconds = result.retry_delay_s
        details.append(retry)
    return _refuse(context, result.code, result.reason, details)


def _check(request: Message, context: grpc.ServicerContext) -> None:
    violations = protovalidate.collect_violations(request)[:VIOLATIONS_MAX]
    if not violations:
        return
    bad = error_details_pb2.BadRequest()
    for violation in violations:
        path = _path(violation.proto.field)
        bad.field_violations.add(field=path, description=f"[{violation.proto.rule_id}] {violation.proto.message}")
    _refuse(context, grpc.StatusCode.INVALID_ARGUMENT, "the request is invalid", [_info("FIELD_INVALID", {}), bad])


def _path(path: Any) -> str:
    """Write a path as paystream does: names by dots, indexes and map keys in brackets."""
    return ".".join(element.field_name + _subscript(element.subscript) for element in path.elements) if path else ""


def _subscript(subscript: Any) -> str:
    if subscript is None:
        return ""
    return f'["{subscript.value}"]' if isinstance(subscript.value, str) else f"[{subscript.value}]"


def _info(reason: str, metadata: Mapping[str, str]) -> error_details_pb2.ErrorInfo:
    return error_details_pb2.ErrorInfo(reason=reason, domain="paystream", metadata=dict(metadata))


def _refuse(context: grpc.ServicerContext, code: grpc.StatusCode, message: str, details: Sequence[Message]) -> NoReturn:
    number: int = code.value[0]
    status = status_pb2.Status(code=number, message=message)
    for detail in details:
        packed = any_pb2.Any()
        packed.Pack(detail)
        status.details.append(packed)
    context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
    context.abort(code, message)
    raise AssertionError("unreachable: abort raises")
