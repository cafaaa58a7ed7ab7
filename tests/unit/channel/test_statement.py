"""What a line knows of its statement, and what closing a statement adds."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from paystream.channel.v1.events import ChannelOperation
from services.channel.domain import statement, statement_reference
from services.channel.domain.line import ChannelLine, reported
from services.channel.domain.statement import ChannelStatement, DayTotal

MORNING = datetime(2026, 3, 2, 0, 5, tzinfo=UTC)


def line(operation: ChannelOperation, **changes: Any) -> ChannelLine:
    given: dict[str, Any] = {
        "line_id": "lin_1",
        "attempt_id": "att_1",
        "channel_reference": "chn_1",
        "original_reference": None,
        "operation": operation,
        "merchant_id": "mer_1",
        "related_no": "cap_1",
        "amount_minor": 1_000,
        "currency_code": "USD",
        "fee_minor": 15,
        "line_date": "2026-03-01",
        "create_time": MORNING,
    }
    return ChannelLine(**given | changes)


def total(statement_date: str = "2026-03-01", currency_code: str = "USD", **sums: int) -> DayTotal:
    names = (
        "captured",
        "reversed",
        "refunded",
        "refund_returned",
        "disputed",
        "dispute_won",
        "paid",
        "returned",
        "fee",
    )
    given = {f"{name}_minor": 0 for name in names} | {"acquirer_line_count": 1, "bank_line_count": 0}
    return DayTotal(statement_date=statement_date, currency_code=currency_code, **given | sums)


def closed(*totals: DayTotal, fee_minor: int = 0, **balances_minor: int) -> list[ChannelStatement]:
    return statement.close(totals, balances_minor=balances_minor, statement_fee_minor=fee_minor, now=MORNING)


def test_lines_of_one_day_and_currency_name_one_statement_and_those_of_others_another() -> None:
    capture = reported(line(ChannelOperation.CAPTURE), version=1)
    payout = reported(line(ChannelOperation.PAY, channel_reference="chn_2"), version=1)
    assert capture.statement_id == payout.statement_id == closed(total())[0].statement_id
    others = [
        line(ChannelOperation.CAPTURE, line_date="2026-03-02"),
        line(ChannelOperation.CAPTURE, currency_code="EUR"),
    ]
    assert len({capture.statement_id, *(reported(other, version=1).statement_id for other in others)}) == 3


@pytest.mark.parametrize("operation", [ChannelOperation.PAY, ChannelOperation.RETURN])
def test_what_the_bank_moves_counts_at_once_and_is_of_no_payout_and_no_card(operation: ChannelOperation) -> None:
    told = reported(line(operation), version=1)
    assert (told.value_date, told.payout_reference, told.acquirer_reference) == ("2026-03-01", None, None)


def test_what_the_acquirer_moves_counts_when_it_pays() -> None:
    told = reported(line(ChannelOperation.REFUND, line_date="2026-12-31"), version=1)
    assert told.value_date == "2027-01-01"
    assert told.payout_reference == statement_reference.payout_reference("2026-12-31", "USD")
    assert (told.settlement_amount_minor, told.settlement_currency_code, told.exchange_rate) == (1_000, "USD", "1")


def test_a_capture_that_bounces_carries_the_number_of_the_capture() -> None:
    capture = line(ChannelOperation.CAPTURE).acquirer_reference
    bounced = line(ChannelOperation.CAPTURE_REVERSED, channel_reference="chn_9", original_reference="chn_1")
    assert capture is not None
    assert len(capture) == 23
    assert capture.isdecimal()
    assert bounced.acquirer_reference == capture
    assert (
        line(ChannelOperation.REFUND, channel_reference="chn_9", original_reference="chn_1").acquirer_reference
        != capture
    )


def test_a_statement_begins_with_what_the_one_before_left_on_the_bank_account() -> None:
    """Day one: 100.00 captured, 1.50 kept, 30.00 paid out; day two: 20.00 refunded, 30.00 came back."""
    one = total(captured_minor=10_000, fee_minor=150, paid_minor=3_000, bank_line_count=1)
    two = total("2026-03-02", refunded_minor=2_000, returned_minor=3_000, bank_line_count=1)
    first, second = closed(one, two, USD=500, EUR=7)
    assert (first.opening_balance_minor, first.acquirer_net_minor, first.bank_net_minor) == (500, 9_850, -3_000)
    assert (first.closing_balance_minor, second.opening_balance_minor) == (7_350, 7_350)
    assert (second.acquirer_net_minor, second.bank_net_minor, second.closing_balance_minor) == (-2_000, 3_000, 8_350)


def test_currencies_have_balances_of_their_own() -> None:
    usd, eur = closed(total(captured_minor=10), total(currency_code="EUR", captured_minor=20), USD=1)
    assert (usd.closing_balance_minor, eur.opening_balance_minor, eur.closing_balance_minor) == (11, 0, 20)


def test_the_fee_of_a_statement_and_what_the_acquirer_pays_are_lines_of_it() -> None:
    (day,) = closed(total(captured_minor=10_000, fee_minor=150), fee_minor=25)
    fee, payout = [reported(own, version=1) for own in statement.own_lines(day)]
    assert (fee.operation, fee.amount_minor, fee.channel_fee_minor) == ("FEE", 25, 0)
    assert (payout.operation, payout.amount_minor) == ("PAYOUT_TO_PLATFORM", 9_825)
    assert payout.channel_reference == payout.payout_reference == fee.payout_reference
    assert {fee.statement_id, payout.statement_id} == {day.statement_id}
    assert (fee.attempt_id, fee.related_no, fee.acquirer_reference, payout.attempt_id) == (None, None, None, None)
    told = statement.closed(day)
    assert (told.channel_fee_minor, told.statement_fee_minor, told.acquirer_net_minor) == (175, 25, 9_825)
    assert (told.line_count, told.acquirer_line_count, told.bank_line_count) == (3, 3, 0)
    assert (told.value_date, told.bank_reference) == (
        "2026-03-02",
        statement_reference.bank_reference("2026-03-01", "USD"),
    )


def test_what_the_acquirer_takes_from_the_platform_is_a_payout_below_zero() -> None:
    (day,) = closed(total(refunded_minor=700))
    assert [(own.operation, own.amount_minor) for own in statement.own_lines(day)] == [("PAYOUT_TO_PLATFORM", -700)]


def test_a_day_of_payouts_alone_is_paid_nothing_by_the_acquirer() -> None:
    (day,) = closed(replace(total(paid_minor=100), acquirer_line_count=0, bank_line_count=1))
    assert statement.own_lines(day) == []
    told = statement.closed(day)
    assert (told.bank_reference, told.line_count, told.closing_balance_minor) == (None, 1, -100)
