"""Payouts on their way to the bank and back: every kind of answer, and none."""

import asyncio
from typing import Any

import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from paykit.channels import calls as channel_calls
from paykit.channels.attempts import OUTCOME_WITHIN_S, AttemptNotFound, ChannelAmountMismatch
from paykit.errors import IllegalTransition
from paystream.channel.v1 import channel_pb2 as channel_pb
from paystream.common.v1.money_pb2 import Money
from paystream.withdrawal.v1 import withdrawal_pb2 as pb
from paystream.withdrawal.v1.events import AttemptOverdue
from services.withdrawal import commands, jobs
from services.withdrawal.commands import late_word
from services.withdrawal.service import SERVICE
from tests.conftest import RuntimeOf
from tests.integration import aging
from tests.integration.withdrawal.conftest import ANY, Treasury, by_amount

COMPLETED, FAILED, RETURNED = pb.BANK_OUTCOME_COMPLETED, pb.BANK_OUTCOME_FAILED, pb.BANK_OUTCOME_RETURNED
AMOUNT = 6_000


@pytest.fixture(autouse=True)
async def settled(treasury: Treasury) -> None:
    await treasury.settle(100_000)


def left_of(taken_minor: int) -> int:
    return 100_000 - taken_minor


async def test_a_payout_that_the_bank_refuses_fails_and_is_given_back(treasury: Treasury) -> None:
    treasury.bank.fate = by_amount({AMOUNT: "decline"})

    failed = await treasury.paid(AMOUNT)

    assert (failed.state, failed.failure_reason) == (pb.WITHDRAWAL_STATE_FAILED, "BANK_REJECTED")
    assert (failed.failure_code, failed.channel_reference) == ("insufficient_funds", "ch_1")
    assert await treasury.told_types(failed.withdrawal_id) == ["Created", "Approved", "Submitted", "Failed"]
    event = (await treasury.told(failed.withdrawal_id))[3]
    assert (event.funds_held, event.reason, event.failure_code) == (True, "BANK_REJECTED", "insufficient_funds")
    assert await treasury.withdrawable() == left_of(0)


async def test_an_answer_lost_after_the_payout_is_found_by_inquiry(treasury: Treasury) -> None:
    treasury.bank.fate = by_amount({AMOUNT: "lost_after"})

    unknown = await treasury.paid(AMOUNT)
    assert await treasury.withdrawable() == left_of(AMOUNT)
    await treasury.inquire()

    assert unknown.state == pb.WITHDRAWAL_STATE_UNKNOWN
    assert await treasury.state(unknown.withdrawal_id) == "COMPLETED"
    assert await treasury.told_types(unknown.withdrawal_id) == [
        "Created",
        "Approved",
        "Submitted",
        "Unknown",
        "Completed",
    ]
    assert list(treasury.bank.sent.values()) == [1]


async def test_a_payout_that_never_arrived_fails_only_after_the_finality(treasury: Treasury) -> None:
    treasury.bank.fate = by_amount({AMOUNT: "lost_before"})
    unknown = await treasury.paid(AMOUNT)

    await treasury.inquire(after_s=60)  # The bank declares 60 s, and an attempt may be sent 2 s late.
    assert await treasury.state(unknown.withdrawal_id) == "UNKNOWN"
    await treasury.inquire(after_s=10)

    failed = await treasury.get(unknown.withdrawal_id)
    assert (failed.state, failed.failure_reason) == (pb.WITHDRAWAL_STATE_FAILED, "NOT_RECEIVED")
    assert await treasury.withdrawable() == left_of(0)
    assert list(treasury.bank.sent.values()) == [1]


