"""Looking how far a running service has consumed a topic; see `paykit.consumption`."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TypeAlias

import structlog

from paykit.base.errors import UnavailableError
from paykit.consume.store import offsets
from paykit.consumption import Consumption
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
