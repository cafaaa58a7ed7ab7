"""What a service declares to its runtime: names only, so that the runtime knows nothing of what runs on it."""

from collections.abc import Sequence
from dataclasses import dataclass

from paykit.consume.delivery import Subscription
from paykit.events.event import Event
from paykit.postgres.partitions.time_partitions import TimePartitions


@dataclass(frozen=True, kw_only=True)
class Declaration:
    """The tables and topics of one service.

    Attributes:
        name: Its PostgreSQL schema, consumer group, role (`paystream_<name>`) and command-line name.
        locks: Its tables in the order in which a transaction locks their rows.
        records: Tables of which the service is the source.
        projections: Tables derived from events, which can be dropped and rebuilt.
        partitioned: Those of its tables that are partitioned by time, beside the runtime's.
        subscriptions: The topics it consumes.
        consumers: Kafka consumers in one process.
        emits: The event classes it emits.
        concludes: Those of them after which what a call waits for may have its outcome.
    """

    name: str
    locks: Sequence[str] = ()
    records: Sequence[str] = ()
    projections: Sequence[str] = ()
    partitioned: Sequence[TimePartitions] = ()
    subscriptions: Sequence[Subscription] = ()
    consumers: int = 1
    emits: Sequence[type[Event]] = ()
    concludes: Sequence[type[Event]] = ()

    @property
    def keeps_tables(self) -> bool:
        """Whether it has a PostgreSQL schema; one that only answers calls has none, and no business time either."""
        return bool(self.records or self.projections or self.subscriptions or self.emits)
