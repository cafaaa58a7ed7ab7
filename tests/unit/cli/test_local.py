import json
import os
from pathlib import Path

import pytest

from paykit.base.config import ConfigurationError
from paytools.cli import local


@pytest.fixture(autouse=True)
def _no_inherited_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.upper().startswith("PAYSTREAM_"):
            monkeypatch.delenv(name)


def test_a_local_stack_fills_in_what_the_environment_does_not_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = {"postgres": "postgresql://admin:pw@127.0.0.1:1/paystream", "kafka": "k:1", "registry": "http://r:1"}
    (tmp_path / "endpoints.json").write_text(json.dumps(found))
    monkeypatch.setenv("PAYSTREAM_KAFKA_BOOTSTRAP", "mine:2")
    settings = local.settings(tmp_path)
    assert settings.database_url.get_secret_value() == "postgresql://admin:pw@127.0.0.1:1/paystream"
    assert (settings.kafka_bootstrap, settings.registry_url) == ("mine:2", "http://r:1")


def stack_in(home: Path) -> None:
    found = {
        "postgres": "postgresql://admin:pw@127.0.0.1:1/paystream",
        "kafka": "k:1",
        "registry": "http://r:1",
        "services": {"channel": "127.0.0.1:2", "order": "127.0.0.1:3"},
    }
    (home / "endpoints.json").write_text(json.dumps(found))
    (home / "service-password").write_text("theirs")


def test_a_service_beside_a_stack_is_told_what_its_services_are(tmp_path: Path) -> None:
    stack_in(tmp_path)
    settings = local.service_settings(tmp_path, overrides={"role": "api"})
    assert settings.database_url.get_secret_value() == "postgresql://127.0.0.1:1/paystream"
    assert settings.database_service_password is not None
    assert settings.database_service_password.get_secret_value() == "theirs"
    assert (settings.kafka_bootstrap, settings.registry_url) == ("k:1", "http://r:1")
    assert (settings.environment, settings.role, settings.channel_address) == ("development", "api", "127.0.0.1:2")
    assert settings.peers == {"channel": "127.0.0.1:2", "order": "127.0.0.1:3"}


def test_a_service_with_a_database_of_its_own_takes_nothing_of_a_stack_nearby(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack_in(tmp_path)
    monkeypatch.setenv("PAYSTREAM_DATABASE_URL", "postgresql://db:5432/paystream")
    settings = local.service_settings(tmp_path, overrides={})
    assert settings.environment == "production"
    assert settings.database_url.get_secret_value() == "postgresql://db:5432/paystream"
    assert settings.database_service_password is None
    assert settings.kafka_bootstrap == "localhost:9092"
    assert local.service_password(tmp_path) is None


def test_a_service_without_either_names_the_missing_setting(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="PAYSTREAM_DATABASE_URL is not set"):
        local.service_settings(tmp_path, overrides={})


def test_without_either_the_missing_setting_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="PAYSTREAM_DATABASE_URL is not set"):
        local.settings(tmp_path)
