"""Closing statements: one for each day and currency, once no line of that day can come any more."""

from datetime import timedelta

from paykit.cause import Cause
from paykit.ids import new_id
from paykit.postgres.database import Tx
from paystream.channel.v1 import events
from services.channel import store
from services.channel.domain.transaction import CHANNEL
from services.channel.store import DayTotal

GRACE_S = 300
"""Kept after midnight (UTC): a line is dated when its transaction begins, and commits well within this."""


async def close_statements(tx: Tx) -> int:
    """Close every day before today that has lines and no statement yet, and return the number of statements.

    Emits ChannelStatementClosed for each.
    """
    before = (tx.now - timedelta(seconds=GRACE_S)).date().isoformat()
    statements = [(new_id("stm"), total) for total in await store.sum_open_days(tx, before=before)]
    inserted = await store.insert_statements(tx, statements)
    for statement_id, total in statements:
        if statement_id in inserted:
            tx.emit(_closed(tx, statement_id, total), cause=Cause(correlation_id=statement_id))
    return len(inserted)


def _closed(tx: Tx, statement_id: str, total: DayTotal) -> events.ChannelStatementClosed:
    return events.ChannelStatementClosed(
        occurred_at=tx.now,
        merchant_id=None,
        aggregate_version=1,
        statement_id=statement_id,
        channel=CHANNEL,
        currency_code=total.currency_code,
        statement_date=total.statement_date,
        line_count=total.line_count,
        captured_minor=total.captured_minor,
        refunded_minor=total.refunded_minor,
        disputed_minor=total.disputed_minor,
        paid_minor=total.paid_minor,
        returned_minor=total.returned_minor,
        channel_fee_minor=total.channel_fee_minor,
        net_minor=total.net_minor,
        dispute_won_minor=total.dispute_won_minor,
        reversed_minor=total.reversed_minor,
        refund_returned_minor=total.refund_returned_minor,
        acquirer_net_minor=total.acquirer_net_minor,
        bank_net_minor=total.bank_net_minor,
    )
