"""What a request alone shows to be wrong is refused before the servicer sees it, naming the field."""

from typing import Any

import grpc
import pytest

from tests.integration.edge.conftest import Running, refusal_of

CARD = "4111 1111 1111 1111"


async def test_broken_rules_are_named_by_field_and_rule(running: Running) -> None:
    pb = running.pb
    request = pb.EchoRequest(
        request_id="no uuid",
        amounts=[pb.Amount(amount_minor=1, currency_code="USD"), pb.Amount(amount_minor=-5, currency_code="usd")],
    )
    refusal = await refusal_of(running.stub.Echo(request, timeout=30))
    assert (refusal.code, refusal.info.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "FIELD_INVALID")
    rules = {field: description.split("]")[0].strip("[") for field, description in refusal.fields.items()}
    assert rules == {
        "request_id": "string.uuid",
        "amounts[1].amount_minor": "int64.gt",
        "amounts[1].currency_code": "string.pattern",
    }
    assert running.behaviour.served == []


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"text": f"please charge {CARD}"}, "text"),
        ({"metadata": {"note": CARD.replace(" ", "-")}}, 'metadata["note"]'),
        ({"metadata": {CARD: "x"}}, "metadata"),
    ],
)
async def test_a_card_number_is_refused_and_not_repeated(running: Running, fields: Any, named: str) -> None:
    refusal = await refusal_of(running.stub.Echo(running.pb.EchoRequest(**fields), timeout=30))
    assert (refusal.code, refusal.info.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "CARD_NUMBER_REFUSED")
    assert list(refusal.fields) == [named]
    assert "1111" not in str(refusal.info) + refusal.message
    assert running.behaviour.served == []


async def test_bytes_that_are_no_request_are_refused(running: Running) -> None:
    method: Any = running.channel.unary_unary("/echo.v1.EchoService/Echo")
    refusal = await refusal_of(method(b"\xff\xff\xff", timeout=30))
    assert (refusal.code, refusal.info.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "REQUEST_MALFORMED")


async def test_one_bad_item_of_a_batch_leaves_its_neighbours_alone(running: Running) -> None:
    pb = running.pb
    request = pb.EchoManyRequest(
        requests=[
            pb.EchoRequest(text="fine"),
            pb.EchoRequest(amount=pb.Amount(amount_minor=0, currency_code="USD")),
            pb.EchoRequest(metadata={"note": CARD}),
            pb.EchoRequest(text="fine as well"),
        ]
    )
    reply = await running.stub.EchoMany(request, timeout=30)
    assert list(reply.reasons) == ["", "FIELD_INVALID", "CARD_NUMBER_REFUSED", ""]
    assert list(reply.fields) == ["", "requests[1].amount.amount_minor", 'requests[2].metadata["note"]', ""]


async def test_the_envelope_of_a_batch_is_checked(running: Running) -> None:
    refusal = await refusal_of(running.stub.EchoMany(running.pb.EchoManyRequest(note="x" * 11), timeout=30))
    assert list(refusal.fields) == ["note"]


async def test_a_stream_ends_at_its_first_bad_request(running: Running) -> None:
    pb = running.pb
    requests = [pb.EchoRequest(text="a"), pb.EchoRequest(text=CARD), pb.EchoRequest(text="b")]
    call = running.stub.Relay(requests, timeout=30)
    replies = [(await call.read()).text]
    refusal = await refusal_of(call.read())
    assert (replies, refusal.info.reason) == (["a"], "CARD_NUMBER_REFUSED")
    assert running.behaviour.served == ["a"]


async def test_a_bad_request_in_a_client_stream_refuses_the_call(running: Running) -> None:
    pb = running.pb
    refusal = await refusal_of(
        running.stub.Join([pb.EchoRequest(text="a"), pb.EchoRequest(request_id="x")], timeout=30)
    )
    assert list(refusal.fields) == ["request_id"]
    assert running.behaviour.served == []
