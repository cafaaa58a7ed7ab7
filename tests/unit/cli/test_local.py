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


def test_without_either_the_missing_setting_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="PAYSTREAM_DATABASE_URL is not set"):
        local.settings(tmp_path)
