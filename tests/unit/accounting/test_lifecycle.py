"""What is opened is ended once, by as much as was opened."""

from functools import partial
from typing import Any

import pytest

from paykit.events.event import Event
from paykit.work import fold
from paystream.payment.v1.events import (
    DisputeLost,
    DisputeOpened,
    DisputeWon,
    LateCaptureAccepted,
    LateCaptureReceived,
)
from paystream.withdrawal.v1.events import (
    WithdrawalBounced,
    WithdrawalCancelled,
    WithdrawalCompleted,
    WithdrawalCreated,
    WithdrawalFailed,
    WithdrawalPaidLate,
    WithdrawalRejected,
    WithdrawalReturned,
)
from services.accounting import store
from services.accounting.domain import chart, lifecycle
from services.accounting.domain.booking import book
from services.accounting.domain.chart import EventType
from services.accounting.domain.lifecycle import EndedOtherwise, HeldAmountExceeded, OpeningMismatch, OpeningNotBooked
from services.accounting.domain.transaction import Transaction
from tests.unit.accounting.ledger import BOB, NOON, consumption, dispute, late, release, settlement, withdrawal

ASSET = store.load_chart("merchant_asset")


def made(event: Event) -> Transaction:
    transaction = book(ASSET, event, NOON)
    assert isinstance(transaction, Transaction)
    return transaction


def refuse(ending: Event, *before: Event) -> object:
    """Ask about an ending where these events are all that is booked."""
    booked = {each.transaction_id: each for each in map(made, before)}
    asked = made(ending)
    looked_up = {key: value for key, value in booked.items() if key in lifecycle.ids_before([asked])}
    [refusal] = fold([asked], lambda item: lifecycle.require_open(item, looked_up))
    return refusal


# The endings of each opening, with the opening before it where that is itself an ending.
LIVES: list[tuple[list[Event], list[Event]]] = [
    ([dispute(DisputeOpened)], [dispute(DisputeWon), dispute(DisputeLost)]),
    (
        [withdrawal(WithdrawalCreated)],
        [
            withdrawal(WithdrawalRejected),
            withdrawal(WithdrawalFailed),
            withdrawal(WithdrawalCancelled),
            withdrawal(WithdrawalCompleted),
        ],
    ),
    (
        [withdrawal(WithdrawalCreated), withdrawal(WithdrawalCompleted)],
        [withdrawal(WithdrawalReturned), withdrawal(WithdrawalBounced)],
    ),
    ([late(LateCaptureReceived)], [late(LateCaptureAccepted)]),
]
ENDINGS = [(before, ending) for before, endings in LIVES for ending in endings]


def named(value: Any) -> str:
    return type(value[-1] if isinstance(value, list) else value).__name__


@pytest.mark.parametrize(("before", "ending"), ENDINGS, ids=named)
def test_what_is_open_is_ended_also_a_second_time_by_the_same(before: list[Event], ending: Event) -> None:
    assert refuse(ending, *before) is None
    assert refuse(ending, *before, ending) is None


@pytest.mark.parametrize(("before", "ending"), ENDINGS, ids=named)
def test_what_was_never_opened_is_not_ended(before: list[Event], ending: Event) -> None:
    assert isinstance(refuse(ending, *before[:-1]), OpeningNotBooked)


@pytest.mark.parametrize(
    ("before", "ending"),
    [
        (dispute(DisputeOpened, amount_minor=2_501), dispute(DisputeWon, amount_minor=2_500)),
        (dispute(DisputeOpened, merchant_id=BOB), dispute(DisputeLost)),
        (dispute(DisputeOpened, currency_code="EUR"), dispute(DisputeLost)),
        (dispute(DisputeOpened, excess_minor=1), dispute(DisputeWon)),
        (late(LateCaptureReceived), late(LateCaptureAccepted, amount_minor=1_233)),
        (withdrawal(WithdrawalCreated), withdrawal(WithdrawalFailed, amount_minor=5_999)),
        (withdrawal(WithdrawalCompleted), withdrawal(WithdrawalReturned, amount_minor=6_001)),
    ],
    ids=named,
)
def test_an_ending_takes_out_what_its_opening_put_in(before: Event, ending: Event) -> None:
    assert isinstance(refuse(ending, before), OpeningMismatch)


