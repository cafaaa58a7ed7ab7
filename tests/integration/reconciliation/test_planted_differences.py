"""Differences planted at random among lines and movements that belong together: all are found, and nothing else is."""

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from services.reconciliation.domain.movement import ChannelMovement, UnmovedAttempt, UnmovedOutcome
from services.reconciliation.domain.statement import ReportedLine
from tests.integration.reconciliation.matching import DAY, NOON, Matcher, failed_attempt

RULES = """
channel_hours = 72
internal_minutes = 60
[[rule]]
kind = "REFERENCE"
by = "channel_reference"
tolerance_basis_points = 10
[[rule]]
kind = "REFERENCE"
by = "attempt_id"
tolerance_minor = 5
[[rule]]
kind = "REFERENCE"
by = "related_no"
[[rule]]
kind = "TEXT"
[[rule]]
kind = "WINDOW"
days = 1
[[rule]]
kind = "BATCH"
operation = "PAY"
lag_days = 1
[fee]
basis_points = 150
"""
NAMELESS: dict[str, Any] = {"channel_reference": None, "attempt_id": None, "related_no": None}
APART_MINOR = 10_000
"""Amounts are so far from one another that none that differs is that of another movement."""
CASES = 150
LOST = "MISSING_INTERNAL"


@dataclass
class Plan:
    """What is told, and what is to be found: kind, and line_id or movement_id."""

    movements: list[ChannelMovement] = field(default_factory=list)
    unmoved: list[UnmovedAttempt] = field(default_factory=list)
    lines: list[ReportedLine] = field(default_factory=list)
    expected: Counter[tuple[str, str]] = field(default_factory=Counter)

    def add(self, movement: ChannelMovement | None, *lines: ReportedLine, kind: str | None = None) -> None:
        """Add what belongs together; the last line, or the movement where there is none, differs by `kind`."""
        if movement is not None:
            self.movements.append(movement)
        self.lines.extend(lines)
        if kind is not None:
            self.expected[(kind, lines[-1].line_id if lines else self.movements[-1].movement_id)] += 1


def fee(amount_minor: int) -> int:
    return (amount_minor * 150 + 5_000) // 10_000


