"""Two people close a period, and nothing is dated into it any more."""

from datetime import UTC, datetime, timedelta

import pytest

from paykit.base.four_eyes import SamePerson
from paykit.errors import FieldInvalid
from services.accounting import store
from services.accounting.domain import period as periods
from services.accounting.domain import transaction as transactions
from services.accounting.domain.booking import book
from services.accounting.domain.period import ClosePeriod, Period, PeriodClosed, PeriodState
from tests.unit.accounting.ledger import NOON, capture

NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)
TICK = timedelta(microseconds=1)


def ask(
    person: str | None, period: Period | None = None, *, end_at: datetime = NEW_YEAR, through: datetime | None = None
) -> Period:
    asked = ClosePeriod(end_at=end_at, reason="Year 2025", person=person)
    return periods.close(asked, period, period_id="per_1", closed_through=through, now=NOON)


def test_one_person_proposes_and_another_closes() -> None:
    proposed = ask("ann")
    assert (proposed.state, proposed.proposer, proposed.closer) == (PeriodState.PROPOSED, "ann", None)
    closed = ask("bob", proposed)
    assert (closed.state, closed.proposer, closed.closer) == (PeriodState.CLOSED, "ann", "bob")


@pytest.mark.parametrize("person", ["ann", "ANN", " Ann"])
def test_asking_again_changes_nothing(person: str) -> None:
    proposed = ask("ann")
    assert ask(person, proposed) == proposed
    closed = ask("bob", proposed)
    assert ask(person, closed, through=NEW_YEAR) == ask("carl", closed, through=NEW_YEAR) == closed


def test_what_cannot_be_closed_says_why() -> None:
    with pytest.raises(SamePerson):
        ask(None)
    with pytest.raises(FieldInvalid):
        ask("ann", end_at=NOON + TICK)
    for end_at in (NEW_YEAR, NEW_YEAR - TICK):
        with pytest.raises(PeriodClosed) as refused:
            ask("ann", end_at=end_at, through=NEW_YEAR)
        assert refused.value.metadata == {"closed_through_time": "2026-01-01T00:00:00+00:00"}


def test_a_proposal_that_a_later_closing_has_overtaken_is_closed_by_nobody() -> None:
    proposed = ask("ann")
    with pytest.raises(PeriodClosed):
        ask("bob", proposed, through=NEW_YEAR + TICK)


def test_the_end_of_a_period_belongs_to_it() -> None:
    periods.require_open(NEW_YEAR + TICK, NEW_YEAR)
    periods.require_open(NEW_YEAR, None)
    for moment in (NEW_YEAR, NEW_YEAR - timedelta(days=1)):
        with pytest.raises(PeriodClosed):
            periods.require_open(moment, NEW_YEAR)


def test_what_an_event_tells_late_is_effective_in_the_first_open_moment_and_keeps_its_own_time() -> None:
    chart = store.load_chart("merchant_asset")
    late, in_time = (capture(1, occurred_at=moment) for moment in (NEW_YEAR, NEW_YEAR + TICK))
    made = book(chart, late, NOON, closed_through=NEW_YEAR)
    assert made is not None
    assert (made.effective_at, made.occurred_at) == (NEW_YEAR + TICK, NEW_YEAR)
    told = transactions.created_event(made, chart_name="merchant_asset")
    assert (told.effective_at, told.occurred_at) == (NEW_YEAR + TICK, NEW_YEAR)
    other = book(chart, in_time, NOON, closed_through=NEW_YEAR)
    assert other is not None
    assert (other.effective_at, other.occurred_at) == (NEW_YEAR + TICK, None)


def test_an_event_told_again_after_its_period_was_closed_is_the_same() -> None:
    chart = store.load_chart("merchant_asset")
    event = capture(1, occurred_at=NEW_YEAR)
    before, after = book(chart, event, NOON), book(chart, event, NOON, closed_through=NEW_YEAR)
    assert before is not None
    assert after is not None
    assert transactions.is_replay(before, after, dated=True)
    assert transactions.is_replay(after, before, dated=True)
