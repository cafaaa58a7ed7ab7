"""Proto services by name: their descriptors, and servicers whose methods are made instead of written."""

import importlib
import pkgutil
from collections.abc import Callable, Iterable
from types import SimpleNamespace
from typing import Any

import grpc
from google.protobuf import descriptor_pool, message_factory
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor

from paykit.serve.server import Servicer


def describe(full_name: str) -> ServiceDescriptor:
    """Find a service such as `paystream.payment.v1.PaymentService`, importing its generated module by its package.

    Raises:
        LookupError: There is no such service.
    """
    pool = descriptor_pool.Default()
    try:
        return pool.FindServiceByName(full_name)
    except KeyError:
        _import_messages(full_name)
    try:
        return pool.FindServiceByName(full_name)
    except KeyError as error:
        raise LookupError(f"there is no service {full_name}") from error


def make_servicer(full_name: str, behaviour_of: Callable[[MethodDescriptor], Callable[..., Any]]) -> Servicer:
    """Make a servicer whose every method is what `behaviour_of` gives for it: a coroutine or generator function."""
    service = describe(full_name)
    behaviours = {method.name: behaviour_of(method) for method in service.methods}
    handlers = {method.name: _handler(method, behaviours[method.name]) for method in service.methods}

    def add(_implementation: Any, server: Any) -> None:
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(full_name, handlers),))

    return Servicer(full_name, add, SimpleNamespace(**behaviours))


def services_of(methods: Iterable[str]) -> list[str]:
    """Return the services named in `<service>/<method>`, each once, in order."""
    return list(dict.fromkeys(method.rpartition("/")[0] for method in methods))


def _import_messages(full_name: str) -> None:
    """Import the messages of every proto of the package of a service, as `paystream.payment.v1.payment_pb2`."""
    package = full_name.rpartition(".")[0]
    try:
        modules = pkgutil.iter_modules(importlib.import_module(package).__path__)
    except ModuleNotFoundError as error:
        raise LookupError(f"there is no service {full_name}") from error
    for module in modules:
        if module.name.endswith("_pb2"):
            importlib.import_module(f"{package}.{module.name}")


def _handler(method: MethodDescriptor, behaviour: Callable[..., Any]) -> Any:
    forms: Any = {
        (False, False): grpc.unary_unary_rpc_method_handler,
        (False, True): grpc.unary_stream_rpc_method_handler,
        (True, False): grpc.stream_unary_rpc_method_handler,
        (True, True): grpc.stream_stream_rpc_method_handler,
    }
    return forms[method.client_streaming, method.server_streaming](
        behaviour,
        request_deserializer=message_factory.GetMessageClass(method.input_type).FromString,
        response_serializer=message_factory.GetMessageClass(method.output_type).SerializeToString,
    )
