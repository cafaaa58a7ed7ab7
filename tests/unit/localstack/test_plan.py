"""Which parts there are, where they listen, and what services are told."""

import json
import stat
from pathlib import Path

from paykit.base.endpoints import Endpoints
from paytools.localstack.parts.external import External
from paytools.localstack.plan import Plan
from paytools.localstack.processes import Identity
from paytools.localstack.settings import StackSettings
from paytools.localstack.state import ProcessRecord, State

GONE = Identity(pid=2**22 + 1, start_time=1.0, marker="x", stop_signal=15, stop_wait_s=1.0)


def external(home: Path) -> StackSettings:
    return StackSettings(
        home=home,
        stack_postgres_url="postgresql://owner:secret@db.example:5433/paystream",
        stack_kafka_bootstrap="broker.example:9092",
        stack_registry_url="http://registry.example:8081/",
        stack_service_port=21051,
        stack_metrics_port=21164,
    )


def plan(home: Path, settings: StackSettings, *services: str, state: State | None = None) -> Plan:
    return Plan(home=home, settings=settings, services=services, state=state or State(home))


def test_parts_given_by_configuration_are_not_run_here(tmp_path: Path) -> None:
    chosen = plan(tmp_path, external(tmp_path))
    assert all(isinstance(part, External) for part in chosen.parts.values())
    assert chosen.endpoints() == Endpoints(
        postgres="postgresql://owner:secret@db.example:5433/paystream",
        kafka="broker.example:9092",
        registry="http://registry.example:8081",
        topic_partitions=6,
    )


def test_services_get_ports_one_after_another(tmp_path: Path) -> None:
    endpoints = plan(tmp_path, external(tmp_path), "payment", "channel").endpoints()
    assert endpoints.services == {"payment": "127.0.0.1:21051", "channel": "127.0.0.1:21052"}
    assert endpoints.metrics == {"payment": "127.0.0.1:21164", "channel": "127.0.0.1:21165"}


def test_a_part_that_ended_gets_its_port_back(tmp_path: Path) -> None:
    state = State(tmp_path)
    state.put("kafka", ProcessRecord(endpoint="127.0.0.1:21092", identity=GONE))
    assert plan(tmp_path, StackSettings(home=tmp_path).any_port, state=state).endpoints().kafka == "127.0.0.1:21092"


def test_a_service_is_told_where_everything_is(tmp_path: Path) -> None:
    command = plan(tmp_path, external(tmp_path), "payment", "channel").services["payment"].command()
    assert list(command.argv[1:]) == ["-m", "paytools.cli.main", "serve", "payment", "--address", "127.0.0.1:21051"]
    environment = dict(command.environment)
    assert environment.pop("PAYSTREAM_DATABASE_SERVICE_PASSWORD") == (tmp_path / "service-password").read_text()
    assert json.loads(environment.pop("PAYSTREAM_PEERS")) == {
        "payment": "127.0.0.1:21051",
        "channel": "127.0.0.1:21052",
    }
    assert environment == {
        "PAYSTREAM_ENVIRONMENT": "development",
        "PAYSTREAM_DATABASE_URL": "postgresql://db.example:5433/paystream",
        "PAYSTREAM_KAFKA_BOOTSTRAP": "broker.example:9092",
        "PAYSTREAM_REGISTRY_URL": "http://registry.example:8081",
        "PAYSTREAM_CHANNEL_ADDRESS": "127.0.0.1:21052",
        "PAYSTREAM_CACHE_DIR": str(tmp_path / "cache"),
        "PAYSTREAM_WEBHOOK_LOOPBACK_ALLOWED": "true",
        "PAYSTREAM_TRACE_SAMPLE_RATIO": "1",
        "PAYSTREAM_GRPC_ADDRESS": "127.0.0.1:21051",
        "PAYSTREAM_METRICS_ADDRESS": "127.0.0.1:21164",
    }


def test_only_the_commands_that_prepare_the_ground_may_administrate(tmp_path: Path) -> None:
    chosen = plan(tmp_path, external(tmp_path), "payment")
    environment = chosen.administrator_environment()
    assert environment["PAYSTREAM_DATABASE_ADMIN_URL"] == "postgresql://owner:secret@db.example:5433/paystream"
    assert environment["PAYSTREAM_TOPIC_PARTITIONS"] == "6"
    assert all("secret" not in value for value in chosen.services["payment"].command().environment.values())


def test_the_password_of_the_services_is_made_up_once_and_kept_from_others(tmp_path: Path) -> None:
    first = plan(tmp_path, external(tmp_path), "payment").environment()["PAYSTREAM_DATABASE_SERVICE_PASSWORD"]
    second = plan(tmp_path, external(tmp_path), "payment").environment()["PAYSTREAM_DATABASE_SERVICE_PASSWORD"]
    assert first == second
    assert len(first) == 32
    assert stat.S_IMODE((tmp_path / "service-password").stat().st_mode) == 0o600
