"""Payments that wait for their payer, on a real database and over a channel that does what a test tells it."""

import asyncio
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
from google.protobuf.duration_pb2 import Duration
from structlog.testing import capture_logs

from paykit.cause import Cause
from paykit.channels.actions.next_action import NextAction, NextActionKind
from paykit.channels.attempts import Evidence, EvidenceOutcome, RecordEvidence, Source
from paykit.errors import IllegalTransition
from paykit.serve.timestamps import to_timestamp
from paystream.channel.v1 import channel_pb2 as channel_pb
from paystream.common.v1 import next_action_pb2
from paystream.order.v1 import events as order_events
from paystream.payment.v1 import events
from paystream.payment.v1 import payment_pb2 as pb
from services.payment import commands, store
from services.payment.jobs import attempts as jobs
from services.payment.jobs import returns
from tests.integration.payment.capturing import advance
from tests.integration.payment.conftest import House, redirect
from tests.integration.payment.contradicting import only_contradiction
from tests.integration.payment.test_outcomes import LONG, PATIENCE_S, begun

CHARGE, AUTHORIZE = pb.ATTEMPT_ACTION_CHARGE, pb.ATTEMPT_ACTION_AUTHORIZE
VOID, MANUAL = pb.ATTEMPT_ACTION_CANCEL, pb.CAPTURE_MODE_MANUAL
ACTION_REQUIRED = pb.CHANNEL_OUTCOME_ACTION_REQUIRED
APPROVED, DECLINED = channel_pb.OUTCOME_APPROVED, channel_pb.OUTCOME_DECLINED
RETURN_URL = "https://shop.example/back?basket=7"
SECRET = "token=secret"
HOUR = timedelta(hours=1)
CAUSE = Cause("cor_1", None, "channel", None)


def acts(request: Any) -> str:
    """Have the payer act on charges and authorizations; what follows them is approved."""
    return "act" if isinstance(request, channel_pb.AuthorizeRequest) else "approve"


def acts_and_stays(request: Any) -> str:
    """The same at a channel that calls nothing off."""
    return "act" if isinstance(request, channel_pb.AuthorizeRequest) else "decline"


async def waiting(house: House, **changes: Any) -> pb.Payment:
    house.channel.fate = acts
    payment = await house.paid(**{"return_url": RETURN_URL, **changes})
    assert payment.state == pb.PAYMENT_STATE_REQUIRES_ACTION
    assert await place_of_return(house, payment.payment_id) == changes.get("return_url", RETURN_URL)
    return payment


async def first(house: House, payment: pb.Payment) -> pb.Attempt:
    return (await house.attempts(payment.payment_id))[0]


async def expire(house: House) -> None:
    while await jobs.expire_actions(house.runtime):
        pass


async def record(house: House, *told: Evidence) -> None:
    """Apply evidence in one transaction."""
    items = [RecordEvidence(evidence=evidence, cause=CAUSE) for evidence in told]
    await house.runtime.transaction(lambda tx: commands.evidence.record_evidence(tx, items))


async def place_of_return(house: House, payment_id: str) -> str | None:
    """Where the row says that the payer comes back to."""
    sql = "SELECT return_url FROM payment WHERE payment_id = $1"
    [row] = await house.runtime.read(lambda tx: tx.fetch(sql, payment_id))
    found: str | None = row[0]
    return found


async def kept(house: House, payment_id: str) -> tuple[Any, ...]:
    """What the row keeps of what the payer has to do."""
    sql = "SELECT next_action, action_expire_time, calling_off, return_url FROM payment WHERE payment_id = $1"
    [row] = await house.runtime.read(lambda tx: tx.fetch(sql, payment_id))
    return tuple(row)


async def test_the_payer_is_shown_what_to_do_and_where_to_come_back_to(house: House) -> None:
    payment = await waiting(house, return_url=RETURN_URL)

    assert payment.next_action.redirect_to_url.url == "https://bank.example/3ds?token=secret"
    told = await house.told(payment.payment_id)
    assert [type(event).__name__ for event in told] == ["PaymentCreated", "PaymentActionRequired"]
    assert told[1].next_action is events.NextActionKind.REDIRECT_TO_URL
    # An hour, as the channel has not said.
    assert payment.next_action.expire_time == to_timestamp(told[1].expires_at)
    assert told[1].expires_at - told[1].occurred_at == HOUR
    attempt = await first(house, payment)
    assert (attempt.state, attempt.channel_reference) == (pb.ATTEMPT_STATE_ACTION_REQUIRED, "ch_1")
    assert house.channel.requests[attempt.attempt_id].return_url == RETURN_URL


