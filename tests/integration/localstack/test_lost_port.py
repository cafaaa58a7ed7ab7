"""A port that was free when the stack chose it, and is another program's when the server wants it."""

import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from paytools.localstack import Endpoints, Stack
from paytools.localstack.bringup import PortLostError
from paytools.localstack.parts import probes
from paytools.localstack.settings import StackSettings


class Rivals:
    """Other programs, each of which takes a port as soon as a stack that has chosen it begins to start."""

    def __init__(self, *ports: int) -> None:
        self._ports = list(ports)
        self.sockets: list[socket.socket] = []

    def update(self, _name: str, _doing: str) -> None:
        while self._ports:
            rival = socket.socket()
            rival.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            rival.bind(("127.0.0.1", self._ports.pop()))
            rival.listen()
            self.sockets.append(rival)

    def done(self, _name: str, _result: str) -> None:
        """Nothing to take."""

    def close(self) -> None:
        for rival in self.sockets:
            rival.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def settings(stack: Endpoints, tmp_path: Path) -> Iterator[StackSettings]:
    """A stack with a Kafka of its own."""
    given = {"home": tmp_path / "home", "stack_postgres_url": stack.postgres, "stack_registry_url": stack.registry}
    yield StackSettings().any_port.model_copy(update=given | {"stack_kafka_port": free_port()})
    Stack(StackSettings().any_port.model_copy(update=given), services=()).down(purge=True)


def test_a_stack_that_lost_a_port_to_another_comes_up_on_another_one(settings: StackSettings) -> None:
    with contextlib.closing(Rivals(settings.stack_kafka_port)) as rivals:
        outcome = Stack(settings, services=(), progress=rivals).up(tied_to_caller=True)
        assert len(rivals.sockets) == 1
    assert outcome.endpoints.kafka != f"127.0.0.1:{settings.stack_kafka_port}"
    assert probes.kafka(outcome.endpoints.kafka)
    assert outcome.fresh


def test_a_part_that_fails_with_its_ports_free_is_not_tried_again(settings: StackSettings) -> None:
    (settings.home / "kafka").mkdir(parents=True)
    (settings.home / "kafka" / "data").write_text("no directory")
    with pytest.raises(Exception, match="kafka") as caught:
        Stack(settings, services=()).up(tied_to_caller=True)
    assert not isinstance(caught.value, PortLostError)
