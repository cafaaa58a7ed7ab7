"""Payers who have to act, on the real parts: one does it, one refuses, one never comes back."""

import asyncio
from typing import Any

import pytest
from google.protobuf.duration_pb2 import Duration

from paystream.accounting.v1 import accounting_pb2
from paystream.channel.v1 import channel_pb2
from paystream.journey.v1 import journey_pb2
from paystream.payment.v1 import events as payment_events
from paystream.payment.v1 import payment_pb2 as pb
from tests.e2e.conftest import Line
from tests.line import topics
from tests.line.clients import call, first_payment, new_merchant, new_request_id, payment_request
from tests.line.waiting import until

REDIRECTED_MINOR = 19_021
WAIT = Duration(seconds=20)
RETURN_URL = "https://shop.example/back?basket=secret"


@pytest.fixture(scope="module")
async def merchant_id(line: Line) -> str:
    made = await new_merchant(line.clients, {"USD": (0, 0)})
    await first_payment(line.clients, payment_request(made, 100))
    return made


async def redirected(line: Line, merchant_id: str) -> pb.Payment:
    """Give a payment whose payer is to visit a page, as its call answers it."""
    request = payment_request(merchant_id, REDIRECTED_MINOR, return_url=RETURN_URL, wait_for=WAIT)
    payment: pb.Payment = (await call(line.clients.payment.CreatePayment, request)).payment
    assert payment.state == pb.PAYMENT_STATE_REQUIRES_ACTION
    assert payment.next_action.redirect_to_url.url.startswith("https://")
    return payment


async def play(line: Line, payment: pb.Payment, outcome: Any) -> None:
    """Have the payer do it, or refuse."""
    shown = await call(line.clients.payment.GetPayment, pb.GetPaymentRequest(payment_id=payment.payment_id))
    request = channel_pb2.SetOutcomeRequest(
        request_id=new_request_id(), attempt_id=shown.attempts[0].attempt_id, outcome=outcome
    )
    await call(line.clients.channel.SetOutcome, request)


async def returned(line: Line, payment: pb.Payment) -> pb.Payment:
    """Give a payment with its outcome, as the page asks for it that the payer comes back to."""
    request = pb.GetPaymentRequest(payment_id=payment.payment_id, wait_for=WAIT, wait_past_action=True)

    async def look() -> pb.Payment | None:
        found: pb.Payment = (await call(line.clients.payment.GetPayment, request)).payment
        return None if found.state == pb.PAYMENT_STATE_REQUIRES_ACTION else found

    ended = await until(look)
    assert ended is not None
    return ended


async def entries_of(line: Line, payment_id: str) -> list[Any]:
    request = accounting_pb2.ListTransactionsRequest(root_reference=payment_id)
    return list((await call(line.clients.accounting.ListTransactions, request)).transactions)


async def test_a_payer_who_comes_back_has_paid_once_and_one_who_refused_has_not(line: Line, merchant_id: str) -> None:
    done, refused = await asyncio.gather(*(redirected(line, merchant_id) for _ in range(2)))
    await play(line, done, channel_pb2.LATE_OUTCOME_APPROVED)
    await play(line, refused, channel_pb2.LATE_OUTCOME_DECLINED)

    paid, failed = await returned(line, done), await returned(line, refused)

    assert (paid.state, paid.captured_minor) == (pb.PAYMENT_STATE_SUCCEEDED, REDIRECTED_MINOR)
    assert (failed.state, failed.failure_reason) == (pb.PAYMENT_STATE_FAILED, "AUTHENTICATION_FAILED")
    booked = await until(lambda: entries_of(line, done.payment_id))
    assert [transaction.transaction_type for transaction in booked] == ["PaymentSuccess"]
    assert await entries_of(line, refused.payment_id) == []


async def test_a_payer_who_never_comes_back_is_given_up_and_the_story_says_so(line: Line, merchant_id: str) -> None:
    behaviour = channel_pb2.Behaviour(
        callback_delay_ms=1_000, fee_basis_points=150, finality_seconds=5, action_expires_seconds=2
    )
    request = channel_pb2.SetBehaviourRequest(request_id=new_request_id(), merchant_id=merchant_id, behaviour=behaviour)
    await call(line.clients.channel.SetBehaviour, request)
    left = await redirected(line, merchant_id)

    failed = await returned(line, left)

    assert (failed.state, failed.failure_reason) == (pb.PAYMENT_STATE_FAILED, "ACTION_EXPIRED")
    story = await call(line.clients.journey.GetJourney, journey_pb2.GetJourneyRequest(id=left.payment_id))
    what = [step.what for step in story.steps if step.resource_id == left.payment_id]
    assert what == ["CREATED", "FAILED"]


async def test_the_topic_tells_that_a_payer_has_to_act_and_nothing_secret(line: Line, merchant_id: str) -> None:
    waiting = await redirected(line, merchant_id)

    async def told() -> Any:
        found = [
            event
            for event in await topics.events(line.settings, "payment.events")
            if isinstance(event, payment_events.PaymentActionRequired) and event.payment_id == waiting.payment_id
        ]
        return found[0] if found else None

    event = await until(told)
    assert event.next_action is payment_events.NextActionKind.REDIRECT_TO_URL
    assert waiting.next_action.redirect_to_url.url not in str(event)
    assert "basket=secret" not in str(event)
