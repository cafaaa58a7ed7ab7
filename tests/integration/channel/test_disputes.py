"""Captures disputed by their amounts or by hand, answered, decided, and on the statement."""

import uuid
from typing import Any

import asyncpg
import pytest

from paykit.errors import CurrencyMismatch, DomainError, RequestIdReused
from paykit.postgres.database import Tx
from paystream.channel.v1 import channel_pb2 as pb
from paystream.common.v1.money_pb2 import Money
from services.channel.domain.dispute import (
    AttemptNotCaptured,
    AttemptNotFound,
    DisputeAlreadyAnswered,
    DisputeExceedsCaptured,
    DisputeNotFound,
    DisputeResponseLate,
)
from services.channel.domain.late_outcome import OutcomeImpossible
from tests.integration.channel.conftest import House, all_of

OPENED, CONTESTED = pb.DISPUTE_STATE_OPENED, pb.DISPUTE_STATE_CONTESTED
WON, LOST = pb.DISPUTE_STATE_WON, pb.DISPUTE_STATE_LOST


async def operations(house: House) -> list[tuple[str, int]]:
    return [(line.operation, line.amount_minor) for line in await house.lines()]


@pytest.mark.parametrize(("amount_minor", "state"), [(9_011, WON), (19_012, LOST)])
async def test_an_amount_has_its_capture_disputed_and_contesting_ends_as_documented(
    house: House, amount_minor: int, state: int
) -> None:
    await house.authorize(amount_minor)
    assert await house.references() == []
    await house.pass_time(seconds=2)
    [reference] = await house.references()
    opened = await house.get_dispute(reference)
    contested = await house.respond(reference, contested=True)
    await house.pass_time(seconds=2)

    assert (opened.state, opened.amount.amount_minor, opened.reason) == (OPENED, amount_minor, pb.DISPUTE_REASON_FRAUD)
    assert opened.respond_by_time.seconds - opened.create_time.seconds == 7 * 86_400
    assert (contested.state, contested.evidence) == (CONTESTED, "a receipt")
    assert (await house.get_dispute(reference)).state == state
    lines = [("CAPTURE", amount_minor), ("DISPUTE", amount_minor)]
    assert await operations(house) == lines + ([("DISPUTE_REVERSED", amount_minor)] if state == WON else [])


async def test_a_capture_is_disputed_and_the_reservation_before_it_is_not(house: House) -> None:
    reserved = await house.authorize(9_011, capture=False)
    await house.pass_time(seconds=2)
    assert await house.references() == []
    await house.capture(reserved.channel_reference, 9_011)
    await house.pass_time(seconds=2)
    assert len(await house.references()) == 1


async def test_not_answered_in_time_it_is_lost(house: House) -> None:
    await house.authorize(9_011)
    await house.pass_time(seconds=2)
    [reference] = await house.references()
    await house.pass_time(days=6.9)
    assert (await house.get_dispute(reference)).state == OPENED
    await house.pass_time(days=0.2)
    assert (await house.get_dispute(reference)).state == LOST
    with pytest.raises(DisputeResponseLate):
        await house.respond(reference, contested=True)


async def test_what_was_refunded_meanwhile_is_not_disputed(house: House) -> None:
    part, whole = await house.authorize(9_011), await house.authorize(9_012)
    await house.refund(part.channel_reference, 9_000)
    await house.refund(whole.channel_reference, 9_012, attempt_id="att_refund")
    await house.pass_time(seconds=2)
    [reference] = await house.references()
    assert (await house.get_dispute(reference)).amount.amount_minor == 11


async def test_parts_are_disputed_by_hand_once_per_request(house: House) -> None:
    paid = await house.authorize(1_000)
    request_id = str(uuid.uuid4())
    first = await house.dispute(paid.attempt_id, 600, request_id=request_id, respond_within_seconds=60)
    assert await house.dispute(paid.attempt_id, 600, request_id=request_id, respond_within_seconds=60) == first
    with pytest.raises(RequestIdReused):
        await house.dispute(paid.attempt_id, 601, request_id=request_id)
    second = await house.dispute(paid.attempt_id, reason=pb.DISPUTE_REASON_DUPLICATE)

    assert (first.amount.amount_minor, second.amount.amount_minor, second.reason) == (600, 400, 4)
    assert first.respond_by_time.seconds - first.create_time.seconds == 60
    assert (await house.refund(paid.channel_reference, 1)).decline_code == "refund_exceeds_captured"