@pytest.mark.parametrize(
    ("action", "kind"),
    [
        (
            next_action_pb2.NextAction(
                three_d_secure_challenge=next_action_pb2.ThreeDSecureChallenge(
                    acs_url="https://acs.example/", creq="eyJhIjoxfQ"
                )
            ),
            "THREE_D_SECURE_CHALLENGE",
        ),
        (
            next_action_pb2.NextAction(
                display_code=next_action_pb2.DisplayCode(format=next_action_pb2.CODE_FORMAT_QR_CODE, code="00020126")
            ),
            "DISPLAY_QR_CODE",
        ),
        (
            next_action_pb2.NextAction(
                display_code=next_action_pb2.DisplayCode(
                    format=next_action_pb2.CODE_FORMAT_VOUCHER,
                    code="34191.79001",
                    instructions_url="https://bank.example/how",
                )
            ),
            "DISPLAY_VOUCHER",
        ),
    ],
)
async def test_each_action_is_shown_as_the_channel_gave_it(
    house: House, action: next_action_pb2.NextAction, kind: str
) -> None:
    house.channel.next_action = action
    payment = await waiting(house)

    payment.next_action.ClearField("expire_time")
    assert payment.next_action == action
    assert (await house.told(payment.payment_id))[-1].next_action == kind


async def test_an_action_that_no_payer_could_do_is_not_shown(house: House) -> None:
    house.channel.fate, house.channel.next_action = acts, redirect("javascript:alert('token=secret')")

    with capture_logs() as logs:
        payment = await house.paid()

    assert payment.state == pb.PAYMENT_STATE_UNKNOWN
    assert not payment.HasField("next_action")
    assert "channel_action_unusable" in {line["event"] for line in logs}
    assert SECRET not in str(logs)


async def test_who_waits_for_the_outcome_is_answered_with_the_action_at_once(house: House) -> None:
    house.channel.fate = acts
    [call] = await begun(house, 1, house.create(wait_for=LONG))
    await house.submit()
    async with asyncio.timeout(PATIENCE_S):
        payment = await call
    assert (payment.state, payment.HasField("next_action")) == (pb.PAYMENT_STATE_REQUIRES_ACTION, True)

    # The payer has come back: now the outcome is waited for, and the action is none.
    request = pb.GetPaymentRequest(payment_id=payment.payment_id, wait_for=LONG)
    assert (await house.call.GetPayment(request, None)).payment.state == pb.PAYMENT_STATE_REQUIRES_ACTION
    request.wait_past_action = True
    after = asyncio.create_task(house.call.GetPayment(request, None))
    attempt = await first(house, payment)
    await asyncio.sleep(0)
    await house.report(attempt.attempt_id, pb.CHANNEL_OUTCOME_APPROVED, "ch_1")
    async with asyncio.timeout(PATIENCE_S):
        assert (await after).payment.state == pb.PAYMENT_STATE_SUCCEEDED


@pytest.mark.parametrize("way", ["callback", "inquiry"])
@pytest.mark.parametrize(
    ("mode", "state", "event"),
    [
        (pb.CAPTURE_MODE_AUTOMATIC, pb.PAYMENT_STATE_SUCCEEDED, "PaymentSuccess"),
        (MANUAL, pb.PAYMENT_STATE_AUTHORIZED, "PaymentAuthorized"),
    ],
)
async def test_the_payer_does_it(house: House, way: str, mode: Any, state: Any, event: str) -> None:
    payment = await waiting(house, capture_mode=mode)
    attempt = await first(house, payment)

    if way == "callback":
        await house.report(attempt.attempt_id, pb.CHANNEL_OUTCOME_APPROVED, "ch_1")
    else:
        house.channel.decide(attempt.attempt_id, APPROVED)
        await house.inquire()

    after = await house.get(payment.payment_id)
    assert (after.state, after.HasField("next_action")) == (state, False)
    assert await kept(house, payment.payment_id) == (None, None, None, None)
    assert await house.told_types(payment.payment_id) == ["PaymentCreated", "PaymentActionRequired", event]


