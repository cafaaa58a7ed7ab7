"""Disputes: reported by channels, answered for merchants, and the answers told."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from paykit.cause import Cause
from paykit.channels.attempts import AttemptNotFound
from paykit.errors import DomainError
from paykit.ids import new_id
from paykit.postgres.database import Tx
from paystream.payment.v1 import events
from services.payment.domain import dispute
from services.payment.domain.attempt import Attempt
from services.payment.domain.dispute import Dispute, DisputeOutcome, DisputeState, Reported
from services.payment.domain.payment import Payment
from services.payment.store import disputes as dispute_store
from services.payment.store import payments as store
from services.payment.store.attempts import ATTEMPTS

_Event = events.DisputeOpened | events.DisputeWon | events.DisputeLost
_Decision = Callable[..., tuple[Payment, Dispute, _Event]]

_DECISIONS: dict[DisputeOutcome, _Decision] = {DisputeOutcome.WON: dispute.win, DisputeOutcome.LOST: dispute.lose}
_OPEN = frozenset({DisputeState.OPENED, DisputeState.CONTESTED})


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportDispute:
    """A channel's word on a dispute."""

    reported: Reported
    cause: Cause


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptDispute:
    """A dispute to give up."""

    dispute_id: str
    cause: Cause


@dataclass(frozen=True, slots=True, kw_only=True)
class ContestDispute:
    """A dispute to contest."""

    dispute_id: str
    evidence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordAnswer:
    """What a channel made of a merchant's answer: whether it took it, or never will."""

    dispute_id: str
    taken: bool


@dataclass(slots=True, kw_only=True)
class _Known:
    """The locked rows that reports are about, as the reports before left them, and what is to be written."""

    payments: dict[str, Payment]
    attempts: dict[str, Attempt]
    disputes: dict[tuple[str, str], Dispute]
    changed_payments: set[str] = field(default_factory=set)
    changed: set[tuple[str, str]] = field(default_factory=set)
    opened: set[tuple[str, str]] = field(default_factory=set)
    told: list[tuple[str, DisputeOutcome, bool]] = field(default_factory=list)


async def report_disputes(tx: Tx, items: Sequence[ReportDispute]) -> list[Dispute | DomainError]:
    """Apply what channels say of disputes, in order; what was told before changes nothing.

    Emits DisputeOpened, DisputeWon and DisputeLost; a decision of a dispute never heard of opens it first. What
    contradicts a decision is kept beside it, and marks the dispute.
    Refusals: AttemptNotFound, IllegalTransition, DisputeExceedsCaptured, ChannelAmountMismatch, DisputeReferenceTaken.
    """
    known = await _lock(tx, items)
    results = [_report(tx, item, known) for item in items]
    await store.update_payments(tx, [known.payments[each] for each in sorted(known.changed_payments)])
    await dispute_store.insert_disputes(tx, [known.disputes[each] for each in known.opened])
    await dispute_store.update_disputes(tx, [known.disputes[each] for each in sorted(known.changed - known.opened)])
    await dispute_store.insert_reports(tx, known.told)
    return results


async def accept_disputes(tx: Tx, items: Sequence[AcceptDispute]) -> list[Dispute | DomainError]:
    """Give disputes up, and have their channels told; emits DisputeLost.

    Refusals: DisputeNotFound, IllegalTransition.
    """
    payments = await dispute_store.lock_payments_of_disputes(tx, [item.dispute_id for item in items])
    disputes = await dispute_store.disputes_by_id(tx, [item.dispute_id for item in items])
    results = [_accept(tx, item, payments, disputes) for item in items]
    lost = [result for result in results if isinstance(result, Dispute)]
    await store.update_payments(tx, [payments[each] for each in sorted({each.payment_id for each in lost})])
    await dispute_store.update_disputes(tx, lost)
    return results


async def contest_disputes(tx: Tx, items: Sequence[ContestDispute]) -> list[Dispute | DomainError]:
    """Contest disputes, and have their channels told.

    Refusals: DisputeNotFound, IllegalTransition, DisputeResponseLate.
    """
    await dispute_store.lock_payments_of_disputes(tx, [item.dispute_id for item in items])
    disputes = await dispute_store.disputes_by_id(tx, [item.dispute_id for item in items])
    results: list[Dispute | DomainError] = []
    for item in items:
        try:
            before = _require(disputes, item.dispute_id)
            result = disputes[item.dispute_id] = dispute.contest(before, evidence=item.evidence, now=tx.now)
        except DomainError as refusal:
            results.append(refusal)
        else:
            results.append(result)
    await dispute_store.update_disputes(tx, [result for result in results if isinstance(result, Dispute)])
    return results


