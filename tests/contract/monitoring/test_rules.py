"""Rules name metrics that are there, and labels that these have; each alert says what a person needs."""

import re
from typing import Any

import pytest
import yaml
from prometheus_client import REGISTRY

from paykit.base.metrics import AGE_BUCKETS_S
from paykit.process.catalogue import service_names
from scripts.monitoring.slos import SLOS, WINDOWS
from tests.contract.monitoring import metrics
from tests.contract.monitoring.rules import PROMETHEUS, ROOT, alerts, recorded, rules

SEVERITIES = {"critical", "warning", "info"}
OBSERVED = re.compile(r"\$labels\.(\w+)")


def name(rule: dict[str, Any]) -> str:
    return str(rule.get("alert") or rule["record"])


@pytest.mark.parametrize("rule", rules(), ids=name)
def test_a_rule_names_series_and_labels_that_are_there(rule: dict[str, Any]) -> None:
    there = metrics.known() | {record: frozenset[str]() for record in recorded()}
    named = list(metrics.selectors(rule["expr"]))
    assert named
    for selector in named:
        assert selector.name in there
        assert selector.labels <= there[selector.name] | metrics.TARGET_LABELS
    all_labels = frozenset[str]().union(*(there[selector.name] for selector in named))
    assert metrics.grouped_by(rule["expr"]) <= all_labels | metrics.TARGET_LABELS


@pytest.mark.parametrize("rule", alerts(), ids=name)
def test_an_alert_says_what_a_person_needs(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in SEVERITIES
    notes = rule["annotations"]
    assert notes.keys() == {"summary", "description", "runbook_url"}
    assert all(text.strip().endswith((".", "md")) for text in notes.values())
    assert (ROOT / notes["runbook_url"]).name == f"{rule['alert']}.md"


@pytest.mark.parametrize("rule", alerts(), ids=name)
def test_an_alert_tells_labels_that_its_series_have(rule: dict[str, Any]) -> None:
    told = {label for text in rule["annotations"].values() for label in OBSERVED.findall(text)}
    expressions = [
        rule["expr"],
        *(recorded()[s.name]["expr"] for s in metrics.selectors(rule["expr"]) if ":" in s.name),
    ]
    kept = frozenset[str]().union(*(metrics.grouped_by(each) for each in expressions))
    aggregated = any(re.search(r"\b(sum|max|min|count)\b", each) for each in expressions)
    assert told <= (kept if aggregated else kept | metrics.TARGET_LABELS)


def test_the_bound_of_an_objective_is_a_bucket() -> None:
    for slo in SLOS:
        [collector] = [
            each for each, names in REGISTRY._collector_to_names.items() if f"{slo.histogram}_bucket" in names
        ]
        bounds = [str(bound) for bound in getattr(collector, "_upper_bounds", AGE_BUCKETS_S)]
        assert slo.bound in bounds


def test_each_objective_is_recorded_in_every_window_and_alerted_at_three_rates() -> None:
    assert set(recorded()) == {slo.recorded(window) for slo in SLOS for window in WINDOWS}
    for slo in SLOS:
        windows = [rule["labels"]["window"] for rule in alerts() if rule["alert"] == slo.alert]
        assert windows == ["1h", "6h", "3d"]


def test_the_example_scrapes_every_service() -> None:
    config = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text())
    [job] = config["scrape_configs"]
    assert job["job_name"] == "paystream"
    assert {target.partition(":")[0] for target in job["static_configs"][0]["targets"]} == set(service_names())


def test_every_metric_of_the_code_is_documented_with_its_labels() -> None:
    text = (ROOT / "docs" / "monitoring.md").read_text()
    listed = dict(re.findall(r"`(paystream_\w+)(?:\{([\w, ]+)\})?`", text))
    documented = {name: frozenset(labels.split(", ")) - {""} for name, labels in listed.items()}
    there = {name: labels for name, labels in metrics.of_the_code().items() if name.startswith("paystream_")}
    histograms = {name.removesuffix("_bucket") for name in there if name.endswith("_bucket")}
    parts = {f"{name}{suffix}" for name in histograms for suffix in ("_bucket", "_count", "_sum")}
    shown = {name: labels for name, labels in there.items() if name not in parts}
    assert documented == shown | {name: there[f"{name}_count"] for name in histograms}
