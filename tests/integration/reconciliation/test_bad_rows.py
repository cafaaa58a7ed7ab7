"""A line, movement, word or booking that a job of reconciliation cannot do holds up no other."""

from collections.abc import Callable
from typing import Any

import pytest

from paykit.ids import named_id
from services.reconciliation import domain, jobs
from services.reconciliation.commands import differing, looking
from services.reconciliation.domain.rule_set import Fee
from tests.integration import bad_rows
from tests.integration.reconciliation.matching import DAY, Matcher, Topics
from tests.integration.reconciliation.resolving import Desk
from tests.integration.reconciliation.test_evidence import unmatched
from tests.integration.reconciliation.test_ledger import WITHIN_S, booking_of
from tests.unit.accounting.ledger import capture

NUMBERS = range(1, 6)
BAD = 2


@pytest.fixture
def matcher_and_desk(matcher: Matcher) -> tuple[Matcher, Desk]:
    return matcher, Desk(matcher.runtime)


def of_reference(reference: str) -> Callable[..., bool]:
    def is_bad(_: object, facts: Any, __: Fee | None) -> bool:
        return reference in {facts["channel_reference"], facts["movement_reference"]}

    return is_bad


async def discrepancy_id(matcher: Matcher, column: str, value: str) -> str:
    """The only discrepancy with this in a column."""
    sql = f"SELECT discrepancy_id FROM discrepancy WHERE {column} = $1"
    [row] = await matcher.runtime.read(lambda tx: tx.fetch(sql, value))
    return str(row[0])


@pytest.mark.parametrize(
    ("job", "comes", "hours", "kind"),
    [
        ("match_lines", "both", 0, "AMOUNT_MISMATCH"),
        ("call_lines_missing", "lines", 2, "MISSING_INTERNAL"),
        ("call_movements_missing", "movements", 80, "MISSING_CHANNEL"),
    ],
)
async def test_one_that_cannot_be_told_of_leaves_the_others_matched_and_is_told_of_once_it_can_be(
    matcher: Matcher, monkeypatch: pytest.MonkeyPatch, *, job: str, comes: str, hours: int, kind: str
) -> None:
    bad_rows.retry_at_once(monkeypatch)
    with monkeypatch.context() as planted:
        bad_rows.break_when(planted, differing, "_discrepancy", of_reference(f"ch_{BAD}"))
        if comes != "lines":
            await matcher.record(*(matcher.movement(number) for number in NUMBERS))
        if comes != "movements":
            await matcher.report(*(matcher.line(number, amount_minor=9_000) for number in NUMBERS))
        await jobs.match_lines(matcher.runtime, ends_of=matcher.topics.ends_of)
        matcher.pass_time(hours=hours)
        await jobs.match_lines(matcher.runtime, ends_of=matcher.topics.ends_of)
        assert await matcher.found() == {kind: 4}
        assert bad_rows.failing("reconciliation", job) == 1
    await matcher.match()
    assert await matcher.found() == {kind: 5}
    assert bad_rows.failing("reconciliation", job) == 0


