"""Lines that are parts of one movement, and movements that one line sums up, in whichever looks they come."""

import random
from collections.abc import Sequence
from functools import partial
from typing import Any

import pytest

from services.reconciliation import jobs, store
from services.reconciliation.commands import regrouping
from services.reconciliation.commands.matching import call_movements_missing, match_lines
from services.reconciliation.domain.movement import ChannelMovement
from services.reconciliation.domain.statement import ReportedLine
from tests.integration.reconciliation.matching import CHANNEL, Matcher
from tests.integration.reconciliation.resolving import EXPLAIN, Desk

Comes = ChannelMovement | ReportedLine
REFERENCE = '[[rule]]\nkind = "REFERENCE"\n'
RULES = REFERENCE + '[[rule]]\nkind = "REFERENCE"\nby = "attempt_id"\n[[rule]]\nkind = "TEXT"\n'
RESOLUTIONS = "SELECT kind, resolution, count(*) FROM discrepancy WHERE state = 'RESOLVED' GROUP BY 1, 2"


async def tell(matcher: Matcher, *looks: Sequence[Comes]) -> None:
    """Have lines and movements come, look by look."""
    for look in looks:
        await matcher.record(*(each for each in look if isinstance(each, ChannelMovement)))
        await matcher.report(*(each for each in look if isinstance(each, ReportedLine)))
        await matcher.match()


async def end_of(matcher: Matcher) -> tuple[dict[str, int], dict[str, int]]:
    """Return statuses of lines and open discrepancies once all times are over; all is counted once."""
    matcher.pass_time(hours=80)
    await matcher.match()
    counts = await matcher.counts()
    assert (counts["lines"], counts["waiting_lines"]) == (counts["decided_lines"], 0)
    assert (counts["movements"], counts["waiting_movements"]) == (counts["decided_movements"], 0)
    assert (counts["untold_lines"], counts["untold_movements"], counts["torn_pairs"]) == (0, 0, 0)
    await matcher.runtime.read(store.verification.check_outcomes)
    return await matcher.statuses(), await matcher.found()


async def resolved(matcher: Matcher) -> dict[tuple[str, str], int]:
    rows = await matcher.runtime.read(lambda tx: tx.fetch(RESOLUTIONS))
    return {(row[0], row[1]): row[2] for row in rows}


async def test_a_part_alone_differs_until_the_rest_has_come(matcher: Matcher) -> None:
    await tell(matcher, [matcher.movement(1), matcher.line(1, amount_minor=4_000)])
    assert (await matcher.statuses(), await matcher.found()) == ({"AMOUNT_MISMATCH": 1}, {"AMOUNT_MISMATCH": 1})
    await tell(matcher, [matcher.line(1, amount_minor=3_500)])
    # What differs of both is 25.00: 60.00 less than recorded, and 35.00 more.
    assert await matcher.found() == {"AMOUNT_MISMATCH": 1, "DUPLICATE": 1}
    await tell(matcher, [matcher.line(1, amount_minor=2_500)])
    assert await end_of(matcher) == ({"MATCHED": 3}, {})
    assert await resolved(matcher) == {("AMOUNT_MISMATCH", "MATCHED"): 1, ("DUPLICATE", "MATCHED"): 1}


async def test_parts_that_come_before_their_movement_are_its_parts(matcher: Matcher) -> None:
    await tell(matcher, [matcher.line(1, amount_minor=4_000)])
    matcher.pass_time(hours=2)
    await tell(matcher, [], [matcher.movement(1)])
    assert await matcher.found() == {"AMOUNT_MISMATCH": 1}
    await tell(matcher, [matcher.line(1, amount_minor=6_000)])
    assert await end_of(matcher) == ({"MATCHED": 2}, {})


async def test_what_more_comes_than_the_parts_repeats_them(matcher: Matcher) -> None:
    looks = [[matcher.line(1, amount_minor=amount)] for amount in (4_000, 6_000, 4_000)]
    await tell(matcher, [matcher.movement(1)], *looks)
    assert await end_of(matcher) == ({"MATCHED": 2, "DUPLICATE": 1}, {"DUPLICATE": 1})


