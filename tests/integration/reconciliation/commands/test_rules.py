"""The rule commands of `paystream recon`: tried, proposed, activated by another person, listed."""

from datetime import date
from pathlib import Path

import pytest
from typer.testing import CliRunner

from services.reconciliation import domain
from tests.integration.reconciliation.commands.conftest import PAYSTREAM, Shell, write
from tests.integration.reconciliation.matching import CHANNEL, DAY, Matcher

DEFAULT = Path(__file__).parents[4] / "services/reconciliation/rules/default.toml"
TITLES = ["rule", "set", "channel", "version", "state", "proposer", "activator", "reason"]
TOLERANT = '[[rule]]\nkind = "REFERENCE"\ntolerance_minor = 100\n'
BATCH = '[[rule]]\nkind = "BATCH"\noperation = {}\n'
TO_CHANNEL = ("--channel", CHANNEL)


@pytest.fixture
def tolerant(tmp_path: Path) -> Path:
    return write(tmp_path / "tolerant.toml", TOLERANT)


async def proposed(shell: Shell, file: Path, *, caller: str = "ann") -> str:
    """Propose rules, and give the id of the draft."""
    _, draft = await shell.told("propose", file, *TO_CHANNEL, "--reason", "Cents", "--as", caller)
    return draft[0]


async def states(shell: Shell) -> list[tuple[str, ...]]:
    """Version, state and people of each rule set that is listed."""
    titles, *found = await shell.told("rules", *TO_CHANNEL)
    assert titles == TITLES
    return [tuple(row[2:]) for row in found]


async def test_what_one_person_proposes_another_activates(shell: Shell, matcher: Matcher, tolerant: Path) -> None:
    first = await proposed(shell, tolerant)
    assert await states(shell) == [("1", "DRAFT", "ann", "Cents")]
    _, active = await shell.told("activate", first, "--as", "bob")
    assert active == [first, CHANNEL, "1", "ACTIVE", "ann", "bob", "Cents"]
    second = await proposed(shell, tolerant, caller="bob")
    await shell.told("activate", second, "--as", "ann")
    assert await states(shell) == [
        ("2", "ACTIVE", "bob", "ann", "Cents"),
        ("1", "REPLACED", "ann", "bob", "Cents"),
    ]
    # And it counts: a line a whole dollar short matches by these rules, and differs by the default ones.
    await matcher.record(matcher.movement(1))
    await matcher.report(matcher.line(1, amount_minor=9_900))
    await matcher.match()
    assert await matcher.statuses() == {"MATCHED": 1}


@pytest.mark.parametrize("caller", ["ann", "ANN", "no name"])
async def test_the_same_person_or_nobody_activates_nothing(shell: Shell, tolerant: Path, caller: str) -> None:
    draft = await proposed(shell, tolerant)
    said = await shell.refused("activate", draft, "--as", caller)
    assert said.startswith("error: PERMISSION_DENIED SAME_PERSON: ")
    assert await states(shell) == [("1", "DRAFT", "ann", "Cents")]


async def test_what_is_active_or_unknown_is_not_activated(shell: Shell, tolerant: Path) -> None:
    draft = await proposed(shell, tolerant)
    await shell.told("activate", draft, "--as", "bob")
    assert "ILLEGAL_TRANSITION" in await shell.refused("activate", draft, "--as", "bob")
    assert "RULE_SET_NOT_FOUND" in await shell.refused("activate", "rul_" + "0" * 32, "--as", "bob")
    assert await states(shell) == [("1", "ACTIVE", "ann", "bob", "Cents")]


BAD_RULES = [
    ("[[rule]\n", "content"),
    ("channel_hours = 1\n", "rule"),
    (TOLERANT + '[[rule]]\nkind = "WINDOW"\ndays = "two"\n', "rule[1].days"),
    (TOLERANT + TOLERANT.replace("100", "-1"), "rule[1].tolerance_minor"),
    (TOLERANT + '[[rule]]\nkind = "GUESS"\n', "rule[1].kind"),
    (TOLERANT + '[[rule]]\nkind = "TEXT"\ntolerance = 1\n', "rule[1].tolerance"),
    (TOLERANT + "[fee]\nbasis_points = 10001\n", "fee.basis_points"),
    (TOLERANT + BATCH.format('"\\u0000"'), "rule[1].operation"),
    (TOLERANT + BATCH.format('"CAPTUR"'), "rule[1].operation"),
    ("channel_hours = " + "[" * 5_000, "content"),
    ("channel_hours = " + "9" * 5_000, "content"),
]