async def test_the_payer_refuses(house: House) -> None:
    payment = await waiting(house)
    attempt = await first(house, payment)

    await house.report(attempt.attempt_id, pb.CHANNEL_OUTCOME_DECLINED, "ch_1", decline_code="authentication_failed")

    after = await house.get(payment.payment_id)
    assert (after.state, after.failure_reason, after.failure_code) == (
        *(pb.PAYMENT_STATE_FAILED, "AUTHENTICATION_FAILED"),
        "authentication_failed",
    )
    assert await kept(house, payment.payment_id) == (None, None, None, None)


async def test_the_channel_still_decides_after_the_payer_has_acted(house: House) -> None:
    payment = await waiting(house)
    attempt = await first(house, payment)
    house.channel.decide(attempt.attempt_id, channel_pb.OUTCOME_PENDING)

    await house.inquire()

    after = await house.get(payment.payment_id)
    assert (after.state, after.HasField("next_action")) == (pb.PAYMENT_STATE_UNKNOWN, False)
    # What was said before is said again, late: the payer is not asked twice.
    await house.report(attempt.attempt_id, ACTION_REQUIRED, "ch_1", next_action=house.channel.next_action)
    assert (await house.get(payment.payment_id)).state == pb.PAYMENT_STATE_UNKNOWN
    # Nor does its time end what the channel has.
    advance(house, 2 * HOUR)
    await expire(house)
    house.channel.decide(attempt.attempt_id, APPROVED)
    await house.inquire()
    assert await house.told_types(payment.payment_id) == [
        *("PaymentCreated", "PaymentActionRequired", "PaymentUnknown", "PaymentSuccess"),
    ]


async def test_one_action_follows_another_and_what_is_said_again_changes_nothing(house: House) -> None:
    payment = await waiting(house)
    attempt = await first(house, payment)
    challenge = redirect("https://acs.example/challenge")

    for _ in range(2):
        await house.report(attempt.attempt_id, ACTION_REQUIRED, "ch_1", next_action=house.channel.next_action)
    await house.inquire()
    assert await house.told_types(payment.payment_id) == ["PaymentCreated", "PaymentActionRequired"]
    for _ in range(2):
        await house.report(attempt.attempt_id, ACTION_REQUIRED, "ch_1", next_action=challenge)

    after = await house.get(payment.payment_id)
    assert after.next_action.redirect_to_url.url == "https://acs.example/challenge"
    assert after.next_action.expire_time == payment.next_action.expire_time
    assert await house.told_types(payment.payment_id) == [
        *("PaymentCreated", "PaymentActionRequired", "PaymentActionRequired"),
    ]


async def test_an_action_called_back_before_the_answer_to_the_call(house: House) -> None:
    created = await house.create()
    house.channel.fate = acts
    claimed = await house.runtime.transaction(
        lambda tx: store.attempts.claim_pending(tx, channel="simulator", limit=1, lease_s=30)
    )
    attempt_id = claimed[0].attempt.attempt_id

    await house.report(attempt_id, ACTION_REQUIRED, "ch_1", next_action=house.channel.next_action)
    for outcome, action in [
        ("ACTION_REQUIRED", NextAction(kind=NextActionKind.REDIRECT_TO_URL, url="https://bank.example/older")),
        ("PENDING", None),
        ("NO_ANSWER", None),
    ]:
        answer = Evidence(
            attempt_id=attempt_id, source=Source.RESPONSE, outcome=EvidenceOutcome(outcome), action=action
        )
        await record(house, answer)

    after = await house.get(created.payment_id)
    assert (after.state, after.next_action.redirect_to_url.url) == (
        pb.PAYMENT_STATE_REQUIRES_ACTION,
        "https://bank.example/3ds?token=secret",
    )
    assert await house.told_types(created.payment_id) == ["PaymentCreated", "PaymentActionRequired"]


