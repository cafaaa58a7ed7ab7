"""Statement files are imported whole or not at all, and once."""

import asyncio
import hashlib
import json
import uuid
from collections.abc import AsyncIterator
from functools import cache
from typing import Any

import pytest
from google.api.httpbody_pb2 import HttpBody
from google.protobuf import json_format

from paykit.errors import DomainError
from paykit.testing.runtimes import act_as
from paystream.reconciliation.v1 import statement_pb2 as pb
from services.reconciliation.rpc.reconciliation import ReconciliationServicer
from tests.integration.reconciliation.matching import Matcher
from tests.integration.reconciliation.resolving import Desk

ANY: Any = None
CSV = pb.STATEMENT_FORMAT_CSV
HEADER = "line_id,operation,amount,currency_code,channel_fee,line_date,related_no\n"
FILE = (HEADER + "l1,CAPTURE,12.50,USD,0.30,2026-11-27,cap_1\nl2,REFUND,2.00,EUR,,2026-11-28,ref_1\n").encode()
MT940 = (
    b":20:STMT1\r\n:25:37040044/0532013000\r\n:28C:1/1\r\n:60F:C261126EUR100,00\r\n"
    b":61:2611271127CR50,00NTRFNONREF//ASR1\r\n:86:Payout 7\r\n:62F:C261127EUR150,00\r\n-\r\n"
)
BALANCE = (
    b'<Bal><Tp><CdOrPrtry><Cd>CLBD</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">1.00</Amt><CdtDbtInd>CRDT</CdtDbtInd>'
    b"<Dt><Dt>2026-11-27</Dt></Dt></Bal>"
)
CHARGES = (
    b'<Chrgs><Rcrd><Amt Ccy="EUR">1.00</Amt><CdtDbtInd>DBIT</CdtDbtInd><ChrgInclInd>true</ChrgInclInd></Rcrd></Chrgs>'
)
LARGEST_CHARGE = b'<Rcrd><Amt Ccy="EUR">90071992547409.91</Amt></Rcrd>'
TABLES = ("statement_file", "statement", "statement_line")


def camt053(currency_code: bytes, more: bytes) -> bytes:
    """A bank's statement in XML of an account in a currency."""
    return (
        b'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.02"><BkToCstmrStmt><Stmt><Id>S1</Id><Acct><Ccy>'
        + currency_code
        + b"</Ccy></Acct>"
        + more
        + b"</Stmt></BkToCstmrStmt></Document>"
    )


def credit(amount: bytes, more: bytes) -> bytes:
    """An entry in euro."""
    return (
        b'<Ntry><Amt Ccy="EUR">' + amount + b"</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>BOOK</Sts>"
        b"<BookgDt><Dt>2026-11-27</Dt></BookgDt>" + more + b"</Ntry>"
    )


async def requests(content: bytes, *, chunk: int = 11, **header: Any) -> AsyncIterator[pb.ImportStatementRequest]:
    given: dict[str, Any] = {"request_id": str(uuid.uuid4()), "channel": "simulator", "format": CSV}
    yield pb.ImportStatementRequest(header=pb.StatementHeader(**given | header))
    for at in range(0, len(content), chunk):
        yield pb.ImportStatementRequest(file=HttpBody(data=content[at : at + chunk]))


@cache
def call(desk: Desk) -> ReconciliationServicer:
    """The one servicer of a desk."""
    return ReconciliationServicer(desk.runtime)


async def take(desk: Desk, content: bytes, **header: Any) -> pb.ImportStatementResponse:
    act_as("ann")
    return await call(desk).ImportStatement(requests(content, **header), ANY)


async def rows(desk: Desk) -> list[int]:
    """How many rows there are of files, statements and lines."""

    async def count(tx: Any) -> list[int]:
        return [(await tx.fetch(f"SELECT count(*) FROM {table}"))[0][0] for table in TABLES]

    return await desk.runtime.read(count)


