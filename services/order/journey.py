"""What happened to the parts of a journey, told by what the services answer about them. Pure.

A resource shows its state and when it last changed, not each state it went through: one step stands for its beginning,
and one for the state that it has come to, at the time that is known best.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from paystream.accounting.v1 import accounting_pb2
from paystream.common.v1.money_pb2 import Money
from paystream.journey.v1 import journey_pb2 as pb
from paystream.order.v1 import order_pb2
from paystream.payment.v1 import payment_pb2
from paystream.settlement.v1 import settlement_pb2
from paystream.withdrawal.v1 import withdrawal_pb2

CREATED = "CREATED"

_DEPTHS = {
    pb.STEP_KIND_TRANSACTION: 0,
    pb.STEP_KIND_ORDER: 1,
    pb.STEP_KIND_PAYMENT: 2,
    pb.STEP_KIND_SETTLEMENT: 2,
    pb.STEP_KIND_WITHDRAWAL: 2,
    pb.STEP_KIND_CAPTURE: 3,
    pb.STEP_KIND_REFUND: 3,
    pb.STEP_KIND_DISPUTE: 3,
    pb.STEP_KIND_ATTEMPT: 4,
}
"""How deep each kind lies in what it is a part of; transactions book what has ended."""
_ENDED_BY_THE_LEDGER = (pb.STEP_KIND_SETTLEMENT, "COMPLETED")
"""What a transaction ends, and so comes after it."""
_ORDER_CANCELLED = payment_pb2.REFUND_REASON_ORDER_CANCELLED
_SETTLEMENT_BOOKED = "SettlementCreated"
"""The type of the transaction that completes a settlement."""


def order_steps(
    order: order_pb2.Order, captures: Sequence[payment_pb2.Capture], refunds: Sequence[payment_pb2.Refund]
) -> list[pb.Step]:
    """Tell of an order, with the captures and refunds of all its payments."""
    state = _name(order_pb2.OrderState, order.state, "ORDER_STATE_")
    reached = {
        "PAID": _paid_time(order, captures),
        "CANCELLED": _first([each.create_time for each in refunds if each.reason == _ORDER_CANCELLED]),
        "EXPIRED": order.expire_time,
    }
    steps = _life(
        pb.STEP_KIND_ORDER,
        order.order_id,
        state=state,
        begin=order.create_time,
        end=reached.get(state) or order.update_time,
        amount=order.total,
        detail=f"reference {order.merchant_reference}",
    )
    if order.refunded_minor:
        what = "REFUNDED" if order.fully_refunded else "PARTLY_REFUNDED"
        amount = Money(amount_minor=order.refunded_minor, currency_code=order.total.currency_code)
        steps.append(_step(pb.STEP_KIND_ORDER, order.order_id, what, time=order.update_time, amount=amount))
    return steps


def payment_steps(
    payment: payment_pb2.Payment, attempts: Sequence[payment_pb2.Attempt], captures: Sequence[payment_pb2.Capture]
) -> list[pb.Step]:
    """Tell of a payment."""
    state = _name(payment_pb2.PaymentState, payment.state, "PAYMENT_STATE_")
    reached = {
        "SUCCEEDED": _first([capture.update_time for capture in captures if _captured(capture)]),
        "AUTHORIZED": _first([each.update_time for each in attempts if _authorizes(each)]),
    }
    return _life(
        pb.STEP_KIND_PAYMENT,
        payment.payment_id,
        state=state,
        begin=payment.create_time,
        end=reached.get(state) or payment.update_time,
        amount=payment.amount,
        detail=f"reference {payment.merchant_reference}",
        outcome=_failure(payment),
    )


def attempt_steps(attempt: payment_pb2.Attempt) -> list[pb.Step]:
    """Tell of a call to an acquirer."""
    action = _name(payment_pb2.AttemptAction, attempt.action, "ATTEMPT_ACTION_")
    return _calls(attempt, action, _name(payment_pb2.AttemptState, attempt.state, "ATTEMPT_STATE_"))


def payout_steps(attempt: withdrawal_pb2.Attempt) -> list[pb.Step]:
    """Tell of a call to a bank."""
    return _calls(attempt, "PAYOUT", _name(withdrawal_pb2.AttemptState, attempt.state, "ATTEMPT_STATE_"))


def capture_steps(capture: payment_pb2.Capture) -> list[pb.Step]:
    """Tell of a capture."""
    return _life(
        pb.STEP_KIND_CAPTURE,
        capture.capture_id,
        state=_name(payment_pb2.CaptureState, capture.state, "CAPTURE_STATE_"),
        begin=capture.create_time,
        end=capture.update_time,
        amount=capture.amount,
        outcome=_failure(capture),
    )


def refund_steps(refund: payment_pb2.Refund) -> list[pb.Step]:
    """Tell of a refund."""
    reason = _name(payment_pb2.RefundReason, refund.reason, "REFUND_REASON_")
    return _life(
        pb.STEP_KIND_REFUND,
        refund.refund_id,
        state=_name(payment_pb2.RefundState, refund.state, "REFUND_STATE_"),
        begin=refund.create_time,
        end=refund.update_time,
        amount=refund.amount,
        detail=reason,
        outcome=_failure(refund),
    )


def dispute_steps(dispute: payment_pb2.Dispute) -> list[pb.Step]:
    """Tell of a dispute."""
    reason = _name(payment_pb2.DisputeReason, dispute.reason, "DISPUTE_REASON_")
    return _life(
        pb.STEP_KIND_DISPUTE,
        dispute.dispute_id,
        state=_name(payment_pb2.DisputeState, dispute.state, "DISPUTE_STATE_"),
        first="OPENED",
        begin=dispute.create_time,
        end=dispute.update_time,
        amount=dispute.amount,
        detail=reason,
        outcome="accepted" if dispute.accepted else "",
    )


def transaction_step(transaction: accounting_pb2.Transaction) -> pb.Step:
    """Tell of a transaction, with its entries."""
    code = transaction.currency_code
    step = _step(
        pb.STEP_KIND_TRANSACTION,
        transaction.transaction_id,
        transaction.transaction_type,
        time=transaction.create_time,
        amount=Money(amount_minor=transaction.amount_minor, currency_code=code),
        detail=_joined([transaction.related_no, transaction.actor, transaction.reason]),
    )
    step.entries.extend(
        pb.JournalEntry(
            account_kind=entry.account_kind,
            merchant_id=entry.merchant_id,
            effect=Money(amount_minor=entry.effect * entry.amount_minor, currency_code=code),
        )
        for entry in transaction.entries
    )
    return step


def settlement_steps(
    settlement: settlement_pb2.Settlement,
    transactions: Sequence[accounting_pb2.Transaction] = (),
    *,
    joined: Timestamp | None = None,
) -> list[pb.Step]:
    """Tell of a settlement, which one of the transactions booked for it completes.

    While it collects, it is told of from when the journey's first item joined it.
    """
    kind, named = pb.STEP_KIND_SETTLEMENT, settlement.settlement_id
    state = _name(settlement_pb2.SettlementState, settlement.state, "SETTLEMENT_STATE_")
    amount = Money(amount_minor=int(settlement.sums.total_minor or 0), currency_code=settlement.currency_code)
    if not settlement.HasField("close_time"):
        begin = joined if state == "PENDING" and joined is not None else settlement.create_time
        detail = f"carried into {settlement.carried_into}" if settlement.carried_into else "collecting"
        return [_step(kind, named, state, time=begin, amount=amount, detail=detail)]
    trigger = _name(settlement_pb2.SettlementTrigger, settlement.trigger, "SETTLEMENT_TRIGGER_")
    released = [settlement.reserve_released_time] if settlement.HasField("reserve_released_time") else []
    booked = [each.create_time for each in transactions if each.transaction_type == _SETTLEMENT_BOOKED]
    steps = _life(
        kind,
        named,
        state=state,
        begin=settlement.close_time,
        # Its update_time moves on when its reserve is released.
        end=_first(booked) or _first([settlement.update_time, *released]) or settlement.update_time,
        amount=amount,
        detail=trigger,
        outcome=settlement.failure_reason,
    )
    reserve = Money(amount_minor=settlement.reserve_held_minor, currency_code=settlement.currency_code)
    return steps + [_step(kind, named, "RESERVE_RELEASED", time=time, amount=reserve) for time in released]


def withdrawal_steps(withdrawal: withdrawal_pb2.Withdrawal) -> list[pb.Step]:
    """Tell of a withdrawal."""
    decided = f"decided by {withdrawal.decider}" if withdrawal.decider else ""
    return _life(
        pb.STEP_KIND_WITHDRAWAL,
        withdrawal.withdrawal_id,
        state=_name(withdrawal_pb2.WithdrawalState, withdrawal.state, "WITHDRAWAL_STATE_"),
        begin=withdrawal.create_time,
        end=withdrawal.update_time,
        amount=withdrawal.amount,
        detail=f"requested by {withdrawal.requester}" if withdrawal.requester else "",
        outcome=_joined([decided, _failure(withdrawal), withdrawal.return_code]),
    )


def in_order(steps: Iterable[pb.Step]) -> list[pb.Step]:
    """Sort by time; of what happened at one moment, the whole begins before its parts and ends after them."""
    return sorted(steps, key=lambda step: (_moment(step.time), _within_a_moment(step), step.resource_id))


def _within_a_moment(step: pb.Step) -> tuple[bool, int]:
    if (step.kind, step.what) == _ENDED_BY_THE_LEDGER:
        return True, _DEPTHS[pb.STEP_KIND_TRANSACTION] + 1
    begins = step.what in {CREATED, "OPENED"} or step.what.endswith("PENDING")
    return not begins, _DEPTHS[step.kind] if begins else -_DEPTHS[step.kind]


def _life(
    kind: pb.StepKind.ValueType,
    resource_id: str,
    *,
    state: str,
    begin: Timestamp,
    end: Timestamp,
    amount: Money,
    detail: str = "",
    outcome: str = "",
    first: str = CREATED,
) -> list[pb.Step]:
    """Tell the beginning and, where it has gone on, what it has come to; what began and ended at once is one step.

    `detail` was known from the beginning, `outcome` in the end.
    """
    whole = _joined([detail, outcome])
    if state == first or begin == end:
        return [_step(kind, resource_id, state, time=begin, amount=amount, detail=whole)]
    return [
        _step(kind, resource_id, first, time=begin, amount=amount, detail=detail),
        _step(kind, resource_id, state, time=end, amount=amount, detail=outcome),
    ]


def _calls(attempt: payment_pb2.Attempt | withdrawal_pb2.Attempt, action: str, state: str) -> list[pb.Step]:
    channel = getattr(attempt, "channel", "")
    steps = _life(
        pb.STEP_KIND_ATTEMPT,
        attempt.attempt_id,
        state=f"{action}_{state}",
        first=f"{action}_PENDING",
        begin=attempt.create_time,
        end=attempt.update_time,
        amount=Money(),
        detail=channel,
        outcome=_joined([attempt.channel_reference, _failure(attempt)]),
    )
    for step in steps:
        step.ClearField("amount")
    return steps


def _step(
    kind: pb.StepKind.ValueType, resource_id: str, what: str, *, time: Timestamp, amount: Money, detail: str = ""
) -> pb.Step:
    return pb.Step(time=time, kind=kind, resource_id=resource_id, what=what, amount=amount, detail=detail)


def _paid_time(order: order_pb2.Order, captures: Sequence[payment_pb2.Capture]) -> Timestamp:
    """Give when the captures reached the total."""
    paid_minor = 0
    for capture in sorted(filter(_captured, captures), key=lambda each: _moment(each.update_time)):
        paid_minor += capture.amount.amount_minor
        if paid_minor >= order.total.amount_minor:
            return capture.update_time
    return order.update_time


def _captured(capture: payment_pb2.Capture) -> bool:
    return capture.state == payment_pb2.CAPTURE_STATE_SUCCEEDED


def _authorizes(attempt: payment_pb2.Attempt) -> bool:
    return (attempt.action, attempt.state) == (
        payment_pb2.ATTEMPT_ACTION_AUTHORIZE,
        payment_pb2.ATTEMPT_STATE_SUCCEEDED,
    )


def _first(times: Sequence[Timestamp]) -> Timestamp | None:
    return min(times, key=_moment, default=None)


def _moment(time: Timestamp) -> tuple[int, int]:
    return time.seconds, time.nanos


def _failure(resource: Any) -> str:
    return _joined([resource.failure_reason, resource.failure_code])


def _joined(texts: Sequence[str]) -> str:
    return ", ".join(filter(None, texts))


def _name(enum: Any, value: int, prefix: str) -> str:
    """Give an enum value's name without its prefix; a value newer than this build by its number."""
    try:
        return str(enum.Name(value)).removeprefix(prefix)
    except ValueError:
        return f"STATE_{value}"
