import subprocess
import sys

import pytest

from paykit.base.config import ConfigurationError
from paykit.base.errors import UnavailableError
from paykit.errors import FieldInvalid
from paytools.cli import main


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main.main(["--help"])
    out = capsys.readouterr().out
    assert caught.value.code == 0
    assert [entry.name for entry in main.ENTRIES if f" {entry.name} " not in out] == []


def test_help_imports_no_command() -> None:
    script = (
        "import sys, paytools.cli.main as m; m.application(''); print('grpc' in sys.modules, 'asyncpg' in sys.modules)"
    )
    shown = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=30)
    assert shown.stdout.split() == ["False", "False"]


@pytest.mark.parametrize(
    ("group", "commands"),
    [
        ("db", ["init", "migrate"]),
        ("topics", ["init", "list"]),
        ("schemas", ["check", "register", "list", "diff"]),
        ("events", ["tail", "export", "replay"]),
        ("dlq", ["list", "show", "replay", "discard"]),
        ("outbox", ["list", "retry", "batches"]),
        ("ledger", ["verify"]),
        ("recon", ["discrepancies", "resolve", "corrections", "approve", "reject", "uncleared"]),
    ],
)
def test_a_group_has_its_commands(group: str, commands: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main.main([group, "--help"])
    out = capsys.readouterr().out
    assert [command for command in commands if f" {command} " not in out] == []


def test_every_command_can_be_loaded(capsys: pytest.CaptureFixture[str]) -> None:
    for entry in main.ENTRIES:
        with pytest.raises(SystemExit) as caught:
            main.main([entry.name, "--help"])
        assert (entry.name, caught.value.code) == (entry.name, 0)


def test_an_unknown_command_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main.main(["frobnicate"])
    assert caught.value.code == 2
    assert "No such command 'frobnicate'" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        ["dlq", "show", "payment", str(2**63)],
        ["dlq", "list", "payment", "--after", str(2**63)],
        ["outbox", "list", "payment", "--after", str(2**63)],
        ["outbox", "retry", "payment", str(2**63)],
        ["consumers", "resume", "payment", f"t.events/{2**31}", "--reason", "r"],
        ["consumers", "resume", "payment", f"t.events/{'9' * 5_000}", "--reason", "r"],
        ["consumers", "skip", "payment", f"t.events/0/{2**63}", "--reason", "r"],
        ["consumers", "adopt", "payment", "t.events/0", "--reason", "r", "--from", str(2**63)],
    ],
)
def test_a_number_that_nothing_has_is_wrong_usage(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main.main(arguments)
    assert caught.value.code == 2
    assert "Invalid value" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (ConfigurationError("PAYSTREAM_X is not a setting of paystream"), 2),
        (UnavailableError("PostgreSQL is unavailable"), 1),
        (FieldInvalid("too long"), 1),
    ],
)
def test_what_a_user_can_cause_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: Exception, status: int
) -> None:
    def fail() -> None:
        raise error

    monkeypatch.setattr("paytools.cli.commands.stack.status", fail)
    with pytest.raises(SystemExit) as caught:
        main.main(["status"])
    assert (caught.value.code, capsys.readouterr().err) == (status, f"error: {error}\n")


def test_a_defect_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("paytools.cli.commands.stack.status", fail)
    with pytest.raises(ZeroDivisionError):
        main.main(["status"])