async def test_a_bank_that_has_not_decided_is_asked_again(treasury: Treasury) -> None:
    treasury.bank.fate = by_amount({AMOUNT: "pending"})
    unknown = await treasury.paid(AMOUNT)
    attempt = await treasury.attempt(unknown.withdrawal_id)

    await treasury.inquire()
    assert await treasury.state(unknown.withdrawal_id) == "UNKNOWN"
    treasury.bank.decide(attempt.attempt_id, channel_pb.OUTCOME_DECLINED, "account_closed")
    await treasury.inquire()

    failed = await treasury.get(unknown.withdrawal_id)
    assert (failed.state, failed.failure_code) == (pb.WITHDRAWAL_STATE_FAILED, "account_closed")
    assert (await treasury.attempt(unknown.withdrawal_id)).inquiry_count == 2


async def test_payouts_wait_while_the_bank_cannot_be_reached(treasury: Treasury) -> None:
    there = treasury.runtime.settings
    treasury.runtime.settings = there.model_copy(update={"channel_address": "unix:/nowhere/bank.sock"})

    waiting = await treasury.paid(AMOUNT)
    treasury.runtime.settings = there
    await treasury.submit()

    assert waiting.state == pb.WITHDRAWAL_STATE_APPROVED
    assert await treasury.state(waiting.withdrawal_id) == "COMPLETED"


async def test_one_that_breaks_a_rule_of_the_bank_fails_alone(treasury: Treasury) -> None:
    treasury.bank.fate = by_amount({13: "invalid"})
    made = [await treasury.held(amount) for amount in (12, 13, 14)]

    await treasury.submit()

    assert [await treasury.state(each.withdrawal_id) for each in made] == ["COMPLETED", "FAILED", "COMPLETED"]
    failed = await treasury.get(made[1].withdrawal_id)
    assert (failed.failure_reason, failed.failure_code) == ("BANK_REJECTED", "invalid_argument")


async def test_two_processes_never_pay_twice(treasury: Treasury, runtime_of: RuntimeOf) -> None:
    other = await runtime_of(SERVICE)
    other.settings = treasury.runtime.settings
    made = [await treasury.held(amount) for amount in range(100, 130)]

    await asyncio.gather(
        *(jobs.submit_withdrawals(runtime) for runtime in (treasury.runtime, other, treasury.runtime, other))
    )

    assert sorted(treasury.bank.sent.values()) == [1] * 30
    assert {await treasury.state(each.withdrawal_id) for each in made} == {"COMPLETED"}


async def test_a_payout_whose_process_died_is_inquired_about_and_never_sent_again(treasury: Treasury) -> None:
    made = await treasury.held(AMOUNT)
    await treasury.runtime.transaction(
        lambda tx: commands.submission.submit_withdrawals(
            tx, channel=commands.CHANNEL, limit=10, lease_s=channel_calls.SEND_LEASE_S
        )
    )

    await treasury.submit()
    await treasury.inquire()
    await treasury.inquire()

    assert await treasury.told_types(made.withdrawal_id) == ["Created", "Approved", "Submitted", "Failed"]
    assert treasury.bank.sent == {}


async def test_a_callback_ends_what_is_unknown_and_duplicates_do_no_harm(treasury: Treasury) -> None:
    treasury.bank.fate = by_amount({AMOUNT: "lost_after"})
    unknown = await treasury.paid(AMOUNT)

    for _ in range(3):
        told = await treasury.report(unknown.withdrawal_id, COMPLETED)
        assert (told.state, told.contradicted) == (pb.ATTEMPT_STATE_SUCCEEDED, False)
    await treasury.inquire()

    assert await treasury.told_types(unknown.withdrawal_id) == [
        "Created",
        "Approved",
        "Submitted",
        "Unknown",
        "Completed",
    ]
    completed = (await treasury.told(unknown.withdrawal_id))[4]
    assert (completed.channel_reference, completed.actor) == ("ch_1", "shop")
    assert await treasury.count("evidence") == 1


async def test_callbacks_at_the_same_time_complete_once(treasury: Treasury) -> None:
    treasury.bank.fate = by_amount({AMOUNT: "pending"})
    unknown = await treasury.paid(AMOUNT)

    await asyncio.gather(*(treasury.report(unknown.withdrawal_id, COMPLETED) for _ in range(20)), treasury.inquire())

    assert await treasury.told_types(unknown.withdrawal_id) == [
        "Created",
        "Approved",
        "Submitted",
        "Unknown",
        "Completed",
    ]


