"""What transactions of the ledger are to merchants."""

import pytest

from paystream.accounting.v1.events import TransactionCreated
from services.settlement.domain.item import ItemKind, SettlementItem, effect_minor, items_of
from tests.unit.settlement.builders import ALICE, BOB, NOON, booked, booking, capture, entry, refund, release, stl


def amounts(event: TransactionCreated) -> list[tuple[str, ItemKind, int, int]]:
    return [(item.merchant_id, item.kind, item.amount_minor, item.fee_minor) for item in items_of(event)]


def test_a_capture_is_a_payment_with_its_fee() -> None:
    event = capture(1, 10_000, 320)
    assert items_of(event) == [
        SettlementItem(
            event.transaction_id,
            ALICE,
            "USD",
            ItemKind.PAYMENT,
            "PaymentSuccess",
            event.related_no,
            event.root_reference,
            NOON,
            10_000,
            -320,
        )
    ]


@pytest.mark.parametrize(
    ("event", "kind", "amount_minor", "fee_minor"),
    [
        (capture(1, 500), ItemKind.PAYMENT, 500, 0),
        (capture(1, 500, 500), ItemKind.PAYMENT, 500, -500),
        (refund(1, 4_000, 128), ItemKind.REFUND, -4_000, 128),
        (refund(1, 4_000), ItemKind.REFUND, -4_000, 0),
        (booked("DisputeOpened", "dsp_1", [entry("merchant.settlement", -700), entry("merchant.disputed", 700)]),
         ItemKind.DISPUTE, -700, 0),
        (booked("DisputeWon", "dsp_1", [entry("merchant.disputed", -700), entry("merchant.settlement", 700)]),
         ItemKind.DISPUTE, 700, 0),
        (release(stl(1), 50), ItemKind.RESERVE_RELEASE, 50, 0),
        (booked("Goodwill", "ticket-1", [entry("merchant.settlement", 5), entry("platform.fees", -5, None)]),
         ItemKind.ADJUSTMENT, 5, 0),
        (booked("Reversal", "txn_1", [entry("merchant.settlement", -100), entry("merchant.settlement", 3)]),
         ItemKind.ADJUSTMENT, -97, 0),
    ],
)  # fmt: skip
def test_a_transaction_is_told_apart_by_its_type_and_the_fee_by_its_direction(
    event: TransactionCreated, kind: ItemKind, amount_minor: int, fee_minor: int
) -> None:
    assert amounts(event) == [(ALICE, kind, amount_minor, fee_minor)]


def test_a_journal_between_two_merchants_is_an_item_of_each() -> None:
    event = booked("Move", "m-1", [entry("merchant.settlement", -9, ALICE), entry("merchant.settlement", 9, BOB)])
    assert amounts(event) == [(ALICE, ItemKind.ADJUSTMENT, -9, 0), (BOB, ItemKind.ADJUSTMENT, 9, 0)]


def test_what_leaves_the_settlement_account_as_it_is_is_no_item() -> None:
    lost = booked("DisputeLost", "dsp_1", [entry("merchant.disputed", -7), entry("platform.income", -7, None)])
    round_trip = booked("Move", "m-1", [entry("merchant.settlement", -9), entry("merchant.settlement", 9)])
    assert amounts(lost) == []
    assert amounts(round_trip) == []


def test_the_effect_of_a_booking_is_what_it_takes_from_the_merchants_account_alone() -> None:
    assert effect_minor(booking(stl(1), 1_000).entries, ALICE) == -1_000
    assert effect_minor(booking(stl(1), 1_000).entries, BOB) == 0
