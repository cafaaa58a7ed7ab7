"""Parts come up side by side, in the order they need, and a failure names its part."""

from pathlib import Path

import pytest

from paytools.localstack.parts.part import Part, PartFailedError
from paytools.localstack.processes import Command
from paytools.localstack.starting import Started, start_together
from paytools.localstack.steps import Steps


class Journal:
    """Remembers what happened, as a progress display."""

    def __init__(self) -> None:
        self.events: list[str] = []
        self._last: dict[str, str] = {}

    def update(self, name: str, doing: str) -> None:
        if self._last.get(name) != doing:
            self.events.append(f"{name}: {doing}")
        self._last[name] = doing

    def done(self, name: str, result: str) -> None:
        self.events.append(f"{name}: {result}")


class Scripted:
    """A part that serves after it has been asked a number of times."""

    marker = ""
    result = "serves"

    def __init__(self, name: str, *, asked: int = 1, after: tuple[str, ...] = ()) -> None:
        self.name = name
        self.after = after
        self.settled = False
        self._asked = asked

    def prepare(self) -> Steps:
        yield "preparing"

    def command(self) -> Command | None:
        return None

    def healthy(self) -> bool:
        self._asked -= 1
        return self._asked < 0

    def settle(self) -> None:
        self.settled = True

    def endpoint(self) -> str:
        return self.name


def runs(_part: Part) -> Started:
    return Started(runs=lambda: True, log=Path("unused"))


def test_a_part_waits_for_what_it_needs_and_for_nothing_else() -> None:
    journal = Journal()
    parts = [Scripted("registry", after=("postgres",)), Scripted("postgres"), Scripted("kafka", asked=4)]
    start_together(parts, serving=set(), spawn=runs, progress=journal)
    assert [event for event in journal.events if event.startswith("registry")] == [
        "registry: waits for what it needs",
        "registry: preparing",
        "registry: starting",
        "registry: serves",
    ]
    assert journal.events.index("postgres: serves") < journal.events.index("registry: preparing")
    assert journal.events.index("registry: preparing") < journal.events.index("kafka: serves")
    assert all(part.settled for part in parts)


def test_a_part_that_needs_what_serves_already_does_not_wait() -> None:
    journal = Journal()
    start_together([Scripted("registry", after=("postgres",))], serving={"postgres"}, spawn=runs, progress=journal)
    assert "registry: waits for what it needs" not in journal.events


def test_a_program_that_ends_early_is_named_with_the_end_of_its_log(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("port in use\n")

    def ended(_part: Part) -> Started:
        return Started(runs=lambda: False, log=tmp_path / "log")

    with pytest.raises(PartFailedError, match=r"kafka ended before it served(.|\n)*port in use"):
        start_together([Scripted("kafka", asked=9)], serving=set(), spawn=ended, progress=Journal())


def test_a_part_that_never_serves_is_given_up() -> None:
    def slow(_part: Part) -> Started:
        return Started(runs=lambda: True, log=Path("unused"), serves_s_max=0.0)

    with pytest.raises(PartFailedError, match="kafka did not serve within 0 s"):
        start_together([Scripted("kafka", asked=10_000)], serving=set(), spawn=slow, progress=Journal())
