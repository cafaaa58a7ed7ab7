"""Charges on their way to a channel and back: every kind of answer, and none."""

import asyncio
import itertools
import time
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest

from paykit.base.call import current_call
from paykit.channels import calls as channel_calls
from paykit.channels import registry
from paykit.channels.attempts import AttemptNotFound, ChannelAmountMismatch, RecordEvidence
from paykit.errors import FieldInvalid, IllegalTransition
from paystream.channel.v1 import channel_pb2 as channel_pb
from paystream.common.v1.money_pb2 import Money
from paystream.payment.v1 import payment_pb2 as pb
from services.payment import commands, messages, store
from services.payment.jobs import attempts as jobs
from services.payment.jobs import channels
from services.payment.store import ClaimedPaymentAttempt
from tests.integration.payment.conftest import House


async def claim(house: House) -> list[ClaimedPaymentAttempt]:
    return await house.runtime.transaction(
        lambda tx: store.attempts.claim_pending(tx, channel="simulator", limit=10, lease_s=30)
    )


def by_amount(fates: dict[int, str]) -> Any:
    return lambda request: fates.get(request.amount.amount_minor, "approve")


async def test_an_approved_charge_is_captured_with_its_fee(house: House) -> None:
    paid = await house.paid(amount=Money(amount_minor=1_234, currency_code="USD"))

    assert paid.state == pb.PAYMENT_STATE_SUCCEEDED
    assert (paid.captured_minor, paid.fee_minor, paid.fee_plan_version) == (1_234, 66, 1)
    assert (paid.channel, paid.channel_reference, paid.etag) == ("simulator", "ch_1", "v2")
    created, success = await house.told(paid.payment_id)
    assert (success.capture_id, success.amount_minor, success.fee_minor) == (paid.capture_id, 1_234, 66)
    assert (success.fee_plan_version, success.channel_reference, success.method) == (1, "ch_1", "CARD")
    [attempt] = await house.attempts(paid.payment_id)
    assert (success.causation_id, success.actor) == (attempt.attempt_id, None)
    assert created.correlation_id == success.correlation_id == paid.correlation_id
    assert await house.count("evidence") == 0


@pytest.mark.parametrize(
    ("currency_code", "amount_minor", "fee_minor"),
    [("JPY", 1_000, 36), ("BHD", 1_234, 115)],
)
async def test_each_currency_has_its_own_fee(
    house: House, currency_code: str, amount_minor: int, fee_minor: int
) -> None:
    paid = await house.paid(amount=Money(amount_minor=amount_minor, currency_code=currency_code))

    assert (paid.captured_minor, paid.fee_minor) == (amount_minor, fee_minor)


async def test_a_declined_charge_fails_with_its_reason(house: House) -> None:
    house.channel.fate = by_amount({10_000: "decline"})

    failed = await house.paid()

    assert failed.state == pb.PAYMENT_STATE_FAILED
    assert (failed.failure_reason, failed.failure_code) == ("INSUFFICIENT_FUNDS", "insufficient_funds")
    assert (failed.captured_minor, failed.fee_minor, failed.capture_id) == (0, 0, "")
    event = (await house.told(failed.payment_id))[1]
    assert (event.reason, event.failure_code, event.channel_reference) == (
        "INSUFFICIENT_FUNDS",
        "insufficient_funds",
        "ch_1",
    )


async def test_an_answer_lost_after_success_is_found_by_inquiry(house: House) -> None:
    house.channel.fate = by_amount({10_000: "lost_after"})

    unknown = await house.paid()
    await house.inquire()

    assert unknown.state == pb.PAYMENT_STATE_UNKNOWN
    assert (await house.get(unknown.payment_id)).state == pb.PAYMENT_STATE_SUCCEEDED
    assert await house.told_types(unknown.payment_id) == ["PaymentCreated", "PaymentUnknown", "PaymentSuccess"]
    lost = (await house.told(unknown.payment_id))[1]
    assert (lost.evidence, lost.previous_state) == ("NO_ANSWER", "CREATED")
    assert list(house.channel.sent.values()) == [1]


async def test_not_found_proves_failure_only_after_the_finality(house: House) -> None:
    house.channel.fate = by_amount({10_000: "lost_before"})
    unknown = await house.paid()

    await house.inquire(after_s=50)  # The channel declares 60 s, and an attempt may be sent 2 s late.
    assert (await house.get(unknown.payment_id)).state == pb.PAYMENT_STATE_UNKNOWN
    await house.inquire(after_s=7)
    assert (await house.get(unknown.payment_id)).state == pb.PAYMENT_STATE_UNKNOWN
    await house.inquire(after_s=7)

    failed = await house.get(unknown.payment_id)
    assert (failed.state, failed.failure_reason, failed.failure_code) == (pb.PAYMENT_STATE_FAILED, "NOT_RECEIVED", "")
    assert await house.told_types(unknown.payment_id) == ["PaymentCreated", "PaymentUnknown", "PaymentFailed"]
    [attempt] = await house.attempts(unknown.payment_id)
    assert attempt.inquiry_count == 3
    assert list(house.channel.sent.values()) == [1]