async def test_an_action_that_is_told_after_the_end_changes_nothing(house: House) -> None:
    paid = await house.paid()
    attempt = await first(house, paid)

    await house.report(attempt.attempt_id, ACTION_REQUIRED, "ch_1", next_action=house.channel.next_action)

    after = await house.get(paid.payment_id)
    assert (after.state, after.HasField("next_action")) == (pb.PAYMENT_STATE_SUCCEEDED, False)
    assert await house.told_types(paid.payment_id) == ["PaymentCreated", "PaymentSuccess"]


async def test_an_answer_that_was_lost_is_found_to_require_an_action(house: House) -> None:
    house.channel.fate = lambda request: "lost_after" if acts(request) == "act" else "approve"
    paid = await house.paid()
    attempt = await first(house, paid)
    house.channel.record[attempt.attempt_id].outcome = channel_pb.OUTCOME_ACTION_REQUIRED
    house.channel.record[attempt.attempt_id].next_action.CopyFrom(house.channel.next_action)

    await house.inquire()

    assert (await house.get(paid.payment_id)).state == pb.PAYMENT_STATE_REQUIRES_ACTION
    assert await house.told_types(paid.payment_id) == ["PaymentCreated", "PaymentUnknown", "PaymentActionRequired"]


@pytest.mark.parametrize("mode", [pb.CAPTURE_MODE_AUTOMATIC, MANUAL])
async def test_a_payer_who_never_comes_back_is_given_up_once_the_channel_has_called_it_off(
    house: House, mode: Any
) -> None:
    payment = await waiting(house, capture_mode=mode)
    advance(house, HOUR - timedelta(seconds=1))
    await expire(house)
    assert (await house.get(payment.payment_id)).HasField("next_action")

    advance(house, timedelta(seconds=1))
    await expire(house)
    asked = await house.get(payment.payment_id)
    assert (asked.state, asked.HasField("next_action"), asked.cancel_reason) == (
        *(pb.PAYMENT_STATE_REQUIRES_ACTION, False),
        pb.CANCEL_REASON_ACTION_EXPIRED,
    )
    await house.submit()

    after = await house.get(payment.payment_id)
    assert (after.state, after.failure_reason, after.failure_code) == (
        *(pb.PAYMENT_STATE_FAILED, "ACTION_EXPIRED"),
        "action_expired",
    )
    charge, void = await house.attempts(payment.payment_id)
    assert (charge.state, charge.failure_reason) == (pb.ATTEMPT_STATE_FAILED, "ACTION_EXPIRED")
    assert (void.action, void.state) == (VOID, pb.ATTEMPT_STATE_SUCCEEDED)
    assert house.channel.requests[void.attempt_id].authorization_reference == "ch_1"
    assert await house.told_types(payment.payment_id) == ["PaymentCreated", "PaymentActionRequired", "PaymentFailed"]
    assert await kept(house, payment.payment_id) == (None, None, None, None)


async def test_the_channels_own_time_is_the_payers(house: House) -> None:
    house.channel.next_action = redirect(
        "https://bank.example/3ds", expire_time=to_timestamp(house.runtime.clock.now() + 48 * HOUR)
    )
    payment = await waiting(house)
    advance(house, 47 * HOUR)
    await expire(house)
    assert (await house.get(payment.payment_id)).next_action.expire_time == house.channel.next_action.expire_time
    advance(house, HOUR)
    await expire(house)
    await house.submit()
    assert (await house.get(payment.payment_id)).state == pb.PAYMENT_STATE_FAILED


@pytest.mark.parametrize(("reported", "state"), [("again", "FAILED"), ("approve", "SUCCEEDED"), ("decline", "FAILED")])
async def test_what_a_channel_does_not_call_off_is_decided_by_what_it_says_then(
    house: House, reported: str, state: str
) -> None:
    payment = await waiting(house)
    attempt = await first(house, payment)
    house.channel.fate, house.channel.decline_code = acts_and_stays, "authorization_not_approved"
    advance(house, HOUR)
    await expire(house)
    await house.submit()
    assert (await house.get(payment.payment_id)).state == pb.PAYMENT_STATE_REQUIRES_ACTION

    if reported == "approve":
        house.channel.decide(attempt.attempt_id, APPROVED)
    elif reported == "decline":
        house.channel.decide(attempt.attempt_id, DECLINED, "action_expired")
    await house.inquire()

    after = await house.get(payment.payment_id)
    assert pb.PaymentState.Name(after.state) == f"PAYMENT_STATE_{state}"
    assert after.failure_reason == ("" if state == "SUCCEEDED" else "ACTION_EXPIRED")
    assert after.cancel_reason == pb.CANCEL_REASON_UNSPECIFIED


