"""What the ledger made of withdrawals: it holds the amount, or refuses to."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from paykit.cause import Cause
from paykit.errors import DomainError
from paykit.postgres.database import Tx
from paykit.work import fold
from services.withdrawal import domain, store
from services.withdrawal.commands import work
from services.withdrawal.commands.work import WithdrawalWork
from services.withdrawal.domain.withdrawal import Withdrawal
from services.withdrawal.domain.withdrawal_state import WithdrawalState


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordHold:
    """The ledger's answer to a withdrawal.

    Attributes:
        refusal: Why it would not hold the amount, UPPER_SNAKE; None if it does.
    """

    withdrawal_id: str
    refusal: str | None
    cause: Cause


async def record_holds(tx: Tx, items: Sequence[RecordHold]) -> list[Withdrawal | DomainError]:
    """Apply the ledger's answers, in order; an answer recorded before changes nothing.

    A withdrawal that needs no second person is approved at once: emits WithdrawalApproved and queues the call to the
    bank. One that the ledger refused emits WithdrawalFailed and gives the amount back. Refusals: WithdrawalNotFound,
    IllegalTransition (the ledger said the opposite before).
    """
    rows = work.begin(tx, await store.withdrawals.lock(tx, [item.withdrawal_id for item in items]))
    results = fold(items, lambda item: _record(rows, item))
    await rows.save()
    return results


def _record(rows: WithdrawalWork, item: RecordHold) -> Withdrawal:
    withdrawal = rows.withdrawals.require(item.withdrawal_id, domain.withdrawal.not_found)
    if _recorded_before(withdrawal, item):
        return withdrawal
    if item.refusal is not None:
        failed, event = domain.withdrawal.refuse(withdrawal, reason=item.refusal, now=rows.tx.now)
        rows.tx.emit(event, cause=item.cause)
        return rows.withdrawals.put(failed)
    held = domain.withdrawal.hold(withdrawal, now=rows.tx.now)
    if held.approval_required:
        return rows.withdrawals.put(held)
    # Nobody decided, so nobody is named: the actor of the ledger's event is who asked for the withdrawal.
    return rows.approve(held, decider=None, cause=replace(item.cause, actor=None))


def _recorded_before(withdrawal: Withdrawal, item: RecordHold) -> bool:
    if item.refusal is None:
        return withdrawal.funds_held
    return withdrawal.state is WithdrawalState.FAILED and not withdrawal.funds_held
