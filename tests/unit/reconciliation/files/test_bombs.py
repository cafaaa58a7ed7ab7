"""Files made to take memory or time, or to read what is not theirs."""

import pytest

from paykit.errors import DomainError
from services.reconciliation.domain.formats import camt053
from services.reconciliation.domain.formats.camt053 import read_camt053
from services.reconciliation.domain.formats.mapping import BANK_MAPPING, StatementFormat
from tests.unit.reconciliation.files.reading import read, refusal
from tests.unit.reconciliation.files.test_camt053_files import document, entry
from tests.unit.reconciliation.files.test_mt940_files import GERMAN

CAMT, MT940 = StatementFormat.CAMT053, StatementFormat.MT940
LINE, FILE = "STATEMENT_LINE_INVALID", "STATEMENT_FILE_INVALID"
SIZE = 1 << 16
# Ten of the one before, ten times over: 10 GB of text from 600 bytes.
LAUGHS = '<!ENTITY a "ha">' + "".join(
    f'<!ENTITY {name} "{f"&{before};" * 10}">' for before, name in zip("abcdefghi", "bcdefghij", strict=True)
)
OWN = b"<Document "


def filled(content: bytes) -> bytes:
    """Put ten megabytes in the place of a word."""
    many = " ".join(f'a{at}=""' for at in range(1_000_000)) if b"@MANY@" in content else ""
    return content.replace(b"@LONG@", b"x" * 10_500_000).replace(b"@MANY@", many.encode())


BOMBS = {
    "in text": document(entry("&j;"), head=f"<!DOCTYPE Document [{LAUGHS}]>"),
    # Entities are put into attributes before anybody sees the element.
    "in an attribute": document(entry(), head=f"<!DOCTYPE Document [{LAUGHS}]>").replace(OWN, b'<Document a="&j;" '),
    "by default": document(entry(), head=f'<!DOCTYPE Document [{LAUGHS}<!ATTLIST Document a CDATA "&j;">]>'),
    "long": document(entry("&a;" * 10_000), head=f'<!DOCTYPE Document [<!ENTITY a "{"x" * 100_000}">]>'),
    "of itself": document(entry("&a;"), head='<!DOCTYPE Document [<!ENTITY a "&b;"><!ENTITY b "&a;">]>'),
    "undeclared": document(entry("&a;")),
    "deep": document("<A>" * 100_000),
    "comment": document("<!--@LONG@-->", entry()),
    "instruction": document("<?pi @LONG@?>", entry()),
    "text": document("@LONG@", entry()),
    "name": document("<@LONG@/>", entry()),
    "attribute": document(entry().replace("<Ntry>", '<Ntry a="@LONG@">')),
    "attributes": document(entry().replace("<Ntry>", "<Ntry @MANY@>")),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_of_xml_is_refused(name: str) -> None:
    reason, line, _ = refusal(CAMT, filled(BOMBS[name]), size=SIZE)
    assert (reason, line != "0") == (FILE, True)


def test_what_is_to_be_included_is_not() -> None:
    include = '<i:include xmlns:i="http://www.w3.org/2001/XInclude" href="file:///etc/passwd" parse="text"/>'
    (line,), _ = read(CAMT, document(entry(more=f"<AddtlNtryInf>{include}</AddtlNtryInf>")), size=SIZE)
    assert (line.amount_minor, line.text) == (5000, None)


HEAD, TAIL = document("@").split(b"@")


@pytest.fixture
def held_max(monkeypatch: pytest.MonkeyPatch) -> int:
    """A smaller bound of the elements in memory, of which fewer go over it."""
    monkeypatch.setattr(camt053, "ELEMENTS_MAX", 1_000)
    return 1_000


def parts(*contents: str) -> list[bytes]:
    """A document in chunks."""
    return [HEAD, *(content.encode() for content in contents), TAIL]


@pytest.mark.parametrize("item", ["<A/>", "<A><B/></A>", "<Bal><Tp/></Bal>", "<Ntry_><Amt/></Ntry_>"])
def test_elements_that_nobody_reads_are_not_gathered(held_max: int, item: str) -> None:
    with pytest.raises(DomainError) as refused:
        list(read_camt053(parts(*[item] * held_max, entry()), BANK_MAPPING))
    assert (refused.value.reason, refused.value.metadata["rule"]) == (
        FILE,
        "has more than 1000 elements that are no entry's or are all of one",
    )


def test_those_within_an_entry_are_not_gathered_either(held_max: int) -> None:
    before, after = entry(more="<NtryDtls>@</NtryDtls>").split("@")
    for within in ("<A/>" * held_max, f"<TxDtls>{'<A/>' * held_max}</TxDtls>"):
        with pytest.raises(DomainError, match="more than 1000 elements"):
            list(read_camt053(parts(before, within, after), BANK_MAPPING))
    # A transaction is forgotten with what stood before it.
    assert sum(1 for _ in read_camt053(parts(before, "<A/><TxDtls/>" * held_max, after), BANK_MAPPING)) == 2


def test_a_long_file_is_read_however_many_elements_it_has(held_max: int) -> None:
    # Eight elements an entry; four a transaction, all of one entry.
    assert sum(1 for _ in read_camt053(parts(*[entry()] * held_max), BANK_MAPPING)) == held_max + 1
    one = '<TxDtls><AmtDtls><TxAmt><Amt Ccy="EUR">1.00</Amt></TxAmt></AmtDtls></TxDtls>'
    before, after = entry(f"{held_max}.00", more="<NtryDtls>@</NtryDtls>").split("@")
    assert sum(1 for _ in read_camt053(parts(before, *[one] * held_max, after), BANK_MAPPING)) == held_max + 1


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (GERMAN.replace("Miete", "@LONG@"), (FILE, "8", None)),
        (GERMAN.replace("KREF+", "@LONG@"), (FILE, "7", None)),
        ("@LONG@\n" + GERMAN, (FILE, "1", None)),
        (GERMAN + "@LONG@", (FILE, "11", None)),
        # And a field of 65 lines.
        (GERMAN.replace("Miete", "x\n" * 64), (LINE, "72", ":86:")),
    ],
    ids=["in the details", "in an entry", "before messages", "after them", "field"],
)
def test_a_line_of_ten_megabytes_is_refused_where_it_begins(
    content: str, expected: tuple[str, str, str | None]
) -> None:
    assert refusal(MT940, filled(content.encode()), size=SIZE) == expected
