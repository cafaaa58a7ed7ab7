"""The withdrawals that a transaction has locked, and what is queued for the bank."""

from collections.abc import Mapping
from dataclasses import dataclass

from paykit.base.channel_routes import DEFAULT_CHANNEL
from paykit.cause import Cause
from paykit.ids import new_id
from paykit.postgres.database import Tx
from paykit.work import Rows
from services.withdrawal import domain, store
from services.withdrawal.domain.attempt import PAY, PayoutAttempt
from services.withdrawal.domain.withdrawal import Withdrawal

CHANNEL = DEFAULT_CHANNEL
"""The channel that withdrawals go through."""
SUBMISSION_JOBS = ("submit_withdrawals", "submit_withdrawals_2")
"""The jobs that send what is approved, one for each lane: a batch that the bank answers slowly holds up one of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawalWork:
    """Locked withdrawals, as each step leaves them for the next, and their calls to the bank.

    Attributes:
        attempts: Locked after their withdrawals; new ones are queued.
        taken_minor: By withdrawal, what it took of the merchant's funds when it was locked.
    """

    tx: Tx
    withdrawals: Rows[str, Withdrawal]
    attempts: Rows[str, PayoutAttempt]
    taken_minor: Mapping[str, int]

    def approve(self, withdrawal: Withdrawal, *, decider: str | None, cause: Cause) -> Withdrawal:
        """Approve a withdrawal and queue the call to the bank; emits WithdrawalApproved.

        Raises:
            IllegalTransition: The ledger does not hold the amount, or it was decided on before.
        """
        now = self.tx.now
        approved, event = domain.withdrawal.approve(withdrawal, decider=decider, channel=CHANNEL, now=now)
        self.attempts.add(
            PayoutAttempt(
                attempt_id=new_id("att", of=approved.merchant_id),
                withdrawal_id=approved.withdrawal_id,
                action=PAY,
                channel=CHANNEL,
                amount_minor=approved.amount_minor,
                currency_code=approved.currency_code,
                traceparent=cause.traceparent,
                create_time=now,
                update_time=now,
            )
        )
        self.tx.emit(event, cause=cause)
        return self.withdrawals.put(approved)

    def never_send(self, withdrawal: Withdrawal, *, reason: str) -> None:
        """End the call to the bank that is queued for a withdrawal, if there is one."""
        for attempt in [row for row in self.attempts.values() if row.withdrawal_id == withdrawal.withdrawal_id]:
            self.attempts.put(domain.attempt.never_send(attempt, reason=reason, now=self.tx.now))

    async def save(self) -> None:
        """Write every row that is new or changed, and count as withdrawn what the withdrawals now take of funds."""
        await self.tx.save(self.withdrawals, self.attempts)
        changes = [
            ((row.merchant_id, row.currency_code), row.taken_minor - self.taken_minor[row.withdrawal_id])
            for row in self.withdrawals.values()
        ]
        await store.change_funds(self.tx, changes)


def begin(
    tx: Tx, withdrawals: Rows[str, Withdrawal], attempts: Rows[str, PayoutAttempt] | None = None
) -> WithdrawalWork:
    """Begin work on locked withdrawals, and on their locked attempts where those may change."""
    return WithdrawalWork(
        tx=tx,
        withdrawals=withdrawals,
        attempts=store.attempts.rows(tx) if attempts is None else attempts,
        taken_minor={row.withdrawal_id: row.taken_minor for row in withdrawals.values()},
    )
