"""Each movement knows what booked it; what only one side tells for long is listed, and over when the other does."""

import asyncio
from typing import Any

import pytest

from paykit.testing.runtimes import START
from paystream.accounting.v1 import events as accounting_events
from paystream.payment.v1 import events as payment
from paystream.reconciliation.v1 import reconciliation_pb2 as pb
from paystream.withdrawal.v1 import events as withdrawals
from services.reconciliation import jobs
from services.reconciliation.domain import ledger
from tests.integration.reconciliation.matching import Matcher, Topics
from tests.integration.reconciliation.resolving import ANY, EXPLAIN, Desk, booked
from tests.unit.accounting.ledger import ALICE, capture, capture_id, dispute, late, payment_id, refund, withdrawal
from tests.unit.reconciliation.test_ledger import AWAITED, NOT_AWAITED, name

WITHIN_S = 3_600
ONE_OF_EACH = list({type(event): event for event in AWAITED}.values())


async def age(desk: Desk, *, by_s: float = WITHIN_S + 1) -> None:
    """Let real time pass for what waits, then look, as the job does."""
    sql = "UPDATE open_booking SET arrive_time = arrive_time - $1::float8 * interval '1 s'"
    await desk.runtime.transaction(lambda tx: tx.run(sql, by_s))
    await jobs.list_one_sided(desk.runtime, ends_of=Topics().ends_of)


async def listed(desk: Desk) -> list[pb.Discrepancy]:
    request = pb.ListDiscrepanciesRequest(state=pb.DISCREPANCY_STATE_OPEN)
    return list((await desk.call.ListDiscrepancies(request, ANY)).discrepancies)


async def waiting(desk: Desk) -> int:
    return int((await desk.runtime.read(lambda tx: tx.fetch("SELECT count(*) FROM open_booking")))[0][0])


def booking_of(event: Any, **changes: Any) -> accounting_events.TransactionCreated:
    """The ledger's transaction of an event."""
    told = ledger.of_event(event)
    assert told is not None
    facts: dict[str, Any] = {
        "root_reference": told.root_reference,
        "amount_minor": event.amount_minor,
        "merchant_id": ALICE,
        "channel": event.channel,
        "channel_reference": event.channel_reference,
    }
    return booked(told.transaction_type, told.related_no, **facts | changes)


@pytest.mark.parametrize("booked_first", [True, False])
@pytest.mark.parametrize("event", ONE_OF_EACH, ids=name)
async def test_what_moved_and_is_booked_is_no_discrepancy(desk: Desk, event: Any, *, booked_first: bool) -> None:
    transaction = booking_of(event)
    for each in (transaction, event) if booked_first else (event, transaction):
        await desk.deliver(each, each)
    await age(desk)

    assert (await listed(desk), await waiting(desk)) == ([], 0)
    [row] = await desk.runtime.read(lambda tx: tx.fetch("SELECT * FROM movement_booking"))
    told = ledger.of_event(event)
    assert told is not None
    assert (row["movement_id"], row["transaction_id"]) == (told.movement_id, transaction.transaction_id)


@pytest.mark.parametrize("event", ONE_OF_EACH, ids=name)
async def test_what_moved_and_is_not_booked_in_time_is_listed_until_it_is(desk: Desk, event: Any) -> None:
    await desk.deliver(event, event)
    await age(desk, by_s=WITHIN_S - 60)
    assert await listed(desk) == []
    await age(desk, by_s=120)
    await age(desk)

    [item] = await listed(desk)
    told = ledger.of_event(event)
    assert told is not None
    assert (item.kind, item.transaction_id) == (pb.DISCREPANCY_KIND_NOT_BOOKED, "")
    assert (item.related_no, item.root_reference, item.merchant_id) == (told.related_no, told.root_reference, ALICE)
    assert (item.expected.amount_minor, item.channel) == (told.amount_minor, "simulator")
    await desk.deliver(booking_of(event))
    await age(desk)
    assert (await listed(desk), await waiting(desk)) == ([], 0)
    detected, resolved = await desk.told(item.discrepancy_id)
    assert (detected.kind, resolved.kind, resolved.resolution) == ("NOT_BOOKED", "NOT_BOOKED", "MATCHED")


@pytest.mark.parametrize("event", NOT_AWAITED, ids=name)
async def test_what_is_legitimately_not_booked_is_not_listed(desk: Desk, event: Any) -> None:
    await desk.deliver(event)
    await age(desk)

    assert (await listed(desk), await waiting(desk)) == ([], 0)
    # Another chart books it.
    await desk.deliver(booking_of(event))
    await age(desk)
    assert (await listed(desk), await waiting(desk)) == ([], 0)


