"""The service as it is run: events from Kafka, jobs by themselves, a report over the wire."""

import asyncio
import json
from datetime import timedelta
from pathlib import Path

from typer.testing import CliRunner, Result

from paykit.clock import OffsetClock
from paykit.kafka import client as kafka
from paykit.kafka.client import Producer
from paykit.postgres.database import Tx
from paykit.process.runtime import Runtime
from paykit.testing import hosts
from paystream.accounting.v1.events import TransactionCreated
from paystream.merchant.v1.events import MerchantCreated
from paytools.cli.commands.settlement import app
from paytools.localstack import Endpoints
from services.settlement import store
from services.settlement.domain.lifecycle import SettlementState
from services.settlement.domain.settlement import Settlement
from services.settlement.service import SERVICE
from services.settlement.store import SettlementFilter
from tests.line.waiting import until
from tests.unit.settlement.builders import ALICE, capture, daily, merchant

TOPICS = ("accounting.events", "merchant.events", "settlement.events")


async def produce(runtime: Runtime, *events: TransactionCreated | MerchantCreated) -> None:
    """Put events on their topics, as the services that tell them do."""
    await runtime.codec.prepare([TransactionCreated, MerchantCreated])
    producer = Producer(runtime.settings.kafka_bootstrap, client_id="test")
    for event in events:
        value = runtime.codec.encode(event, stamps={"recorded_at": event.occurred_at})
        topic = runtime.codec.topic(event.TOPIC)
        producer.produce(topic=topic, key=getattr(event, event.KEY), value=value, headers=[])
    await asyncio.to_thread(producer.wait_acknowledged)


async def settlements(runtime: Runtime, state: SettlementState) -> list[Settlement]:
    async def query(tx: Tx) -> list[Settlement]:
        wanted = SettlementFilter(merchant_id=ALICE, state=state)
        return list((await store.settlements.list(tx, wanted, after=None, limit=10)).rows)

    return await runtime.read(query)


async def run(*arguments: str) -> Result:
    """Run a command in a thread, for the service answers on this one."""
    return await asyncio.to_thread(CliRunner().invoke, app, list(arguments))


async def test_a_cut_off_closes_once_everything_before_it_is_consumed_and_is_reported(
    stack: Endpoints, database_url: str, tmp_path: Path
) -> None:
    prefix = hosts.new_prefix()
    await hosts.lay_contracts(stack, prefix, names=TOPICS)
    settings = hosts.settings_for(stack, database_url=database_url, cache_dir=tmp_path, prefix=prefix)
    async with hosts.hosted([SERVICE], settings) as host:
        runtime, server = host.runtimes[0], host.server
        assert server is not None
        now = runtime.clock.now()
        await produce(runtime, merchant(daily("18:00", "Europe/Berlin")))
        await produce(runtime, *(capture(number, 100, at=now) for number in range(50)))

        async def all_collected() -> bool:
            # The policy may come after the transactions, from another topic.
            pending = await settlements(runtime, SettlementState.PENDING)
            return [(each.sums.item_count, each.cut_off_at is None) for each in pending] == [(50, False)]

        await until(all_collected)
        assert isinstance(runtime.clock, OffsetClock)
        runtime.clock.move_to(timedelta(hours=25))

        # Within the grace, so that it was the ends of the partitions that let it close.
        (closed,) = await until(lambda: settlements(runtime, SettlementState.CREATED), seconds=60)
        assert (closed.sums.total_minor, closed.noticed_at) == (5_000, None)
        ends = await asyncio.to_thread(kafka.end_offsets, stack.kafka, prefix + "accounting.events")
        assert (len(ends), sum(ends)) == (6, 50)

        file = tmp_path / "report.json"
        address = ("--address", server.address)
        written = await run("export", closed.settlement_id, "--format", "json", "--output", str(file), *address)
        assert written.exit_code == 0, written.output
        assert len(json.loads(file.read_text())["items"]) == 50
        again = await run("export", closed.settlement_id, "--output", str(file), *address)
        assert (again.exit_code, "is there already" in again.stderr) == (1, True)
        shown = await run("export", closed.settlement_id, *address)
        assert shown.stdout.count("\r\n" if "\r\n" in shown.stdout else "\n") == 51
        unknown = await run("export", "stl_" + "0" * 32, *address)
        assert (unknown.exit_code, "SETTLEMENT_NOT_FOUND" in unknown.stderr) == (1, True)
