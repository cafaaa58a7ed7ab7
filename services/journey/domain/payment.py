"""What a payment tells, and each of its attempts, captures, refunds and disputes."""

from collections.abc import Sequence

from paystream.journey.v1 import journey_pb2 as pb
from paystream.payment.v1 import payment_pb2
from services.journey.domain.step import OPENED, attempt_lifecycle, earliest, enum_name, failure, joined, lifecycle


def payment_steps(
    payment: payment_pb2.Payment, attempts: Sequence[payment_pb2.Attempt], captures: Sequence[payment_pb2.Capture]
) -> list[pb.Step]:
    """The steps of a payment itself, by its attempts and captures."""
    state = enum_name(payment_pb2.PaymentState, payment.state, "PAYMENT_STATE_")
    reached = {
        "SUCCEEDED": earliest([capture.update_time for capture in captures if is_captured(capture)]),
        "AUTHORIZED": earliest([attempt.update_time for attempt in attempts if _authorizes(attempt)]),
    }
    return lifecycle(
        pb.STEP_KIND_PAYMENT,
        payment.payment_id,
        state=state,
        begin=payment.create_time,
        end=reached.get(state) or payment.update_time,
        amount=payment.amount,
        detail=f"reference {payment.merchant_reference}",
        outcome=joined([failure(payment), _next_action(payment)]),
    )


def attempt_steps(attempt: payment_pb2.Attempt) -> list[pb.Step]:
    """The steps of a call to an acquirer."""
    return attempt_lifecycle(
        attempt.attempt_id,
        action=enum_name(payment_pb2.AttemptAction, attempt.action, "ATTEMPT_ACTION_"),
        state=enum_name(payment_pb2.AttemptState, attempt.state, "ATTEMPT_STATE_"),
        begin=attempt.create_time,
        end=attempt.update_time,
        channel=attempt.channel,
        outcome=joined([attempt.channel_reference, failure(attempt)]),
    )


def capture_steps(capture: payment_pb2.Capture) -> list[pb.Step]:
    """The steps of a capture."""
    return lifecycle(
        pb.STEP_KIND_CAPTURE,
        capture.capture_id,
        state=enum_name(payment_pb2.CaptureState, capture.state, "CAPTURE_STATE_"),
        begin=capture.create_time,
        end=capture.update_time,
        amount=capture.amount,
        outcome=failure(capture),
    )


def refund_steps(refund: payment_pb2.Refund) -> list[pb.Step]:
    """The steps of a refund."""
    return lifecycle(
        pb.STEP_KIND_REFUND,
        refund.refund_id,
        state=enum_name(payment_pb2.RefundState, refund.state, "REFUND_STATE_"),
        begin=refund.create_time,
        end=refund.update_time,
        amount=refund.amount,
        detail=enum_name(payment_pb2.RefundReason, refund.reason, "REFUND_REASON_"),
        outcome=failure(refund),
    )


def dispute_steps(dispute: payment_pb2.Dispute) -> list[pb.Step]:
    """The steps of a dispute."""
    return lifecycle(
        pb.STEP_KIND_DISPUTE,
        dispute.dispute_id,
        state=enum_name(payment_pb2.DisputeState, dispute.state, "DISPUTE_STATE_"),
        initial_state=OPENED,
        begin=dispute.create_time,
        end=dispute.update_time,
        amount=dispute.amount,
        detail=enum_name(payment_pb2.DisputeReason, dispute.reason, "DISPUTE_REASON_"),
        outcome="accepted" if dispute.accepted else "",
    )


def is_captured(capture: payment_pb2.Capture) -> bool:
    """Whether it took the money."""
    return capture.state == payment_pb2.CAPTURE_STATE_SUCCEEDED


def _next_action(payment: payment_pb2.Payment) -> str:
    """What its payer has to do, without what is secret of it; empty for nothing."""
    kind = payment.next_action.WhichOneof("action") if payment.HasField("next_action") else None
    return f"next action {kind}" if kind else ""


def _authorizes(attempt: payment_pb2.Attempt) -> bool:
    return (attempt.action, attempt.state) == (
        payment_pb2.ATTEMPT_ACTION_AUTHORIZE,
        payment_pb2.ATTEMPT_STATE_SUCCEEDED,
    )
