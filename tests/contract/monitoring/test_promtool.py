"""What Prometheus itself says of the rules: that it can read them, and that each alert is quiet, fires and clears."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.contract.monitoring.rules import PROMETHEUS, alerts

PROMTOOL_S_MAX = 240.0
TESTS = sorted(PROMETHEUS.glob("*_test.yml"))


def cases() -> list[dict[str, Any]]:
    return [case for file in TESTS for case in yaml.safe_load(file.read_text())["tests"]]


def promtool(*arguments: str) -> None:
    """Run promtool, or skip where it is not installed."""
    program = shutil.which("promtool")
    if program is None:
        pytest.skip("promtool is not installed: it comes with Debian's package prometheus")
    ended = subprocess.run(
        [program, *arguments], cwd=PROMETHEUS, capture_output=True, text=True, timeout=PROMTOOL_S_MAX, check=False
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_the_example_and_its_rules_can_be_loaded() -> None:
    promtool("check", "config", "prometheus.yml")


@pytest.mark.parametrize("file", TESTS, ids=lambda file: file.stem)
def test_alerts_are_quiet_fire_and_clear(file: Path) -> None:
    promtool("test", "rules", file.name)


@pytest.mark.parametrize("alert", sorted({rule["alert"] for rule in alerts()}))
def test_an_alert_is_tested_before_while_and_after_it_fires(alert: str) -> None:
    looks = [
        bool(look["exp_samples"])
        for case in cases()
        for look in case["promql_expr_test"]
        if f'alertname="{alert}"' in look["expr"]
    ]
    fires = looks.index(True)
    assert False in looks[:fires]
    assert False in looks[fires:]
