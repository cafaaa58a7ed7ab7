"""CAMT.053: what is read of it, and what is refused with its path."""

from datetime import date
from pathlib import Path

import pytest

from services.reconciliation.domain.formats import camt053
from services.reconciliation.domain.formats.mapping import StatementFormat
from tests.unit.reconciliation.files.reading import read, refusal

CAMT = StatementFormat.CAMT053
LINE, FILE = "STATEMENT_LINE_INVALID", "STATEMENT_FILE_INVALID"
CAP = "cap_0123456789abcdef0123456789abcdef"


LARGEST = "90071992547409.91"
"""2^53-1 cents."""


def balance(code: str, amount: str, *, currency: str = "EUR") -> str:
    return (
        f'<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy="{currency}">{amount}</Amt>'
        "<CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2026-11-27</Dt></Dt></Bal>"
    )


def entry(amount: str = "50.00", side: str = "CRDT", *, more: str = "", status: str = "<Sts>BOOK</Sts>") -> str:
    return (
        f'<Ntry><Amt Ccy="EUR">{amount}</Amt><CdtDbtInd>{side}</CdtDbtInd>{status}'
        f"<BookgDt><Dt>2026-11-27</Dt></BookgDt><ValDt><Dt>2026-11-28</Dt></ValDt>{more}</Ntry>"
    )


def document(*entries: str, version: str = "02", closing: str = "", head: str = "") -> bytes:
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>{head}\n'
        f'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.{version}"><BkToCstmrStmt>'
        "<GrpHdr><MsgId>M</MsgId></GrpHdr>\n<Stmt><Id>S1</Id><Acct><Id><IBAN>DE89370400440532013000</IBAN></Id>"
        f"<Ccy>EUR</Ccy></Acct>{balance('OPBD', '100.00')}{closing}\n" + "\n".join(entries) + "\n</Stmt>"
        "</BkToCstmrStmt></Document>"
    ).encode()


DETAILS = (
    "<NtryDtls><TxDtls><Refs><EndToEndId>{}</EndToEndId></Refs><RmtInf><Ustrd>Invoice 7</Ustrd></RmtInf></TxDtls>"
    "</NtryDtls>"
)
CHARGE = '<Amt Ccy="EUR">2.00</Amt><CdtDbtInd>DBIT</CdtDbtInd>'
BATCH = (
    "<NtryDtls>"
    "<TxDtls><Refs><EndToEndId>wdr-1</EndToEndId></Refs>"
    '<AmtDtls><TxAmt><Amt Ccy="EUR">2.00</Amt></TxAmt></AmtDtls></TxDtls>'
    "<TxDtls><Refs><EndToEndId>wdr-2</EndToEndId></Refs>"
    '<AmtDtls><TxAmt><Amt Ccy="EUR">3.00</Amt></TxAmt></AmtDtls></TxDtls>'
    "</NtryDtls>"
)


def test_an_entry_of_very_many_details_does_not_keep_them(monkeypatch: pytest.MonkeyPatch) -> None:
    # Each look for what the entry does not have would pass by all of them: minutes for some ten thousand.
    monkeypatch.setattr(camt053, "ELEMENTS_MAX", 100)
    of_each = '<NtryDtls><TxDtls><Amt Ccy="EUR">0.01</Amt></TxDtls></NtryDtls>'
    lines, _ = read(CAMT, document(entry("6.00", more=of_each * 600)), size=1 << 16)
    assert [line.amount_minor for line in lines] == [1] * 600


@pytest.mark.parametrize("version", ["02", "04", "06", "08"])
@pytest.mark.parametrize("size", [3, 1 << 16])
def test_a_statement_is_read_to_the_cent(version: str, size: int) -> None:
    status = "<Sts>BOOK</Sts>" if version == "02" else "<Sts><Cd>BOOK</Cd></Sts>"
    content = document(
        entry(more="<AcctSvcrRef>A1</AcctSvcrRef>" + DETAILS.format(CAP), status=status),
        entry("5.00", "DBIT", more=BATCH, status=status),
        entry("0.00", status=status),
        version=version,
        closing=balance("CLBD", "145.00"),
    )
    lines, statements = read(CAMT, content, size=size)
    assert [(each.operation, each.amount_minor, each.related_no, each.channel_reference) for each in lines] == [
        ("PAYOUT_TO_PLATFORM", 5000, CAP, "A1"),
        ("PAY", 200, "wdr-1", None),
        ("PAY", 300, "wdr-2", None),
    ]
    assert (lines[0].text, lines[0].line_date, lines[0].value_date) == (
        "Invoice 7",
        date(2026, 11, 27),
        date(2026, 11, 28),
    )
    (statement,) = statements
    assert (statement.reference, statement.account, statement.line_count) == ("S1", "3000", 3)
    assert (statement.opening_balance_minor, statement.closing_balance_minor) == (10_000, 14_500)


