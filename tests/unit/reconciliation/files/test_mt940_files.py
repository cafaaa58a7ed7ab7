"""MT940 in five dialects written by hand, and what is refused of it with its place."""

from datetime import date

import mt940
import pytest

from services.reconciliation.domain.formats.mapping import StatementFormat
from tests.unit.reconciliation.files.reading import read, refusal

MT940 = StatementFormat.MT940
LINE, FILE = "STATEMENT_LINE_INVALID", "STATEMENT_FILE_INVALID"
CAP = "cap_0123456789abcdef0123456789abcdef"

GERMAN = f""":20:STARTUMSE
:25:37040044/0532013000
:28C:00001/001
:60F:C261126EUR1000,00
:61:2611271127CR50,00N062NONREF//B1
:86:166?00GUTSCHRIFT?109310?20EREF+{CAP[:20]}?21{CAP[20:]}?22SVWZ+Rechnung 7
:61:2611271127DR20,5NMSCKREF+
:86:177?00UEBERWEISUNG?20EREF+NOTPROVIDED?21SVWZ+Miete
:62F:C261127EUR1029,50
-
"""
ABN = """ABNANL2A
940
ABNANL2A
:20:ABN AMRO BANK NV
:25:517852257
:28:19321/1
:60F:C261126EUR3236,28
:61:2611271127D9,N192NONREF
:86:/TRTP/SEPA OVERBOEKING/IBAN/FR001400/BIC/X/NAME/FICTIVE/EREF/wdr-1/REMI/Invoice 7
:62F:C261127EUR3227,28
-
"""
ING = """{1:F01INGBNL2ABXXX0000000000}
{2:I940INGBNL2AXXXN}
{4:
:20:P261127000000001
:25:NL69INGB0123456789EUR
:28C:00000
:60F:C261126EUR662,23
:61:2611271127C1,56NTRFEREF//00000000001005
/TRCD/00100/
:86:/EREF/EV12341REP1231456T1234//CNTP/NL32INGB0000012345/INGBNL2A/ING//REMI/USTD//EV10001REP//
:62F:C261127EUR663,79
:64:C261127EUR663,79
:65:C261128EUR663,79
-}
"""
RABOBANK = """:940:
:20:940S261127
:25:NL50RABO0123456789 EUR
:28C:26231
:60F:D261126EUR000000000010,00
:61:261127C000000000100,00N102EREF
NL93ABNA0585042099
:86:/EREF/pay-9/BENM//NAME/Some Company/REMI/Thanks
:61:261127RC000000000005,00N102EREF
:86:taken back
:62F:C261127EUR000000000085,00
""".replace(":940:\n", "", 1)
UBS = """:20:1234567
:25:0240-12345600U
:28C:1/1
:60F:C261226CHF10,00
:61:2701021231D3,25NTRFPAY-4//ZD81
Payout
:86:Payout to a merchant
:62M:C261231CHF6,75
-
:20:1234568
:25:0240-12345600U
:28C:1/2
:60M:C261231CHF6,75
:61:270102RD3,25NTRFPAY-4//ZD82
:62F:C270102CHF10,
-
"""
# Operation, amount, booking date, value date, related_no, channel reference.
D27 = date(2026, 11, 27)
DIALECTS = {
    "german": (
        GERMAN,
        [
            ("PAYOUT_TO_PLATFORM", 5000, D27, D27, CAP, "B1"),
            ("PAY", 2050, D27, D27, None, None),
        ],
        [("STARTUMSE", "EUR", 100_000, 102_950)],
    ),
    "abn": (ABN, [("PAY", 900, D27, D27, "wdr-1", None)], [("ABN AMRO BANK NV", "EUR", 323_628, 322_728)]),
    "ing": (
        ING,
        [("PAYOUT_TO_PLATFORM", 156, D27, D27, "EV12341REP1231456T1234", "00000000001005")],
        [("P261127000000001", "EUR", 66_223, 66_379)],
    ),
    "rabobank": (
        RABOBANK,
        [("PAYOUT_TO_PLATFORM", 10_000, D27, D27, "pay-9", None), ("PAYOUT_TO_PLATFORM", -500, D27, D27, None, None)],
        [("940S261127", "EUR", -1_000, 8_500)],
    ),
    "ubs": (
        UBS,
        [
            ("PAY", 325, date(2026, 12, 31), date(2027, 1, 2), "PAY-4", "ZD81"),
            ("RETURN", 325, date(2027, 1, 2), date(2027, 1, 2), "PAY-4", "ZD82"),
        ],
        [("1234567", "CHF", 1_000, 1_000)],
    ),
}


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_dialect_is_read_to_the_cent(dialect: str, end: str) -> None:
    text, expected, statements = DIALECTS[dialect]
    lines, found = read(MT940, text.replace("\n", end).encode())
    assert [
        (each.operation, each.amount_minor, each.line_date, each.value_date, each.related_no, each.channel_reference)
        for each in lines
    ] == expected
    assert [
        (each.reference, each.currency_code, each.opening_balance_minor, each.closing_balance_minor) for each in found
    ] == statements


