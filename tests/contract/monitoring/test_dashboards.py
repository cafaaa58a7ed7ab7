"""Dashboards show series and labels that are there, and their files are what the data says."""

import re

import pytest

from scripts import gen_monitoring
from scripts.monitoring.dashboards import DASHBOARDS
from scripts.monitoring.panels import GRID_WIDTH, Dashboard, Query
from tests.contract.monitoring import metrics
from tests.contract.monitoring.rules import recorded

QUERIES = [query for dashboard in DASHBOARDS for panel in dashboard.panels for query in panel.queries]
LEGEND = re.compile(r"{{(\w+)}}")


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.expr)
def test_a_query_names_series_and_labels_that_are_there(query: Query) -> None:
    groups = {record: metrics.grouped_by(rule["expr"]) for record, rule in recorded().items()}
    there = metrics.known() | groups
    named = list(metrics.selectors(query.expr))
    assert named
    for selector in named:
        assert selector.name in there
        assert selector.labels <= there[selector.name] | metrics.TARGET_LABELS
    labels = frozenset[str]().union(*(there[selector.name] for selector in named)) | metrics.TARGET_LABELS
    grouped = metrics.grouped_by(query.expr)
    assert grouped <= labels
    aggregated = re.search(r"\b(sum|max)\b", query.expr)
    assert set(LEGEND.findall(query.legend)) <= (grouped if aggregated else labels)


@pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda dashboard: dashboard.uid)
def test_panels_lie_beside_and_below_each_other(dashboard: Dashboard) -> None:
    taken: set[tuple[int, int]] = set()
    ids = set()
    for panel in dashboard.model()["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= GRID_WIDTH
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken
        taken |= cells
        ids.add(panel["id"])
    assert len(ids) == len(dashboard.model()["panels"]) == len(dashboard.panels) + len(dashboard.rows)


def test_the_generated_files_are_fresh_and_all() -> None:
    texts = dict(gen_monitoring.texts())
    assert {path: path.read_text() for path in texts} == texts
    assert {path for path in texts if path.suffix == ".json"} == set(gen_monitoring.GRAFANA.glob("*.json"))
