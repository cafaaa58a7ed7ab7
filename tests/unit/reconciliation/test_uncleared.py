"""What an amount on an account belongs to, until it has cleared."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from paystream.accounting.v1.events import TransactionCreated
from paystream.channel.v1.events import ChannelOperation, ChannelOutcome, ChannelTransactionReported
from services.accounting import store
from services.accounting.domain import correction as of_accounting
from services.accounting.domain.lifecycle import IN_TRANSIT
from services.reconciliation.domain import uncleared as domain
from services.reconciliation.domain.resolution import CORRECTABLE_KINDS
from services.reconciliation.domain.uncleared import CLEARING_DAYS, UnclearedEffect
from tests.integration.reconciliation.resolving import booked, entry

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
ALICE = "mer_" + "a" * 32
PAYMENT, CAPTURE, STATEMENT = "pay_1", "cap_1", "stm_1"


def line(operation: str = "CAPTURE", amount_minor: int = 10_000, **changes: Any) -> ChannelTransactionReported:
    given: dict[str, Any] = {
        "occurred_at": NOON,
        "event_id": "evt_1",
        "merchant_id": None,
        "correlation_id": "cor_1",
        "aggregate_version": 1,
        "channel": "simulator",
        "channel_reference": "ch_1",
        "line_id": "line-1",
        "statement_id": STATEMENT,
        "outcome": ChannelOutcome.SUCCEEDED,
        "related_no": CAPTURE,
        "original_channel_reference": None,
        "currency_code": "USD",
        "channel_fee_minor": 25,
        "line_date": "2026-03-01",
        "attempt_id": "att_1",
        "settlement_amount_minor": None,
        "settlement_currency_code": None,
        "exchange_rate": None,
        "value_date": "2026-03-01",
        "payout_reference": None,
        "acquirer_reference": None,
    }
    return ChannelTransactionReported(
        operation=ChannelOperation(operation), amount_minor=amount_minor, **given | changes
    )


def captured(amount_minor: int = 10_000) -> TransactionCreated:
    return booked(
        "PaymentSuccess",
        CAPTURE,
        entry("channel.receivable", +1, amount_minor),
        entry("merchant.settlement", +1, amount_minor, ALICE),
        root_reference=PAYMENT,
        channel="simulator",
        channel_reference="ch_1",
    )


def left(*effects: list[UnclearedEffect]) -> dict[tuple[str, str], int]:
    """What is left of it all, by kind and reference."""
    rows = domain.summed([effect for some in effects for effect in some])
    return {(row.account_kind, row.reference): row.amount_minor for row in rows if row.amount_minor}


def test_a_capture_is_the_channels_until_a_line_gives_it_to_its_statement_and_the_closing_pays_it() -> None:
    capture, told = domain.of_transaction(captured()), domain.of_line(line())
    closing = domain.of_transaction(booked("ChannelStatementClosed", STATEMENT, entry("channel.receivable", -1, 9_975)))
    fee = domain.of_transaction(booked("ChannelStatementClosed", STATEMENT, entry("channel.receivable", -1, 25)))
    assert left(capture) == {("channel.receivable", "simulator/ch_1"): 10_000}
    assert left(capture, told) == {("channel.receivable", STATEMENT): 10_000}
    assert left(capture, told, closing, fee) == {}
    assert left(fee, told, closing, capture) == {}
    assert {effect.root_reference for effect in domain.summed([*capture, *told])} == {PAYMENT, STATEMENT}


def test_a_line_of_less_leaves_the_difference_at_its_reference_and_a_correction_clears_it() -> None:
    told = domain.of_line(line(amount_minor=9_000))
    corrected = booked(
        "Correction",
        "crp_1",
        entry("platform.losses", +1, 1_000),
        entry("channel.receivable", -1, 1_000),
        channel="simulator",
        channel_reference="ch_1",
    )
    assert left(domain.of_transaction(captured()), told) == {
        ("channel.receivable", "simulator/ch_1"): 1_000,
        ("channel.receivable", STATEMENT): 9_000,
    }
    assert left(domain.of_transaction(captured()), told, domain.of_transaction(corrected)) == {
        ("channel.receivable", STATEMENT): 9_000,
    }


@pytest.mark.parametrize(
    ("operation", "moved"),
    [
        ("CAPTURE", 10_000),
        ("CAPTURE_REVERSED", -10_000),
        ("REFUND", -10_000),
        ("REFUND_RETURNED", 10_000),
        ("DISPUTE", -10_000),
        ("DISPUTE_REVERSED", 10_000),
        ("AUTHORIZE", 0),
        ("CANCEL", 0),
        ("PAY", 0),
        ("RETURN", 0),
        ("UNKNOWN", 0),
    ],
)
def test_which_way_a_line_moves_what_is_owed(operation: str, moved: int) -> None:
    wanted = {("channel.receivable", "simulator/ch_1"): -moved, ("channel.receivable", STATEMENT): moved}
    assert left(domain.of_line(line(operation))) == (wanted if moved else {})


@pytest.mark.parametrize("changes", [{"outcome": ChannelOutcome.FAILED}, {"statement_id": None}])
def test_a_line_that_failed_or_is_on_no_statement_moves_nothing(changes: dict[str, Any]) -> None:
    assert domain.of_line(line(**changes)) == []


def test_a_journey_takes_off_what_it_put_on() -> None:
    late = booked("LateCaptureReceived", "cap_2", entry("suspense", -1, 500), root_reference=PAYMENT)
    refund = booked("RefundSuccess", "ref_1", entry("suspense", +1, 300), root_reference=PAYMENT)
    assert left(domain.of_transaction(late), domain.of_transaction(refund)) == {("suspense", PAYMENT): -200}


def test_disputes_of_one_payment_stand_apart() -> None:
    opened = [
        booked("DisputeOpened", f"dsp_{n}", entry("merchant.disputed", +1, n, ALICE), root_reference=PAYMENT)
        for n in (1, 2)
    ]
    won = booked("DisputeWon", "dsp_1", entry("merchant.disputed", -1, 1, ALICE), root_reference=PAYMENT)
    effects = [domain.of_transaction(event) for event in (*opened, won)]
    assert left(*effects) == {("merchant.disputed", "dsp_2"): 2}


def test_the_first_that_came_counts_and_the_journey_is_kept() -> None:
    [first] = domain.of_transaction(captured())
    [later] = domain.of_transaction(
        booked(
            "RefundSuccess",
            "ref_1",
            entry("channel.receivable", -1, 1),
            channel="simulator",
            channel_reference="ch_1",
            effective_at=NOON + timedelta(days=400),
        )
    )
    for effects in ([first, later], [later, first]):
        [row] = domain.summed(effects)
        assert (row.amount_minor, row.effective_at, row.root_reference) == (
            9_999,
            min(first.effective_at, later.effective_at),
            "ref_1",
        )


def test_days_are_as_the_settings_say() -> None:
    assert domain.clearing_days({}) == dict(CLEARING_DAYS)
    assert domain.clearing_days({"suspense": 1})["suspense"] == 1
    assert set(domain.clearing_days({"*": 3}).values()) == {3}
    assert domain.clearing_days({"*": 3, "suspense": 1})["suspense"] == 1
    assert domain.due_time(NOON, "suspense", {"suspense": 2}) == NOON + timedelta(days=2)


def test_every_kind_on_which_amounts_wait_is_looked_at_and_corrections_move_what_the_ledger_lets_them() -> None:
    assert set(IN_TRANSIT) | {"channel.receivable", "merchant.receivable"} == set(CLEARING_DAYS)
    kinds = {kind for name in store.chart_names() for kind in store.load_chart(name).kinds}
    assert CLEARING_DAYS.keys() <= kinds
    assert CORRECTABLE_KINDS == of_accounting.CORRECTABLE_KINDS
