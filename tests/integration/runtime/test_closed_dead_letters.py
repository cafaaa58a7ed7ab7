"""Dead letters that were decided on are put away, and forgotten at last; open ones never."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from paykit.clock import ManualClock
from paykit.consume.replay import DeadLetterClosed, DeadLetterUnknown
from paykit.consume.store import dead_letters
from paykit.consume.store.dead_letters import CLOSED, DeadLetter
from paykit.postgres.database import Tx
from paykit.postgres.partitions import time_partitions
from paykit.postgres.partitions.time_partitions import Clocks
from paykit.process.runtime import Runtime
from paykit.process.runtime_jobs import housekeeping
from tests.integration.runtime.arrivals import deliver, garbage

STATUSES = ("OPEN", "REPLAYED", "DISCARDED")


def advance(runtime: Runtime, **by: float) -> None:
    assert isinstance(runtime.clock, ManualClock)
    runtime.clock.advance(timedelta(**by))


async def listed(runtime: Runtime, status: str) -> list[int]:
    letters = await runtime.read(lambda tx: dead_letters.list_by_status(tx, status, after=0, limit=1_000))
    return [letter.dead_letter_id for letter in letters]


async def in_table(runtime: Runtime, table: str) -> list[Any]:
    return [row[0] for row in await runtime.read(lambda tx: tx.fetch(f"SELECT {table} FROM {table} ORDER BY 1"))]


async def locked(runtime: Runtime, dead_letter_id: int) -> DeadLetter | None:
    return await runtime.transaction(lambda tx: dead_letters.lock(tx, dead_letter_id))


async def delete_all(tx: Tx) -> None:
    for table in ("dead_letter", "closed_dead_letter", "discarded_event"):
        await tx.run(f"DELETE FROM {table}")


async def replayed(runtime: Runtime, dead_letter_id: int) -> None:
    """Close one as if its handler had taken it since."""
    work = dead_letters.resolve
    await runtime.transaction(lambda tx: work(tx, dead_letter_id, status="REPLAYED", actor="ann"))


async def test_what_was_decided_on_is_put_away_after_a_week_and_found_as_before(runtime: Runtime) -> None:
    await deliver(runtime, [garbage(f"pay_{number}") for number in range(3)])
    first, second, third = await listed(runtime, "OPEN")
    await runtime.replay.discard_dead_letter(first, actor="ann")
    await replayed(runtime, second)
    before = [await locked(runtime, letter) for letter in (first, second, third)]
    advance(runtime, days=7)
    assert await housekeeping.keep_house(runtime) is False
    assert len(await in_table(runtime, "dead_letter")) == 3
    advance(runtime, seconds=1)
    assert await housekeeping.keep_house(runtime) is False
    assert len(await in_table(runtime, "dead_letter")) == 1
    assert [await listed(runtime, status) for status in STATUSES] == [[third], [second], [first]]
    assert [await locked(runtime, letter) for letter in (first, second, third)] == before
    with pytest.raises(DeadLetterClosed):
        await runtime.replay.replay_dead_letter(first, actor="ann")
    with pytest.raises(DeadLetterUnknown):
        await runtime.replay.replay_dead_letter(third + 1, actor="ann")
    assert len(await in_table(runtime, "discarded_event")) == 1


async def test_many_are_put_away_some_at_a_time(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dead_letters, "PUT_AWAY_ROWS_MAX", 2)
    await deliver(runtime, [garbage(f"pay_{number}") for number in range(3)])
    letters = await listed(runtime, "OPEN")
    for letter in letters:
        await runtime.replay.discard_dead_letter(letter, actor="ann")
    advance(runtime, days=8)
    assert [await housekeeping.keep_house(runtime) for _ in range(2)] == [True, False]
    assert await listed(runtime, "DISCARDED") == letters


STEPS = st.lists(st.tuples(st.sampled_from(["open", "discard", "replay", "pass"]), st.integers(0, 60)), max_size=20)
"""What is done, and to which of the open ones, or how many days pass."""


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
async def test_as_time_passes_open_ones_stay_and_closed_ones_as_long_as_is_said(
    runtime: Runtime, steps: list[tuple[str, int]]
) -> None:
    await runtime.transaction(delete_all)
    opened: list[int] = []
    closed: dict[int, int] = {}
    day = 0
    discarded = 0
    for doing, number in steps:
        if doing == "open":
            await deliver(runtime, [garbage("pay_1")])
            opened.append(max(await listed(runtime, "OPEN")))
        elif doing == "pass":
            day += number
            await let_pass(runtime, number)
        elif opened:
            letter = opened.pop(number % len(opened))
            closed[letter] = day
            discarded += doing == "discard"
            if doing == "discard":
                await runtime.replay.discard_dead_letter(letter, actor="ann")
            else:
                await replayed(runtime, letter)
        assert await listed(runtime, "OPEN") == sorted(opened)
        found = {*await listed(runtime, "REPLAYED"), *await listed(runtime, "DISCARDED")}
        assert {letter for letter, at in closed.items() if day - at < 90} <= found
        # A week, then 90 days and at most two periods of 30, and the longest time without a look.
        assert found <= {letter for letter, at in closed.items() if day - at <= 7 + 90 + 60 + 60}
    advance(runtime, days=8)
    await housekeeping.keep_house(runtime)
    assert len(await in_table(runtime, "discarded_event")) == discarded


async def let_pass(runtime: Runtime, days: int) -> None:
    """Have days pass: rows are made older, for the server's clock is not ours, and what is old is dropped."""

    async def age(tx: Tx) -> None:
        older = "UPDATE dead_letter SET resolve_time = resolve_time - make_interval(days => $1) WHERE status <> 'OPEN'"
        await tx.run(older, days)
        await tx.run("UPDATE closed_dead_letter SET day = day - $1::integer", days)

    await runtime.transaction(age)
    await housekeeping.keep_house(runtime)
    now = datetime.now(UTC)
    await time_partitions.keep(runtime.database, CLOSED, clocks=Clocks(database=now, process=now, business=now))
