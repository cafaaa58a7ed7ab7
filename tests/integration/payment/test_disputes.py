"""Disputes: what channels report, what merchants answer, who gets what is left, and what the channel is told."""

import asyncio
import hashlib
import uuid
from datetime import UTC, timedelta
from typing import Any

import asyncpg
import grpc
import pytest

from paykit.channels.attempts import AttemptNotFound, ChannelAmountMismatch
from paykit.clock import ManualClock
from paykit.errors import DomainError, FieldInvalid, IllegalTransition, PageTokenInvalid, RequestIdReused
from paykit.postgres.database import Tx
from paykit.serve.timestamps import to_timestamp
from paykit.testing.outbox_events import outbox_events
from paystream.channel.v1 import channel_pb2 as channel_pb
from paystream.common.v1.money_pb2 import Money
from paystream.payment.v1 import payment_pb2 as pb
from services.payment.domain.dispute import DisputeNotFound
from services.payment.domain.disputing.dispute_answer import (
    DisputeFileNotFound,
    DisputeFilesExceeded,
    DisputeResponseLate,
)
from services.payment.domain.refund import RefundExceedsRefundable
from services.payment.jobs import disputes as dispute_jobs
from tests.integration.payment.conftest import ANY, House
from tests.integration.payment.contradicting import RESOLUTION, approve, only_contradiction, propose
from tests.integration.payment.disputing import (
    DUE,
    LOST,
    OPENED,
    WON,
    DisputingChannel,
    accept,
    channel,
    charge,
    contest,
    disputed,
    get,
    report,
    usd,
)

__all__ = ["channel"]


async def tell(house: House) -> list[channel_pb.RespondToDisputeRequest]:
    """Tell the channel what is due, as the job does; give all it was ever told."""
    await house.runtime.transaction(lambda tx: tx.run("UPDATE dispute SET due_time = now() WHERE due_time IS NOT NULL"))
    while await dispute_jobs.respond_to_disputes(house.runtime):
        pass
    assert isinstance(house.channel, DisputingChannel)
    return house.channel.answers


async def test_an_opened_dispute_holds_its_amount(house: House) -> None:
    payment_id, attempt_id = await charge(house)

    opened = await report(house, attempt_id, OPENED)

    assert (opened.state, opened.reason, opened.amount.amount_minor) == (pb.DISPUTE_STATE_OPENED, 2, 4_000)
    assert (opened.payment_id, opened.attempt_id, opened.channel) == (payment_id, attempt_id, "simulator")
    assert (opened.dispute_reference, opened.respond_by_time.ToDatetime(UTC)) == ("chd_1", DUE)
    assert (await house.get(payment_id)).disputed_minor == 4_000
    with pytest.raises(RefundExceedsRefundable) as refused:
        await house.refund(payment_id, 6_001)
    assert refused.value.metadata["refundable_minor"] == "6000"
    assert await house.told_types(payment_id) == ["PaymentCreated", "PaymentSuccess", "DisputeOpened"]
    event = (await house.told(payment_id))[2]
    assert (event.dispute_id, event.amount_minor, event.channel_reference) == (opened.dispute_id, 4_000, "chd_1")
    assert (event.reason, event.respond_by) == ("NOT_RECEIVED", DUE)


async def test_what_is_known_already_changes_nothing_however_often_it_is_told(house: House) -> None:
    payment_id, attempt_id = await charge(house)
    opened = [await report(house, attempt_id, OPENED) for _ in range(3)]
    won = [await report(house, attempt_id, WON) for _ in range(3)]

    assert opened == [opened[0]] * 3
    assert won == [won[0]] * 3
    assert await report(house, attempt_id, OPENED) == won[0]
    assert (await house.told_types(payment_id))[2:] == ["DisputeOpened", "DisputeWon"]
    assert (await house.get(payment_id)).disputed_minor == 0
    assert await house.count("dispute_report") == 2


