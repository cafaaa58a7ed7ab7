"""The contracts as the gateway needs them: services, calls over HTTP, and descriptors of all messages."""

import importlib
import pkgutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from google.api import annotations_pb2, http_pb2, httpbody_pb2
from google.protobuf.descriptor import FileDescriptor, MethodDescriptor, ServiceDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.rpc import error_details_pb2

import paystream

AUDIENCES: Mapping[str, str] = {
    "operators": "OperationsService",
    "channels": "ChannelCallbackService",
    "tests": "SimulatorService",
    "merchants": "Service",
}
"""Whose calls a gateway may let through, and how their services' names end; the first that fits counts (ADR 60)."""
NOT_LED_TO = ("ChannelService", "ClockService")
"""Spoken by paystream's own processes to channels; and each process has its own clock, which no name tells apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpCall:
    """One way in which a method is called over HTTP.

    Attributes:
        verb: In capitals, as in `GET`.
        path: With its variables, as in `/v1/payments/{payment_id}`.
        body: The field that the body is; `*` for the whole request, empty where there is no body.
        response_body: The field of the response that is sent; empty for all of it.
    """

    verb: str
    path: str
    body: str
    response_body: str


def services(audiences: Sequence[str] = tuple(AUDIENCES)) -> list[ServiceDescriptor]:
    """Return the services of some audiences, by name."""
    found = [service for file in _files() for service in file.services_by_name.values()]
    offered = [each for each in found if each.name not in NOT_LED_TO and audience(each) in audiences]
    return sorted(offered, key=lambda each: str(each.full_name))


def audience(service: ServiceDescriptor) -> str:
    """Return whom a service is for."""
    return next(name for name, end in AUDIENCES.items() if service.name.endswith(end))


def program(service: ServiceDescriptor) -> str:
    """Return the name of the paystream service that answers: `payment` of paystream.payment.v1.PaymentService."""
    return str(service.file.package).split(".")[1]


def http_calls(method: MethodDescriptor) -> list[HttpCall]:
    """Return the ways in which a method is called over HTTP; none where it has no google.api.http."""
    rule: http_pb2.HttpRule = method.GetOptions().Extensions[annotations_pb2.http]
    return [_call(each) for each in (rule, *rule.additional_bindings) if each.WhichOneof("pattern")]


def _call(rule: http_pb2.HttpRule) -> HttpCall:
    pattern = str(rule.WhichOneof("pattern"))
    return HttpCall(
        verb=pattern.upper(), path=str(getattr(rule, pattern)), body=rule.body, response_body=rule.response_body
    )


def file_methods(service: ServiceDescriptor) -> list[str]:
    """Return the names of a service's methods that answer a file: a stream of google.api.HttpBody."""
    return [method.name for method in service.methods if method.server_streaming and _answers_a_file(method)]


def _answers_a_file(method: Any) -> bool:
    within = [field.message_type for field in method.output_type.fields if field.message_type is not None]
    return httpbody_pb2.HttpBody.DESCRIPTOR.full_name in {message.full_name for message in within}


def descriptors() -> FileDescriptorSet:
    """Return every file of the contracts and what they import, imports first; errors' details are among them."""
    ordered: dict[str, FileDescriptor] = {}
    for file in (*_files(), error_details_pb2.DESCRIPTOR):
        _add(file, ordered)
    found = FileDescriptorSet()
    for file in ordered.values():
        file.CopyToProto(found.file.add())
    return found


def _add(file: FileDescriptor, ordered: dict[str, FileDescriptor]) -> None:
    for imported in file.dependencies:
        if imported.name not in ordered:
            _add(imported, ordered)
    ordered[file.name] = file


@cache
def _files() -> tuple[FileDescriptor, ...]:
    return tuple(_walk())


def _walk() -> Iterator[FileDescriptor]:
    for module in pkgutil.walk_packages(paystream.__path__, "paystream."):
        if module.name.endswith("_pb2"):
            yield importlib.import_module(module.name).DESCRIPTOR
