"""Looking how far a running service has consumed a topic; see `paykit.consumption`."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from functools import partial
from typing import TypeAlias

import structlog

from paykit import consumption
from paykit.base.errors import UnavailableError
from paykit.consume.store import offsets
from paykit.consumption import TOLD_WITHIN, Consumption, ConsumptionWatch
from paykit.kafka import client as kafka
from paykit.postgres.database import Tx
from paykit.process.runtime import Runtime

TopicEnds: TypeAlias = Callable[[Runtime, str], Awaitable[tuple[int, ...] | None]]
"""Where the partitions of a topic end, by its name in Kafka; None while Kafka does not tell."""

_log = structlog.get_logger()


async def topic_ends(runtime: Runtime, topic: str) -> tuple[int, ...] | None:
    """Read where the partitions of a topic end; None, with a warning, while Kafka does not tell."""
    try:
        return tuple(await asyncio.to_thread(kafka.end_offsets, runtime.settings.kafka_bootstrap, topic))
    except UnavailableError as error:
        _log.warning("end_offsets_unavailable", topic=topic, error=str(error))
        return None


async def consumption_of(tx: Tx, topic: str, *, read_time: datetime, ends: tuple[int, ...] | None) -> Consumption:
    """Return how far the service has consumed a topic, by its name in Kafka, that ended there at `read_time`."""
    return Consumption(read_time, ends, await offsets.of_topic(tx, topic))


async def complete_time(runtime: Runtime, topics: Sequence[str], *, ends_of: TopicEnds = topic_ends) -> datetime | None:
    """Look until which business time all that topics told is applied here: what is missing till then does not come.

    None while that is not known. A consumer that lags, or Kafka that is away, is waited for without end. What was
    found out is kept in memory, and so a process that started begins anew.

    Args:
        runtime: Of the service, which consumes the topics.
        topics: As services name them.
        ends_of: Tells where the topics end.
    """
    # What was told just before a development stack moved its clock may not stand in Kafka yet.
    if runtime.business_clock.moved_within(TOLD_WITHIN):
        return None
    read_time, names = runtime.clock.now(), [runtime.codec.topic(topic) for topic in topics]
    ends = [await ends_of(runtime, name) for name in names]
    for topic, name, topic_end in zip(topics, names, ends, strict=True):
        view = partial(consumption_of, topic=name, read_time=read_time, ends=topic_end)
        before = runtime.watches.get(topic, ConsumptionWatch(topic=topic))
        runtime.watches[topic] = consumption.look(before, await runtime.read(view), looks_max=None)
    times = [runtime.watches[topic].complete_time for topic in topics]
    return min((time for time in times if time is not None), default=None) if all(times) else None
