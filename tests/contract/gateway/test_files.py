"""Files over HTTP are the bytes that gRPC carries in parts: whole, or refused."""

import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import grpc
import httpx
import pytest
from google.api.httpbody_pb2 import HttpBody
from google.protobuf import json_format
from grpc_status import rpc_status

from paykit.errors import DomainError, Kind
from paykit.testing.fake_server import fake_server
from paystream.reconciliation.v1 import report_pb2, statement_pb2
from paystream.settlement.v1 import settlement_pb2, settlement_pb2_grpc
from paytools.gateway.configuration import FILE_BYTES_MAX
from tests.line.gateway import gateway

IMPORT = "paystream.reconciliation.v1.ReconciliationOperationsService/ImportStatement"
REPORT = "paystream.reconciliation.v1.ReconciliationOperationsService/ExportReport"
EXPORT = "paystream.settlement.v1.SettlementService/ExportSettlement"
SETTLEMENT = "stl_0192f5d0c0de70008000000000000002"
EXPORT_PATH = f"/v1/settlements/{SETTLEMENT}:export"
IMPORT_PATH = "/operations/v1/channels/cards/statements:import"
TIMEOUT_S = 60.0
PART_BYTES_MAX = 1024 * 1024
CSV = "text/csv; charset=utf-8"


class Away(DomainError):
    kind = Kind.UNAVAILABLE
    reason = "ROW_LOCKED"
    retry_after_s = 1


@dataclass(frozen=True, slots=True)
class Files:
    """A gateway before a fake that answers with what stands in `answers`."""

    http: httpx.Client
    address: str
    answers: dict[str, Any]
    requests: Any

    def part(self, data: bytes, kind: str = CSV) -> settlement_pb2.ExportSettlementResponse:
        return settlement_pb2.ExportSettlementResponse(document=HttpBody(content_type=kind, data=data))


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Files]:
    answers: dict[str, Any] = {}
    canned = {name: (lambda _request, name=name: answers[name]) for name in (EXPORT, REPORT)}
    with ExitStack() as stack:
        fake = stack.enter_context(fake_server({**canned, IMPORT: imported}))
        services = dict.fromkeys(("settlement", "reconciliation"), fake.address)
        url = stack.enter_context(gateway(tmp_path_factory.mktemp("gateway"), services))
        http = stack.enter_context(httpx.Client(base_url=url, timeout=TIMEOUT_S))
        yield Files(http, fake.address, answers, fake.requests)


def imported(parts: list[statement_pb2.ImportStatementRequest]) -> statement_pb2.ImportStatementResponse:
    size = sum(len(part.file.data) for part in parts)
    return statement_pb2.ImportStatementResponse(file=statement_pb2.StatementFile(size_bytes=size))


def test_a_report_is_downloaded_as_it_is(running: Files) -> None:
    parts = [b"a,b\n", b"1,2\n" * 100_000, b"3,4\n"]
    running.answers[EXPORT] = [running.part(data) for data in parts]
    response = running.http.get(EXPORT_PATH, params={"format": "EXPORT_FORMAT_CSV"})
    assert (response.status_code, response.headers["content-type"]) == (200, CSV)
    assert response.content == b"".join(parts)
    assert running.requests[EXPORT][-1] == settlement_pb2.ExportSettlementRequest(
        settlement_id=SETTLEMENT, format=settlement_pb2.EXPORT_FORMAT_CSV
    )
    assert by_grpc(running) == b"".join(parts)


def by_grpc(running: Files) -> bytes:
    with grpc.insecure_channel(running.address) as channel:
        asked = settlement_pb2.ExportSettlementRequest(settlement_id=SETTLEMENT)
        replies = settlement_pb2_grpc.SettlementServiceStub(channel).ExportSettlement(asked, timeout=TIMEOUT_S)
        return b"".join(reply.document.data for reply in replies)


