"""The statement line of a dispute's opening; those of what follows are later lines. Pure."""

from paykit.errors import InvariantError
from paykit.ids import named_id
from paystream.channel.v1.events import ChannelOperation
from services.channel.domain.dispute import ChannelDispute
from services.channel.domain.line import ChannelLine


def opening_line(dispute: ChannelDispute) -> ChannelLine:
    """Write the line of the amount that is held back when a dispute opens.

    Raises:
        InvariantError: Nothing is held back.
    """
    if dispute.line_date is None:
        raise InvariantError(f"dispute {dispute.dispute_reference} holds nothing")
    return ChannelLine(
        line_id=named_id("lin", dispute.dispute_reference, ChannelOperation.DISPUTE),
        attempt_id=dispute.attempt_id,
        channel_reference=dispute.dispute_reference,
        original_reference=None,
        operation=ChannelOperation.DISPUTE,
        merchant_id=dispute.merchant_id,
        related_no=dispute.related_no,
        amount_minor=dispute.amount_minor,
        currency_code=dispute.currency_code,
        fee_minor=0,
        line_date=dispute.line_date,
        create_time=dispute.create_time,
    )
