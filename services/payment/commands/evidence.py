"""What channels say, applied: answers to calls, inquiries and callbacks all take this one way."""

from collections.abc import Awaitable, Callable, Sequence
from collections.abc import Set as AbstractSet
from datetime import timedelta
from functools import cache, partial
from typing import TypeAlias

from paykit.channels import attempts as channel_attempts
from paykit.channels.attempt_table import EvidenceLog
from paykit.channels.attempts import EvidenceOutcome, RecordEvidence, Verdict
from paykit.errors import DomainError
from paykit.postgres.database import Tx
from paykit.work import Rows, fold
from services.payment import domain, store
from services.payment.commands import ending, work
from services.payment.commands.ending import EvidenceWork
from services.payment.commands.order import captured_orders
from services.payment.domain.attempt import AttemptAction, PaymentAttempt
from services.payment.domain.payment import Payment
from services.payment.domain.refund import Refund

EvidenceCommand: TypeAlias = Callable[[Tx, Sequence[RecordEvidence]], Awaitable[Sequence[PaymentAttempt | DomainError]]]

AUTHORIZATION_TTL = timedelta(days=7)
"""How long an authorization can be captured, unless the settings say otherwise."""

_TAKES_MONEY = frozenset({AttemptAction.CHARGE, AttemptAction.CAPTURE})
_MAY_FAIL = frozenset({EvidenceOutcome.FAILED, EvidenceOutcome.NOT_FOUND})


@cache
def recording(authorization_ttl_s: int) -> EvidenceCommand:
    """Return `record_evidence` as the settings have it."""
    return partial(record_evidence, authorization_ttl=timedelta(seconds=authorization_ttl_s))


async def record_evidence(
    tx: Tx, items: Sequence[RecordEvidence], *, authorization_ttl: timedelta = AUTHORIZATION_TTL
) -> list[PaymentAttempt | DomainError]:
    """Apply evidence in order: it ends attempts and what they are for, or marks a contradiction.

    Emits PaymentAuthorized, PaymentSuccess, PaymentFailed, PaymentCancelled, PaymentUnknown, PaymentContradicted,
    RefundCreated, RefundSuccess and RefundFailed. Evidence told before changes nothing.
    Refusals: AttemptNotFound, IllegalTransition, ChannelAmountMismatch.
    """
    rows, log = await _lock(tx, items, authorization_ttl), tx.track(EvidenceLog())
    results = fold(items, lambda item: _apply(rows, item, log))
    await rows.save()
    await tx.save(log)
    return results


async def _lock(tx: Tx, items: Sequence[RecordEvidence], authorization_ttl: timedelta) -> EvidenceWork:
    """Lock payments before attempts, as everyone does; captures and refunds change only under their payment's lock."""
    attempt_ids = {item.evidence.attempt_id for item in items}
    payments = await store.payments.lock_of_attempts(tx, attempt_ids)
    attempts = await store.attempts.lock(tx, attempt_ids)
    captured = _payments(payments, attempts, items, outcomes={EvidenceOutcome.SUCCEEDED}, actions=_TAKES_MONEY)
    refunds = await store.refunds.guarded(tx, {a.refund_id for a in attempts.values() if a.refund_id})
    refunding = _payments(payments, attempts, items, outcomes=_MAY_FAIL, actions={AttemptAction.REFUND})
    return EvidenceWork(
        tx=tx,
        payments=payments,
        attempts=attempts,
        captures=await work.captures_to_refund(
            tx,
            _refundable(payments, attempts),
            also={a.capture_id for a in attempts.values() if a.capture_id},
        ),
        refunds=refunds,
        shares=await store.refund_shares.guarded_of(tx, _spread(refunds)),
        terms=await store.capture_terms(tx, captured),
        orders=await captured_orders(tx, [*captured, *refunding]),
        authorization_ttl=authorization_ttl,
    )


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
    attempt, verdict = channel_attempts.weigh(rows.attempts, item.evidence)
    if not channel_attempts.changes_nothing(attempt, verdict):
        decided = domain.attempt.decide(attempt, item.evidence, verdict, now=rows.tx.now)
        if verdict is Verdict.CONTRADICT:
            ending.contradict(rows, item, attempt)
        elif verdict is not Verdict.WAIT:
            ending.END[attempt.action](rows, item, verdict, decided)
        attempt = rows.attempts.put(decided)
    log.add(item.evidence, verdict)
    return attempt
