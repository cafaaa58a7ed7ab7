"""`paystream recon import`: what was taken is shown, and what is refused is named with its place."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.integration.reconciliation.commands.conftest import PAYSTREAM, WIDE, Shell, write
from tests.integration.reconciliation.matching import Matcher

HEADER = "line_id,operation,amount,currency_code,channel_fee,line_date,related_no\n"
GOOD = HEADER + "l1,CAPTURE,12.50,USD,0.30,2026-11-27,cap_1\nl2,REFUND,2.00,EUR,,2026-11-28,ref_1\n"
MT940 = (
    ":20:STMT1\n:25:37040044/0532013000\n:28C:1/1\n:60F:C261126EUR100,00\n"
    ":61:2611271127CR50,00NTRFNONREF//ASR1\n:86:Payout 7\n:62F:C261127EUR150,00\n-\n"
)
GERMAN = "Tag;Betrag;S/H;Nr\n27.11.2026;1.234,50;H;cap_1\n28.11.2026;0,01;S;ref_1\n"
MAPPING = """
delimiter = ";"
decimal_mark = ","
thousands_mark = "."
date_pattern = "DD.MM.YYYY"
currency_code = "EUR"
amount_sign = "AMOUNT_SIGN_INDICATOR"
[columns]
amount = "Betrag"
indicator = "S/H"
line_date = "Tag"
related_no = "Nr"
"""
TITLES = ["statement", "currency", "day", "lines", "opening", "closing", "reference"]


@pytest.fixture
def day(tmp_path: Path) -> Path:
    return write(tmp_path / "day.csv", GOOD)


async def rows(matcher: Matcher) -> list[int]:
    """How many files, statements and lines there are."""
    sql = "SELECT (SELECT count(*) FROM statement_file), (SELECT count(*) FROM statement), count(*) FROM statement_line"
    return list((await matcher.runtime.read(lambda tx: tx.fetch(sql)))[0])


async def test_what_a_file_was_taken_as_is_shown_by_statement(shell: Shell, matcher: Matcher, day: Path) -> None:
    taken, titles, dollars, euros = await shell.told("import", day, "--channel", "cards")
    assert (taken[1:], titles) == (["2", "lines"], TITLES)
    assert (dollars[1:], euros[1:]) == (["USD", "2026-11-27", "1"], ["EUR", "2026-11-28", "1"])
    assert await rows(matcher) == [1, 2, 2]


async def test_who_imported_a_file_is_kept_with_it(shell: Shell, matcher: Matcher, day: Path) -> None:
    await shell.told("import", day, "--channel", "cards", "--as", "mara")
    files = await matcher.runtime.read(lambda tx: tx.fetch("SELECT actor FROM statement_file"))
    assert [file["actor"] for file in files] == ["mara"]


async def test_the_same_file_twice_is_one_import(shell: Shell, matcher: Matcher, day: Path, tmp_path: Path) -> None:
    first = await shell.told("import", day, "--channel", "cards")
    renamed = write(tmp_path / "again.csv", GOOD)
    assert await shell.told("import", renamed, "--channel", "cards") == first
    assert await rows(matcher) == [1, 2, 2]
    longer = write(tmp_path / "longer.csv", GOOD + "l3,CAPTURE,7.00,USD,,2026-11-29,cap_3\n")
    taken, *_ = await shell.told("import", longer, "--channel", "cards")
    assert taken[1:] == ["3", "lines,", "2", "of", "them", "known", "already"]
    assert await rows(matcher) == [2, 4, 3]


async def test_a_banks_file_shows_its_balances_in_minor_units(shell: Shell, tmp_path: Path) -> None:
    file = write(tmp_path / "bank.sta", MT940)
    taken, _, statement = await shell.told("import", file, "--channel", "bank", "--format", "mt940")
    assert taken[1:] == ["1", "lines"]
    assert statement[1:] == ["EUR", "2026-11-27", "1", "10000", "15000", "STMT1"]


async def test_a_file_is_read_by_a_mapping(shell: Shell, matcher: Matcher, tmp_path: Path) -> None:
    file, mapping = write(tmp_path / "tag.csv", GERMAN), write(tmp_path / "cards.toml", MAPPING)
    await shell.told("import", file, "--channel", "cards", "--mapping", mapping)
    sql = "SELECT operation, amount_minor, related_no FROM statement_line ORDER BY line_no"
    lines = [tuple(row) for row in await matcher.runtime.read(lambda tx: tx.fetch(sql))]
    assert lines == [("CAPTURE", 123_450, "cap_1"), ("REFUND", 1, "ref_1")]


# Content and format -> reason and what is said beside it.
BAD_FILES = [
    (
        GOOD + "l3,CAPTURE,1.000,USD,,2026-11-29,cap_3\n",
        "csv",
        "STATEMENT_LINE_INVALID",
        ["Line 4, amount: has more decimals than the 2 of USD: '1.000'.", "column = amount", "line = 4"],
    ),
    (
        GOOD + "l3,CAPTURE,1.00,USD\n",
        "csv",
        "STATEMENT_LINE_INVALID",
        ["Line 4, row: has 4 fields, and the first row 7.", "column = row", "line = 4"],
    ),
    (GOOD + 'l3,"CAPTURE\n', "csv", "STATEMENT_FILE_INVALID", ["row that begins on line 4", "line = 4"]),
    ("", "csv", "STATEMENT_FILE_INVALID", ["is empty"]),
    (GOOD, "camt053", "STATEMENT_FILE_INVALID", ["is no XML", "line = 1"]),
    (
        MT940.replace("CR50,00", "CR50.00"),
        "mt940",
        "STATEMENT_LINE_INVALID",
        ["Line 5, :61:: is no statement line", "column = :61:", "line = 5"],
    ),
    (
        MT940.replace("150,00", "150,01"),
        "mt940",
        "STATEMENT_BALANCE_MISMATCH",
        ["lead to 15000, and its closing balance is 15001", "line = 7"],
    ),
]


async def test_a_bad_file_is_refused_with_its_line_and_column(shell: Shell, matcher: Matcher, tmp_path: Path) -> None:
    for content, format_, reason, facts in BAD_FILES:
        file = write(tmp_path / "bad", content)
        said = await shell.refused("import", file, "--channel", "cards", "--format", format_)
        assert said.startswith(f"error: INVALID_ARGUMENT {reason}: ")
        assert [fact for fact in facts if fact not in said] == []
    assert await rows(matcher) == [0, 0, 0]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--format", "pdf"], "there is no format pdf"),
        (["--mapping", "{}/day.csv"], "is no mapping"),
        (["--mapping", "{}/none.toml"], "does not exist"),
    ],
)
async def test_wrong_usage_reaches_no_service(day: Path, more: list[str], said: str) -> None:
    # Nothing answers there: what is wrong is found before anybody is asked.
    given = [part.format(day.parent) for part in more]
    arguments = ["recon", "import", str(day), "--channel", "cards", "--address", "127.0.0.1:1", *given]
    result = CliRunner(env=WIDE).invoke(PAYSTREAM, arguments)
    assert (result.exit_code, said in result.stderr) == (2, True), result.output


async def test_without_the_service_in_the_stack_one_line_says_so(day: Path, tmp_path: Path) -> None:
    arguments = ["recon", "import", str(day), "--channel", "cards", "--home", str(tmp_path)]
    without_stack = CliRunner().invoke(PAYSTREAM, arguments)
    (tmp_path / "endpoints.json").write_text(json.dumps({"services": {"order": "127.0.0.1:1"}}), encoding="utf-8")
    without_service = CliRunner().invoke(PAYSTREAM, arguments)
    assert [each.exit_code for each in (without_stack, without_service)] == [1, 1]
    assert without_service.stderr == "error: reconciliation does not run\n"
