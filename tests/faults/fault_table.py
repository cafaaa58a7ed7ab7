"""The table of faults in docs/reliability.md."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.faults.fault_run import Outcome, Timing
from tests.faults.proxy import Mode

PAGE = Path(__file__).parents[2] / "docs/reliability.md"
BEGIN, END = "<!-- {}: written by `make chaos` -->", "<!-- end of {} -->"
WORDS = {"postgres": "PostgreSQL", "kafka": "Kafka", "registry": "registry"}
_FAULTS = [f"{word} {mode.value.replace('_', '-')}" for word in WORDS.values() for mode in Mode]
"""As the table has them, in its order."""


def write(found: Mapping[tuple[str, Mode], Outcome], timing: Timing, page: Path = PAGE) -> None:
    """Put what came out into the page; rows of faults that were not tried this time stay."""
    head, fresh = [*lines({}, timing)], {_fault(row): row for row in lines(found, timing) if _fault(row)}
    kept = {_fault(row): row for row in between("faults", page).splitlines() if _fault(row)}
    rows = kept | fresh
    put("faults", "\n".join([*head, *(rows[fault] for fault in _FAULTS if fault in rows)]), page)


def _fault(row: str) -> str:
    """Return which fault a row is about; empty for what is no row of a fault."""
    first = row.removeprefix("| ").partition(" |")[0]
    return first if first in _FAULTS else ""


def lines(found: Mapping[tuple[str, Mode], Outcome], timing: Timing) -> Iterator[str]:
    """Write the rows, and above them how long faults lasted."""
    yield f"Each fault lasted {timing.fault_s:.0f} s."
    yield ""
    yield "| fault | acknowledged | of these meanwhile | not acknowledged | lost | twice | answers | books |"
    yield "|---|---|---|---|---|---|---|---|"
    for (part, mode), outcome in found.items():
        refusals = ", ".join(f"{count} {code}" for code, count in sorted(outcome.refusals.items())) or "0"
        cells = (
            f"{WORDS[part]} {mode.value.replace('_', '-')}",
            f"{outcome.acknowledged:,}",
            f"{outcome.acknowledged_meanwhile:,}",
            refusals,
            str(len(outcome.findings.lost)),
            str(len(outcome.findings.twice) + outcome.differing),
            f"{outcome.answers_after_s:.1f} s",
            f"{outcome.books_after_s:.1f} s",
        )
        yield f"| {' | '.join(cells)} |"


def put(name: str, text: str, page: Path = PAGE) -> None:
    """Replace what stands between the marks of a table.

    Raises:
        ValueError: The page has no such marks.
    """
    before, _, after = _parts(name, page)
    page.write_text(f"{before}{BEGIN.format(name)}\n{text}\n{END.format(name)}{after}")


def between(name: str, page: Path = PAGE) -> str:
    """Return what stands between the marks of a table.

    Raises:
        ValueError: The page has no such marks.
    """
    return _parts(name, page)[1]


def _parts(name: str, page: Path) -> tuple[str, str, str]:
    before, found, rest = page.read_text().partition(BEGIN.format(name))
    inside, closed, after = rest.partition(END.format(name))
    if not (found and closed):
        raise ValueError(f"{page.name} has no place for {name}")
    return before, inside, after
