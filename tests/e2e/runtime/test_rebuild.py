"""Projections rebuilt from offset 0 beside a service that runs: equal or not, and put in place of the live ones."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient
from pydantic import SecretStr

from paykit.base.config import Settings
from paykit.base.errors import DefectError, RebuildFailedError
from paykit.consume.delivery import Delivered, HandlerResult, NotYet
from paykit.consume.store import dead_letters
from paykit.postgres.database import Tx
from paykit.process.runtime import Runtime
from paykit.rebuild.rebuilding import rebuild
from paykit.rebuild.shadow import Difference, Swapped
from paykit.testing import databases, hosts
from paystream.payment.v1 import events
from paytools.localstack import Endpoints
from tests import probe
from tests.e2e.runtime import standing
from tests.e2e.runtime.flow import consume_all, emit, produce, rows_of, until
from tests.line import books

SERVICE = standing.service()


@pytest.fixture
def settings(settings: Settings, stack: Endpoints) -> Settings:
    admin = databases.admin_url_of(stack.postgres, settings.database_url.get_secret_value())
    return settings.model_copy(update={"database_admin_url": SecretStr(admin)})


@pytest.fixture
async def runtime(settings: Settings) -> AsyncIterator[Runtime]:
    async with hosts.hosted([SERVICE], settings) as host:
        yield host.runtimes[0]


@pytest.fixture
async def kept(settings: Settings) -> AsyncIterator[books.Books]:
    async with books.opened(settings.admin_url) as opened:
        yield opened


async def standing_of(runtime: Runtime) -> list[tuple[str, int, bool]]:
    return sorted(tuple(row) for row in await rows_of(runtime, "standing"))


async def applied(runtime: Runtime, count: int) -> None:
    async def enough() -> bool:
        return len(await rows_of(runtime, "standing")) == count

    await until(enough)


async def set_aside(runtime: Runtime, table: str, count: int) -> None:
    async def enough() -> bool:
        return len(await rows_of(runtime, table)) == count

    await until(enough)


async def create(runtime: Runtime, amounts: Sequence[int]) -> list[str]:
    """Create payments of these amounts, and wait until they are applied."""
    before = len(await rows_of(runtime, "standing"))
    ids = [probe.new_payment_id() for _ in amounts]
    created = [probe.payment_created(i, amount_minor=a) for i, a in zip(ids, amounts, strict=True)]
    await emit(runtime, created)
    await applied(runtime, before + len(amounts))
    return ids


async def shadows(kept: books.Books) -> list[str]:
    return [row[0] for row in await kept.rows("SELECT nspname FROM pg_namespace WHERE nspname LIKE '%rebuild'")]


async def test_what_the_events_tell_is_equal_to_what_the_service_keeps(
    runtime: Runtime, settings: Settings, kept: books.Books
) -> None:
    ids = await create(runtime, range(100, 160))
    await emit(runtime, [probe.payment_failed(payment_id) for payment_id in ids[:20]])

    async def failed() -> bool:
        return sum(row[2] for row in await standing_of(runtime)) == 20

    await until(failed)
    outcome = await rebuild(SERVICE, settings, swap=False)
    assert (outcome.events, dict(outcome.rows), outcome.difference) == (80, {"standing": 60}, None)
    assert await shadows(kept) == []


async def test_a_service_that_goes_on_is_compared_at_one_moment(runtime: Runtime, settings: Settings) -> None:
    stopping = asyncio.Event()

    async def flow() -> None:
        while not stopping.is_set():
            ids = [probe.new_payment_id() for _ in range(5)]
            await emit(runtime, [probe.payment_created(i) for i in ids] + [probe.payment_failed(i) for i in ids])

    flowing = asyncio.create_task(flow())
    try:
        await until(lambda: _some(runtime))
        outcome = await rebuild(SERVICE, settings, swap=False)
        assert outcome.difference is None
        assert outcome.rows["standing"] > 0
    finally:
        stopping.set()
        await flowing


async def _some(runtime: Runtime) -> bool:
    return len(await rows_of(runtime, "standing")) > 0


async def test_the_first_difference_is_named_and_a_swap_mends_all(
    runtime: Runtime, settings: Settings, kept: books.Books
) -> None:
    ids = sorted(await create(runtime, [500, 500, 500]))
    right = await standing_of(runtime)
    await kept.rows("UPDATE probe.standing SET amount_minor = 501 WHERE payment_id = $1", ids[1])
    await kept.rows("DELETE FROM probe.standing WHERE payment_id = $1", ids[2])
    await kept.rows("INSERT INTO probe.standing VALUES ('pay_zzz', 1, true)")
    # A guard like that of a state machine does not stand in the way of what is right.
    await kept.rows("CREATE FUNCTION probe.no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no'; END $$; ")
    await kept.rows("CREATE TRIGGER no BEFORE UPDATE ON probe.standing FOR EACH ROW EXECUTE FUNCTION probe.no()")
    found = (await rebuild(SERVICE, settings, swap=False)).difference
    assert found == Difference(
        table="standing",
        key=f"payment_id={ids[1]}",
        live=f'{{"payment_id":"{ids[1]}","amount_minor":501,"failed":false}}',
        rebuilt=f'{{"payment_id":"{ids[1]}","amount_minor":500,"failed":false}}',
    )
    swapped = await rebuild(SERVICE, settings, swap=True)
    assert swapped.swapped == {"standing": Swapped(written=2, removed=1)}
    assert await standing_of(runtime) == right
    assert (await rebuild(SERVICE, settings, swap=False)).difference is None
    with pytest.raises(Exception, match="no"):
        await kept.rows("UPDATE probe.standing SET amount_minor = 1")


async def test_a_row_that_only_one_side_has_is_a_difference(
    runtime: Runtime, settings: Settings, kept: books.Books
) -> None:
    ids = await create(runtime, [500])
    await kept.rows("DELETE FROM probe.standing")
    found = (await rebuild(SERVICE, settings, swap=False)).difference
    assert found is not None
    assert (found.key, found.live) == (f"payment_id={ids[0]}", None)
    await kept.rows("INSERT INTO probe.standing VALUES ($1, 500, false), ('pay_0', 1, true)", ids[0])
    found = (await rebuild(SERVICE, settings, swap=False)).difference
    assert found is not None
    assert (found.key, found.rebuilt) == ("payment_id=pay_0", None)


async def test_what_the_service_has_set_aside_is_left_out_until_it_no_longer_is(
    runtime: Runtime, settings: Settings
) -> None:
    await create(runtime, [500])
    early, refused = probe.new_payment_id(), probe.new_payment_id()
    await emit(runtime, [probe.payment_failed(early)])
    await emit(runtime, [probe.payment_created(refused, amount_minor=probe.REFUSED_MINOR)])
    await emit(runtime, [probe.payment_failed(refused)])
    await set_aside(runtime, "parked_event", 2)
    await set_aside(runtime, "dead_letter", 1)
    outcome = await rebuild(SERVICE, settings, swap=False)
    assert (dict(outcome.rows), outcome.difference) == ({"standing": 1}, None)
    # Its cause comes under another key, as one of another topic would: behind it, it would wait itself.
    stamps = {"event_id": "evt_cause", "recorded_at": probe.NOON, "correlation_id": "cor_1"}
    value = runtime.codec.encode(probe.payment_created(early), stamps=stamps | {"causation_id": None, "actor": None})
    produce(settings, key="pay_other", value=value)
    await set_aside(runtime, "parked_event", 1)
    outcome = await rebuild(SERVICE, settings, swap=False)
    assert (dict(outcome.rows), outcome.difference) == ({"standing": 2}, None)


async def test_what_was_discarded_is_left_out_for_good(runtime: Runtime, settings: Settings) -> None:
    await create(runtime, [500])
    await emit(runtime, [probe.payment_created(probe.new_payment_id(), amount_minor=probe.REFUSED_MINOR)])
    await set_aside(runtime, "dead_letter", 1)
    [letter] = await runtime.read(lambda tx: tx.fetch("SELECT dead_letter_id FROM dead_letter"))
    await runtime.replay.discard_dead_letter(letter["dead_letter_id"], actor="ann")
    older = "UPDATE dead_letter SET resolve_time = resolve_time - interval '8 days'"
    await runtime.transaction(lambda tx: tx.run(older))
    await runtime.transaction(dead_letters.put_away)
    await runtime.transaction(lambda tx: tx.run("DELETE FROM closed_dead_letter"))
    outcome = await rebuild(SERVICE, settings, swap=False)
    assert (dict(outcome.rows), outcome.difference) == ({"standing": 1}, None)


async def test_repeated_records_change_nothing(runtime: Runtime, settings: Settings) -> None:
    ids = await create(runtime, [500])
    await emit(runtime, [probe.payment_failed(ids[0])])
    for message in await asyncio.to_thread(consume_all, settings, "payment.events", 2):
        produce(settings, key=ids[0], value=message.value())
    await create(runtime, [600])
    outcome = await rebuild(SERVICE, settings, swap=False)
    assert (dict(outcome.rows), outcome.difference) == ({"standing": 2}, None)


Rebuild = Callable[[Tx, Sequence[Delivered[events.PaymentCreated]]], Awaitable[Sequence[HandlerResult]]]


async def _emits(tx: Tx, deliveries: Sequence[Delivered[events.PaymentCreated]]) -> Sequence[HandlerResult]:
    tx.emit(probe.payment_failed(deliveries[0].key), cause=deliveries[0].cause)
    return [None] * len(deliveries)


async def _reads_elsewhere(tx: Tx, deliveries: Sequence[Delivered[events.PaymentCreated]]) -> Sequence[HandlerResult]:
    await tx.fetch("SELECT * FROM counter")
    return [None] * len(deliveries)


@pytest.mark.parametrize(
    ("wrong", "told"), [(_emits, "emits paystream.payment.v1.PaymentFailed"), (_reads_elsewhere, "another table")]
)
async def test_a_rebuild_that_does_more_than_keep_projections_is_a_defect(
    runtime: Runtime, settings: Settings, kept: books.Books, wrong: Rebuild, told: str
) -> None:
    await create(runtime, [500])
    with pytest.raises(DefectError, match=told):
        await rebuild(standing.service(created=wrong), settings, swap=False)
    assert await shadows(kept) == []


async def test_events_that_were_applied_and_now_are_not_are_named(runtime: Runtime, settings: Settings) -> None:
    ids = await create(runtime, [500])

    async def waits(_tx: Tx, deliveries: Sequence[Delivered[events.PaymentCreated]]) -> Sequence[HandlerResult]:
        return [NotYet("what never comes")] * len(deliveries)

    with pytest.raises(RebuildFailedError, match=f"PaymentCreated of {ids[0]} at .* waits for what never comes"):
        await rebuild(standing.service(created=waits), settings, swap=True)
    assert await standing_of(runtime) == [(ids[0], 500, False)]


async def test_two_rebuilds_of_one_service_do_not_run_at_once_and_a_left_over_schema_is_replaced(
    runtime: Runtime, settings: Settings, kept: books.Books
) -> None:
    await create(runtime, [500])
    await kept.rows("CREATE SCHEMA probe_rebuild CREATE TABLE standing (old text)")
    results = await asyncio.gather(*(rebuild(SERVICE, settings, swap=False) for _ in range(2)), return_exceptions=True)
    failed = [each for each in results if isinstance(each, BaseException)]
    assert [str(each) for each in failed] in ([], ["the projections of probe are being rebuilt already"])
    assert await shadows(kept) == []


async def test_a_topic_without_its_first_records_cannot_rebuild_anything(runtime: Runtime, settings: Settings) -> None:
    await create(runtime, [500, 600, 700, 800, 900])
    admin = AdminClient({"bootstrap.servers": settings.kafka_bootstrap})
    topic = f"{settings.topic_prefix}payment.events"
    before = [row for row in await rows_of(runtime, "consumer_offset") if row["next_offset"]]
    doomed = [TopicPartition(topic, row["partition"], row["next_offset"]) for row in before]
    for future in admin.delete_records(doomed).values():
        await asyncio.to_thread(future.result)
    with pytest.raises(RebuildFailedError, match="does not hold its first records any more"):
        await rebuild(SERVICE, settings, swap=True)
    assert len(await standing_of(runtime)) == 5