@pytest.mark.parametrize(
    ("more", "side", "expected"),
    [
        ("<RvslInd>true</RvslInd>", "CRDT", ("RETURN", 5000, 0)),
        ("<RvslInd>true</RvslInd>", "DBIT", ("PAYOUT_TO_PLATFORM", -5000, 0)),
        (
            f"<Chrgs>{CHARGE}</Chrgs>",
            "CRDT",
            ("PAYOUT_TO_PLATFORM", 5000, 200),
        ),
        (
            f"<Chrgs><Rcrd>{CHARGE}<ChrgInclInd>true</ChrgInclInd></Rcrd></Chrgs>",
            "CRDT",
            ("PAYOUT_TO_PLATFORM", 5200, 200),
        ),
        (
            f"<Chrgs><Rcrd>{CHARGE}<ChrgInclInd>true</ChrgInclInd></Rcrd></Chrgs>",
            "DBIT",
            ("PAY", 4800, 200),
        ),
    ],
)
def test_reversals_and_charges(more: str, side: str, expected: tuple[str, int, int]) -> None:
    (line,), _ = read(CAMT, document(entry(side=side, more=more)))
    assert (line.operation, line.amount_minor, line.channel_fee_minor) == expected


def charges(amount: str, *, times: int = 1, included: bool = False) -> str:
    told = f'<Amt Ccy="EUR">{amount}</Amt><CdtDbtInd>DBIT</CdtDbtInd>'
    told += "<ChrgInclInd>true</ChrgInclInd>" if included else ""
    return "<Chrgs>" + f"<Rcrd>{told}</Rcrd>" * times + "</Chrgs>"


@pytest.mark.parametrize(
    ("amount", "side", "more"),
    [
        (LARGEST, "CRDT", charges("0.01", included=True)),
        (LARGEST, "CRDT", charges("1.00", included=True)),
        ("50.00", "CRDT", charges(LARGEST, times=2)),
        # Beyond the 2^63-1 of PostgreSQL's bigint.
        ("50.00", "CRDT", charges(LARGEST, times=1_100)),
        # The fee is too large, and the amount with it is not.
        (LARGEST, "DBIT", charges(LARGEST, times=2, included=True)),
        ("50.00", "CRDT", charges(LARGEST, times=2).replace("DBIT", "CRDT")),
    ],
)
def test_charges_that_lead_beyond_the_largest_amount_are_refused(amount: str, side: str, more: str) -> None:
    assert refusal(CAMT, document(entry(amount, side, more=more)), size=1 << 16) == (LINE, "4", "Ntry/Chrgs")


def test_charges_may_lead_to_the_largest_amount() -> None:
    (line,), _ = read(CAMT, document(entry("90071992547408.91", more=charges("1.00", included=True))))
    assert (line.amount_minor, line.channel_fee_minor) == (2**53 - 1, 100)
    (line,), _ = read(CAMT, document(entry(more=charges(LARGEST))))
    assert (line.amount_minor, line.channel_fee_minor) == (5000, 2**53 - 1)


EUR_ACCOUNT = b"<Ccy>EUR</Ccy>"


@pytest.mark.parametrize("told", ["eur", "EURO", "XXY", "E<b/>UR", "\u0395UR"])
@pytest.mark.parametrize("entries", [(), (entry(),)])
def test_an_account_in_no_currency_is_refused(told: str, entries: tuple[str, ...]) -> None:
    content = document(*entries, closing=balance("CLBD", "100.00"))
    content = content.replace(EUR_ACCOUNT, f"<Ccy>{told}</Ccy>".encode())
    assert refusal(CAMT, content) == (LINE, "3", "Acct/Ccy")


@pytest.mark.parametrize("code", ["OPBD", "PRCD", "CLBD"])
def test_a_balance_is_in_the_currency_of_the_account(code: str) -> None:
    content = document(closing=balance("CLBD", "100.00") + balance(code, "100.00", currency="USD"))
    assert refusal(CAMT, content) == (LINE, "3", "Bal/Amt/@Ccy")
    all_in_euro = document(entry()).replace(EUR_ACCOUNT, b"<Ccy>USD</Ccy>")
    assert refusal(CAMT, all_in_euro) == (LINE, "3", "Bal/Amt/@Ccy")


def test_an_account_told_after_what_stands_on_it_is_in_the_same_currency() -> None:
    late = "<Acct><Ccy>USD</Ccy></Acct>"
    assert refusal(CAMT, document(entry(), late)) == (LINE, "5", "Acct/Ccy")
    assert read(CAMT, document(entry(), late.replace("USD", "EUR")))[1][0].currency_code == "EUR"