@pytest.mark.parametrize("reference", [True, False])
async def test_what_a_channel_does_not_call_off_is_inquired_about_at_once_however_long_it_waited(
    house: House, *, reference: bool
) -> None:
    payment = await waiting(house)
    changed = "" if reference else ", channel_reference = NULL"
    await house.runtime.transaction(lambda tx: tx.run(f"UPDATE attempt SET inquiry_count = 9{changed}"))
    await house.runtime.transaction(
        lambda tx: tx.run("UPDATE payment SET channel_reference = CASE WHEN $1 THEN channel_reference END", reference)
    )
    house.channel.fate, house.channel.decline_code = acts_and_stays, "authorization_not_approved"
    await house.cancel(payment.payment_id)
    await house.submit()

    sql = (
        "SELECT inquiry_count, state, due_time < now() + interval '1 minute' FROM attempt ORDER BY create_time LIMIT 1"
    )
    [row] = await house.runtime.read(lambda tx: tx.fetch(sql))
    assert tuple(row) == (0, "UNKNOWN", True)
    assert (await house.get(payment.payment_id)).state == pb.PAYMENT_STATE_REQUIRES_ACTION


async def test_money_that_comes_after_the_time_was_over_came_late_and_goes_back(house: House) -> None:
    payment = await waiting(house)
    attempt = await first(house, payment)
    advance(house, HOUR)
    await expire(house)
    await house.submit()

    await house.report(attempt.attempt_id, pb.CHANNEL_OUTCOME_APPROVED, "ch_1")

    contradiction = await only_contradiction(house)
    assert (contradiction.recorded, contradiction.reported) == ("FAILED", "SUCCEEDED")
    types = await house.told_types(payment.payment_id)
    assert types[3:] == ["LateCaptureReceived", "RefundCreated", "PaymentContradicted"]
    await house.submit()
    assert (await house.told_types(payment.payment_id))[6:] == ["RefundSuccess", "PaymentContradictionResolved"]


async def test_a_success_that_an_inquiry_found_before_it_was_called_off_counts_though_it_is_recorded_after(
    house: House,
) -> None:
    payment = await waiting(house)
    attempt = await first(house, payment)
    advance(house, HOUR)
    await expire(house)
    await house.submit()

    found = Evidence(
        attempt_id=attempt.attempt_id,
        source=Source.INQUIRY,
        outcome=EvidenceOutcome.SUCCEEDED,
        channel_reference="ch_1",
    )
    await record(house, found)

    assert "LateCaptureReceived" in await house.told_types(payment.payment_id)


async def test_a_caller_gives_up_what_waits_for_its_payer(house: House) -> None:
    payment = await waiting(house)

    asked = await house.cancel(payment.payment_id)
    assert (asked.state, asked.HasField("next_action")) == (pb.PAYMENT_STATE_REQUIRES_ACTION, False)
    assert asked.etag != payment.etag
    with pytest.raises(IllegalTransition):
        await house.cancel(payment.payment_id)
    await house.submit()

    after = await house.get(payment.payment_id)
    assert (after.state, after.cancelled_minor, after.cancel_reason) == (
        *(pb.PAYMENT_STATE_CANCELLED, 10_000),
        pb.CANCEL_REASON_REQUESTED,
    )
    assert (await first(house, payment)).failure_reason == "CANCELLED"
    assert await kept(house, payment.payment_id) == (None, None, None, None)
    types = ["PaymentCreated", "PaymentActionRequired", "PaymentCancelled"]
    assert await house.told_types(payment.payment_id) == types


