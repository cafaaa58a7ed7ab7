"""`paystream dlq` and `paystream events replay` as a person runs them, on a ledger that refused or skipped events."""

import asyncio
from pathlib import Path

import pytest

from paykit.consume import setting_aside
from paykit.consume.delivery import Record
from paykit.consume.prepared import DeadLetterCause
from paykit.events.codec import Event
from paykit.events.registry import RegistryClient
from paykit.process.runtime import Runtime, make_codec
from paykit.testing import hosts
from paytools.cli.main import main
from paytools.localstack import Endpoints
from services.accounting.service import SERVICE
from tests.integration.cli import environment
from tests.unit.accounting.ledger import capture

NAME = "paystream.payment.v1.PaymentSuccess"


class Ledger:
    """The ledger's tables, and the bytes of events as the stack's registry numbers their schemas."""

    def __init__(self, runtime: Runtime, prefix: str) -> None:
        self.runtime = runtime
        self._prefix = prefix

    def record(self, event: Event, offset: int) -> Record:
        topic = f"{self._prefix}payment.events"
        value = self.runtime.codec.encode(event, stamps={})
        return Record(topic, 0, offset, getattr(event, event.KEY), value, [("ce_id", b"evt_1")])

    async def bury(self, record: Record) -> int:
        cause = DeadLetterCause("UNEXPECTED", "RuntimeError: a defect, mended since")
        await self.runtime.transaction(
            lambda tx: setting_aside.bury(tx, service="accounting", record=record, name=NAME, cause=cause)
        )
        sql = "SELECT max(dead_letter_id) AS id FROM dead_letter"
        return int((await self.runtime.read(lambda tx: tx.fetch(sql)))[0]["id"])

    async def transactions(self) -> int:
        return int((await self.runtime.read(lambda tx: tx.fetch("SELECT count(*) AS n FROM transaction")))[0]["n"])


@pytest.fixture
async def ledger(stack: Endpoints, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ledger:
    prefix = hosts.new_prefix()
    names = [*(each.topic for each in SERVICE.subscriptions), "accounting.events"]
    await hosts.lay_contracts(stack, prefix, names=names)
    settings = hosts.settings_for(stack, database_url=database_url, cache_dir=tmp_path, prefix=prefix)
    environment.enter(monkeypatch, settings)
    monkeypatch.setenv("COLUMNS", "200")
    async with RegistryClient(stack.registry) as registry:
        runtime = Runtime(service=SERVICE, settings=settings, codec=make_codec(settings, registry))
        await runtime.prepare()
        await SERVICE.on_start(runtime)
    return Ledger(runtime, prefix)


async def run(*arguments: str) -> int:
    """Run the command in a thread, for it has an event loop of its own; give its exit status."""

    def call() -> int:
        try:
            main(arguments)
        except SystemExit as end:
            return int(end.code or 0)
        return 0

    return await asyncio.to_thread(call)


async def test_dead_letters_are_listed_shown_replayed_and_discarded(
    ledger: Ledger, capsys: pytest.CaptureFixture[str]
) -> None:
    mended = await ledger.bury(ledger.record(capture(1), 10))
    garbage = await ledger.bury(Record("payment.events", 0, 11, "", b"garbage", []))
    assert await run("dlq", "list", "accounting") == 0
    listed = capsys.readouterr().out.splitlines()
    assert [line.split("\t")[0] for line in listed] == [str(mended), str(garbage)]
    assert listed[0].endswith(f"{NAME}\tUNEXPECTED")

    assert await run("dlq", "show", "accounting", str(mended)) == 0
    shown = capsys.readouterr().out
    assert "RuntimeError: a defect, mended since" in shown
    assert "amount_minor=10000" in shown

    assert await run("dlq", "replay", "accounting", str(mended), "--actor", "alice") == 0
    assert await ledger.transactions() == 1
    assert await run("dlq", "replay", "accounting", str(mended)) == 1
    assert "is REPLAYED" in capsys.readouterr().err

    assert await run("dlq", "replay", "accounting", str(garbage)) == 1
    assert "no Avro message" in capsys.readouterr().err
    assert await run("dlq", "discard", "accounting", str(garbage), "--actor", "alice") == 0
    assert await run("dlq", "list", "accounting") == 0
    assert "0 dead letters OPEN" in capsys.readouterr().err
    assert await run("dlq", "list", "accounting", "--status", "DISCARDED") == 0
    assert capsys.readouterr().out.startswith(f"{garbage}\t")
    await ledger.runtime.close()


async def test_what_cannot_be_is_said_in_one_line(ledger: Ledger, capsys: pytest.CaptureFixture[str]) -> None:
    for command in ("show", "replay", "discard"):
        assert await run("dlq", command, "accounting", "404") == 1
        assert capsys.readouterr().err == "error: there is no dead letter 404\n"
    assert await run("dlq", "list", "nonesuch") == 2
    assert "there is no service 'nonesuch'" in capsys.readouterr().err
    await ledger.runtime.close()


async def test_skipped_events_are_applied_after_the_upgrade_in_order_and_once(
    ledger: Ledger, capsys: pytest.CaptureFixture[str]
) -> None:
    records = [ledger.record(capture(number), number) for number in (1, 2)]
    for record in records:
        await ledger.runtime.transaction(
            lambda tx, r=record: setting_aside.skip(tx, service="accounting", record=r, name=NAME)  # type: ignore[misc]
        )
    assert await run("events", "replay", "accounting", "--type", NAME) == 0
    assert capsys.readouterr().out == f"applied 2 events of {NAME}\n"
    assert await ledger.transactions() == 2
    assert await run("events", "replay", "accounting", "--type", NAME) == 0
    assert capsys.readouterr().out == f"applied 0 events of {NAME}\n"
    await ledger.runtime.close()
