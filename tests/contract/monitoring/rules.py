"""The rule files, read."""

from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[3]
PROMETHEUS = ROOT / "deploy" / "prometheus"
RUNBOOKS = ROOT / "docs" / "runbooks"
FILES = ("alerts.yml", "slos.yml")


def rules() -> list[dict[str, Any]]:
    """Give every rule, of recording and of alerting, in order."""
    files = [yaml.safe_load((PROMETHEUS / name).read_text()) for name in FILES]
    return [rule for file in files for group in file["groups"] for rule in group["rules"]]


def alerts() -> list[dict[str, Any]]:
    return [rule for rule in rules() if "alert" in rule]


def recorded() -> dict[str, dict[str, Any]]:
    return {rule["record"]: rule for rule in rules() if "record" in rule}
