"""The whole document: every call that is made over HTTP."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.rpc import error_details_pb2, status_pb2

from paytools.gateway import contracts
from paytools.gateway.contracts import HttpCall
from paytools.openapi import operations
from paytools.openapi.comments import Comments
from paytools.openapi.schemas import Schemas

DETAILS = ("ErrorInfo", "BadRequest", "RetryInfo", "Help")
"""What stands in a refusal, after `@type`: docs/errors.md."""
ABOUT = """\
Every call of paystream that people and programs make over HTTP, by the gateway (docs/http.md): the same calls as by
gRPC, with the same rules and the same refusals.

Amounts are integers of the currency's minor unit. Integers of 64 bits are answered as strings, and what is not set is
left out. A `requestId` names what is wanted: sent again, the call does nothing more and answers as it did. Decide by
the `reason` of a refusal's ErrorInfo, never by its message.
"""


def document(comments: Comments, *, version: str) -> dict[str, Any]:
    """Return the document as JSON and YAML can hold it.

    Args:
        comments: What the protos say for people, by full name.
        version: Of the project.
    """
    calls = list(_calls())
    bound = {method.input_type.full_name: frozenset(operations.variables(call)) for method, call in calls}
    schemas = Schemas(comments, bound=bound)
    paths: defaultdict[str, dict[str, Any]] = defaultdict(dict)
    for method, call in calls:
        described = operations.operation(method, call, comments=comments, schemas=schemas)
        paths[operations.path_of(call)][call.verb.lower()] = described
    services = dict.fromkeys(method.containing_service for method, _ in calls)
    return {
        "openapi": "3.1.0",
        "info": _info(version),
        "servers": [
            {"url": "http://127.0.0.1:8080", "description": "The local stack; `paystream status` shows the address."}
        ],
        "tags": [_tag(service, comments) for service in services],
        "paths": dict(sorted(paths.items())),
        "components": {"schemas": _components(schemas), "parameters": _headers()},
    }


def _info(version: str) -> dict[str, Any]:
    return {
        "title": "paystream",
        "version": version,
        "summary": "A payments back end: calls as JSON over HTTP.",
        "description": ABOUT,
        "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
    }


def _calls() -> Iterator[tuple[MethodDescriptor, HttpCall]]:
    for service in contracts.services():
        for method in service.methods:
            for call in contracts.http_calls(method):
                yield method, call


def _tag(service: ServiceDescriptor, comments: Comments) -> dict[str, Any]:
    return {"name": service.full_name, "description": comments[service.full_name]}


def _components(schemas: Schemas) -> dict[str, Any]:
    schemas.reference(status_pb2.Status.DESCRIPTOR)
    for name in DETAILS:
        schemas.reference(error_details_pb2.DESCRIPTOR.message_types_by_name[name])
    return dict(sorted(schemas.components.items()))


def _headers() -> dict[str, Any]:
    return {
        name: {"name": name, "in": "header", "required": False, "description": about, "schema": {"type": "string"}}
        for name, about in operations.HEADERS.items()
    }