@pytest.mark.parametrize(("outcome", "types", "held"), [(WON, "DisputeWon", 0), (LOST, "DisputeLost", 4_000)])
async def test_a_decision_that_comes_before_its_opening_opens_the_dispute_too(
    house: House, outcome: pb.DisputeOutcome.ValueType, types: str, held: int
) -> None:
    payment_id, attempt_id = await charge(house)
    decided = await report(house, attempt_id, outcome)

    assert await report(house, attempt_id, OPENED) == decided
    assert (await house.told_types(payment_id))[2:] == ["DisputeOpened", types]
    assert (await house.get(payment_id)).disputed_minor == held


@pytest.mark.parametrize(("words", "free"), [([OPENED], 0), ([LOST], 0), ([OPENED, WON], 10_000)])
async def test_what_a_refund_frees_in_vain_is_kept_for_the_dispute_that_wanted_it(
    house: House, words: list[pb.DisputeOutcome.ValueType], free: int
) -> None:
    """All 10,000 are disputed while a refund of 1,000 is under way, which the acquirer then has no money for."""
    payment_id, attempt_id = await charge(house)
    await house.refund(payment_id, 1_000)
    for word in words:
        await report(house, attempt_id, word, amount=usd(10_000))
    house.channel.fate = lambda _: "decline"
    await house.submit()

    with pytest.raises(RefundExceedsRefundable) as refused:
        await house.refund(payment_id, 10_001)
    assert refused.value.metadata["refundable_minor"] == str(free)
    after = await house.get(payment_id)
    assert (after.refunding_minor, after.disputed_minor) == (0, 0 if free else 9_000)


async def test_what_is_lost_is_gone_and_the_rest_can_be_refunded(house: House) -> None:
    payment_id, attempt_id = await charge(house)
    lost = await report(house, attempt_id, LOST)
    await house.refund(payment_id, 6_000)
    await house.submit()

    assert (lost.state, lost.accepted) == (pb.DISPUTE_STATE_LOST, False)
    after = await house.get(payment_id)
    assert (after.captured_minor, after.refunded_minor, after.disputed_minor) == (10_000, 6_000, 4_000)
    assert (await house.told(payment_id))[3].accepted is False


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"attempt_id": "att_" + "f" * 32}, AttemptNotFound),
        ({"dispute_reference": "chd_2", "amount": Money(amount_minor=1, currency_code="JPY")}, ChannelAmountMismatch),
    ],
)
async def test_what_does_not_fit_is_refused(house: House, changes: dict[str, Any], error: type[DomainError]) -> None:
    _, attempt_id = await charge(house)
    await report(house, attempt_id, OPENED)
    with pytest.raises(error):
        await report(house, changes.pop("attempt_id", attempt_id), OPENED, **changes)
    assert await house.count("dispute") == 1
    kept = (await house.call.ListUnmatchedEvidence(pb.ListUnmatchedEvidenceRequest(), ANY)).evidence
    assert [(each.channel_reference, each.decline_code) for each in kept] == [
        (changes.get("dispute_reference", "chd_1"), "dispute_opened")
    ]


@pytest.mark.parametrize(("fate", "state"), [("decline", "FAILED"), ("lost_after", "UNKNOWN"), ("pending", "UNKNOWN")])
async def test_what_was_not_captured_cannot_be_disputed(house: House, fate: str, state: str) -> None:
    house.channel.fate = lambda _request: fate
    _, attempt_id = await charge(house)
    with pytest.raises(IllegalTransition) as refused:
        await report(house, attempt_id, OPENED)
    assert refused.value.metadata == {"state": state, "action": "DISPUTE"}


async def test_a_refund_is_no_capture(house: House) -> None:
    payment_id, _ = await charge(house)
    await house.refund(payment_id, 1_000)
    await house.submit()
    refund = (await house.attempts(payment_id))[1]
    with pytest.raises(IllegalTransition):
        await report(house, refund.attempt_id, OPENED, amount=usd(1))


