"""One Apache Kafka node (KRaft: broker and controller) on the Java runtime of a wheel."""

import base64
import shutil
import uuid
from dataclasses import dataclass
from pathlib import Path

from paytools.localstack import processes
from paytools.localstack.fetching import Fetched
from paytools.localstack.parts import java, probes
from paytools.localstack.parts.part import fresh_directory
from paytools.localstack.processes import Command
from paytools.localstack.steps import Steps

HEAP_MB = 512
LOG_CONFIGURATION = Path(__file__).with_name("kafka-log4j2.properties")

SETTINGS = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "auto.create.topics.enable": "false",
    "default.replication.factor": "1",
    "min.insync.replicas": "1",
    "offsets.topic.replication.factor": "1",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    # Consumers of a service that start together are one group from the start; one after another, they take seconds.
    "group.initial.rebalance.delay.ms": "100",
    "broker.session.timeout.ms": "5000",  # A killed broker may come back only when its session has ended.
    "broker.heartbeat.interval.ms": "1000",
    "offsets.topic.num.partitions": "10",  # 50 would cost a second when the first group forms.
    "log.retention.ms": "-1",  # Projections are rebuilt from the beginning of the topics.
}
"""Also given to the image in docker-compose.yml; a test compares them."""

PROTOCOLS = "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,PROXIED:PLAINTEXT"
"""By listener; Kafka knows those of the usual names by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxiedListener:
    """A second listener of the broker, for clients that come through a proxy and are to come back through it.

    Attributes:
        port: Of 127.0.0.1, where the broker listens.
        proxy: `host:port` that it tells its clients: whoever asked for the broker here goes on there.
    """

    port: int
    proxy: str


class Kafka:
    """A broker on 127.0.0.1, data under `<home>/kafka`."""

    name = "kafka"
    after: tuple[str, ...] = ()
    result = "serves"

    def __init__(
        self, *, home: Path, cache: Path, port: int, controller_port: int, proxied: ProxiedListener | None = None
    ) -> None:
        self._home = home
        self._data = home / self.name / "data"
        self._log = home / "logs" / f"{self.name}.log"
        self.marker = f"-Dpaystream.part={self._data}"
        self._jars = Fetched(self.name, cache=cache)
        self.port = port
        self._controller_port = controller_port
        self._proxied = proxied

    def prepare(self) -> Steps:
        """Fetch the jars, and format the storage on first use."""
        self._data.parent.mkdir(parents=True, exist_ok=True)
        yield from self._jars.steps()
        if not self._data.exists():
            yield from self._format()
        self._write_configuration(self._data)

    def command(self) -> Command:
        """Run the node."""
        return self._java("kafka.Kafka", str(self._configuration()))

    def healthy(self) -> bool:
        """Find the broker in its own cluster."""
        return probes.kafka(self.endpoint())

    def settle(self) -> None:
        """Have the topic of groups' offsets made, which the first group would wait seconds for."""
        probes.knows_group(self.endpoint(), self.name)

    def endpoint(self) -> str:
        """Return the bootstrap address."""
        return f"127.0.0.1:{self.port}"

    def _format(self) -> Steps:
        partial = fresh_directory(self._data)
        shutil.rmtree(partial, ignore_errors=True)
        self._write_configuration(partial)
        arguments = ("format", "--cluster-id", _new_cluster_id(), "--config", str(self._configuration()))
        command = self._java("kafka.tools.StorageTool", *arguments)
        for _ in processes.run(command, name="formatting Kafka's storage", log=self._log):
            yield "formatting the storage"
        partial.rename(self._data)

    def _write_configuration(self, data: Path) -> None:
        address, controller = self.endpoint(), f"127.0.0.1:{self._controller_port}"
        settings = {
            **SETTINGS,
            "listeners": f"PLAINTEXT://{address},CONTROLLER://{controller}",
            "advertised.listeners": f"PLAINTEXT://{address}",
            "controller.quorum.voters": f"1@{controller}",
            "log.dirs": str(data),
        }
        if self._proxied is not None:
            settings["listeners"] += f",PROXIED://127.0.0.1:{self._proxied.port}"
            settings["advertised.listeners"] += f",PROXIED://{self._proxied.proxy}"
            settings["listener.security.protocol.map"] = PROTOCOLS
            settings["inter.broker.listener.name"] = "PLAINTEXT"
        self._configuration().write_text("".join(f"{name}={value}\n" for name, value in settings.items()))

    def _configuration(self) -> Path:
        return self._home / self.name / "server.properties"

    def _java(self, main_class: str, *arguments: str) -> Command:
        class_path = ":".join(map(str, self._jars.paths))
        start = java.argv(home=self._home, marker=self.marker, heap_mb=HEAP_MB)
        log4j = f"-Dlog4j2.configurationFile={LOG_CONFIGURATION}"
        return Command(
            argv=[*start, log4j, "-cp", class_path, main_class, *arguments],
            environment={},
            marker=self.marker,
            directory=self._home,
        )


def _new_cluster_id() -> str:
    """Make an id as Kafka does: a UUID in base64, never beginning with a dash, which would read as an option."""
    while (text := base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")).startswith("-"):
        pass
    return text
