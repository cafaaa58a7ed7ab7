"""What channels say, applied: answers to calls, inquiries and callbacks all take this one way."""

from collections.abc import Awaitable, Callable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from datetime import timedelta
from functools import cache, partial
from typing import TypeAlias

from paykit.channels import judging
from paykit.channels.attempt_table import EvidenceLog
from paykit.channels.attempts import EvidenceOutcome, RecordEvidence, Verdict
from paykit.channels.judging import LaterWord
from paykit.channels.unmatched_evidence import UnmatchedEvidence, unmatched_facts
from paykit.contradictions.contradiction import Contradiction
from paykit.errors import DomainError
from paykit.postgres.database import Tx
from paykit.work import Rows, fold
from paystream.payment.v1 import events
from services.payment import domain, store
from services.payment.commands import ending, payer_action, work
from services.payment.commands.ending import EvidenceWork
from services.payment.commands.later import later_word
from services.payment.commands.order import captured_orders
from services.payment.domain.attempt import AttemptAction, PaymentAttempt
from services.payment.domain.payer_action import ACTION_TTL
from services.payment.domain.payment import Payment
from services.payment.domain.refund import Refund

EvidenceCommand: TypeAlias = Callable[[Tx, Sequence[RecordEvidence]], Awaitable[Sequence[PaymentAttempt | DomainError]]]

AUTHORIZATION_TTL = timedelta(days=7)
"""How long an authorization can be captured, unless the settings say otherwise."""

_TAKES_MONEY = frozenset({AttemptAction.CHARGE, AttemptAction.CAPTURE})
_FIRST = payer_action.FIRST_ACTIONS
_MAY_FREE = frozenset({EvidenceOutcome.FAILED, EvidenceOutcome.NOT_FOUND, EvidenceOutcome.SUCCEEDED})
"""Of a refund: it may fail, or be done over less than was asked for, or than was said before."""


@cache
def recording(authorization_ttl_s: int, action_ttl_s: int) -> EvidenceCommand:
    """Return `record_evidence` as the settings have it."""
    return partial(
        record_evidence,
        authorization_ttl=timedelta(seconds=authorization_ttl_s),
        action_ttl=timedelta(seconds=action_ttl_s),
    )


async def record_evidence(
    tx: Tx,
    items: Sequence[RecordEvidence],
    *,
    authorization_ttl: timedelta = AUTHORIZATION_TTL,
    action_ttl: timedelta = ACTION_TTL,
) -> list[PaymentAttempt | DomainError]:
    """Apply evidence in order: it ends attempts and what they are for, or contradicts how they ended.

    Emits PaymentActionRequired,
    PaymentAuthorized, PaymentSuccess, PaymentFailed, PaymentCancelled, PaymentUnknown, PaymentReversed,
    LateCaptureReceived, RefundCreated, RefundSuccess, RefundFailed, RefundReturned, PaymentContradicted and
    PaymentContradictionResolved. Evidence told before changes nothing; what is about no attempt is kept, and told by
    EvidenceUnmatched.
    Refusals: AttemptNotFound, IllegalTransition, ChannelAmountMismatch.
    """
    rows, log = await _lock(tx, items, authorization_ttl, action_ttl), tx.track(EvidenceLog())
    await log.read(tx, rows.attempts, items)
    results = fold(items, lambda item: _apply(rows, item, log))
    await rows.save()
    await tx.save(log)
    await store.unmatched_evidence.keep(tx, items, results, tell=unmatched)
    return results


async def _lock(
    tx: Tx, items: Sequence[RecordEvidence], authorization_ttl: timedelta, action_ttl: timedelta
) -> EvidenceWork:
    """Lock payments before attempts, as everyone does; captures and refunds change only under their payment's lock."""
    attempt_ids = {item.evidence.attempt_id for item in items}
    payments = await store.payments.lock_of_attempts(tx, attempt_ids)
    called_off = [p.payment_id for p in payments.values() if p.payer_action.calling_off is not None]
    attempts = await store.attempts.lock_with_first(tx, attempt_ids, called_off)
    captured = _payments(payments, attempts, items, outcomes={EvidenceOutcome.SUCCEEDED}, actions=_TAKES_MONEY)
    waiting = _payments(payments, attempts, items, outcomes={EvidenceOutcome.ACTION_REQUIRED}, actions=_FIRST)
    refunds = await store.refunds.guarded(tx, {a.refund_id for a in attempts.values() if a.refund_id})
    refunding = _payments(payments, attempts, items, outcomes=_MAY_FREE, actions={AttemptAction.REFUND})
    contradicted = _contradicted(attempts, refunds)
    late_captures = await store.late_captures.guarded_of(tx, contradicted)
    contradictions = await store.contradictions.guarded_of(tx, contradicted)
    if out := _out(contradictions) - set(refunds):
        refunds = await store.refunds.guarded(tx, out | set(refunds))
    return EvidenceWork(
        tx=tx,
        payments=payments,
        attempts=attempts,
        captures=await work.captures_to_refund(
            tx,
            _refundable(payments, attempts),
            also={a.capture_id for a in attempts.values() if a.capture_id} | set(late_captures),
        ),
        refunds=refunds,
        shares=await store.refund_shares.guarded_of(tx, _spread(refunds)),
        contradictions=contradictions,
        late_captures=late_captures,
        terms=await store.capture_terms(tx, captured),
        orders=await captured_orders(tx, [*captured, *refunding, *waiting]),
        authorization_ttl=authorization_ttl,
        action_ttl=action_ttl,
    )


