"""gRPC requests as a person would write them for curl: a path, a query and a body, by the contract's google.api.http.

Written apart from Envoy and from what describes the contract, so that a test can hold them against each other.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from google.protobuf import json_format
from google.protobuf.message import Message

from paytools.gateway.contracts import HttpCall

_VARIABLE = re.compile(r"\{([a-z_.]+)\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpRequest:
    """What is sent.

    Attributes:
        verb: As in `GET`.
        path: Its variables filled in.
        query: Names and values, a repeated field's name once for each value.
        json: The body; None for none.
    """

    verb: str
    path: str
    query: list[tuple[str, str]]
    json: Any


def as_http(call: HttpCall, message: Message) -> HttpRequest:
    """Write a request for one of the ways in which its method is called."""
    fields = json_format.MessageToDict(message, preserving_proto_field_name=True)
    path = _VARIABLE.sub(lambda found: quote(str(_taken(fields, found[1].split("."))), safe=""), call.path)
    if call.body == "*":
        return HttpRequest(verb=call.verb, path=path, query=[], json=fields)
    body = fields.pop(call.body, {}) if call.body else None
    return HttpRequest(verb=call.verb, path=path, query=list(_query(fields)), json=body)


def _taken(fields: dict[str, Any], names: list[str]) -> Any:
    """Take a value out of where it stands; what is then empty goes with it."""
    first, *rest = names
    if not rest:
        return fields.pop(first, "")
    within = fields.get(first, {})
    return _taken(within, rest)


def _query(fields: dict[str, Any], path: str = "") -> Iterator[tuple[str, str]]:
    for name, value in fields.items():
        if isinstance(value, dict):
            yield from _query(value, f"{path}{name}.")
            continue
        for each in value if isinstance(value, list) else [value]:
            yield f"{path}{name}", str(each).lower() if isinstance(each, bool) else str(each)