async def test_the_right_amount_that_comes_later_takes_the_place_of_a_wrong_one(matcher: Matcher) -> None:
    await tell(matcher, [matcher.movement(1), matcher.line(1, amount_minor=4_000)], [matcher.line(1)])
    assert await end_of(matcher) == ({"MATCHED": 1, "DUPLICATE": 1}, {"DUPLICATE": 1})


async def test_a_repeated_line_is_found_by_a_movement_that_comes_later(matcher: Matcher) -> None:
    shared = {"channel_reference": "ch_1", "amount_minor": 4_000}
    await tell(matcher, [matcher.movement(1, **shared), matcher.line(1, **shared), matcher.line(2, **shared)])
    assert await matcher.found() == {"DUPLICATE": 1}
    await tell(matcher, [matcher.movement(2, **shared)])
    assert await end_of(matcher) == ({"MATCHED": 2}, {})


async def test_movements_of_one_reference_that_come_later_make_up_one_line(matcher: Matcher) -> None:
    movements = [matcher.movement(n, channel_reference="ch_1", amount_minor=n * 1_000) for n in (1, 2, 3)]
    await tell(matcher, [matcher.line(1, amount_minor=6_000)], *([movement] for movement in movements))
    assert await end_of(matcher) == ({"MATCHED": 1}, {})


async def test_movements_of_a_day_that_come_after_their_one_line_make_it_up(matcher: Matcher) -> None:
    await matcher.use('[[rule]]\nkind = "BATCH"\noperation = "CAPTURE"\n')
    bare = {"channel_reference": "bank 1", "attempt_id": None, "related_no": None}
    await tell(matcher, [matcher.movement(1, amount_minor=1_000), matcher.line(1, **bare, amount_minor=3_000)])
    matcher.pass_time(hours=80)
    await matcher.match()
    assert await matcher.found() == {"MISSING_INTERNAL": 1, "MISSING_CHANNEL": 1}
    await tell(matcher, [matcher.movement(2, amount_minor=2_000)])
    assert await end_of(matcher) == ({"MATCHED": 1}, {})


async def test_parts_may_differ_by_the_tolerance_together(matcher: Matcher) -> None:
    # 0.1 % of 100.00 are 0.10: 99.90 are enough, 99.89 are not.
    await matcher.use(REFERENCE + "tolerance_basis_points = 10\n")
    for number, rest in ((1, 5_990), (2, 5_989)):
        await tell(matcher, [matcher.movement(number), matcher.line(number, amount_minor=4_000)])
        await tell(matcher, [matcher.line(number, amount_minor=rest)])
    assert await end_of(matcher) == (
        {"MATCHED": 2, "AMOUNT_MISMATCH": 1, "DUPLICATE": 1},
        {"AMOUNT_MISMATCH": 1, "DUPLICATE": 1},
    )


async def test_parts_in_another_currency_are_added_as_the_channel_settled_them(matcher: Matcher) -> None:
    def part(euros: int, dollars: int) -> ReportedLine:
        settled: dict[str, Any] = {"settlement_amount_minor": dollars, "settlement_currency_code": "USD"}
        return matcher.line(1, currency_code="EUR", amount_minor=euros, **settled)

    await tell(matcher, [matcher.movement(1)], [part(3_200, 4_000)], [part(4_800, 5_999)])
    assert await end_of(matcher) == ({"MATCHED": 2}, {})


async def test_lines_that_people_are_about_to_decide_stay_as_they_are_until_they_do_not(matcher: Matcher) -> None:
    desk = Desk(matcher.runtime)
    await tell(matcher, [matcher.movement(1), matcher.line(1, amount_minor=4_000)])
    listed = await matcher.runtime.read(lambda tx: tx.fetch("SELECT discrepancy_id FROM discrepancy"))
    correction = (await desk.resolve(EXPLAIN, discrepancy_id=listed[0][0])).correction
    await tell(matcher, [matcher.line(1, amount_minor=6_000)], [])
    assert await matcher.found() == {"AMOUNT_MISMATCH": 1, "DUPLICATE": 1}
    await desk.reject(correction.correction_id)
    assert await end_of(matcher) == ({"MATCHED": 2}, {})