async def test_a_file_becomes_statements_and_lines(desk: Desk) -> None:
    imported = await take(desk, FILE, file_name="day.csv")
    assert (imported.file.line_count, imported.file.size_bytes, imported.file.actor) == (2, len(FILE), "ann")
    assert [(each.currency_code, each.statement_date, each.line_count) for each in imported.statements] == [
        ("USD", "2026-11-27", 1),
        ("EUR", "2026-11-28", 1),
    ]
    first = imported.statements[0]
    shown = await call(desk).GetStatement(pb.GetStatementRequest(statement_id=first.statement_id), ANY)
    assert (shown.statement, shown.file) == (first, imported.file)
    listed = await call(desk).ListStatementLines(pb.ListStatementLinesRequest(statement_id=first.statement_id), ANY)
    assert list(listed.lines) == [
        pb.StatementLine(
            statement_id=first.statement_id,
            line_no=listed.lines[0].line_no,
            file_line_no=2,
            line_id="l1",
            operation="CAPTURE",
            outcome="SUCCEEDED",
            amount_minor=1250,
            currency_code="USD",
            channel_fee_minor=30,
            line_date="2026-11-27",
            related_no="cap_1",
        )
    ]


async def test_a_banks_file_brings_its_balances(desk: Desk) -> None:
    imported = await take(desk, MT940, format=pb.STATEMENT_FORMAT_MT940)
    (statement,) = imported.statements
    assert (statement.reference, statement.account_last_four) == ("STMT1", "3000")
    assert (statement.opening_balance_minor, statement.closing_balance_minor) == (10_000, 15_000)
    listed = await call(desk).ListStatementLines(pb.ListStatementLinesRequest(statement_id=statement.statement_id), ANY)
    (line,) = listed.lines
    assert (line.line_id, line.channel_reference) == (f"{statement.statement_id}:1", "ASR1")


@pytest.mark.parametrize(
    ("content", "header", "reason"),
    [
        # The last line of many is wrong: those before it were copied already.
        (
            HEADER.encode()
            + b"".join(b"l%d,CAPTURE,1.00,USD,,2026-11-27,c\n" % at for at in range(12_000))
            + b"l,CAPTURE,1.000,USD,,2026-11-27,c\n",
            {},
            "STATEMENT_LINE_INVALID",
        ),
        (FILE[:-20], {}, "STATEMENT_LINE_INVALID"),
        (b"", {}, "STATEMENT_FILE_INVALID"),
        (FILE, {"content_sha256": b"\0" * 32}, "STATEMENT_FILE_INVALID"),
        (FILE, {"format": pb.STATEMENT_FORMAT_CAMT053}, "STATEMENT_FILE_INVALID"),
        (FILE, {"mapping": pb.StatementMapping(columns={"amount": "Betrag"})}, "STATEMENT_MAPPING_INVALID"),
        (FILE, {"mapping": pb.StatementMapping(columns={"sum": "amount"})}, "STATEMENT_MAPPING_INVALID"),
        (FILE, {"mapping": pb.StatementMapping(delimiter="x")}, "STATEMENT_MAPPING_INVALID"),
        (
            MT940.replace(b"150,00", b"150,01"),
            {"format": pb.STATEMENT_FORMAT_MT940},
            "STATEMENT_BALANCE_MISMATCH",
        ),
        # What no column of the tables holds.
        (camt053(b"eur", BALANCE), {"format": pb.STATEMENT_FORMAT_CAMT053}, "STATEMENT_LINE_INVALID"),
        (camt053(b"USD", BALANCE), {"format": pb.STATEMENT_FORMAT_CAMT053}, "STATEMENT_LINE_INVALID"),
        (
            camt053(b"EUR", credit(b"90071992547409.91", CHARGES)),
            {"format": pb.STATEMENT_FORMAT_CAMT053},
            "STATEMENT_LINE_INVALID",
        ),
        (
            camt053(b"EUR", credit(b"1.00", b"<Chrgs>" + LARGEST_CHARGE * 1_100 + b"</Chrgs>")),
            {"format": pb.STATEMENT_FORMAT_CAMT053},
            "STATEMENT_LINE_INVALID",
        ),
    ],
)
async def test_nothing_of_a_refused_file_stays(desk: Desk, content: bytes, header: Any, reason: str) -> None:
    with pytest.raises(DomainError) as refused:
        await take(desk, content, chunk=1 << 16, **header)
    assert refused.value.reason == reason
    assert await rows(desk) == [0, 0, 0]
    # The same name and the right bytes are taken after that.
    await take(desk, FILE)
    assert await rows(desk) == [1, 2, 2]


