"""One call over HTTP as an operation of OpenAPI."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor, MethodDescriptor

from paytools.gateway.contracts import HttpCall
from paytools.openapi.comments import Comments
from paytools.openapi.rules import Schema
from paytools.openapi.schemas import WELL_KNOWN, Schemas, is_required

HTTP_BODY = "google.api.HttpBody"
STATUSES: Mapping[str, int] = {
    "INVALID_ARGUMENT": 400,
    "FAILED_PRECONDITION": 400,
    "UNAUTHENTICATED": 401,
    "PERMISSION_DENIED": 403,
    "NOT_FOUND": 404,
    "ALREADY_EXISTS": 409,
    "ABORTED": 409,
    "RESOURCE_EXHAUSTED": 429,
    "INTERNAL": 500,
    "UNAVAILABLE": 503,
    "DEADLINE_EXCEEDED": 504,
}
"""The HTTP status of each gRPC code, as google.rpc.Code says and Envoy answers."""
HEADERS: Mapping[str, str] = {
    "paystream-caller": "Who calls, as it stands in audits: 128 plain characters at most.",
    "x-correlation-id": "The journey that the call belongs to; made up where there is none.",
    "grpc-timeout": "How long the caller waits, as in `5S` or `300m` (milliseconds); 30 s without.",
}
"""That any call may send."""

_VARIABLE = re.compile(r"\{([a-z_.]+)\}")
_SENTENCE = re.compile(r"(?<=[.])\s", re.DOTALL)
_ASIDE = re.compile(r"\([^()]*\)")
_WORD = re.compile(r"\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b|\b(?:ABORTED|UNAVAILABLE|INTERNAL|UNAUTHENTICATED)\b")


def path_of(call: HttpCall) -> str:
    """Return the path with its variables named as in JSON."""
    return _VARIABLE.sub(lambda found: f"{{{json_path(found[1])}}}", call.path)


def variables(call: HttpCall) -> list[str]:
    """Return the fields of the request that stand in the path, in its order."""
    return _VARIABLE.findall(call.path)


def json_path(path: str) -> str:
    """Return a path of fields as JSON names it."""
    return ".".join(re.sub(r"_([a-z0-9])", lambda found: found[1].upper(), name) for name in path.split("."))


def operation(method: MethodDescriptor, call: HttpCall, *, comments: Comments, schemas: Schemas) -> Schema:
    """Describe a call: its parameters, its body, its reply and the reasons that it is refused for."""
    about = comments[method.full_name]
    summary, *more = _SENTENCE.split(about, maxsplit=1)
    body = _body(method.input_type, call, schemas)
    return {
        "operationId": f"{method.containing_service.name}_{method.name}",
        "tags": [method.containing_service.full_name],
        "summary": summary,
        **({"description": more[0].strip()} if more else {}),
        "parameters": [*_parameters(method.input_type, call, schemas), *_headers()],
        **({"requestBody": body} if body else {}),
        "responses": {"200": _reply(method, call, schemas), **_refusals(about), "default": _refusal("Any refusal.")},
    }


def _headers() -> Iterator[Schema]:
    yield from ({"$ref": f"#/components/parameters/{name}"} for name in HEADERS)


def _parameters(request: Descriptor, call: HttpCall, schemas: Schemas) -> Iterator[Schema]:
    bound = variables(call)
    for path in bound:
        yield _parameter("path", path, _field_at(request, path), schemas, required=True)
    if call.body == "*":
        return
    for path, field, required in _leaves(request, skip={*bound, call.body}):
        yield _parameter("query", path, field, schemas, required=required)


def _parameter(place: str, path: str, field: FieldDescriptor, schemas: Schemas, *, required: bool) -> Schema:
    schema = schemas.field(field)
    about = schema.pop("description", "")
    return {
        "name": json_path(path),
        "in": place,
        "required": required,
        **({"description": about} if about else {}),
        "schema": schema,
    }


def _leaves(
    message: Descriptor, *, skip: set[str], path: str = "", required: bool = True
) -> Iterator[tuple[str, FieldDescriptor, bool]]:
    """Yield the fields that a query can give, those of messages in the request by their path."""
    for field in message.fields:
        where = f"{path}{field.name}"
        # Maps and lists of messages have no form in a query.
        if where in skip or (field.is_repeated and field.message_type is not None):
            continue
        needed = required and is_required(field)
        if field.message_type is None or field.message_type.full_name in WELL_KNOWN:
            yield where, field, needed
        else:
            yield from _leaves(field.message_type, skip=skip, path=f"{where}.", required=needed)


def _body(request: Descriptor, call: HttpCall, schemas: Schemas) -> Schema:
    if not call.body:
        return {}
    if call.body != "*":
        sent: Any = request.fields_by_name[call.body].message_type
        if sent.full_name == HTTP_BODY:
            return {"required": True, "content": _file()}
    return {"required": True, "content": {"application/json": {"schema": schemas.reference(request)}}}


def _reply(method: MethodDescriptor, call: HttpCall, schemas: Schemas) -> Schema:
    reply = method.output_type
    shown: Any = reply.fields_by_name[call.response_body].message_type if call.response_body else reply
    if shown.full_name == HTTP_BODY:
        return {"description": "A file; Content-Type says of which kind.", "content": _file()}
    several = " A line for each message, for as long as the caller reads." if method.server_streaming else ""
    return {
        "description": f"Done.{several}",
        "content": {"application/json": {"schema": schemas.reference(shown)}},
    }


def _file() -> Schema:
    return {"*/*": {"schema": {"type": "string", "contentMediaType": "application/octet-stream"}}}


def _refusals(about: str) -> dict[str, Schema]:
    """Read which codes and reasons a comment names after `Errors:`, and order them by HTTP status."""
    reasons: dict[int, list[str]] = {}
    status = 0
    for word in _errors(about):
        if word in STATUSES:
            status = STATUSES[word]
        elif status:
            reasons.setdefault(status, []).append(word)
    return {
        str(status): _refusal(", ".join(f"[{name}](../errors.md#{name})" for name in dict.fromkeys(named)) + ".")
        for status, named in sorted(reasons.items())
    }


def _errors(about: str) -> Sequence[str]:
    named = about.partition("Errors:")[2]
    while (plain := _ASIDE.sub("", named)) != named:
        named = plain
    return _WORD.findall(named)


def _refusal(about: str) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/google.rpc.Status"}
    return {"description": about, "content": {"application/json": {"schema": schema}}}


def _field_at(message: Any, path: str) -> FieldDescriptor:
    first, _, rest = path.partition(".")
    field = message.fields_by_name[first]
    return _field_at(field.message_type, rest) if rest else field
