"""Events as Parquet files, read back."""

import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner, Result

from paykit.events import registration, schema_files
from paykit.events.registry import RegistryClient
from paykit.kafka import topics
from paykit.kafka.client import Producer
from paykit.testing import goldens
from paykit.testing.hosts import new_prefix
from paytools.cli.commands import events as events_command
from paytools.export import exporting, files
from paytools.localstack import Endpoints

TOPIC = "merchant.events"
SUCCESSES = "payment.events"
Put = Callable[..., None]
Export = Callable[..., Result]


@pytest.fixture
def prefix() -> str:
    return new_prefix()


@pytest.fixture
async def put(stack: Endpoints, prefix: str) -> Put:
    """Give what puts every golden of a topic on it."""
    declared = schema_files.load_topics(schema_files.schema_root())
    chosen = [file for file in schema_files.versions(schema_files.schema_root()) if file.topic in (TOPIC, SUCCESSES)]
    topics.init(stack.kafka, topics.declared([declared[TOPIC], declared[SUCCESSES]], prefix=prefix), durable=True)
    async with RegistryClient(stack.registry) as registry:
        done = await registration.register(registry, chosen, prefix=prefix)
    ids = {(registered.file.full_name, registered.file.version): registered.schema_id for registered in done}

    def put(topic: str, *more: bytes) -> None:
        producer = Producer(stack.kafka, client_id="test")
        for number, golden in enumerate(goldens.goldens(topic)):
            message = golden.message(ids[golden.record, golden.version])
            producer.produce(topic=prefix + topic, key=f"key-{number}", value=message, headers=[])
        for value in more:
            producer.produce(topic=prefix + topic, key="bad", value=value, headers=[])
        producer.wait_acknowledged()

    return put


@pytest.fixture
def export(stack: Endpoints, prefix: str, tmp_path: Path) -> Export:
    def export(topic: str, *arguments: str) -> Result:
        address = ["--kafka", stack.kafka, "--registry", stack.registry, "--prefix", prefix]
        return CliRunner().invoke(
            events_command.app, ["export", topic, str(tmp_path), "--to", "parquet", *address, *arguments]
        )

    return export


def rows(directory: Path, record: str) -> list[dict[str, Any]]:
    return [row for path in sorted((directory / record).iterdir()) for row in pq.read_table(path).to_pylist()]


def whole(directory: Path) -> list[str]:
    return sorted(str(path.relative_to(directory)) for path in directory.glob("*/*"))


def test_events_are_read_back_with_the_types_of_their_schemas(put: Put, export: Export, tmp_path: Path) -> None:
    put(SUCCESSES)
    outcome = export(SUCCESSES)
    assert outcome.exit_code == 0, outcome.output
    directory = tmp_path / SUCCESSES
    schema = pq.read_schema(directory / "PaymentSuccess/00000001.parquet")
    assert schema.field("amount_minor") == pa.field("amount_minor", pa.int64(), nullable=False)
    assert schema.field("occurred_at") == pa.field("occurred_at", pa.timestamp("us", tz="UTC"), nullable=False)
    assert schema.field("order_id") == pa.field("order_id", pa.string(), nullable=True)
    assert schema.field("final") == pa.field("final", pa.bool_(), nullable=False)
    assert schema.field("kafka_offset") == pa.field("kafka_offset", pa.int64(), nullable=False)
    first, *_ = [row for row in rows(directory, "PaymentSuccess") if row["fee_minor"] == 66]
    assert first["occurred_at"] == datetime(2026, 11, 22, 12, 10, 1, 500_000, tzinfo=UTC)
    assert first["method"] == "CARD"
    exported = {path.name for path in directory.iterdir() if path.is_dir()}
    assert exported == {golden.record.rpartition(".")[2] for golden in goldens.goldens(SUCCESSES)}
    assert sum(len(rows(directory, record)) for record in exported) == len(goldens.goldens(SUCCESSES))


def test_records_within_records_are_structs_and_lists(put: Put, export: Export, tmp_path: Path) -> None:
    put(TOPIC)
    assert export(TOPIC).exit_code == 0
    newest = max(goldens.goldens(TOPIC, "MerchantCreated"), key=lambda golden: golden.version)
    value: Any = newest.value
    shown = [row for row in rows(tmp_path / TOPIC, "MerchantCreated") if row["event_id"] == value["event_id"]]
    assert shown[0]["settlement_policy"]["time_zone"] == value["settlement_policy"]["time_zone"]
    assert [fee["basis_points"] for fee in shown[0]["fees"]] == [fee["basis_points"] for fee in value["fees"]]