async def test_of_a_file_cut_off_anywhere_all_that_is_left_is_imported_or_nothing(desk: Desk) -> None:
    taken = []
    for cut in range(1, len(FILE)):
        before = await rows(desk)
        try:
            imported = await take(desk, FILE[:cut], channel=f"c{cut}", chunk=1 << 16)
        except DomainError:
            assert await rows(desk) == before
        else:
            count = imported.file.line_count
            # A statement each, for each line is in a currency of its own.
            assert await rows(desk) == [before[0] + 1, before[1] + count, before[2] + count]
            taken.append(count)
    # After the comma before cap_1 and each of "cap_1\n"; then the same of ref_1, but for its last, which is the whole.
    assert taken == [1] * 7 + [2] * 6


async def test_the_same_bytes_are_one_import(desk: Desk) -> None:
    first = await take(desk, FILE, file_name="a.csv")
    again = await take(desk, FILE, file_name="b.csv")
    assert again == first
    assert await rows(desk) == [1, 2, 2]
    elsewhere = await take(desk, FILE, channel="other")
    assert elsewhere.file.file_id != first.file.file_id
    assert await rows(desk) == [2, 4, 4]


async def test_a_line_that_is_known_is_that_line(desk: Desk) -> None:
    await take(desk, FILE)
    more = FILE + b"l3,CAPTURE,7.00,USD,,2026-11-29,cap_3\n"
    again = await take(desk, more)
    assert (again.file.line_count, again.file.known_line_count) == (3, 2)
    assert [(each.currency_code, each.line_count) for each in again.statements] == [("USD", 1), ("EUR", 0)]
    assert await rows(desk) == [2, 4, 3]
    with pytest.raises(DomainError) as refused:
        await take(desk, more.replace(b"l2,REFUND,2.00", b"l2,REFUND,2.01"))
    assert (refused.value.reason, refused.value.metadata["line"]) == ("STATEMENT_LINE_INVALID", "3")
    assert await rows(desk) == [2, 4, 3]


async def test_a_file_of_the_first_and_the_last_day_is_imported_and_shows_them(desk: Desk) -> None:
    content = HEADER + "l1,CAPTURE,1.00,USD,,0001-01-01,cap_1\nl2,CAPTURE,1.00,EUR,,9999-12-31,cap_2\n"
    imported = await take(desk, content.encode())
    assert [each.statement_date for each in imported.statements] == ["0001-01-01", "9999-12-31"]
    for statement in imported.statements:
        day = statement.statement_date
        shown = pb.ListStatementLinesRequest(statement_id=statement.statement_id)
        assert [line.line_date for line in (await call(desk).ListStatementLines(shown, ANY)).lines] == [day]
        listed = await call(desk).ListStatements(pb.ListStatementsRequest(statement_date=day), ANY)
        assert [each.statement_id for each in listed.statements] == [statement.statement_id]


async def test_lines_of_a_file_are_matched(desk: Desk) -> None:
    matcher = Matcher(desk.runtime)
    await matcher.record(matcher.movement(1), matcher.movement(2))
    content = HEADER + "".join(
        f"l{at},CAPTURE,{amount},USD,,2026-03-01,{matcher.movement(at).related_no}\n"
        for at, amount in ((1, "100.00"), (2, "99.00"))
    )
    await take(desk, content.encode(), channel="cards")
    await matcher.match()
    assert await matcher.statuses() == {"MATCHED": 1, "AMOUNT_MISMATCH": 1}


