"""What a service declares: data, no logic."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from paykit.consume.delivery import Subscription
from paykit.events.event import Event
from paykit.serve.server import Servicer

if TYPE_CHECKING:
    from paykit.process.runtime import Runtime


@dataclass(frozen=True, kw_only=True)
class Job:
    """Timed work, and calls that leave the process.

    Attributes:
        name: Also the signal that `Runtime.wake` sends.
        run: Does some of the work; True means that there is more, and it runs again at once.
        every_s: The wait between two looks for work that nobody signalled.
    """

    name: str
    run: Callable[["Runtime"], Awaitable[bool]]
    every_s: float


@dataclass(frozen=True, kw_only=True)
class Service:
    """One service of the house.

    Attributes:
        name: Its PostgreSQL schema, consumer group, role (`paystream_<name>`) and command-line name.
        locks: Its tables in the order in which a transaction locks their rows.
        records: Tables of which the service is the source.
        projections: Tables derived from events, which can be dropped and rebuilt.
        servicers: Makes its gRPC servicers.
        subscriptions: The topics it consumes.
        consumers: Kafka consumers in one process.
        emits: The event classes it emits.
        jobs: Its timed work.
        on_start: Checks or prepares state once per process, before anything is served.
    """

    name: str
    locks: Sequence[str] = ()
    records: Sequence[str] = ()
    projections: Sequence[str] = ()
    servicers: Callable[["Runtime"], Sequence[Servicer]] = lambda _runtime: ()
    subscriptions: Sequence[Subscription] = ()
    consumers: int = 1
    emits: Sequence[type[Event]] = ()
    jobs: Sequence[Job] = field(default_factory=tuple)
    on_start: Callable[["Runtime"], Awaitable[None]] | None = None

    @property
    def keeps_tables(self) -> bool:
        """Whether it has a PostgreSQL schema; one that only answers calls has none, and no business time either."""
        return bool(self.records or self.projections or self.subscriptions or self.emits or self.jobs)