async def test_an_accepted_dispute_is_lost_at_once_and_the_channel_is_told(house: House) -> None:
    opened = await disputed(house)
    lost = await accept(house, opened.dispute_id)
    [told] = await tell(house)

    assert (lost.state, lost.accepted) == (pb.DISPUTE_STATE_LOST, True)
    assert lost.response_state == pb.DISPUTE_RESPONSE_STATE_PENDING
    assert (told.dispute_reference, told.contested, told.evidence) == ("chd_1", False, "")
    after = await get(house, opened.dispute_id)
    assert after.response_state == pb.DISPUTE_RESPONSE_STATE_TOLD
    # The channel says so, too: nothing new.
    assert await report(house, opened.attempt_id, LOST) == after
    types = await house.told_types(opened.payment_id)
    assert types[2:] == ["DisputeOpened", "DisputeLost"]
    assert (await house.told(opened.payment_id))[3].accepted is True


async def test_a_contested_dispute_is_decided_by_the_channel_that_is_told(house: House) -> None:
    opened = await disputed(house)
    contested = await contest(house, opened.dispute_id, "signed\nreceipt")
    [told] = await tell(house)
    assert await tell(house) == [told]
    won = await report(house, opened.attempt_id, WON)

    assert (contested.state, contested.evidence) == (pb.DISPUTE_STATE_CONTESTED, "signed\nreceipt")
    assert (told.dispute_reference, told.contested, told.evidence) == ("chd_1", True, "signed\nreceipt")
    assert (won.state, won.response_state) == (pb.DISPUTE_STATE_WON, pb.DISPUTE_RESPONSE_STATE_TOLD)
    rows = await outbox_events(house.runtime)
    assert not any(b"receipt" in row["value"] for row in rows)


async def add_file(house: House, dispute_id: str, content: bytes = b"signed") -> pb.DisputeFile:
    request = pb.AddDisputeFileRequest(
        request_id=str(uuid.uuid4()),
        dispute_id=dispute_id,
        name="receipt.txt",
        media_type="text/plain",
        content=content,
    )
    return (await house.call.AddDisputeFile(request, ANY)).file


async def test_files_go_with_the_answer_and_into_no_event(house: House) -> None:
    opened = await disputed(house)
    file = await add_file(house, opened.dispute_id)
    assert (file.name, file.media_type, file.size_bytes) == ("receipt.txt", "text/plain", 6)
    assert file.content_hash == hashlib.sha256(b"signed").hexdigest()
    found = await house.call.GetDispute(pb.GetDisputeRequest(dispute_id=opened.dispute_id), ANY)
    assert list(found.files) == [file]
    read = await house.call.GetDisputeFile(pb.GetDisputeFileRequest(file_id=file.file_id), ANY)
    assert (read.file, read.content) == (file, b"signed")
    await contest(house, opened.dispute_id)
    [told] = await tell(house)
    assert [(each.name, each.content) for each in told.files] == [("receipt.txt", b"signed")]
    rows = await outbox_events(house.runtime)
    assert not any(b"signed" in row["value"] for row in rows)
    assert await add_file(house, opened.dispute_id) == file  # It is there already, however late the call comes again.
    with pytest.raises(IllegalTransition):
        await add_file(house, opened.dispute_id, b"another")


async def test_a_dispute_has_five_files_at_most(house: House) -> None:
    opened = await disputed(house)
    for number in range(5):
        await add_file(house, opened.dispute_id, b"page %d" % number)
    with pytest.raises(DisputeFilesExceeded) as refused:
        await add_file(house, opened.dispute_id, b"page 5")
    assert refused.value.metadata == {"files_max": "5"}
    with pytest.raises(DisputeNotFound):
        await add_file(house, "dsp_" + "f" * 32)
    with pytest.raises(DisputeFileNotFound):
        await house.call.GetDisputeFile(pb.GetDisputeFileRequest(file_id="dsf_" + "f" * 32), ANY)


