"""Disputes: reported by channels, answered for merchants, and the answers told."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from paykit.cause import Cause
from paykit.channels import attempts as channel_attempts
from paykit.errors import DomainError
from paykit.ids import new_id
from paykit.postgres.database import Tx
from paykit.work import Rows, fold
from paystream.payment.v1 import events
from services.payment import domain, store
from services.payment.commands import work
from services.payment.commands.order import CapturedOrders, captured_orders
from services.payment.commands.work import PaymentWork
from services.payment.domain.attempt import PaymentAttempt
from services.payment.domain.dispute import Dispute, DisputeOutcome, DisputeState, Reported
from services.payment.domain.payment import Payment

ANSWERING_JOB = "respond_to_disputes"
"""The job that tells channels what merchants answered."""

_DisputeEvent = events.DisputeOpened | events.DisputeWon | events.DisputeLost
_Decision = Callable[..., tuple[Payment, Dispute, _DisputeEvent]]

_DECISIONS: dict[DisputeOutcome, _Decision] = {
    DisputeOutcome.WON: domain.dispute.win,
    DisputeOutcome.LOST: domain.dispute.lose,
}
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


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeWork(PaymentWork):
    """Locked payments with their disputes, which change only under that lock, as each step leaves them for the next.

    Attributes:
        disputes: Of the locked charges and captures, which do not change.
        ids: Of the disputes, by channel and dispute_reference.
        reports: What channels said, to be kept.
        orders: Of the payments.
    """

    disputes: Rows[str, Dispute]
    ids: dict[tuple[str, str], str]
    reports: list[store.DisputeReport]
    orders: CapturedOrders


async def report_disputes(tx: Tx, items: Sequence[ReportDispute]) -> list[Dispute | DomainError]:
    """Apply what channels say of disputes, in order; what was told before changes nothing.

    Emits DisputeOpened, DisputeWon and DisputeLost; a decision of a dispute never heard of opens it first. What
    contradicts a decision is kept beside it, and marks the dispute. What is won for an order that was closed meanwhile
    is refunded.
    Refusals: AttemptNotFound, IllegalTransition, DisputeExceedsCaptured, ChannelAmountMismatch, DisputeReferenceTaken.
    """
    rows = await _lock_reported(tx, items)
    results = fold(items, lambda item: _report(rows, item))
    await rows.save()
    await tx.save(rows.disputes)
    await store.reports.insert_absent(tx, rows.reports)
    return results


async def accept_disputes(tx: Tx, items: Sequence[AcceptDispute]) -> list[Dispute | DomainError]:
    """Return disputes up, and have their channels told; emits DisputeLost.

    Refusals: DisputeNotFound, IllegalTransition.
    """
    payments, disputes = await _lock(tx, [item.dispute_id for item in items])

    def accept(item: AcceptDispute) -> Dispute:
        dispute = disputes.require(item.dispute_id, domain.dispute.not_found)
        payment, lost, event = domain.dispute.accept(payments[dispute.payment_id], dispute, now=tx.now)
        payments.put(payment)
        tx.emit(event, cause=item.cause)
        return disputes.put(lost)

    results = fold(items, accept)
    await tx.save(payments, disputes)
    return results


async def contest_disputes(tx: Tx, items: Sequence[ContestDispute]) -> list[Dispute | DomainError]:
    """Contest disputes, and have their channels told.

    Refusals: DisputeNotFound, IllegalTransition, DisputeResponseLate.
    """
    _, disputes = await _lock(tx, [item.dispute_id for item in items])

    def contest(item: ContestDispute) -> Dispute:
        dispute = disputes.require(item.dispute_id, domain.dispute.not_found)
        return disputes.put(domain.dispute.contest(dispute, evidence=item.evidence, now=tx.now))

    results = fold(items, contest)
    await tx.save(disputes)
    return results


async def record_answers(tx: Tx, items: Sequence[RecordAnswer]) -> None:
    """Record which answers channels took, and which they never will; of disputes each at most once."""
    _, disputes = await _lock(tx, [item.dispute_id for item in items])
    for item in items:
        disputes.put(domain.dispute.answered(disputes[item.dispute_id], taken=item.taken, now=tx.now))
    await tx.save(disputes)


async def _lock(tx: Tx, dispute_ids: Sequence[str]) -> tuple[Rows[str, Payment], Rows[str, Dispute]]:
    payments = await store.payments.lock_of_disputes(tx, dispute_ids)
    return payments, await store.disputes.guarded(tx, dispute_ids)


async def _lock_reported(tx: Tx, items: Sequence[ReportDispute]) -> DisputeWork:
    """Lock payments before attempts, as everyone does."""
    attempt_ids = {item.reported.attempt_id for item in items}
    payments = await store.payments.lock_of_attempts(tx, attempt_ids)
    attempts = await store.attempts.lock(tx, attempt_ids)
    reported = [item.reported for item in items if item.reported.attempt_id in attempts]
    references = {(attempts[report.attempt_id].channel, report.dispute_reference) for report in reported}
    disputes = await store.disputes.by_reference(tx, references)
    return DisputeWork(
        tx=tx,
        payments=payments,
        captures=await work.captures_to_refund(tx, payments.values()),
        refunds=store.refunds.rows(tx),
        shares=store.refund_shares.rows(tx),
        attempts=attempts,
        disputes=store.disputes.rows(tx, disputes),
        ids={(dispute.channel, dispute.dispute_reference): dispute.dispute_id for dispute in disputes},
        reports=[],
        orders=await captured_orders(tx, [*payments.values()]),
    )


def _report(rows: DisputeWork, item: ReportDispute) -> Dispute:
    reported, now = item.reported, rows.tx.now
    attempt = rows.attempts.require(reported.attempt_id, channel_attempts.not_found)
    dispute_id = rows.ids.get((attempt.channel, reported.dispute_reference))
    dispute = rows.disputes[dispute_id] if dispute_id else _open(rows, item, attempt)
    domain.dispute.require_same(dispute, reported)
    contradicts = domain.dispute.contradicts(dispute, reported.outcome)
    rows.reports.append(
        store.DisputeReport(
            dispute_id=dispute.dispute_id, outcome=reported.outcome, contradicts=contradicts, record_time=now
        )
    )
    if contradicts and not dispute.contradicted:
        return rows.disputes.put(domain.dispute.contradict(dispute, now=now))
    if dispute.state in _OPEN and reported.outcome in _DECISIONS:
        return _decide(rows, item, dispute)
    return dispute


def _open(rows: DisputeWork, item: ReportDispute, attempt: PaymentAttempt) -> Dispute:
    payment, dispute, event = domain.dispute.open_dispute(
        rows.payments[attempt.payment_id], attempt, item.reported, dispute_id=new_id("dsp"), now=rows.tx.now
    )
    rows.ids[dispute.channel, dispute.dispute_reference] = dispute.dispute_id
    rows.payments.put(payment)
    rows.tx.emit(event, cause=item.cause)
    return rows.disputes.add(dispute)


def _decide(rows: DisputeWork, item: ReportDispute, dispute: Dispute) -> Dispute:
    decide = _DECISIONS[item.reported.outcome]
    payment, decided, event = decide(rows.payments[dispute.payment_id], dispute, now=rows.tx.now)
    rows.payments.put(payment)
    rows.tx.emit(event, cause=item.cause)
    if isinstance(event, events.DisputeWon):
        rows.orders.refund_freed(rows, event, amount_minor=event.amount_minor, cause=item.cause)
    return rows.disputes.put(decided)
