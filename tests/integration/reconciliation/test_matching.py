"""Lines and movements that belong together, and how those differ that do not: each kind by hand."""

from datetime import date, timedelta

import pytest

from paykit.ids import named_id
from services.reconciliation.domain.movement import UnmovedOutcome
from tests.integration.reconciliation.conftest import DAY, NOON, Desk, failed_attempt

RULES = '[[rule]]\nkind = "REFERENCE"\nby = "channel_reference"\n'


async def test_a_line_and_its_movement_match_whichever_comes_first(desk: Desk) -> None:
    await desk.record(desk.movement(1))
    await desk.report(desk.line(1), desk.line(2))
    await desk.match()
    await desk.record(desk.movement(2))
    await desk.match()
    assert (await desk.statuses(), await desk.found()) == ({"MATCHED": 2}, {})


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"amount_minor": 10_001}, "AMOUNT_MISMATCH"),
        ({"currency_code": "EUR"}, "CURRENCY_MISMATCH"),
        ({"currency_code": "EUR", "settlement_currency_code": "USD", "settlement_amount_minor": 10_000}, None),
        ({"currency_code": "EUR", "settlement_currency_code": "USD", "settlement_amount_minor": 10_001}, None),
        (
            {"currency_code": "EUR", "settlement_currency_code": "USD", "settlement_amount_minor": 10_002},
            "AMOUNT_MISMATCH",
        ),
        ({"outcome": "FAILED"}, "CONTRADICTED"),
        ({"channel_reference": None}, None),
        ({"channel_reference": None, "attempt_id": None}, None),
        ({"channel_reference": None, "attempt_id": None, "related_no": None, "text": "for CAP"}, "MISSING_INTERNAL"),
        (
            {
                "channel_reference": None,
                "attempt_id": None,
                "related_no": None,
                "text": f"paid {named_id('cap', '1')}, thanks",
            },
            None,
        ),
        ({"operation": "AUTHORIZE"}, None),
    ],
)
async def test_a_line_is_held_against_its_movement(desk: Desk, changes: dict[str, object], kind: str | None) -> None:
    await desk.record(desk.movement(1))
    await desk.report(desk.line(1, **changes))
    await desk.match()
    desk.pass_time(hours=2)
    await desk.match()
    assert await desk.found() == ({} if kind is None else {kind: 1})


async def test_fees_are_looked_at_where_rules_say_what_they_should_be(desk: Desk) -> None:
    # 1.5 % of 100.00 and 0.10: 1.60; of 0.33 it is 0.005, so 0.00 and 0.10.
    await desk.use(RULES + "[fee]\nbasis_points = 150\nfixed_minor = 10\n")
    await desk.record(desk.movement(1), desk.movement(2), desk.movement(3, amount_minor=33))
    await desk.report(
        desk.line(1, channel_fee_minor=160),
        desk.line(2, channel_fee_minor=161),
        desk.line(3, amount_minor=33, channel_fee_minor=10),
    )
    await desk.match()
    assert (await desk.statuses(), await desk.found()) == ({"MATCHED": 2, "FEE_MISMATCH": 1}, {"FEE_MISMATCH": 1})


async def test_amounts_may_differ_by_the_tolerance(desk: Desk) -> None:
    # 0.05, or 0.1 % of 100.00, which is 0.10.
    await desk.use(RULES + "tolerance_minor = 5\ntolerance_basis_points = 10\n")
    await desk.record(*(desk.movement(number) for number in (1, 2)))
    await desk.report(desk.line(1, amount_minor=10_010), desk.line(2, amount_minor=9_989))
    await desk.match()
    assert await desk.statuses() == {"MATCHED": 1, "AMOUNT_MISMATCH": 1}


async def test_a_second_line_of_one_movement_is_a_duplicate_at_once_or_later(desk: Desk) -> None:
    await desk.record(desk.movement(1), desk.movement(2))
    await desk.report(desk.line(1), desk.line(1), desk.line(2))
    await desk.match()
    await desk.report(desk.line(2))
    await desk.match()
    assert (await desk.statuses(), await desk.found()) == ({"MATCHED": 2, "DUPLICATE": 2}, {"DUPLICATE": 2})


async def test_a_line_told_again_is_the_same_line(desk: Desk) -> None:
    await desk.record(desk.movement(1))
    line = desk.line(1)
    await desk.report(line, line)
    await desk.report(line)
    await desk.match()
    assert (await desk.counts())["lines"] == 1
    assert await desk.found() == {}


async def test_lines_whose_sum_is_that_of_the_movement_are_its_parts(desk: Desk) -> None:
    await desk.record(desk.movement(1))
    await desk.report(desk.line(1, amount_minor=4_000), desk.line(1, amount_minor=6_000))
    await desk.match()
    assert (await desk.statuses(), await desk.found()) == ({"MATCHED": 2}, {})


