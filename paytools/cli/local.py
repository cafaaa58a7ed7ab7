"""Settings for commands: the environment's, and the local stack's for what it does not say."""

import json
from pathlib import Path
from typing import Any

from paykit.base import config
from paytools.cli.addresses import DEFAULT_HOME


def settings(home: Path = DEFAULT_HOME) -> config.Settings:
    """Read the settings, so that commands beside a running local stack need none.

    Raises:
        ConfigurationError: A variable is wrong, or the database is named neither by the environment nor by a stack.
    """
    return config.load(**_endpoints(home))


def _endpoints(home: Path) -> dict[str, Any]:
    try:
        endpoints = json.loads((home / "endpoints.json").read_text(encoding="utf-8"))
        return {
            "environment": "development",
            "database_url": endpoints["postgres"],
            "kafka_bootstrap": endpoints["kafka"],
            "registry_url": endpoints["registry"],
            "cache_dir": home / "cache",
        }
    except (OSError, ValueError, KeyError):
        return {}
