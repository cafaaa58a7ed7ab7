"""The channel on the wire: between messages and instructions, transactions and behaviours."""

import hashlib

from paykit import money
from paykit.channels.actions import next_action as next_actions
from paykit.channels.actions.next_action_messages import to_next_action
from paykit.money import require_known_currency
from paykit.serve.timestamps import to_timestamp
from paystream.channel.v1 import channel_pb2 as pb
from paystream.common.v1.money_pb2 import Money
from services.channel.commands import AdvanceDispute, OpenDispute, RespondToDispute, SetOutcome
from services.channel.domain.behaviour import DEFAULTS, Behaviour
from services.channel.domain.dispute import ChannelDispute, ChannelDisputeStage, DisputeReason, DisputeResponse
from services.channel.domain.instruction import Action, Instruction
from services.channel.domain.late_outcome import LateOutcome, LateWord
from services.channel.domain.transaction import ChannelTransaction


def from_authorize(request: pb.AuthorizeRequest) -> Instruction:
    """Read an instruction to authorize.

    Raises:
        CurrencyUnknown: The amount's currency is not in use.
    """
    return Instruction(
        attempt_id=request.attempt_id,
        action=Action.AUTHORIZE,
        merchant_id=request.merchant_id,
        amount_minor=request.amount.amount_minor,
        currency_code=_currency(request.amount),
        token=request.method_token,
        capture=request.capture,
        related_no=request.related_no or None,
        callback_address=request.callback_address,
        correlation_id=request.correlation_id,
        return_url=request.return_url,
    )


def from_capture(request: pb.CaptureRequest) -> Instruction:
    """Read an instruction to capture.

    Raises:
        CurrencyUnknown: The amount's currency is not in use.
    """
    return _follow_up(request, Action.CAPTURE)


def from_refund(request: pb.RefundRequest) -> Instruction:
    """Read an instruction to refund.

    Raises:
        CurrencyUnknown: The amount's currency is not in use.
    """
    return _follow_up(request, Action.REFUND)


def from_cancel(request: pb.CancelRequest) -> Instruction:
    """Read an instruction to cancel."""
    return Instruction(
        attempt_id=request.attempt_id,
        action=Action.CANCEL,
        authorization_reference=request.authorization_reference,
        callback_address=request.callback_address,
        correlation_id=request.correlation_id,
    )


def from_set_outcome(request: pb.SetOutcomeRequest) -> SetOutcome:
    """Read a late outcome.

    Raises:
        CurrencyUnknown: The amount's currency is not in use.
    """
    amount = money.Money(request.amount.amount_minor, _currency(request.amount)) if request.HasField("amount") else None
    name = pb.LateOutcome.Name(request.outcome).removeprefix("LATE_OUTCOME_")
    return SetOutcome(attempt_id=request.attempt_id, word=LateWord(outcome=LateOutcome(name), amount=amount))


def from_pay(request: pb.PayRequest) -> Instruction:
    """Read an instruction to pay out.

    Raises:
        CurrencyUnknown: The amount's currency is not in use.
    """
    return Instruction(
        attempt_id=request.attempt_id,
        action=Action.PAY,
        merchant_id=request.merchant_id,
        amount_minor=request.amount.amount_minor,
        currency_code=_currency(request.amount),
        token=request.destination_token,
        related_no=request.related_no or None,
        callback_address=request.callback_address,
        correlation_id=request.correlation_id,
    )


def from_open_dispute(request: pb.OpenDisputeRequest) -> OpenDispute:
    """Read a dispute to open.

    Raises:
        CurrencyUnknown: The amount's currency is not in use.
    """
    amount = money.Money(request.amount.amount_minor, _currency(request.amount)) if request.HasField("amount") else None
    name = pb.DisputeReason.Name(request.reason or pb.DISPUTE_REASON_FRAUD)
    return OpenDispute(
        attempt_id=request.attempt_id,
        amount=amount,
        reason=DisputeReason(name.removeprefix("DISPUTE_REASON_")),
        respond_within_s=request.respond_within_seconds,
        contest_loses=request.contest_loses,
        stage=_stage(request.stage or pb.DISPUTE_STAGE_CHARGEBACK),
        category=request.category,
        lose_minor=request.lose_minor,
        above_limits=request.above_limits,
    )


def from_respond_to_dispute(request: pb.RespondToDisputeRequest) -> RespondToDispute:
    """Read a merchant's answer; of files, what they are is kept."""
    files = [
        f"{file.name} {file.media_type} {len(file.content)} {hashlib.sha256(file.content).hexdigest()}"
        for file in request.files
    ]
    answer = DisputeResponse(contested=request.contested, evidence=request.evidence, files="\n".join(files))
    return RespondToDispute(dispute_reference=request.dispute_reference, answer=answer)


def from_advance_dispute(request: pb.AdvanceDisputeRequest) -> AdvanceDispute:
    """Read the next word of the payer's bank.

    Raises:
        CurrencyUnknown: The amount's currency is not in use.
    """
    amount = money.Money(request.amount.amount_minor, _currency(request.amount)) if request.HasField("amount") else None
    return AdvanceDispute(
        dispute_reference=request.dispute_reference,
        stage=_stage(request.stage) if request.stage else None,
        won=None if request.stage else request.won,
        amount=amount,
    )


