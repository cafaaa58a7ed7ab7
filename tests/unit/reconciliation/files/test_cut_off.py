"""Files cut off anywhere: refused, or read as far as they go, and never otherwise than the whole."""

import csv
import io
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paykit.errors import DomainError
from services.reconciliation.domain.formats.file_line import FileLine, FileStatement
from services.reconciliation.domain.formats.mapping import StatementFormat
from tests.unit.reconciliation.files.reading import read
from tests.unit.reconciliation.files.test_camt053_files import balance, document, entry
from tests.unit.reconciliation.files.test_mt940_files import DIALECTS, GERMAN, UBS

CAMT, CSV, MT940 = StatementFormat.CAMT053, StatementFormat.CSV, StatementFormat.MT940
SIZE = 1 << 16


def prefixes(format_: StatementFormat, content: bytes) -> list[tuple[list[FileLine], list[FileStatement]]]:
    """What is read of a file cut off at each of its bytes, where it is not refused."""
    found = []
    for cut in range(len(content)):
        try:
            found.append(read(format_, content[:cut], size=SIZE))
        except DomainError:
            continue
    return found


FILES = {name: text for name, (text, *_) in DIALECTS.items()} | {"two statements": GERMAN + UBS + GERMAN}


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_of_mt940_whole_statements_are_read(name: str, end: str) -> None:
    content = FILES[name].replace("\n", end).encode()
    lines, statements = read(MT940, content, size=SIZE)
    found = prefixes(MT940, content)
    assert {len(whole) for _, whole in found} == set(range(1, len(statements) + 1))
    for some, whole in found:
        assert whole == statements[: len(whole)]
        assert some == lines[: sum(each.line_count for each in whole)]


def test_of_camt053_nothing_is_read_before_its_last_byte() -> None:
    first, second = document(entry(), closing=balance("CLBD", "150.00")), document(entry("7.00", "DBIT"))
    statement = second[second.index(b"<Stmt>") : second.index(b"</BkToCstmrStmt>")]
    content = first.replace(b"</BkToCstmrStmt>", statement + b"</BkToCstmrStmt>")
    lines, statements = read(CAMT, content, size=SIZE)
    assert ([each.amount_minor for each in lines], len(statements)) == ([5000, 700], 2)
    assert prefixes(CAMT, content) == []


TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]) | st.sampled_from('",\n;'), max_size=12)
ROWS = st.lists(st.tuples(st.integers(1, 10**9), st.sampled_from(["USD", "JPY", "BHD"]), TEXTS), min_size=1, max_size=4)
DECIMALS = {"USD": 2, "JPY": 0, "BHD": 3}


@settings(max_examples=60, deadline=None)
@given(rows=ROWS)
def test_of_csv_whole_rows_are_read_and_of_the_last_one_all_but_its_last_field(
    rows: list[tuple[int, str, str]],
) -> None:
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["operation", "amount", "currency_code", "line_date", "text"])
    for amount_minor, currency_code, text in rows:
        exponent = DECIMALS[currency_code]
        whole, part = divmod(amount_minor, 10**exponent)
        amount = f"{whole}.{part:0{exponent}}" if exponent else f"{whole}"
        writer.writerow(["CAPTURE", amount, currency_code, "2026-11-27", text])
    content = file.getvalue().encode()
    everything, _ = read(CSV, content, size=SIZE)
    assert [(each.amount_minor, each.currency_code) for each in everything] == [row[:2] for row in rows]
    found = prefixes(CSV, content)
    assert {len(lines) for lines, _ in found} == set(range(1, len(rows) + 1))
    for lines, statements in found:
        *before, last = lines
        assert before == everything[: len(before)]
        assert last._replace(text=None) == everything[len(before)]._replace(text=None)
        assert sum(each.line_count for each in statements) == len(lines)
        assert {each.statement_date for each in statements} == {date(2026, 11, 27)}
