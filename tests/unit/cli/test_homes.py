"""Every command that acts on a local stack acts on the one that PAYSTREAM_HOME names."""

from collections.abc import Iterator
from typing import Any

import pytest
import typer

from paytools.cli import main

WITHOUT_A_STACK = {
    "up": "reads PAYSTREAM_HOME with its other settings: paytools.localstack.settings",
    "down": "likewise",
    "status": "likewise",
    "demo": "runs on a stack of its own",
    "schemas check": "reads the files of the checkout alone",
    "schemas publish": "likewise",
    "schemas list": "likewise",
    "schemas export": "likewise",
    "gateway config": "takes the addresses that it is given alone",
    "ledger prove": "reads the file that it is given alone",
}


def leaves(command: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    if hasattr(command, "commands"):
        for word, inner in command.commands.items():
            yield from leaves(inner, f"{name} {word}".strip())
    else:
        yield name, command


COMMANDS = dict(leaves(typer.main.get_command(main.application(None))))


@pytest.mark.parametrize("name", sorted(COMMANDS.keys() - WITHOUT_A_STACK.keys()))
def test_a_command_finds_the_stack_by_its_home(name: str) -> None:
    homes = [option for option in COMMANDS[name].params if "--home" in option.opts]
    assert [option.envvar for option in homes] == ["PAYSTREAM_HOME"]


def test_the_exceptions_are_commands_that_take_no_home() -> None:
    assert WITHOUT_A_STACK.keys() <= COMMANDS.keys()
    for name in WITHOUT_A_STACK:
        assert not [option for option in COMMANDS[name].params if "--home" in option.opts], name