def _contradicted(attempts: Rows[str, PaymentAttempt], refunds: Rows[str, Refund]) -> set[str]:
    """Return the payments that may have contradictions, or money that came late."""
    late = {refund.payment_id for refund in refunds.values() if refund.late_capture_id or refund.suspense_minor}
    # What was carried out above what was asked came late, though its call is not contradicted.
    above = {a.payment_id for a in attempts.values() if a.contradicted or a.carried_out_minor > a.amount_minor}
    return late | above


def _out(contradictions: Rows[str, Contradiction]) -> set[str]:
    """Return the refunds, among what else is out with nothing behind it, that may come back."""
    return {row.subject_id for row in contradictions.values() if row.suspense_minor < 0}


def _refundable(payments: Rows[str, Payment], attempts: Rows[str, PaymentAttempt]) -> list[Payment]:
    """Return the payments of which something may be given back here, or something given back ends here."""
    refunding = {attempt.payment_id for attempt in attempts.values() if attempt.action is AttemptAction.REFUND}
    return [payment for payment in payments.values() if payment.order_id or payment.payment_id in refunding]


def _spread(refunds: Rows[str, Refund]) -> list[str]:
    """Return the refunds that several captures may bear."""
    return [refund.refund_id for refund in refunds.values() if refund.capture_id is None]


def _payments(
    payments: Rows[str, Payment],
    attempts: Rows[str, PaymentAttempt],
    items: Sequence[RecordEvidence],
    *,
    outcomes: AbstractSet[EvidenceOutcome],
    actions: AbstractSet[AttemptAction],
) -> list[Payment]:
    """Return the payments that evidence of these outcomes, of attempts of these actions, is about."""
    attempt_ids = {item.evidence.attempt_id for item in items if item.evidence.outcome in outcomes}
    payment_ids = {a.payment_id for a in attempts.values() if a.attempt_id in attempt_ids and a.action in actions}
    return [payments[payment_id] for payment_id in payment_ids]


def _apply(rows: EvidenceWork, item: RecordEvidence, log: EvidenceLog) -> PaymentAttempt:
    """Weigh one piece of evidence, and end what its attempt was for as the evidence before left it."""
    attempt, verdict = judging.weigh(rows.attempts, item.evidence, log.heard)
    if verdict is not Verdict.CONFIRM:
        decided = domain.attempt.decide(attempt, item.evidence, verdict, now=rows.tx.now)
        if verdict is Verdict.CONTRADICT:
            word = judging.later_word(attempt, item.evidence, log.heard.get(attempt.attempt_id, ()))
            later_word.contradict(rows, item, attempt, decided, word=word, orders=rows.orders)
            # Of a refund that was asked for what was asked is booked; money that came late is received with all of it.
            if word is LaterWord.SUCCEEDED and attempt.action is AttemptAction.REFUND:
                _look_at_amount(rows, item, decided)
        elif verdict is Verdict.REQUIRE_ACTION:
            closed = rows.orders.is_closed(rows.payments[attempt.payment_id])
            decided = payer_action.require(rows, item, decided, order_closed=closed, ttl=rows.action_ttl)
        elif verdict is not Verdict.WAIT:
            ending.END[attempt.action](rows, item, verdict, decided)
            _look_at_amount(rows, item, decided)
        rows.attempts.put(decided)
    log.add(attempt, item.evidence, verdict)
    return rows.attempts[attempt.attempt_id]


def _look_at_amount(rows: EvidenceWork, item: RecordEvidence, decided: PaymentAttempt) -> None:
    """Treat what was carried out above what was asked for as a word of its own."""
    if decided.carried_out_minor > decided.amount_minor:
        asked = replace(decided, approved_minor=None)
        later_word.contradict(rows, item, asked, decided, word=LaterWord.MORE, orders=rows.orders)


def unmatched(kept: UnmatchedEvidence) -> events.EvidenceUnmatched:
    """Tell of evidence about no attempt."""
    return events.EvidenceUnmatched(**unmatched_facts(kept), payment_id=kept.attempt_id)
