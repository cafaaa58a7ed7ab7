"""Where calls are made over HTTP, beside the rules of scripts/aip: audiences, verbs, files, required fields."""

import protovalidate
import pytest
from google.api import field_behavior_pb2
from google.protobuf import message_factory
from google.protobuf.descriptor import Descriptor, FieldDescriptor, MethodDescriptor

from paytools.gateway import contracts
from paytools.gateway.contracts import HttpCall
from tests.contract.grpc.test_conventions import READS, messages, methods

FILES = {"ImportStatement": "file"}
"""Calls whose body is a file, in the request's field of this name; the query has the rest."""
READ_BY_POST = {
    "TryRuleSet": "the rules to try are longer than an address may be",
    "BatchGetPayments": "a thousand ids are longer than an address may be",
    "BatchGetMerchants": "a thousand ids are longer than an address may be",
}
PREFIXES = {"operators": "/operations/v1/", "tests": "/simulator/v1/", "merchants": "/v1/"}
"""What begins the paths of an audience's calls, so that a network lets it through by one prefix."""


def mapped() -> list[tuple[MethodDescriptor, HttpCall]]:
    return [(method, call) for method in methods() for call in contracts.http_calls(method)]


EVERY = pytest.mark.parametrize(("method", "call"), mapped(), ids=lambda each: getattr(each, "full_name", ""))


def test_every_place_is_looked_at() -> None:
    assert len(mapped()) >= 120


@EVERY
def test_a_path_begins_with_its_audience(method: MethodDescriptor, call: HttpCall) -> None:
    assert call.path.startswith(PREFIXES[contracts.audience(method.containing_service)])


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
