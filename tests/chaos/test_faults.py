"""PostgreSQL, Kafka and the registry are silent, slow, half-open and cut in the middle of traffic, and nothing is lost.

The short form, which is a part of `make test`, tries two faults for some seconds; `make chaos` tries all of them for
longer and writes what came out to docs/reliability.md.
"""

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.faults import fault_run, fault_table
from tests.faults.fault_run import Outcome, Timing
from tests.faults.faulty_stack import PARTS, FaultyLine, faulty_line, faulty_stack
from tests.faults.findings import Findings
from tests.faults.proxy import Mode

pytestmark = pytest.mark.chaos

MODES = (Mode.SILENT, Mode.SLOW, Mode.HALF_OPEN, Mode.ONE_WAY, Mode.CUT)
ALL = [(part, mode) for part in PARTS for mode in MODES]
SHORT = [("kafka", Mode.SILENT), ("postgres", Mode.CUT)]
LONG_TIMING = Timing(before_s=2.0, fault_s=8.0, after_s=2.0)
SHORT_TIMING = Timing(before_s=1.0, fault_s=3.0, after_s=1.0)
NOTHING_WRONG = Findings(lost=[], twice=[], left_aside=0, ledger="")


@pytest.fixture(scope="module")
async def line(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[FaultyLine]:
    """One line for all faults: nobody restarts anything in between either."""
    scratch = tmp_path_factory.mktemp("faults")
    async with faulty_stack(scratch / "stack") as stack, faulty_line(stack, scratch) as running:
        yield running


@pytest.fixture(scope="module")
def outcomes(request: pytest.FixtureRequest) -> Iterator[dict[tuple[str, Mode], Outcome]]:
    """What came out, which the long form puts into the documentation."""
    found: dict[tuple[str, Mode], Outcome] = {}
    yield found
    if request.config.getoption("--long") and found:
        fault_table.write(found, LONG_TIMING)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "mode" in metafunc.fixturenames:
        chosen = ALL if metafunc.config.getoption("--long") else SHORT
        metafunc.parametrize(("part", "mode"), chosen, ids=[f"{part}-{mode.value}" for part, mode in chosen])


@pytest.mark.timeout(900)
async def test_nothing_is_lost_or_twice_and_all_goes_on_by_itself(
    line: FaultyLine,
    part: str,
    mode: Mode,
    outcomes: dict[tuple[str, Mode], Outcome],
    request: pytest.FixtureRequest,
) -> None:
    timing = LONG_TIMING if request.config.getoption("--long") else SHORT_TIMING
    outcome = await fault_run.run(line, part, mode, timing)
    outcomes[part, mode] = outcome
    print(f"{part} {mode.value}: {outcome}")  # noqa: T201  Shown with -s, and where it fails.
    assert outcome.findings == NOTHING_WRONG
    assert outcome.differing == 0
    assert outcome.acknowledged > 0
    if (part, mode) in {("postgres", Mode.CUT), ("postgres", Mode.SILENT), ("postgres", Mode.HALF_OPEN)}:
        assert sum(outcome.refusals.values()) > 0, "no call noticed the fault: nothing was proved"
    if part != "postgres":
        assert outcome.acknowledged_meanwhile > 0, "calls need nothing but PostgreSQL"
