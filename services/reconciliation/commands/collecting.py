"""What channels report and what payment and withdrawal tell: lines, statements and movements."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from paykit.clock import no_earlier
from paykit.ids import named_id
from paykit.postgres.database import Tx
from paystream.channel.v1.events import ChannelStatementClosed, ChannelTransactionReported
from paystream.reconciliation.v1.events import StatementSource
from services.reconciliation import store
from services.reconciliation.domain.movement import ChannelMovement, Fact, UnmovedAttempt
from services.reconciliation.domain.statement import ReportedLine, ReportedStatement, StatementState


async def collect_lines(tx: Tx, events: Sequence[ChannelTransactionReported]) -> None:
    """Take lines onto the statements of their days, each line of a channel once.

    Rows: statement, statement_line, open_line.
    """
    lines = [_line(event) for event in events]
    first = {line.statement_id: (line, event) for line, event in zip(reversed(lines), reversed(events), strict=True)}
    begun = [_statement(tx, line, event.correlation_id) for line, event in first.values()]
    await store.statements.insert_absent(tx, begun)
    await store.lines.add(tx, lines)


async def close_statements(tx: Tx, events: Sequence[ChannelStatementClosed]) -> None:
    """Close statements with what channels say of them; one that is closed stays as it is.

    Rows: statement.
    """
    begun = [_closing(tx, event) for event in events]
    await store.statements.insert_absent(tx, begun)
    rows = await store.statements.lock(tx, {statement.statement_id for statement in begun})
    for statement in begun:
        known = rows[statement.statement_id]
        if known.state is StatementState.OPEN:
            rows.put(
                replace(
                    statement,
                    state=StatementState.CLOSED,
                    create_time=known.create_time,
                    update_time=no_earlier(tx.now, known.update_time),
                )
            )
    await tx.save(rows)


async def keep_facts(tx: Tx, facts: Sequence[Fact]) -> list[ChannelMovement]:
    """Keep movements and calls that moved nothing; return the movements.

    Rows: internal_transaction, unmoved_attempt.
    """
    moved = [fact for fact in facts if isinstance(fact, ChannelMovement)]
    await store.movements.insert_absent(tx, moved)
    await store.keep_unmoved(tx, [fact for fact in facts if isinstance(fact, UnmovedAttempt)])
    return moved


async def record_facts(tx: Tx, facts: Sequence[Fact]) -> None:
    """Keep facts, and have movements wait for their lines. Rows: open_movement beside those of `keep_facts`."""
    await store.wait_for_lines(tx, await keep_facts(tx, facts))


def _line(event: ChannelTransactionReported) -> ReportedLine:
    return ReportedLine(
        # Versions before 4 name no statement: it is that of channel, currency and day.
        statement_id=event.statement_id or named_id("stm", event.channel, event.currency_code, event.line_date),
        channel=event.channel,
        line_id=event.line_id,
        operation=event.operation,
        outcome="SUCCEEDED" if event.outcome == "SUCCEEDED" else "FAILED",
        amount_minor=event.amount_minor,
        currency_code=event.currency_code,
        channel_fee_minor=event.channel_fee_minor,
        line_date=date.fromisoformat(event.line_date),
        value_date=None if event.value_date is None else date.fromisoformat(event.value_date),
        occurred_at=event.occurred_at,
        related_no=event.related_no,
        attempt_id=event.attempt_id,
        channel_reference=event.channel_reference,
        original_channel_reference=event.original_channel_reference,
        settlement_amount_minor=event.settlement_amount_minor,
        settlement_currency_code=event.settlement_currency_code,
        exchange_rate=event.exchange_rate,
        payout_reference=event.payout_reference,
        acquirer_reference=event.acquirer_reference,
    )


def _statement(tx: Tx, line: ReportedLine, correlation_id: str) -> ReportedStatement:
    return ReportedStatement(
        statement_id=line.statement_id,
        channel=line.channel,
        source=StatementSource.CHANNEL,
        currency_code=line.currency_code,
        statement_date=line.line_date,
        correlation_id=correlation_id,
        create_time=tx.now,
        update_time=tx.now,
    )


def _closing(tx: Tx, event: ChannelStatementClosed) -> ReportedStatement:
    return ReportedStatement(
        statement_id=event.statement_id,
        channel=event.channel,
        source=StatementSource.CHANNEL,
        currency_code=event.currency_code,
        statement_date=date.fromisoformat(event.statement_date),
        line_count=event.line_count,
        opening_balance_minor=event.opening_balance_minor,
        closing_balance_minor=event.closing_balance_minor,
        acquirer_net_minor=event.acquirer_net_minor,
        statement_fee_minor=event.statement_fee_minor,
        bank_reference=event.bank_reference,
        correlation_id=event.correlation_id,
        create_time=tx.now,
        update_time=tx.now,
    )
