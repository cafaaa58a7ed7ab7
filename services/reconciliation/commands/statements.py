"""Statements of which all is known: their own lines decided, and the day closed."""

from dataclasses import replace
from typing import Any

from paykit.aggregate import next_revision
from paykit.cause import Cause
from paykit.postgres.database import Tx
from paystream.reconciliation.v1.events import StatementReconciled, StatementSource
from services.reconciliation import store
from services.reconciliation.commands import differing
from services.reconciliation.commands.matching import rules_of
from services.reconciliation.domain.statement import ReportedStatement, StatementState
from services.reconciliation.store.matching import MATCHED, STATEMENT_OPERATIONS
from services.reconciliation.store.statement import OwnLine

RULE = "STATEMENT"


async def reconcile_statements(tx: Tx, *, limit: int) -> int:
    """Decide the lines that belong to closed statements as a whole, and end statements all of whose lines are decided.

    Returns:
        How many ended, at most `limit`.

    Rows: statement, discrepancy, and those of lines. Events: StatementReconciled, DiscrepancyDetected.
    """
    closed = await store.statements.with_own_lines(tx, STATEMENT_OPERATIONS, limit)
    for statement in closed:
        await _decide_own_lines(tx, statement)
    complete = await store.statements.complete(tx, limit)
    for statement in complete:
        await _reconcile(tx, statement)
    return len(complete)


async def _decide_own_lines(tx: Tx, statement: ReportedStatement) -> None:
    """Hold the fee and the payout of a statement against what it says as a whole, or its lines come to."""
    lines = await store.own_lines(tx, statement.statement_id, STATEMENT_OPERATIONS)
    decisions = [
        (line.line_no, None, MATCHED if line.amount_minor == expected else _mismatch(line))
        for line in lines
        if (expected := await _expected(tx, statement, line)) is not None
    ]
    differences = await store.matching.decide(tx, decisions, rule=RULE)
    await differing.record(tx, differences, await rules_of(tx, statement.channel))


async def _expected(tx: Tx, statement: ReportedStatement, line: OwnLine) -> int | None:
    """Return what a line should say; None where nothing says it."""
    if line.operation == "FEE":
        return statement.statement_fee_minor if statement.statement_fee_minor is not None else line.amount_minor
    if statement.source is StatementSource.CHANNEL:
        return statement.acquirer_net_minor
    if line.reference is None:
        return None
    return await store.payout_at_the_bank(tx, line.reference, statement.currency_code)


def _mismatch(line: OwnLine) -> str:
    return "FEE_MISMATCH" if line.operation == "FEE" else "AMOUNT_MISMATCH"


async def _reconcile(tx: Tx, statement: ReportedStatement) -> None:
    rows = await store.statements.lock(tx, [statement.statement_id])
    locked = rows[statement.statement_id]
    if locked.state is not StatementState.CLOSED:
        return
    by_status = {row["status"]: row for row in await store.verification.of_statement(tx, statement.statement_id)}
    missing = await store.verification.missing_of_day(
        tx, statement.channel, statement.currency_code, statement.statement_date
    )
    active = await store.rule_sets.active(tx, statement.channel)
    over = rows.put(replace(locked, **next_revision(locked, tx.now), state=StatementState.RECONCILED))
    tx.emit(
        _reconciled(over, by_status, missing=missing, rule_set_id=None if active is None else active.rule_set_id),
        cause=Cause(over.correlation_id),
    )
    await tx.save(rows)


def _reconciled(
    statement: ReportedStatement, by_status: dict[str, Any], *, missing: int, rule_set_id: str | None
) -> StatementReconciled:
    def count(status: str) -> int:
        return int(by_status[status]["line_count"]) if status in by_status else 0

    return StatementReconciled(
        occurred_at=statement.update_time,
        merchant_id=None,
        correlation_id=statement.correlation_id,
        aggregate_version=statement.aggregate_version,
        statement_id=statement.statement_id,
        channel=statement.channel,
        currency_code=statement.currency_code,
        statement_date=statement.statement_date.isoformat(),
        source=statement.source,
        rule_set_id=rule_set_id,
        line_count=statement.line_count or 0,
        matched_count=count("MATCHED"),
        amount_mismatch_count=count("AMOUNT_MISMATCH"),
        currency_mismatch_count=count("CURRENCY_MISMATCH"),
        fee_mismatch_count=count("FEE_MISMATCH"),
        duplicate_count=count("DUPLICATE"),
        missing_internal_count=count("MISSING_INTERNAL"),
        missing_channel_count=missing,
        contradicted_count=count("CONTRADICTED"),
        line_minor=sum(int(row["line_minor"]) for row in by_status.values()),
        matched_minor=int(by_status["MATCHED"]["line_minor"]) if "MATCHED" in by_status else 0,
        channel_fee_minor=sum(int(row["channel_fee_minor"]) for row in by_status.values()),
        opening_balance_minor=statement.opening_balance_minor,
        closing_balance_minor=statement.closing_balance_minor,
    )