async def test_the_same_file_sent_by_many_at_once_is_one_import(desk: Desk) -> None:
    replies = await asyncio.gather(*(take(desk, FILE) for _ in range(8)))
    assert {reply.file.file_id for reply in replies} == {replies[0].file.file_id}
    assert await rows(desk) == [1, 2, 2]


async def test_a_request_id_is_one_file(desk: Desk) -> None:
    request_id = str(uuid.uuid4())
    first = await take(desk, FILE, request_id=request_id)
    assert await take(desk, FILE, request_id=request_id) == first
    assert await take(desk, FILE, request_id=request_id, content_sha256=hashlib.sha256(FILE).digest()) == first
    with pytest.raises(DomainError) as refused:
        await take(desk, FILE + b"l3,REFUND,2.00,EUR,,2026-11-28,ref_2\n", request_id=request_id)
    assert refused.value.reason == "REQUEST_ID_REUSED"


async def test_lists_come_in_pages(desk: Desk) -> None:
    content = HEADER + "".join(f"p{at},CAPTURE,1.00,USD,,2026-11-27,c{at}\n" for at in range(1, 6))
    (statement,) = (await take(desk, content.encode())).statements
    asked = pb.ListStatementLinesRequest(statement_id=statement.statement_id, page_size=2)
    found = []
    for _ in range(3):
        page = await call(desk).ListStatementLines(asked, ANY)
        found += [line.related_no for line in page.lines]
        asked.page_token = page.next_page_token
    assert (found, asked.page_token) == (["c1", "c2", "c3", "c4", "c5"], "")
    await take(desk, FILE)
    listed = await call(desk).ListStatements(pb.ListStatementsRequest(statement_date="2026-11-28"), ANY)
    assert [each.currency_code for each in listed.statements] == ["EUR"]
    with pytest.raises(DomainError) as refused:
        await call(desk).ListStatements(pb.ListStatementsRequest(statement_date="2026-02-30"), ANY)
    assert refused.value.reason == "FIELD_INVALID"


async def test_a_statement_that_is_not_there(desk: Desk) -> None:
    with pytest.raises(DomainError) as refused:
        await call(desk).GetStatement(pb.GetStatementRequest(statement_id="stm_" + "0" * 32), ANY)
    assert refused.value.reason == "STATEMENT_NOT_FOUND"


async def test_a_mapping_may_be_given_as_json(desk: Desk) -> None:
    content = b"id;kind;sum;cur;day\nj1;CAPTURE;12,50;USD;27.11.2026\n"
    columns = {"line_id": "id", "operation": "kind", "amount": "sum", "currency": "cur", "line_date": "day"}
    mapping = {"columns": columns, "delimiter": ";", "decimal_mark": ",", "date_pattern": "DD.MM.YYYY"}
    taken = await take(desk, content, mapping_json=json.dumps(mapping))
    assert [(each.currency_code, each.statement_date) for each in taken.statements] == [("USD", "2026-11-27")]
    same = await take(desk, content, mapping=json_format.ParseDict(mapping, pb.StatementMapping()))
    assert same.file == taken.file


@pytest.mark.parametrize(
    ("mapping", "reason"),
    [
        ("{", "STATEMENT_MAPPING_INVALID"),
        ('{"colums": {}}', "STATEMENT_MAPPING_INVALID"),
        ('{"delimiter": ";;"}', "FIELD_INVALID"),
    ],
)
async def test_json_that_is_no_mapping_is_refused(desk: Desk, mapping: str, reason: str) -> None:
    with pytest.raises(DomainError) as refused:
        await take(desk, FILE, mapping_json=mapping)
    assert refused.value.reason == reason
