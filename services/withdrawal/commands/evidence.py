"""What the bank says, applied: answers to calls, inquiries and callbacks all take this one way."""

from collections.abc import Sequence
from dataclasses import dataclass

import structlog
from prometheus_client import Counter

from paykit.channels import attempts
from paykit.channels.attempt_table import EvidenceLog
from paykit.channels.attempts import Evidence, EvidenceOutcome, RecordEvidence, Verdict
from paykit.errors import DomainError, InvariantError
from paykit.postgres.database import Tx
from paykit.work import Rows, fold
from services.withdrawal.commands import folding
from services.withdrawal.commands.folding import Work
from services.withdrawal.domain import attempt
from services.withdrawal.domain import withdrawal as domain
from services.withdrawal.domain.attempt import Attempt
from services.withdrawal.domain.withdrawal import Withdrawal, WithdrawalState
from services.withdrawal.store.attempts import ATTEMPTS

CONTRADICTIONS = Counter(
    "paystream_withdrawal_contradictions_total",
    "Withdrawals of which the bank said the opposite of what it said first.",
)

_log = structlog.get_logger()


@dataclass(slots=True, kw_only=True)
class _Known:
    """The locked rows that the evidence is about, as the evidence before left them, and what is to be written."""

    attempts: Rows[str, Attempt]
    work: Work
    evidence: EvidenceLog


async def record_evidence(tx: Tx, items: Sequence[RecordEvidence]) -> list[Attempt | DomainError]:
    """Apply evidence in order: it ends attempts, and with them withdrawals, or marks a contradiction.

    Emits WithdrawalCompleted, WithdrawalFailed and WithdrawalReturned, and gives amounts back. Evidence told before
    changes nothing. Refusals: AttemptNotFound, IllegalTransition, ChannelAmountMismatch.
    """
    # Attempts before withdrawals, as the job that sends them: it must claim attempts to know their withdrawals.
    locked = await ATTEMPTS.lock(tx, sorted({item.evidence.attempt_id for item in items}))
    work = await folding.lock(tx, [attempt.withdrawal_id for attempt in locked.values()])
    known = _Known(attempts=locked, work=work, evidence=tx.track(EvidenceLog()))
    results = fold(items, lambda item: _apply(tx, item, known))
    await folding.save(tx, known.work)
    await tx.save(known.attempts, known.evidence)
    return results


def _apply(tx: Tx, item: RecordEvidence, known: _Known) -> Attempt:
    evidence = item.evidence
    before, verdict = attempts.weigh(known.attempts, evidence)
    if not attempts.changes_nothing(before, verdict):
        _follow(tx, item, verdict, work=known.work, withdrawal_id=before.withdrawal_id)
        known.attempts.put(attempt.decide(before, evidence, verdict, now=tx.now))
    if evidence.outcome is EvidenceOutcome.RETURNED and verdict is not Verdict.CONTRADICT:
        _return(tx, item, known.work, known.work.withdrawals[before.withdrawal_id])
    known.evidence.add(evidence, verdict)
    return known.attempts[before.attempt_id]


def _follow(tx: Tx, item: RecordEvidence, verdict: Verdict, *, work: Work, withdrawal_id: str) -> None:
    """Have the withdrawal follow its attempt."""
    before, evidence = work.withdrawals[withdrawal_id], item.evidence
    if verdict is Verdict.SUCCEED:
        completed, paid = domain.complete(before, channel_reference=_reference(before, evidence), now=tx.now)
        work.put(completed)
        tx.emit(paid, cause=item.cause)
    elif verdict is Verdict.FAIL:
        failed, failure = domain.fail(
            before,
            reason=attempt.failure_reason(evidence),
            code=evidence.failure_code,
            channel_reference=evidence.channel_reference,
            now=tx.now,
        )
        work.put(failed)
        tx.emit(failure, cause=item.cause)
    elif verdict is Verdict.LOSE_ANSWER:
        work.put(domain.lose_answer(before, channel_reference=evidence.channel_reference, now=tx.now))
    elif verdict is Verdict.CONTRADICT:
        work.put(_contradicted(tx, before, evidence))


def _contradicted(tx: Tx, before: Withdrawal, evidence: Evidence) -> Withdrawal:
    """Mark the withdrawal, and let somebody know: whatever was paid or not must be looked into by people."""
    CONTRADICTIONS.inc()
    _log.error(
        "withdrawal_contradicted",
        withdrawal_id=before.withdrawal_id,
        attempt_id=evidence.attempt_id,
        recorded=before.state,
        reported=evidence.outcome,
        channel_reference=evidence.channel_reference,
    )
    return domain.contradict(before, now=tx.now)


def _return(tx: Tx, item: RecordEvidence, work: Work, withdrawal: Withdrawal) -> None:
    """Take a completed withdrawal back, once however often it is told."""
    if withdrawal.state is WithdrawalState.RETURNED:
        return
    after, event = domain.send_back(withdrawal, code=item.evidence.failure_code, now=tx.now)
    work.put(after)
    tx.emit(event, cause=item.cause)


def _reference(withdrawal: Withdrawal, evidence: Evidence) -> str:
    reference = evidence.channel_reference or withdrawal.channel_reference
    if reference is None:
        raise InvariantError(f"withdrawal {withdrawal.withdrawal_id} was paid without a reference of the bank")
    return reference
