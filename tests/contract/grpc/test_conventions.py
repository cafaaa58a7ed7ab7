"""What all calls have in common beside the rules of scripts/aip: what names a change, reasons, etags, reads."""

import importlib
import pkgutil
import re
from collections.abc import Iterator

import pytest
from buf.validate import validate_pb2
from google.protobuf import descriptor_pb2, message_factory
from google.protobuf.descriptor import Descriptor, FieldDescriptor, MethodDescriptor

import paystream
from paykit.serve.validation import card_numbers, validator

TIMESTAMP = "google.protobuf.Timestamp"
READS = re.compile(r"(Get|BatchGet|List|Query|Watch|Preview|Export|StreamMetrics$|TryRuleSet$|Inquire$|BatchInquire$)")
"""How the names of methods begin, or are, that change nothing."""

NAMED_OTHERWISE = {
    # A channel knows a call by the id that its caller gave the attempt, and is asked about it by the same.
    "Authorize": "attempt_id",
    "Capture": "attempt_id",
    "Cancel": "attempt_id",
    "Refund": "attempt_id",
    "Pay": "attempt_id",
    "RespondToDispute": "dispute_reference",
    # A channel's word is known by what it is about: channels repeat it, and have no ids of ours.
    "ReportChannelResult": "attempt_id",
    "ReportBankResult": "attempt_id",
    "ReportDispute": "dispute_reference",
}
"""Calls that change something and are named by something else than a request id: why they may be repeated."""

STOPS = re.compile(r"(Reject|Suspend|Restrict|Disable|Cancel(?!$))")
"""How the names of methods begin that stop something; a channel's Cancel is asked by paystream, which has its own."""
REASON = r"^[^\p{Cc}]{1,500}$"
REASON_OR_NONE = r"^[^\p{Cc}]{0,500}$"

NAMED_BY_CONTENT = {"ImportStatement"}
"""The same file is the same statement."""


def modules() -> Iterator[object]:
    for module in pkgutil.walk_packages(paystream.__path__, "paystream."):
        if module.name.endswith("_pb2"):
            yield importlib.import_module(module.name).DESCRIPTOR


def methods() -> list[MethodDescriptor]:
    return [each for file in modules() for service in file.services_by_name.values() for each in service.methods]  # type: ignore[attr-defined]


def messages() -> list[Descriptor]:
    found: list[Descriptor] = []
    left = [each for file in modules() for each in file.message_types_by_name.values()]  # type: ignore[attr-defined]
    while left:
        found.append(left.pop())
        left += found[-1].nested_types
    return found


def rules_of(field: FieldDescriptor) -> validate_pb2.FieldRules:
    rules: validate_pb2.FieldRules = field.GetOptions().Extensions[validate_pb2.field]
    return rules


def moments(message: Descriptor) -> list[str]:
    return [
        field.name
        for field in message.fields
        if field.message_type is not None and field.message_type.full_name == TIMESTAMP
    ]


def test_every_method_is_looked_at() -> None:
    assert len(methods()) >= 149
    assert {"CreatePayment", "StreamMetrics", "ImportStatement", "AdvanceClock"} <= {each.name for each in methods()}


def test_exactly_the_reads_are_said_to_have_no_side_effects() -> None:
    without = descriptor_pb2.MethodOptions.NO_SIDE_EFFECTS
    said = {each.full_name for each in methods() if each.GetOptions().idempotency_level == without}
    assert said == {each.full_name for each in methods() if READS.match(each.name)}


def item_type(request: Descriptor) -> Descriptor:
    """What is carried out: the request, or each item of a batch or of a stream."""
    for name in ("requests", "request"):
        items = request.fields_by_name.get(name)
        if items is not None and items.message_type is not None:
            return item_type(items.message_type)
    return request


@pytest.mark.parametrize("method", [m for m in methods() if not READS.match(m.name)], ids=lambda m: m.full_name)
def test_what_changes_something_is_named_by_its_caller(method: MethodDescriptor) -> None:
    if method.name in NAMED_BY_CONTENT:
        return
    field = NAMED_OTHERWISE.get(method.name.removeprefix("Batch"), "request_id")
    refusal = validator.validate_message(message_factory.GetMessageClass(item_type(method.input_type))())
    assert isinstance(refusal, validator.RequestInvalid), f"{method.full_name} takes an empty request"
    assert field in {violation.field for violation in refusal.violations}, f"{method.full_name} needs no {field}"


@pytest.mark.parametrize("method", [m for m in methods() if STOPS.match(m.name)], ids=lambda m: m.full_name)
def test_what_stops_something_says_why(method: MethodDescriptor) -> None:
    assert rules_of(method.input_type.fields_by_name["reason"]).string.pattern == REASON, method.full_name
    stated = message_factory.GetMessageClass(method.input_type)(reason="the card 4111 1111 1111 1111")
    assert card_numbers.find(stated) == "reason"


def test_reasons_in_own_words_have_one_form() -> None:
    rules = {
        (method.full_name, field.name): rules_of(field).string.pattern
        for method in methods()
        for field in method.input_type.fields
        if re.fullmatch(r"\w*reason", field.name) and field.type == FieldDescriptor.TYPE_STRING
    }
    assert len(rules) >= 20
    assert {key: pattern for key, pattern in rules.items() if pattern not in {REASON, REASON_OR_NONE}} == {}


def updates() -> list[MethodDescriptor]:
    """Return what changes fields that a mask names."""
    return [method for method in methods() if method.name.startswith("Update")]


def test_an_update_has_the_resource_with_its_id_and_etag_and_a_mask_beside_it() -> None:
    assert len(updates()) >= 4
    for method in updates():
        resource, *others = method.input_type.fields
        assert [field.name for field in others] == ["update_mask", "request_id"], method.full_name
        assert resource.message_type is not None
        assert method.output_type.fields_by_name[resource.name].message_type == resource.message_type, method.full_name
        rules = {field.name: rules_of(field) for field in resource.message_type.fields}
        assert rules[f"{resource.name}_id"].string.pattern, method.full_name
        assert rules["etag"].string.max_len, method.full_name


def test_lists_are_filtered_by_time_in_one_way() -> None:
    """From `..._min` on and `..._before`, both or none; figures are of a period, which has a start and an end."""
    for method in methods():
        if method.name.startswith("List") or method.name.startswith("Replay"):
            names = set(moments(method.input_type))
            stems = {name.removesuffix("_min").removesuffix("_before") for name in names}
            assert names == {f"{stem}{bound}" for stem in stems for bound in ("_min", "_before")}, method.full_name
    periods = {m.name for m in methods() if {"start_time", "end_time"} & set(moments(m.input_type))}
    assert periods == {"GetOverview", "GetMerchantStats", "QueryMetrics", "ClosePeriod"}


def test_whoever_changes_what_has_an_etag_can_say_which() -> None:
    resources = {message.full_name for message in messages() if "etag" in message.fields_by_name}
    resources = {name for name in resources if not name.endswith("Request")}
    for method in methods():
        if READS.match(method.name) or re.match("Create|BatchCreate|StreamCreate|Update", method.name):
            continue  # An update has the etag in its resource.
        if method.name == "RotateWebhookSecret":
            continue  # Secrets stand beside the endpoint: its etag does not change with them.
        shown = {f.message_type.full_name for f in method.output_type.fields if f.message_type is not None}
        if shown & resources:
            assert "etag" in method.input_type.fields_by_name, method.full_name
    assert len(resources) == 5