async def test_an_answer_is_given_once_and_the_same_request_again_is_a_replay(house: House) -> None:
    opened, request_id = await disputed(house), str(uuid.uuid4())
    first = await contest(house, opened.dispute_id, request_id=request_id)

    assert await contest(house, opened.dispute_id, request_id=request_id) == first
    with pytest.raises(RequestIdReused):
        await contest(house, opened.dispute_id, "other", request_id=request_id)
    for again, action in ((contest, "CONTEST"), (accept, "ACCEPT")):
        with pytest.raises(IllegalTransition) as refused:
            await again(house, opened.dispute_id)
        assert refused.value.metadata == {"state": "CONTESTED", "action": action}
    with pytest.raises(DisputeNotFound):
        await accept(house, "dsp_" + "f" * 32)
    with pytest.raises(DisputeNotFound):
        await get(house, "dsp_" + "f" * 32)


async def test_past_its_time_a_dispute_cannot_be_contested_but_accepted(house: House) -> None:
    opened = await disputed(house)
    assert isinstance(house.runtime.clock, ManualClock)
    house.runtime.clock.advance(timedelta(days=7, seconds=1))
    with pytest.raises(DisputeResponseLate) as refused:
        await contest(house, opened.dispute_id)
    assert refused.value.metadata == {"respond_by": "2026-03-08T12:00:00+00:00"}
    assert (await accept(house, opened.dispute_id)).accepted


async def test_a_channel_that_does_not_answer_is_told_again_until_it_does(house: House) -> None:
    opened = await disputed(house)
    await contest(house, opened.dispute_id)
    assert isinstance(house.channel, DisputingChannel)
    house.channel.refusals = [grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.INTERNAL]
    [[before]] = await house.runtime.read(lambda tx: tx.fetch("SELECT now()"))
    assert await tell(house) == []
    # The first pause is a second, from when it was told that there is no answer.
    waits = "SELECT due_time >= $1::timestamptz + interval '1 s' AND due_time < now() + interval '3 s' FROM dispute"
    assert (await house.runtime.read(lambda tx: tx.fetch(waits, before)))[0][0]
    assert await tell(house) == []
    assert (await get(house, opened.dispute_id)).response_state == pb.DISPUTE_RESPONSE_STATE_PENDING
    assert len(await tell(house)) == 1


async def test_an_answer_that_the_channel_will_never_take_is_told_no_more(house: House) -> None:
    opened = await disputed(house)
    await contest(house, opened.dispute_id)
    assert isinstance(house.channel, DisputingChannel)
    house.channel.refusals = [grpc.StatusCode.FAILED_PRECONDITION]
    assert await tell(house) == await tell(house) == []
    after = await get(house, opened.dispute_id)
    assert (after.state, after.response_state) == (pb.DISPUTE_STATE_CONTESTED, pb.DISPUTE_RESPONSE_STATE_REFUSED)


async def test_without_a_channel_answers_wait(house: House) -> None:
    opened = await disputed(house)
    await accept(house, opened.dispute_id)
    house.runtime.settings = house.runtime.settings.model_copy(update={"channel_address": None})
    assert await tell(house) == []
    assert (await get(house, opened.dispute_id)).response_state == pb.DISPUTE_RESPONSE_STATE_PENDING


async def test_fifty_disputes_and_refunds_at_once_take_no_more_than_there_is(house: House) -> None:
    payment_id, attempt_id = await charge(house)  # 10,000: enough for sixteen of 600.
    amount = usd(600)
    results = await asyncio.gather(
        *(report(house, attempt_id, OPENED, dispute_reference=f"chd_{i}", amount=amount) for i in range(25)),
        *(house.refund(payment_id, 600) for _ in range(25)),
        return_exceptions=True,
    )
    await house.submit()

    # Every dispute is recorded; held is what there is, and refunds get what disputes leave.
    refunds = sum(isinstance(each, pb.Refund) for each in results)
    assert sum(isinstance(each, RefundExceedsRefundable) for each in results) == 25 - refunds
    disputes = [each for each in results if isinstance(each, pb.Dispute)]
    after = await house.get(payment_id)
    assert (len(disputes), after.refunded_minor) == (25, refunds * 600)
    assert after.disputed_minor == sum(each.held_minor for each in disputes) == 10_000 - refunds * 600
    assert sum(each.excess_minor for each in disputes) == 25 * 600 - after.disputed_minor
    exceeding = sum(each.excess_minor > 0 for each in disputes)
    assert len(await house.told(payment_id)) == 2 + 25 + exceeding + 2 * refunds