def plant(plan: Plan, matcher: Matcher, chance: random.Random, number: int) -> None:  # noqa: C901, PLR0912 - cases
    """Add one case."""
    amount = 1_000_000 + number * APART_MINOR + chance.randrange(100)
    operation = chance.choice(["CAPTURE", "CAPTURE", "REFUND"])
    kept = fee(amount) if operation == "CAPTURE" else 0
    movement = matcher.movement(number, amount_minor=amount, operation=operation)
    same = matcher.line(number, amount_minor=amount, operation=operation, channel_fee_minor=kept)
    unnamed: dict[str, Any] = dict.fromkeys(chance.sample(sorted(NAMELESS), chance.randrange(3)))
    named = replace(same, **unnamed)
    settled: dict[str, Any] = {
        "settlement_amount_minor": amount,
        "settlement_currency_code": "USD",
        "exchange_rate": "1.25",
    }
    match chance.randrange(18):
        case 0:
            # More than any tolerance: 0.1 % of at most 2,500,000.
            other = amount + chance.choice([-2_501, 2_501, 9_000])
            plan.add(movement, replace(named, amount_minor=other), kind="AMOUNT_MISMATCH")
        case 1:
            plan.add(movement, replace(named, currency_code="EUR"), kind="CURRENCY_MISMATCH")
        case 2 if operation == "CAPTURE":
            plan.add(movement, replace(named, channel_fee_minor=kept + chance.choice([-1, 1, 99])), kind="FEE_MISMATCH")
        case 3:
            # Whichever of both is seen first is the one that matches.
            plan.add(movement, same, replace(same, line_id=f"again {number}"), kind="DUPLICATE")
        case 4:
            plan.add(None, replace(same, **chance.choice([{}, NAMELESS])), kind=LOST)
        case 5:
            plan.add(movement, kind="MISSING_CHANNEL")
        case 6:
            plan.add(movement, replace(same, **NAMELESS, line_date=DAY + timedelta(days=chance.randrange(2))))
        case 7:
            plan.add(movement, replace(same, **NAMELESS, text=f"no. {movement.related_no} of yours"))
        case 8 if operation == "REFUND":
            plan.add(movement, *in_parts(same, chance))
        case 9:
            plan.add(movement, replace(named, currency_code="EUR", amount_minor=amount * 4 // 5, **settled))
        case 10 | 11:
            plan.add(movement, *in_parts(same, chance))
        case 12:
            plan.add(movement, replace(named, outcome="FAILED"), kind="CONTRADICTED")
        case 13:
            plan.unmoved.append(failed_attempt(number, chance.choice(list(UnmovedOutcome))))
            plan.add(None, replace(same, operation="CAPTURE"), kind="CONTRADICTED")
        case 14:
            # 0.1 % of what is recorded, no more.
            most, kind = amount // 1_000, chance.choice([None, "AMOUNT_MISMATCH"])
            other = amount + chance.choice([-1, 1]) * (most if kind is None else most + 1)
            plan.add(movement, replace(same, attempt_id=None, related_no=None, amount_minor=other), kind=kind)
        case 15:
            by, kind = chance.choice([(5, None), (6, "AMOUNT_MISMATCH")])
            only: dict[str, Any] = {"channel_reference": None, "related_no": None}
            plan.add(movement, replace(same, **only, amount_minor=amount + by), kind=kind)
        case 16:
            plant_sum(plan, matcher, chance, number)
        case _:
            plan.add(movement, named)


def in_parts(line: ReportedLine, chance: random.Random) -> list[ReportedLine]:
    """Two or three lines in the place of one, each with names of its own choice."""
    cuts = sorted(chance.sample(range(3_000, line.amount_minor - 3_000), chance.randrange(1, 3)))
    amounts = [high - low for low, high in pairwise([0, *cuts, line.amount_minor])]
    unnamed: list[dict[str, Any]] = [
        dict.fromkeys(chance.sample(sorted(NAMELESS), chance.randrange(3))) for _ in amounts
    ]
    return [
        replace(line, **without, line_id=f"{line.line_id}, part {at}", amount_minor=amount)
        for at, (amount, without) in enumerate(zip(amounts, unnamed, strict=True))
    ]


def plant_sum(plan: Plan, matcher: Matcher, chance: random.Random, number: int) -> None:
    """Add movements of one reference that one line sums up."""
    movements = [
        matcher.movement(
            10_000 + number * 10 + at, channel_reference=f"ch_{number}", amount_minor=chance.randrange(3_000, 10**6)
        )
        for at in range(chance.randrange(2, 5))
    ]
    total = sum(movement.amount_minor for movement in movements)
    plan.movements.extend(movements)
    # What the channel keeps of captures is not looked at where one line is of several.
    plan.add(None, matcher.line(number, amount_minor=total, attempt_id=None, related_no=None))


def plant_payouts(plan: Plan, matcher: Matcher, chance: random.Random, *, day: int) -> None:
    """Add the payouts of a day that one line sums up; on some days its sum is wrong."""
    wrong = chance.choice([0, 0, 1])
    payouts = [
        matcher.movement(
            100_000 + day * 100 + at,
            operation="PAY",
            amount_minor=chance.randrange(1, 10**6),
            occurred_at=NOON - timedelta(days=day),
        )
        for at in range(chance.randrange(2, 6))
    ]
    total = sum(payout.amount_minor for payout in payouts) + wrong
    line = matcher.line(0, operation="PAY", amount_minor=total, line_date=DAY - timedelta(days=day - 1), **NAMELESS)
    for payout in payouts:
        plan.add(payout, kind="MISSING_CHANNEL" if wrong else None)
    plan.add(None, line, kind=LOST if wrong else None)


def dealt(
    plan: Plan, chance: random.Random
) -> Iterator[tuple[list[ChannelMovement | UnmovedAttempt], list[ReportedLine]]]:
    """Yield all of it in an order of chance, some at a time."""
    facts: list[ChannelMovement | UnmovedAttempt] = [*plan.movements, *plan.unmoved]
    lines = plan.lines[:]
    chance.shuffle(facts)
    chance.shuffle(lines)
    while facts or lines:
        some, others = chance.randrange(1, 60), chance.randrange(1, 60)
        yield facts[:some], lines[:others]
        facts, lines = facts[some:], lines[others:]


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_all_that_was_planted_is_found_and_nothing_else(matcher: Matcher, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - repeatable, not secret
    plan = Plan()
    for number in range(CASES):
        plant(plan, matcher, chance, number)
    for day in range(1, 6):
        plant_payouts(plan, matcher, chance, day=day)
    await matcher.use(RULES)
    for facts, lines in dealt(plan, chance):
        await matcher.record(*facts)
        await matcher.report(*lines)
        await matcher.match()
    matcher.pass_time(hours=80)
    await matcher.match()
    assert await found(matcher) == folded(plan.expected)
    await every_line_and_movement_has_one_outcome(matcher, plan)


async def found(matcher: Matcher) -> Counter[tuple[str, str]]:
    sql = "SELECT kind, coalesce(line_id, movement_id) FROM discrepancy WHERE state = 'OPEN'"
    rows = await matcher.runtime.read(lambda tx: tx.fetch(sql))
    return folded(Counter({(row[0], row[1]): 1 for row in rows}))


def folded(found: Counter[tuple[str, str]]) -> Counter[tuple[str, str]]:
    """Take both lines of a duplicate for one: which of them is the second depends on which was seen first."""
    return Counter({(kind, "" if kind == "DUPLICATE" else name): 1 for kind, name in found}) + Counter(
        {("DUPLICATE", "how many"): sum(number for (kind, _), number in found.items() if kind == "DUPLICATE")}
    )


async def every_line_and_movement_has_one_outcome(matcher: Matcher, plan: Plan) -> None:
    """Matched and different lines are all lines, and so it is with movements."""
    counts = await matcher.counts()
    assert (counts["lines"], counts["decided_lines"], counts["waiting_lines"]) == (len(plan.lines), len(plan.lines), 0)
    assert (counts["movements"], counts["decided_movements"]) == (len(plan.movements), len(plan.movements))
    assert (counts["waiting_movements"], counts["untold_lines"], counts["untold_movements"], counts["torn_pairs"]) == (
        *(0, 0, 0, 0),
    )