@pytest.mark.parametrize("dialect", ["german", "abn", "ing", "rabobank"])
def test_the_library_reads_the_same_amounts(dialect: str) -> None:
    text = DIALECTS[dialect][0]
    theirs = [int(each.data["amount"].amount * 100) for each in mt940.parse(text, options=mt940.Options.all())]
    # What went out is below 0 there.
    ours = [
        -each.amount_minor if each.operation == "PAY" else each.amount_minor for each in read(MT940, text.encode())[0]
    ]
    assert ours == theirs


def test_statements_of_several_currencies_stand_in_one_file() -> None:
    lines, statements = read(MT940, (GERMAN + UBS).encode())
    assert [(each.section, each.currency_code) for each in lines] == [(0, "EUR"), (0, "EUR"), (1, "CHF"), (1, "CHF")]
    assert [each.line_count for each in statements] == [2, 2]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("1029,50", "1029,51", ("STATEMENT_BALANCE_MISMATCH", "9", None)),
        ("CR50,00", "CR50,01", ("STATEMENT_BALANCE_MISMATCH", "9", None)),
        ("CR50,00", "CR50.00", (LINE, "5", ":61:")),
        ("CR50,00", "CR50,000", (LINE, "5", ":61:")),
        ("CR50,00", "CR50", (LINE, "5", ":61:")),
        ("CR50,00", "CX50,00", (LINE, "5", ":61:")),
        ("CR50,00", "EC50,00", (LINE, "5", ":61:")),
        ("2611271127CR50", "2611311127CR50", (LINE, "5", ":61:")),
        ("2611271127CR50", "2611271332CR50", (LINE, "5", ":61:")),
        (":60F:C261126EUR", ":60F:C261126EUX", (LINE, "4", ":60F:")),
        (":60F:C261126EUR", ":60F:C261131EUR", (LINE, "4", ":60F:")),
        (":60F:C261126EUR", ":60F:X261126EUR", (LINE, "4", ":60F:")),
        (":62F:C261127EUR", ":62F:C261127USD", (LINE, "9", ":62F:")),
        (":62F:C261127EUR1029,50", ":99X:?", (LINE, "9", ":99X:")),
        (":62F:C261127EUR1029,50\n", "", (LINE, "9", ":62F:")),
        (":60F:C261126EUR1000,00\n", "", (LINE, "4", ":61:")),
        (":20:STARTUMSE\n", "", (LINE, "1", ":25:")),
        (":60F:", ":60M:", (LINE, "4", ":60M:")),
        (":62F:", ":62M:", (FILE, None, None)),
    ],
)
def test_what_breaks_a_rule_is_refused_where_it_stands(
    old: str, new: str, expected: tuple[str, str | None, str | None]
) -> None:
    assert old in GERMAN
    assert refusal(MT940, GERMAN.replace(old, new, 1).encode()) == expected


def test_pages_go_on_where_the_one_before_ended() -> None:
    assert refusal(MT940, UBS.replace(":60M:C261231CHF6,75", ":60M:C261231CHF6,76").encode())[0] == LINE
    assert refusal(MT940, UBS.replace(":60M:", ":60F:").encode())[0] == LINE


@pytest.mark.parametrize("content", [b"", b"\n", b"hello\n", b"\x00", b"-\n", "\ufeff".encode()])
def test_what_is_no_statement_is_refused(content: bytes) -> None:
    assert refusal(MT940, content)[0] == FILE
