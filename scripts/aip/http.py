"""Rules about a call's place in HTTP."""

import re
from collections import Counter
from collections.abc import Iterator

from google.protobuf.descriptor import Descriptor, FieldDescriptor, MethodDescriptor

from paytools.gateway.contracts import HttpCall, http_calls
from scripts.aip.contracts import AipRule, Contracts, Departure, is_required, is_text, noun, reads

_VARIABLE = re.compile(r"\{([a-z_.]+)\}")
_PATH = re.compile(r"(/(operations|simulator))?/v[0-9]+(/([a-z][A-Za-z]*|\{[a-z_.]+\}))+(:[a-z][A-Za-z]*)?")
_PLURAL = re.compile(r"/v[0-9]+/([a-z][A-Za-z]*s|\{)")
_VERBS = {"Create": "POST", "Update": "PATCH", "Delete": "DELETE", "Get": "GET", "List": "GET"}


def _mapped(contracts: Contracts) -> Iterator[tuple[MethodDescriptor, HttpCall]]:
    for method in contracts.methods():
        for call in http_calls(method):
            yield method, call


def _every(contracts: Contracts) -> Iterator[Departure]:
    for method in contracts.methods():
        if not http_calls(method):
            yield Departure(method.full_name, "has no google.api.http")


def _paths(contracts: Contracts) -> Iterator[Departure]:
    shapes = Counter((call.verb, _VARIABLE.sub("{}", call.path)) for _, call in _mapped(contracts))
    for method, call in _mapped(contracts):
        if not _PATH.fullmatch(call.path):
            yield Departure(method.full_name, f"{call.path} is not of names in lowerCamelCase after a version")
        if shapes[call.verb, _VARIABLE.sub("{}", call.path)] > 1:
            yield Departure(method.full_name, f"another method has {call.verb} {call.path} as well")
        for variable in _VARIABLE.findall(call.path):
            field = _at(method.input_type, variable)
            if field is None or not is_text(field) or not is_required(field):
                yield Departure(method.full_name, f"{{{variable}}} is no required text of the request")


def _at(message: Descriptor | None, path: str) -> FieldDescriptor | None:
    first, _, rest = path.partition(".")
    field = None if message is None else message.fields_by_name.get(first)
    return _at(field.message_type, rest) if field is not None and rest else field


def _verbs(contracts: Contracts) -> Iterator[Departure]:
    for method, call in _mapped(contracts):
        verb = next((verb for name, verb in _VERBS.items() if noun(method, name)), "GET" if reads(method) else "")
        if verb and call.verb != verb:
            yield Departure(method.full_name, f"is a {call.verb}, and not a {verb}")
        if not reads(method) and call.verb == "GET":
            yield Departure(method.full_name, "changes something and is a GET")
        if (call.verb in ("GET", "DELETE")) == bool(call.body):
            yield Departure(method.full_name, f"a {call.verb} with body '{call.body}'")


def _custom(contracts: Contracts) -> Iterator[Departure]:
    for method, call in _mapped(contracts):
        standard = any(noun(method, name) for name in _VERBS)
        if not standard and call.verb == "POST" and ":" not in call.path:
            yield Departure(method.full_name, f"{call.path} does not end in :verb")


def _collections(contracts: Contracts) -> Iterator[Departure]:
    for method, call in _mapped(contracts):
        if noun(method, "(Create|List)") and not _PLURAL.search(call.path):
            yield Departure(method.full_name, f"{call.path} names no collection in the plural")


RULES = (
    AipRule(aip=127, name="http", keeps="Every method has a place in HTTP.", departures=_every),
    AipRule(aip=127, name="paths", keeps="Paths are names after a version; variables are required.", departures=_paths),
    AipRule(
        aip=127, name="verbs", keeps="Reads are GETs without a body; PATCH updates, DELETE deletes.", departures=_verbs
    ),
    AipRule(aip=136, name="verb", keeps="What is none of the standard methods is a POST of :verb.", departures=_custom),
    AipRule(aip=122, name="collections", keeps="Collections in paths are plurals.", departures=_collections),
)
