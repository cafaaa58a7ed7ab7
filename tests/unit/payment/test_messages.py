"""Payments on the wire: what a row holds stands in the message, and what it does not hold is left out."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paykit.merchants.labels import metadata_text
from paykit.reasons.stated_reason import StatedReason
from paystream.payment.v1 import events
from paystream.payment.v1 import payment_pb2 as pb
from services.payment.domain.method import MethodDetail
from services.payment.domain.payment import CaptureMode, PaymentState
from services.payment.messages.payment import to_payment, write_payment
from tests.unit.payment.builders import payment

AMOUNTS = (
    *("captured_minor", "refunded_minor", "refunding_minor", "disputed_minor", "reversed_minor", "unbacked_minor"),
    *("fee_minor", "fee_returned_minor", "fee_plan_version", "cancelled_minor"),
)
TEXTS = ("order_id", "capture_id", "channel_reference", "failure_code")
SOME = {name: st.integers(0, 2**53 - 1) for name in AMOUNTS} | {name: st.text(max_size=5) for name in TEXTS}


@given(values=st.fixed_dictionaries({}, optional=SOME))
def test_each_value_stands_in_the_field_of_its_name(values: dict[str, Any]) -> None:
    message = to_payment(payment(**values))
    for name, value in values.items():
        assert getattr(message, name) == value, name
    for name in SOME.keys() - values.keys():
        assert getattr(message, name) == (getattr(payment(), name) or type(getattr(message, name))()), name


def test_a_payment_with_everything_is_written_in_full() -> None:
    moment = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
    message = to_payment(
        payment(
            state=PaymentState.CANCELLED,
            capture_mode=CaptureMode.MANUAL,
            authorized_minor=900,
            expire_time=moment,
            cancelled_minor=900,
            cancel_reason=events.CancelReason.REQUESTED,
            stated=StatedReason(stated_reason="too late", stated_by="shop", stated_time=moment),
            failure_reason=events.FailureReason.DECLINED,
            method_detail=MethodDetail(brand="visa", funding=events.CardFunding.DEBIT, issuer_country_code="SE"),
            metadata='{"a": "1", "b": "\\u00e5"}',
        )
    )
    assert (message.state, message.capture_mode) == (pb.PAYMENT_STATE_CANCELLED, pb.CAPTURE_MODE_MANUAL)
    assert (message.authorized_minor, message.cancelled_minor) == (900, 900)
    assert message.authorization_expire_time.ToDatetime(tzinfo=UTC) == moment
    assert message.cancel_reason == pb.CANCEL_REASON_REQUESTED
    assert (message.stated_reason.reason, message.stated_reason.caller) == ("too late", "shop")
    assert message.failure_reason == "DECLINED"
    method = message.payment_method
    assert (method.brand, method.funding, method.issuer_country_code) == ("visa", pb.CARD_FUNDING_DEBIT, "SE")
    assert dict(message.metadata) == {"a": "1", "b": "å"}


def test_a_payment_just_made_has_no_field_that_waits_for_something() -> None:
    message = to_payment(payment(order_id=None, capture_id=None, channel_reference=None, attempt_count=1))
    absent = {"cancel_reason", "stated_reason", "authorization_expire_time", "next_action", "order_id", "capture_id"}
    assert absent.isdisjoint(field.name for field, _ in message.ListFields())


def test_written_into_a_reply_it_is_the_same() -> None:
    reply = pb.CreatePaymentResponse()
    write_payment(payment(), reply.payment)
    assert reply == pb.CreatePaymentResponse(payment=to_payment(payment()))
    assert reply.HasField("payment")


@given(metadata=st.dictionaries(st.text(), st.text(), max_size=4))
def test_metadata_is_written_as_json_writes_it(metadata: dict[str, str]) -> None:
    assert metadata_text(metadata) == json.dumps(metadata, sort_keys=True)


@pytest.mark.parametrize("metadata", [{}, {"b": '"quoted" \\ \x7f', "a": "\U0001f600\n"}])
def test_metadata_of_a_message_is_written_in_the_order_of_its_keys(metadata: dict[str, str]) -> None:
    request = pb.CreatePaymentRequest(metadata=metadata)
    assert metadata_text(request.metadata) == json.dumps(metadata, sort_keys=True)
    assert list(request.metadata) == list(pb.CreatePaymentRequest(metadata=metadata).metadata)
