"""What the bank says, applied: answers to calls, inquiries and callbacks all take this one way."""

from collections.abc import Sequence
from dataclasses import dataclass

from paykit.channels import judging
from paykit.channels.attempt_table import EvidenceLog
from paykit.channels.attempts import AttemptState, EvidenceOutcome, RecordEvidence, Verdict
from paykit.channels.unmatched_evidence import UnmatchedEvidence, unmatched_facts
from paykit.contradictions.contradiction import Contradiction
from paykit.errors import DomainError
from paykit.postgres.database import Tx
from paykit.work import Rows, fold
from paystream.withdrawal.v1 import events
from services.withdrawal import domain, store
from services.withdrawal.commands import late_word, work
from services.withdrawal.commands.work import WithdrawalWork
from services.withdrawal.domain.attempt import PayoutAttempt
from services.withdrawal.domain.late_rules import PayoutWord
from services.withdrawal.domain.withdrawal import Withdrawal


@dataclass(frozen=True, slots=True, kw_only=True)
class _Hearing:
    """What evidence is weighed against: locked withdrawals with their attempts, and what was heard before."""

    rows: WithdrawalWork
    log: EvidenceLog
    contradictions: Rows[str, Contradiction]


async def record_evidence(tx: Tx, items: Sequence[RecordEvidence]) -> list[PayoutAttempt | DomainError]:
    """Apply evidence in order: it ends attempts, and with them withdrawals, or says something else than before.

    Emits WithdrawalCompleted, WithdrawalFailed, WithdrawalUnknown and WithdrawalReturned; of later words what
    `domain.late_rules` says. What counts as withdrawn follows. Evidence told before changes nothing. What cannot be
    applied is kept all the same, and emits EvidenceUnmatched. Refusals: AttemptNotFound, IllegalTransition,
    ChannelAmountMismatch.
    """
    attempt_ids = {item.evidence.attempt_id for item in items}
    withdrawals = await store.withdrawals.lock_of_attempts(tx, attempt_ids)
    rows = work.begin(tx, withdrawals, await store.attempts.lock(tx, attempt_ids))
    log = tx.track(EvidenceLog())
    await log.read(tx, rows.attempts, items)
    contradicted = [row.withdrawal_id for row in withdrawals.values() if row.contradicted]
    listed = await store.contradictions.of_withdrawals(tx, contradicted)
    hearing = _Hearing(rows=rows, log=log, contradictions=listed)
    results = fold(items, lambda item: _apply(hearing, item))
    await rows.save()
    await tx.save(log, listed)
    await store.unmatched_evidence.keep(tx, items, results, tell=_unmatched)
    return results


def _apply(hearing: _Hearing, item: RecordEvidence) -> PayoutAttempt:
    """Weigh one piece of evidence, and have attempt and withdrawal follow as the evidence before left them."""
    rows, evidence = hearing.rows, item.evidence
    attempt, verdict = judging.weigh(rows.attempts, evidence, hearing.log.heard)
    heard = hearing.log.heard.get(attempt.attempt_id, ())
    later_word = judging.later_word(attempt, evidence, heard)
    # The failure that overtook a return is the bank's last word; a payment that did is only what the return followed.
    is_overtaken = attempt.state is AttemptState.FAILED and judging.was_overtaken(evidence, heard)
    hearing.log.add(attempt, evidence, verdict)
    if verdict is not Verdict.CONFIRM:
        rows.attempts.put(domain.attempt.decide(attempt, evidence, verdict, now=rows.tx.now))
    if verdict is Verdict.CONTRADICT:
        _heed(hearing, item, domain.late_rules.word_of(_withdrawal(rows, attempt), evidence, later_word))
        return rows.attempts[attempt.attempt_id]
    _follow(hearing, item, verdict, _withdrawal(rows, attempt))
    if evidence.outcome is EvidenceOutcome.RETURNED and not is_overtaken:
        _heed(hearing, item, domain.late_rules.word_of(_withdrawal(rows, attempt), evidence, None))
    return rows.attempts[attempt.attempt_id]


def _withdrawal(rows: WithdrawalWork, attempt: PayoutAttempt) -> Withdrawal:
    return rows.withdrawals[attempt.withdrawal_id]


def _heed(hearing: _Hearing, item: RecordEvidence, word: PayoutWord | None) -> None:
    if word is not None:
        late_word.apply(hearing.rows, hearing.contradictions, item, word)


def _follow(hearing: _Hearing, item: RecordEvidence, verdict: Verdict, withdrawal: Withdrawal) -> None:
    """End a withdrawal as its attempt ended, or mark what is not known."""
    rows, evidence, now = hearing.rows, item.evidence, hearing.rows.tx.now
    if verdict is Verdict.SUCCEED:
        reference = domain.withdrawal.present(evidence.channel_reference or withdrawal.channel_reference, withdrawal)
        completed, paid = domain.withdrawal.complete(
            withdrawal, channel_reference=reference, attempt_id=evidence.attempt_id, now=now
        )
        rows.withdrawals.put(completed)
        rows.tx.emit(paid, cause=item.cause)
        if evidence.outcome is EvidenceOutcome.SUCCEEDED and evidence.amount_minor not in {
            None,
            completed.amount_minor,
        }:
            _heed(hearing, item, PayoutWord.OTHER_AMOUNT)
    elif verdict is Verdict.FAIL:
        failed, failure = domain.withdrawal.fail(
            withdrawal,
            reason=domain.attempt.failure_reason(evidence),
            code=evidence.failure_code,
            channel_reference=evidence.channel_reference,
            attempt_id=evidence.attempt_id,
            now=now,
        )
        rows.withdrawals.put(failed)
        rows.tx.emit(failure, cause=item.cause)
    elif verdict is Verdict.LOSE_ANSWER:
        unknown, lost = domain.withdrawal.lose_answer(
            withdrawal, channel_reference=evidence.channel_reference, attempt_id=evidence.attempt_id, now=now
        )
        rows.withdrawals.put(unknown)
        rows.tx.emit(lost, cause=item.cause)


def _unmatched(kept: UnmatchedEvidence) -> events.EvidenceUnmatched:
    return events.EvidenceUnmatched(**unmatched_facts(kept), withdrawal_id=kept.attempt_id)
