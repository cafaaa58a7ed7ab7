"""Disputes in the acquirer's books: every answer and decision in every state."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from paykit.errors import CurrencyMismatch, InvariantError
from paykit.money import Money
from services.channel.domain import dispute
from services.channel.domain import transaction as domain
from services.channel.domain.behaviour import ORDINARY, Behaviour
from services.channel.domain.dispute import (
    AttemptNotCaptured,
    ChannelDispute,
    ChannelDisputeStage,
    ChannelDisputeState,
    DisputeAlreadyAnswered,
    DisputeExceedsCaptured,
    DisputeMove,
    DisputeReason,
    DisputeResponse,
    DisputeResponseLate,
)
from services.channel.domain.dispute_line import opening_line
from services.channel.domain.instruction import Action, Instruction
from services.channel.domain.late_outcome import OutcomeImpossible
from services.channel.domain.line import reported
from services.channel.domain.transaction import Authorization, ChannelTransaction

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
LATER = NOON + timedelta(days=1)


def paid(*, capture: bool = True) -> tuple[ChannelTransaction, Authorization]:
    order = Instruction(
        attempt_id="att_1",
        action=Action.AUTHORIZE,
        merchant_id="mer_1",
        amount_minor=1_000,
        currency_code="USD",
        capture=capture,
        related_no="cap_1",
        callback_address="payment:1",
    )
    transaction, after = domain.record(
        order, None, scenario=ORDINARY, behaviour=Behaviour(), correlation_id="cor_1", now=NOON
    )
    assert after is not None
    return transaction, after


def opened(amount: Money | None = None, **changes: Any) -> tuple[ChannelDispute, Authorization]:
    transaction, before = paid()
    given: dict[str, Any] = {"reason": DisputeReason.FRAUD, "respond_within_s": 0, "contest_loses": False, "now": NOON}
    return dispute.open_dispute(
        transaction, replace(before, **changes), dispute_reference="chd_1", amount=amount, **given
    )


def respond(before: ChannelDispute, *, contested: bool, now: datetime = LATER) -> ChannelDispute:
    answer = DisputeResponse(contested=contested, evidence="receipt", files="")
    _, held = opened()
    return dispute.respond(before, held, answer, delay_ms=2_000, now=now).dispute


def conclude(before: DisputeMove, *, won: bool, amount_minor: int | None = None) -> DisputeMove:
    amount = None if amount_minor is None else Money(amount_minor, "USD")
    return dispute.conclude(before.dispute, before.authorization, won=won, amount=amount, now=LATER)


def moved(move: DisputeMove) -> tuple[str, int] | None:
    return (str(move.line.operation), move.line.amount_minor) if move.line else None


def test_a_dispute_without_an_amount_holds_back_all_that_is_left() -> None:
    made, after = opened(refunded_minor=300, disputed_minor=100)
    assert (made.amount_minor, after.disputed_minor, after.kept_minor) == (600, 700, 0)
    assert (made.respond_by, made.due_time, made.related_no) == (NOON + timedelta(days=7), made.respond_by, "cap_1")


def test_no_more_can_be_disputed_than_is_left() -> None:
    made, _ = opened(Money(700, "USD"), refunded_minor=300)
    assert made.amount_minor == 700
    with pytest.raises(DisputeExceedsCaptured) as refused:
        opened(Money(701, "USD"), refunded_minor=300)
    assert refused.value.metadata == {"disputable_minor": "700", "currency_code": "USD"}
    with pytest.raises(DisputeExceedsCaptured):
        opened(refunded_minor=1_000)


def test_a_dispute_is_of_a_capture_and_in_its_currency() -> None:
    with pytest.raises(CurrencyMismatch):
        opened(Money(1, "JPY"))
    transaction, after = paid(capture=False)
    with pytest.raises(AttemptNotCaptured):
        dispute.open_dispute(
            transaction,
            after,
            dispute_reference="chd_1",
            amount=None,
            reason=DisputeReason.FRAUD,
            respond_within_s=60,
            contest_loses=False,
            now=NOON,
        )


def test_what_is_disputed_cannot_be_refunded() -> None:
    _, held = opened(Money(600, "USD"))
    order = Instruction(
        attempt_id="att_2",
        action=Action.REFUND,
        amount_minor=401,
        currency_code="USD",
        authorization_reference=held.authorization_reference,
    )
    refused, _ = domain.record(order, held, scenario=ORDINARY, behaviour=Behaviour(), correlation_id="cor_1", now=NOON)
    assert refused.decline_code == "refund_exceeds_captured"


def test_contested_it_is_decided_after_the_delay_and_accepted_it_is_lost_at_once() -> None:
    made, _ = opened()
    contested, accepted = respond(made, contested=True), respond(made, contested=False)
    assert (contested.state, contested.due_time) == (ChannelDisputeState.CONTESTED, LATER + timedelta(seconds=2))
    assert (contested.evidence, contested.contested) == ("receipt", True)
    assert (accepted.state, accepted.due_time, accepted.contested) == (ChannelDisputeState.LOST, None, False)


@pytest.mark.parametrize("state", ChannelDisputeState)
@pytest.mark.parametrize("answered", [None, True, False])
@pytest.mark.parametrize("contested", [True, False])
def test_every_answer_in_every_state(state: ChannelDisputeState, *, answered: bool | None, contested: bool) -> None:
    made, _ = opened()
    before = replace(made, state=state, contested=answered)
    if answered is contested:
        assert respond(before, contested=contested) == before
    elif answered is not None:
        with pytest.raises(DisputeAlreadyAnswered):
            respond(before, contested=contested)
    elif state is ChannelDisputeState.OPENED:
        assert respond(before, contested=contested).state == ("CONTESTED" if contested else "LOST")
    else:
        with pytest.raises(DisputeResponseLate):
            respond(before, contested=contested)


def test_it_can_be_answered_until_the_last_moment() -> None:
    made, _ = opened()
    assert respond(made, contested=True, now=made.respond_by).state is ChannelDisputeState.CONTESTED
    with pytest.raises(DisputeResponseLate):
        respond(made, contested=True, now=made.respond_by + timedelta(microseconds=1))


@pytest.mark.parametrize(
    ("contested", "loses", "state", "held_minor"),
    [(True, False, "WON", 0), (True, True, "LOST", 1_000), (None, False, "LOST", 1_000)],
    ids=["contested and won", "contested and lost", "not answered in time"],
)
def test_every_decision(*, contested: bool | None, loses: bool, state: str, held_minor: int) -> None:
    made, held = opened()
    before = replace(made, contest_loses=loses)
    if contested:
        before = respond(before, contested=True)
    after, released, line = dispute.decide(before, held, now=LATER)
    assert (after.state, after.due_time, released.disputed_minor) == (state, None, held_minor)
    assert (line and line.line_date) == ("2026-03-02" if state == "WON" else None)
    with pytest.raises(InvariantError):
        dispute.decide(after, released, now=LATER)


def test_holding_back_and_giving_again_are_two_lines_of_one_reference() -> None:
    made, held = opened(Money(600, "USD"))
    won, _, line = dispute.decide(respond(made, contested=True), held, now=LATER)
    assert line is not None
    taken, given = reported(opening_line(made), version=made.version), reported(line, version=won.version)
    assert (taken.operation, given.operation) == ("DISPUTE", "DISPUTE_REVERSED")
    assert (taken.amount_minor, given.amount_minor, taken.line_date) == (600, 600, "2026-03-01")
    assert (given.line_date, given.channel_fee_minor, given.related_no) == ("2026-03-02", 0, "cap_1")
    assert taken.channel_reference == given.channel_reference == "chd_1"
    assert taken.line_id != given.line_id
    assert (taken.aggregate_version, given.aggregate_version) == (1, 3)


def test_lost_in_part_the_rest_is_given_again() -> None:
    made, held = opened(Money(500, "USD"), refunded_minor=0)
    lost = dispute.decide(replace(made, contest_loses=True, lose_minor=200), held, now=LATER)
    assert (lost.dispute.state, lost.dispute.taken_minor, lost.authorization.disputed_minor) == ("LOST", 200, 200)
    assert moved(lost) == ("DISPUTE_REVERSED", 300)


def test_a_decision_is_overturned_again_and_again() -> None:
    lost = conclude(DisputeMove(*opened(), None), won=False)
    assert (moved(lost), lost.authorization.disputed_minor) == (None, 1_000)
    won = conclude(lost, won=True)
    assert (moved(won), won.authorization.disputed_minor) == (("DISPUTE_REVERSED", 1_000), 0)
    again = conclude(won, won=False, amount_minor=700)
    assert (moved(again), again.authorization.disputed_minor) == (("DISPUTE", 700), 700)
    with pytest.raises(OutcomeImpossible):
        conclude(again, won=True, amount_minor=701)


def test_an_inquiry_takes_nothing_before_it_becomes_a_chargeback() -> None:
    transaction, before = paid()
    made, held = dispute.open_dispute(
        transaction,
        before,
        dispute_reference="chd_1",
        amount=None,
        reason=DisputeReason.FRAUD,
        respond_within_s=0,
        contest_loses=False,
        now=NOON,
        stage=ChannelDisputeStage.INQUIRY,
    )
    assert (made.taken_minor, made.line_date, held.disputed_minor) == (0, None, 0)
    with pytest.raises(OutcomeImpossible):
        conclude(DisputeMove(made, held, None), won=True)
    charged = dispute.decide(made, held, now=LATER)  # Not answered in time.
    assert (charged.dispute.stage, charged.dispute.state) == ("CHARGEBACK", "OPENED")
    assert (moved(charged), charged.authorization.disputed_minor) == (("DISPUTE", 1_000), 1_000)
    ended = dispute.decide(respond(made, contested=True), held, now=LATER)
    assert (ended.dispute.state, moved(ended)) == ("WON", None)


def test_pre_arbitration_follows_a_decision_and_moves_nothing_before_the_next() -> None:
    made = DisputeMove(*opened(), None)
    stage = ChannelDisputeStage.PRE_ARBITRATION
    with pytest.raises(OutcomeImpossible):
        dispute.escalate(made.dispute, made.authorization, stage, now=LATER)
    won = conclude(made, won=True)
    begun = dispute.escalate(won.dispute, won.authorization, stage, now=LATER)
    assert (begun.dispute.state, begun.dispute.contested, moved(begun)) == ("OPENED", None, None)
    assert moved(conclude(begun, won=False)) == ("DISPUTE", 1_000)
    assert moved(conclude(begun, won=True)) is None


def test_above_its_limits_the_acquirer_takes_what_it_says() -> None:
    transaction, before = paid()
    _, held = dispute.open_dispute(
        transaction,
        replace(before, refunded_minor=700),
        dispute_reference="chd_1",
        amount=Money(500, "USD"),
        reason=DisputeReason.FRAUD,
        respond_within_s=0,
        contest_loses=False,
        now=NOON,
        above_limits=True,
    )
    assert (held.disputed_minor, held.kept_minor) == (500, -200)
