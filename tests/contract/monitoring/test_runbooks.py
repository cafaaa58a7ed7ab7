"""Each alert has a runbook and each runbook an alert; the commands and calls that it names are there."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer.main
from typer.core import TyperGroup

from paykit.process.catalogue import service_names
from paytools.cli.main import application
from tests.contract.monitoring.rules import ROOT, RUNBOOKS, alerts

COMMANDS = re.compile(r"^\$ (paystream (?:.*\\\n)*.*)$", re.MULTILINE)
METHOD = re.compile(r"paystream\.(\w+)\.v1\.(\w+)/(\w+)")
HEADINGS = ["## Look at", "## What mends it"]

_paystream = typer.main.get_command(application(None))


def pages() -> list[Path]:
    return sorted(RUNBOOKS.glob("*.md"))


def commands() -> Iterator[tuple[Path, list[str]]]:
    for page in pages():
        for line in COMMANDS.findall(page.read_text()):
            yield page, shlex.split(line, comments=True)[1:]


def name(value: object) -> str:
    return value.stem if isinstance(value, Path) else " ".join(value) if isinstance(value, list) else str(value)


def test_each_alert_has_a_runbook_and_each_runbook_an_alert() -> None:
    assert {page.stem for page in pages()} == {rule["alert"] for rule in alerts()}


@pytest.mark.parametrize("page", pages(), ids=name)
def test_a_runbook_says_what_it_means_where_to_look_and_what_mends_it(page: Path) -> None:
    title, meaning, *_ = page.read_text().split("\n\n")
    assert title == f"# {page.stem}"
    assert len(meaning) > 80
    assert re.findall(r"^## .*$", page.read_text(), re.MULTILINE) == HEADINGS
    assert COMMANDS.search(page.read_text())


@pytest.mark.parametrize(("page", "words"), list(commands()), ids=name)
def test_a_command_of_a_runbook_can_be_given(page: Path, words: list[str]) -> None:
    assert page.exists()
    command = _paystream
    while isinstance(command, TyperGroup):
        assert words[0] in command.commands
        command, words = command.commands[words[0]], words[1:]
    known = {option for parameter in command.params for option in parameter.opts}
    assert {word for word in words if word.startswith("-")} <= known
    required = {option for p in command.params if p.required and p.param_type_name == "option" for option in p.opts}
    assert not required or required & set(words)
    if command.name == "serve":
        assert words[0] in service_names()


@pytest.mark.parametrize("page", pages(), ids=name)
def test_a_call_of_a_runbook_is_a_method(page: Path) -> None:
    for service, servicer, method in METHOD.findall(page.read_text()):
        protos = "".join(file.read_text() for file in (ROOT / f"protos/paystream/{service}/v1").glob("*.proto"))
        assert f"service {servicer} {{" in protos
        assert f"rpc {method}(" in protos
