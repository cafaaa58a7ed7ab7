"""Payouts that come back."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from paykit.errors import InvariantError
from paystream.channel.v1 import events
from services.channel.domain import payout
from services.channel.domain import transaction as domain
from services.channel.domain.behaviour import FIXED, ORDINARY, Aftereffect, Behaviour, Scenario
from services.channel.domain.transaction import Action, ChannelTransaction, Instruction

NIGHT = datetime(2026, 3, 1, 23, 59, tzinfo=UTC)
NEXT_DAY = NIGHT + timedelta(minutes=2)


def recorded(action: Action, scenario: Scenario = ORDINARY, **changes: Any) -> ChannelTransaction:
    order = Instruction(
        attempt_id="att_1",
        action=action,
        merchant_id="mer_1",
        amount_minor=9_010,
        currency_code="USD",
        related_no="wdr_1",
        **changes,
    )
    return domain.record(order, None, scenario=scenario, behaviour=Behaviour(), correlation_id="cor_1", now=NIGHT)[0]


def test_a_payout_comes_back_once_under_a_reference_and_a_line_of_its_own() -> None:
    paid = recorded(Action.PAY)
    returned = payout.send_back(paid, now=NEXT_DAY)
    line = payout.return_line(returned)
    assert (returned.return_time, returned.outcome, returned.version) == (NEXT_DAY, paid.outcome, 2)
    assert (line.operation, line.amount_minor, line.related_no) == (events.ChannelOperation.RETURN, 9_010, "wdr_1")
    assert (line.line_date, line.channel_fee_minor, line.occurred_at) == ("2026-03-02", 0, NEXT_DAY)
    assert line.channel_reference != paid.channel_reference
    assert line.line_id != domain.statement_line(paid).line_id
    with pytest.raises(InvariantError):
        payout.send_back(returned, now=NEXT_DAY)
    with pytest.raises(InvariantError):
        payout.return_line(paid)


def test_only_an_approved_payout_comes_back() -> None:
    for kept in (recorded(Action.AUTHORIZE, capture=True), recorded(Action.PAY, FIXED[9001])):
        with pytest.raises(InvariantError):
            payout.send_back(kept, now=NEXT_DAY)


@pytest.mark.parametrize(
    ("made", "aftereffects"),
    [
        (recorded(Action.PAY), {Aftereffect.RETURN}),
        (recorded(Action.AUTHORIZE, capture=True), {Aftereffect.DISPUTE_WON, Aftereffect.DISPUTE_LOST}),
        (recorded(Action.AUTHORIZE), set()),
        (recorded(Action.PAY, FIXED[9001]), set()),
        (recorded(Action.PAY, FIXED[9005]), set()),
        (replace(recorded(Action.AUTHORIZE, capture=True), action=Action.REFUND), set()),
    ],
    ids=["a payout", "a capture", "an authorization", "a declined payout", "a pending payout", "a refund"],
)
def test_what_can_follow_a_transaction(made: ChannelTransaction, aftereffects: set[Aftereffect]) -> None:
    assert {aftereffect for aftereffect in Aftereffect if domain.has_aftereffect(made, aftereffect)} == aftereffects