@pytest.mark.parametrize("command", ["propose", "try"])
async def test_bad_rules_are_refused_and_the_rule_is_named(shell: Shell, tmp_path: Path, command: str) -> None:
    more = ("--reason", "Cents", "--as", "ann") if command == "propose" else ("--since", str(DAY))
    for content, path in BAD_RULES:
        said = await shell.refused(command, write(tmp_path / "bad.toml", content), *TO_CHANNEL, *more)
        assert said.startswith(f"error: INVALID_ARGUMENT RULE_SET_INVALID: {path} ")
        assert f"\n  path = {path}\n" in said
    assert await states(shell) == []


async def test_a_trial_shows_what_would_change_and_changes_nothing(
    shell: Shell, matcher: Matcher, tolerant: Path
) -> None:
    await matcher.record(*(matcher.movement(number) for number in (1, 2, 3)))
    # The same, a dollar short, a dollar and a cent short.
    await matcher.report(*(matcher.line(n, amount_minor=sum_) for n, sum_ in ((1, 10_000), (2, 9_900), (3, 9_899))))
    await matcher.match()
    before = await matcher.statuses()
    assert before == {"MATCHED": 1, "AMOUNT_MISMATCH": 2}
    titles, *changes, total = await shell.told("try", tolerant, *TO_CHANNEL, "--since", str(DAY))
    assert titles == ["is", "would", "be", "lines"]
    assert sorted(changes) == [
        ["AMOUNT_MISMATCH", "AMOUNT_MISMATCH", "1"],
        ["AMOUNT_MISMATCH", "MATCHED", "1"],
        ["MATCHED", "MATCHED", "1"],
    ]
    assert total == ["3", "lines", "were", "tried."]
    assert (await matcher.statuses(), await states(shell)) == (before, [])
    *_, total = await shell.told("try", tolerant, *TO_CHANNEL, "--since", "2026-03-02")
    assert total == ["0", "lines", "were", "tried."]
    said = await shell.refused("try", tolerant, *TO_CHANNEL, "--since", "2026-02-30")
    assert "since_date" in said


async def test_rules_are_tried_on_lines_at_the_ends_of_the_calendar(
    shell: Shell, matcher: Matcher, tmp_path: Path
) -> None:
    bare = {"channel_reference": None, "attempt_id": None, "related_no": None}
    ends = (date(1, 1, 1), date(9999, 12, 31))
    await matcher.report(*(matcher.line(number, **bare, line_date=day) for number, day in enumerate(ends)))
    window = write(tmp_path / "window.toml", '[[rule]]\nkind = "WINDOW"\ndays = 2\n' + BATCH.format('"CAPTURE"'))
    _, change, total = await shell.told("try", window, *TO_CHANNEL, "--since", "0001-01-01")
    assert (change, total) == (["WAITING", "WAITING", "2"], ["2", "lines", "were", "tried."])


@pytest.mark.parametrize("command", ["propose", "try"])
async def test_a_file_that_is_no_text_is_wrong_usage(shell: Shell, tmp_path: Path, command: str) -> None:
    file = tmp_path / "latin.toml"
    file.write_bytes(f"# für\n{TOLERANT}".encode("iso-8859-1"))
    more = ("--reason", "Cents", "--as", "ann") if command == "propose" else ("--since", str(DAY))
    result = await shell.run(command, file, *TO_CHANNEL, *more)
    assert (result.exit_code, "is no UTF-8" in result.stderr) == (2, True), result.output


async def test_the_default_rules_are_printed_as_they_are_and_can_be_proposed(shell: Shell, tmp_path: Path) -> None:
    # No service is asked.
    printed = CliRunner().invoke(PAYSTREAM, ["recon", "rules", "--default", "--home", str(tmp_path)])
    assert (printed.exit_code, printed.stdout) == (0, DEFAULT.read_text(encoding="utf-8"))
    assert len(domain.rule_set.parse(printed.stdout).rules) == 4
    await proposed(shell, write(tmp_path / "copy.toml", printed.stdout))
    assert await states(shell) == [("1", "DRAFT", "ann", "Cents")]
