"""The statement line of a dispute's opening; those of what follows are later lines. Pure."""

from paykit.errors import InvariantError
from paykit.ids import named_id
from paystream.channel.v1 import events
from services.channel.domain.dispute import ChannelDispute
from services.channel.domain.transaction import CHANNEL


def statement_line(dispute: ChannelDispute) -> events.ChannelTransactionReported:
    """Write the statement line of the amount that is held back when a dispute opens.

    Raises:
        InvariantError: Nothing is held back.
    """
    if dispute.line_date is None:
        raise InvariantError(f"dispute {dispute.dispute_reference} holds nothing")
    operation = events.ChannelOperation.DISPUTE
    return events.ChannelTransactionReported(
        occurred_at=dispute.update_time,
        merchant_id=dispute.merchant_id,
        aggregate_version=dispute.version,
        channel=CHANNEL,
        channel_reference=dispute.dispute_reference,
        line_id=named_id("lin", dispute.dispute_reference, operation),
        operation=operation,
        outcome=events.ChannelOutcome.SUCCEEDED,
        statement_id=None,
        related_no=dispute.related_no,
        original_channel_reference=None,
        amount_minor=dispute.amount_minor,
        currency_code=dispute.currency_code,
        channel_fee_minor=0,
        line_date=dispute.line_date,
    )
