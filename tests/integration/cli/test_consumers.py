"""`paystream consumers` as a person runs it, on a service whose partitions are halted, with the real cluster."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import confluent_kafka
import pytest
from confluent_kafka.admin import AdminClient

from paykit.consume.halting.halt import HaltReason
from paykit.consume.halting.steering import Steering
from paykit.consume.store import halts, offsets
from paykit.consume.store.offsets import Position, TopicPartition
from paykit.events.registry import RegistryClient
from paykit.kafka.topic_watch import TopicWatch
from paykit.postgres.database import Tx
from paykit.process.runtime import Runtime, make_codec
from paykit.testing import hosts
from paytools.cli import consumer_status
from paytools.cli.main import main
from paytools.localstack import Endpoints
from services.analytics.service import SERVICE
from tests.integration.cli import environment

PAUSE_S = 3600.0
FLUSH_S = 30.0


class Consumed:
    """One topic of ten records in partition 0, and what analytics keeps of it."""

    def __init__(self, runtime: Runtime, topic: str) -> None:
        self.runtime = runtime
        self.topic = topic
        self.here: TopicPartition = (topic, 0)

    async def stand_at(self, next_offset: int, *, topic_id: str | None = None) -> None:
        watch = TopicWatch(self.runtime.settings.kafka_bootstrap)
        present = str((await watch.topic_ids([self.topic]))[self.topic])
        position = Position(next_offset, await watch.cluster_id(), topic_id or present)
        await self.runtime.transaction(lambda tx: offsets.replace(tx, self.here, position))

    async def halt(self, reason: HaltReason) -> None:
        async def work(tx: Tx) -> None:
            texts = {"reason": reason.value, "explanation": "as a test wants it"}
            await halts.upsert(tx, [self.here], **texts, first_s=PAUSE_S, max_s=PAUSE_S)

        await self.runtime.transaction(work)

    async def is_due(self) -> bool:
        return bool(await self.runtime.read(lambda tx: halts.due(tx, [self.here])))

    async def decisions(self) -> list[tuple[object, ...]]:
        sql = "SELECT kind, record_offset, reason, actor, apply_time IS NOT NULL FROM consumer_decision"
        return [tuple(row) for row in await self.runtime.read(lambda tx: tx.fetch(f"{sql} ORDER BY decision_id"))]


@pytest.fixture
async def consumed(
    stack: Endpoints, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Consumed]:
    prefix = hosts.new_prefix()
    names = sorted({"payment.events", *(each.topic for each in SERVICE.subscriptions)})
    await hosts.lay_contracts(stack, prefix, names=names)
    settings = hosts.settings_for(stack, database_url=database_url, cache_dir=tmp_path, prefix=prefix)
    environment.enter(monkeypatch, settings)
    topic = f"{prefix}payment.events"
    producer = confluent_kafka.Producer({"bootstrap.servers": stack.kafka})
    for _ in range(10):
        producer.produce(topic, value=b"garbage", partition=0)
    assert await asyncio.to_thread(producer.flush, FLUSH_S) == 0
    async with RegistryClient(stack.registry) as registry:
        runtime = Runtime(service=SERVICE, settings=settings, codec=make_codec(settings, registry))
        yield Consumed(runtime, topic)
        await runtime.close()


async def run(*arguments: str) -> int:
    """Run the command in a thread, for it has an event loop of its own; give its exit status."""

    def call() -> int:
        try:
            main(arguments)
        except SystemExit as end:
            return int(end.code or 0)
        return 0

    return await asyncio.to_thread(call)


async def test_positions_lag_and_halts_are_listed(consumed: Consumed, capsys: pytest.CaptureFixture[str]) -> None:
    await consumed.stand_at(3)
    assert await run("consumers", "list", "analytics") == 0
    answer = capsys.readouterr()
    assert answer.out.splitlines()[1].split() == [f"{consumed.topic}/0", "3", "7", "-", "-", "-", "-"]
    assert answer.err == "0 of 1 partitions halted\n"
    await consumed.halt(HaltReason.HANDLER_FAILS)
    assert await run("consumers", "list", "analytics") == 0
    answer = capsys.readouterr()
    assert answer.out.splitlines()[1].split()[5:] == ["0", "HANDLER_FAILS"]
    assert f"{consumed.topic}/0 HANDLER_FAILS: as a test wants it\n1 of 1 partitions halted\n" in answer.err
    status = await consumer_status.lines(consumed.runtime.settings, ["analytics", "merchant"])
    told = "1 of 1 partitions halted (HANDLER_FAILS), 7 events behind; paystream consumers list analytics"
    assert status == [f"analytics: {told}"]


async def test_a_halted_partition_is_tried_when_people_say_so_and_no_other(
    consumed: Consumed, capsys: pytest.CaptureFixture[str]
) -> None:
    place = f"{consumed.topic}/0"
    await consumed.stand_at(3)
    assert await run("consumers", "resume", "analytics", place, "--reason", "mended") == 1
    assert capsys.readouterr().err == f"error: {place} is not halted\n"
    await consumed.halt(HaltReason.HANDLER_FAILS)
    assert not await consumed.is_due()
    assert await run("consumers", "resume", "analytics", place, "--reason", "mended", "--actor", "alice") == 0
    assert await consumed.is_due()
    assert await consumed.decisions() == [("RESUME", None, "mended", "alice", False)]
    assert await run("consumers", "resume", "analytics", "nonsense", "--reason", "x") == 2
    assert await run("consumers", "resume", "analytics", f"{consumed.topic}/x", "--reason", "x") == 2


async def test_a_record_that_is_not_applied_yet_can_be_gone_past(
    consumed: Consumed, capsys: pytest.CaptureFixture[str]
) -> None:
    place = f"{consumed.topic}/0"
    await consumed.stand_at(3)
    await consumed.halt(HaltReason.BATCH_FAILS)
    for offset in (2, 10):
        assert await run("consumers", "skip", "analytics", f"{place}/{offset}", "--reason", "x") == 1
        assert capsys.readouterr().err == f"error: {offset} is not among what is not applied: 3 to 9\n"
    assert await run("consumers", "skip", "analytics", f"{place}/5", "--reason", "no event", "--actor", "alice") == 0
    assert await consumed.is_due()
    assert await consumed.decisions() == [("SKIP", 5, "no event", "alice", False)]


async def test_a_log_is_adopted_only_where_it_is_what_halts(
    consumed: Consumed, capsys: pytest.CaptureFixture[str]
) -> None:
    place = f"{consumed.topic}/0"
    admin = AdminClient({"bootstrap.servers": consumed.runtime.settings.kafka_bootstrap})
    for done in admin.delete_records([confluent_kafka.TopicPartition(consumed.topic, 0, 4)]).values():
        await asyncio.to_thread(done.result)
    await consumed.stand_at(77, topic_id="another")
    await consumed.halt(HaltReason.HANDLER_FAILS)
    assert await run("consumers", "adopt", "analytics", place, "--reason", "x") == 1
    assert "it is halted for HANDLER_FAILS: its log is the right one" in capsys.readouterr().err
    await consumed.halt(HaltReason.TOPIC_REPLACED)
    for start in ("3", "11"):
        assert await run("consumers", "adopt", "analytics", place, "--from", start, "--reason", "x") == 1
        assert capsys.readouterr().err == "error: the log goes from 4 to 10\n"
    assert await run("consumers", "adopt", "analytics", place, "--reason", "restored", "--actor", "alice") == 0
    assert capsys.readouterr().out == f"{place} is consumed from 4\n"
    assert await consumed.is_due()
    [status] = await Steering(consumed.runtime.database, TopicWatch(consumed.runtime.settings.kafka_bootstrap)).list()
    assert (status.next_offset, status.lag) == (4, 6)
    assert await consumed.decisions() == [("ADOPT", 4, "restored", "alice", True)]
