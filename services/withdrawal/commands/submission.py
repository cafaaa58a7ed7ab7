"""Handing approved withdrawals to the bank: each is looked at again when it is sent."""

from collections.abc import Mapping

from paykit.cause import Cause
from paykit.postgres.database import Tx
from services.withdrawal import domain, store
from services.withdrawal.commands import work
from services.withdrawal.commands.work import WithdrawalWork
from services.withdrawal.domain.attempt import PayoutAttempt
from services.withdrawal.domain.bank_account import BankAccount, BankAccountState
from services.withdrawal.domain.withdrawal import BANK_ACCOUNT_DISABLED, Withdrawal
from services.withdrawal.store import ClaimedPayout


async def submit_withdrawals(tx: Tx, *, channel: str, limit: int, lease_s: float) -> list[ClaimedPayout]:
    """Take the withdrawals that have waited longest for a channel and that nothing blocks, to send them.

    Emits WithdrawalSubmitted for each. One whose bank account is not to be used any more is not sent: it emits
    WithdrawalFailed and its amount comes back.
    """
    withdrawals = await store.withdrawals.claim_to_submit(tx, channel=channel, limit=limit)
    if not withdrawals:
        return []
    accounts = await store.bank_accounts.by_key(tx, [row.bank_account_id for row in withdrawals.values()])
    payable = [row.withdrawal_id for row in withdrawals.values() if _takes_payouts(row, accounts)]
    rows = work.begin(tx, withdrawals, await store.attempts.lock_of(tx, set(withdrawals) - set(payable)))
    for attempt in list(rows.attempts.values()):
        _fail(rows, attempt)
    payouts = await store.attempts.claim_of(tx, payable, lease_s=lease_s)
    for payout in payouts:
        _submit(rows, payout)
    await rows.save()
    return payouts


def _takes_payouts(withdrawal: Withdrawal, accounts: Mapping[str, BankAccount]) -> bool:
    return accounts[withdrawal.bank_account_id].state is BankAccountState.VERIFIED


def _submit(rows: WithdrawalWork, payout: ClaimedPayout) -> None:
    attempt, tx = payout.attempt, rows.tx
    withdrawal = rows.withdrawals[attempt.withdrawal_id]
    submitted, event = domain.withdrawal.submit(withdrawal, attempt_id=attempt.attempt_id, now=tx.now)
    rows.withdrawals.put(submitted)
    tx.emit(event, cause=_cause(submitted, attempt))


def _fail(rows: WithdrawalWork, attempt: PayoutAttempt) -> None:
    failed, event = domain.withdrawal.fail(
        rows.withdrawals[attempt.withdrawal_id],
        reason=BANK_ACCOUNT_DISABLED,
        code=None,
        channel_reference=None,
        attempt_id=attempt.attempt_id,
        now=rows.tx.now,
    )
    rows.never_send(failed, reason=BANK_ACCOUNT_DISABLED)
    rows.withdrawals.put(failed)
    rows.tx.emit(event, cause=_cause(failed, attempt))


def _cause(withdrawal: Withdrawal, attempt: PayoutAttempt) -> Cause:
    return Cause(withdrawal.correlation_id, attempt.attempt_id, None, attempt.traceparent)
