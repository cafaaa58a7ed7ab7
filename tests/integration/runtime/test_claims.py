"""A request id is carried out once wherever midnight lies, on the server's clock, which these tests set."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import partial
from itertools import product
from typing import Any, TypeVar

import asyncpg
import pytest
from google.protobuf.wrappers_pb2 import StringValue
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from paykit.base.errors import UnavailableError
from paykit.cause import CreatingCall
from paykit.errors import DomainError, RequestIdReused
from paykit.postgres.database import Tx
from paykit.postgres.partitions import time_partitions
from paykit.postgres.partitions.time_partitions import Clocks
from paykit.process.runtime import Runtime
from paykit.serve import idempotency
from paykit.serve.idempotency import CLAIMS, Claim, Creates
from paykit.serve.operations import Call, Operation, Outcome, Settled, apply
from paykit.testing import databases
from paystream.payment.v1.payment_pb2 import CreatePaymentRequest
from tests import probe
from tests.integration.runtime import earlier_build, server_clock

T = TypeVar("T")

WAIT_S = 30.0
MIDNIGHT = datetime(2026, 3, 2, tzinfo=UTC)


def at(text: str, day: int = 2) -> datetime:
    """Make a moment of March 2026."""
    return datetime.fromisoformat(f"2026-03-{day:02d}T{text}+00:00")


@dataclass(frozen=True, slots=True)
class Thing:
    """What the operation MAKE creates."""

    name: str
    creating_call: CreatingCall


@dataclass(frozen=True)
class Things:
    """Their table."""

    quoted: str = '"thing"'
    key: str = "thing_id"


async def make_things(tx: Tx, items: Sequence[Thing]) -> list[str | DomainError]:
    sql = "INSERT INTO thing (thing_id, request_key, request_hash) VALUES ($1, $2, $3)"
    made: list[str | DomainError] = []
    for item in items:
        made.append(f"{item.name} {uuid.uuid4()}")
        await tx.run(sql, made[-1], item.creating_call.request_key, item.creating_call.request_hash)
    return made


async def things_now(_tx: Tx, thing_ids: Collection[str]) -> Mapping[str, str]:
    """Read them as they are now, which replies that are kept do not tell."""
    return {thing_id: f"{thing_id} now" for thing_id in thing_ids}


MAKE = Operation(
    name="Make",
    command=make_things,
    reply=lambda name: StringValue(value=name),
    reply_type=StringValue,
    creates=Creates(table=Things(), read=things_now),
)


@pytest.fixture(autouse=True)
async def _clock(probe_template: str, probe_url: str, runtime: Runtime) -> None:
    admin_url = databases.admin_url_of(probe_template, probe_url)
    await server_clock.install(admin_url)
    await databases_run(
        admin_url,
        "CREATE TABLE probe.thing (thing_id text PRIMARY KEY, request_key bytea UNIQUE, request_hash bytea);"
        "GRANT ALL ON probe.thing TO paystream_probe",
    )
    await keep_partitions(runtime, MIDNIGHT)


async def databases_run(admin_url: str, script: str) -> None:
    connection = await asyncpg.connect(admin_url)
    await connection.execute(script)
    await connection.close()


async def keep_partitions(runtime: Runtime, now: datetime) -> time_partitions.Kept:
    clocks = Clocks(database=now, process=now, business=now)
    return await time_partitions.keep(runtime.database, CLAIMS, clocks=clocks)


def count(name: str, request_id: str) -> Call[Any]:
    request = CreatePaymentRequest(request_id=request_id, merchant_reference=name)
    return Call(name, Claim.of(("shop", "Count", request_id), request))


def make(name: str, request_id: str) -> Call[Any]:
    claim = Claim.of(("shop", "Make", request_id), CreatePaymentRequest(request_id=request_id, merchant_reference=name))
    return Call(Thing(name, claim.creating_call), claim)


Kind = tuple[Operation[Any, Any, Any], Callable[[str, str], Call[Any]]]
KINDS: Sequence[Kind] = ((probe.COUNT, count), (MAKE, make))


async def carry_out(runtime: Runtime, now: datetime, operation: Operation[Any, Any, Any], *calls: Call[Any]) -> Any:
    async def work(tx: Tx) -> list[Outcome]:
        await server_clock.begin_at(tx, now)
        return await apply(tx, operation, calls)

    return await runtime.transaction(work)


async def carried_out(tx: Tx) -> list[Any]:
    """Count what the calls of both operations did."""
    return await tx.fetch("SELECT value FROM counter UNION ALL SELECT count(*) FROM thing")


async def claims(runtime: Runtime) -> list[tuple[date, bool]]:
    """The days of all claims, and whether they have replies."""
    rows = await runtime.read(lambda tx: tx.fetch("SELECT day, reply IS NOT NULL FROM idempotency_claim ORDER BY 1"))
    return [(row[0], row[1]) for row in rows]


REPETITIONS = [
    (at("12:00:00"), at("12:00:01")),
    (at("23:59:59", 1), at("00:00:01")),
    (at("12:00:00", 1), at("01:00:01")),
    (at("00:30:00", 1), at("00:20:00")),
    (at("23:59:59", 1), at("23:59:58")),
    (at("00:00:01", 1), at("00:00:00")),
    # Clocks that were set back.
    (at("00:00:01"), at("23:59:59", 1)),
    (at("01:30:00"), at("23:00:00", 1)),
]


async def test_a_call_is_known_for_a_day(runtime: Runtime) -> None:
    for (first, again), (operation, call_of) in product(REPETITIONS, KINDS):
        request_id = str(uuid.uuid4())
        [made] = await carry_out(runtime, first, operation, call_of("a", request_id))
        before = len(await claims(runtime))
        calls = [call_of("c", request_id), call_of("b", str(uuid.uuid4())), call_of("a", request_id)]
        reused, new, repeated = await carry_out(runtime, again, operation, *calls)
        assert repeated.reply == made.reply, (first, again)
        assert (made.replayed, repeated.replayed, new.replayed) == (False, True, False), (first, again)
        assert isinstance(reused, RequestIdReused)
        # What the repetition claimed anew is taken back; the new call's is there, in one day or two.
        assert len(await claims(runtime)) == before + (2 if again.hour == 0 else 1), (first, again)
    assert {stored for _, stored in await claims(runtime)} == {True}


async def test_a_call_stands_in_each_day_of_the_hour_before_it(runtime: Runtime) -> None:
    for moment in (at("00:00:00"), at("00:59:59"), at("01:00:00"), at("23:59:59")):
        await carry_out(runtime, moment, probe.COUNT, count("a", str(uuid.uuid4())))
    days = [day.day for day, _ in await claims(runtime)]
    assert days == [1, 1, 2, 2, 2, 2]


async def test_a_refused_call_leaves_no_claim(runtime: Runtime) -> None:
    for moment, there in ((at("12:00:00"), 1), (at("00:10:00"), 3)):
        calls = [count("much too long", str(uuid.uuid4())), count("a", str(uuid.uuid4()))]
        refused, done = await carry_out(runtime, moment, probe.COUNT, *calls)
        assert isinstance(refused, probe.NameTooLong)
        assert isinstance(done, Settled)
        assert [stored for _, stored in await claims(runtime)] == [True] * there


@dataclass
class Held:
    """A transaction that has carried out a call, and commits when it may."""

    carried_out: asyncio.Event = field(default_factory=asyncio.Event)
    may_end: asyncio.Event = field(default_factory=asyncio.Event)
    fails: bool = False

    async def run(self, runtime: Runtime, work: Callable[[Tx], Awaitable[T]]) -> T:
        async def held(tx: Tx) -> T:
            done = await work(tx)
            self.carried_out.set()
            await asyncio.wait_for(self.may_end.wait(), WAIT_S)
            if self.fails:
                raise RuntimeError("failed on purpose")
            return done

        return await runtime.transaction(held)


async def until_one_waits(runtime: Runtime) -> None:
    waiting = "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    async with asyncio.timeout(WAIT_S):
        while not await runtime.read(lambda tx: tx.fetch(waiting)):  # noqa: ASYNC110 - the server tells nobody
            await asyncio.sleep(0.01)


async def run_at_once(
    runtime: Runtime, first: Callable[[Tx], Awaitable[Any]], second: Callable[[Tx], Awaitable[Any]], *, fails: bool
) -> list[Any]:
    """Have a second transaction wait for a first one that has done its work, which commits then or fails."""
    held = Held(fails=fails)
    one = asyncio.create_task(held.run(runtime, first))
    await asyncio.wait_for(held.carried_out.wait(), WAIT_S)
    other = asyncio.create_task(runtime.transaction(second))
    await until_one_waits(runtime)
    held.may_end.set()
    return [*await asyncio.gather(one, other, return_exceptions=True)]


def carrying_out(
    now: datetime, operation: Operation[Any, Any, Any], call: Call[Any]
) -> Callable[[Tx], Awaitable[list[Outcome]]]:
    async def work(tx: Tx) -> list[Outcome]:
        await server_clock.begin_at(tx, now)
        return await apply(tx, operation, [call])

    return work


AT_ONCE = [
    (at("23:59:59", 1), at("00:00:01")),
    (at("23:30:00", 1), at("00:25:00")),
    (at("00:59:59"), at("01:00:01")),
    (at("00:30:00"), at("01:20:00")),
    # Clocks that were set back, or a second transaction that began first.
    (at("00:00:01"), at("23:59:59", 1)),
    (at("00:40:00"), at("23:50:00", 1)),
    (at("01:00:01"), at("00:59:59")),
]


async def test_two_at_once_on_two_sides_of_midnight_are_one(runtime: Runtime) -> None:
    for (first, second), (operation, call_of), fails in product(AT_ONCE, KINDS, (False, True)):
        await runtime.transaction(lambda tx: tx.run("DELETE FROM counter"))
        await runtime.transaction(lambda tx: tx.run("DELETE FROM thing"))
        call = call_of("a", str(uuid.uuid4()))
        one, other = await run_at_once(
            runtime, carrying_out(first, operation, call), carrying_out(second, operation, call), fails=fails
        )
        if fails:
            assert isinstance(one, RuntimeError)
            assert not other[0].replayed, (first, second)
        else:
            assert (other[0].reply, other[0].replayed) == (one[0].reply, True), (first, second)
        assert sum(row[0] for row in await runtime.read(carried_out)) == 1


async def test_a_transaction_that_another_may_have_passed_by_stores_nothing(runtime: Runtime) -> None:
    async def old(tx: Tx, minutes: int) -> None:
        now = at("23:59:00", 1)
        await server_clock.begin_at(tx, now, later=now + timedelta(minutes=minutes))
        await apply(tx, probe.COUNT, [count("a", str(uuid.uuid4()))])

    await runtime.transaction(lambda tx: old(tx, 29))
    with pytest.raises(UnavailableError, match="took too long"):
        await runtime.transaction(lambda tx: old(tx, 30))
    assert await runtime.read(lambda tx: tx.fetch("SELECT value FROM counter")) == [(1,)]


async def test_a_missing_partition_costs_no_call_and_forgets_none(runtime: Runtime) -> None:
    request_id = str(uuid.uuid4())
    far = datetime(2031, 1, 1, 0, 30, tzinfo=UTC)
    [made] = await carry_out(runtime, far, probe.COUNT, count("a", request_id))
    [repeated] = await carry_out(runtime, far + timedelta(hours=12), probe.COUNT, count("a", request_id))
    assert (repeated.reply, repeated.replayed) == (made.reply, True)
    assert (await keep_partitions(runtime, far)).missing == 1  # Of the day before none is made any more.
    [repeated] = await carry_out(runtime, far + timedelta(hours=23), probe.COUNT, count("a", request_id))
    assert repeated.replayed
    assert (await keep_partitions(runtime, far + timedelta(days=2))).missing == 0
    assert await claims(runtime) == []


MINUTES = st.integers(1, 60 * 30)
STEPS = st.lists(
    st.tuples(st.sampled_from([1, 20, 59, 61, 240, 600, 1439, 1441]) | MINUTES, st.integers(0, 3), st.booleans()),
    min_size=4,
    max_size=14,
)
"""Minutes that pass, which request id is sent then, and whether partitions are kept before."""


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(start=st.integers(0, 24 * 60 - 1), steps=STEPS)
async def test_as_time_passes_a_call_is_known_for_a_day_and_gone_after_two(
    runtime: Runtime, start: int, steps: list[tuple[int, int, bool]]
) -> None:
    await runtime.transaction(lambda tx: tx.run("DELETE FROM idempotency_claim"))
    request_ids = [str(uuid.uuid4()) for _ in range(4)]
    made: dict[int, tuple[datetime, Any]] = {}
    now = datetime(2026, 3, 2, tzinfo=UTC) + timedelta(minutes=start)
    for minutes, number, keeps in steps:
        now += timedelta(minutes=minutes)
        if keeps:
            await keep_partitions(runtime, now)
            assert all(now.date() - day <= timedelta(days=1) for day, _ in await claims(runtime))
        [outcome] = await carry_out(runtime, now, probe.COUNT, count(f"n{number}", request_ids[number]))
        if number in made and now - made[number][0] <= timedelta(hours=24):
            assert (outcome.replayed, outcome.reply) == (True, made[number][1])
        if not outcome.replayed:
            made[number] = now, outcome.reply


async def old_build(tx: Tx, call: Call[Any], now: datetime) -> str:
    """Carry out a call as an earlier build does."""
    assert call.claim is not None
    await server_clock.begin_at(tx, now)
    known = await earlier_build.claim(tx, [call.claim])
    if known:
        assert known[0][0] == call.claim.request_hash
        return f"again {StringValue.FromString(known[0][1]).value}"
    [value] = await probe.COUNT.command(tx, [call.item])
    if isinstance(value, DomainError):
        await earlier_build.release(tx, [call.claim.key])
        return value.reason
    reply = StringValue(value=str(value))
    await earlier_build.store(tx, [(call.claim.key, reply.SerializeToString())])
    return reply.value


async def new_build(tx: Tx, call: Call[Any], now: datetime) -> str:
    await server_clock.begin_at(tx, now)
    [outcome] = await apply(tx, probe.COUNT, [call])
    if isinstance(outcome, DomainError):
        return outcome.reason
    assert isinstance(outcome, Settled)
    return f"again {outcome.reply.value}" if outcome.replayed else str(outcome.reply.value)


TWO_BUILDS = [(old_build, new_build), (new_build, old_build), (old_build, old_build)]
TWO_MOMENTS = [(at("12:00:00"), at("12:01:00")), (at("23:59:59", 1), at("00:00:01")), (at("00:30:00"), at("00:31:00"))]


async def test_builds_side_by_side_know_each_other_s_calls(runtime: Runtime) -> None:
    for (first, second), (one, other) in product(TWO_BUILDS, TWO_MOMENTS):
        await runtime.transaction(lambda tx: tx.run("DELETE FROM counter"))
        call, long = count("a", str(uuid.uuid4())), count("much too long", str(uuid.uuid4()))
        assert await runtime.transaction(partial(first, call=call, now=one)) == "1"
        for build in (second, first, second):
            assert await runtime.transaction(partial(build, call=call, now=other)) == "again 1", (one, other)
        for build in (first, second):
            assert await runtime.transaction(partial(build, call=long, now=other)) == "NAME_TOO_LONG", (one, other)
    assert {stored for _, stored in await claims(runtime)} == {True}
    assert await runtime.read(lambda tx: tx.fetch("SELECT FROM idempotency_key WHERE reply IS NULL")) == []


async def test_builds_side_by_side_wait_for_each_other(runtime: Runtime) -> None:
    moments = [*TWO_MOMENTS, (at("00:59:59"), at("01:00:01"))]
    for (first, second), (one, other), fails in product(TWO_BUILDS, moments, (False, True)):
        await runtime.transaction(lambda tx: tx.run("DELETE FROM counter"))
        call = count("a", str(uuid.uuid4()))
        results = await run_at_once(
            runtime, partial(first, call=call, now=one), partial(second, call=call, now=other), fails=fails
        )
        assert [str(result) for result in results] == (["failed on purpose", "1"] if fails else ["1", "again 1"])


async def test_what_was_claimed_before_the_migration_is_known_to_both(
    runtime: Runtime, probe_template: str, probe_url: str
) -> None:
    admin_url = databases.admin_url_of(probe_template, probe_url)
    await databases_run(admin_url, "ALTER TABLE probe.idempotency_key DISABLE TRIGGER USER")
    calls = [count(name, str(uuid.uuid4())) for name in "ab"]
    for call in calls:
        assert await runtime.transaction(partial(old_build, call=call, now=at("12:00:00"))) == "1"
    await databases_run(admin_url, "ALTER TABLE probe.idempotency_key ENABLE TRIGGER USER")
    for call, builds in zip(calls, ((old_build, new_build), (new_build, old_build)), strict=True):
        for build in (*builds, *builds):
            assert await runtime.transaction(partial(build, call=call, now=at("12:01:00"))) == "again 1"
    assert await claims(runtime) == []


async def test_housekeeping_of_the_earlier_build_takes_nothing_from_the_new_one(runtime: Runtime) -> None:
    call = count("a", str(uuid.uuid4()))
    await runtime.transaction(partial(old_build, call=call, now=at("12:00:00")))
    assert await runtime.transaction(idempotency.delete_expired) is False
    assert await runtime.read(lambda tx: tx.fetch("SELECT FROM idempotency_key")) == []
    assert await runtime.transaction(partial(new_build, call=call, now=at("23:00:00"))) == "again 1"
