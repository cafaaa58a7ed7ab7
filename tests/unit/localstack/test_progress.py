"""Progress where there is no terminal."""

import io
import re

from rich.console import Console

from paytools.localstack.progress import Display


def test_without_a_terminal_each_change_is_one_plain_line() -> None:
    output = io.StringIO()
    with Display(Console(file=output, force_terminal=False)) as display:
        display.update("kafka", "starting")
        display.update("kafka", "starting")
        display.update("kafka", "")
        display.done("kafka", "serves")
    lines = [re.sub(r"\d+\.\d s", "N s", line) for line in output.getvalue().splitlines()]
    assert lines == ["kafka: starting", "kafka: serves  (N s)"]


def test_on_a_terminal_the_last_state_of_every_part_stays_on_the_screen() -> None:
    output = io.StringIO()
    with Display(Console(file=output, force_terminal=True, width=80)) as display:
        display.update("postgres", "starting")
        display.done("postgres", "serves")
        display.update("kafka", "formatting the storage")
    last_frame = output.getvalue().rpartition("✓")[2]
    assert "postgres" in last_frame
    assert "formatting the storage" in last_frame
