"""What came out of faults and overload stands in the documentation as it was found."""

import dataclasses
from pathlib import Path

import pytest

from tests.faults import fault_table, overload_table
from tests.faults.fault_run import Outcome, Timing
from tests.faults.findings import Findings
from tests.faults.load_client import Tally
from tests.faults.overload_run import Overload
from tests.faults.proxy import Mode

OUTCOME = Outcome(
    acknowledged=1_204,
    acknowledged_meanwhile=3,
    refusals={"UNAVAILABLE": 7, "DEADLINE_EXCEEDED": 2},
    answers_after_s=1.25,
    books_after_s=12.0,
    differing=1,
    findings=Findings(lost=["payment pay_1"], twice=["x, 2 times", "y, 3 times"], left_aside=0, ledger=""),
)


def test_a_fault_is_one_row() -> None:
    rows = list(fault_table.lines({("postgres", Mode.HALF_OPEN): OUTCOME}, Timing(before_s=1, fault_s=12, after_s=1)))
    assert rows[0] == "Each fault lasted 12 s."
    assert rows[-1] == (
        "| PostgreSQL half-open | 1,204 | 3 | 2 DEADLINE_EXCEEDED, 7 UNAVAILABLE | 1 | 3 | 1.2 s | 12.0 s |"
    )
    assert {row.count("|") for row in rows[2:]} == {9}


def test_what_was_not_tried_again_keeps_its_row(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("a\n<!-- faults: written by `make chaos` -->\n<!-- end of faults -->\nb\n")
    timing = Timing(before_s=1, fault_s=12, after_s=1)
    fault_table.write({("kafka", Mode.CUT): OUTCOME, ("postgres", Mode.CUT): OUTCOME}, timing, page)
    again = dataclasses.replace(OUTCOME, acknowledged=5)
    fault_table.write({("kafka", Mode.CUT): again, ("registry", Mode.SLOW): again}, timing, page)
    rows = [line.split(" | ")[:2] for line in page.read_text().splitlines() if line.startswith("| ")][1:]
    assert rows == [["| PostgreSQL cut", "1,204"], ["| Kafka cut", "5"], ["| registry slow", "5"]]


def test_overload_is_one_row() -> None:
    half = Tally(started=100, seconds=1.0, accepted_ms=[10.0] * 100)
    over = Tally(
        started=600,
        seconds=2.0,
        accepted_ms=[25.0] * 200,
        accepted=[f"pay_{n}" for n in range(200)],
        refused={"RESOURCE_EXHAUSTED": 400},
        refused_ms=[4.0] * 400,
        late_ms=[2.0] * 600,
    )
    memory = [100.0, 101.0, 102.0, 104.0, 103.0, 104.0, 104.0, 130.0]
    measured = Overload(capacity_per_s=200.0, half=half, over=over, memory_mib=memory)
    # The most of the last quarter is 130, of the second one 104.
    assert overload_table.line(measured) == (
        "| 200/s | 10 ms | 300/s | 100/s | 25 ms (2.5 of half load) | 400 RESOURCE_EXHAUSTED | 4 ms | 2 ms | 1.25 |"
    )


def test_a_table_takes_the_place_of_the_last_one(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("a\n<!-- t: written by `make chaos` -->\nold\n<!-- end of t -->\nb\n")
    fault_table.put("t", "new", page)
    assert page.read_text() == "a\n<!-- t: written by `make chaos` -->\nnew\n<!-- end of t -->\nb\n"


def test_a_page_without_its_place_is_refused(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("a\n")
    with pytest.raises(ValueError, match="no place for t"):
        fault_table.put("t", "new", page)
