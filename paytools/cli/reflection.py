"""Calls by reflection: what a server offers, and a method called with JSON in and JSON out."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

import grpc
from google.protobuf import json_format, message_factory
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import Message
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

_INFRASTRUCTURE = "grpc."


class NotOfferedError(Exception):
    """The server has no such service or method, or the text names more than one; says what there is."""


class RequestTextError(Exception):
    """The JSON is none, or is not the method's request."""


class Server:
    """A server at the other end of a channel, known by reflection."""

    def __init__(self, channel: grpc.Channel) -> None:
        self._channel = channel
        self._database = ProtoReflectionDescriptorDatabase(channel)
        self._pool = DescriptorPool(self._database)

    def services(self) -> list[str]:
        """Return the full names of the services, without those of gRPC itself.

        Raises:
            grpc.RpcError: The server cannot be asked.
        """
        return sorted(name for name in self._database.get_services() if not name.startswith(_INFRASTRUCTURE))

    def methods(self) -> list[MethodDescriptor]:
        """Return all methods of all services.

        Raises:
            grpc.RpcError: The server cannot be asked.
        """
        return [method for name in self.services() for method in self._pool.FindServiceByName(name).methods]

    def find(self, name: str) -> MethodDescriptor:
        """Find a method by `<service>/<method>`.

        The service is named in full (`paystream.payment.v1.PaymentService`), by its last part (`PaymentService`) or by
        the part before its version (`payment`), which stands for all services of the package.

        Raises:
            NotOfferedError: There is none, or more than one.
            grpc.RpcError: The server cannot be asked.
        """
        wanted, _, method_name = name.rpartition("/")
        services = self.services()
        matching = [service for service in services if wanted in service_names(service)]
        if not matching:
            raise NotOfferedError(f"no service {wanted!r}: {_listed(services)}")
        methods = [method for service in matching for method in self._pool.FindServiceByName(service).methods]
        found: list[MethodDescriptor] = [method for method in methods if method.name == method_name]
        if not found:
            offered = _listed([method.name for method in methods])
            raise NotOfferedError(f"no method {method_name!r} in {', '.join(matching)}: {offered}")
        if len(found) > 1:
            having = _listed([method.containing_service.full_name for method in found])
            raise NotOfferedError(f"more than one method {wanted}/{method_name}: {having}")
        return found[0]

    def call(
        self, method: MethodDescriptor, data: str, *, metadata: Sequence[tuple[str, str]], timeout_s: float
    ) -> Iterator[str]:
        """Call a method and give its replies as JSON, as they come.

        Args:
            method: From `find`.
            data: One JSON object, or several one after the other for a stream of requests.
            metadata: Sent along.
            timeout_s: For the whole call.

        Raises:
            RequestTextError: The data is not what the method takes.
            grpc.RpcError: The call failed.
        """
        requests = [self._parse(document, method) for document in _documents(data)]
        if not method.client_streaming and len(requests) != 1:
            raise RequestTextError(f"{method.name} takes one request, not {len(requests)}")
        request: Any = iter(requests) if method.client_streaming else requests[0]
        replies = self._open(method)(request, metadata=tuple(metadata), timeout=timeout_s)
        for reply in replies if method.server_streaming else (replies,):
            yield json_format.MessageToJson(
                reply, preserving_proto_field_name=True, descriptor_pool=self._pool, ensure_ascii=False
            )

    def _open(self, method: MethodDescriptor) -> Any:
        forms = {
            (False, False): self._channel.unary_unary,
            (False, True): self._channel.unary_stream,
            (True, False): self._channel.stream_unary,
            (True, True): self._channel.stream_stream,
        }
        form: Any = forms[method.client_streaming, method.server_streaming]
        reply_type = message_factory.GetMessageClass(method.output_type)
        path = f"/{method.containing_service.full_name}/{method.name}"
        return form(
            path,
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=reply_type.FromString,
        )

    def _parse(self, document: Any, method: MethodDescriptor) -> Message:
        request = message_factory.GetMessageClass(method.input_type)()
        try:
            return json_format.ParseDict(
                _with_masks_as_text(document, method.input_type), request, descriptor_pool=self._pool
            )
        except json_format.ParseError as error:
            raise RequestTextError(f"not a {method.input_type.full_name}: {error}") from error


def service_names(full_name: str) -> tuple[str, ...]:
    """Return the names by which a service can be called: in full, its last part, the part before its version."""
    parts = full_name.split(".")
    return (full_name, parts[-1], *parts[-3:-2])


def _documents(data: str) -> Iterator[Any]:
    decoder, rest = json.JSONDecoder(), data.strip()
    while rest:
        try:
            document, end = decoder.raw_decode(rest)
        except json.JSONDecodeError as error:
            raise RequestTextError(f"not JSON: {error}") from error
        yield document
        rest = rest[end:].lstrip()


def _with_masks_as_text(document: Any, described: Any) -> Any:
    """Write field masks as JSON has them, `"feePlan"`, where they stand as for grpcurl: `{"paths": ["fee_plan"]}`."""
    if not isinstance(document, dict):
        return document
    fields = {name: field for field in described.fields for name in (field.name, field.json_name)}
    return {name: _value(value, fields[name]) if name in fields else value for name, value in document.items()}


def _value(value: Any, field: Any) -> Any:
    if field.message_type is None:
        return value
    if isinstance(value, list):
        return [_value(element, field) for element in value]
    if field.message_type.full_name != "google.protobuf.FieldMask":
        return _with_masks_as_text(value, field.message_type)
    paths = value["paths"] if isinstance(value, dict) and isinstance(value.get("paths"), list) else None
    return value if paths is None else ",".join(_camel(str(path)) for path in paths)


def _camel(path: str) -> str:
    first, *rest = path.split("_")
    return first + "".join(part.capitalize() for part in rest)


def _listed(names: Sequence[str]) -> str:
    return f"there are {', '.join(names)}" if names else "there are none"
