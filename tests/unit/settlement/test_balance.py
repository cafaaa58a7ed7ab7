"""Balances of merchants, and what is taken from where when one is below zero."""

from typing import Any

import pytest

from paykit.errors import IllegalTransition
from paykit.money import AMOUNT_MINOR_MAX
from services.settlement.domain import balance, fund_transfer
from services.settlement.domain.balance import LOOK_AGAIN_AFTER, BalanceChange, BalanceWatch, MerchantPosition
from services.settlement.domain.fund_transfer import TransferState
from tests.unit.settlement.builders import ALICE, BOB, NOON, booked, booking, capture, entry, hours, journal, stl

REC = "rec_" + "1" * 32


def position(**fields: Any) -> MerchantPosition:
    return MerchantPosition(merchant_id=ALICE, currency_code="USD", **fields)


def changed(**effects: Any) -> tuple[int, int, int]:
    (change,) = balance.changes_of(journal(1, **effects))
    return change.available_minor, change.reserve_minor, change.receivable_minor


def test_a_transaction_changes_what_is_available_held_back_and_owed() -> None:
    assert changed(available=-5, reserve=3) == (-5, 3, 0)
    assert changed(receivable=7, available=-7) == (-7, 0, 7)
    (change,) = balance.changes_of(booking(stl(1), 1_000, reserve_minor=100))
    assert (change.available_minor, change.reserve_minor, change.currency_code) == (900, 100, "USD")


def test_what_touches_no_such_account_changes_nothing_and_merchants_are_apart() -> None:
    assert balance.changes_of(capture(1, 10_000, 320)) == []
    move = booked("Move", "m-1", [entry("merchant.available", -9, ALICE), entry("merchant.available", 9, BOB)])
    assert balance.changes_of(move) == [
        BalanceChange(
            transaction_id=move.transaction_id, merchant_id=merchant_id, currency_code="USD", available_minor=minor
        )
        for merchant_id, minor in ((ALICE, -9), (BOB, 9))
    ]


@pytest.mark.parametrize(
    ("fields", "settlement_minor", "receivable_minor"),
    [
        ({"pending_minor": -10_000, "available_minor": 9_680}, 9_680, 0),
        ({"pending_minor": -100, "available_minor": 9_680}, 100, 0),
        ({"pending_minor": -100, "available_minor": 150, "receivable_minor": 80}, 100, 50),
        ({"pending_minor": 40, "available_minor": 150, "receivable_minor": 80}, 0, 80),
        # What is closed is on its way to what is available, and is not taken from there.
        ({"pending_minor": -100, "settling_minor": 500, "available_minor": 30}, 30, 0),
        ({"pending_minor": -2 * AMOUNT_MINOR_MAX, "available_minor": 2 * AMOUNT_MINOR_MAX}, AMOUNT_MINOR_MAX, 0),
    ],
)
def test_what_is_missing_is_recovered_before_what_is_owed_as_far_as_funds_go(
    fields: dict[str, int], settlement_minor: int, receivable_minor: int
) -> None:
    recovery = fund_transfer.recover(position(**fields), transfer_id=REC, now=NOON)
    assert recovery is not None
    transfer, event = recovery
    assert (transfer.settlement_minor, transfer.receivable_minor) == (settlement_minor, receivable_minor)
    assert event.amount_minor == event.settlement_minor + event.receivable_minor == settlement_minor + receivable_minor


@pytest.mark.parametrize(
    "fields",
    [
        {"pending_minor": -100},
        {"pending_minor": -100, "available_minor": -5},
        {"pending_minor": 100, "available_minor": 50},
        {"pending_minor": -100, "available_minor": 50, "in_flight": True},
        {"available_minor": 50, "receivable_minor": -3},
    ],
)
def test_nothing_is_recovered_where_nothing_is_missing_or_available_or_an_answer_is_awaited(
    fields: dict[str, Any],
) -> None:
    assert fund_transfer.recover(position(**fields), transfer_id=REC, now=NOON) is None


@pytest.mark.parametrize(
    ("fields", "needed"),
    [
        ({"pending_minor": -1, "reserve_minor": 5}, True),
        ({"pending_minor": -1, "reserve_minor": 5, "available_minor": 1}, False),
        ({"pending_minor": -1, "reserve_minor": 5, "in_flight": True}, False),
        ({"pending_minor": -1, "reserve_minor": 5, "releasing": True}, False),
        ({"pending_minor": -1, "reserve_minor": 5, "settling_minor": 1}, False),
        ({"pending_minor": -1}, False),
        ({"reserve_minor": 5, "receivable_minor": 7}, False),
    ],
)
def test_a_reserve_is_taken_when_nothing_else_is_available_or_on_its_way(fields: dict[str, Any], needed: bool) -> None:  # noqa: FBT001
    assert fund_transfer.needs_reserve(position(**fields)) is needed


def test_a_total_that_falls_below_zero_is_told_once_until_it_is_lifted() -> None:
    watch = BalanceWatch(merchant_id=ALICE, currency_code="USD", due_at=NOON)
    below = position(pending_minor=-10_000, available_minor=9_680, receivable_minor=20)
    seen, event = balance.look(watch, below, now=NOON)
    assert event is not None
    assert (event.balance_minor, event.receivable_minor, event.settlement_id) == (-320, 20, f"{ALICE}:USD")
    assert (seen.negative_since, seen.due_at, seen.aggregate_version) == (NOON, NOON + LOOK_AGAIN_AFTER, 1)
    later, again = balance.look(seen, below, now=NOON + hours(1))
    assert (later.negative_since, again) == (NOON, None)
    lifted, none = balance.look(later, position(), now=NOON + hours(2))
    assert (lifted.negative_since, lifted.due_at, none) == (None, None, None)
    _, second = balance.look(lifted, position(reserve_minor=-1), now=NOON + hours(3))
    assert second is not None
    assert second.aggregate_version == 2


def test_a_transfer_is_booked_or_refused_and_never_both() -> None:
    recovery = fund_transfer.recover(position(pending_minor=-5, available_minor=5), transfer_id=REC, now=NOON)
    assert recovery is not None
    booked_, refused = (
        fund_transfer.book(recovery[0], now=NOON),
        fund_transfer.refuse(recovery[0], reason="INSUFFICIENT_FUNDS", now=NOON),
    )
    assert (booked_.state, refused.state, refused.refusal) == (
        TransferState.BOOKED,
        TransferState.REFUSED,
        "INSUFFICIENT_FUNDS",
    )
    with pytest.raises(IllegalTransition):
        fund_transfer.refuse(booked_, reason="INSUFFICIENT_FUNDS", now=NOON)
    with pytest.raises(IllegalTransition):
        fund_transfer.book(refused, now=NOON)
