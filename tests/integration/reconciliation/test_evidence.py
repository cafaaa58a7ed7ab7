"""What channels say of calls that nobody made is one discrepancy, until something else tells of the same."""

from datetime import timedelta
from typing import Any

import pytest

from paykit.ids import named_id
from paystream.payment.v1 import events as payment_events
from paystream.reconciliation.v1 import reconciliation_pb2 as pb
from paystream.withdrawal.v1 import events as withdrawal_events
from services.reconciliation import jobs
from tests.integration.reconciliation.matching import NOON, Matcher, failed_attempt
from tests.integration.reconciliation.resolving import ANY, CONFIRM, EXPLAIN, Desk

MISSING = {"MISSING_INTERNAL": 1}


def unmatched(number: int = 1, **changes: Any) -> payment_events.EvidenceUnmatched:
    """A capture of 100.00 in USD that nobody asked for, as the channel's callback says."""
    given: dict[str, Any] = {
        "event_id": f"evt_{number:032x}",
        "occurred_at": NOON,
        "merchant_id": None,
        "correlation_id": f"cor_{number}",
        "aggregate_version": 1,
        "payment_id": named_id("att", str(number)),
        "evidence_id": named_id("evd", str(number)),
        "attempt_id": named_id("att", str(number)),
        "channel": "",
        "channel_reference": f"ch_{number}",
        "reported_outcome": "SUCCEEDED",
        "amount_minor": 10_000,
        "currency_code": "USD",
    }
    return payment_events.EvidenceUnmatched(**given | changes)


def payout_unmatched(**changes: Any) -> withdrawal_events.EvidenceUnmatched:
    facts = {name: getattr(unmatched(), name) for name in ("event_id", "occurred_at", "evidence_id", "attempt_id")}
    return withdrawal_events.EvidenceUnmatched(
        **facts,
        merchant_id=None,
        correlation_id="cor_1",
        aggregate_version=1,
        withdrawal_id=named_id("att", "1"),
        channel="",
        channel_reference="po_1",
        reported_outcome="RETURNED",
        amount_minor=10_000,
        currency_code="USD",
        **changes,
    )


@pytest.fixture
def desk(matcher: Matcher) -> Desk:
    """The same service, as people see it."""
    return Desk(matcher.runtime)


async def look(matcher: Matcher) -> None:
    """Do what jobs do."""
    await matcher.match()
    await jobs.list_evidence(matcher.runtime)


async def listed(desk: Desk) -> list[pb.Discrepancy]:
    request = pb.ListDiscrepanciesRequest(state=pb.DISCREPANCY_STATE_OPEN)
    return list((await desk.call.ListDiscrepancies(request, ANY)).discrepancies)


async def call_lines_missing(matcher: Matcher) -> None:
    """Have lines looked at, and again when their movements should have come."""
    await matcher.match()
    matcher.pass_time(hours=2)
    await matcher.match()


async def test_a_word_about_a_call_that_nobody_made_is_listed_once_with_its_evidence_named(
    desk: Desk, matcher: Matcher
) -> None:
    assert await desk.deliver(unmatched(), unmatched()) == [None, None]
    await look(matcher)
    await desk.deliver(unmatched())
    await look(matcher)

    [item] = await listed(desk)
    assert (item.kind, item.evidence_id) == (pb.DISCREPANCY_KIND_MISSING_INTERNAL, named_id("evd", "1"))
    assert (item.attempt_id, item.channel_reference, item.channel) == (named_id("att", "1"), "ch_1", "")
    assert (item.reported.amount_minor, item.reported.currency_code) == (10_000, "USD")
    assert not item.HasField("expected")
    [told] = await desk.told(item.discrepancy_id)
    assert (told.kind, told.evidence_id, told.reported_minor) == ("MISSING_INTERNAL", item.evidence_id, 10_000)


async def test_two_people_explain_it_and_it_is_not_listed_again(desk: Desk, matcher: Matcher) -> None:
    await desk.deliver(payout_unmatched())
    await look(matcher)
    [item] = await listed(desk)
    assert list(item.possible_actions) == [EXPLAIN]

    asked = await desk.resolve(EXPLAIN, discrepancy_id=item.discrepancy_id)
    assert [each.discrepancy_id for each in await listed(desk)] == [item.discrepancy_id]
    await desk.approve(asked.correction.correction_id)
    await look(matcher)

    assert await listed(desk) == []
    [*_, over] = await desk.told(item.discrepancy_id)
    assert (over.resolution, over.proposer, over.approver) == ("EXPLAINED", "ann", "bob")


async def test_a_word_that_nothing_was_done_says_no_amount_and_one_person_explains_it(
    desk: Desk, matcher: Matcher
) -> None:
    await desk.deliver(unmatched(reported_outcome="FAILED", amount_minor=None, currency_code=None))
    await look(matcher)
    [item] = await listed(desk)
    assert not item.HasField("reported")
    assert [told.currency_code for told in await desk.told(item.discrepancy_id)] == ["XXX"]
    await desk.resolve(EXPLAIN, discrepancy_id=item.discrepancy_id)

    assert await listed(desk) == []