async def test_a_channel_that_has_not_decided_is_asked_again(house: House) -> None:
    house.channel.fate = by_amount({10_000: "pending"})
    unknown = await house.paid()
    [attempt] = await house.attempts(unknown.payment_id)

    await house.inquire()
    house.channel.decide(attempt.attempt_id, channel_pb.OUTCOME_DECLINED, "do_not_honor")
    await house.inquire()

    failed = await house.get(unknown.payment_id)
    assert (failed.state, failed.failure_reason) == (pb.PAYMENT_STATE_FAILED, "DECLINED")
    types = await house.told_types(unknown.payment_id)
    assert types == ["PaymentCreated", "PaymentUnknown", "PaymentFailed"]
    assert (await house.told(unknown.payment_id))[1].evidence == "RESPONSE"
    assert await house.count("evidence") == 1


async def test_inquiries_wait_longer_each_time(house: House) -> None:
    house.channel.fate = by_amount({10_000: "pending"})
    await house.paid()
    sql = "SELECT extract(epoch FROM due_time - now())::float8 FROM attempt"
    pauses = []
    for _ in range(4):
        await house.inquire()
        pauses.append((await house.runtime.read(lambda tx: tx.fetch(sql)))[0][0])

    assert [round(pause) for pause in pauses] == [2, 4, 8, 16]


async def test_a_call_that_breaks_is_never_repeated(house: House) -> None:
    house.channel.fate = by_amount({10_000: "broken"})

    first, second = await house.paid(), await house.create()
    await house.submit()
    house.channel.fate = by_amount({})
    await house.submit()
    await house.inquire()

    for payment_id in (first.payment_id, second.payment_id):
        assert (await house.get(payment_id)).state == pb.PAYMENT_STATE_FAILED  # Never arrived, and long ago.
    assert list(house.channel.sent.values()) == [1, 1]


async def test_a_claimed_attempt_whose_process_died_is_inquired_about_and_not_sent(house: House) -> None:
    created = await house.create()
    claimed = await claim(house)

    await house.submit()
    await house.inquire(after_s=29)
    assert (await house.get(created.payment_id)).state == pb.PAYMENT_STATE_CREATED
    await house.inquire(after_s=1.1)

    assert len(claimed) == 1
    assert (await house.get(created.payment_id)).state == pb.PAYMENT_STATE_UNKNOWN
    assert house.channel.sent == {}
    await house.inquire()
    assert (await house.get(created.payment_id)).failure_reason == "NOT_RECEIVED"


async def test_jobs_share_the_queue_in_batches(house: House) -> None:
    for size in (1_000, 200):
        await house.create_batch(*[house.request() for _ in range(size)])

    await asyncio.gather(*(jobs.submit_attempts(house.runtime) for _ in commands.SUBMISSION_JOBS))

    assert sum(house.channel.sent.values()) == len(house.channel.sent) == 1_200
    assert max(house.channel.batches) <= 500
    assert await house.count("payment WHERE state = 'SUCCEEDED'") == 1_200


async def test_an_attempt_claimed_too_long_ago_is_not_sent(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channel_calls, "SEND_WITHIN_S", 600.0)  # A busy machine may take the 2 s for this test itself.
    created = await house.create()
    claimed = await claim(house)
    requests = [channels.to_request(each, callback_address="") for each in claimed]
    [route] = house.runtime.settings.payment_channels

    async with registry.connect(route) as channel:
        assert channel is not None
        assert await channel_calls.send_in_time(channel, requests, time.monotonic() - 600.1) == []
        assert house.channel.sent == {}
        assert len(await channel_calls.send_in_time(channel, requests, time.monotonic() - 1.0)) == 1

    [attempt] = await house.attempts(created.payment_id)
    assert (attempt.state, house.channel.sent[attempt.attempt_id]) == (pb.ATTEMPT_STATE_STARTED, 1)


