"""Closing statements: one for each day and currency, once no line of that day can come any more."""

from datetime import timedelta

from paykit.cause import Cause
from paykit.ids import new_id
from paykit.postgres.database import Tx
from paykit.process.runtime import Runtime
from paystream.channel.v1 import events
from services.channel.domain.transaction import CHANNEL
from services.channel.store import statements as statement_store

GRACE_S = 300
"""Kept after midnight (UTC): a line is dated when its transaction begins, and commits well within this."""


async def close(runtime: Runtime) -> bool:
    """Close what can be closed; emits ChannelStatementClosed for each statement. Says that there is no more."""
    await runtime.transaction(close_statements)
    return False


async def close_statements(tx: Tx) -> int:
    """Close every day before today that has lines and no statement yet; gives the number of statements."""
    before = (tx.now - timedelta(seconds=GRACE_S)).date().isoformat()
    totals = [(new_id("stm"), each) for each in await statement_store.sum_open_days(tx, before=before)]
    inserted = await statement_store.insert_statements(tx, totals)
    for statement_id, total in totals:
        if statement_id in inserted:
            tx.emit(_closed(tx, statement_id, total), cause=Cause(correlation_id=statement_id))
    return len(inserted)


def _closed(tx: Tx, statement_id: str, total: statement_store.DayTotal) -> events.ChannelStatementClosed:
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
    )