async def test_a_completed_payout_can_be_returned_later_once(treasury: Treasury) -> None:
    paid = await treasury.paid(AMOUNT)

    for _ in range(2):
        await treasury.report(paid.withdrawal_id, RETURNED, code="account_closed")
    await treasury.report(paid.withdrawal_id, COMPLETED)

    returned = await treasury.get(paid.withdrawal_id)
    assert (returned.state, returned.return_code) == (pb.WITHDRAWAL_STATE_RETURNED, "account_closed")
    assert (returned.channel_reference, returned.contradicted) == ("ch_1", False)
    types = await treasury.told_types(paid.withdrawal_id)
    assert types == ["Created", "Approved", "Submitted", "Completed", "Returned"]
    event = (await treasury.told(paid.withdrawal_id))[4]
    assert (event.return_code, event.channel, event.channel_reference) == ("account_closed", "simulator", "ch_1")
    assert await treasury.withdrawable() == left_of(0)
    assert (await treasury.balance()).daily_left_minor == 100_000_000 - AMOUNT  # It did go out today.


async def test_a_return_of_what_is_unknown_tells_that_it_was_completed(treasury: Treasury) -> None:
    treasury.bank.fate = by_amount({AMOUNT: "lost_after"})
    unknown = await treasury.paid(AMOUNT)

    await treasury.report(unknown.withdrawal_id, RETURNED)

    types = await treasury.told_types(unknown.withdrawal_id)
    assert types == ["Created", "Approved", "Submitted", "Unknown", "Completed", "Returned"]
    assert (await treasury.attempt(unknown.withdrawal_id)).state == pb.ATTEMPT_STATE_SUCCEEDED
    assert await treasury.withdrawable() == left_of(0)


async def test_reports_that_cannot_be_about_the_payout_are_answered_so_and_kept(treasury: Treasury) -> None:
    made = await treasury.held(AMOUNT)
    unknown = pb.ReportBankResultRequest(attempt_id="att_" + "f" * 32, outcome=COMPLETED, channel_reference="ch")

    for _ in range(2):
        with pytest.raises(IllegalTransition) as never_sent:
            await treasury.report(made.withdrawal_id, COMPLETED)
        with pytest.raises(AttemptNotFound):
            await treasury.call.ReportBankResult(unknown, ANY)
    await treasury.submit()
    with pytest.raises(ChannelAmountMismatch):
        await treasury.report(made.withdrawal_id, FAILED, amount=Money(amount_minor=1, currency_code="JPY"))

    assert never_sent.value.metadata == {"state": "PENDING", "action": "REPORT"}
    assert (await treasury.get(made.withdrawal_id)).contradicted is False
    sql = "SELECT refusal, outcome, channel_reference, amount_minor FROM unmatched_evidence ORDER BY refusal"
    kept = [tuple(row) for row in await treasury.runtime.read(lambda tx: tx.fetch(sql))]
    assert kept == [
        ("ATTEMPT_NOT_FOUND", "SUCCEEDED", "ch", 0),
        ("CHANNEL_AMOUNT_MISMATCH", "FAILED", "ch_1", 1),
        ("ILLEGAL_TRANSITION", "SUCCEEDED", "ch_1", 0),
    ]
    listed = (await treasury.call.ListUnmatchedEvidence(pb.ListUnmatchedEvidenceRequest(page_size=2), ANY)).evidence
    assert (listed[0].refusal, listed[0].outcome, listed[0].amount.amount_minor) == (
        "CHANNEL_AMOUNT_MISMATCH",
        FAILED,
        1,
    )
    of_one = pb.ListUnmatchedEvidenceRequest(attempt_id="att_" + "f" * 32, channel_reference="ch")
    assert [each.refusal for each in (await treasury.call.ListUnmatchedEvidence(of_one, ANY)).evidence] == [
        "ATTEMPT_NOT_FOUND"
    ]
    in_yen = pb.ListUnmatchedEvidenceRequest(currency_code="JPY", amount_minor_min=1, order_by="create_time")
    assert [each.refusal for each in (await treasury.call.ListUnmatchedEvidence(in_yen, ANY)).evidence] == [
        "CHANNEL_AMOUNT_MISMATCH"
    ]
    [told] = await treasury.told("att_" + "f" * 32)
    assert (told.attempt_id, told.reported_outcome, told.amount_minor) == ("att_" + "f" * 32, "SUCCEEDED", None)


