"""The real servers: up, up again, a crash, down, up with the data, purge; each test goes on from the one before."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest
from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from paytools.localstack import Endpoints, Stack
from paytools.localstack.parts import postgres_programs
from paytools.localstack.settings import StackSettings

SERVERS = ("postgres", "kafka", "registry")
SCHEMA = {"schema": '{"type": "record", "name": "Kept", "fields": []}'}
GONE_S_MAX = 20.0


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> StackSettings:
    own = StackSettings(stack_postgres_url=None, stack_kafka_bootstrap=None, stack_registry_url=None)
    return own.any_port.model_copy(update={"home": tmp_path_factory.mktemp("localstack") / ".paystream"})


@pytest.fixture(scope="module")
def stack(settings: StackSettings) -> Iterator[Stack]:
    """A stack that is up when a test begins, as the tests before left it."""
    stack = Stack(settings, services=())
    outcome = stack.up(tied_to_caller=True)
    assert outcome.fresh
    assert outcome.started == SERVERS
    yield stack
    stack.down(purge=True)


def pids(stack: Stack) -> dict[str, int | None]:
    return {part.name: part.pid for part in stack.status()}


def kill(stack: Stack, name: str) -> None:
    pid = pids(stack)[name]
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    gone(pid)


def gone(pid: int) -> None:
    deadline = time.monotonic() + GONE_S_MAX
    while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def read_one(endpoints: Endpoints) -> bytes | None:
    consumer = Consumer(
        {"bootstrap.servers": endpoints.kafka, "group.id": "reader", "auto.offset.reset": "earliest", "log_level": 0}
    )
    try:
        consumer.subscribe(["kept"])
        message = consumer.poll(30)
        return message.value() if message and not message.error() else None
    finally:
        consumer.close()


def test_every_part_serves_and_says_where(stack: Stack, settings: StackSettings) -> None:
    endpoints = Endpoints.read(settings.home)
    assert {part.name: part.endpoint for part in stack.status()} == {
        "postgres": endpoints.postgres,
        "kafka": endpoints.kafka,
        "registry": endpoints.registry,
    }
    assert all(part.serves for part in stack.status())


def test_postgres_is_durable_and_sorts_by_code_point(settings: StackSettings) -> None:
    dsn = Endpoints.read(settings.home).postgres
    sql = (
        "SELECT current_setting('fsync'), current_setting('synchronous_commit'), current_setting('server_version_num')"
    )
    fsync, commit, version = postgres_programs.query(dsn, sql).split("|")
    assert (fsync, commit, version[:2]) == ("on", "on", "18")
    assert postgres_programs.query(dsn, "SELECT datlocale FROM pg_database WHERE datname = 'paystream'") == "C.UTF-8"


def test_postgres_refuses_a_wrong_password(settings: StackSettings) -> None:
    dsn = Endpoints.read(settings.home).postgres
    user_and_password, at, rest = dsn.rpartition("@")
    with pytest.raises(subprocess.CalledProcessError):
        postgres_programs.query(f"{user_and_password}x{at}{rest}", "SELECT 1")


def test_the_registry_refuses_incompatible_schemas_by_default(settings: StackSettings) -> None:
    url = Endpoints.read(settings.home).registry
    assert httpx.get(f"{url}/config").json()["compatibilityLevel"] == "FULL_TRANSITIVE"


def test_kafka_creates_no_topic_by_itself(settings: StackSettings) -> None:
    admin = AdminClient({"bootstrap.servers": Endpoints.read(settings.home).kafka, "log_level": 0})
    admin.list_topics("unwanted", timeout=10)
    assert "unwanted" not in admin.list_topics(timeout=10).topics


def test_kafka_is_ready_for_groups_before_the_first_one_comes(settings: StackSettings) -> None:
    admin = AdminClient({"bootstrap.servers": Endpoints.read(settings.home).kafka, "log_level": 0})
    deadline = time.monotonic() + GONE_S_MAX
    while "__consumer_offsets" not in admin.list_topics(timeout=10).topics:  # Its making was begun when it started.
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_second_up_starts_nothing(stack: Stack) -> None:
    before = pids(stack)
    outcome = stack.up()
    assert outcome.started == ()
    assert not outcome.fresh
    assert pids(stack) == before


def test_a_killed_part_is_reported_and_repaired_where_it_was(stack: Stack, settings: StackSettings) -> None:
    before, endpoints = pids(stack), Endpoints.read(settings.home)
    kill(stack, "kafka")
    assert {part.name: part.serves for part in stack.status()} == {"postgres": True, "kafka": False, "registry": True}
    outcome = stack.up()
    assert outcome.started == ("kafka",)
    assert outcome.endpoints == endpoints
    assert {name: pid for name, pid in pids(stack).items() if name != "kafka"} == {
        name: pid for name, pid in before.items() if name != "kafka"
    }


def test_a_postgresql_that_was_killed_this_moment_is_started_again_with_its_data(
    stack: Stack, settings: StackSettings
) -> None:
    endpoints, pid = Endpoints.read(settings.home), pids(stack)["postgres"]
    postgres_programs.query(endpoints.postgres, "CREATE TABLE survived (id bigint)")
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    outcome = stack.up()
    assert "postgres" in outcome.started
    assert outcome.endpoints == endpoints
    assert postgres_programs.query(endpoints.postgres, "SELECT count(*) FROM survived") == "0"


def test_data_outlives_down_and_up(stack: Stack, settings: StackSettings) -> None:
    before = Endpoints.read(settings.home)
    postgres_programs.query(before.postgres, "CREATE TABLE kept (id bigint); INSERT INTO kept VALUES (42)")
    httpx.post(f"{before.registry}/subjects/kept/versions", json=SCHEMA).raise_for_status()
    admin = AdminClient({"bootstrap.servers": before.kafka, "log_level": 0})
    admin.create_topics([NewTopic("kept", 1)])["kept"].result(10)
    producer = Producer({"bootstrap.servers": before.kafka, "log_level": 0})
    producer.produce("kept", b"42")
    assert producer.flush(10) == 0

    assert set(stack.down()) == set(SERVERS)
    assert stack.status() == []
    assert not (settings.home / "endpoints.json").exists()

    after = stack.up(tied_to_caller=True).endpoints
    assert postgres_programs.query(after.postgres, "SELECT id FROM kept") == "42"
    assert httpx.get(f"{after.registry}/subjects").json() == ["kept"]
    assert read_one(after) == b"42"


def test_another_stack_can_use_the_parts_of_this_one(stack: Stack, settings: StackSettings, tmp_path: Path) -> None:
    endpoints = Endpoints.read(settings.home)
    borrowing = Stack(
        settings.model_copy(
            update={
                "home": tmp_path,
                "stack_postgres_url": endpoints.postgres,
                "stack_kafka_bootstrap": endpoints.kafka,
                "stack_registry_url": endpoints.registry,
            }
        ),
        services=(),
    )
    assert borrowing.up().endpoints == endpoints
    assert [(part.pid, part.serves) for part in borrowing.status()] == [(None, True)] * 3
    assert borrowing.down() == ()
    assert all(part.serves for part in stack.status())


def test_processes_whose_record_was_lost_are_stopped_before_new_ones_start(
    stack: Stack, settings: StackSettings
) -> None:
    lost = pids(stack)
    (settings.home / "stack.json").unlink()
    outcome = stack.up(tied_to_caller=True)
    assert outcome.started == SERVERS
    for pid in lost.values():
        assert pid is not None
        gone(pid)
    assert postgres_programs.query(outcome.endpoints.postgres, "SELECT id FROM kept") == "42"


def test_a_port_in_use_falls_back_to_a_free_one(stack: Stack, settings: StackSettings) -> None:
    stack.down()
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        in_use = other.getsockname()[1]
        preferring = Stack(settings.model_copy(update={"stack_kafka_port": in_use}), services=())
        outcome = preferring.up(tied_to_caller=True)
    assert outcome.endpoints.kafka != f"127.0.0.1:{in_use}"
    assert all(part.serves for part in preferring.status())


def test_purge_deletes_the_data(stack: Stack, settings: StackSettings) -> None:
    assert set(stack.down(purge=True)) == set(SERVERS)
    assert [path.name for path in settings.home.iterdir()] == ["lock"]


def test_parts_for_tests_end_when_their_user_is_killed(settings: StackSettings) -> None:
    script = f"""
import pathlib, time
from paytools.localstack import running_parts
home = pathlib.Path({str(settings.home)!r})
with running_parts(home):
    print("up", flush=True)
    time.sleep(600)
"""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PAYSTREAM_STACK_")}
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, env=environment) as user:
        assert user.stdout is not None
        assert user.stdout.readline() == b"up\n"
        running = pids(Stack(settings, services=()))
        user.kill()
    assert set(running) == set(SERVERS)
    for pid in running.values():
        assert pid is not None
        gone(pid)