async def test_accepting_and_contesting_at_once_one_of_them_wins(house: House) -> None:
    opened = await disputed(house)
    results = await asyncio.gather(
        *(answer(house, opened.dispute_id) for answer in (accept, contest) for _ in range(5)), return_exceptions=True
    )
    assert sum(isinstance(each, pb.Dispute) for each in results) == 1
    assert sum(isinstance(each, IllegalTransition) for each in results) == 9


async def test_the_database_refuses_what_the_rules_refuse(house: House) -> None:
    opened = await disputed(house)
    await report(house, opened.attempt_id, WON)
    for wrong in (
        *(f"UPDATE dispute SET state = '{state}'" for state in ("CONTESTED", "LOST", "CLOSED")),
        "UPDATE dispute SET accepted = true",
        "UPDATE dispute SET booked = true",
        "UPDATE dispute SET owed_minor = 1",
        "UPDATE dispute SET held_minor = 4001",
        "UPDATE dispute SET fee_returned_minor = 1",
        "UPDATE dispute SET response_state = 'TOLD'",
        "UPDATE dispute SET due_time = now()",
        "UPDATE payment SET disputed_minor = 10001",
        "UPDATE payment SET disputed_minor = -1",
        "DELETE FROM dispute",
        "DELETE FROM dispute_report",
        "UPDATE dispute_report SET contradicts = true",
    ):
        with pytest.raises((asyncpg.CheckViolationError, asyncpg.InsufficientPrivilegeError)):
            await house.runtime.transaction(_running(wrong))
    copied = "SELECT 'dsp_2', payment_id, merchant_id, attempt_id, channel, dispute_reference, 1, currency_code"
    columns = "dispute_id, payment_id, merchant_id, attempt_id, channel, dispute_reference, claimed_minor"
    rest = "currency_code, amount_minor, reason, stage, capture_id, state, accepted, contradicted, create_time"
    given = "1, 'OTHER', 'CHARGEBACK', '', 'OPENED', false, false, now(), now()"
    insert = f"INSERT INTO dispute ({columns}, {rest}, update_time) {copied}, {given}"
    with pytest.raises(asyncpg.UniqueViolationError):
        await house.runtime.transaction(_running(f"{insert} FROM dispute"))


async def test_disputes_are_listed_by_payment_merchant_state_and_page(house: House) -> None:
    payment_id, attempt_id = await charge(house)
    amount = usd(100)
    made = [await report(house, attempt_id, OPENED, dispute_reference=f"chd_{i}", amount=amount) for i in range(5)]
    await accept(house, made[0].dispute_id)
    other = await disputed(house, dispute_reference="chd_other")

    async def listed(**fields: Any) -> pb.ListDisputesResponse:
        return await house.call.ListDisputes(pb.ListDisputesRequest(**fields), ANY)

    of_payment = await listed(payment_id=payment_id)
    assert [each.dispute_id for each in of_payment.disputes] == [each.dispute_id for each in reversed(made)]
    lost = await listed(merchant_id=house.merchant_id, state=pb.DISPUTE_STATE_LOST)
    assert [each.dispute_id for each in lost.disputes] == [made[0].dispute_id]
    first = await listed(merchant_id=house.merchant_id, page_size=4)
    second = await listed(merchant_id=house.merchant_id, page_size=4, page_token=first.next_page_token)
    assert [*first.disputes, *second.disputes] == [other, *of_payment.disputes]
    assert second.next_page_token == ""
    with pytest.raises(PageTokenInvalid):
        await listed(payment_id=payment_id, page_token=first.next_page_token)
    with pytest.raises(FieldInvalid):
        await listed(payment_id=payment_id, page_size=-1)


