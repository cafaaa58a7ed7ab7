import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from bench import report
from bench.figures import AIMS

FACTS = {
    "cores": 2,
    "python": "3.11.7",
    "load_average_before": [0.1, 0.2, 0.3],
    "begun_at": "2026-03-01T12:00:00+00:00",
}
ROUNDS = [
    {"raw_posting": 40_000.04, "pipeline_spread": 10_000.0, "end_to_end_p99_ms": 90.06},
    {"raw_posting": 50_000.0, "pipeline_spread": 30_000.0, "end_to_end_p99_ms": 95.0},
    {"raw_posting": 42_000.0, "pipeline_spread": 20_000.0, "end_to_end_p99_ms": 600.0},
]


def test_the_result_has_medians_by_key_then_the_rounds_the_aims_and_the_machine() -> None:
    assert report.result(ROUNDS, FACTS) == {
        "raw_posting": 42_000.0,
        "pipeline_spread": 20_000.0,
        "end_to_end_p99_ms": 95.0,
        "rounds": [
            {"raw_posting": 40_000.0, "pipeline_spread": 10_000.0, "end_to_end_p99_ms": 90.1},
            {"raw_posting": 50_000.0, "pipeline_spread": 30_000.0, "end_to_end_p99_ms": 95.0},
            {"raw_posting": 42_000.0, "pipeline_spread": 20_000.0, "end_to_end_p99_ms": 600.0},
        ],
        "aims": [
            {"aim": "pipeline, 1.5 of the raw limit", "value": 0.476, "bound": 1.5, "met": False},
            {"aim": "end to end, p99 under 500 ms", "value": 95.0, "bound": 500, "met": True},
        ],
        "machine": FACTS,
    }


def test_the_table_shows_medians_rounds_and_ratios_and_says_which_aims_are_met() -> None:
    console = Console(file=io.StringIO(), width=80)
    report.show(console, ROUNDS, FACTS)
    shown = console.file.getvalue().splitlines()  # type: ignore[attr-defined]
    pipeline = next(line for line in shown if "pipeline, 1,000 merchants" in line)
    after_the_row = pipeline.partition("merchants")[2].split()
    assert after_the_row[:6] == ["payments/s", "20,000", "10,000", "30,000", "20,000", "0.48"]
    assert "not met  pipeline, 1.5 of the raw limit: 0.48" in shown
    assert "met      end to end, p99 under 500 ms: 95.0" in shown


def test_every_figure_of_an_aim_has_a_line_in_the_table() -> None:
    assert {key for aim in AIMS for key in (aim.key, aim.relative_to) if key} <= report.LINES.keys()


def test_a_result_is_written_as_json_and_read_back_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "RESULTS", tmp_path)
    content = report.result(ROUNDS, FACTS)
    assert json.loads(report.write("latest.json", content).read_text()) == content


def test_the_facts_of_the_machine_name_neither_host_nor_path() -> None:
    assert sorted(report.machine()) == ["begun_at", "cores", "load_average_before", "python"]
