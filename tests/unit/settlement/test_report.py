"""Reports of settlements, letter by letter."""

import csv
import io
import json

import pytest

from paystream.settlement.v1.events import SettlementTrigger
from services.settlement.domain import settlement as domain
from services.settlement.domain.item import SettlementItem, items_of
from services.settlement.domain.report import CsvWriter, JsonWriter, ReportWriter
from services.settlement.domain.settlement import Settlement
from services.settlement.domain.sums import Sums
from tests.unit.settlement.builders import ALICE, NOON, capture, daily, refund, settlement, stl

ITEMS = [item for event in (capture(1, 10_000, 320), refund(1, 4_000, 128)) for item in items_of(event)]


def closed() -> Settlement:
    sums = Sums(item_count=2, payments_minor=10_000, refunds_minor=-4_000, fees_minor=-192)
    policy = daily(reserve_basis_points=500, reserve_days=30)
    return domain.close(
        settlement(sums=sums), policy, trigger=SettlementTrigger.REQUEST, correlation_id="cor_1", now=NOON
    )[0]


def written(writer: ReportWriter, *pages: list[SettlementItem]) -> str:
    each = closed()
    return writer.begin(each) + "".join(writer.items(each, page) for page in pages) + writer.end()


def test_a_csv_has_a_line_of_names_and_one_for_each_item() -> None:
    paid, refunded = ITEMS
    assert written(CsvWriter(), ITEMS[:1], ITEMS[1:]) == (
        "settlement_id,transaction_id,kind,transaction_type,related_no,root_reference,effective_time,amount_minor,"
        "fee_minor,total_minor,currency_code\r\n"
        f"{stl(1)},{paid.transaction_id},PAYMENT,PaymentSuccess,{paid.related_no},{paid.root_reference},"
        "2026-03-01T12:00:00.000000Z,10000,-320,9680,USD\r\n"
        f"{stl(1)},{refunded.transaction_id},REFUND,RefundSuccess,{refunded.related_no},{refunded.root_reference},"
        "2026-03-01T12:00:00.000000Z,-4000,128,-3872,USD\r\n"
    )


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "\nx", "|calc", "%0a", '=HYPERLINK("http://x","y")']
)
def test_no_text_is_a_formula_to_a_spreadsheet_and_none_breaks_its_cell(text: str) -> None:
    item = ITEMS[0]._replace(related_no=text, root_reference=text, transaction_type=text)
    (_, row) = csv.reader(io.StringIO(written(CsvWriter(), [item]), newline=""))
    assert row[3:6] == [f"'{text}"] * 3
    assert row[7:10] == ["10000", "-320", "9680"]


@pytest.mark.parametrize("text", ["a,b", 'say "so"', "two\r\nlines", "grüß=gott", " =1"])
def test_other_texts_come_back_as_they_were(text: str) -> None:
    item = ITEMS[0]._replace(related_no=text)
    (_, row) = csv.reader(io.StringIO(written(CsvWriter(), [item]), newline=""))
    assert row[4] == text


def test_a_json_report_holds_the_sums_and_every_item() -> None:
    report = json.loads(written(JsonWriter(), ITEMS[:1], ITEMS[1:]))
    items = report.pop("items")
    assert report == {
        "settlement_id": stl(1),
        "merchant_id": ALICE,
        "currency_code": "USD",
        "trigger": "REQUEST",
        "cut_off_time": None,
        "close_time": "2026-03-01T12:00:00.000000Z",
        "item_count": 2,
        "payments_minor": 10_000,
        "refunds_minor": -4_000,
        "fees_minor": -192,
        "disputes_minor": 0,
        "reserve_released_minor": 0,
        "adjustments_minor": 0,
        "total_minor": 5_808,
        "reserve_held_minor": 290,
        "net_minor": 5_518,
    }
    assert [(item["transaction_id"], item["total_minor"]) for item in items] == [
        (ITEMS[0].transaction_id, 9_680),
        (ITEMS[1].transaction_id, -3_872),
    ]


def test_a_json_report_quotes_whatever_a_text_holds() -> None:
    texts = ['"', "\\", "\u2028", "\x01", "]}", "=1"]
    items = [ITEMS[0]._replace(related_no=text) for text in texts]
    assert [item["related_no"] for item in json.loads(written(JsonWriter(), items))["items"]] == texts


def test_a_json_report_without_items_is_one_all_the_same() -> None:
    assert json.loads(written(JsonWriter()))["items"] == []
