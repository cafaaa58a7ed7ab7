"""The environment of a command: the settings of the services that it is about."""

import pytest
from pydantic import SecretStr

from paykit.base.config import PREFIX, Settings

GIVEN = ("database_url", "database_service_password", "kafka_bootstrap", "registry_url", "topic_prefix", "cache_dir")


def enter(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    """Have commands of this test find what these settings name."""
    for name in GIVEN:
        value = getattr(settings, name)
        monkeypatch.setenv(
            PREFIX + name.upper(), value.get_secret_value() if isinstance(value, SecretStr) else str(value)
        )
