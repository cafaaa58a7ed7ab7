"""What `paystream status` says of the consumers of the services that run."""

from collections.abc import Sequence

from paykit.base.config import Settings
from paykit.base.errors import UnavailableError
from paykit.clock import SystemClock
from paykit.consume.halting.steering import PartitionStatus, Steering
from paykit.events.registry import RegistryClient
from paykit.kafka.topic_watch import TopicWatch
from paykit.postgres.database import Database
from paykit.process.catalogue import load_service
from paykit.process.runtime import make_codec, service_url


async def lines(settings: Settings, services: Sequence[str]) -> list[str]:
    """Return a line for each service with halted partitions or events behind, or one that says that there is none."""
    consuming = [name for name in services if load_service(name).subscriptions]
    topics = TopicWatch(settings.kafka_bootstrap)
    found = []
    async with RegistryClient(settings.registry_url) as registry:
        for name in consuming:
            database = Database(
                url=service_url(settings, name),
                schema=name,
                clock=SystemClock(),
                codec=make_codec(settings, registry),
                connections_max=1,
            )
            try:
                found.append(line(name, await Steering(database, topics).list()))
            except UnavailableError as error:
                found.append(f"{name}: consumers unknown: {error}")
            finally:
                await database.close()
    told = [text for text in found if text is not None]
    return told or ["consumers: no partition halted, nothing behind"]


def line(service: str, partitions: Sequence[PartitionStatus]) -> str | None:
    """Say how a service's consumers stand; None where nothing is halted or behind."""
    halts = [status.halt for status in partitions if status.halt is not None]
    behind = sum(status.lag or 0 for status in partitions)
    if not halts and not behind:
        return None
    reasons = ", ".join(sorted({halt.reason for halt in halts}))
    halted = f"{len(halts)} of {len(partitions)} partitions halted ({reasons})" if halts else "no partition halted"
    more = f"; paystream consumers list {service}" if halts else ""
    return f"{service}: {halted}, {behind} events behind{more}"
