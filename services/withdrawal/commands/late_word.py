"""What the bank says of a payout that has ended, applied by the table of `domain.late_rules`."""

import structlog
from prometheus_client import Counter

from paykit.cause import Cause
from paykit.channels.attempts import Evidence, RecordEvidence
from paykit.contradictions import contradiction as contradictions
from paykit.contradictions.contradiction import UNRESOLVED, Contradiction, ContradictionKind
from paykit.ids import new_id
from paykit.work import Rows
from services.withdrawal import domain
from services.withdrawal.commands.work import WithdrawalWork
from services.withdrawal.domain.late_rules import LateRule, PayoutMovement, PayoutWord
from services.withdrawal.domain.late_word import BankWord
from services.withdrawal.domain.withdrawal import Withdrawal

CONTRADICTIONS = Counter(
    "paystream_withdrawal_contradictions_total",
    "Withdrawals of which the bank said the opposite of what it said first.",
)

_log = structlog.get_logger()


def apply(rows: WithdrawalWork, listed: Rows[str, Contradiction], item: RecordEvidence, word: PayoutWord) -> None:
    """Have a withdrawal follow a later word: move what it moves, list what it contradicts, settle what it explains.

    Emits what `domain.late_rules` says, and WithdrawalContradicted or WithdrawalContradictionResolved.
    """
    before = rows.withdrawals[rows.attempts[item.evidence.attempt_id].withdrawal_id]
    rule = domain.late_rules.rule_of(before, word)
    late = BankWord(word=word, evidence=item.evidence, recorded=before.state)
    if _listed_before(listed, before, late, rule):
        return
    after = _move(rows, before, item, rule.movement)
    if rule.kind is not None:
        needs_decision = domain.late_rules.needs_decision(rule, before=before, after=after)
        _list(rows, listed, after, late, kind=rule.kind, needs_decision=needs_decision, cause=item.cause)
    if word is PayoutWord.RETURNED and (item.evidence.amount_minor or 0) > before.amount_minor:
        more = BankWord(word=PayoutWord.RETURNED_OTHER, evidence=item.evidence, recorded=after.state)
        withdrawal = rows.withdrawals[after.withdrawal_id]
        other = ContradictionKind.OTHER_AMOUNT
        _list(rows, listed, withdrawal, more, kind=other, needs_decision=True, cause=item.cause)
    _settle(rows, listed, rows.withdrawals[after.withdrawal_id], word, cause=item.cause)


def _listed_before(listed: Rows[str, Contradiction], withdrawal: Withdrawal, late: BankWord, rule: LateRule) -> bool:
    """Return whether the same was said before where no attempt remembers it."""
    if rule.movement is not PayoutMovement.NOTHING:
        return False
    said = (withdrawal.withdrawal_id, rule.kind, late.word, late.evidence.channel_reference, _amount(withdrawal, late))
    return any(
        (row.aggregate_id, row.kind, row.reported, row.channel_reference, row.amount_minor) == said
        for row in listed.values()
    )


def _amount(withdrawal: Withdrawal, late: BankWord) -> int:
    return late.evidence.amount_minor or withdrawal.amount_minor


def _move(rows: WithdrawalWork, withdrawal: Withdrawal, item: RecordEvidence, movement: PayoutMovement) -> Withdrawal:
    evidence, tx = item.evidence, rows.tx
    if movement in {PayoutMovement.OUT, PayoutMovement.OUT_AND_RETURN}:
        withdrawal, paid = domain.late_word.pay_late(withdrawal, evidence=evidence, now=tx.now)
        if paid is not None:
            tx.emit(paid, cause=item.cause)
    if movement is PayoutMovement.MORE:
        withdrawal = domain.late_word.take_more(withdrawal, evidence=evidence, now=tx.now)
    if movement is PayoutMovement.BACK:
        withdrawal, bounced = domain.late_word.bounce(withdrawal, evidence=evidence, now=tx.now)
        if bounced is not None:
            tx.emit(bounced, cause=item.cause)
    if movement in {PayoutMovement.RETURN, PayoutMovement.OUT_AND_RETURN}:
        withdrawal, returned = domain.withdrawal.send_back(
            withdrawal,
            returned_minor=evidence.amount_minor,
            code=evidence.failure_code,
            attempt_id=evidence.attempt_id,
            now=tx.now,
        )
        tx.emit(returned, cause=item.cause)
    return rows.withdrawals.put(withdrawal)


def _list(
    rows: WithdrawalWork,
    listed: Rows[str, Contradiction],
    withdrawal: Withdrawal,
    late: BankWord,
    *,
    kind: ContradictionKind,
    needs_decision: bool,
    cause: Cause,
) -> None:
    row = domain.late_word.contradiction(
        withdrawal,
        late,
        contradiction_id=new_id("ctr", of=withdrawal.merchant_id),
        kind=kind,
        needs_decision=needs_decision,
        now=rows.tx.now,
    )
    marked, event = domain.late_word.contradict(withdrawal, row, late, now=rows.tx.now)
    rows.withdrawals.put(marked)
    listed.add(row)
    rows.tx.emit(event, cause=cause)
    _alert(withdrawal, late.evidence, row)


def _settle(
    rows: WithdrawalWork, listed: Rows[str, Contradiction], withdrawal: Withdrawal, word: PayoutWord, *, cause: Cause
) -> None:
    """End by evidence what two people were to decide, where the word leaves nothing of it."""
    settled = domain.late_rules.settled_kinds(withdrawal, word)
    for row in [row for row in listed.values() if row.aggregate_id == withdrawal.withdrawal_id]:
        if row.state in UNRESOLVED and row.kind in settled:
            over = listed.put(contradictions.settle(row, now=rows.tx.now))
            told, event = domain.late_word.resolve(rows.withdrawals[withdrawal.withdrawal_id], over, now=rows.tx.now)
            rows.withdrawals.put(told)
            rows.tx.emit(event, cause=cause)


def _alert(withdrawal: Withdrawal, evidence: Evidence, row: Contradiction) -> None:
    """Let somebody know of a contradiction: whatever was paid or not must be looked into by people."""
    CONTRADICTIONS.inc()
    _log.error(
        "withdrawal_contradicted",
        withdrawal_id=withdrawal.withdrawal_id,
        contradiction_id=row.contradiction_id,
        attempt_id=evidence.attempt_id,
        kind=row.kind,
        recorded=row.recorded,
        reported=evidence.outcome,
        channel_reference=evidence.channel_reference,
        needs_decision=row.needs_decision,
    )