async def test_what_is_booked_and_not_told_in_time_is_listed_until_it_is(desk: Desk) -> None:
    event = capture()
    await desk.deliver(booking_of(event))
    await age(desk)

    [item] = await listed(desk)
    assert (item.kind, item.transaction_id) == (
        pb.DISCREPANCY_KIND_BOOKED_ONLY,
        f"txn_PaymentSuccess_{capture_id(1)}",
    )
    assert (item.related_no, item.root_reference) == (capture_id(1), payment_id(1))
    assert (item.expected.amount_minor, item.channel_reference) == (10_000, "ch_1")
    await desk.deliver(event)
    await age(desk)
    assert (await listed(desk), await waiting(desk)) == ([], 0)


async def test_a_dispute_that_is_lost_whole_is_told_and_booked_though_nothing_moves(desk: Desk) -> None:
    event = dispute(payment.DisputeLost)
    await desk.deliver(event)
    await desk.deliver(booking_of(event))
    await age(desk)

    assert (await listed(desk), await waiting(desk)) == ([], 0)


async def test_both_sides_at_the_same_moment_see_each_other(desk: Desk) -> None:
    events = [capture(number) for number in range(1, 21)]
    bookings = [booking_of(event) for event in reversed(events)]
    await asyncio.gather(*(desk.deliver(each) for pair in zip(events, bookings, strict=True) for each in pair))
    await asyncio.gather(desk.deliver(*events), desk.deliver(*bookings))

    assert await waiting(desk) == 0


async def test_other_transactions_wait_for_nobody(desk: Desk) -> None:
    kinds = ("LateCaptureAccepted", "SettlementCreated", "WithdrawalCreated", "ChannelStatementClosed", "Adjustment")
    for kind in kinds:
        await desk.deliver(booked(kind, f"rel_{kind}"))
    await age(desk)

    assert (await listed(desk), await waiting(desk)) == ([], 0)


async def test_a_late_capture_that_is_accepted_is_one_movement_that_two_transactions_book(desk: Desk) -> None:
    received, success = late(payment.LateCaptureReceived), capture(amount_minor=1_234)
    await desk.deliver(received)
    await desk.deliver(success)
    await age(desk)
    assert {item.kind for item in await listed(desk)} == {pb.DISCREPANCY_KIND_NOT_BOOKED}
    assert len(await listed(desk)) == 2
    await desk.deliver(booking_of(received))
    await age(desk)
    assert [item.related_no for item in await listed(desk)] == [capture_id(1)]
    await desk.deliver(booking_of(success))
    await age(desk)

    assert await listed(desk) == []
    rows = await desk.runtime.read(
        lambda tx: tx.fetch("SELECT movement_id, transaction_id FROM movement_booking ORDER BY transaction_type")
    )
    assert [tuple(row) for row in rows] == [
        (f"CAPTURE:{capture_id(1)}", f"txn_LateCaptureReceived_{capture_id(1)}"),
        (f"CAPTURE:{capture_id(1)}", f"txn_PaymentSuccess_{capture_id(1)}"),
    ]


async def test_two_people_explain_what_is_not_booked_and_it_stays_over(desk: Desk) -> None:
    event = withdrawal(withdrawals.WithdrawalBounced)
    await desk.deliver(event)
    await age(desk)
    [item] = await listed(desk)
    assert list(item.possible_actions) == [EXPLAIN]
    asked = await desk.resolve(EXPLAIN, discrepancy_id=item.discrepancy_id)
    await desk.approve(asked.correction.correction_id)
    await age(desk)
    assert await listed(desk) == []
    await desk.deliver(booking_of(event))
    await age(desk)

    assert await waiting(desk) == 0
    assert [type(told).__name__ for told in await desk.told(item.discrepancy_id)] == [
        "DiscrepancyDetected",
        "DiscrepancyResolved",
    ]


async def test_a_difference_of_a_line_names_the_transaction_that_booked_its_movement(
    desk: Desk, matcher: Matcher
) -> None:
    event = refund(channel="cards", channel_reference="ch_1", occurred_at=START)
    await desk.deliver(event)
    await desk.deliver(booking_of(event))
    await matcher.report(matcher.line(1, operation="REFUND", amount_minor=3_999, related_no=None, attempt_id=None))
    await matcher.match()

    [item] = await listed(desk)
    assert item.kind == pb.DISCREPANCY_KIND_AMOUNT_MISMATCH
    assert item.transaction_id == f"txn_RefundSuccess_{event.refund_id}"
