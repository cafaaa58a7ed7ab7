"""CSV files by a mapping: what is read of them, and what is refused with its place."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paykit.errors import DomainError
from services.reconciliation.domain.formats.limits import FIELD_CHARS_MAX, LINE_CHARS_MAX
from services.reconciliation.domain.formats.mapping import (
    AmountSign,
    Columns,
    StatementFormat,
    StatementMapping,
    require_applicable,
)
from services.reconciliation.domain.formats.movements import AccountHolder
from tests.unit.reconciliation.files.reading import CSV_MAPPING, read, refusal

CSV = StatementFormat.CSV
LINE, FILE, MAPPING = "STATEMENT_LINE_INVALID", "STATEMENT_FILE_INVALID", "STATEMENT_MAPPING_INVALID"
HEADER = "operation,amount,currency_code,line_date,text\n"
ROW = "CAPTURE,12.50,USD,2026-11-27,one\n"
DAY = date(2026, 11, 27)


def row(*, operation: str = "CAPTURE", amount: str = "12.50", currency: str = "USD", day: str = "2026-11-27") -> bytes:
    return f"{HEADER}{operation},{amount},{currency},{day},one\n".encode()


def test_a_file_in_paystreams_own_columns() -> None:
    content = (
        "line_id,operation,outcome,amount,currency_code,channel_fee,line_date,value_date,related_no,attempt_id,"
        "channel_reference,settlement_amount,settlement_currency_code,exchange_rate,payout_reference,text\n"
        'l1,CAPTURE,SUCCEEDED,12.50,USD,0.30,2026-11-27,2026-11-29,cap_1,att_1,chr_1,11.25,EUR,0.9,po_1,"a, ""b""\nc"\n'
        "l2,REFUND,FAILED,1,BHD,-0.001,2026-11-28,,ref_1,,chr_2,,,,,\n"
    )
    lines, statements = read(CSV, content.encode())
    first, second = lines
    assert first._asdict() == {
        "section": 0,
        "line_no": 2,
        "line_id": "l1",
        "operation": "CAPTURE",
        "outcome": "SUCCEEDED",
        "amount_minor": 1250,
        "currency_code": "USD",
        "channel_fee_minor": 30,
        "line_date": DAY,
        "value_date": date(2026, 11, 29),
        "occurred_at": None,
        "related_no": "cap_1",
        "attempt_id": "att_1",
        "channel_reference": "chr_1",
        "original_channel_reference": None,
        "settlement_amount_minor": 1125,
        "settlement_currency_code": "EUR",
        "exchange_rate": "0.9",
        "payout_reference": "po_1",
        "acquirer_reference": None,
        "text": 'a, "b"\nc',
    }
    # The first row took two lines of the file.
    assert (second.line_no, second.section, second.amount_minor, second.channel_fee_minor) == (4, 1, 1000, -1)
    assert (second.outcome, second.currency_code, second.value_date) == ("FAILED", "BHD", None)
    assert [(each.currency_code, each.line_count, each.statement_date) for each in statements] == [
        ("USD", 1, DAY),
        ("BHD", 1, date(2026, 11, 28)),
    ]


# Amount, decimal mark, thousands mark, currency -> minor units; None where it is refused. Worked out by hand.
AMOUNTS = [
    ("12.50", ".", "", "USD", 1250),
    ("12.5", ".", "", "USD", 1250),
    ("12", ".", "", "USD", 1200),
    ("+12.50", ".", "", "USD", 1250),
    ("0012.50", ".", "", "USD", 1250),
    ("1.234", ".", "", "BHD", 1234),
    ("1234", ".", "", "JPY", 1234),
    ("1234.0", ".", "", "JPY", None),
    ("12.500", ".", "", "USD", None),
    ("12,50", ".", "", "USD", None),
    ("12.50", ",", "", "USD", None),
    ("12,50", ",", "", "USD", 1250),
    ("1.234,50", ",", ".", "USD", 123450),
    ("1234,50", ",", ".", "USD", 123450),
    ("1.234.567,89", ",", ".", "USD", 123456789),
    ("1.23,50", ",", ".", "USD", None),
    ("12.34.567,89", ",", ".", "USD", None),
    ("1.234", ",", ".", "USD", 123400),
    ("1'234.50", ".", "'", "CHF", 123450),
    ("1 234,50", ",", " ", "EUR", 123450),
    ("1 234,50", ",", "", "EUR", None),
    ("'12.50", ".", "", "USD", None),
    ("1.25E+03", ".", "", "USD", None),
    ("1e3", ".", "", "USD", None),
    ("$12.50", ".", "", "USD", None),
    ("12.50 USD", ".", "", "USD", None),
    ("(12.50)", ".", "", "USD", None),
    ("12.50-", ".", "", "USD", None),
    ("--12.50", ".", "", "USD", None),
    ("12.", ".", "", "USD", None),
    (".50", ".", "", "USD", None),
    ("", ".", "", "USD", None),
    ("NaN", ".", "", "USD", None),
    ("inf", ".", "", "USD", None),
    ("0x10", ".", "", "USD", None),
    ("1_000", ".", "", "USD", None),
    ("\u0661\u0662", ".", "", "USD", None),
    ("=1+1", ".", "", "USD", None),
    ("-0.00", ".", "", "USD", None),
    ("0.00", ".", "", "USD", None),
    ("90071992547409.91", ".", "", "USD", 2**53 - 1),
    ("90071992547409.92", ".", "", "USD", None),
    ("9" * 400, ".", "", "USD", None),
]


@pytest.mark.parametrize(("text", "decimal", "thousands", "currency", "expected"), AMOUNTS)
def test_an_amount_is_exact_or_refused(
    text: str, decimal: str, thousands: str, currency: str, expected: int | None
) -> None:
    mapping = replace(CSV_MAPPING, delimiter=";", decimal_mark=decimal, thousands_mark=thousands)
    content = f"operation;amount;currency_code;line_date\nCAPTURE;{text};{currency};2026-11-27\n".encode()
    if expected is None:
        assert refusal(CSV, content, mapping) == (LINE, "2", "amount")
    else:
        assert [line.amount_minor for line in read(CSV, content, mapping)[0]] == [expected]


@pytest.mark.parametrize(
    ("pattern", "zone", "text", "expected"),
    [
        ("YYYY-MM-DD", "UTC", "2026-11-27", (date(2026, 11, 27), None)),
        ("DD.MM.YYYY", "UTC", "27.11.2026", (date(2026, 11, 27), None)),
        ("MM/DD/YY", "UTC", "11/27/26", (date(2026, 11, 27), None)),
        ("YYYY-MM-DD", "UTC", "2028-02-29", (date(2028, 2, 29), None)),
        ("YYYY-MM-DD", "UTC", "2026-02-29", None),
        ("YYYY-MM-DD", "UTC", "2026-13-01", None),
        ("YYYY-MM-DD", "UTC", "2026-00-01", None),
        ("YYYY-MM-DD", "UTC", "0000-01-01", None),
        ("YYYY-MM-DD", "UTC", "2026-1-5", None),
        ("DD.MM.YYYY", "UTC", "11/27/2026", None),
        ("YYYY-MM-DD", "UTC", "46352", None),  # What Excel makes of a day.
        ("YYYY-MM-DD", "UTC", "", None),
        (
            "YYYY-MM-DD HH:mm:ss",
            "Europe/Berlin",
            "2026-11-27 00:30:00",
            (date(2026, 11, 27), datetime(2026, 11, 26, 23, 30, tzinfo=UTC)),
        ),
        (
            "YYYY-MM-DDTHH:mm:ssZZ",
            "Asia/Shanghai",
            "2026-11-27T23:30:00-05:00",
            (date(2026, 11, 28), datetime(2026, 11, 28, 4, 30, tzinfo=UTC)),
        ),
        (
            "YYYY-MM-DDTHH:mm:ssZZ",
            "UTC",
            "2026-11-27T23:30:00Z",
            (date(2026, 11, 27), datetime(2026, 11, 27, 23, 30, tzinfo=UTC)),
        ),
        ("YYYY-MM-DD HH:mm", "Europe/Berlin", "2026-03-29 02:30", None),  # The clocks went from 2 to 3.
        ("YYYY-MM-DD HH:mm", "UTC", "2026-03-29 24:00", None),
        ("YYYY-MM-DD HH:mm:ss", "UTC", "2026-12-31 23:59:60", None),
        ("YYYY-MM-DDTHH:mm:ssZZ", "UTC", "2026-11-27T23:30:00+99:00", None),
    ],
)
def test_a_day_exists_or_is_refused(
    pattern: str, zone: str, text: str, expected: tuple[date, datetime | None] | None
) -> None:
    mapping = replace(CSV_MAPPING, date_pattern=pattern, time_zone=zone)
    if expected is None:
        assert refusal(CSV, row(day=text), mapping) == (LINE, "2", "line_date")
        return
    line = read(CSV, row(day=text), mapping)[0][0]
    assert (line.line_date, line.occurred_at) == expected


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", (FILE, None, None)),
        (b"\xef\xbb\xbf", (FILE, None, None)),
        (HEADER.encode(), (FILE, None, None)),
        (b"\n\n\n", (FILE, None, None)),
        # Quotes.
        ((HEADER + 'CAPTURE,"12.50,USD,2026-11-27,one\n').encode(), (FILE, "2", None)),
        ((HEADER + ROW + 'CAPTURE,"12.50,USD,2026-11-27,one\n' + ROW * 9).encode(), (FILE, "12", None)),
        ((HEADER + 'CAPTURE,"12"x,USD,2026-11-27,one\n').encode(), (FILE, "2", None)),
        # Rows of other lengths.
        ((HEADER + "CAPTURE,12.50,USD,2026-11-27\n").encode(), (LINE, "2", "row")),
        ((HEADER + ROW + "CAPTURE,12.50,USD,2026-11-27,one,\n").encode(), (LINE, "3", "row")),
        ((HEADER + "CAPTURE,12,50,USD,2026-11-27,one\n").encode(), (LINE, "2", "row")),
        # Columns.
        (b"operation,amount,currency_code,text\nCAPTURE,1,USD,a\n", (MAPPING, None, "line_date")),
        (b"operation,amount,amount,currency_code,line_date\nCAPTURE,1,1,USD,2026-11-27\n", (MAPPING, None, "amount")),
        (b"operation;amount;currency_code;line_date\nCAPTURE;1;USD;2026-11-27\n", (MAPPING, None, "line_date")),
        # Values.
        (row(operation="SALE"), (LINE, "2", "operation")),
        (row(operation=""), (LINE, "2", "operation")),
        (row(currency="usd"), (LINE, "2", "currency_code")),
        (row(currency="XAU"), (LINE, "2", "currency_code")),
        (row(currency=""), (LINE, "2", "currency_code")),
        (row(amount="1\x002"), (FILE, "2", None)),
        (row(amount="1\x1b[2J"), (FILE, "2", None)),
        # Encodings that are not what the mapping says.
        ((HEADER + ROW).encode("utf-16"), (FILE, "1", None)),
        ((HEADER + ROW).encode("utf-16-le"), (FILE, "1", None)),
        (
            (HEADER + ROW + ROW).encode() + "CAPTURE,1.00,USD,2026-11-27,Müller\n".encode("iso-8859-1"),
            (FILE, "4", None),
        ),
        ((HEADER + ROW).encode() + b"CAPTURE,1.00,USD,2026-11-27,\xf0\x9f\x98", (FILE, "3", None)),
        ((HEADER + ROW).encode() + b"CAPTURE,1.00,USD,2026-11-27,\xc0\xaf\n", (FILE, "3", None)),
    ],
)
def test_a_hostile_file_is_refused_with_its_place(content: bytes, expected: tuple[str, str | None, str | None]) -> None:
    assert {refusal(CSV, content, size=size) for size in (1, 7, 1 << 16)} == {expected}


@pytest.mark.parametrize(
    "content",
    [
        HEADER + ROW + ROW,
        (HEADER + ROW + ROW).replace("\n", "\r\n"),
        (HEADER + ROW + ROW).replace("\n", "\r"),
        HEADER.replace("\n", "\r\n") + ROW.replace("\n", "\r") + ROW,
        (HEADER + ROW + ROW).rstrip("\n"),
        "\ufeff" + HEADER + ROW + ROW,
        HEADER + "\n" + ROW + "\n" + ROW + "\n\n",
        HEADER.replace(",", " , ") + ROW.replace(",", " ,\t") + ROW,
        HEADER + 'CAPTURE,"12.50",USD,"2026-11-27","one"\n' + ROW,
    ],
)
def test_ends_of_lines_marks_and_spaces_change_nothing(content: str) -> None:
    for size in (1, 7, 1 << 16):
        lines, _ = read(CSV, content.encode(), size=size)
        assert [(each.amount_minor, each.line_date, each.text) for each in lines] == [(1250, DAY, "one")] * 2


@pytest.mark.parametrize(
    ("encoding", "content"),
    [
        ("utf-16", "Müller€".encode("utf-16")[2:]),
        ("iso-8859-15", "Müller€".encode("iso-8859-15")),
        ("windows-1252", "Müller€".encode("windows-1252")),
        ("utf-8", "Müller€".encode()),
    ],
)
def test_text_is_read_in_the_encoding_of_the_mapping(encoding: str, content: bytes) -> None:
    head = (HEADER + "CAPTURE,1.00,USD,2026-11-27,").encode(encoding)
    lines, _ = read(CSV, head + content, replace(CSV_MAPPING, encoding=encoding), size=5)
    assert [each.text for each in lines] == ["Müller€"]


def test_a_mark_of_utf_8_is_not_read_as_letters() -> None:
    mapping = replace(CSV_MAPPING, encoding="iso-8859-1")
    assert refusal(CSV, b"\xef\xbb\xbf" + row(), mapping) == (FILE, None, None)


def test_utf_16_without_its_mark_is_refused() -> None:
    mapping = replace(CSV_MAPPING, encoding="utf-16")
    assert refusal(CSV, (HEADER + ROW).encode("utf-16-le"), mapping) == (FILE, "1", None)


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("x" * FIELD_CHARS_MAX, (LINE, "2", "text")),
        ("x" * (FIELD_CHARS_MAX + 1), (FILE, "2", None)),
        ("x" * LINE_CHARS_MAX, (FILE, "2", None)),
        ("x" * 10_000_000, (FILE, "2", None)),
        ('"' + "x\n" * 5_000_000 + '"', (FILE, "8194", None)),
    ],
)
def test_a_field_or_a_line_that_is_too_long_is_refused_where_it_begins_to_be(
    cell: str, expected: tuple[str, str, str | None]
) -> None:
    content = (HEADER + "CAPTURE,1.00,USD,2026-11-27," + cell + "\n").encode()
    assert refusal(CSV, content, size=1 << 16) == expected


# Operation by the file, signed amount, holder of the account -> operation and amount of the line.
@pytest.mark.parametrize(
    ("word", "amount", "holder", "expected"),
    [
        ("CAPTURE", "10.00", "ACQUIRER", ("CAPTURE", 1000)),
        ("CAPTURE", "-10.00", "ACQUIRER", ("CAPTURE_REVERSED", 1000)),
        ("REFUND", "-10.00", "ACQUIRER", ("REFUND", 1000)),
        ("REFUND", "10.00", "ACQUIRER", ("REFUND_RETURNED", 1000)),
        ("DISPUTE", "-10.00", "ACQUIRER", ("DISPUTE", 1000)),
        ("DISPUTE", "10.00", "ACQUIRER", ("DISPUTE_REVERSED", 1000)),
        ("FEE", "-0.30", "ACQUIRER", ("FEE", 30)),
        ("FEE", "0.30", "ACQUIRER", ("FEE", -30)),
        ("ADJUSTMENT", "-5.00", "ACQUIRER", ("ADJUSTMENT", -500)),
        ("PAYOUT_TO_PLATFORM", "-90.00", "ACQUIRER", ("PAYOUT_TO_PLATFORM", 9000)),
        ("PAYOUT_TO_PLATFORM", "90.00", "BANK", ("PAYOUT_TO_PLATFORM", 9000)),
        ("PAY", "-10.00", "BANK", ("PAY", 1000)),
        ("PAY", "10.00", "BANK", ("RETURN", 1000)),
    ],
)
def test_signs_say_what_was_moved(word: str, amount: str, holder: str, expected: tuple[str, int]) -> None:
    mapping = replace(CSV_MAPPING, amount_sign=AmountSign.SIGNED, account_holder=AccountHolder(holder))
    lines, _ = read(CSV, row(operation=word, amount=amount), mapping)
    assert (lines[0].operation, lines[0].amount_minor) == expected


INDICATED = StatementMapping(
    columns=Columns(operation="", amount="Betrag", indicator="S/H", currency="", line_date="Tag", text="Text"),
    delimiter=";",
    decimal_mark=",",
    thousands_mark=".",
    amount_sign=AmountSign.INDICATOR,
    currency_code="EUR",
    date_pattern="DD.MM.YYYY",
    rows_skipped=2,
)


def test_a_german_export_with_rows_above_it() -> None:
    content = 'Konto;123\n"Zeitraum\nTag;Betrag;S/H;Text\n27.11.2026;1.234,50;H;a\n28.11.2026;0,01;S;b\n'
    lines, _ = read(CSV, content.encode(), INDICATED)
    assert [(each.operation, each.amount_minor, each.line_no) for each in lines] == [
        ("CAPTURE", 123450, 4),
        ("REFUND", 1, 5),
    ]
    assert refusal(CSV, content.replace(";S;", ";X;").encode(), INDICATED) == (LINE, "5", "S/H")
    assert refusal(CSV, b"Konto\n", INDICATED) == (FILE, "2", None)


def test_debits_and_credits_in_columns_of_their_own_named_by_number() -> None:
    columns = Columns(
        operation="", outcome="", amount="", debit="2", credit="3", currency="4", line_date="1", text="", line_id="",
        fee="", value_date="", related_no="5", attempt_id="", channel_reference="", original_channel_reference="",
        settlement_amount="", settlement_currency="", exchange_rate="", payout_reference="", acquirer_reference="",
    )  # fmt: skip
    mapping = StatementMapping(columns=columns, header=False, amount_sign=AmountSign.TWO_COLUMNS)
    lines, _ = read(CSV, b"2026-11-27,,5.00,USD,a\n2026-11-27,2.00,,USD,b\n", mapping)
    assert [(each.operation, each.amount_minor, each.related_no) for each in lines] == [
        ("CAPTURE", 500, "a"),
        ("REFUND", 200, "b"),
    ]
    assert refusal(CSV, b"2026-11-27,1.00,5.00,USD,a\n", mapping) == (LINE, "1", "3")
    assert refusal(CSV, b"2026-11-27,,,USD,a\n", mapping) == (LINE, "1", "3")
    assert refusal(CSV, b"2026-11-27,,5.00,USD\n", mapping) == (MAPPING, None, "5")


def test_words_of_the_file_are_mapped() -> None:
    mapping = replace(
        CSV_MAPPING, operations={"Sale": "CAPTURE"}, outcomes={"ok": "SUCCEEDED", "no": "FAILED"}, fee_negative=True
    )
    content = b"operation,outcome,amount,currency_code,line_date,channel_fee\nSale,no,1.00,USD,2026-11-27,-0.10\n"
    line = read(CSV, content, mapping)[0][0]
    assert (line.operation, line.outcome, line.channel_fee_minor) == ("CAPTURE", "FAILED", 10)
    assert refusal(CSV, content.replace(b",no,", b",maybe,"), mapping) == (LINE, "2", "outcome")


@pytest.mark.parametrize(
    ("change", "column"),
    [
        ({"delimiter": ""}, "delimiter"),
        ({"delimiter": ";;"}, "delimiter"),
        ({"delimiter": "\n"}, "delimiter"),
        ({"delimiter": '"'}, "delimiter"),
        ({"quote": "a"}, "quote"),
        ({"thousands_mark": "."}, "thousands_mark"),
        ({"encoding": "utf-7"}, "encoding"),
        ({"encoding": "idna"}, "encoding"),
        ({"rows_skipped": -1}, "rows_skipped"),
        ({"rows_skipped": 101}, "rows_skipped"),
        ({"time_zone": "Europe/Atlantis"}, "time_zone"),
        ({"time_zone": "../../etc/passwd"}, "time_zone"),
        ({"date_pattern": "YYYY"}, "date_pattern"),
        ({"date_pattern": "YYYY-MM-DD MM"}, "date_pattern"),
        ({"currency_code": "EURO"}, "currency_code"),
        ({"operations": {"a": "SALE"}}, "operations"),
        ({"outcomes": {"a": "MAYBE"}}, "outcomes"),
        ({"amount_sign": AmountSign.INDICATOR}, "indicator"),
        ({"amount_sign": AmountSign.TWO_COLUMNS}, "debit and credit"),
        ({"columns": Columns(amount="a", text="a")}, "a"),
    ],
)
def test_a_mapping_that_cannot_be_is_refused(change: dict[str, object], column: str) -> None:
    with pytest.raises(DomainError) as refused:
        require_applicable(replace(CSV_MAPPING, **change))  # type: ignore[arg-type]
    assert (refused.value.reason, refused.value.metadata["column"]) == (MAPPING, column)


def test_mappings_as_they_are_can_be_applied() -> None:
    for mapping in (CSV_MAPPING, INDICATED):
        require_applicable(mapping)


WHOLE = (HEADER + "".join(f"CAPTURE,{at}.25,USD,2026-11-27,t{at}\n" for at in range(1, 9))).encode()


@pytest.mark.parametrize("cut", range(len(WHOLE)))
def test_a_file_cut_off_anywhere_is_refused_or_read_as_far_as_it_goes(cut: int) -> None:
    everything, _ = read(CSV, WHOLE, size=1 << 16)
    try:
        lines, _ = read(CSV, WHOLE[:cut], size=1 << 16)
    except DomainError:
        return
    # What came through whole is as it was, and of the last line only the text, its last field, may be shorter.
    *whole, last = lines
    assert whole == everything[: len(whole)]
    assert last._replace(text=None) == everything[len(whole)]._replace(text=None)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200), st.sampled_from([b"", HEADER.encode(), (HEADER + ROW).encode()]))
def test_whatever_bytes_come_they_are_read_or_refused(noise: bytes, head: bytes) -> None:
    try:
        lines, statements = read(CSV, head + noise)
    except DomainError as refused:
        reasons = {refused.reason}
    else:
        reasons = set()
        assert sum(each.line_count for each in statements) == len(lines) > 0
    assert reasons <= {LINE, FILE, MAPPING}