@pytest.mark.parametrize("named", [{}, {"attempt_id": "att_garbled"}, {"channel_reference": None}], ids=str)
@pytest.mark.parametrize("evidence_first", [True, False])
async def test_what_was_recorded_of_the_same_ends_it(
    desk: Desk, matcher: Matcher, named: dict[str, Any], *, evidence_first: bool
) -> None:
    if evidence_first:
        await desk.deliver(unmatched(**named))
        await look(matcher)
        assert await matcher.found() == MISSING
    await matcher.record(matcher.movement(1))
    if not evidence_first:
        await desk.deliver(unmatched(**named))
    await look(matcher)

    assert await matcher.found() == {}
    assert await desk.told_types() == (["DiscrepancyDetected", "DiscrepancyResolved"] if evidence_first else [])
    rows = await matcher.runtime.read(lambda tx: tx.fetch("SELECT count(*) FROM open_evidence"))
    assert rows[0][0] == 0


@pytest.mark.parametrize(
    "differs",
    [
        {"amount_minor": 9_999},
        {"currency_code": "EUR"},
        {"channel_reference": "ch_2"},
        {"channel_reference": "ch_2", "attempt_id": named_id("att", "2")},
        {"reported_outcome": "RETURNED"},
        {"channel": "another"},
    ],
    ids=str,
)
async def test_what_says_something_else_stays_listed(desk: Desk, matcher: Matcher, differs: dict[str, Any]) -> None:
    await matcher.record(matcher.movement(1))
    await desk.deliver(unmatched(**differs))
    await look(matcher)

    assert await matcher.found() == MISSING


async def test_a_failure_that_is_recorded_ends_it(desk: Desk, matcher: Matcher) -> None:
    await desk.deliver(unmatched(reported_outcome="FAILED", amount_minor=None, currency_code=None))
    await look(matcher)
    await matcher.record(failed_attempt(1))
    await look(matcher)

    assert await matcher.found() == {}


@pytest.mark.parametrize("evidence_first", [True, False])
async def test_a_line_and_a_word_of_the_same_are_one_item(
    desk: Desk, matcher: Matcher, *, evidence_first: bool
) -> None:
    if evidence_first:
        await desk.deliver(unmatched())
        await look(matcher)
    await matcher.report(matcher.line(1))
    await call_lines_missing(matcher)
    if not evidence_first:
        await desk.deliver(unmatched())
    await look(matcher)

    [item] = await listed(desk)
    assert (item.kind, item.line_id, item.evidence_id) == (pb.DISCREPANCY_KIND_MISSING_INTERNAL, "line 1", "")
    over = [told for told in await desk.told() if type(told).__name__ == "DiscrepancyResolved"]
    assert [told.resolution for told in over] == (["MATCHED"] if evidence_first else [])
    await matcher.record(matcher.movement(1))
    await look(matcher)
    assert await listed(desk) == []


async def test_a_line_of_another_amount_under_the_reference_is_an_item_of_its_own(desk: Desk, matcher: Matcher) -> None:
    await matcher.report(matcher.line(1, amount_minor=4_000))
    await call_lines_missing(matcher)
    await desk.deliver(unmatched())
    await look(matcher)

    assert await matcher.found() == {"MISSING_INTERNAL": 2}


@pytest.mark.parametrize("heard_before", [True, False])
async def test_a_line_taken_as_evidence_of_a_call_that_nobody_made_is_listed_as_that(
    desk: Desk, matcher: Matcher, *, heard_before: bool
) -> None:
    if heard_before:
        await desk.deliver(unmatched())
    await matcher.report(matcher.line(1))
    await call_lines_missing(matcher)
    await look(matcher)
    [item] = await listed(desk)
    await desk.resolve(CONFIRM, discrepancy_id=item.discrepancy_id)
    # Payment does not know the call either; what it was told before, it does not tell again.
    if not heard_before:
        await desk.deliver(unmatched())
    await look(matcher)

    [again] = await listed(desk)
    assert (again.evidence_id, again.line_id) == (named_id("evd", "1"), "")
    assert list(again.possible_actions) == [EXPLAIN]


async def test_an_explained_line_covers_a_word_of_the_same(desk: Desk, matcher: Matcher) -> None:
    await matcher.report(matcher.line(1))
    await call_lines_missing(matcher)
    [item] = await listed(desk)
    asked = await desk.resolve(EXPLAIN, discrepancy_id=item.discrepancy_id)
    await desk.approve(asked.correction.correction_id)
    await desk.deliver(unmatched(occurred_at=NOON + timedelta(hours=3)))
    await look(matcher)

    assert await listed(desk) == []
