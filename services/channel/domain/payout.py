"""A payout that the bank sends back after it had been approved. Pure."""

from dataclasses import replace
from datetime import datetime

from paykit.errors import InvariantError
from paykit.ids import named_id
from paystream.channel.v1 import events
from services.channel.domain.transaction import CHANNEL, Action, ChannelTransaction


def send_back(transaction: ChannelTransaction, *, now: datetime) -> ChannelTransaction:
    """Record that an approved payout came back, in full.

    Raises:
        InvariantError: It is no approved payout, or came back before.
    """
    if transaction.action is not Action.PAY or not transaction.captured or transaction.return_time is not None:
        raise InvariantError(f"{transaction.attempt_id} cannot come back")
    return replace(transaction, return_time=now, update_time=now, version=transaction.version + 1)


def return_reference(transaction: ChannelTransaction) -> str:
    """Return the channel's reference of the return, which is an operation of its own."""
    return named_id("chn", transaction.attempt_id, "RETURN")


def return_line(transaction: ChannelTransaction) -> events.ChannelTransactionReported:
    """Write the statement line of a payout that came back.

    Raises:
        InvariantError: It did not.
    """
    if transaction.return_time is None or transaction.amount_minor is None or transaction.currency_code is None:
        raise InvariantError(f"{transaction.attempt_id} did not come back")
    reference = return_reference(transaction)
    return events.ChannelTransactionReported(
        occurred_at=transaction.return_time,
        merchant_id=transaction.merchant_id,
        aggregate_version=1,
        channel=CHANNEL,
        channel_reference=reference,
        line_id=named_id("lin", reference),
        operation=events.ChannelOperation.RETURN,
        outcome=events.ChannelOutcome.SUCCEEDED,
        statement_id=None,
        related_no=transaction.related_no,
        original_channel_reference=None,
        amount_minor=transaction.amount_minor,
        currency_code=transaction.currency_code,
        channel_fee_minor=0,
        line_date=transaction.return_time.date().isoformat(),
    )