async def test_several_captures_of_one_reference_meet_their_lines_in_any_order(desk: Desk) -> None:
    parts = [desk.movement(n, channel_reference="ch_1", amount_minor=n * 1_000) for n in (3, 7, 9)]
    await desk.record(*parts)
    bare = {"channel_reference": "ch_1", "attempt_id": None, "related_no": None}
    lines = [desk.line(1, **bare, amount_minor=amount) for amount in (9_000, 7_000, 3_100)]
    await desk.report(*lines)
    await desk.match()
    assert (await desk.statuses(), await desk.found()) == ({"MATCHED": 2, "AMOUNT_MISMATCH": 1}, {"AMOUNT_MISMATCH": 1})


async def test_lines_without_references_match_by_amount_and_day(desk: Desk) -> None:
    await desk.use('[[rule]]\nkind = "WINDOW"\ndays = 2\n')
    await desk.record(*(desk.movement(n, channel_reference=None) for n in (1, 2, 3)))
    bare = {"channel_reference": "bank 1", "attempt_id": None, "related_no": None}
    near, far = DAY + timedelta(days=2), DAY + timedelta(days=3)
    await desk.report(desk.line(1, **bare, line_date=near), desk.line(2, **bare), desk.line(3, **bare, line_date=far))
    await desk.match()
    desk.pass_time(hours=2)
    await desk.match()
    assert (await desk.statuses(), await desk.found()) == (
        {"MATCHED": 2, "MISSING_INTERNAL": 1},
        {"MISSING_INTERNAL": 1},
    )


async def test_one_line_matches_all_movements_of_a_day(desk: Desk) -> None:
    await desk.use('[[rule]]\nkind = "BATCH"\noperation = "CAPTURE"\nlag_days = 1\n')
    await desk.record(
        desk.movement(1), desk.movement(2, amount_minor=2_500), desk.movement(3, occurred_at=NOON + timedelta(days=1))
    )
    bare = {"channel_reference": "bank 1", "attempt_id": None, "related_no": None}
    await desk.report(desk.line(1, **bare, amount_minor=12_500, line_date=date(2026, 3, 2)))
    await desk.match()
    assert await desk.statuses() == {"MATCHED": 1}
    assert (await desk.counts())["decided_movements"] == 2


async def test_what_is_missing_is_found_when_it_comes(desk: Desk) -> None:
    await desk.report(desk.line(1))
    await desk.record(desk.movement(2))
    await desk.match()
    assert await desk.found() == {}
    desk.pass_time(minutes=61)
    await desk.match()
    assert await desk.found() == {"MISSING_INTERNAL": 1}
    desk.pass_time(hours=72)
    await desk.match()
    assert await desk.found() == {"MISSING_INTERNAL": 1, "MISSING_CHANNEL": 1}
    await desk.record(desk.movement(1))
    await desk.report(desk.line(2))
    await desk.match()
    assert (await desk.statuses(), await desk.found()) == ({"MATCHED": 2}, {})
    resolved = await desk.runtime.read(lambda tx: tx.fetch("SELECT resolution FROM discrepancy"))
    assert [row["resolution"] for row in resolved] == ["MATCHED", "MATCHED"]


@pytest.mark.parametrize("outcome", list(UnmovedOutcome))
async def test_money_that_moved_by_a_call_that_did_not_succeed_contradicts_it(
    desk: Desk, outcome: UnmovedOutcome
) -> None:
    await desk.record(failed_attempt(1, outcome))
    await desk.report(desk.line(1), desk.line(2, outcome="FAILED"))
    await desk.match()
    desk.pass_time(hours=2)
    await desk.match()
    assert (await desk.statuses(), await desk.found()) == ({"CONTRADICTED": 1, "MATCHED": 1}, {"CONTRADICTED": 1})
    await desk.record(desk.movement(1))
    await desk.match()
    assert await desk.found() == {}


async def test_each_line_and_each_movement_is_counted_once(desk: Desk) -> None:
    await desk.record(*(desk.movement(number) for number in range(5)))
    await desk.report(*(desk.line(number) for number in range(3, 8)))
    await desk.match()
    desk.pass_time(days=4)
    await desk.match()
    counts = await desk.counts()
    assert (counts["lines"], counts["decided_lines"], counts["waiting_lines"]) == (5, 5, 0)
    assert (counts["movements"], counts["decided_movements"], counts["waiting_movements"]) == (5, 5, 0)
    assert (counts["untold_lines"], counts["untold_movements"], counts["torn_pairs"]) == (0, 0, 0)
