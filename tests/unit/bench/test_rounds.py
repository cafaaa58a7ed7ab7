"""Rounds of the benchmark: a row that cannot be measured takes no other with it."""

import io
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from rich.console import Console

import bench.__main__ as command
from bench import ground, report
from bench.children import ChildFailedError
from bench.figures import Figures
from bench.ground import Ground
from bench.plan import Size
from paykit.errors import InvariantError
from paytools.localstack import Endpoints

ENDPOINTS = Endpoints(postgres="postgresql://127.0.0.1:1", kafka="127.0.0.1:2", registry="http://127.0.0.1:3")


def row(*turns: float | Exception) -> Callable[[Ground, Size], Awaitable[Figures]]:
    """A row that measures, or fails, in one round after another."""
    left = list(turns)

    async def measure(_ground: Ground, _size: Size) -> Figures:
        turn = left.pop(0)
        if isinstance(turn, Exception):
            raise turn
        return {"raw_posting": turn}

    return measure


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> io.StringIO:
    """What a run without servers prints; its results lie where the test may write."""
    output = io.StringIO()

    @contextmanager
    def running_stack(_console: Console) -> Iterator[Endpoints]:
        yield ENDPOINTS

    async def prepare(endpoints: Endpoints) -> Ground:
        return Ground(endpoints=endpoints, template="", home=tmp_path)

    monkeypatch.setattr(ground, "running_stack", running_stack)
    monkeypatch.setattr(ground, "prepare", prepare)
    monkeypatch.setattr(report, "write", lambda name, _content: tmp_path / name)
    monkeypatch.setattr(command, "Console", lambda: Console(file=output, width=200))
    return output


@pytest.mark.parametrize(
    "error", [InvariantError("60 payments: 59 booked"), TimeoutError("too long"), ChildFailedError("ended")]
)
def test_a_row_that_fails_is_told_and_the_others_are_measured(
    told: io.StringIO, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    monkeypatch.setattr(command, "ROWS", {"raw": row(20.0, error, 30.0)})
    assert command.main(["--rounds", "3"]) == 1
    printed = told.getvalue()
    assert f"round 2  raw  failed: {type(error).__name__}: {error}" in printed
    # The median of 20 and 30, then the rounds, of which the second has none.
    [shown] = [line for line in printed.splitlines() if "raw posting, old tables" in line]
    assert shown.split()[-3:] == ["25.0", "20.0", "30.0"]
    assert "written to bench/results/partial.json" in printed


def test_a_run_in_which_all_rows_were_measured_is_the_latest(
    told: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "ROWS", {"raw": row(20.0, 40.0)})
    assert command.main(["--rounds", "2"]) == 0
    assert "written to bench/results/latest.json" in told.getvalue()


def test_what_nobody_foresaw_ends_the_run(told: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "ROWS", {"raw": row(ZeroDivisionError())})
    with pytest.raises(ZeroDivisionError):
        command.main(["--rounds", "1"])
    assert "written" not in told.getvalue()