async def test_a_line_that_cannot_be_looked_at_leaves_the_others_matched(
    matcher: Matcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad_rows.retry_at_once(monkeypatch)
    await matcher.use('[[rule]]\nkind = "WINDOW"\ndays = 2\n')
    nameless = {"channel_reference": None, "attempt_id": None, "related_no": None}
    await matcher.record(*(matcher.movement(number, amount_minor=number) for number in NUMBERS))
    await matcher.report(*(matcher.line(number, amount_minor=number, **nameless) for number in NUMBERS))
    with monkeypatch.context() as planted:
        bad_rows.break_when(planted, looking, "pair", lambda lines, _, **__: any(line.key[-1] == BAD for line in lines))
        await jobs.match_lines(matcher.runtime, ends_of=matcher.topics.ends_of)
        assert await matcher.statuses() == {"MATCHED": 4}
    await matcher.match()
    assert await matcher.statuses() == {"MATCHED": 5}


async def test_a_line_that_came_alone_and_cannot_be_looked_at_holds_up_no_step_of_its_channel(
    matcher: Matcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    await matcher.use('[[rule]]\nkind = "WINDOW"\ndays = 2\n')
    nameless = {"channel_reference": None, "attempt_id": None, "related_no": None}
    await matcher.report(matcher.line(1, amount_minor=1, **nameless))
    await matcher.match()
    matcher.pass_time(hours=2)
    await matcher.report(matcher.line(BAD, amount_minor=BAD, **nameless))
    with monkeypatch.context() as planted:
        bad_rows.break_when(planted, looking, "pair", lambda lines, _, **__: any(line.key[-1] == BAD for line in lines))
        await jobs.match_lines(matcher.runtime, ends_of=matcher.topics.ends_of)
        assert bad_rows.failing("reconciliation", "match_lines") == 1
        assert await matcher.found() == {"MISSING_INTERNAL": 1}


async def test_a_discrepancy_that_cannot_be_ended_leaves_the_others_ended(
    matcher: Matcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad_rows.retry_at_once(monkeypatch)
    await matcher.report(*(matcher.line(number) for number in NUMBERS))
    await matcher.match()
    matcher.pass_time(hours=2)
    await matcher.match()
    await matcher.record(*(matcher.movement(number) for number in NUMBERS))
    with monkeypatch.context() as planted:
        bad = await discrepancy_id(matcher, "channel_reference", f"ch_{BAD}")
        bad_rows.plant_where(planted, lambda event: event.discrepancy_id == bad)
        await jobs.match_lines(matcher.runtime, ends_of=matcher.topics.ends_of)
        assert await matcher.found() == {"MISSING_INTERNAL": 1}
        assert bad_rows.failing("reconciliation", "end_discrepancies") == 1
    await jobs.end_discrepancies(matcher.runtime)
    assert (await matcher.found(), bad_rows.failing("reconciliation", "end_discrepancies")) == ({}, 0)


async def test_a_statement_that_cannot_be_reconciled_leaves_the_others_reconciled(
    matcher: Matcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad_rows.retry_at_once(monkeypatch)
    statements = [named_id("stm", str(number)) for number in NUMBERS]
    await matcher.record(*(matcher.movement(number) for number in NUMBERS))
    for number, statement_id in zip(NUMBERS, statements, strict=True):
        day = DAY.replace(day=number)
        await matcher.report(matcher.line(number, statement_id=statement_id, line_date=day), closed=True)
    await matcher.match()

    async def reconciled() -> set[str]:
        sql = "SELECT statement_id FROM statement WHERE state = 'RECONCILED'"
        return {row[0] for row in await matcher.runtime.read(lambda tx: tx.fetch(sql))}

    with monkeypatch.context() as planted:
        bad_rows.plant(planted, statements[BAD])
        await jobs.reconcile_statements(matcher.runtime)
        assert await reconciled() == {*statements} - {statements[BAD]}
        assert bad_rows.failing("reconciliation", "reconcile_statements") == 1
    await jobs.reconcile_statements(matcher.runtime)
    assert await reconciled() == {*statements}


async def test_a_word_that_cannot_be_listed_or_ended_leaves_the_others_listed_and_ended(
    matcher_and_desk: tuple[Matcher, Desk], monkeypatch: pytest.MonkeyPatch
) -> None:
    matcher, desk = matcher_and_desk
    bad_rows.retry_at_once(monkeypatch)
    for number in NUMBERS:
        await desk.deliver(unmatched(number))
    with monkeypatch.context() as planted:
        bad_rows.plant_where(planted, lambda event: event.evidence_id == named_id("evd", str(BAD)))
        await jobs.list_evidence(desk.runtime)
        assert await matcher.found() == {"MISSING_INTERNAL": 4}
        assert bad_rows.failing("reconciliation", "list_evidence") == 1
    await jobs.list_evidence(desk.runtime)
    assert (await matcher.found(), bad_rows.failing("reconciliation", "list_evidence")) == ({"MISSING_INTERNAL": 5}, 0)

    await matcher.record(*(matcher.movement(number) for number in NUMBERS))
    with monkeypatch.context() as planted:
        bad = await discrepancy_id(matcher, "evidence_id", named_id("evd", str(BAD)))
        bad_rows.plant_where(planted, lambda event: event.discrepancy_id == bad)
        await jobs.list_evidence(desk.runtime)
        assert await matcher.found() == {"MISSING_INTERNAL": 1}
        assert bad_rows.failing("reconciliation", "end_evidence") == 1
    await jobs.list_evidence(desk.runtime)
    assert (await matcher.found(), bad_rows.failing("reconciliation", "end_evidence")) == ({}, 0)


async def test_a_booking_that_cannot_be_listed_or_ended_leaves_the_others_listed_and_ended(
    matcher_and_desk: tuple[Matcher, Desk], monkeypatch: pytest.MonkeyPatch
) -> None:
    matcher, desk = matcher_and_desk
    bad_rows.retry_at_once(monkeypatch)
    events = [capture(number) for number in NUMBERS]
    await desk.deliver(*events)
    sql = "UPDATE open_booking SET arrive_time = arrive_time - $1::float8 * interval '1 s'"
    await desk.runtime.transaction(lambda tx: tx.run(sql, 2 * WITHIN_S))

    async def run() -> None:
        await jobs.list_one_sided(desk.runtime, ends_of=Topics().ends_of)

    with monkeypatch.context() as planted:
        bad_rows.break_when(
            planted, domain.ledger, "found", lambda each, **_: each.related_no == events[BAD].capture_id
        )
        await run()
        assert await matcher.found() == {"NOT_BOOKED": 4}
        assert bad_rows.failing("reconciliation", "list_one_sided") == 1
    await run()
    assert await matcher.found() == {"NOT_BOOKED": 5}

    await desk.deliver(*(booking_of(event) for event in events))
    with monkeypatch.context() as planted:
        bad = await discrepancy_id(matcher, "related_no", events[BAD].capture_id)
        bad_rows.plant_where(planted, lambda event: event.discrepancy_id == bad)
        await run()
        assert await matcher.found() == {"NOT_BOOKED": 1}
    await run()
    assert (await matcher.found(), bad_rows.failing("reconciliation", "list_one_sided")) == ({}, 0)