def test_run_again_it_writes_what_has_come_since_and_nothing_twice(put: Put, export: Export, tmp_path: Path) -> None:
    directory = tmp_path / TOPIC
    put(TOPIC)
    assert export(TOPIC).exit_code == 0
    before = whole(directory)
    assert export(TOPIC).exit_code == 0
    assert whole(directory) == before
    put(TOPIC)
    assert export(TOPIC).exit_code == 0
    assert whole(directory) == sorted([*before, *(name.replace("00000001", "00000002") for name in before)])
    places = [(row["kafka_partition"], row["kafka_offset"]) for row in rows(directory, "MerchantCreated")]
    versions = len(goldens.goldens(TOPIC, "MerchantCreated"))
    assert (len(places), len(set(places))) == (2 * versions, 2 * versions)


def test_what_a_run_left_that_was_cut_off_is_removed(put: Put, export: Export, tmp_path: Path) -> None:
    directory = tmp_path / TOPIC
    put(TOPIC)
    assert export(TOPIC).exit_code == 0
    before = whole(directory)
    for name in ("00000002.parquet", "00000002.parquet.unfinished"):
        (directory / "MerchantCreated" / name).write_bytes(b"half")
    assert export(TOPIC).exit_code == 0
    assert whole(directory) == before


def test_a_large_topic_is_written_in_parts(
    put: Put, export: Export, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "ROW_GROUP_ROWS", 3)
    monkeypatch.setattr(exporting, "FILE_EVENTS_MAX", 5)
    for _ in range(3):
        put(TOPIC)
    assert export(TOPIC).exit_code == 0
    records = {golden.record.rpartition(".")[2] for golden in goldens.goldens(TOPIC)}
    found = [row for record in records for row in rows(tmp_path / TOPIC, record)]
    assert len(found) == 3 * len(goldens.goldens(TOPIC))
    assert len({(row["kafka_partition"], row["kafka_offset"]) for row in found}) == len(found)


def test_what_cannot_be_decoded_is_named_and_nothing_is_to_be_seen(put: Put, export: Export, tmp_path: Path) -> None:
    put(TOPIC, b"garbage")
    outcome = export(TOPIC)
    assert (outcome.exit_code, "no Avro message" in outcome.stderr) == (1, True)
    assert not list(tmp_path.rglob("*.parquet"))
    assert not list(tmp_path.rglob("_progress.json"))


def test_an_export_begins_at_a_moment(put: Put, export: Export, tmp_path: Path) -> None:
    put(TOPIC)
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    assert export(TOPIC, "--since", f"{tomorrow:%Y-%m-%d}").exit_code == 0
    assert not list(tmp_path.rglob("*.parquet"))
    yesterday = datetime.now(UTC) - timedelta(days=1)
    assert export(TOPIC, "--since", f"{yesterday:%Y-%m-%d}").exit_code == 0
    assert len(rows(tmp_path / TOPIC, "MerchantCreated")) == len(goldens.goldens(TOPIC, "MerchantCreated"))
    again = export(TOPIC, "--since", f"{yesterday:%Y-%m-%d}")
    assert (again.exit_code, "leave --since out" in again.stderr) == (1, True)


def test_the_export_of_another_topic_is_not_gone_on_with(put: Put, export: Export, tmp_path: Path) -> None:
    put(TOPIC)
    assert export(TOPIC).exit_code == 0
    progress = tmp_path / TOPIC / files.PROGRESS
    progress.write_text(progress.read_text().replace('"topic_id": "', '"topic_id": "other-'))
    outcome = export(TOPIC)
    assert (outcome.exit_code, "another topic or cluster" in outcome.stderr) == (1, True)
    progress.write_text("{}")
    assert export(TOPIC).exit_code == 1


def test_without_pyarrow_it_says_what_to_install(put: Put, export: Export, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    outcome = export(TOPIC)
    assert outcome.exit_code == 1
    assert outcome.stderr == "error: Parquet needs pyarrow: pip install 'paystream[parquet]'\n"
