"""A topic's records as a person sees them."""

import asyncio
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from paykit.events import registration, schema_files
from paykit.events.codec import Codec
from paykit.events.registry import RegistryClient
from paykit.kafka import topics
from paykit.kafka.client import Producer
from paykit.kafka.tail import Line, TopicNotFoundError, tail
from paykit.testing import goldens
from paykit.testing.hosts import new_prefix
from paytools.cli.commands import events as events_command
from paytools.localstack import Endpoints

TOPIC = "payment.events"


@pytest.fixture
async def prefix(stack: Endpoints) -> str:
    """A topic with every golden of payment.events and two records that nobody can decode."""
    prefix = new_prefix()
    declared = schema_files.load_topics(schema_files.schema_root())[TOPIC]
    topics.init(stack.kafka, topics.declared([declared], prefix=prefix), durable=True)
    chosen = [file for file in schema_files.versions(schema_files.schema_root()) if file.topic == TOPIC]
    async with RegistryClient(stack.registry) as registry:
        done = await registration.register(registry, chosen, prefix=prefix)
    ids = {(each.file.full_name, each.file.version): each.schema_id for each in done}
    producer = Producer(stack.kafka, client_id="test")
    for golden in goldens.goldens(TOPIC):
        message = golden.message(ids[golden.record, golden.version])
        producer.produce(topic=prefix + TOPIC, key=golden.value["payment_id"], value=message, headers=[])
    for bad in (b"garbage", b"\x00\x77\x77\x77\x77\x00"):
        producer.produce(topic=prefix + TOPIC, key="bad", value=bad, headers=[])
    producer.wait_acknowledged()
    return prefix


async def lines(stack: Endpoints, topic: str, cache_dir: Path) -> list[Line]:
    async with RegistryClient(stack.registry) as registry:
        codec = Codec(registry=registry, cache_dir=cache_dir)
        return [line async for line in tail(stack.kafka, codec, topic, from_beginning=True, follow=False)]


async def test_every_record_is_shown_and_what_cannot_be_decoded_says_why(
    stack: Endpoints, prefix: str, tmp_path: Path
) -> None:
    found = await lines(stack, prefix + TOPIC, tmp_path)
    assert sorted(line.record or "" for line in found) == sorted(
        ["", "", *(golden.record for golden in goldens.goldens(TOPIC))]
    )
    troubles = sorted(line.trouble for line in found if line.trouble is not None)
    assert "not found" in troubles[0].lower() or "No schema" in troubles[0]
    assert troubles[1] == "no Avro message: 7 bytes beginning with 6761726261"
    success, *_ = [line for line in found if line.record == "paystream.payment.v1.PaymentSuccess"]
    assert success.value is not None
    assert (success.key, success.value["fee_minor"]) == ("pay_0192f5d0c0de70008000000000000002", 66)


async def test_a_tail_that_follows_gives_what_is_written_next(stack: Endpoints, prefix: str, tmp_path: Path) -> None:
    async with RegistryClient(stack.registry) as registry:
        following = tail(stack.kafka, Codec(registry=registry, cache_dir=tmp_path), prefix + TOPIC)
        next_line = asyncio.ensure_future(anext(following))
        producer = Producer(stack.kafka, client_id="test")
        while not next_line.done():  # Where the tail begins is only known once it has begun.
            producer.produce(topic=prefix + TOPIC, key="new", value=b"new", headers=[])
            producer.wait_acknowledged()
            await asyncio.sleep(0.2)
        assert (await next_line).key == "new"
        await following.aclose()


async def test_a_topic_that_does_not_exist_is_named(stack: Endpoints, tmp_path: Path) -> None:
    with pytest.raises(TopicNotFoundError, match=r"no\.such\.topic"):
        await lines(stack, "no.such.topic", tmp_path)


def test_the_command_prints_one_json_object_per_line(stack: Endpoints, prefix: str) -> None:
    arguments = ["--kafka", stack.kafka, "--registry", stack.registry, "--prefix", prefix, "--from-beginning"]
    command = ["tail", TOPIC, *arguments, "--type", "PaymentSuccess", "--limit", "1"]
    outcome = CliRunner().invoke(events_command.app, command)
    assert outcome.exit_code == 0, outcome.output
    [line] = [json.loads(text) for text in outcome.stdout.splitlines()]
    assert line["record"] == "paystream.payment.v1.PaymentSuccess"
    assert line["value"]["occurred_at"] == "2026-11-22T12:10:01.500000+00:00"
    missing = CliRunner().invoke(events_command.app, ["tail", "no.such.topic", *arguments])
    assert (missing.exit_code, "no.such.topic" in missing.stderr) == (1, True)
