"""One running stack for the whole session; a database of its own for each test that asks for one."""

import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import structlog
from hypothesis import settings

from paykit.clock import Clock
from paykit.process import migrate
from paykit.process.catalogue import schema_names
from paykit.process.runtime import Runtime
from paykit.process.service import Service
from paykit.serve import waiting
from paykit.testing import databases, runtimes
from paykit.testing.runtimes import leave_call
from paytools.localstack import Endpoints, Stack
from paytools.localstack.settings import StackSettings
from tests import probe
from tests.shared_stack import shared_parts

settings.register_profile("unhurried", deadline=None)  # Machines are shared: no example fails for having taken long.
settings.load_profile("unhurried")

SLOWEST_ROOMS_FIRST = ("chaos", "e2e", "integration")

RuntimeOf = Callable[..., Awaitable[Runtime]]


def pytest_configure(config: pytest.Config) -> None:
    # Some hundred processes are started, each of which would compile all of its modules anew.
    if sys.dont_write_bytecode:
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        os.environ["PYTHONPYCACHEPREFIX"] = str(config.rootpath / ".pytest_cache" / "bytecode")
    # A shell that runs the tests in the background has them ignore SIGINT, and the programs that they start as well.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest, file by file, so that the processes of a run are done at about the same time."""
    patience = {item.path: 0.0 for item in items}
    for item in items:
        marker = item.get_closest_marker("timeout")
        patience[item.path] = max(patience[item.path], marker.args[0] if marker else 0.0)
    items.sort(key=lambda item: (-patience[item.path], *_room_and_path(item)))


def _room_and_path(item: pytest.Item) -> tuple[int, Path]:
    room = item.path.relative_to(Path(__file__).parent).parts[0]
    return (SLOWEST_ROOMS_FIRST.index(room) if room in SLOWEST_ROOMS_FIRST else len(SLOWEST_ROOMS_FIRST)), item.path


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--journeys", type=int, default=200, help="how many random journeys are made at once")
    parser.addoption("--journey-seed", type=int, default=20260301, help="which ones: the same for the same number")
    parser.addoption("--long", action="store_true", help="faults and overload as in `make chaos`, with tables")
    parser.addoption("--stack-home", type=Path, help="use the stack kept there, and leave it running: quicker reruns")


@pytest.fixture(autouse=True)
def _nothing_is_left_behind() -> Iterator[None]:
    """Take back what is the whole process's: how logs are written, and which call is in progress.

    Tests that look at logs configure them, and from then on every server would write a line for each call.
    """
    yield
    structlog.reset_defaults()
    leave_call()


@pytest.fixture(scope="session")
def stack(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoints]:
    """PostgreSQL, Kafka and the registry, for the whole session and all its processes."""
    home = request.config.getoption("--stack-home")
    if home is not None:
        yield Stack(StackSettings().any_port.model_copy(update={"home": home}), services=()).up().endpoints
        return
    base = tmp_path_factory.getbasetemp()
    with shared_parts((base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "stack") as endpoints:
        yield endpoints
        # What follows waits for the other processes within a bound of its own; an alarm would end the stack under them.
        signal.setitimer(signal.ITIMER_REAL, 0)


@pytest.fixture(scope="session")
async def template(stack: Endpoints) -> str:
    """A database with every service's newest schema, to copy."""
    return await databases.make_template(stack.postgres, schema_names())


@pytest.fixture
async def database_url(template: str) -> AsyncIterator[str]:
    """A fresh database with every service's schema; the URL names no user."""
    async with databases.database(template) as url:
        yield url


@pytest.fixture
def admin_url(template: str, database_url: str) -> str:
    """The same database as an administrator."""
    return databases.admin_url_of(template, database_url)


@pytest.fixture
def patient_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have calls wait for what is not known yet as long as a busy machine may need to make it known."""
    monkeypatch.setattr(waiting, "WAIT_S_MAX", 60.0)


@pytest.fixture
async def runtime_of(database_url: str, tmp_path: Path) -> AsyncIterator[RuntimeOf]:
    """Make runtimes of services on the test's database, with a clock that stands still."""
    async with AsyncExitStack() as opened:

        async def make(service: Service, *, clock: Clock | None = None) -> Runtime:
            return await opened.enter_async_context(
                runtimes.runtime(service, database_url, cache_dir=tmp_path, clock=clock)
            )

        yield make


@pytest.fixture(scope="session")
async def probe_template(stack: Endpoints) -> str:
    url = await databases.make_template(stack.postgres, [])
    await migrate.init(url, ["probe"], password=databases.SERVICE_PASSWORD)
    await migrate.migrate(url, ["probe"], directory=probe.MIGRATIONS)
    return url


@pytest.fixture
async def probe_url(probe_template: str) -> AsyncIterator[str]:
    async with databases.database(probe_template) as url:
        yield url
