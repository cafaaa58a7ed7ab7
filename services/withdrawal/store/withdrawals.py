"""The SQL of withdrawals: set-based statements, and the reads behind GetWithdrawal and ListWithdrawals."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from paykit.paging import TimeKey
from paykit.postgres.database import Tx
from paykit.postgres.rows import columns, require_all_changed
from paykit.serve.listing import newest_first
from services.withdrawal.domain.withdrawal import Withdrawal, WithdrawalState

METADATA = sa.MetaData()

_TEXT = sa.Text(collation="C")

WITHDRAWAL = sa.Table(
    "withdrawal",
    METADATA,
    sa.Column("withdrawal_id", _TEXT, primary_key=True),
    sa.Column("merchant_id", _TEXT),
    sa.Column("bank_account_id", _TEXT),
    sa.Column("destination_token", sa.Text),
    sa.Column("amount_minor", sa.BigInteger),
    sa.Column("currency_code", _TEXT),
    sa.Column("approval_required", sa.Boolean),
    sa.Column("requester", sa.Text),
    sa.Column("correlation_id", _TEXT),
    sa.Column("state", _TEXT),
    sa.Column("decider", sa.Text),
    sa.Column("funds_held", sa.Boolean),
    sa.Column("channel", _TEXT),
    sa.Column("channel_reference", _TEXT),
    sa.Column("failure_reason", _TEXT),
    sa.Column("failure_code", sa.Text),
    sa.Column("return_code", sa.Text),
    sa.Column("contradicted", sa.Boolean),
    sa.Column("aggregate_version", sa.BigInteger),
    sa.Column("create_time", sa.DateTime(timezone=True)),
    sa.Column("update_time", sa.DateTime(timezone=True)),
)

_COLUMNS = tuple(column.name for column in WITHDRAWAL.columns)
_CHANGING = (
    *("withdrawal_id", "state", "decider", "funds_held", "channel", "channel_reference", "failure_reason"),
    *("failure_code", "return_code", "contradicted", "aggregate_version", "update_time"),
)

# The lock under which everything about a withdrawal changes.
_LOCK = f"""
SELECT {", ".join(_COLUMNS)} FROM withdrawal WHERE withdrawal_id = ANY($1::text[]) ORDER BY withdrawal_id FOR UPDATE
"""

# Writes back everything that can change; the rows are locked, so nothing can have changed meanwhile.
_UPDATE = """
UPDATE withdrawal SET state = new.state, decider = new.decider, funds_held = new.funds_held, channel = new.channel,
    channel_reference = new.channel_reference, failure_reason = new.failure_reason, failure_code = new.failure_code,
    return_code = new.return_code, contradicted = new.contradicted, aggregate_version = new.aggregate_version,
    update_time = new.update_time
FROM unnest($1::text[], $2::text[], $3::text[], $4::boolean[], $5::text[], $6::text[], $7::text[], $8::text[],
    $9::text[], $10::boolean[], $11::bigint[], $12::timestamptz[])
  AS new (withdrawal_id, state, decider, funds_held, channel, channel_reference, failure_reason, failure_code,
    return_code, contradicted, aggregate_version, update_time)
WHERE withdrawal.withdrawal_id = new.withdrawal_id
"""

# First in, first out: the credits of a merchant and currency lie end to end in the order of their booking, and so does
# what used them up: withdrawals that did not come back, and adjustments that took funds away. A withdrawal is of a
# settlement where the two stretches overlap.
_FUNDED_BY = """
withdrawal.withdrawal_id IN (
    WITH settled AS (SELECT merchant_id, currency_code FROM credit WHERE source_id = :settlement_id),
    credits AS (
        SELECT source_id, amount_minor, sum(amount_minor) OVER (ORDER BY book_time, source_id) AS until_minor
        FROM credit JOIN settled USING (merchant_id, currency_code) WHERE amount_minor > 0),
    uses AS (
        SELECT use_id, amount_minor, sum(amount_minor) OVER (ORDER BY use_time, use_id) AS until_minor
        FROM (SELECT withdrawal_id AS use_id, create_time AS use_time, amount_minor
              FROM withdrawal JOIN settled USING (merchant_id, currency_code)
              WHERE state NOT IN ('REJECTED', 'FAILED', 'RETURNED')
              UNION ALL
              SELECT source_id, book_time, -amount_minor
              FROM credit JOIN settled USING (merchant_id, currency_code) WHERE amount_minor < 0) AS taken)
    SELECT use_id FROM uses JOIN credits ON credits.source_id = :settlement_id
        AND uses.until_minor - uses.amount_minor < credits.until_minor
        AND credits.until_minor - credits.amount_minor < uses.until_minor)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawalFilter:
    """What ListWithdrawals selects; None selects all. merchant_id or settlement_id is set.

    Attributes:
        settlement_id: Only withdrawals that its funds went into.
        create_time_before: Exclusive.
    """

    merchant_id: str | None
    settlement_id: str | None
    state: WithdrawalState | None
    create_time_min: datetime | None
    create_time_before: datetime | None


async def insert_withdrawals(tx: Tx, withdrawals: Sequence[Withdrawal]) -> None:
    """Insert withdrawals just made, in the order of their ids, and hold them."""
    if withdrawals:
        await tx.copy("withdrawal", _COLUMNS, [tuple(getattr(w, name) for name in _COLUMNS) for w in withdrawals])
        tx.hold(*[w.withdrawal_id for w in withdrawals])


async def lock_withdrawals(tx: Tx, withdrawal_ids: Sequence[str]) -> dict[str, Withdrawal]:
    """Lock withdrawals, in the order of their ids, and give those that exist."""
    rows = await tx.fetch(_LOCK, sorted(set(withdrawal_ids)))
    tx.hold(*[row["withdrawal_id"] for row in rows])
    return {row["withdrawal_id"]: to_withdrawal(row) for row in rows}


async def update_withdrawals(tx: Tx, withdrawals: Sequence[Withdrawal]) -> None:
    """Write locked withdrawals back, each at most once.

    Raises:
        InvariantError: A withdrawal is not there, or came twice.
    """
    if withdrawals:
        changed = await tx.run(_UPDATE, *columns(withdrawals, _CHANGING))
        require_all_changed("withdrawal", changed, len(withdrawals))


async def get_withdrawal(tx: Tx, withdrawal_id: str) -> Withdrawal | None:
    """Give one withdrawal."""
    rows = await tx.select(sa.select(WITHDRAWAL).where(WITHDRAWAL.c.withdrawal_id == withdrawal_id))
    return to_withdrawal(rows[0]._asdict()) if rows else None


async def list_withdrawals(
    tx: Tx, wanted: WithdrawalFilter, /, *, after: TimeKey | None, limit: int
) -> list[Withdrawal]:
    """List withdrawals, newest first, from after a (create_time, withdrawal_id) on."""
    c = WITHDRAWAL.c
    statement = sa.select(WITHDRAWAL)
    if wanted.merchant_id:
        statement = statement.where(c.merchant_id == wanted.merchant_id)
    if wanted.settlement_id:
        statement = statement.where(sa.text(_FUNDED_BY).bindparams(settlement_id=wanted.settlement_id))
    if wanted.state:
        statement = statement.where(c.state == wanted.state)
    statement = newest_first(statement, (c.create_time, c.withdrawal_id), wanted, after).limit(limit)
    return [to_withdrawal(row._asdict()) for row in await tx.select(statement)]


def to_withdrawal(row: Mapping[str, Any]) -> Withdrawal:
    """Make a withdrawal of a row of its table."""
    values = dict(row)
    values["state"] = WithdrawalState(values["state"])
    return Withdrawal(**values)
