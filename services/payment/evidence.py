"""What channels say, applied: answers to calls, inquiries and callbacks all take this one way."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from paykit import attempts
from paykit.attempts import AttemptNotFound, AttemptState, Evidence, Outcome, RecordEvidence, Verdict
from paykit.errors import DomainError, InvariantError
from paykit.ids import new_id
from paykit.runtime.attempt_table import insert_evidence
from paykit.runtime.db import Tx
from paystream.payment.v1 import events
from services.payment import attempt, commands, domain, merchant_store, refund, refund_store, store
from services.payment.attempt import Attempt, AttemptAction
from services.payment.attempt_store import ATTEMPTS
from services.payment.domain import Payment
from services.payment.fee import FeeTerms
from services.payment.refund import Refund


@dataclass(slots=True, kw_only=True)
class _Known:
    """The locked rows that the evidence is about, as the evidence before left them, and what is to be written."""

    payments: dict[str, Payment]
    attempts: dict[str, Attempt]
    refunds: dict[str, Refund]
    terms: dict[str, FeeTerms]
    changed_payments: set[str] = field(default_factory=set)
    changed_attempts: set[str] = field(default_factory=set)
    changed_refunds: set[str] = field(default_factory=set)
    new_refunds: set[str] = field(default_factory=set)
    new_attempts: list[Attempt] = field(default_factory=list)
    told: list[tuple[Evidence, Verdict]] = field(default_factory=list)


async def record_evidence(tx: Tx, items: Sequence[RecordEvidence]) -> list[Attempt | DomainError]:
    """Apply evidence in order: it ends attempts, and with them payments and refunds, or marks a contradiction.

    Emits PaymentSuccess, PaymentFailed, PaymentUnknown, PaymentContradicted, RefundCreated, RefundSuccess and
    RefundFailed. Evidence told before changes nothing.
    Refusals: AttemptNotFound, IllegalTransition, ChannelAmountMismatch.
    """
    known = await _lock(tx, items)
    results = [_apply(tx, item, known) for item in items]
    await store.update_payments(tx, [known.payments[i] for i in sorted(known.changed_payments)])
    await refund_store.insert_refunds(tx, [known.refunds[i] for i in known.new_refunds])
    await refund_store.update_refunds(tx, [known.refunds[i] for i in sorted(known.changed_refunds)])
    await ATTEMPTS.update(tx, [known.attempts[i] for i in sorted(known.changed_attempts)])
    await ATTEMPTS.insert(tx, known.new_attempts)
    await insert_evidence(tx, known.told)
    return results


async def _lock(tx: Tx, items: Sequence[RecordEvidence]) -> _Known:
    """Lock payments before attempts, as everyone does; refunds change only under their payment's lock."""
    attempt_ids = sorted({item.evidence.attempt_id for item in items})
    payments = await store.lock_payments_of_attempts(tx, attempt_ids)
    locked = await ATTEMPTS.lock(tx, attempt_ids)
    refund_ids = sorted({a.refund_id for a in locked.values() if a.refund_id})
    refunds = await refund_store.refunds_by_id(tx, refund_ids)
    charged = {item.evidence.attempt_id for item in items if item.evidence.outcome is Outcome.SUCCEEDED}
    captured = [payments[a.payment_id] for a in locked.values() if a.attempt_id in charged and not a.refund_id]
    terms = await merchant_store.fee_terms(tx, [(p.payment_id, p.merchant_id, p.currency_code) for p in captured])
    return _Known(payments=payments, attempts=locked, refunds=refunds, terms=terms)


def _apply(tx: Tx, item: RecordEvidence, known: _Known) -> Attempt | DomainError:
    evidence = item.evidence
    before = known.attempts.get(evidence.attempt_id)
    if before is None:
        return AttemptNotFound("No attempt has this id.", field="attempt_id", attempt_id=evidence.attempt_id)
    try:
        verdict = attempts.judge(before, evidence)
    except DomainError as refusal:
        return refusal
    if attempts.worth_keeping(evidence, verdict):
        known.told.append((evidence, verdict))
    after = attempt.decide(before, evidence, verdict, now=tx.now)
    if attempts.changes_nothing(before, verdict):
        return before
    known.attempts[after.attempt_id] = after
    known.changed_attempts.add(after.attempt_id)
    if verdict is Verdict.CONTRADICT:
        _contradict(tx, item, known, before)
    elif verdict is not Verdict.WAIT and before.action is AttemptAction.CHARGE:
        _end_charge(tx, item, known, verdict, after)
    elif verdict is not Verdict.WAIT:
        _end_refund(tx, item, known, verdict, after)
    return after