@pytest.mark.parametrize(
    ("mode", "state", "types"),
    [
        (pb.CAPTURE_MODE_AUTOMATIC, pb.PAYMENT_STATE_SUCCEEDED, ["PaymentSuccess"]),
        (MANUAL, pb.PAYMENT_STATE_CANCELLED, ["PaymentAuthorized", "PaymentCancelled"]),
    ],
)
async def test_a_payer_who_was_faster_than_calling_it_off(
    house: House, mode: Any, state: Any, types: list[str]
) -> None:
    payment = await waiting(house, capture_mode=mode)
    attempt = await first(house, payment)
    await house.cancel(payment.payment_id)

    await house.report(attempt.attempt_id, pb.CHANNEL_OUTCOME_APPROVED, "ch_1")
    await house.submit()

    after = await house.get(payment.payment_id)
    assert after.state == state
    assert (await house.told_types(payment.payment_id))[2:] == types


async def test_an_order_that_is_closed_calls_off_what_its_payer_has_not_done(house: House) -> None:
    order_id = await house.know_order()
    payment = await waiting(house, order_id=order_id)
    assert (await house.runtime.read(lambda tx: _taken(tx, order_id))) == {order_id: 10_000}

    await house.know_order(order_events.OrderCancelled, order_id=order_id)
    await house.submit()

    after = await house.get(payment.payment_id)
    assert (after.state, after.cancel_reason) == (pb.PAYMENT_STATE_CANCELLED, pb.CANCEL_REASON_ORDER_CLOSED)
    assert (await house.runtime.read(lambda tx: _taken(tx, order_id))) == {}


async def test_an_order_closed_while_its_payment_is_called_off_leaves_nothing_authorized(house: House) -> None:
    order_id = await house.know_order()
    payment = await waiting(house, order_id=order_id, capture_mode=MANUAL)
    attempt = await first(house, payment)
    advance(house, HOUR)
    await expire(house)
    await house.know_order(order_events.OrderCancelled, order_id=order_id)

    await house.report(attempt.attempt_id, pb.CHANNEL_OUTCOME_APPROVED, "ch_1")
    # The channel refuses to call it off, for it is authorized by now; so it is asked to release that.
    fates = iter(["decline", "approve"])
    house.channel.fate = lambda _request: next(fates)
    await house.submit()

    after = await house.get(payment.payment_id)
    assert (after.state, after.cancel_reason) == (pb.PAYMENT_STATE_CANCELLED, pb.CANCEL_REASON_ORDER_CLOSED)
    assert next(fates, None) is None


async def test_nobody_is_asked_to_act_for_an_order_that_was_closed_meanwhile(house: House) -> None:
    order_id = await house.know_order()
    house.channel.fate = lambda _request: "lost_before"
    payment = await house.paid(order_id=order_id)
    await house.know_order(order_events.OrderCancelled, order_id=order_id)
    attempt = await first(house, payment)
    house.channel.fate = acts

    await house.report(attempt.attempt_id, ACTION_REQUIRED, "ch_1", next_action=house.channel.next_action)

    assert not (await house.get(payment.payment_id)).HasField("next_action")
    await house.submit()
    assert (await house.get(payment.payment_id)).state == pb.PAYMENT_STATE_CANCELLED


async def test_a_batch_of_evidence_is_applied_in_order(house: House) -> None:
    house.channel.fate = lambda _request: "lost_before"
    payment = await house.paid()
    attempt = await first(house, payment)
    told = [
        Evidence(
            attempt_id=attempt.attempt_id,
            source=Source.CALLBACK,
            outcome=EvidenceOutcome(outcome),
            channel_reference="ch_1",
            action=action,
        )
        for outcome, action in [
            ("ACTION_REQUIRED", NextAction(kind=NextActionKind.DISPLAY_QR_CODE, code="1")),
            ("ACTION_REQUIRED", NextAction(kind=NextActionKind.DISPLAY_QR_CODE, code="2")),
            ("SUCCEEDED", None),
            ("ACTION_REQUIRED", NextAction(kind=NextActionKind.DISPLAY_QR_CODE, code="3")),
        ]
    ]
    items = [RecordEvidence(evidence=evidence, cause=Cause(payment.correlation_id)) for evidence in told]
    await house.runtime.transaction(lambda tx: commands.evidence.record_evidence(tx, items))

    assert (await house.get(payment.payment_id)).state == pb.PAYMENT_STATE_SUCCEEDED
    assert (await house.told_types(payment.payment_id))[2:] == [
        *("PaymentActionRequired", "PaymentActionRequired", "PaymentSuccess"),
    ]


