"""Which parts a stack has, and on which ports."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from paykit.base.endpoints import Endpoints
from paytools.localstack import ports, preparation
from paytools.localstack.parts import probes
from paytools.localstack.parts.external import External
from paytools.localstack.parts.gateway import Gateway
from paytools.localstack.parts.kafka import Kafka, ProxiedListener
from paytools.localstack.parts.mail import MailSink
from paytools.localstack.parts.part import Part
from paytools.localstack.parts.postgres import Postgres
from paytools.localstack.parts.registry import Registry
from paytools.localstack.parts.service import ServicePart, service_environment, service_password
from paytools.localstack.preparation import Preparation
from paytools.localstack.settings import StackSettings
from paytools.localstack.state import State

MAILING_SERVICE = "notification"
"""Where this one runs, a sink takes its mails."""


class Plan:
    """The parts of one stack with their ports chosen.

    A port is the recorded one if the part has it or can have it back, else the configured one, else any free one.

    Attributes:
        ports: Those chosen for each part that this stack runs itself, by the part's name.
        servers: Postgres, Kafka and registry by name, in starting order; and the mail sink, where mails are sent.
        services: The services by name, in starting order.
        gateway: What stands in front of the services; None without services, or where it is not wanted.
    """

    def __init__(self, *, home: Path, settings: StackSettings, services: Sequence[str], state: State) -> None:
        self._home = home
        self._settings = settings
        self._state = state
        self._taken: set[int] = set()
        self.ports: dict[str, list[int]] = {}
        postgres = self._postgres()
        servers: list[Part] = [postgres, self._kafka(), self._registry(postgres_dsn=postgres.endpoint)]
        if MAILING_SERVICE in services:
            servers.append(self._mail())
        self.servers: Mapping[str, Part] = {part.name: part for part in servers}
        self.services: Mapping[str, ServicePart] = {
            name: self._service(name, offset) for offset, name in enumerate(services)
        }
        self.gateway = self._gateway() if services and settings.stack_gateway else None

    @property
    def preparations(self) -> list[Preparation]:
        """Return the commands to run before services start."""
        environment = self.administrator_environment
        return [Preparation(step, home=self._home, environment=environment) for step in preparation.STEPS]

    @property
    def parts(self) -> dict[str, Part]:
        """All of them, in starting order."""
        in_front = {self.gateway.name: self.gateway} if self.gateway else {}
        return {**self.servers, **self.services, **in_front}

    def endpoints(self) -> Endpoints:
        """Say where everything listens, or will."""
        return Endpoints(
            postgres=self.servers["postgres"].endpoint(),
            kafka=self.servers["kafka"].endpoint(),
            registry=self.servers["registry"].endpoint(),
            services={name: part.endpoint() for name, part in self.services.items()},
            metrics={name: f"127.0.0.1:{part.metrics_port}" for name, part in self.services.items()},
            topic_partitions=self._settings.stack_topic_partitions,
            mail=self.servers["mail"].endpoint() if "mail" in self.servers else "",
            gateway=self.gateway.endpoint() if self.gateway else "",
        )

    def environment(self) -> dict[str, str]:
        """Return the settings that all services of this stack share."""
        return service_environment(self.endpoints(), cache=self._home / "cache", password=service_password(self._home))

    def administrator_environment(self) -> dict[str, str]:
        """Return the settings of the commands that prepare the ground: they may create roles, tables, topics."""
        return {
            **self.environment(),
            "PAYSTREAM_DATABASE_ADMIN_URL": self.endpoints().postgres,
            "PAYSTREAM_TOPIC_PARTITIONS": str(self._settings.stack_topic_partitions),
        }

    def _postgres(self) -> Part:
        if self._settings.stack_postgres_url:
            return External("postgres", endpoint=self._settings.stack_postgres_url, probe=probes.postgres)
        port = self._port("postgres", self._settings.stack_postgres_port)
        return Postgres(home=self._home, port=port, fsync=self._settings.stack_postgres_fsync)

    def _kafka(self) -> Part:
        if self._settings.stack_kafka_bootstrap:
            return External("kafka", endpoint=self._settings.stack_kafka_bootstrap, probe=probes.kafka)
        port = self._port("kafka", self._settings.stack_kafka_port)
        controller_port = ports.choose(0, taken=self._taken)
        self.ports["kafka"].append(controller_port)
        return Kafka(
            home=self._home,
            cache=self._settings.cache,
            port=port,
            controller_port=controller_port,
            proxied=self._proxied_listener(),
        )

    def _proxied_listener(self) -> ProxiedListener | None:
        if self._settings.stack_kafka_proxy is None:
            return None
        return ProxiedListener(port=self._settings.stack_kafka_proxied_port, proxy=self._settings.stack_kafka_proxy)

    def _registry(self, *, postgres_dsn: Callable[[], str]) -> Part:
        if self._settings.stack_registry_url:
            url = self._settings.stack_registry_url.rstrip("/")
            return External("registry", endpoint=url, probe=probes.registry)
        return Registry(
            home=self._home,
            cache=self._settings.cache,
            port=self._port("registry", self._settings.stack_registry_port),
            postgres_dsn=postgres_dsn,
        )

    def _mail(self) -> Part:
        return MailSink(home=self._home, port=self._port("mail", self._settings.stack_mail_port))

    def _gateway(self) -> Gateway:
        return Gateway(
            home=self._home,
            port=self._port("gateway", self._settings.stack_gateway_port),
            services=lambda: self.endpoints().services,
        )

    def _service(self, name: str, offset: int) -> ServicePart:
        settings = self._settings
        record = self._state.records.get(name)
        metrics = record.metrics_port if record else _following(settings.stack_metrics_port, offset)
        keep = self._state.alive(name)
        port = self._port(name, _following(settings.stack_service_port, offset))
        metrics_port = metrics if keep else ports.choose(metrics, taken=self._taken)
        self.ports[name].append(metrics_port)
        return ServicePart(
            name,
            after=(*self.servers, *preparation.NAMES),
            home=self._home,
            port=port,
            metrics_port=metrics_port,
            environment=self.environment,
        )

    def _port(self, name: str, configured: int) -> int:
        port = self._chosen(name, configured)
        self.ports[name] = [port]
        return port

    def _chosen(self, name: str, configured: int) -> int:
        record = self._state.records.get(name)
        if record is None or record.identity is None:
            return ports.choose(configured, taken=self._taken)
        if self._state.alive(name):
            self._taken.add(record.port)
            return record.port
        return ports.choose(record.port, taken=self._taken)


def _following(first: int, offset: int) -> int:
    return first + offset if first else 0
