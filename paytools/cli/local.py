"""Settings for commands: the environment's, and the local stack's for what it does not say."""

import contextlib
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from paykit.base import config, database_url
from paytools.cli.addresses import DEFAULT_HOME


def settings(home: Path = DEFAULT_HOME) -> config.Settings:
    """Read the settings, so that commands beside a running local stack need none.

    Raises:
        ConfigurationError: A variable is wrong, or the database is named neither by the environment nor by a stack.
    """
    return config.load(**_endpoints(home))


def service_settings(home: Path, *, overrides: Mapping[str, Any]) -> config.Settings:
    """Read the settings of a service's process: those of a local stack only where the environment names no database.

    A process never runs on one stack's database and another's Kafka, nor in development because a stack lies nearby.

    Args:
        home: Of the local stack.
        overrides: Win over the environment.

    Raises:
        ConfigurationError: A variable is wrong, or the database is named neither by the environment nor by a stack.
    """
    defaults = {} if "database_url" in config.given() else _of_a_service(home)
    return config.load(overrides=overrides, **defaults)


def service_password(home: Path) -> str | None:
    """Return the password of the services' roles of a local stack whose database the environment does not name."""
    with contextlib.suppress(FileNotFoundError):
        if not config.given() & {"database_url", "database_admin_url"}:
            return (home / "service-password").read_text(encoding="utf-8")
    return None


def _of_a_service(home: Path) -> dict[str, Any]:
    """Return what a service of the stack is told: it connects as its own role, and knows where the others are."""
    defaults = _endpoints(home)
    if not defaults:
        return {}
    own_role = replace(database_url.parse(defaults["database_url"]), username=None, password=None)
    services = json.loads((home / "endpoints.json").read_text(encoding="utf-8")).get("services", {})
    told = {"database_url": str(own_role), "peers": json.dumps(services)}
    if "channel" in services:
        told["channel_address"] = services["channel"]
    if (password := service_password(home)) is not None:
        told["database_service_password"] = password
    return defaults | told


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
