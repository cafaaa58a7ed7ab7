"""The SQL of withdrawals."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from paykit.contradictions.contradiction_table import OF_CONTRADICTIONS
from paykit.paging import TimeKey
from paykit.postgres.database import Tx
from paykit.postgres.lists.walk import Found, Walk
from paykit.postgres.table import Table
from paykit.work import Rows
from services.withdrawal.domain.withdrawal import Withdrawal
from services.withdrawal.domain.withdrawal_state import WithdrawalState
from services.withdrawal.store.blocking import BLOCKED_REASON

_OF_ATTEMPTS = "withdrawal_id IN (SELECT withdrawal_id FROM attempt WHERE attempt_id = ANY($1::text[]))"

# Those that have waited longest to be sent to a channel. Jobs of several processes pass each other's rows by.
_TO_SUBMIT = f"""
FROM withdrawal JOIN attempt USING (withdrawal_id)
WHERE {{bounds}}attempt.state = 'PENDING' AND attempt.channel = $1 AND {BLOCKED_REASON} IS NULL
ORDER BY attempt.due_time LIMIT $2 FOR UPDATE OF withdrawal SKIP LOCKED
"""

# First in, first out: the credits of a merchant and currency lie end to end in the order of their booking, and so does
# what used them up: withdrawals, as far as they did not come back, and adjustments that took away. A withdrawal is
# of a settlement where the two stretches overlap. As an array, what they are is worked out once and not for each row.
_FUNDED_BY = """
withdrawal_id = ANY(ARRAY(
    WITH settled AS (SELECT merchant_id, currency_code FROM credit WHERE source_id = {}),
    credits AS (
        SELECT source_id, amount_minor, sum(amount_minor) OVER (ORDER BY book_time, source_id) AS until_minor
        FROM credit JOIN settled USING (merchant_id, currency_code) WHERE amount_minor > 0),
    uses AS (
        SELECT use_id, amount_minor, sum(amount_minor) OVER (ORDER BY use_time, use_id) AS until_minor
        FROM (SELECT withdrawal_id AS use_id, create_time AS use_time, taken_minor AS amount_minor
              FROM withdrawal JOIN settled USING (merchant_id, currency_code) WHERE taken_minor > 0
              UNION ALL
              SELECT source_id, book_time, -amount_minor
              FROM credit JOIN settled USING (merchant_id, currency_code) WHERE amount_minor < 0) AS taken)
    SELECT use_id FROM uses JOIN credits ON credits.source_id = {}
        AND uses.until_minor - uses.amount_minor < credits.until_minor
        AND credits.until_minor - credits.amount_minor < uses.until_minor))
"""

_BLOCKED = f"({BLOCKED_REASON} IS NOT NULL) = {{}}"

# Whose funds they are, so that the index of the merchant is walked.
_OF_SETTLEMENT = "merchant_id = (SELECT merchant_id FROM credit WHERE source_id = {})"


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawalFilter:
    """What lists of withdrawals select; None selects all.

    Attributes:
        settlement_id: Only withdrawals that its funds went into.
        blocked: True for those that something keeps from being sent.
        create_time_before, update_time_before: Exclusive; other bounds belong to their range.
    """

    merchant_id: str | None
    settlement_id: str | None
    merchant_reference: str | None
    state: WithdrawalState | None
    blocked: bool | None
    create_time_min: datetime | None
    create_time_before: datetime | None
    currency_code: str | None = None
    amount_minor_min: int | None = None
    amount_minor_max: int | None = None
    bank_account_id: str | None = None
    channel_reference: str | None = None
    update_time_min: datetime | None = None
    update_time_before: datetime | None = None
    oldest_first: bool = False


class Withdrawals(Table[str, Withdrawal]):
    """The table `withdrawal`; its lock is the one under which everything about a withdrawal changes."""

    async def lock_of_attempts(self, tx: Tx, attempt_ids: Collection[str]) -> Rows[str, Withdrawal]:
        """Lock the withdrawals that attempts are for."""
        return await self.lock_where(tx, _OF_ATTEMPTS, attempt_ids)

    async def lock_of_contradictions(self, tx: Tx, contradiction_ids: Collection[str]) -> Rows[str, Withdrawal]:
        """Lock the withdrawals that contradictions are about."""
        return await self.lock_where(tx, f"withdrawal_id {OF_CONTRADICTIONS}", contradiction_ids)

    async def claim_to_submit(self, tx: Tx, *, channel: str, limit: int) -> Rows[str, Withdrawal]:
        """Lock withdrawals that wait to be sent to a channel, as far as no other transaction has them."""
        bounds, keys = tx.claims.bounds(("withdrawal.withdrawal_id",), first=3)
        sql = f"SELECT {self.selected} {_TO_SUBMIT.format(bounds=bounds)}"
        rows = self.rows(tx, [self.read(row) for row in await tx.lock(self.name, sql, channel, limit, *keys)])
        tx.claims.take(rows)
        return rows

    async def list(
        self, tx: Tx, selection: WithdrawalFilter, *, after: TimeKey | None, limit: int
    ) -> Found[Withdrawal]:
        """List withdrawals in the order asked for, from after a (create_time, withdrawal_id) on."""
        return await withdrawal_walk.page(tx, selection, after=after, limit=limit)

    async def list_to_decide(
        self, tx: Tx, selection: WithdrawalFilter, *, after: TimeKey | None, limit: int
    ) -> Found[Withdrawal]:
        """List withdrawals of all merchants that wait for a decision, as `list`."""
        return await held_walk.page(tx, selection, after=after, limit=limit)

    async def list_blocked(
        self, tx: Tx, selection: WithdrawalFilter, *, after: TimeKey | None, limit: int
    ) -> Found[Withdrawal]:
        """List withdrawals of all merchants that something keeps from being sent, as `list`, with `blocked`."""
        return await approved_walk.page(tx, selection, after=after, limit=limit)


withdrawals = Withdrawals(
    Withdrawal,
    "withdrawal",
    key="withdrawal_id",
    changing=(
        *("state", "decider", "stated", "funds_held", "channel", "channel_reference", "failure_reason", "failure_code"),
        *("return_code", "contradicted", "returned_minor", "paid_late", "bounced", "submit_time"),
        *("taken_minor", "aggregate_version", "update_time"),
    ),
    computed={"blocked_reason": BLOCKED_REASON},
)

withdrawal_walk = Walk(
    withdrawals,
    scopes=(("merchant_id",), ()),
    unique=(("merchant_id", "merchant_reference"),),
    served_by={"settlement_id": _OF_SETTLEMENT},
    asked={"settlement_id": _FUNDED_BY, "blocked": _BLOCKED},
)
held_walk = Walk(withdrawals, scopes=((),), where="state = 'HELD'")
approved_walk = Walk(withdrawals, scopes=((),), where="state = 'APPROVED'", asked={"blocked": _BLOCKED})