def _running(statement: str) -> Any:
    async def run(tx: Tx) -> None:
        await tx.run(statement)

    return run


async def test_disputes_to_answer_are_listed_soonest_first_for_all_merchants(house: House) -> None:
    _, attempt_id = await charge(house)

    async def opened(reference: str, hours: int | None) -> pb.Dispute:
        time = to_timestamp(house.runtime.clock.now() + timedelta(hours=hours)) if hours else None
        return await report(
            house, attempt_id, OPENED, dispute_reference=reference, amount=usd(100), respond_by_time=time
        )

    late, soon, middle = await opened("chd_1", 72), await opened("chd_2", 24), await opened("chd_3", 48)
    await opened("chd_4", None)
    answered = await opened("chd_5", 1)
    await accept(house, answered.dispute_id)

    async def listed(**fields: Any) -> list[str]:
        found: list[str] = []
        request = pb.ListDisputesToAnswerRequest(page_size=2, **fields)
        while True:
            response = await house.call.ListDisputesToAnswer(request, ANY)
            found += [each.dispute_id for each in response.disputes]
            request.page_token = response.next_page_token
            if not request.page_token:
                return found

    assert await listed() == [soon.dispute_id, middle.dispute_id, late.dispute_id]
    until = soon.respond_by_time
    assert await listed(respond_by_time_before=late.respond_by_time) == [soon.dispute_id, middle.dispute_id]
    assert await listed(respond_by_time_min=until, respond_by_time_before=middle.respond_by_time) == [soon.dispute_id]
    assert await listed(merchant_id=house.merchant_id, amount_minor_max=99) == []
    assert await listed(merchant_id="mer_" + "1" * 32) == []


async def late_capture(house: House) -> tuple[pb.Payment, pb.Attempt]:
    """A payment of which 5,000 were captured, and 5,000 more came late by a second capture, whose attempt is given."""
    payment = await house.authorized()
    await house.capture(payment.payment_id, 5_000)
    await house.submit()
    house.channel.fate = lambda _request: "decline"
    await house.capture(payment.payment_id, 5_000)
    await house.submit()
    attempt = (await house.attempts(payment.payment_id))[-1]
    await house.report(attempt.attempt_id, pb.CHANNEL_OUTCOME_APPROVED, "ch_late")
    await house.submit()  # The refund of it is declined, too.
    return payment, attempt


async def test_a_dispute_of_money_that_came_late_and_is_held_is_kept_as_unmatched(house: House) -> None:
    payment, attempt = await late_capture(house)

    with pytest.raises(IllegalTransition):
        await report(house, attempt.attempt_id, OPENED, amount=usd(5_000))

    [kept] = (await house.call.ListUnmatchedEvidence(pb.ListUnmatchedEvidenceRequest(), ANY)).evidence
    assert (kept.attempt_id, kept.amount.amount_minor, kept.channel_reference) == (attempt.attempt_id, 5_000, "chd_1")
    assert (await house.get(payment.payment_id)).disputed_minor == 0


async def test_a_dispute_of_money_that_came_late_and_was_accepted_holds_that(house: House) -> None:
    payment, attempt = await late_capture(house)
    waiting = await only_contradiction(house)
    await propose(house, waiting.contradiction_id, RESOLUTION.CONTRADICTION_RESOLUTION_ACCEPT)
    await approve(house, waiting.contradiction_id)

    await report(house, attempt.attempt_id, OPENED, amount=usd(5_000))
    await report(house, attempt.attempt_id, LOST, amount=usd(5_000))

    told = {type(event).__name__: event for event in await house.told(payment.payment_id)}
    accepted = told["LateCaptureAccepted"].capture_id
    assert (told["DisputeOpened"].capture_id, told["DisputeOpened"].excess_minor) == (accepted, 0)
    assert (told["DisputeLost"].capture_id, told["DisputeLost"].excess_lost_minor) == (accepted, 0)
    assert (await house.get(payment.payment_id)).disputed_minor == 5_000
