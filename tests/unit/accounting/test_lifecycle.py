"""What is opened is ended once, by as much as was opened."""

from typing import Any

import pytest

from paykit.events.event import Event
from paykit.work import fold
from paystream.payment.v1.events import DisputeLost, DisputeOpened, DisputeWon
from paystream.withdrawal.v1.events import (
    WithdrawalCompleted,
    WithdrawalCreated,
    WithdrawalFailed,
    WithdrawalRejected,
    WithdrawalReturned,
)
from services.accounting import store
from services.accounting.domain import chart, lifecycle
from services.accounting.domain.booking import book
from services.accounting.domain.lifecycle import EndedOtherwise, OpeningMismatch, OpeningNotBooked
from services.accounting.domain.transaction import Transaction
from tests.unit.accounting.ledger import BOB, NOON, dispute, release, settlement, withdrawal

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
    ([settlement(net=9_000, reserve=1_000)], [release(amount_minor=1_000)]),
    (
        [withdrawal(WithdrawalCreated)],
        [withdrawal(WithdrawalRejected), withdrawal(WithdrawalFailed), withdrawal(WithdrawalCompleted)],
    ),
    ([withdrawal(WithdrawalCreated), withdrawal(WithdrawalCompleted)], [withdrawal(WithdrawalReturned)]),
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
        (settlement(net=9_000, reserve=1_000), release(amount_minor=9_000)),
        (settlement(net=9_000, reserve=0), release(amount_minor=9_000)),
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


def test_every_event_but_captures_and_refunds_is_a_step_of_a_life() -> None:
    assert chart.EVENT_AMOUNTS.keys() - lifecycle.STEPS == {"PaymentSuccess", "RefundSuccess"}


@pytest.mark.parametrize("name", store.chart_names())
def test_what_waits_for_its_end_waits_on_an_account_that_charts_open_and_end_alike(name: str) -> None:
    types = store.load_chart(name).types
    for each in lifecycle.LIFECYCLES:
        if each.transit is None:
            continue
        [opened] = [
            (rule.kind.effect(rule.side), rule.amount)
            for rule in types[each.opening].rules
            if rule.kind.name == each.transit
        ]
        assert opened[0] == 1
        for ending in each.endings:
            effects = [rule.kind.effect(rule.side) for rule in types[ending].rules if rule.kind.name == each.transit]
            assert effects == [-1]
