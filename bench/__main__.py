"""`python -m bench`: measure, print the table, write bench/results/latest.json."""

import argparse
import asyncio
import sys
import time
from collections.abc import Sequence
from dataclasses import replace

from rich.console import Console

from bench import ground, report
from bench.children import ChildFailedError
from bench.figures import Figures
from bench.plan import FULL, QUICK, ROWS, Size
from paykit.errors import InvariantError
from paytools.localstack import Endpoints

ROUNDS = 3
ROUNDS_MAX = 20
ROW_S_MAX = 900.0
"""One row of one round; whatever hangs ends here."""
MOVED_MAX = 10_000_000
MOVED_PER_S_MIN = 500
"""A row of so many transactions may take as long as they do at this rate."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the rounds; the exit status says whether all of them could be carried out, not whether aims are met."""
    options = _options(arguments)
    console = Console()
    facts = report.machine()
    with ground.running_stack(console) as endpoints:
        size = _size(options)
        rounds, failed = asyncio.run(_run(console, endpoints, options.only, count=options.rounds, size=size))
    report.show(console, rounds, facts)
    name = _file_name(quick=options.quick, partial=failed > 0 or set(options.only) != set(ROWS))
    path = report.write(name, report.result(rounds, facts))
    console.print(f"written to bench/results/{path.name}")
    return 1 if failed else 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small rounds, to see that all works")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"default {ROUNDS}")
    parser.add_argument("--only", type=_rows, default=list(ROWS), help=f"rows by comma: {','.join(ROWS)}")
    parser.add_argument("--moved", type=int, help=f"transactions of the row `moving`, {FULL.moved:,} by default")
    options = parser.parse_args(arguments)
    if options.moved is not None and not 1 <= options.moved <= MOVED_MAX:
        parser.error(f"--moved must be from 1 to {MOVED_MAX:,}")
    if not 1 <= options.rounds <= ROUNDS_MAX:
        parser.error(f"--rounds must be from 1 to {ROUNDS_MAX}")
    return options


def _size(options: argparse.Namespace) -> Size:
    size = QUICK if options.quick else FULL
    return size if options.moved is None else replace(size, moved=options.moved)


def _rows(text: str) -> list[str]:
    names = text.split(",")
    unknown = [name for name in names if name not in ROWS]
    if unknown:
        raise argparse.ArgumentTypeError(f"no such row: {', '.join(unknown)}; there are {', '.join(ROWS)}")
    return [name for name in ROWS if name in names]


def _file_name(*, quick: bool, partial: bool) -> str:
    """Keep the last full run: only such a one is `latest`."""
    return "quick.json" if quick else "partial.json" if partial else "latest.json"


async def _run(
    console: Console, endpoints: Endpoints, names: Sequence[str], *, count: int, size: Size
) -> tuple[list[dict[str, float]], int]:
    """Take the rows in turn, round after round, so that what slows the machine for a while slows all rows alike.

    Returns:
        The figures of each round, and how many rows of rounds failed: the others are worth their time all the same.
    """
    prepared = await ground.prepare(endpoints)
    rounds: list[dict[str, float]] = []
    failed = 0
    for number in range(1, count + 1):
        rounds.append({})
        for name in names:
            began = time.monotonic()
            try:
                async with asyncio.timeout(max(ROW_S_MAX, size.moved / MOVED_PER_S_MIN)):
                    figures = await ROWS[name](prepared, size)
            except (InvariantError, ChildFailedError, TimeoutError) as error:
                failed += 1
                told = f"failed: {type(error).__name__}: {error}"
            else:
                rounds[-1] |= figures
                told = _brief(figures)
            console.print(f"round {number}  {name}  {told}  ({time.monotonic() - began:.0f} s)", highlight=False)
    return rounds, failed


def _brief(figures: Figures) -> str:
    return ", ".join(f"{key} {value:,.0f}" for key, value in figures.items())


if __name__ == "__main__":
    sys.exit(main())