@pytest.mark.parametrize(
    ("first", "second"),
    [(first, second) for _, endings in LIVES for first in endings for second in endings if first is not second],
    ids=named,
)
def test_nothing_is_ended_in_two_ways(first: Event, second: Event) -> None:
    [before] = [before for before, endings in LIVES if first in endings]
    refusal = refuse(second, *before, first)
    assert isinstance(refusal, EndedOtherwise)
    assert refusal.metadata == {"transaction_type": type(first).__name__}


def test_what_no_step_follows_is_told_apart() -> None:
    alone = chart.EVENT_AMOUNTS.keys() - lifecycle.STEPS - lifecycle.TAKEN_BY.keys()
    assert alone == {
        "PaymentSuccess",
        "PaymentReversed",
        "RefundSuccess",
        "RefundReturned",
        "PaymentContradictionResolved",
        "DisputeOverturned",
        "SettlementCreated",
        "BalanceRecovered",
        "ChannelStatementClosed",
    }


def test_a_payout_that_left_a_second_time_can_come_back_a_second_time() -> None:
    completed, returned = withdrawal(WithdrawalCompleted), withdrawal(WithdrawalReturned)
    late_again = withdrawal(WithdrawalPaidLate)
    bounced = withdrawal(WithdrawalBounced)
    assert isinstance(refuse(bounced, completed, returned), EndedOtherwise)
    assert refuse(bounced, completed, returned, late_again) is None
    assert refuse(returned, late_again) is None


def test_a_dispute_of_which_nothing_was_left_ends_without_an_opening_in_the_chart_that_books_none() -> None:
    assert book(ASSET, dispute(DisputeOpened, excess_minor=2_500), NOON) is None
    assert refuse(dispute(DisputeLost, excess_lost_minor=2_500)) is None


def left(taking: Event, opening: Event | None, taken_minor: int) -> object:
    asked, opened = made(taking), None if opening is None else made(opening)
    check = partial(lifecycle.require_left, opening=opened, taken_minor=taken_minor)
    [refusal] = fold([asked], check)
    return refusal


def test_a_reserve_is_taken_in_parts_up_to_what_was_held() -> None:
    # 5,000 held, 3,000 consumed: 2,000 are released, and not one more.
    held = settlement(net=4_000, reserve=5_000)
    assert left(consumption(amount_minor=3_000), held, 0) is None
    assert left(release(amount_minor=2_000), held, 3_000) is None
    refusal = left(release(amount_minor=2_001), held, 3_000)
    assert isinstance(refusal, HeldAmountExceeded)
    assert refusal.metadata == {"available_minor": "2000", "requested_minor": "2001"}


def test_nothing_is_taken_of_what_was_not_put_aside_or_is_another_merchants() -> None:
    assert isinstance(left(release(), None, 0), OpeningNotBooked)
    assert isinstance(left(release(merchant_id=BOB), settlement(), 0), OpeningMismatch)
    assert isinstance(left(consumption(), settlement(currency_code="EUR"), 0), OpeningMismatch)


@pytest.mark.parametrize("name", store.chart_names())
def test_what_waits_for_its_end_waits_on_an_account_that_charts_open_and_end_alike(name: str) -> None:
    types, kinds = store.load_chart(name).types, store.load_chart(name).kinds
    for each in lifecycle.LIFECYCLES:
        for transit in kinds.keys() & each.transit:
            [sign] = {sign for step in each.openings for sign in effects(types[step], transit)}
            assert {-sign} == {back for ending in each.endings for back in effects(types[ending], transit)}


def effects(event_type: EventType, kind: str) -> set[int]:
    return {rule.kind.effect(rule.side) for rule in event_type.rules if rule.kind.name == kind}