async def test_lines_that_people_have_decided_stay_as_they_are(matcher: Matcher) -> None:
    desk = Desk(matcher.runtime)
    await tell(matcher, [matcher.movement(1), matcher.line(1, amount_minor=4_000)])
    listed = await matcher.runtime.read(lambda tx: tx.fetch("SELECT discrepancy_id FROM discrepancy"))
    correction = (await desk.resolve(EXPLAIN, discrepancy_id=listed[0][0])).correction
    await desk.approve(correction.correction_id)
    await tell(matcher, [matcher.line(1, amount_minor=6_000)])
    assert await end_of(matcher) == ({"AMOUNT_MISMATCH": 1, "DUPLICATE": 1}, {"DUPLICATE": 1})


async def test_much_that_differs_is_matched_in_small_portions(
    matcher: Matcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(regrouping, "DIFFERING_AT_ONCE_MAX", 2)
    work = partial(match_lines, channel=CHANNEL, limit=jobs.MATCHED_AT_ONCE_MAX)
    await matcher.record(*(matcher.movement(number) for number in range(5)))
    await matcher.report(*(matcher.line(number, amount_minor=4_000) for number in range(5)))
    with pytest.raises(regrouping.TooManyDifferError):
        await matcher.runtime.transaction(work)
    assert await matcher.statuses() == {}
    await matcher.match()
    assert await matcher.found() == {"AMOUNT_MISMATCH": 5}
    await matcher.record(*(matcher.movement(number) for number in range(5, 10)))
    await matcher.match()
    matcher.pass_time(hours=80)
    until = matcher.runtime.clock.now()
    work = partial(call_movements_missing, channel=CHANNEL, until=until, limit=jobs.MATCHED_AT_ONCE_MAX)
    with pytest.raises(regrouping.TooManyDifferError):
        await matcher.runtime.transaction(work)
    await matcher.match()
    assert await matcher.found() == {"AMOUNT_MISMATCH": 5, "MISSING_CHANNEL": 5}


@pytest.mark.parametrize(("seed", "at_once"), [*((seed, 2_000) for seed in range(6)), (6, 2), (7, 3)])
async def test_parts_end_alike_however_they_are_dealt_over_looks(
    matcher: Matcher, monkeypatch: pytest.MonkeyPatch, seed: int, at_once: int
) -> None:
    monkeypatch.setattr(regrouping, "DIFFERING_AT_ONCE_MAX", at_once)
    chance = random.Random(seed)  # noqa: S311 - repeatable, not secret
    await matcher.use(RULES)
    things = [each for number in range(1, 13) for each in in_parts(matcher, chance, number)]
    chance.shuffle(things)
    await tell(matcher, *dealt(things, chance))
    lines = sum(isinstance(each, ReportedLine) for each in things)
    assert await end_of(matcher) == ({"MATCHED": lines}, {})


def in_parts(matcher: Matcher, chance: random.Random, number: int) -> list[Comes]:
    """One movement and its lines, or one line and its movements; each line names it as it likes."""
    amounts = [chance.randrange(1, 10_000) for _ in range(chance.randrange(1, 6))]
    if chance.random() < 1 / 3:
        movements = [
            matcher.movement(number * 100 + at, channel_reference=f"ch_{number}", amount_minor=amount)
            for at, amount in enumerate(amounts)
        ]
        only = {"attempt_id": None, "related_no": None}
        return [matcher.line(number, amount_minor=sum(amounts), **only), *movements]
    movement = matcher.movement(number, amount_minor=sum(amounts))
    names: list[dict[str, Any]] = [
        {},
        {"attempt_id": None, "related_no": None},
        {"channel_reference": "bank", "related_no": None},
        {"channel_reference": None, "attempt_id": None, "related_no": None, "text": f"of {movement.related_no}"},
    ]
    return [movement, *(matcher.line(number, amount_minor=amount, **chance.choice(names)) for amount in amounts)]


def dealt(things: Sequence[Comes], chance: random.Random) -> list[Sequence[Comes]]:
    """Some at a time, one or all of them."""
    most = chance.choice([1, 3, 10, len(things)])
    looks, at = [], 0
    while at < len(things):
        some = chance.randrange(1, most + 1)
        looks.append(things[at : at + some])
        at += some
    return looks
