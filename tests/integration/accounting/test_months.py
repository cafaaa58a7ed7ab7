"""Months of the journal: there before they begin, and made late without anything being lost or booked twice."""

from datetime import UTC, datetime

from paykit.ids import new_id
from paykit.process.runtime import Runtime
from services.accounting import jobs, store
from services.accounting.commands.verification import verify
from tests.integration.accounting.books import consume, rows
from tests.unit.accounting.ledger import capture

_PARTS = """
SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
WHERE i.inhparent = 'journal'::regclass ORDER BY 1
"""
_PLACES = "SELECT tableoid::regclass::text, count(*) FROM {table} GROUP BY 1 ORDER BY 1"


def capture_id(at: datetime, number: int) -> str:
    return f"cap_{int(at.timestamp() * 1_000):012x}70008{number:015x}"


async def test_the_present_month_and_two_more_are_there_from_the_beginning(ledger: Runtime) -> None:
    assert await ledger.transaction(lambda tx: store.former.keep_months(tx, datetime.now(UTC))) == 3
    parts = [name for (name,) in await rows(ledger, _PARTS)]
    before, *months, rest = parts
    assert (before, rest) == ("journal_0", "journal_default")
    assert months[-3] == f"journal_{datetime.now(UTC):%Y%m}"
    assert len(months) in (3, 4)  # Four where a month has ended since the migrations made three.


async def test_months_follow_each_other_over_the_end_of_a_year(ledger: Runtime) -> None:
    december = datetime(2080, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)
    assert await ledger.transaction(lambda tx: store.former.keep_months(tx, december)) == 3
    parts = [name for (name,) in await rows(ledger, _PARTS)]
    assert {"journal_208012", "journal_208101", "journal_208102"} < set(parts)
    await consume(ledger, capture(1, capture_id=capture_id(december, 1)))
    assert await rows(ledger, _PLACES.format(table="journal")) == [("journal_208012", 1)]


async def test_what_came_before_its_month_moves_into_it_and_is_booked_once(ledger: Runtime) -> None:
    now = datetime(2091, 5, 17, tzinfo=UTC)
    late, older = datetime(2091, 3, 31, 23, 59, tzinfo=UTC), datetime(2024, 1, 1, tzinfo=UTC)
    events = [
        *(capture(at, capture_id=capture_id(late, at)) for at in range(40)),
        capture(50, capture_id=capture_id(now, 50)),
        capture(51, capture_id=capture_id(older, 51)),
        capture(52, capture_id=new_id("cap")),
        capture(1),
    ]
    await consume(ledger, *events)
    present = f"journal_{datetime.now(UTC):%Y%m}"
    before = await rows(ledger, "SELECT * FROM entry ORDER BY transaction_id, line")
    places = [("journal_0", 1), (present, 1), ("journal_default", 42)]
    assert await rows(ledger, _PLACES.format(table="journal")) == sorted(places)
    assert await ledger.transaction(lambda tx: store.former.keep_months(tx, now)) == 3
    places = [("journal_0", 1), (present, 1), ("journal_209103", 40), ("journal_209105", 1), ("journal_default", 1)]
    assert await rows(ledger, _PLACES.format(table="journal")) == sorted(places)
    legs = {name.replace("leg", "journal") for name, _ in await rows(ledger, _PLACES.format(table="leg"))}
    assert legs == {name for name, _ in places}
    assert await rows(ledger, "SELECT * FROM entry ORDER BY transaction_id, line") == before
    assert set(await consume(ledger, *events)) == {None}
    assert await rows(ledger, "SELECT * FROM entry ORDER BY transaction_id, line") == before
    assert (await ledger.read(verify)).transactions == len(events)


async def test_the_job_tells_how_many_months_there_are(ledger: Runtime) -> None:
    assert not await jobs.keep_months(ledger)
    assert jobs.MONTHS._value.get() == 3
