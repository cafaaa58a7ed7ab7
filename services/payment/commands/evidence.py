"""What channels say, applied: answers to calls, inquiries and callbacks all take this one way."""

from collections.abc import Sequence
from datetime import timedelta

from paykit.channels import attempts
from paykit.channels.attempts import EvidenceOutcome, RecordEvidence, Verdict
from paykit.errors import DomainError
from paykit.postgres.database import Tx
from services.payment.commands import endings
from services.payment.commands import orders as order_commands
from services.payment.commands.changes import Changes
from services.payment.commands.endings import Ending
from services.payment.domain import attempt
from services.payment.domain.attempt import Attempt, AttemptAction
from services.payment.store import captures as capture_store
from services.payment.store import merchants as merchant_store
from services.payment.store import payments as store
from services.payment.store import refunds as refund_store
from services.payment.store.attempts import ATTEMPTS

AUTHORIZATION_TTL = timedelta(days=7)
"""How long an authorization can be captured, unless the settings say otherwise."""

_TAKES_MONEY = frozenset({AttemptAction.CHARGE, AttemptAction.CAPTURE})
_MAY_FAIL = frozenset({EvidenceOutcome.FAILED, EvidenceOutcome.NOT_FOUND})


async def record_evidence(
    tx: Tx, items: Sequence[RecordEvidence], *, authorization_ttl: timedelta = AUTHORIZATION_TTL
) -> list[Attempt | DomainError]:
    """Apply evidence in order: it ends attempts and what they are for, or marks a contradiction.

    Emits PaymentAuthorized, PaymentSuccess, PaymentFailed, PaymentCancelled, PaymentUnknown, PaymentContradicted,
    RefundCreated, RefundSuccess and RefundFailed. Evidence told before changes nothing.
    Refusals: AttemptNotFound, IllegalTransition, ChannelAmountMismatch.
    """
    ending = await _lock(tx, items, authorization_ttl)
    results = [_apply(item, ending) for item in items]
    await ending.changes.save(tx)
    return results


async def _lock(tx: Tx, items: Sequence[RecordEvidence], authorization_ttl: timedelta) -> Ending:
    """Lock payments before attempts, as everyone does; captures and refunds change only under their payment's lock."""
    attempt_ids = sorted({item.evidence.attempt_id for item in items})
    payments = await store.lock_payments_of_attempts(tx, attempt_ids)
    locked = await ATTEMPTS.lock(tx, attempt_ids)
    capture_ids = sorted({a.capture_id for a in locked.values() if a.capture_id})
    refund_ids = sorted({a.refund_id for a in locked.values() if a.refund_id})
    changes = Changes(
        payments=payments,
        attempts=locked,
        captures=await capture_store.captures_by_id(tx, capture_ids),
        refunds=await refund_store.refunds_by_id(tx, refund_ids),
    )
    done = {item.evidence.attempt_id for item in items if item.evidence.outcome is EvidenceOutcome.SUCCEEDED}
    taken = {a.payment_id for a in locked.values() if a.attempt_id in done and a.action in _TAKES_MONEY}
    captured = [payments[payment_id] for payment_id in sorted(taken)]
    failed = {item.evidence.attempt_id for item in items if item.evidence.outcome in _MAY_FAIL}
    kept = {a.payment_id for a in locked.values() if a.attempt_id in failed and a.action is AttemptAction.REFUND}
    return Ending(
        tx=tx,
        changes=changes,
        terms=await merchant_store.fee_terms(tx, [(p.payment_id, p.merchant_id, p.currency_code) for p in captured]),
        orders=await order_commands.captured_orders(tx, [payments[each] for each in sorted(taken | kept)]),
        authorization_ttl=authorization_ttl,
    )


def _apply(item: RecordEvidence, ending: Ending) -> Attempt | DomainError:
    evidence, changes = item.evidence, ending.changes
    weighed = attempts.weigh(changes.attempts, evidence, changes.told)
    if isinstance(weighed, DomainError):
        return weighed
    before, verdict = weighed
    if attempts.changes_nothing(before, verdict):
        return before
    after = attempt.decide(before, evidence, verdict, now=ending.tx.now)
    changes.put_attempt(after)
    if verdict is Verdict.CONTRADICT:
        endings.contradict(ending, item, before)
    elif verdict is not Verdict.WAIT:
        endings.END[before.action](ending, item, verdict, after)
    return after