@pytest.mark.parametrize(
    ("which", "changes", "error"),
    [
        ("none", {}, AttemptNotFound),
        ("reserved", {}, AttemptNotCaptured),
        ("declined", {}, AttemptNotCaptured),
        ("payout", {}, AttemptNotCaptured),
        ("paid", {"amount": Money(amount_minor=1_001, currency_code="USD")}, DisputeExceedsCaptured),
        ("paid", {"amount": Money(amount_minor=1, currency_code="JPY")}, CurrencyMismatch),
    ],
)
async def test_what_cannot_be_disputed_is_refused(
    house: House, which: str, changes: dict[str, Any], error: type[DomainError]
) -> None:
    attempts = {
        "none": "att_none",
        "reserved": (await house.authorize(1_000, capture=False)).attempt_id,
        "declined": (await house.authorize(9_001)).attempt_id,
        "payout": (await house.pay(1_000)).attempt_id,
        "paid": (await house.authorize(1_000)).attempt_id,
    }
    with pytest.raises(error):
        await house.dispute(attempts[which], **changes)
    assert await house.references() == []


async def test_an_answer_given_again_changes_nothing_and_another_is_refused(house: House) -> None:
    paid = await house.authorize(1_000)
    reference = (await house.dispute(paid.attempt_id)).dispute_reference
    contested = await house.respond(reference, contested=True)
    assert await house.respond(reference, contested=True) == contested
    with pytest.raises(DisputeAlreadyAnswered):
        await house.respond(reference, contested=False)
    await house.pass_time(seconds=2)
    assert (await house.respond(reference, contested=True)).state == WON
    with pytest.raises(DisputeNotFound):
        await house.respond("chd_none", contested=True)
    with pytest.raises(DisputeNotFound):
        await house.get_dispute("chd_none")


async def test_the_payers_bank_goes_on_as_it_is_told(house: House) -> None:
    paid = await house.authorize(5_000)
    reference = (
        await house.dispute(paid.attempt_id, stage=pb.DISPUTE_STAGE_INQUIRY, category="10.4")
    ).dispute_reference
    charged = await house.advance(reference, stage=pb.DISPUTE_STAGE_CHARGEBACK)
    assert (charged.state, charged.taken_minor, charged.category) == (OPENED, 5_000, "10.4")
    lost = await house.advance(reference, 2_000)
    assert (lost.state, lost.taken_minor) == (LOST, 2_000)
    won = await house.advance(reference, won=True)
    assert (won.state, won.taken_minor) == (WON, 0)
    assert (await house.advance(reference, stage=pb.DISPUTE_STAGE_PRE_ARBITRATION)).state == OPENED
    assert (await house.advance(reference)).taken_minor == 5_000
    with pytest.raises(OutcomeImpossible):
        await house.advance(reference, 5_001, won=True)
    lines = "SELECT operation, amount_minor FROM later_line ORDER BY create_time, line_id"
    moved = sorted(tuple(row) for row in await house.runtime.read(lambda tx: tx.fetch(lines)))
    assert moved == [
        ("DISPUTE", 5_000),
        ("DISPUTE", 5_000),
        ("DISPUTE_REVERSED", 2_000),
        ("DISPUTE_REVERSED", 3_000),
    ]


async def test_disputes_and_refunds_at_once_never_exceed_what_was_captured(house: House) -> None:
    paid = await house.authorize(1_000)
    results = await all_of(
        *(house.dispute(paid.attempt_id, 100) for _ in range(15)),
        *(house.refund(paid.channel_reference, 100) for _ in range(15)),
    )
    refused = [each for each in results if isinstance(each, DisputeExceedsCaptured)]
    disputed = [each for each in results if isinstance(each, pb.Dispute)]
    refunded = [each for each in results if isinstance(each, pb.Transaction) and each.outcome == pb.OUTCOME_APPROVED]
    assert (len(disputed) + len(refused), len(disputed) + len(refunded)) == (15, 10)


async def test_the_database_refuses_what_the_rules_refuse(house: House) -> None:
    paid = await house.authorize(1_000)
    reference = (await house.dispute(paid.attempt_id)).dispute_reference
    await house.respond(reference, contested=True)
    await house.pass_time(seconds=2)
    for wrong in (
        "UPDATE dispute SET state = 'CONTESTED', contested = NULL, due_time = now()",
        "UPDATE dispute SET due_time = now()",
        "UPDATE dispute SET taken_minor = -1",
        "UPDATE dispute SET stage = 'INQUIRY', taken_minor = 1",
        "UPDATE card_authorization SET refunded_minor = -1",
        "UPDATE channel_transaction SET return_time = now()",
        "DELETE FROM dispute",
    ):
        with pytest.raises((asyncpg.CheckViolationError, asyncpg.InsufficientPrivilegeError)):
            await house.runtime.transaction(_running(wrong))


def _running(statement: str) -> Any:
    async def run(tx: Tx) -> None:
        await tx.run(statement)

    return run
