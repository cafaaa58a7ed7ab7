"""Withdrawal's tables `attempt` and `evidence`; most of their SQL is in `paykit.channels.attempt_table`."""

from collections.abc import Collection
from dataclasses import dataclass

from paykit.channels.attempt_table import AttemptTable
from paykit.channels.attempts import Claimed
from paykit.postgres.database import Tx
from paykit.work import Rows
from services.withdrawal.domain.attempt import PayoutAttempt
from services.withdrawal.store.blocking import BLOCKED_REASON

ATTEMPTS_SHOWN_MAX = 10
"""Attempts of one withdrawal that GetWithdrawal shows; it has one."""

# Takes the attempts of locked withdrawals off the queue, for good; nobody else can be taking them.
_CLAIM_OF = """
UPDATE attempt SET state = 'STARTED', start_time = clock_timestamp(), due_time = now() + $2::float8 * interval '1 s'
FROM withdrawal
WHERE attempt.withdrawal_id = ANY($1::text[]) AND attempt.state = 'PENDING'
    AND withdrawal.withdrawal_id = attempt.withdrawal_id
RETURNING {claimed}
"""

_ANY_PENDING = f"""
SELECT EXISTS (SELECT FROM withdrawal JOIN attempt USING (withdrawal_id)
               WHERE attempt.state = 'PENDING' AND attempt.channel = $1 AND {BLOCKED_REASON} IS NULL)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimedPayout(Claimed[PayoutAttempt]):
    """An attempt taken for sending or inquiring, with where the money is to go."""

    destination_token: str


class PayoutAttempts(AttemptTable[PayoutAttempt, ClaimedPayout]):
    """The calls to the bank."""

    async def any_pending(self, tx: Tx, *, channel: str) -> bool:
        """Return whether attempts wait to be sent to a channel that nothing blocks."""
        return bool((await tx.fetch(_ANY_PENDING, channel))[0][0])

    async def lock_of(self, tx: Tx, withdrawal_ids: Collection[str]) -> Rows[str, PayoutAttempt]:
        """Lock the attempts of locked withdrawals."""
        return await self.lock_where(tx, "withdrawal_id = ANY($1::text[])", sorted(withdrawal_ids))

    async def claim_of(self, tx: Tx, withdrawal_ids: Collection[str], *, lease_s: float) -> list[ClaimedPayout]:
        """Take the attempts of locked withdrawals, to send them."""
        sql = _CLAIM_OF.format(claimed=self.claimed)
        return self._claimed(await tx.lock(self.name, sql, withdrawal_ids, lease_s))


attempts = PayoutAttempts(
    PayoutAttempt,
    aggregate="withdrawal",
    beside=("merchant_id", "destination_token", "correlation_id"),
    claimed=ClaimedPayout,
)
