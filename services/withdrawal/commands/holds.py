"""What the ledger made of withdrawals: it holds the amount, or refuses to."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from paykit.cause import Cause
from paykit.errors import DomainError
from paykit.postgres.database import Tx
from services.withdrawal.commands import folding
from services.withdrawal.commands import withdrawals as commands
from services.withdrawal.commands.folding import Work
from services.withdrawal.domain import withdrawal as domain
from services.withdrawal.domain.withdrawal import Withdrawal, WithdrawalState


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
    """Apply the ledger's answers, in order; an answer told before changes nothing.

    A withdrawal that needs no second person is approved at once: emits WithdrawalApproved and queues the call to the
    bank. One that the ledger refused emits WithdrawalFailed and gives the amount back. Refusals: WithdrawalNotFound,
    IllegalTransition (the ledger said the opposite before).
    """
    work = await folding.lock(tx, [item.withdrawal_id for item in items])
    results = folding.fold(work, items, lambda item, before: _record(tx, item, before, work))
    await folding.save(tx, work)
    return results


def _record(tx: Tx, item: RecordHold, before: Withdrawal, work: Work) -> None:
    if _told_before(before, item):
        return
    if item.refusal is not None:
        after, event = domain.refuse(before, reason=item.refusal, now=tx.now)
        work.put(after)
        tx.emit(event, cause=item.cause)
        return
    held = work.put(domain.hold(before, now=tx.now))
    if not held.approval_required:
        # Nobody decided, so nobody is named: the actor of the ledger's event is who asked for the withdrawal.
        commands.approve(tx, work, held, decider=None, cause=replace(item.cause, actor=None))


def _told_before(withdrawal: Withdrawal, item: RecordHold) -> bool:
    if item.refusal is None:
        return withdrawal.funds_held
    return withdrawal.state is WithdrawalState.FAILED and not withdrawal.funds_held
