"""What a dashboard is made of, and the JSON by which Grafana knows it.

Source: Grafana's "Dashboard JSON model", schema version 39.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

SCHEMA_VERSION = 39
GRID_WIDTH = 24
PANEL_HEIGHT = 8
REFRESH = "30s"
RATE = "$__rate_interval"
"""Grafana's own: a window that fits how often is scraped."""
_DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}


@dataclass(frozen=True, slots=True)
class Query:
    """An expression of PromQL, and what its series are called: labels in double braces."""

    expr: str
    legend: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One picture.

    Attributes:
        unit: By Grafana's id, as in "s" or "ops".
        alone: Shows the last number instead of a curve.
        idle: Shows nothing while all is well, or while nothing of its kind has ever happened.
    """

    title: str
    queries: Sequence[Query]
    unit: str = "short"
    width: int = 8
    alone: bool = False
    idle: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """Panels under one heading."""

    title: str
    panels: Sequence[Panel]


@dataclass(frozen=True, slots=True)
class Dashboard:
    """A page of rows; `uid` is also the name of its file."""

    uid: str
    title: str
    rows: Sequence[Row]

    @property
    def panels(self) -> list[Panel]:
        """Every panel, in order."""
        return [panel for row in self.rows for panel in row.panels]

    def model(self) -> dict[str, Any]:
        """Return what Grafana imports."""
        return {
            "uid": self.uid,
            "title": self.title,
            "tags": ["paystream"],
            "timezone": "browser",
            "schemaVersion": SCHEMA_VERSION,
            "refresh": REFRESH,
            "time": {"from": "now-6h", "to": "now"},
            "templating": {
                "list": [{"name": "datasource", "label": "Prometheus", "type": "datasource", "query": "prometheus"}]
            },
            "panels": [{"id": number} | panel for number, panel in enumerate(self._placed(), 1)],
        }

    def _placed(self) -> Iterator[dict[str, Any]]:
        """Yield rows and panels with their places: from left to right, and below where a line is full."""
        y = 0
        for row in self.rows:
            heading = {"type": "row", "title": row.title, "collapsed": False, "panels": []}
            yield heading | {"gridPos": _place(0, y, GRID_WIDTH, 1)}
            y, x = y + 1, 0
            for panel in row.panels:
                if x + panel.width > GRID_WIDTH:
                    x, y = 0, y + PANEL_HEIGHT
                yield _panel(panel) | {"gridPos": _place(x, y, panel.width, PANEL_HEIGHT)}
                x += panel.width
            y += PANEL_HEIGHT


def _place(x: int, y: int, width: int, height: int) -> dict[str, int]:
    return {"x": x, "y": y, "w": width, "h": height}


def _panel(panel: Panel) -> dict[str, Any]:
    defaults: dict[str, Any] = {"unit": panel.unit} | ({} if panel.alone else {"min": 0})
    return {
        "type": "stat" if panel.alone else "timeseries",
        "title": panel.title,
        "datasource": _DATASOURCE,
        "fieldConfig": {"defaults": defaults, "overrides": []},
        "targets": [
            {"refId": chr(ord("A") + at), "datasource": _DATASOURCE, "expr": query.expr, "legendFormat": query.legend}
            for at, query in enumerate(panel.queries)
        ],
    }


def quantiles(histogram: str, *by: str, of: tuple[float, ...] = (0.5, 0.99)) -> tuple[Query, ...]:
    """Return queries of quantiles of a histogram, kept apart by labels."""
    labels = ", ".join(("le", *by))
    legend = " ".join(f"{{{{{label}}}}}" for label in by)
    return tuple(
        Query(
            f"histogram_quantile({quantile}, sum by ({labels}) (rate({histogram}_bucket[{RATE}])))",
            f"{legend} p{quantile * 100:g}".strip(),
        )
        for quantile in of
    )