@pytest.mark.parametrize("told", [b"", b"<Ccy/>", b"<Ccy> </Ccy>"])
def test_where_the_account_tells_no_currency_it_is_that_of_the_balances_and_entries(told: bytes) -> None:
    content = document(closing=balance("CLBD", "100.00")).replace(EUR_ACCOUNT, told)
    (statement,) = read(CAMT, content)[1]
    assert (statement.currency_code, statement.closing_balance_minor) == ("EUR", 10_000)
    in_dollars = document(entry().replace('Ccy="EUR"', 'Ccy="USD"')).replace(EUR_ACCOUNT, told)
    assert refusal(CAMT, in_dollars) == (LINE, "4", "Ntry/Amt")


def test_a_comment_within_an_amount_cuts_nothing_off() -> None:
    assert read(CAMT, document(entry("5<!-- x -->0.0<?pi?>0")))[0][0].amount_minor == 5000


@pytest.mark.parametrize(
    ("content", "reason", "column"),
    [
        (document(entry(), closing=balance("CLBD", "150.01")), "STATEMENT_BALANCE_MISMATCH", None),
        (document(entry("5.00", "DBIT", more=BATCH.replace("3.00", "3.01"))), LINE, "Ntry/Amt"),
        (document(entry("50.000")), LINE, "Ntry/Amt"),
        (document(entry("50,00")), LINE, "Ntry/Amt"),
        (document(entry("-50.00")), LINE, "Ntry/Amt"),
        (document(entry("1E2")), LINE, "Ntry/Amt"),
        (document(entry("5<b/>0.00")), LINE, "Ntry/Amt"),
        (document(entry("")), LINE, "Ntry/Amt"),
        (document(entry("90071992547409.92")), LINE, "Ntry/Amt"),
        (document(entry(side="BOTH")), LINE, "Ntry/CdtDbtInd"),
        (document(entry(status="<Sts>PDNG</Sts>")), LINE, "Ntry/Sts"),
        (document(entry().replace("2026-11-27", "2026-11-31")), LINE, "Ntry/BookgDt"),
        (document(entry().replace("2026-11-27", "27.11.2026")), LINE, "Ntry/BookgDt"),
        (document(entry().replace('Ccy="EUR"', 'Ccy="USD"')), LINE, "Ntry/Amt"),
        (document(entry().replace('Ccy="EUR"', 'Ccy="EURO"')), LINE, "Ntry/Amt/@Ccy"),
        (document(entry(), version="09"), FILE, None),
        (document(entry(), version="01"), FILE, None),
        (b"<Document/>", FILE, None),
        (b"", FILE, None),
        (b"no xml", FILE, None),
        (document(entry()) + b"<more/>", FILE, None),
        (document(entry()).replace(b"UTF-8", b"UTF-16"), FILE, None),
        (document(entry()).replace(b"S1", b"\xff"), FILE, None),
        (document(entry()).replace(b"S1", b"\x00"), FILE, None),
        (document(), LINE, None),
        (document("<A>" * 200 + "</A>" * 200), FILE, None),
        (document("<A>" * 40 + "</A>" * 40), FILE, None),
        (document(entry(more="<AddtlNtryInf>" + "x" * 20_000 + "</AddtlNtryInf>")), LINE, None),
        (document(entry(more="<AddtlNtryInf>" + "x" * 11_000_000 + "</AddtlNtryInf>")), None, None),
    ],
)
def test_a_hostile_file_is_refused(content: bytes, reason: str | None, column: str | None) -> None:
    found, _, at = refusal(CAMT, content, size=1 << 16)
    assert found == reason if reason else found in {LINE, FILE}
    if column is not None:
        assert at == column


@pytest.mark.parametrize(
    "head",
    [
        '<!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;">]>',
        '<!DOCTYPE a SYSTEM "http://127.0.0.1:1/x.dtd">',
        '<!DOCTYPE a [<!ENTITY % x SYSTEM "file:///etc/passwd"> %x;]>',
        "<!DOCTYPE a>",
    ],
)
def test_what_brings_a_document_type_is_refused(head: str) -> None:
    assert refusal(CAMT, document(entry(), head=head), size=1 << 16)[0] == FILE


def test_an_entity_reads_no_file(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("50.00", encoding="utf-8")
    head = f'<!DOCTYPE a [<!ENTITY x SYSTEM "file://{secret}">]>'
    assert refusal(CAMT, document(entry("&x;"), head=head), size=1 << 16)[0] == FILE
