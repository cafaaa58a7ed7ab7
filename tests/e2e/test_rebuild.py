"""`paystream rebuild` as a person runs it, beside services that go on."""

import asyncio
from typing import NamedTuple

import pytest

from paykit.process.catalogue import load_service, schema_names, service_names
from paykit.testing import databases
from paytools.cli.main import main
from paytools.localstack import Endpoints
from tests.e2e.conftest import Line
from tests.line import processes, selling
from tests.line.clients import first_payment, new_merchant, payment_request
from tests.line.waiting import until


class Ran(NamedTuple):
    status: object
    out: str


class Command:
    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    async def __call__(self, *arguments: str) -> Ran:
        self._capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            await asyncio.to_thread(main, ["rebuild", *arguments])
        return Ran(ended.value.code, self._capsys.readouterr().out)


@pytest.fixture
def rebuild(
    line: Line, stack: Endpoints, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    admin = databases.admin_url_of(stack.postgres, line.settings.database_url.get_secret_value())
    for name, text in processes.environment(line.settings, PAYSTREAM_DATABASE_ADMIN_URL=admin).items():
        if name.startswith("PAYSTREAM_") and text:
            monkeypatch.setenv(name, text)
    return Command(capsys)


async def drained(line: Line) -> bool:
    return await line.kept.drained(*schema_names())


@pytest.fixture(scope="module")
async def sold(line: Line) -> None:
    """Something for every service to keep."""
    await selling.sell(line.clients)
    await until(lambda: drained(line))


@pytest.mark.usefixtures("sold")
@pytest.mark.parametrize("service", service_names())
async def test_every_service_s_projections_are_what_their_events_tell(rebuild: Command, service: str) -> None:
    assert await rebuild(service, "--diff") == (0, "equal\n")


@pytest.mark.usefixtures("sold")
@pytest.mark.parametrize("service", [name for name in service_names() if load_service(name).projections])
async def test_projections_that_were_emptied_are_derived_again(line: Line, rebuild: Command, service: str) -> None:
    tables = [f'"{service}"."{table}"' for table in load_service(service).projections]
    before = [await line.kept.rows(f"SELECT * FROM {table} AS t ORDER BY t::text") for table in tables]
    assert any(before)
    await line.kept.rows(f"TRUNCATE {', '.join(tables)}")
    assert (await rebuild(service)).status == 0
    assert [await line.kept.rows(f"SELECT * FROM {table} AS t ORDER BY t::text") for table in tables] == before


async def test_a_merchant_that_payment_has_wrong_is_named_and_put_right(line: Line, rebuild: Command) -> None:
    merchant_id = await new_merchant(line.clients, {"USD": (250, 30)})
    await first_payment(line.clients, payment_request(merchant_id, 10_000))
    await line.kept.rows("UPDATE payment.merchant SET status = 'SUSPENDED' WHERE merchant_id = $1", merchant_id)
    await line.kept.rows("DELETE FROM payment.merchant_fee WHERE merchant_id = $1", merchant_id)
    found = await rebuild("payment", "--diff")
    first, live, rebuilt = found.out.splitlines()
    assert (found.status, first) == (1, f"merchant merchant_id={merchant_id}")
    assert live.startswith(f'  live    {{"merchant_id":"{merchant_id}","status":"SUSPENDED"')
    assert rebuilt.startswith(f'  rebuilt {{"merchant_id":"{merchant_id}","status":"ACTIVE"')
    mended = await rebuild("payment")
    assert mended.status == 0
    assert "1 written, 0 removed" in mended.out
    assert await rebuild("payment", "--diff") == (0, "equal\n")
    await first_payment(line.clients, payment_request(merchant_id, 10_000))


async def test_a_service_without_projections_has_nothing_to_rebuild(rebuild: Command) -> None:
    assert await rebuild("merchant") == (0, "merchant keeps no projections: there is nothing to rebuild\n")
    assert await rebuild("nonsense") == (2, "")
