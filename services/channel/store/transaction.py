"""The SQL of attempts, of the transactions that they became, of authorizations, and of later lines."""

from collections.abc import Collection

from paykit.postgres.database import Tx
from paykit.postgres.table import Table
from paykit.work import Rows
from services.channel.domain.line import ChannelLine
from services.channel.domain.transaction import Authorization, ChannelTransaction

# Waits for a concurrent transaction that has the same attempt, in key order so that two batches cannot deadlock.
_CLAIM_ATTEMPTS = """
INSERT INTO attempt (attempt_id) SELECT a FROM unnest($1::text[]) AS a ORDER BY a ON CONFLICT DO NOTHING
RETURNING attempt_id
"""

_RELEASE_ATTEMPTS = "DELETE FROM attempt WHERE attempt_id = ANY($1::text[])"


class ChannelTransactions(Table[str, ChannelTransaction]):
    """The table `channel_transaction`: one row for each attempt that is on record."""

    async def lock_named(self, tx: Tx, attempt_ids: Collection[str]) -> Rows[str, ChannelTransaction]:
        """Lock the transactions of some attempts, and hold their references."""
        named = await self.lock(tx, attempt_ids)
        tx.hold(*(transaction.channel_reference for transaction in named.values()))
        return named

    async def lock_waiting(self, tx: Tx, references: Collection[str]) -> Rows[str, ChannelTransaction]:
        """Lock what waits for its payer, by the channel's references; no statement where none is named."""
        if not references:
            return self.rows(tx)
        condition = "channel_reference = ANY($1::text[]) AND next_action IS NOT NULL AND outcome = 'PENDING'"
        return await self.lock_where(tx, condition, list(references))

    async def lock_open(self, tx: Tx, *, limit: int) -> Rows[str, ChannelTransaction]:
        """Lock transactions whose decision is due and that no other process decides; hold their references."""
        condition = "resolve_time <= $1 ORDER BY resolve_time, attempt_id LIMIT $2"
        due = await self.claim_where(tx, condition, tx.now, limit)
        tx.hold(*(transaction.channel_reference for transaction in due.values()))
        return due


transactions = ChannelTransactions(
    ChannelTransaction,
    "channel_transaction",
    key="attempt_id",
    changing=(
        *("amount_minor", "fee_minor", "outcome", "decline_code", "later", "resolve_time", "line_date"),
        *("return_time", "returned_minor", "second_reference", "second_minor", "update_time", "version"),
    ),
)

authorizations: Table[str, Authorization] = Table(
    Authorization,
    "card_authorization",
    key="authorization_reference",
    changing=(
        *("amount_minor", "status", "cancelled", "taken_minor", "captured_minor", "refunded_minor", "disputed_minor"),
        *("refund_declines_left", "cancel_undone"),
    ),
)

later_lines: Table[str, ChannelLine] = Table(ChannelLine, "later_line", key="line_id", changing=())


async def claim_attempts(tx: Tx, attempt_ids: Collection[str]) -> set[str]:
    """Take attempts that nobody took before, and return those taken now."""
    return {row["attempt_id"] for row in await tx.lock("attempt", _CLAIM_ATTEMPTS, list(attempt_ids))}


async def release_attempts(tx: Tx, attempt_ids: Collection[str]) -> None:
    """Give back attempts that were taken in this transaction and of which nothing came."""
    if attempt_ids:
        await tx.run(_RELEASE_ATTEMPTS, list(attempt_ids))
