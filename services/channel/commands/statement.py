"""Closing statements: one for each day and currency, once no line of that day can come any more."""

from datetime import timedelta

from paykit.cause import Cause
from paykit.postgres.database import Tx
from services.channel import store
from services.channel.domain import line, statement
from services.channel.domain.behaviour import GLOBAL
from services.channel.domain.statement import ChannelStatement

GRACE_S = 300
"""Kept after midnight (UTC): a line is dated when its transaction begins, and commits well within this."""


async def close_statements(tx: Tx) -> int:
    """Close every day before today that has lines and no statement yet, and return the number of statements.

    Emits ChannelStatementClosed for each, after the lines of the statement as a whole.
    """
    before = (tx.now - timedelta(seconds=GRACE_S)).date().isoformat()
    totals = await store.sum_open_days(tx, before=before)
    if not totals:
        return 0
    statements = statement.close(
        totals,
        balances_minor=await store.bank_balances(tx),
        statement_fee_minor=(await store.behaviours_of(tx, [])).of(GLOBAL).statement_fee_minor,
        now=tx.now,
    )
    inserted = set(await store.insert_statements(tx, statements))
    for closed in statements:
        if closed.statement_id in inserted:
            _report(tx, closed)
    return len(inserted)


def _report(tx: Tx, closed: ChannelStatement) -> None:
    cause = Cause(correlation_id=closed.statement_id)
    for own_line in statement.own_lines(closed):
        tx.hold(own_line.channel_reference)
        tx.emit(line.reported(own_line, version=1), cause=cause)
    tx.hold(closed.statement_id)
    tx.emit(statement.closed(closed), cause=cause)