async def record_answers(tx: Tx, items: Sequence[RecordAnswer]) -> None:
    """Record which answers channels took, and which they never will; of disputes each at most once."""
    await dispute_store.lock_payments_of_disputes(tx, [item.dispute_id for item in items])
    disputes = await dispute_store.disputes_by_id(tx, [item.dispute_id for item in items])
    answered = [dispute.answered(disputes[item.dispute_id], taken=item.taken, now=tx.now) for item in items]
    await dispute_store.update_disputes(tx, answered)


async def _lock(tx: Tx, items: Sequence[ReportDispute]) -> _Known:
    """Lock payments before attempts, as everyone does; disputes change only under their payment's lock."""
    attempt_ids = sorted({item.reported.attempt_id for item in items})
    payments = await store.lock_payments_of_attempts(tx, attempt_ids)
    attempts = await ATTEMPTS.lock(tx, attempt_ids)
    told = [
        (attempts[item.reported.attempt_id].channel, item.reported.dispute_reference)
        for item in items
        if item.reported.attempt_id in attempts
    ]
    disputes = await dispute_store.disputes_by_reference(tx, sorted(set(told)))
    return _Known(payments=payments, attempts=attempts, disputes=disputes)


def _report(tx: Tx, item: ReportDispute, known: _Known) -> Dispute | DomainError:
    reported = item.reported
    attempt = known.attempts.get(reported.attempt_id)
    if attempt is None:
        return AttemptNotFound("No attempt has this id.", field="attempt_id", attempt_id=reported.attempt_id)
    key = (attempt.channel, reported.dispute_reference)
    try:
        before = known.disputes.get(key) or _open(tx, item, attempt, known)
        dispute.require_same(before, reported)
    except DomainError as refusal:
        return refusal
    contradicts = dispute.contradicts(before, reported.outcome)
    known.told.append((before.dispute_id, reported.outcome, contradicts))
    if contradicts and not before.contradicted:
        _put(known, key, dispute.contradict(before, now=tx.now))
    elif before.state in _OPEN and reported.outcome in _DECISIONS:
        _decide(tx, item, known, key)
    return known.disputes[key]


def _open(tx: Tx, item: ReportDispute, attempt: Attempt, known: _Known) -> Dispute:
    payment, opened, event = dispute.open_dispute(
        known.payments[attempt.payment_id], attempt, item.reported, dispute_id=new_id("dsp"), now=tx.now
    )
    key = (opened.channel, opened.dispute_reference)
    known.opened.add(key)
    _put(known, key, opened, payment)
    tx.emit(event, cause=item.cause)
    return opened


def _decide(tx: Tx, item: ReportDispute, known: _Known, key: tuple[str, str]) -> None:
    before = known.disputes[key]
    decide = _DECISIONS[item.reported.outcome]
    payment, after, event = decide(known.payments[before.payment_id], before, now=tx.now)
    _put(known, key, after, payment)
    tx.emit(event, cause=item.cause)


def _put(known: _Known, key: tuple[str, str], after: Dispute, payment: Payment | None = None) -> None:
    known.disputes[key] = after
    known.changed.add(key)
    if payment is not None:
        known.payments[payment.payment_id] = payment
        known.changed_payments.add(payment.payment_id)


def _accept(
    tx: Tx, item: AcceptDispute, payments: dict[str, Payment], disputes: dict[str, Dispute]
) -> Dispute | DomainError:
    """Give one dispute up on the payment as the items before it left it."""
    try:
        before = _require(disputes, item.dispute_id)
        payment, after, event = dispute.accept(payments[before.payment_id], before, now=tx.now)
    except DomainError as refusal:
        return refusal
    payments[payment.payment_id], disputes[item.dispute_id] = payment, after
    tx.emit(event, cause=item.cause)
    return after


def _require(disputes: dict[str, Dispute], dispute_id: str) -> Dispute:
    found = disputes.get(dispute_id)
    if found is None:
        raise dispute.DisputeNotFound("No dispute has this id.", field="dispute_id", dispute_id=dispute_id)
    return found
