"""Transactions: replays, floors, and what events tell of them."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from paykit.errors import InvariantError
from paystream.accounting.v1 import events
from paystream.accounting.v1.events import Direction, Side
from services.accounting import store
from services.accounting.domain import transaction as domain
from services.accounting.domain.booking import book
from services.accounting.domain.transaction import InsufficientFunds, Transaction
from tests.unit.accounting.ledger import ALICE, NOON, capture, payment_id, refund

LATER = NOON + timedelta(seconds=2)
ASSET = store.load_chart("merchant_asset")
DEBIT, CREDIT = Side.DEBIT, Side.CREDIT


def booked(transaction: object) -> Transaction:
    assert isinstance(transaction, Transaction)
    return transaction


def test_the_same_capture_later_is_a_replay() -> None:
    first = booked(book(ASSET, capture(), NOON))
    assert domain.is_replay(first, booked(book(ASSET, capture(), LATER)), dated=True)


@pytest.mark.parametrize(
    "changes",
    [
        {"amount_minor": 9_999},
        {"fee_minor": 321},
        {"currency_code": "EUR"},
        {"payment_id": "pay_" + "f" * 32},
        {"merchant_id": "mer_" + "f" * 32},
        {"occurred_at": LATER},
    ],
)
def test_the_same_capture_id_with_other_content_is_no_replay(changes: Any) -> None:
    first = booked(book(ASSET, capture(), LATER))
    other = booked(book(ASSET, capture(**changes), LATER))
    assert other.transaction_id == first.transaction_id
    assert not domain.is_replay(first, other, dated=True)


def drawn(amount: int) -> Transaction:
    """Take an amount out of Alice's available funds, back into settlement."""
    kinds = ASSET.kinds
    capture_ = booked(book(ASSET, capture(), LATER))
    legs = (
        domain.make_entry(kinds["merchant.available"], ALICE, "USD", CREDIT, amount),
        domain.make_entry(kinds["merchant.settlement"], ALICE, "USD", DEBIT, amount),
    )
    return replace(capture_, entries=legs)


def test_funds_can_be_spent_to_the_last_unit_and_no_further() -> None:
    available = drawn(1).entries[0].account_id
    assert domain.spend(ASSET, drawn(500), {available: 500}) == {available: 0}
    with pytest.raises(InsufficientFunds) as refused:
        domain.spend(ASSET, drawn(501), {available: 500})
    assert refused.value.metadata == {
        "account_id": available,
        "account_kind": "merchant.available",
        "available_minor": "500",
        "requested_minor": "501",
    }


def test_an_account_never_booked_on_has_nothing_to_spend() -> None:
    with pytest.raises(InsufficientFunds):
        domain.spend(ASSET, drawn(1), {})


def test_accounts_without_a_floor_are_not_looked_at() -> None:
    assert domain.spend(ASSET, booked(book(ASSET, refund(), LATER)), {}) == {}


def test_the_event_tells_the_whole_transaction() -> None:
    transaction = booked(book(ASSET, capture(), LATER))
    event = domain.created_event(transaction, chart_name="merchant_asset")
    assert isinstance(event, events.TransactionCreated)
    assert event.entries == transaction.entries
    assert (event.root_reference, event.effective_at, event.occurred_at) == (payment_id(1), NOON, NOON)
    assert (event.merchant_id, event.direction, event.aggregate_version) == (ALICE, Direction.CREDIT, 1)
    assert (event.channel, event.channel_reference) == (capture().channel, capture().channel_reference)
    assert (event.fee_minor, event.chart_name, event.reason) == (capture().fee_minor, "merchant_asset", None)


def test_an_account_opened_for_a_transaction_is_described_by_its_entry() -> None:
    transaction = booked(book(ASSET, capture(), LATER))
    account = domain.opened(ASSET, transaction, transaction.entries[0].account_id, now=LATER)
    event = domain.opened_event(account)
    assert (event.account_kind, event.merchant_id, event.normal_side) == ("merchant.settlement", ALICE, DEBIT)
    with pytest.raises(InvariantError):
        domain.opened(ASSET, transaction, "acc_unknown", now=LATER)
