"""What a withdrawal tells, and each of its attempts."""

from paystream.journey.v1 import journey_pb2 as pb
from paystream.withdrawal.v1 import withdrawal_pb2
from services.journey.domain.step import attempt_lifecycle, enum_name, failure, joined, lifecycle


def withdrawal_steps(withdrawal: withdrawal_pb2.Withdrawal) -> list[pb.Step]:
    """The steps of a withdrawal itself."""
    decision = f"decided by {withdrawal.decider}" if withdrawal.decider else ""
    return lifecycle(
        pb.STEP_KIND_WITHDRAWAL,
        withdrawal.withdrawal_id,
        state=enum_name(withdrawal_pb2.WithdrawalState, withdrawal.state, "WITHDRAWAL_STATE_"),
        begin=withdrawal.create_time,
        end=withdrawal.update_time,
        amount=withdrawal.amount,
        detail=f"requested by {withdrawal.requester}" if withdrawal.requester else "",
        outcome=joined([decision, failure(withdrawal), withdrawal.return_code]),
    )


def payout_steps(attempt: withdrawal_pb2.Attempt) -> list[pb.Step]:
    """The steps of a call to a bank."""
    return attempt_lifecycle(
        attempt.attempt_id,
        action="PAYOUT",
        state=enum_name(withdrawal_pb2.AttemptState, attempt.state, "ATTEMPT_STATE_"),
        begin=attempt.create_time,
        end=attempt.update_time,
        channel="",
        outcome=joined([attempt.channel_reference, failure(attempt)]),
    )
