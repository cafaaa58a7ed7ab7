"""What a person may choose, and what is refused."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from paytools.localstack.settings import StackSettings


def test_settings_come_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAYSTREAM_HOME", str(tmp_path))
    monkeypatch.setenv("PAYSTREAM_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PAYSTREAM_STACK_KAFKA_PORT", "19092")
    settings = StackSettings()
    assert (settings.home, settings.cache, settings.stack_kafka_port) == (tmp_path, tmp_path / "cache", 19092)


def test_the_cache_follows_the_desktop_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PAYSTREAM_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert StackSettings().cache == Path("/somewhere/paystream")


def test_the_data_lies_in_the_working_directory_unless_told_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PAYSTREAM_HOME", raising=False)
    monkeypatch.chdir(tmp_path)
    assert StackSettings().home == tmp_path / ".paystream"


def test_a_misspelt_variable_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAYSTREAM_STACK_KAKFA_PORT", "9092")
    with pytest.raises(ValidationError, match="PAYSTREAM_STACK_KAKFA_PORT: no such setting"):
        StackSettings()


@pytest.mark.parametrize("port", ["-1", "65536", "many"])
def test_a_port_that_cannot_be_is_refused(monkeypatch: pytest.MonkeyPatch, port: str) -> None:
    monkeypatch.setenv("PAYSTREAM_STACK_KAFKA_PORT", port)
    with pytest.raises(ValidationError, match="stack_kafka_port"):
        StackSettings()


def test_any_port_asks_for_no_port_in_particular() -> None:
    settings = StackSettings().any_port
    assert {settings.stack_postgres_port, settings.stack_kafka_port, settings.stack_registry_port} == {0}
    assert {settings.stack_service_port, settings.stack_metrics_port} == {0}


@pytest.mark.parametrize("given", [{"stack_kafka_proxied_port": 9093}, {"stack_kafka_proxy": "127.0.0.1:9094"}])
def test_half_of_a_proxied_listener_is_refused(given: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match="go together"):
        StackSettings.model_validate(given)
