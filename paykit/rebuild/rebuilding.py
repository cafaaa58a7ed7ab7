"""Rebuilds a service's projections from offset 0 beside the live ones, and compares or replaces these.

Only the `rebuild` part of the service's handlers runs: no outbox, no jobs, no calls. An event that the live service has
set aside is left out until it no longer is. The service may run meanwhile: when the rebuilt rows have almost caught up,
it is held up for the moment that the rest takes, so that both stand at the same offsets.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg

from paykit.base.config import Settings
from paykit.base.errors import DefectError, RebuildFailedError
from paykit.clock import SystemClock
from paykit.consume.application import Application, RegistryMismatchError
from paykit.consume.delivery import Handle, Record, Subscription
from paykit.consume.handling import HandlerFailedError
from paykit.consume.prepared import PreparedRecord
from paykit.consume.redelivery import Redelivery
from paykit.consume.store.offsets import TopicPartition
from paykit.events.codec import UndecodableError
from paykit.events.registry import RegistryClient, SchemaNotFoundError
from paykit.kafka import client as kafka
from paykit.postgres.database import Database, Tx
from paykit.process.runtime import make_codec, service_url
from paykit.process.service import Service
from paykit.rebuild import shadow
from paykit.rebuild.rereading import Rereader
from paykit.rebuild.shadow import Difference, Shadow, Swapped

NEAR_S = 2.0
"""A round of catching up that is quicker than this has come near: what arrived meanwhile takes as little."""
ROUNDS_MAX = 10
"""Rounds of catching up with a service that runs, before it is held up all the same."""
STANDSTILL_S_MAX = 15.0
"""How long the service may be held up while the rest is read."""
ASIDE_EVENTS_MAX = 100_000
"""Events that the live service may have set aside; more are kept in memory by nobody."""

_POSITIONS = """
SELECT topic, partition, next_offset, cluster_id, topic_id FROM consumer_offset WHERE topic = ANY($1::text[])
"""

# What was replayed is applied; the rest of what was set aside is not, or not yet. What was set aside of a topic that
# was made again since is not in it; without an id, it is from before ids were kept.
_ASIDE = """
SELECT a.topic, a.partition, a.record_offset FROM (
    SELECT topic, topic_id, partition, record_offset FROM dead_letter WHERE status <> 'REPLAYED'
    UNION ALL SELECT topic, topic_id, partition, record_offset FROM discarded_event
    UNION ALL SELECT topic, topic_id, partition, record_offset FROM parked_event
) AS a JOIN consumer_offset o USING (topic, partition)
WHERE a.topic = ANY($1::text[]) AND a.topic_id IN ('', o.topic_id)
LIMIT $2
"""

_REFUSED = """
SELECT record, key, topic, partition, record_offset, reason || ': ' || error AS cause FROM dead_letter
UNION ALL SELECT record, key, topic, partition, record_offset, 'waits for ' || waits_for FROM parked_event
ORDER BY topic, partition, record_offset LIMIT 1
"""

Place = tuple[str, int, int]
"""Topic, partition and offset of a record."""


@dataclass(frozen=True, kw_only=True)
class RebuildReport:
    """What a rebuild came to.

    Attributes:
        events: Records read again.
        rows: Rebuilt rows by table.
        difference: The first one, where the rows were compared and differ.
        swapped: Rows replaced by table, where they were to be; empty otherwise.
    """

    events: int
    rows: Mapping[str, int]
    difference: Difference | None
    swapped: Mapping[str, Swapped]


@dataclass(frozen=True, kw_only=True)
class _Live:
    """How far the live service has come, and what it has set aside on the way."""

    ends: Mapping[TopicPartition, int]
    incarnations: Mapping[TopicPartition, tuple[str, str]]
    aside: frozenset[Place]


async def rebuild(service: Service, settings: Settings, *, swap: bool) -> RebuildReport:
    """Rebuild the projections of a service; compare them, or put the rebuilt rows in the place of the live ones.

    Raises:
        RebuildFailedError: The events needed are gone, or cannot be applied as they once were; or another rebuild of
            the service is in progress.
        UnavailableError: A part cannot be reached.
    """
    if not service.projections:
        return RebuildReport(events=0, rows={}, difference=None, swapped={})
    subscriptions = rebuilding_subscriptions(service)
    if not subscriptions:
        raise DefectError(f"{service.name} declares projections, and no handler that rebuilds them")
    async with (
        shadow.opened(settings.admin_url, service=service.name, tables=service.projections) as schema,
        _work(service, settings, subscriptions, schema) as work,
    ):
        return await work.run(swap=swap)


def rebuilding_subscriptions(service: Service) -> list[Subscription]:
    """The subscriptions that keep projections, with what does so in the place of the handlers."""
    subscriptions = []
    for subscription in service.subscriptions:
        handles = {
            event: Handle(handler=handle.rebuild, deduplication=handle.deduplication, commutative=handle.commutative)
            for event, handle in subscription.handles.items()
            if handle.rebuild is not None
        }
        others = {event.RECORD for event in subscription.handles if event not in handles}
        if handles:
            subscriptions.append(
                Subscription(topic=subscription.topic, handles=handles, ignores=subscription.ignores | others)
            )
    return subscriptions


@asynccontextmanager
async def _work(
    service: Service, settings: Settings, subscriptions: Sequence[Subscription], schema: Shadow
) -> "AsyncIterator[_Rebuild]":
    async with RegistryClient(settings.registry_url) as registry:
        codec = make_codec(settings, registry)
        await codec.prepare([event for subscription in subscriptions for event in subscription.handles])
        database = Database(
            url=service_url(settings, service.name),
            schema=schema.schema,
            clock=SystemClock(),
            codec=codec,
            connections_max=2,
            locks=service.locks,
        )
        # Under the shadow's name, so that its sweeps and the live service's are not taken for each other's.
        application = Application(service=schema.schema, subscriptions=subscriptions, codec=codec)
        reader = Rereader(bootstrap=settings.kafka_bootstrap, service=service.name)
        try:
            yield _Rebuild(
                schema=schema,
                database=database,
                application=application,
                reader=reader,
                bootstrap=settings.kafka_bootstrap,
            )
        finally:
            await reader.close()
            await database.close()


class _Rebuild:
    """One rebuild, from the first event to the verdict."""

    def __init__(
        self,
        *,
        schema: Shadow,
        database: Database,
        application: Application,
        reader: Rereader,
        bootstrap: str,
    ) -> None:
        self._shadow = schema
        self._database = database
        self._application = application
        self._reader = reader
        self._bootstrap = bootstrap
        self._redelivery = Redelivery(service=schema.schema, database=database, application=application)
        self._aside: dict[Place, Record] = {}
        self._events = 0

    async def run(self, *, swap: bool) -> RebuildReport:
        await self._catch_up()
        if swap:
            async with self._at_a_standstill() as live:
                rows = await self._shadow.count(live)
                swapped = await self._shadow.swap(live)
            return RebuildReport(events=self._events, rows=rows, difference=None, swapped=swapped)
        # The snapshot is taken while the service stands still; comparing takes as long as it takes, while it goes on.
        async with AsyncExitStack() as stack:
            async with self._at_a_standstill():
                snapshot = await stack.enter_async_context(self._shadow.snapshot())
            rows = await self._shadow.count(snapshot)
            difference = await self._shadow.first_difference(snapshot)
        return RebuildReport(events=self._events, rows=rows, difference=difference, swapped={})

    async def _catch_up(self) -> None:
        """Come near a service that may be running."""
        for _ in range(ROUNDS_MAX):
            async with self._shadow.snapshot() as connection:
                live = await self._live(connection)
            if not self._events:
                await self._check_incarnations(live)
            began = time.monotonic()
            await self._apply_up_to(live)
            if time.monotonic() - began < NEAR_S:
                return

    @asynccontextmanager
    async def _at_a_standstill(self) -> AsyncIterator[Any]:
        """Hold the service up where the rebuilt rows stand at its offsets."""
        async with self._shadow.standstill() as connection:
            try:
                async with asyncio.timeout(STANDSTILL_S_MAX):
                    await self._apply_up_to(await self._live(connection))
            except TimeoutError as error:
                raise RebuildFailedError(
                    f"the rest of the events took longer than {STANDSTILL_S_MAX:.0f} s; try again under less load"
                ) from error
            await self._check_all_applied()
            yield connection

    async def _live(self, connection: Any) -> _Live:
        topics = self._application.topics
        rows = await connection.fetch(_POSITIONS, topics)
        aside = await connection.fetch(_ASIDE, topics, ASIDE_EVENTS_MAX + 1)
        if len(aside) > ASIDE_EVENTS_MAX:
            raise RebuildFailedError(f"more than {ASIDE_EVENTS_MAX} events are set aside: decide on them first")
        return _Live(
            ends={(row["topic"], row["partition"]): row["next_offset"] for row in rows},
            incarnations={(row["topic"], row["partition"]): (row["cluster_id"], row["topic_id"]) for row in rows},
            aside=frozenset((row["topic"], row["partition"], row["record_offset"]) for row in aside),
        )

    async def _check_incarnations(self, live: _Live) -> None:
        topics = sorted({topic for topic, _ in live.ends})
        present = await asyncio.to_thread(kafka.incarnations, self._bootstrap, topics) if topics else {}
        for (topic, partition), incarnation in live.incarnations.items():
            if present[topic] != incarnation:
                raise RebuildFailedError(f"{topic}/{partition} is not the topic whose events were applied")

    async def _apply_up_to(self, live: _Live) -> None:
        """Apply what the live service has applied by then."""
        freed = [place for place in self._aside if place not in live.aside]
        await self._apply([self._aside.pop(place) for place in freed])
        async for records in self._reader.read(live.ends):
            self._events += len(records)
            self._aside |= {place: record for record in records if (place := _place(record)) in live.aside}
            await self._apply([record for record in records if _place(record) not in live.aside])
        await self._redelivery.drain()

    async def _apply(self, records: Sequence[Record]) -> None:
        for record in records:
            await self._learn(record)
        try:
            events = [event for record in records if (event := self._application.prepare(record)) is not None]
        except RegistryMismatchError as error:
            raise RebuildFailedError(f"the registry cannot be believed: {error}") from error
        if events:
            await self._database.transaction(lambda tx: self._apply_events(tx, events))

    async def _apply_events(self, tx: Tx, events: Sequence[PreparedRecord]) -> None:
        try:
            await self._application.apply(tx, events)
        except HandlerFailedError as error:
            if isinstance(error.__cause__, asyncpg.UndefinedTableError):
                raise DefectError(f"what rebuilds the projections uses another table: {error}") from error
            raise
        if len(tx.emitted):
            raise DefectError(f"what rebuilds the projections emits {', '.join(sorted(tx.emitted.records))}")

    async def _learn(self, record: Record) -> None:
        try:
            await self._application.learn(record)
        except (SchemaNotFoundError, UndecodableError) as error:
            raise RebuildFailedError(f"{_text(_place(record))} cannot be decoded any more: {error}") from error

    async def _check_all_applied(self) -> None:
        rows = await self._database.read(lambda tx: tx.fetch(_REFUSED))
        if rows:
            row = rows[0]
            place = _text((row["topic"], row["partition"], row["record_offset"]))
            raise RebuildFailedError(
                f"{row['record'] or 'a record'} of {row['key']} at {place} was applied, and now is not: {row['cause']}"
            )


def _place(record: Record) -> Place:
    return record.topic, record.partition, record.offset


def _text(place: Place) -> str:
    return "/".join(map(str, place))