def _end_charge(tx: Tx, item: RecordEvidence, known: _Known, verdict: Verdict, after: Attempt) -> None:
    payment, evidence = known.payments[after.payment_id], item.evidence
    event: events.PaymentSuccess | events.PaymentFailed | events.PaymentUnknown
    if verdict is Verdict.SUCCEED:
        payment, event = domain.capture(
            payment,
            amount_minor=after.amount_minor,
            capture_id=new_id("cap"),
            channel_reference=_reference(after),
            terms=_terms(known, payment),
            now=tx.now,
        )
    elif verdict is Verdict.FAIL:
        payment, event = domain.fail(
            payment,
            reason=attempt.failure_reason(evidence),
            code=evidence.failure_code,
            channel_reference=evidence.channel_reference,
            now=tx.now,
        )
    else:
        payment, event = domain.lose_answer(
            payment, evidence=_lost_by(evidence), channel_reference=evidence.channel_reference, now=tx.now
        )
    _put(known, payment)
    tx.emit(event, cause=item.cause)


def _end_refund(tx: Tx, item: RecordEvidence, known: _Known, verdict: Verdict, after: Attempt) -> None:
    payment, made = known.payments[after.payment_id], known.refunds[after.refund_id or ""]
    known.changed_refunds.add(made.refund_id)
    event: events.RefundSuccess | events.RefundFailed
    if verdict is Verdict.LOSE_ANSWER:
        known.refunds[made.refund_id] = refund.lose_answer(made, now=tx.now)
        return
    if verdict is Verdict.SUCCEED:
        payment, made, event = refund.succeed(payment, made, channel_reference=_reference(after), now=tx.now)
    else:
        payment, made, event = refund.fail(
            payment,
            made,
            reason=attempt.failure_reason(item.evidence),
            code=item.evidence.failure_code,
            channel_reference=item.evidence.channel_reference,
            now=tx.now,
        )
    known.refunds[made.refund_id] = made
    _put(known, payment)
    tx.emit(event, cause=item.cause)


def _contradict(tx: Tx, item: RecordEvidence, known: _Known, before: Attempt) -> None:
    """Say that evidence contradicts the record; what was captured after a failure goes back to the payer."""
    evidence, succeeded = item.evidence, item.evidence.outcome is Outcome.SUCCEEDED
    payment, event = domain.contradict(
        known.payments[before.payment_id],
        refund_id=before.refund_id,
        recorded=events.PreviousState(before.state),
        reported=events.ReportedOutcome(evidence.outcome),
        evidence=events.Evidence(evidence.source),
        channel_reference=evidence.channel_reference,
        now=tx.now,
    )
    _put(known, payment)
    tx.emit(event, cause=item.cause)
    if succeeded and before.state is AttemptState.FAILED and before.action is AttemptAction.CHARGE:
        _give_back(tx, item, known, before)


def _give_back(tx: Tx, item: RecordEvidence, known: _Known, before: Attempt) -> None:
    payment, made, event = refund.give_back(
        known.payments[before.payment_id], refund_id=new_id("ref"), amount_minor=before.amount_minor, now=tx.now
    )
    _put(known, payment)
    known.refunds[made.refund_id] = made
    known.new_refunds.add(made.refund_id)
    known.new_attempts.append(
        commands.refund_attempt(payment, made, item.evidence.channel_reference, before.traceparent)
    )
    tx.emit(event, cause=item.cause)


def _put(known: _Known, payment: Payment) -> None:
    known.payments[payment.payment_id] = payment
    known.changed_payments.add(payment.payment_id)


def _lost_by(evidence: Evidence) -> events.Evidence:
    """Say how an outcome became unknown: by silence, or by an answer that decides nothing."""
    return events.Evidence.NO_ANSWER if evidence.outcome is Outcome.NO_ANSWER else events.Evidence(evidence.source)


def _reference(after: Attempt) -> str:
    if after.channel_reference is None:
        raise InvariantError(f"attempt {after.attempt_id} succeeded without a reference of the channel")
    return after.channel_reference


def _terms(known: _Known, payment: Payment) -> FeeTerms:
    terms = known.terms.get(payment.payment_id)
    if terms is None:
        raise InvariantError(f"payment {payment.payment_id} is of a merchant that has no fee plan")
    return terms