@pytest.mark.parametrize(("still", "sent"), [(1, 1), (5, 1), (6, 0)])
async def test_what_a_process_that_stood_still_holds_is_sent_under_a_lease_begun_anew(
    house: House, monkeypatch: pytest.MonkeyPatch, still: int, sent: int
) -> None:
    """Each look at the clock after the first `still` pauses of 3 s finds none."""
    created = await house.create()
    moments = itertools.chain((3.0 * (n // 2 + n % 2) for n in range(2 * still)), itertools.repeat(3.0 * still))
    monkeypatch.setattr(channel_calls, "time", SimpleNamespace(monotonic=lambda: next(moments)))

    await house.submit()

    assert sum(house.channel.sent.values()) == sent
    [attempt] = await house.attempts(created.payment_id)
    assert attempt.state == (pb.ATTEMPT_STATE_SUCCEEDED if sent else pb.ATTEMPT_STATE_STARTED)


async def test_a_lease_is_begun_anew_only_while_nobody_else_took_the_attempt(house: House) -> None:
    created = await house.create()
    claimed = await claim(house)
    renew = partial(store.attempts.renew, lease_s=30)
    [again] = await house.runtime.transaction(partial(renew, claimed=claimed))
    assert again.attempt.lease_end != claimed[0].attempt.lease_end
    assert await house.runtime.transaction(partial(renew, claimed=claimed)) == []

    await house.inquire(after_s=31)

    assert await house.runtime.transaction(partial(renew, claimed=[again])) == []
    assert (await house.get(created.payment_id)).state == pb.PAYMENT_STATE_UNKNOWN


async def test_one_bad_item_fails_alone(house: House) -> None:
    house.channel.fate = by_amount({13: "invalid", 99: "decline"})
    amounts = [13 if n == 7 else 99 if n == 3 else 500 + n for n in range(20)]
    results = await house.create_batch(
        *[house.request(amount=Money(amount_minor=amount, currency_code="USD")) for amount in amounts]
    )

    await house.submit()

    payments = [await house.get(result.payment.payment_id) for result in results]
    states = [pb.PaymentState.Name(payment.state).removeprefix("PAYMENT_STATE_") for payment in payments]
    assert [n for n, state in enumerate(states) if state != "SUCCEEDED"] == [3, 7]
    assert (payments[7].failure_reason, payments[7].failure_code) == ("CHANNEL_REJECTED", "invalid_argument")


async def test_payments_wait_while_the_channel_cannot_be_reached(house: House) -> None:
    there = house.runtime.settings
    away = house.runtime.settings = there.model_copy(update={"channel_address": "unix:/nowhere/channel.sock"})

    created = await house.paid()
    house.runtime.settings = away.model_copy(update={"channel_address": None})
    await house.submit()

    assert created.state == pb.PAYMENT_STATE_CREATED
    house.runtime.settings = there
    await house.submit()
    assert (await house.get(created.payment_id)).state == pb.PAYMENT_STATE_SUCCEEDED


async def test_a_callback_ends_what_is_unknown_and_duplicates_do_no_harm(house: House) -> None:
    house.channel.fate = by_amount({10_000: "lost_after"})
    unknown = await house.paid()
    [attempt] = await house.attempts(unknown.payment_id)

    for _ in range(3):
        told = await house.report(attempt.attempt_id, pb.CHANNEL_OUTCOME_APPROVED, "ch_1")
        assert told.state == pb.ATTEMPT_STATE_SUCCEEDED
    await house.inquire()

    assert await house.told_types(unknown.payment_id) == ["PaymentCreated", "PaymentUnknown", "PaymentSuccess"]
    assert await house.count("evidence") == 1
    success = (await house.told(unknown.payment_id))[2]
    assert (success.actor, success.correlation_id) == ("shop", unknown.correlation_id)


async def test_callbacks_at_the_same_time_capture_once(house: House) -> None:
    house.channel.fate = by_amount({10_000: "pending"})
    unknown = await house.paid()
    [attempt] = await house.attempts(unknown.payment_id)

    await asyncio.gather(
        *(house.report(attempt.attempt_id, pb.CHANNEL_OUTCOME_APPROVED, "ch_1") for _ in range(20)),
        house.inquire(),
    )

    assert await house.told_types(unknown.payment_id) == ["PaymentCreated", "PaymentUnknown", "PaymentSuccess"]
    assert (await house.get(unknown.payment_id)).captured_minor == 10_000


async def test_a_late_callback_that_agrees_changes_nothing(house: House) -> None:
    paid = await house.paid()
    [attempt] = await house.attempts(paid.payment_id)

    again = await house.report(attempt.attempt_id, pb.CHANNEL_OUTCOME_APPROVED, "ch_1", amount=paid.amount)

    assert (again.state, again.contradicted) == (pb.ATTEMPT_STATE_SUCCEEDED, False)
    assert await house.get(paid.payment_id) == paid


async def test_success_after_failure_is_kept_told_and_given_back(house: House) -> None:
    house.channel.fate = by_amount({10_000: "decline"})
    failed = await house.paid()
    [attempt] = await house.attempts(failed.payment_id)

    house.channel.fate = by_amount({})
    for _ in range(2):
        told = await house.report(attempt.attempt_id, pb.CHANNEL_OUTCOME_APPROVED, "ch_surprise")
    await house.submit()

    assert (told.state, told.contradicted) == (pb.ATTEMPT_STATE_SUCCEEDED, True)
    after = await house.get(failed.payment_id)
    assert (after.state, after.captured_minor, after.refunded_minor) == (pb.PAYMENT_STATE_FAILED, 0, 0)
    types = await house.told_types(failed.payment_id)
    assert types == [
        *("PaymentCreated", "PaymentFailed", "LateCaptureReceived", "RefundCreated", "PaymentContradicted"),
        *("RefundSuccess", "PaymentContradictionResolved"),
    ]
    _, created, contradicted, success, _ = (await house.told(failed.payment_id))[2:]
    assert (contradicted.previous_state, contradicted.reported_outcome) == ("FAILED", "SUCCEEDED")
    assert (contradicted.evidence, contradicted.channel_reference) == ("CALLBACK", "ch_surprise")
    assert (created.reason, created.capture_id, created.amount_minor) == ("CONTRADICTION", None, 10_000)
    assert (success.refund_id, success.fee_returned_minor) == (created.refund_id, 0)
    back = (await house.attempts(failed.payment_id))[1]
    sql = "SELECT original_reference FROM attempt WHERE attempt_id = $1"
    rows = await house.runtime.read(lambda tx: tx.fetch(sql, back.attempt_id))
    assert rows[0]["original_reference"] == "ch_surprise"
    assert await house.count("evidence WHERE verdict = 'CONTRADICT'") == 1


async def test_failure_after_success_is_kept_and_told(house: House) -> None:
    paid = await house.paid()
    [attempt] = await house.attempts(paid.payment_id)

    for _ in range(2):
        await house.report(attempt.attempt_id, pb.CHANNEL_OUTCOME_DECLINED, "ch_1", decline_code="do_not_honor")

    after = await house.get(paid.payment_id)
    assert (after.state, after.captured_minor) == (pb.PAYMENT_STATE_SUCCEEDED, 10_000)
    assert await house.told_types(paid.payment_id) == [
        *("PaymentCreated", "PaymentSuccess", "PaymentReversed"),
        "PaymentContradicted",
    ]
    assert await house.count("refund") == 0
    assert await house.count("evidence WHERE verdict = 'CONTRADICT'") == 1


async def test_a_report_on_what_was_never_sent_is_refused(house: House) -> None:
    created = await house.create()
    [attempt] = await house.attempts(created.payment_id)

    with pytest.raises(IllegalTransition) as refused:
        await house.report(attempt.attempt_id, pb.CHANNEL_OUTCOME_APPROVED)
    with pytest.raises(AttemptNotFound):
        await house.report("att_" + "f" * 32, pb.CHANNEL_OUTCOME_APPROVED)

    assert refused.value.metadata == {"state": "PENDING", "action": "REPORT"}


async def test_a_report_in_another_currency_is_refused(house: House) -> None:
    house.channel.fate = by_amount({10_000: "lost_after"})
    unknown = await house.paid()
    [attempt] = await house.attempts(unknown.payment_id)

    with pytest.raises(ChannelAmountMismatch):
        await house.report(
            attempt.attempt_id, pb.CHANNEL_OUTCOME_APPROVED, amount=Money(amount_minor=10_000, currency_code="JPY")
        )

    assert (await house.get(unknown.payment_id)).state == pb.PAYMENT_STATE_UNKNOWN


async def test_evidence_of_one_attempt_in_one_batch_is_applied_in_order(house: House) -> None:
    house.channel.fate = by_amount({10_000: "lost_after"})
    unknown = await house.paid()
    [attempt] = await house.attempts(unknown.payment_id)
    told = [
        (pb.CHANNEL_OUTCOME_DECLINED, "ch_1"),
        (pb.CHANNEL_OUTCOME_APPROVED, "ch_1"),
        (pb.CHANNEL_OUTCOME_APPROVED, "ch_1"),
        (pb.CHANNEL_OUTCOME_DECLINED, "ch_1"),
    ]

    await apply_together(house, attempt.attempt_id, told)

    types = await house.told_types(unknown.payment_id)
    assert types == [
        *("PaymentCreated", "PaymentUnknown", "PaymentFailed"),
        *("LateCaptureReceived", "RefundCreated", "PaymentContradicted"),
    ]


async def apply_together(house: House, attempt_id: str, told: list[tuple[Any, str]]) -> None:
    items = [
        RecordEvidence(
            evidence=messages.attempt.from_report(
                pb.ReportChannelResultRequest(attempt_id=attempt_id, outcome=outcome, channel_reference=reference)
            ),
            cause=current_call().cause,
        )
        for outcome, reference in told
    ]
    await house.runtime.transaction(lambda tx: commands.evidence.record_evidence(tx, items))


async def test_a_page_size_below_zero_is_refused(house: House) -> None:
    with pytest.raises(FieldInvalid):
        await house.call.ListPayments(pb.ListPaymentsRequest(merchant_id=house.merchant_id, page_size=-1), None)