async def test_what_came_back_can_be_withdrawn_again_while_others_wait(treasury: Treasury) -> None:
    treasury.bank.fate = by_amount({60_000: "decline"})
    first = await treasury.held(60_000)
    await treasury.held(40_000)

    await treasury.submit()
    again: Any = await treasury.create(60_000)

    assert await treasury.state(first.withdrawal_id) == "FAILED"
    assert again.state == pb.WITHDRAWAL_STATE_CREATED
    assert await treasury.withdrawable() == 0


async def test_an_outcome_that_no_inquiry_brings_is_reported(treasury: Treasury) -> None:
    treasury.bank.fate = by_amount({AMOUNT: "pending"})
    await treasury.paid(AMOUNT)
    await treasury.runtime.transaction(lambda tx: tx.run("UPDATE attempt SET start_time = now() - interval '1000 s'"))

    with capture_logs() as logs:
        assert await jobs.report_overdue(treasury.runtime) is False

    [line] = [entry for entry in logs if entry["event"] == "attempts_overdue"]
    assert (line["log_level"], line["attempts"], line["channels"]) == ("warning", 1, ["simulator"])
    shown = REGISTRY.get_sample_value("paystream_attempts_overdue", {"service": "withdrawal", "channel": "simulator"})
    assert shown == 1


async def test_a_payout_without_an_outcome_for_long_is_told_once(treasury: Treasury) -> None:
    treasury.bank.fate = by_amount({AMOUNT: "pending"})
    made = await treasury.paid(AMOUNT)
    attempt = await treasury.attempt(made.withdrawal_id)
    await aging.age_attempts(treasury.runtime, by_s=OUTCOME_WITHIN_S - 60)
    await jobs.tell_overdue(treasury.runtime)
    early = await treasury.told_types(made.withdrawal_id)
    await aging.age_attempts(treasury.runtime, by_s=120)
    await asyncio.gather(*(jobs.tell_overdue(treasury.runtime) for _ in range(3)))
    await jobs.tell_overdue(treasury.runtime)

    *before, told = await treasury.told(made.withdrawal_id)
    assert "AttemptOverdue" not in early
    assert len(before) == len(early)
    assert isinstance(told, AttemptOverdue)
    assert (told.attempt_id, told.amount_minor, told.channel) == (attempt.attempt_id, AMOUNT, "simulator")
    assert told.causation_id == attempt.attempt_id
    assert (told.submitted_at, told.bank_account_last_four) == (treasury.runtime.clock.now(), "4321")
    await treasury.report(made.withdrawal_id, pb.BANK_OUTCOME_COMPLETED)
    assert (await treasury.told_types(made.withdrawal_id))[-2:] == ["AttemptOverdue", "Completed"]


async def test_a_payout_that_has_ended_is_not_overdue(treasury: Treasury) -> None:
    made = await treasury.paid(AMOUNT)
    await aging.age_attempts(treasury.runtime, by_s=OUTCOME_WITHIN_S + 60)
    await jobs.tell_overdue(treasury.runtime)

    assert "AttemptOverdue" not in await treasury.told_types(made.withdrawal_id)


def contradictions() -> float:
    [metric] = late_word.CONTRADICTIONS.collect()
    return next(sample.value for sample in metric.samples if sample.name.endswith("_total"))
