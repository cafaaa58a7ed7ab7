"""A service of the stack: its ground is prepared, it serves where it was said to, and it is repaired alone."""

import os
import signal
from collections.abc import Iterator

import httpx
import pytest

from paytools.localstack import Endpoints, Stack
from paytools.localstack.parts import postgres_programs, probes
from paytools.localstack.settings import StackSettings


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> StackSettings:
    own = StackSettings(stack_postgres_url=None, stack_kafka_bootstrap=None, stack_registry_url=None)
    return own.any_port.model_copy(update={"home": tmp_path_factory.mktemp("services") / ".paystream"})


@pytest.fixture(scope="module")
def stack(settings: StackSettings) -> Iterator[Stack]:
    stack = Stack(settings, services=("channel",))
    assert stack.up(tied_to_caller=True).started == ("postgres", "kafka", "registry", "channel", "gateway")
    yield stack
    stack.down(purge=True)


def test_a_service_serves_at_its_endpoint(stack: Stack, settings: StackSettings) -> None:
    endpoints = Endpoints.read(settings.home)
    assert list(endpoints.services) == list(endpoints.metrics) == ["channel"]
    assert probes.service(endpoints.services["channel"])
    assert "python_info" in httpx.get(f"http://{endpoints.metrics['channel']}/metrics").text


def test_its_ground_was_prepared(stack: Stack, settings: StackSettings) -> None:
    endpoints = Endpoints.read(settings.home)
    schemas = "SELECT count(*) FROM pg_namespace WHERE nspname = 'channel'"
    assert postgres_programs.query(endpoints.postgres, schemas) == "1"
    assert httpx.get(f"{endpoints.registry}/subjects").json() != []


def test_a_killed_service_is_repaired_where_it_was_and_nothing_else_restarts(
    stack: Stack, settings: StackSettings
) -> None:
    before, endpoints = {part.name: part.pid for part in stack.status()}, Endpoints.read(settings.home)
    killed = before.pop("channel")
    assert killed is not None
    os.kill(killed, signal.SIGKILL)
    outcome = stack.up()
    assert outcome.started == ("channel",)
    assert outcome.endpoints == endpoints
    after = {part.name: part.pid for part in stack.status() if part.serves}
    assert after.pop("channel") not in {None, killed}
    assert after == before