def test_a_report_of_a_channel_has_its_filters_in_the_query(running: Files) -> None:
    running.answers[REPORT] = [report_pb2.ExportReportResponse(document=HttpBody(content_type=CSV, data=b"x\n"))]
    wanted = {"first_date": "2026-11-01", "last_date": "2026-11-30", "items": "true"}
    assert running.http.get("/operations/v1/channels/cards/report:export", params=wanted).content == b"x\n"
    assert running.requests[REPORT][-1] == report_pb2.ExportReportRequest(
        channel="cards", first_date="2026-11-01", last_date="2026-11-30", items=True
    )


def test_a_refusal_before_the_first_byte_is_the_services_own(running: Files) -> None:
    running.answers[EXPORT] = [Away("away")]
    response = running.http.get(EXPORT_PATH)
    with pytest.raises(grpc.RpcError) as refused:
        by_grpc(running)
    status: Any = rpc_status.from_call(refused.value)  # type: ignore[arg-type]
    assert response.status_code == 503
    assert response.json() == json_format.MessageToDict(status)


def test_a_failure_in_the_midst_is_no_shorter_file(running: Files) -> None:
    running.answers[EXPORT] = [running.part(b"a,b\n"), running.part(b"1,2\n" * 100_000), Away("away")]
    response = running.http.get(EXPORT_PATH)
    assert (response.status_code, response.headers["content-type"]) == (503, "application/json")
    assert response.json()["details"][0]["reason"] == "HTTP_FILE_INCOMPLETE"
    with pytest.raises(grpc.RpcError):
        by_grpc(running)


def test_a_file_beyond_the_bound_is_refused_and_not_cut(running: Files) -> None:
    running.answers[EXPORT] = [running.part(b"x" * PART_BYTES_MAX)] * (FILE_BYTES_MAX // PART_BYTES_MAX + 8)
    response = running.http.get(EXPORT_PATH)
    assert response.status_code == 500
    assert response.json()["details"][0]["reason"] == "HTTP_REPLY_INVALID"


@pytest.mark.parametrize("size", [1, PART_BYTES_MAX, 5_000_017])
def test_a_statement_is_uploaded_as_it_is(running: Files, size: int) -> None:
    parts = running.requests[IMPORT]
    parts.clear()
    data, request_id = (bytes(range(256)) * (size // 256 + 1))[:size], str(uuid.uuid4())
    query = {"header.request_id": request_id, "header.format": "STATEMENT_FORMAT_CSV", "header.file_name": "day.csv"}
    query |= {"header.mapping_json": '{"columns": {"reference": "Ref"}}'}
    response = running.http.post(IMPORT_PATH, params=query, content=data, headers={"content-type": "text/csv"})
    assert response.json() == {"file": {"sizeBytes": str(size)}}
    assert b"".join(part.file.data for part in parts) == data
    assert [part.HasField("header") for part in parts] == [True, *[False] * (len(parts) - 1)]
    assert parts[0].header == statement_pb2.StatementHeader(
        request_id=request_id,
        channel="cards",
        format=statement_pb2.STATEMENT_FORMAT_CSV,
        file_name="day.csv",
        mapping_json='{"columns": {"reference": "Ref"}}',
    )


def test_an_upload_that_breaks_a_rule_is_refused_by_name(running: Files) -> None:
    query = {"header.request_id": "7", "header.format": "STATEMENT_FORMAT_CSV"}
    response = running.http.post(IMPORT_PATH, params=query, content=b"x" * 3_000_000)
    assert response.status_code == 400
    bad = next(each for each in response.json()["details"] if each["@type"].endswith("BadRequest"))
    assert [each["field"] for each in bad["fieldViolations"]] == ["header.request_id"]


def test_a_misspelt_word_of_an_upload_is_refused(running: Files) -> None:
    response = running.http.post(IMPORT_PATH, params={"header.requst_id": "7"}, content=b"x")
    assert (response.status_code, response.json()["details"][0]["reason"]) == (400, "HTTP_REQUEST_INVALID")
