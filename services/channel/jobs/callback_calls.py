"""What a callback says, and to whom: results and disputes to the payment service, payouts to the withdrawal service."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import grpc

from paykit.serve.timestamps import to_timestamp
from paystream.common.v1.money_pb2 import Money
from paystream.payment.v1 import payment_pb2, payment_pb2_grpc
from paystream.withdrawal.v1 import withdrawal_pb2, withdrawal_pb2_grpc
from services.channel import messages
from services.channel.domain.behaviour import Decision
from services.channel.domain.dispute import ChannelDispute
from services.channel.domain.instruction import Action
from services.channel.domain.transaction import ChannelTransaction
from services.channel.store import Callback, CallbackReport

CALL_TIMEOUT_S = 5.0
RETURN_CODE = "account_closed"
"""Why payouts come back, as the bank says."""

_DISPUTED: Mapping[CallbackReport, payment_pb2.DisputeOutcome.ValueType] = MappingProxyType(
    {
        CallbackReport.DISPUTE_OPENED: payment_pb2.DISPUTE_OUTCOME_OPENED,
        CallbackReport.DISPUTE_WON: payment_pb2.DISPUTE_OUTCOME_WON,
        CallbackReport.DISPUTE_LOST: payment_pb2.DISPUTE_OUTCOME_LOST,
    }
)
_PAID = {
    Decision.APPROVED: withdrawal_pb2.BANK_OUTCOME_COMPLETED,
    Decision.DECLINED: withdrawal_pb2.BANK_OUTCOME_FAILED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CallbackContents:
    """A callback with what it is about; `dispute` is None unless it tells of one."""

    callback: Callback
    transaction: ChannelTransaction
    dispute: ChannelDispute | None


async def call(channel: grpc.aio.Channel, contents: CallbackContents) -> None:
    """Call back over a channel to the address that the transaction names.

    Raises:
        grpc.aio.AioRpcError: It was not heard, or refused.
    """
    metadata = (("x-correlation-id", contents.transaction.correlation_id),)
    method, request = _addressed(channel, contents)
    await method(request, timeout=CALL_TIMEOUT_S, metadata=metadata)


def _addressed(channel: grpc.aio.Channel, contents: CallbackContents) -> tuple[Any, Any]:
    """Return the method to call and its request."""
    if contents.dispute is not None:
        method = payment_pb2_grpc.ChannelCallbackServiceStub(channel).ReportDispute
        return method, _dispute(contents.dispute, contents.callback)
    if contents.transaction.action is Action.PAY:
        bank = withdrawal_pb2_grpc.ChannelCallbackServiceStub(channel)
        return bank.ReportBankResult, _payout(contents.transaction, contents.callback.report)
    result = _result(contents.transaction, contents.callback.report)
    return payment_pb2_grpc.ChannelCallbackServiceStub(channel).ReportChannelResult, result


def _result(transaction: ChannelTransaction, report: CallbackReport) -> payment_pb2.ReportChannelResultRequest:
    """Tell how the attempt stands now, or that it was approved a second time, whatever became of the first."""
    if report is CallbackReport.SECOND_RESULT:
        return payment_pb2.ReportChannelResultRequest(
            attempt_id=transaction.attempt_id,
            channel_reference=transaction.second_reference or "",
            outcome=payment_pb2.CHANNEL_OUTCOME_APPROVED,
            amount=messages.to_amount(transaction, transaction.second_minor),
        )
    return payment_pb2.ReportChannelResultRequest(
        attempt_id=transaction.attempt_id,
        channel_reference=transaction.channel_reference,
        outcome=payment_pb2.ChannelOutcome.Value(f"CHANNEL_OUTCOME_{transaction.outcome}"),
        decline_code=transaction.decline_code,
        amount=messages.to_amount(transaction),
    )


def _payout(transaction: ChannelTransaction, report: CallbackReport) -> withdrawal_pb2.ReportBankResultRequest:
    """Tell how the payout stands now, or that it was made a second time, whatever became of the first."""
    attempt_id = transaction.attempt_id
    if report is CallbackReport.SECOND_RESULT:
        return withdrawal_pb2.ReportBankResultRequest(
            attempt_id=attempt_id,
            channel_reference=transaction.second_reference or "",
            outcome=withdrawal_pb2.BANK_OUTCOME_COMPLETED,
            amount=messages.to_amount(transaction, transaction.second_minor),
        )
    returned = transaction.return_time is not None
    return withdrawal_pb2.ReportBankResultRequest(
        attempt_id=attempt_id,
        channel_reference=transaction.channel_reference,
        outcome=withdrawal_pb2.BANK_OUTCOME_RETURNED if returned else _PAID[transaction.outcome],
        code=RETURN_CODE if returned else transaction.decline_code,
        amount=messages.to_amount(transaction, transaction.returned_minor),
    )


def _dispute(dispute: ChannelDispute, callback: Callback) -> payment_pb2.ReportDisputeRequest:
    amount_minor = callback.dispute_amount_minor or dispute.amount_minor
    return payment_pb2.ReportDisputeRequest(
        attempt_id=dispute.attempt_id,
        dispute_reference=dispute.dispute_reference,
        outcome=_DISPUTED[callback.report],
        amount=Money(amount_minor=amount_minor, currency_code=dispute.currency_code),
        reason=payment_pb2.DisputeReason.Value(f"DISPUTE_REASON_{dispute.reason}"),
        respond_by_time=to_timestamp(dispute.respond_by),
        stage=payment_pb2.DisputeStage.Value(f"DISPUTE_STAGE_{callback.dispute_stage or dispute.stage}"),
        category=dispute.category,
        occur_time=to_timestamp(callback.occur_time) if callback.occur_time else None,
    )
