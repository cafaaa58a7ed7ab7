"""Which calls are made over HTTP, and where: google.api.http and google.api.field_behavior of all protos."""

import re
from collections import Counter
from typing import Any

import protovalidate
import pytest
from google.api import field_behavior_pb2
from google.protobuf import message_factory
from google.protobuf.descriptor import Descriptor, FieldDescriptor, MethodDescriptor

from paytools.gateway import contracts
from paytools.gateway.contracts import HttpCall
from tests.contract.grpc.test_conventions import READS, messages, methods

NOT_OVER_HTTP = {
    "paystream.channel.v1.ChannelService": "what services and channels' adapters speak to each other, never people",
    "paystream.clock.v1.ClockService": "every process has its own: an address says which is meant, a path does not",
    "paystream.payment.v1.ChannelCallbackService": "a channel's word is authentic by its connection: an adapter's",
    "paystream.withdrawal.v1.ChannelCallbackService": "as payment's",
    "paystream.payment.v1.PaymentService.StreamCreatePayments": "requests and replies stream at the same time",
}
"""Services and methods, and why."""
FILES = {"ImportStatement": "file"}
"""Calls whose body is a file, in the request's field of this name; the query has the rest."""
READ_BY_POST = {
    "TryRuleSet": "the rules to try are longer than an address may be",
    "BatchGetPayments": "a thousand ids are longer than an address may be",
    "BatchGetMerchants": "a thousand ids are longer than an address may be",
}
PREFIXES = {"operators": "/operations/v1/", "tests": "/simulator/v1/", "merchants": "/v1/"}
"""What begins the paths of an audience's calls, so that a network lets it through by one prefix."""
VARIABLE = re.compile(r"\{([a-z_.]+)\}")
PATH = re.compile(r"(/(operations|simulator))?/v1(/([a-z][A-Za-z]*|\{[a-z_.]+\}))+(:[a-z][A-Za-z]*)?")


def mapped() -> list[tuple[MethodDescriptor, HttpCall]]:
    return [(method, call) for method in methods() for call in contracts.http_calls(method)]


EVERY = pytest.mark.parametrize(("method", "call"), mapped(), ids=lambda each: getattr(each, "full_name", ""))


def test_every_method_is_called_over_http_or_says_why_not() -> None:
    left_out = [{m.full_name, m.containing_service.full_name} for m in methods() if not contracts.http_calls(m)]
    assert [names for names in left_out if not names & set(NOT_OVER_HTTP)] == []
    assert set(NOT_OVER_HTTP) <= set().union(*left_out)
    assert len(mapped()) >= 120


def test_no_two_calls_have_one_verb_and_path() -> None:
    shapes = Counter((call.verb, VARIABLE.sub("{}", call.path)) for _, call in mapped())
    assert [shape for shape, count in shapes.items() if count > 1] == []


@EVERY
def test_a_path_names_things_and_begins_with_its_audience(method: MethodDescriptor, call: HttpCall) -> None:
    assert PATH.fullmatch(call.path)
    assert call.path.startswith(PREFIXES[contracts.audience(method.containing_service)])


@EVERY
def test_what_stands_in_a_path_is_required_of_the_request(method: MethodDescriptor, call: HttpCall) -> None:
    for variable in VARIABLE.findall(call.path):
        field = field_at(method.input_type, variable)
        assert field.type == FieldDescriptor.TYPE_STRING
        assert is_required(field), variable


@EVERY
def test_reads_are_gets_and_changes_are_not(method: MethodDescriptor, call: HttpCall) -> None:
    if READS.match(method.name):
        assert call.verb == ("POST" if method.name in READ_BY_POST else "GET")
    else:
        verbs = {"Update": "PATCH", "Delete": "DELETE", "SetPreferences": "PUT", "SetBehaviour": "PUT"}
        assert call.verb == next((verb for name, verb in verbs.items() if method.name.startswith(name)), "POST")
    assert call.body == ("" if call.verb in ("GET", "DELETE") else FILES.get(method.name, "*"))


def test_a_file_is_sent_and_answered_as_it_is() -> None:
    """As google.api.HttpBody, whose type and bytes are those of the HTTP message."""
    asked = {method.name: call for method, call in mapped()}
    for name, field in FILES.items():
        assert asked[name].body == field
    files = {(m.name, c.response_body) for m, c in mapped() if c.response_body}
    assert files == {("ExportSettlement", "document"), ("ExportReport", "document")}
    held = {name for service in contracts.services() for name in contracts.file_methods(service)}
    assert held == {name for name, _ in files}


@EVERY
def test_what_has_no_body_can_be_written_as_a_query(method: MethodDescriptor, call: HttpCall) -> None:
    if not call.body:
        repeated = [f for f in method.input_type.fields if f.is_repeated and f.message_type is not None]
        assert [field.name for field in repeated] == []


def test_exactly_what_the_rules_ask_for_is_said_to_be_required() -> None:
    """Of whatever requests are made of: a message without the field breaks a rule about it."""
    found = requested()
    assert len(found) >= 150
    for message in found.values():
        said = {field.name for field in message.fields if is_required(field)}
        empty = message_factory.GetMessageClass(message)()
        places = [each.proto.field for each in protovalidate.collect_violations(empty)]
        broken = [place.elements[0].field_name for place in places if place]
        assert said == set(broken) & set(message.fields_by_name), message.full_name


def test_nothing_else_is_said_of_fields() -> None:
    """What is only answered is in messages of its own; so that REQUIRED is all there is to say."""
    asked = requested()
    for message in messages():
        for field in message.fields:
            said = behaviours(field)
            assert said in ([], [field_behavior_pb2.REQUIRED]), (message.full_name, field.name)
            assert not said or message.full_name in asked, (message.full_name, field.name)


def requested() -> dict[str, Descriptor]:
    """Return what requests are made of, by full name."""
    found: dict[str, Descriptor] = {}
    left = [method.input_type for method in methods()]
    while left:
        message = left.pop()
        if message.full_name.startswith("paystream.") and message.full_name not in found:
            found[message.full_name] = message
            left += [field.message_type for field in message.fields if field.message_type is not None]
    return found


def behaviours(field: FieldDescriptor) -> list[int]:
    return list(field.GetOptions().Extensions[field_behavior_pb2.field_behavior])


def is_required(field: FieldDescriptor) -> bool:
    return field_behavior_pb2.REQUIRED in behaviours(field)


def field_at(message: Any, path: str) -> FieldDescriptor:
    first, _, rest = path.partition(".")
    field = message.fields_by_name[first]
    return field_at(field.message_type, rest) if rest else field
