"""The withdrawals that a transaction has locked, and what is queued for the bank."""

from collections.abc import Iterable
from dataclasses import dataclass

from paykit.base.channel_routes import DEFAULT_CHANNEL
from paykit.cause import Cause
from paykit.ids import new_id
from paykit.postgres.database import Tx
from paykit.work import Rows
from services.withdrawal import domain, store
from services.withdrawal.domain.attempt import PAY, PayoutAttempt
from services.withdrawal.domain.withdrawal import GIVEN_BACK, Withdrawal

CHANNEL = DEFAULT_CHANNEL
"""The channel that withdrawals go through."""
SUBMISSION_JOBS = ("submit_withdrawals", "submit_withdrawals_2")
"""The jobs that send what is approved, one for each lane: a batch that the bank answers slowly holds up one of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawalWork:
    """Locked withdrawals, as each step leaves them for the next, and their calls to the bank.

    Attributes:
        attempts: Locked after their withdrawals; new ones are queued.
        given_back: The withdrawals whose amount can be withdrawn again, when they were locked.
    """

    tx: Tx
    withdrawals: Rows[str, Withdrawal]
    attempts: Rows[str, PayoutAttempt]
    given_back: frozenset[str]

    def approve(self, withdrawal: Withdrawal, *, decider: str | None, cause: Cause) -> Withdrawal:
        """Approve a withdrawal and queue the call to the bank; emits WithdrawalApproved.

        Raises:
            IllegalTransition: The ledger does not hold the amount, or it was decided on before.
        """
        now = self.tx.now
        approved, event = domain.withdrawal.approve(withdrawal, decider=decider, channel=CHANNEL, now=now)
        self.attempts.add(
            PayoutAttempt(
                attempt_id=new_id("att"),
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

    async def save(self) -> None:
        """Write every row that is new or changed, and give the amounts back of what has ended unpaid."""
        await self.tx.save(self.withdrawals, self.attempts)
        given_back = [self.withdrawals[i] for i in _given_back(self.withdrawals.values()) - self.given_back]
        amounts = [((row.merchant_id, row.currency_code), row.amount_minor) for row in given_back]
        await store.give_back_funds(self.tx, amounts)


def begin(
    tx: Tx, withdrawals: Rows[str, Withdrawal], attempts: Rows[str, PayoutAttempt] | None = None
) -> WithdrawalWork:
    """Begin work on locked withdrawals, and on their locked attempts where those may change."""
    return WithdrawalWork(
        tx=tx,
        withdrawals=withdrawals,
        attempts=store.attempts.rows(tx) if attempts is None else attempts,
        given_back=_given_back(withdrawals.values()),
    )


def _given_back(withdrawals: Iterable[Withdrawal]) -> frozenset[str]:
    return frozenset(withdrawal.withdrawal_id for withdrawal in withdrawals if withdrawal.state in GIVEN_BACK)
