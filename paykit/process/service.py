"""What a service declares: data, no logic."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from paykit.process.declaration import Declaration
from paykit.process.runtime import Runtime
from paykit.serve.server import Servicer

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection


async def _start_at_once(_runtime: Runtime) -> None:
    """Check and prepare nothing."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """Timed work, and calls that leave the process.

    Attributes:
        name: Also the signal that `Runtime.wake` sends.
        run: Does some of the work; True means that there is more, and it runs again at once.
        every_s: The wait between two looks for work that nobody signalled.
    """

    name: str
    run: Callable[[Runtime], Awaitable[bool]]
    every_s: float


@dataclass(frozen=True, kw_only=True)
class Service(Declaration):
    """One service of the house: its tables and topics, and what runs on them.

    Attributes:
        servicers: Makes its gRPC servicers.
        jobs: Its timed work.
        on_migrate: Brings rows that come with the build, after every migration, as the owner of the schema.
        on_start: Checks or prepares state once per process, before anything is served.
    """

    servicers: Callable[[Runtime], Sequence[Servicer]] = lambda _runtime: ()
    jobs: Sequence[Job] = field(default_factory=tuple)
    on_migrate: Callable[["Connection"], None] = lambda _connection: None
    on_start: Callable[[Runtime], Awaitable[None]] = _start_at_once
