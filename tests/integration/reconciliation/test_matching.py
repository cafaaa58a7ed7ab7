"""Lines and movements that belong together, and how those differ that do not: each kind by hand."""

from datetime import UTC, date, datetime, timedelta

import pytest
from prometheus_client import REGISTRY

from paykit.ids import named_id
from services.reconciliation import jobs, store
from services.reconciliation.commands.matching import rules_of
from services.reconciliation.domain.movement import UnmovedOutcome
from services.reconciliation.domain.rule_set import parse
from tests.integration.reconciliation.matching import CHANNEL, DAY, NOON, Matcher, failed_attempt

RULES = '[[rule]]\nkind = "REFERENCE"\nby = "channel_reference"\n'


async def test_a_line_and_its_movement_match_whichever_comes_first(matcher: Matcher) -> None:
    await matcher.record(matcher.movement(1))
    await matcher.report(matcher.line(1), matcher.line(2))
    await matcher.match()
    await matcher.record(matcher.movement(2))
    await matcher.match()
    assert (await matcher.statuses(), await matcher.found()) == ({"MATCHED": 2}, {})


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
        # A channel may tell any long: less 100.00, this is none any more.
        (
            {"currency_code": "EUR", "settlement_currency_code": "USD", "settlement_amount_minor": -(2**63)},
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
async def test_a_line_is_held_against_its_movement(
    matcher: Matcher, changes: dict[str, object], kind: str | None
) -> None:
    await matcher.record(matcher.movement(1))
    await matcher.report(matcher.line(1, **changes))
    await matcher.match()
    matcher.pass_time(hours=2)
    await matcher.match()
    assert await matcher.found() == ({} if kind is None else {kind: 1})


async def test_fees_are_looked_at_where_rules_say_what_they_should_be(matcher: Matcher) -> None:
    # 1.5 % of 100.00 and 0.10: 1.60; of 0.33 it is 0.005, so 0.00 and 0.10.
    await matcher.use(RULES + "[fee]\nbasis_points = 150\nfixed_minor = 10\n")
    await matcher.record(matcher.movement(1), matcher.movement(2), matcher.movement(3, amount_minor=33))
    await matcher.report(
        matcher.line(1, channel_fee_minor=160),
        matcher.line(2, channel_fee_minor=161),
        matcher.line(3, amount_minor=33, channel_fee_minor=10),
    )
    await matcher.match()
    assert (await matcher.statuses(), await matcher.found()) == ({"MATCHED": 2, "FEE_MISMATCH": 1}, {"FEE_MISMATCH": 1})


async def test_amounts_may_differ_by_the_tolerance(matcher: Matcher) -> None:
    # 0.05, or 0.1 % of 100.00, which is 0.10.
    await matcher.use(RULES + "tolerance_minor = 5\ntolerance_basis_points = 10\n")
    await matcher.record(*(matcher.movement(number) for number in (1, 2)))
    await matcher.report(matcher.line(1, amount_minor=10_010), matcher.line(2, amount_minor=9_989))
    await matcher.match()
    assert await matcher.statuses() == {"MATCHED": 1, "AMOUNT_MISMATCH": 1}


async def test_a_second_line_of_one_movement_is_a_duplicate_at_once_or_later(matcher: Matcher) -> None:
    await matcher.record(matcher.movement(1), matcher.movement(2))
    await matcher.report(matcher.line(1), matcher.line(1), matcher.line(2))
    await matcher.match()
    await matcher.report(matcher.line(2))
    await matcher.match()
    assert (await matcher.statuses(), await matcher.found()) == ({"MATCHED": 2, "DUPLICATE": 2}, {"DUPLICATE": 2})


async def test_a_line_told_again_is_the_same_line(matcher: Matcher) -> None:
    await matcher.record(matcher.movement(1))
    line = matcher.line(1)
    await matcher.report(line, line)
    await matcher.report(line)
    await matcher.match()
    assert (await matcher.counts())["lines"] == 1
    assert await matcher.found() == {}


async def test_lines_whose_sum_is_that_of_the_movement_are_its_parts(matcher: Matcher) -> None:
    await matcher.record(matcher.movement(1))
    await matcher.report(matcher.line(1, amount_minor=4_000), matcher.line(1, amount_minor=6_000))
    await matcher.match()
    assert (await matcher.statuses(), await matcher.found()) == ({"MATCHED": 2}, {})


async def test_several_captures_of_one_reference_meet_their_lines_in_any_order(matcher: Matcher) -> None:
    parts = [matcher.movement(n, channel_reference="ch_1", amount_minor=n * 1_000) for n in (3, 7, 9)]
    await matcher.record(*parts)
    bare = {"channel_reference": "ch_1", "attempt_id": None, "related_no": None}
    lines = [matcher.line(1, **bare, amount_minor=amount) for amount in (9_000, 7_000, 3_100)]
    await matcher.report(*lines)
    await matcher.match()
    assert (await matcher.statuses(), await matcher.found()) == (
        {"MATCHED": 2, "AMOUNT_MISMATCH": 1},
        {"AMOUNT_MISMATCH": 1},
    )


async def test_lines_without_references_match_by_amount_and_day(matcher: Matcher) -> None:
    await matcher.use('[[rule]]\nkind = "WINDOW"\ndays = 2\n')
    await matcher.record(*(matcher.movement(n, channel_reference=None) for n in (1, 2, 3)))
    bare = {"channel_reference": "bank 1", "attempt_id": None, "related_no": None}
    near, far = DAY + timedelta(days=2), DAY + timedelta(days=3)
    await matcher.report(
        matcher.line(1, **bare, line_date=near), matcher.line(2, **bare), matcher.line(3, **bare, line_date=far)
    )
    await matcher.match()
    matcher.pass_time(hours=2)
    await matcher.match()
    assert (await matcher.statuses(), await matcher.found()) == (
        {"MATCHED": 2, "MISSING_INTERNAL": 1},
        {"MISSING_INTERNAL": 1},
    )


async def test_lines_at_the_ends_of_the_calendar_match_what_is_near_and_hold_up_no_other(matcher: Matcher) -> None:
    await matcher.use(
        '[[rule]]\nkind = "WINDOW"\ndays = 31\n[[rule]]\nkind = "BATCH"\noperation = "CAPTURE"\nlag_days = 31\n'
    )
    last_noon = datetime(9999, 12, 31, 12, tzinfo=UTC)
    await matcher.record(
        matcher.movement(1), matcher.movement(2, amount_minor=200), matcher.movement(3, occurred_at=last_noon)
    )
    bare = {"channel_reference": None, "attempt_id": None, "related_no": None}
    ends = [date(1, 1, 1), date(1, 1, 2), date(9999, 12, 30), date(9999, 12, 31)]
    await matcher.report(
        *(matcher.line(number, **bare, amount_minor=700, line_date=day) for number, day in enumerate(ends)),
        matcher.line(4, **bare),
        matcher.line(5, **bare, line_date=date(9999, 12, 31)),
    )
    await matcher.match()
    assert await matcher.statuses() == {"MATCHED": 2}
    matcher.pass_time(hours=73)
    await matcher.match()
    assert await matcher.found() == {"MISSING_INTERNAL": 4, "MISSING_CHANNEL": 1}
    told = "SELECT value_date FROM discrepancy WHERE kind = 'MISSING_INTERNAL' ORDER BY value_date"
    days = [row["value_date"] for row in await matcher.runtime.read(lambda tx: tx.fetch(told))]
    assert days == ["0001-01-01", "0001-01-02", "9999-12-30", "9999-12-31"]


async def test_one_line_matches_all_movements_of_a_day(matcher: Matcher) -> None:
    await matcher.use('[[rule]]\nkind = "BATCH"\noperation = "CAPTURE"\nlag_days = 1\n')
    await matcher.record(
        matcher.movement(1),
        matcher.movement(2, amount_minor=2_500),
        matcher.movement(3, occurred_at=NOON + timedelta(days=1)),
    )
    bare = {"channel_reference": "bank 1", "attempt_id": None, "related_no": None}
    await matcher.report(matcher.line(1, **bare, amount_minor=12_500, line_date=date(2026, 3, 2)))
    await matcher.match()
    assert await matcher.statuses() == {"MATCHED": 1}
    assert (await matcher.counts())["decided_movements"] == 2


@pytest.mark.parametrize("operation", ["\\u0000", "CAPTUR", "FEE"])
async def test_a_kept_rule_of_what_nothing_moves_by_holds_up_no_other(matcher: Matcher, operation: str) -> None:
    await matcher.use(f'[[rule]]\nkind = "BATCH"\noperation = "{operation}"\n' + RULES)
    await matcher.record(matcher.movement(1))
    bare = {"channel_reference": None, "attempt_id": None, "related_no": None}
    await matcher.report(matcher.line(1), matcher.line(2, **bare))
    await matcher.match()
    assert await matcher.statuses() == {"MATCHED": 1}


async def test_what_is_missing_is_found_when_it_comes(matcher: Matcher) -> None:
    await matcher.report(matcher.line(1))
    await matcher.record(matcher.movement(2))
    await matcher.match()
    assert await matcher.found() == {}
    matcher.pass_time(minutes=61)
    await matcher.match()
    assert await matcher.found() == {"MISSING_INTERNAL": 1}
    matcher.pass_time(hours=72)
    await matcher.match()
    assert await matcher.found() == {"MISSING_INTERNAL": 1, "MISSING_CHANNEL": 1}
    await matcher.record(matcher.movement(1))
    await matcher.report(matcher.line(2))
    await matcher.match()
    assert (await matcher.statuses(), await matcher.found()) == ({"MATCHED": 2}, {})
    resolved = await matcher.runtime.read(lambda tx: tx.fetch("SELECT resolution FROM discrepancy"))
    assert [row["resolution"] for row in resolved] == ["MATCHED", "MATCHED"]


@pytest.mark.parametrize("outcome", list(UnmovedOutcome))
async def test_money_that_moved_by_a_call_that_did_not_succeed_contradicts_it(
    matcher: Matcher, outcome: UnmovedOutcome
) -> None:
    await matcher.record(failed_attempt(1, outcome))
    await matcher.report(matcher.line(1), matcher.line(2, outcome="FAILED"))
    await matcher.match()
    matcher.pass_time(hours=2)
    await matcher.match()
    assert (await matcher.statuses(), await matcher.found()) == ({"CONTRADICTED": 1, "MATCHED": 1}, {"CONTRADICTED": 1})
    await matcher.record(matcher.movement(1))
    await matcher.match()
    assert await matcher.found() == {}


async def test_a_movement_whose_line_says_that_it_failed_is_not_missing_as_well(matcher: Matcher) -> None:
    await matcher.record(matcher.movement(1))
    await matcher.report(matcher.line(1, outcome="FAILED"))
    await matcher.match()
    matcher.pass_time(days=4)
    await matcher.match()
    assert await matcher.found() == {"CONTRADICTED": 1}
    await matcher.report(matcher.line(1))
    await matcher.match()
    assert await matcher.statuses() == {"CONTRADICTED": 1, "MATCHED": 1}


async def test_a_statement_is_reconciled_once_all_its_lines_are_decided(matcher: Matcher) -> None:
    await matcher.record(matcher.movement(1))
    fee = matcher.line(8, operation="FEE", amount_minor=7)
    payout = matcher.line(9, operation="PAYOUT_TO_PLATFORM", amount_minor=9_993)
    await matcher.report(matcher.line(1), matcher.line(2), fee, payout)
    await matcher.match()
    closed = (
        """UPDATE statement SET state = 'CLOSED', line_count = 4, statement_fee_minor = 7, acquirer_net_minor = 9_994"""
    )
    await matcher.runtime.transaction(lambda tx: tx.run(closed))
    await jobs.reconcile_statements(matcher.runtime)
    assert await matcher.statuses() == {"MATCHED": 2, "AMOUNT_MISMATCH": 1}
    state = "SELECT state, count(*) FROM statement GROUP BY state"
    assert (await matcher.runtime.read(lambda tx: tx.fetch(state)))[0]["state"] == "CLOSED"
    matcher.pass_time(hours=2)
    await matcher.match()
    await jobs.reconcile_statements(matcher.runtime)
    assert (await matcher.runtime.read(lambda tx: tx.fetch(state)))[0]["state"] == "RECONCILED"
    assert await matcher.found() == {"AMOUNT_MISMATCH": 1, "MISSING_INTERNAL": 1}


async def test_closed_statements_that_are_not_reconciled_are_counted_by_channel(matcher: Matcher) -> None:
    def measured() -> tuple[float | None, float | None]:
        name, labels = "paystream_statements_unreconciled", {"channel": CHANNEL}
        return (
            REGISTRY.get_sample_value(name, labels),
            REGISTRY.get_sample_value(f"{name}_oldest_seconds", labels),
        )

    await matcher.report(matcher.line(1), closed=True)
    matcher.pass_time(seconds=90)
    await jobs.report_statements(matcher.runtime)
    assert measured() == (1, 90)
    await matcher.record(matcher.movement(1))
    await matcher.match()
    await jobs.reconcile_statements(matcher.runtime)
    await jobs.report_statements(matcher.runtime)
    assert measured() == (None, None)


async def test_each_line_and_each_movement_is_counted_once(matcher: Matcher) -> None:
    await matcher.record(*(matcher.movement(number) for number in range(5)))
    await matcher.report(*(matcher.line(number) for number in range(3, 8)))
    await matcher.match()
    matcher.pass_time(days=4)
    await matcher.match()
    counts = await matcher.counts()
    assert (counts["lines"], counts["decided_lines"], counts["waiting_lines"]) == (5, 5, 0)
    assert (counts["movements"], counts["decided_movements"], counts["waiting_movements"]) == (5, 5, 0)
    assert (counts["untold_lines"], counts["untold_movements"], counts["torn_pairs"]) == (0, 0, 0)


async def test_a_channel_without_rules_of_its_own_is_matched_by_the_file_that_ships(matcher: Matcher) -> None:
    applied = await matcher.runtime.read(lambda tx: rules_of(tx, CHANNEL))
    assert applied == parse(store.default_rules())
    await matcher.use(RULES)
    assert await matcher.runtime.read(lambda tx: rules_of(tx, CHANNEL)) == parse(RULES)


async def test_a_failure_told_of_a_matched_movement_leaves_it_with_the_line_it_has(matcher: Matcher) -> None:
    await matcher.record(matcher.movement(1))
    for changes in ({}, {"outcome": "FAILED"}, {}):
        await matcher.report(matcher.line(1, **changes))
        await matcher.match()
    assert await matcher.statuses() == {"MATCHED": 1, "CONTRADICTED": 1, "DUPLICATE": 1}
    await matcher.runtime.read(store.verification.check_outcomes)
