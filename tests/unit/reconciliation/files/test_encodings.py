"""Encodings: a bank's file is read in what its mark, its XML or its mapping says, and never by guessing."""

import codecs
from dataclasses import replace

import pytest

from services.reconciliation.domain.formats.mapping import BANK_MAPPING, StatementFormat
from tests.unit.reconciliation.files.reading import read, refusal
from tests.unit.reconciliation.files.test_camt053_files import document, entry
from tests.unit.reconciliation.files.test_mt940_files import GERMAN

CAMT, MT940 = StatementFormat.CAMT053, StatementFormat.MT940
FILE = "STATEMENT_FILE_INVALID"
SIZES = (1, 7, 1 << 16)
XML = document(entry(more="<AddtlNtryInf>Müller</AddtlNtryInf>")).decode()
TAGGED = GERMAN.replace("Miete", "Müller")


def saying(encoding: str) -> str:
    """The document with another encoding in its first line."""
    return XML.replace("UTF-8", encoding)


@pytest.mark.parametrize(
    "content",
    [
        codecs.BOM_UTF8 + XML.encode(),
        # A mark counts more than what the first line says.
        codecs.BOM_UTF8 + saying("ISO-8859-1").encode(),
        XML.encode("utf-16"),
        saying("UTF-16").encode("utf-16"),
        codecs.BOM_UTF16_BE + saying("UTF-16").encode("utf-16-be"),
        saying("ISO-8859-1").encode("iso-8859-1"),
        saying("windows-1252").encode("windows-1252"),
    ],
)
def test_xml_says_its_encoding(content: bytes) -> None:
    for size in SIZES:
        (line,), _ = read(CAMT, content, size=size)
        assert (line.amount_minor, line.text) == (5000, "Müller")


@pytest.mark.parametrize(
    "content",
    [
        XML.encode("iso-8859-1"),
        XML.encode()[:-1] + b"\xc3",
        saying("UTF-7").encode(),
        saying("UTF-32").encode("utf-32"),
        saying("EBCDIC-CP-BE").encode("cp500"),
        saying("nonsense").encode(),
        saying("UTF-16").encode("utf-16")[:-1],
    ],
)
def test_xml_in_another_encoding_than_it_says_is_refused(content: bytes) -> None:
    assert {refusal(CAMT, content, size=size)[0] for size in SIZES} == {FILE}


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        (codecs.BOM_UTF8 + TAGGED.encode(), "utf-8"),
        (TAGGED.encode("iso-8859-1"), "iso-8859-1"),
        (TAGGED.encode("utf-16"), "utf-16"),
        (codecs.BOM_UTF16_BE + TAGGED.encode("utf-16-be"), "utf-16"),
    ],
)
def test_mt940_is_read_in_the_encoding_of_the_mapping(content: bytes, encoding: str) -> None:
    for size in SIZES:
        lines, _ = read(MT940, content, replace(BANK_MAPPING, encoding=encoding), size=size)
        assert [each.amount_minor for each in lines] == [5000, 2050]
        assert lines[1].text == "177?00UEBERWEISUNG?20EREF+NOTPROVIDED?21SVWZ+Müller"


@pytest.mark.parametrize(
    ("content", "encoding", "line"),
    [
        # The umlaut stands on the eighth line.
        (TAGGED.encode("iso-8859-1"), "utf-8", "8"),
        (TAGGED.encode("utf-16"), "utf-8", "1"),
        (TAGGED.encode("utf-16-le"), "utf-16", "1"),
        (GERMAN.encode("utf-16-le"), "utf-8", "1"),
        (codecs.BOM_UTF8 + TAGGED.encode(), "iso-8859-1", None),
        (TAGGED.encode("utf-16")[:-1], "utf-16", "10"),
    ],
)
def test_mt940_in_another_encoding_is_refused_where_it_shows(content: bytes, encoding: str, line: str | None) -> None:
    mapping = replace(BANK_MAPPING, encoding=encoding)
    assert {refusal(MT940, content, mapping, size=size) for size in SIZES[1:]} == {(FILE, line, None)}
