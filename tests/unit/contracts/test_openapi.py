"""docs/api/openapi.yaml: valid OpenAPI 3.1, every call over HTTP in it, with the rules of the protos."""

import json
import re
from typing import Any

import pytest
from buf.validate import validate_pb2
from google.protobuf.descriptor import FieldDescriptor
from openapi_spec_validator import OpenAPIV31SpecValidator

from paytools.gateway import contracts
from paytools.openapi import comments as proto_comments
from paytools.openapi import operations, rules
from scripts import gen_openapi
from tests.contract.grpc.test_http_rules import mapped, requested


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return gen_openapi.openapi()


def schema(document: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = document["components"]["schemas"][name]
    return found


@pytest.mark.timeout(120)
def test_it_is_valid(document: dict[str, Any]) -> None:
    assert document["openapi"] == "3.1.0"
    OpenAPIV31SpecValidator(document).validate()


def test_every_call_over_http_is_described_once(document: dict[str, Any]) -> None:
    described = {
        (verb.upper(), path): operation["operationId"]
        for path, item in document["paths"].items()
        for verb, operation in item.items()
    }
    assert described == {
        (call.verb, operations.path_of(call)): f"{method.containing_service.name}_{method.name}"
        for method, call in mapped()
    }
    assert len(set(described.values())) == len({method.full_name for method, _ in mapped()})


def test_every_field_of_a_request_is_in_its_path_query_or_body(document: dict[str, Any]) -> None:
    for method, call in mapped():
        operation = document["paths"][operations.path_of(call)][call.verb.lower()]
        named = {each["name"] for each in operation["parameters"] if "$ref" not in each}
        if call.body == "*":
            named |= set(schema(document, method.input_type.full_name).get("properties", {}))
        roots = {name.partition(".")[0] for name in named} | ({call.body} - {"*", ""})
        assert roots == {field.json_name for field in method.input_type.fields}, method.full_name


def test_a_request_that_stands_in_another_has_no_field_in_its_path() -> None:
    """Its schema would be without it there, too."""
    within = {f.message_type.full_name for m in requested().values() for f in m.fields if f.message_type is not None}
    bound = {method.input_type.full_name for method, call in mapped() if operations.variables(call)}
    assert within & bound == set()


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    for reference in re.findall(r'"\$ref": "#/([^"]+)"', json.dumps(document)):
        at: Any = document
        for part in reference.split("/"):
            at = at[part]


def test_a_payment_is_described_with_the_rules_of_its_proto(document: dict[str, Any]) -> None:
    request = schema(document, "paystream.payment.v1.CreatePaymentRequest")
    assert {"requestId", "merchantId", "merchantReference", "amount", "paymentMethod"} <= set(request["required"])
    assert request["properties"]["merchantId"]["pattern"] == "^mer_[0-9a-f]{32}$"
    assert request["properties"]["requestId"]["format"] == "uuid"
    assert request["properties"]["metadata"]["maxProperties"] == 50
    assert request["properties"]["amount"]["$ref"] == "#/components/schemas/paystream.common.v1.Money"
    amount = schema(document, "paystream.common.v1.Money")["properties"]["amountMinor"]
    assert (amount["type"], amount["minimum"], amount["maximum"]) == (["string", "integer"], 1, 2**53 - 1)


def test_a_filter_is_a_parameter_of_the_query(document: dict[str, Any]) -> None:
    parameters = {p["name"]: p for p in document["paths"]["/v1/payments"]["get"]["parameters"] if "$ref" not in p}
    assert parameters["pageSize"] == {
        "name": "pageSize",
        "in": "query",
        "required": False,
        "description": parameters["pageSize"]["description"],
        "schema": {"type": "integer", "format": "int32", "minimum": 0},
    }
    assert parameters["createTimeMin"]["schema"]["format"] == "date-time"


def test_a_call_says_which_reasons_it_is_refused_for(document: dict[str, Any]) -> None:
    refusals = document["paths"]["/v1/payments/{paymentId}:capture"]["post"]["responses"]
    assert "CAPTURE_EXCEEDS_CAPTURABLE" in refusals["400"]["description"]
    assert "PAYMENT_NOT_FOUND" in refusals["404"]["description"]
    assert refusals["default"]["content"]["application/json"]["schema"]["$ref"].endswith("/google.rpc.Status")


def test_nothing_is_without_a_word_for_people(document: dict[str, Any]) -> None:
    for name, each in document["components"]["schemas"].items():
        if name.startswith("paystream."):
            assert each["description"], name
            assert [f for f, value in each.get("properties", {}).items() if not value.get("description")] == [], name


def test_every_rule_is_a_keyword_or_stands_as_it_is() -> None:
    """Of each field of each request: what JSON Schema cannot say is under x-protovalidate, and nothing is lost."""
    seen = 0
    for message in requested().values():
        for field in message.fields:
            own = rules.of_field(field)
            for rule in broken_down(own):
                seen += 1
                assert said(own, rule, field), (field.full_name, rule)
    assert seen >= 400


def broken_down(own: validate_pb2.FieldRules) -> list[str]:
    kind = own.WhichOneof("type")
    return [rule.name for rule, _ in getattr(own, kind).ListFields()] if kind else []


def said(own: validate_pb2.FieldRules, rule: str, field: FieldDescriptor) -> bool:
    kind = own.WhichOneof("type")
    if kind == "enum":
        return rule in {"defined_only", "not_in", "in"}  # Symbols are listed: test_an_enum_...
    if rule in {"items", "keys", "values"}:
        return True
    schema = rules.keywords(own)
    as_they_are = schema.pop(rules.AS_THEY_ARE, {}).get(kind, {})
    return rule in as_they_are or (rule in rules.KEYWORDS.get(kind, {}) and bool(schema))


def test_an_enum_of_a_request_lists_what_it_may_be(document: dict[str, Any]) -> None:
    kind = schema(document, "paystream.payment.v1.PaymentMethod")["properties"]["type"]
    assert "PAYMENT_METHOD_TYPE_UNSPECIFIED" not in kind["enum"]
    assert "PAYMENT_METHOD_TYPE_CARD" in kind["enum"]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"string": {"min_len": 1, "max_len": 9}}, {"minLength": 1, "maxLength": 9}),
        ({"string": {"pattern": r"^[^\p{Cc}]{1,3}$"}}, {"pattern": r"^[^\x00-\x1f\x7f-\x9f]{1,3}$"}),
        ({"string": {"in": ["a", "b"]}}, {"enum": ["a", "b"]}),
        ({"int64": {"gt": 0, "lte": 7}}, {"exclusiveMinimum": 0, "maximum": 7}),
        ({"bytes": {"len": 32}}, {"minLength": 44, "maxLength": 44}),
        ({"repeated": {"min_items": 1, "unique": True}}, {"minItems": 1, "uniqueItems": True}),
        ({"map": {"max_pairs": 50}}, {"maxProperties": 50}),
        ({"string": {"max_bytes": 5}}, {"x-protovalidate": {"string": {"max_bytes": "5"}}}),
    ],
)
def test_a_rule_becomes_a_keyword(given: dict[str, Any], expected: dict[str, Any]) -> None:
    assert rules.keywords(validate_pb2.FieldRules(**given)) == expected


def test_a_comments_lines_are_joined_and_its_paragraphs_kept() -> None:
    assert proto_comments.joined(" Takes\n money.\n\n Errors: none.\n") == "Takes money.\n\nErrors: none."


def test_the_gateway_offers_what_is_described() -> None:
    assert {method.containing_service.full_name for method, _ in mapped()} <= {
        s.full_name for s in contracts.services()
    }