async def test_nothing_secret_is_logged_or_told(house: House) -> None:
    with capture_logs() as logs:
        payment = await waiting(house, return_url=RETURN_URL)
        attempt = await first(house, payment)
        await house.report(attempt.attempt_id, ACTION_REQUIRED, "ch_1", next_action=house.channel.next_action)
        await house.inquire()
        told = await house.told(payment.payment_id)
    for text in (str(logs), str(told)):
        assert SECRET not in text
        assert "basket=7" not in text


async def test_a_payment_that_waits_for_its_payer_is_not_overdue(house: House) -> None:
    await waiting(house)
    sql = "UPDATE attempt SET start_time = clock_timestamp() - interval '1 day'"
    await house.runtime.transaction(lambda tx: tx.run(sql))
    assert not (await house.call.ListOverdueAttempts(pb.ListOverdueAttemptsRequest(), None)).attempts


async def test_a_waiting_call_ends_with_its_time(house: House) -> None:
    request = pb.GetPaymentRequest(
        payment_id=(await waiting(house)).payment_id, wait_for=Duration(nanos=50_000_000), wait_past_action=True
    )
    assert (await house.call.GetPayment(request, None)).payment.state == pb.PAYMENT_STATE_REQUIRES_ACTION


async def _taken(tx: Any, order_id: str) -> dict[str, int]:
    return await store.payments.taken_minor(tx, [order_id])


async def test_where_payers_came_back_to_is_erased_of_payments_that_had_ended_before_that_was_done(
    house: House, admin_url: str
) -> None:
    ended, open_ = await house.paid(), await waiting(house)
    connection = await asyncpg.connect(admin_url, server_settings={"search_path": "payment"})
    # As builds before left them.
    await connection.execute("UPDATE payment SET return_url = $1 WHERE payment_id = $2", RETURN_URL, ended.payment_id)
    begin_time = house.runtime.clock.now() + HOUR
    await connection.execute("DELETE FROM return_erasure")
    await connection.execute("INSERT INTO return_erasure VALUES (1, $1, '', false)", begin_time)

    # Until then builds may run that would leave more.
    assert not await returns.erase_returns(house.runtime)
    assert await place_of_return(house, ended.payment_id) == RETURN_URL
    before = await house.get(ended.payment_id)
    advance(house, HOUR)
    while await returns.erase_returns(house.runtime):
        pass

    assert await place_of_return(house, ended.payment_id) is None
    assert await place_of_return(house, open_.payment_id) == RETURN_URL
    assert await house.get(ended.payment_id) == before
    walk = await connection.fetchrow("SELECT walked_to, done FROM return_erasure")
    assert tuple(walk) == (max(ended.payment_id, open_.payment_id), True)
    # It is done for good: what is open is erased at its end.
    await connection.execute("UPDATE payment SET return_url = $1 WHERE payment_id = $2", RETURN_URL, ended.payment_id)
    assert not await returns.erase_returns(house.runtime)
    assert await place_of_return(house, ended.payment_id) == RETURN_URL
    await connection.close()


async def test_the_walk_through_ended_payments_goes_on_where_it_was(house: House, admin_url: str) -> None:
    first, second = sorted([(await house.paid()).payment_id, (await house.paid()).payment_id])
    connection = await asyncpg.connect(admin_url, server_settings={"search_path": "payment"})
    await connection.execute("UPDATE payment SET return_url = $1", RETURN_URL)
    await connection.execute("DELETE FROM return_erasure")
    now = house.runtime.clock.now()
    await connection.execute("INSERT INTO return_erasure VALUES (1, $1, $2, false)", now, first)
    await connection.close()

    while await returns.erase_returns(house.runtime):
        pass

    assert [await place_of_return(house, each) for each in (first, second)] == [RETURN_URL, None]