def to_dispute(dispute: ChannelDispute) -> pb.Dispute:
    """Make the dispute as callers see it."""
    return pb.Dispute(
        dispute_reference=dispute.dispute_reference,
        attempt_id=dispute.attempt_id,
        merchant_id=dispute.merchant_id,
        amount=Money(amount_minor=dispute.amount_minor, currency_code=dispute.currency_code),
        reason=pb.DisputeReason.Value(f"DISPUTE_REASON_{dispute.reason}"),
        state=pb.DisputeState.Value(f"DISPUTE_STATE_{dispute.state}"),
        respond_by_time=to_timestamp(dispute.respond_by),
        evidence=dispute.evidence,
        stage=pb.DisputeStage.Value(f"DISPUTE_STAGE_{dispute.stage}"),
        category=dispute.category,
        taken_minor=dispute.taken_minor,
        files=dispute.files.splitlines(),
        create_time=to_timestamp(dispute.create_time),
        update_time=to_timestamp(dispute.update_time),
    )


def to_transaction(transaction: ChannelTransaction) -> pb.Transaction:
    """Make the transaction as callers see it."""
    return pb.Transaction(
        attempt_id=transaction.attempt_id,
        action=pb.Action.Value(f"ACTION_{transaction.action}"),
        channel_reference=transaction.channel_reference,
        merchant_id=transaction.merchant_id or "",
        amount=to_amount(transaction),
        outcome=pb.OUTCOME_ACTION_REQUIRED
        if transaction.awaits_payer
        else pb.Outcome.Value(f"OUTCOME_{transaction.outcome}"),
        decline_code=transaction.decline_code,
        channel_fee_minor=transaction.channel_fee_minor,
        captured=transaction.captured,
        authorization_reference=transaction.authorization_reference or "",
        create_time=to_timestamp(transaction.create_time),
        update_time=to_timestamp(transaction.update_time),
        return_time=to_timestamp(transaction.return_time) if transaction.return_time else None,
        returned_amount=to_amount(transaction, transaction.returned_minor) if transaction.returned_minor else None,
        second_reference=transaction.second_reference or "",
        second_amount=to_amount(transaction, transaction.second_minor) if transaction.second_minor else None,
        next_action=to_next_action(next_actions.from_json(transaction.next_action or ""))
        if transaction.awaits_payer
        else None,
    )


def to_amount(transaction: ChannelTransaction, part_minor: int | None = None) -> Money | None:
    """Make the amount, or a part of it; a declined cancellation has none."""
    amount_minor = transaction.amount_minor if part_minor is None else part_minor
    if amount_minor is None:
        return None
    return Money(amount_minor=amount_minor, currency_code=transaction.currency_code or "")


def to_inquiry(transaction: ChannelTransaction | None, finality_seconds: int) -> pb.InquireResponse:
    """Make the answer to an inquiry."""
    return pb.InquireResponse(
        state=pb.INQUIRY_STATE_FOUND if transaction else pb.INQUIRY_STATE_NOT_FOUND,
        transaction=to_transaction(transaction) if transaction else None,
        finality_seconds=finality_seconds,
    )


def to_behaviour(behaviour: Behaviour) -> pb.Behaviour:
    """Make the behaviour."""
    return pb.Behaviour(
        latency_ms=behaviour.latency_ms,
        decline_basis_points=behaviour.decline_basis_points,
        timeout_after_basis_points=behaviour.timeout_after_basis_points,
        timeout_before_basis_points=behaviour.timeout_before_basis_points,
        pending_basis_points=behaviour.pending_basis_points,
        duplicate_callback_basis_points=behaviour.duplicate_callback_basis_points,
        wrong_fee_basis_points=behaviour.wrong_fee_basis_points,
        callback_delay_ms=behaviour.callback_delay_ms,
        callback_address=behaviour.callback_address,
        fee_basis_points=behaviour.fee_basis_points,
        finality_seconds=behaviour.finality_seconds,
        statement_fee_minor=behaviour.statement_fee_minor,
        action_expires_seconds=behaviour.action_expires_seconds,
    )


def from_behaviour(behaviour: pb.Behaviour) -> Behaviour:
    """Read a behaviour."""
    return Behaviour(
        latency_ms=behaviour.latency_ms,
        decline_basis_points=behaviour.decline_basis_points,
        timeout_after_basis_points=behaviour.timeout_after_basis_points,
        timeout_before_basis_points=behaviour.timeout_before_basis_points,
        pending_basis_points=behaviour.pending_basis_points,
        duplicate_callback_basis_points=behaviour.duplicate_callback_basis_points,
        wrong_fee_basis_points=behaviour.wrong_fee_basis_points,
        callback_delay_ms=behaviour.callback_delay_ms,
        callback_address=behaviour.callback_address,
        fee_basis_points=behaviour.fee_basis_points,
        finality_seconds=behaviour.finality_seconds,
        statement_fee_minor=behaviour.statement_fee_minor,
        action_expires_seconds=behaviour.action_expires_seconds or DEFAULTS.action_expires_seconds,
    )


def _stage(stage: pb.DisputeStage.ValueType) -> ChannelDisputeStage:
    return ChannelDisputeStage(pb.DisputeStage.Name(stage).removeprefix("DISPUTE_STAGE_"))


def _follow_up(request: pb.CaptureRequest | pb.RefundRequest, action: Action) -> Instruction:
    return Instruction(
        attempt_id=request.attempt_id,
        action=action,
        amount_minor=request.amount.amount_minor,
        currency_code=_currency(request.amount),
        authorization_reference=request.authorization_reference,
        related_no=request.related_no or None,
        callback_address=request.callback_address,
        correlation_id=request.correlation_id,
    )


def _currency(amount: Money) -> str:
    require_known_currency(amount.currency_code, field="amount.currency_code")
    return amount.currency_code
