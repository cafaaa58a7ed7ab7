"""A process that is asked for three times what it can take refuses the rest in time, and books what it accepted."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import sqlalchemy
from pydantic import SecretStr

from paykit.base.config import Settings
from paytools.localstack import Endpoints
from tests.chaos.conftest import Launch
from tests.chaos.proof import FEES
from tests.faults import overload_run, overload_table
from tests.faults.proxy import FaultProxy, Mode, Slowness, proxy_to
from tests.line.books import Books
from tests.line.clients import connected, first_payment, new_merchant, payment_request
from tests.line.isolation import lay
from tests.line.waiting import until

pytestmark = pytest.mark.chaos

SERVICES = ("merchant", "payment", "accounting", "channel")
MERCHANTS = 20
MEASURE_S, OVER_S = 4.0, 8.0
WARM_OVER_S = 20.0
"""Where memory is looked at: what is free between large requests is filled first."""
LONG_MEASURE_S, LONG_OVER_S = 10.0, 60.0
P99_RATIO_MAX = 3.0
"""How much longer what is accepted may take under overload than at half load in the same run."""
MEMORY_GROWTH_MAX = 1.25
"""The most memory in the last quarter of the overload, as a share of that in the second one."""
CALLS_MAX = 64
"""What the process is set to: as many calls as it has in progress while its capacity is measured."""
FAR = Slowness(bytes_per_s=100_000_000, latency_s=0.03)
"""PostgreSQL answers from afar, so that it bounds what the process takes, and not the cores that the client shares."""
METADATA = 50
"""Entries of each payment where the CPU is the bound: else three times as much is more than the client can ask for."""
BOOKED_S_MAX = 400.0
_KEPT = "SELECT payment_id FROM payment.payment WHERE merchant_reference LIKE 'load-%'"
_ENDED = """
    SELECT count(*) FROM payment.payment p
    WHERE merchant_reference LIKE 'load-%' AND EXISTS (
        SELECT FROM accounting.transaction t
        WHERE t.root_reference = p.payment_id AND t.transaction_type = 'PaymentSuccess')
"""


@pytest.fixture(params=["postgresql", "cpu"])
async def line(database_url: str, request: pytest.FixtureRequest) -> AsyncIterator[FaultProxy | None]:
    """What lies between the services and PostgreSQL; none where the CPU is to be the bound: it would take a share."""
    if request.param == "cpu":
        yield None
        return
    url = sqlalchemy.make_url(database_url)
    assert url.host is not None
    assert url.port is not None
    async with proxy_to(url.host, url.port, slowness=FAR) as proxy:
        yield proxy


@pytest.fixture
async def settings(stack: Endpoints, database_url: str, line: FaultProxy | None, tmp_path: Path) -> Settings:
    laid = await lay(stack, database_url=database_url, cache_dir=tmp_path / "cache")
    laid = laid.model_copy(update={"grpc_calls_max": CALLS_MAX})
    if line is None:
        return laid
    over_line = sqlalchemy.make_url(database_url).set(host="127.0.0.1", port=line.port)
    url = SecretStr(over_line.render_as_string(hide_password=False))
    return laid.model_copy(update={"database_url": url})


@pytest.mark.timeout(1_200)
async def test_the_rest_is_refused_in_time_and_everything_accepted_is_booked(
    settings: Settings, line: FaultProxy | None, launch: Launch, kept: Books, request: pytest.FixtureRequest
) -> None:
    long = request.config.getoption("--long")
    api = launch(*SERVICES, role="api", address=settings.grpc_address)
    others = [launch(*SERVICES, role=role) for role in ("worker", "relay")]
    for process in (api, *others):
        process.spawn()
    await asyncio.gather(*(until(process.has_started) for process in (api, *others)))
    async with connected(settings.grpc_address) as clients:
        merchants = [await new_merchant(clients, FEES) for _ in range(MERCHANTS)]
        for merchant in merchants:
            await first_payment(clients, payment_request(merchant, 1_000))
    for process in others:  # What is accepted waits for them: the process under load is measured, not its neighbours.
        assert await process.stop() == 0
    async with line.turned(Mode.SLOW) if line is not None else contextlib.nullcontext():
        short = MEASURE_S, OVER_S if line is None else WARM_OVER_S
        measure_s, over_s = (LONG_MEASURE_S, LONG_OVER_S) if long else short
        measured = await overload_run.run(
            api, merchants, metadata=METADATA if line is None else 0, measure_s=measure_s, over_s=over_s
        )
    stored = {row["payment_id"] for row in await kept.rows(_KEPT)}
    for process in others:
        process.spawn()

    async def all_booked() -> bool:
        return await kept.number(_ENDED) >= len(stored)

    await until(all_booked, seconds=BOOKED_S_MAX)
    print(overload_table.line(measured))  # noqa: T201  Shown with -s, and where it fails.
    if long:
        overload_table.write("cpu" if line is None else "postgresql", measured, seconds=LONG_OVER_S)
    over = measured.over
    assert set(over.accepted) - stored == set()
    assert len(over.accepted) == len(set(over.accepted)) > 0
    assert 0 < sum(over.refused.values()) == over.started - len(over.accepted), "not overloaded: nothing was proved"
    assert over.without_retry_info == 0
    if long or line is not None:
        assert measured.memory_growth < MEMORY_GROWTH_MAX
    if long:  # Alone on its machine: beside other tests, the callers are what is short of time.
        assert over.refused.keys() == {"RESOURCE_EXHAUSTED"}, "past its deadline a call ends otherwise"
        assert measured.over_p99_ms <= P99_RATIO_MAX * measured.half_p99_ms
