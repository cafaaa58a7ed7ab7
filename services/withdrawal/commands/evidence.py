"""What the bank says, applied: answers to calls, inquiries and callbacks all take this one way."""

from collections.abc import Sequence

import structlog
from prometheus_client import Counter

from paykit.channels import judging
from paykit.channels.attempt_table import EvidenceLog
from paykit.channels.attempts import Evidence, EvidenceOutcome, RecordEvidence, Verdict
from paykit.errors import DomainError, InvariantError
from paykit.postgres.database import Tx
from paykit.work import fold
from services.withdrawal import domain, store
from services.withdrawal.commands import work
from services.withdrawal.commands.work import WithdrawalWork
from services.withdrawal.domain.attempt import PayoutAttempt
from services.withdrawal.domain.withdrawal import Withdrawal, WithdrawalState

CONTRADICTIONS = Counter(
    "paystream_withdrawal_contradictions_total",
    "Withdrawals of which the bank said the opposite of what it said first.",
)

_log = structlog.get_logger()


async def record_evidence(tx: Tx, items: Sequence[RecordEvidence]) -> list[PayoutAttempt | DomainError]:
    """Apply evidence in order: it ends attempts, and with them withdrawals, or marks a contradiction.

    Emits WithdrawalCompleted, WithdrawalFailed and WithdrawalReturned, and gives amounts back. Evidence told before
    changes nothing. Refusals: AttemptNotFound, IllegalTransition, ChannelAmountMismatch.
    """
    attempt_ids = {item.evidence.attempt_id for item in items}
    withdrawals = await store.withdrawals.lock_of_attempts(tx, attempt_ids)
    rows = work.begin(tx, withdrawals, await store.attempts.lock(tx, attempt_ids))
    log = tx.track(EvidenceLog())
    await log.read(tx, rows.attempts, items)
    results = fold(items, lambda item: _apply(rows, item, log))
    await rows.save()
    await tx.save(log)
    return results


def _apply(rows: WithdrawalWork, item: RecordEvidence, log: EvidenceLog) -> PayoutAttempt:
    """Weigh one piece of evidence, and have the withdrawal follow its attempt as the evidence before left them."""
    evidence = item.evidence
    attempt, verdict = judging.weigh(rows.attempts, evidence, log.heard)
    log.add(attempt, evidence, verdict)
    if verdict is not Verdict.CONFIRM:
        _follow(rows, item, verdict, rows.withdrawals[attempt.withdrawal_id])
        attempt = rows.attempts.put(domain.attempt.decide(attempt, evidence, verdict, now=rows.tx.now))
    if evidence.outcome is EvidenceOutcome.RETURNED and verdict is not Verdict.CONTRADICT:
        _return(rows, item, rows.withdrawals[attempt.withdrawal_id])
    return attempt


def _follow(rows: WithdrawalWork, item: RecordEvidence, verdict: Verdict, withdrawal: Withdrawal) -> None:
    """End a withdrawal as its attempt ended, or mark what is not known or contradicted."""
    evidence, now = item.evidence, rows.tx.now
    if verdict is Verdict.SUCCEED:
        reference = _reference(withdrawal, evidence)
        completed, paid = domain.withdrawal.complete(withdrawal, channel_reference=reference, now=now)
        rows.withdrawals.put(completed)
        rows.tx.emit(paid, cause=item.cause)
    elif verdict is Verdict.FAIL:
        failed, failure = domain.withdrawal.fail(
            withdrawal,
            reason=domain.attempt.failure_reason(evidence),
            code=evidence.failure_code,
            channel_reference=evidence.channel_reference,
            now=now,
        )
        rows.withdrawals.put(failed)
        rows.tx.emit(failure, cause=item.cause)
    elif verdict is Verdict.LOSE_ANSWER:
        unknown = domain.withdrawal.lose_answer(withdrawal, channel_reference=evidence.channel_reference, now=now)
        rows.withdrawals.put(unknown)
    elif verdict is Verdict.CONTRADICT:
        _alert(withdrawal, evidence)
        rows.withdrawals.put(domain.withdrawal.contradict(withdrawal, now=now))


def _alert(withdrawal: Withdrawal, evidence: Evidence) -> None:
    """Let somebody know of a contradiction: whatever was paid or not must be looked into by people."""
    CONTRADICTIONS.inc()
    _log.error(
        "withdrawal_contradicted",
        withdrawal_id=withdrawal.withdrawal_id,
        attempt_id=evidence.attempt_id,
        recorded=withdrawal.state,
        reported=evidence.outcome,
        channel_reference=evidence.channel_reference,
    )


def _return(rows: WithdrawalWork, item: RecordEvidence, withdrawal: Withdrawal) -> None:
    """Take a completed withdrawal back, once however often it is told."""
    if withdrawal.state is WithdrawalState.RETURNED:
        return
    returned, event = domain.withdrawal.send_back(withdrawal, code=item.evidence.failure_code, now=rows.tx.now)
    rows.withdrawals.put(returned)
    rows.tx.emit(event, cause=item.cause)


def _reference(withdrawal: Withdrawal, evidence: Evidence) -> str:
    reference = evidence.channel_reference or withdrawal.channel_reference
    if reference is None:
        raise InvariantError(f"withdrawal {withdrawal.withdrawal_id} was paid without a reference of the bank")
    return reference
