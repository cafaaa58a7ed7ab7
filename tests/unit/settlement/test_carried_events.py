"""What is told of settlements that count in another, and of reserves that the ledger keeps."""

from dataclasses import replace
from datetime import UTC, datetime

from services.settlement.domain import carrying, reserve
from services.settlement.domain.fund_transfer import FundTransfer, TransferKind
from services.settlement.domain.lifecycle import SettlementState
from services.settlement.domain.settlement import Settlement, carry
from services.settlement.domain.sums import Sums

CUT_OFF = datetime(2026, 3, 1, tzinfo=UTC)
NOW = datetime(2026, 3, 2, 1, tzinfo=UTC)


def pending(settlement_id: str, sums: Sums) -> Settlement:
    return Settlement(
        settlement_id=settlement_id,
        holder_id=settlement_id,
        merchant_id="mer_1",
        currency_code="USD",
        cut_off_at=CUT_OFF,
        due_at=CUT_OFF,
        sums=sums,
        create_time=CUT_OFF,
        update_time=CUT_OFF,
    )


def test_what_is_carried_is_told_with_what_it_had_collected_and_where_it_counts() -> None:
    """One payment of 10.00 and a refund of 11.50: 1.50 below zero go into the next."""
    before = pending("stl_1", Sums(item_count=2, payments_minor=1_000, refunds_minor=-1_150))
    carried, into = carry(before, into=pending("stl_2", Sums(item_count=1, payments_minor=500)), now=NOW)
    told = carrying.carried_event(before, carried)
    assert (told.settlement_id, told.into_settlement_id, told.aggregate_version) == ("stl_1", "stl_2", 1)
    assert (told.carried_minor, told.item_count, told.cut_off_at) == (-150, 2, CUT_OFF)
    assert (told.occurred_at, into.sums.total_minor) == (NOW, 350)


def test_a_release_that_the_ledger_refuses_is_told_with_its_reason() -> None:
    booked = replace(
        pending("stl_1", Sums(item_count=1, payments_minor=1_000)), state=SettlementState.COMPLETED, aggregate_version=3
    )
    transfer = FundTransfer(
        transfer_id="rsr_1",
        kind=TransferKind.RELEASE,
        merchant_id="mer_1",
        currency_code="USD",
        settlement_id="stl_1",
        settlement_minor=100,
        create_time=NOW,
        update_time=NOW,
    )
    told, event = reserve.release_refused(booked, transfer, reason="INSUFFICIENT_FUNDS", now=NOW)
    assert (told.aggregate_version, event.aggregate_version, event.occurred_at) == (4, 4, NOW)
    assert (event.settlement_id, event.release_id, event.amount_minor) == ("stl_1", "rsr_1", 100)
    assert event.reason == "INSUFFICIENT_FUNDS"
