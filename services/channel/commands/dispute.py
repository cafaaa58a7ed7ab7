"""Disputes as sequences: opened by whoever plays the payer's bank, answered for the merchant, decided in time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from paykit.cause import NO_CALL, Cause, CreatingCall
from paykit.errors import DomainError
from paykit.ids import new_id
from paykit.money import Money
from paykit.postgres.database import Tx
from paykit.work import Rows, fold, kept
from services.channel import store
from services.channel.domain import dispute, transaction
from services.channel.domain.behaviour import Behaviours
from services.channel.domain.dispute import ChannelDispute, ChannelDisputeState, DisputeReason
from services.channel.domain.transaction import Authorization, ChannelTransaction
from services.channel.store import CallbackReport, DueCallback

_DECIDED = {ChannelDisputeState.WON: CallbackReport.DISPUTE_WON, ChannelDisputeState.LOST: CallbackReport.DISPUTE_LOST}


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenDispute:
    """A dispute to open.

    Attributes:
        amount: None for all that is left of the capture.
        respond_within_s: 0 for RESPOND_WITHIN_S.
        contest_loses: How contesting it ends.
    """

    attempt_id: str
    amount: Money | None
    reason: DisputeReason
    respond_within_s: int
    contest_loses: bool
    creating_call: CreatingCall = NO_CALL


@dataclass(frozen=True, slots=True, kw_only=True)
class RespondToDispute:
    """A merchant's answer to a dispute."""

    dispute_reference: str
    contested: bool
    evidence: str


async def open_disputes(tx: Tx, items: Sequence[OpenDispute]) -> list[ChannelDispute | DomainError]:
    """Hold back what is disputed, one after another; emits a statement line and remembers a callback for each.

    Refusals: AttemptNotFound, AttemptNotCaptured, CurrencyMismatch, DisputeExceedsCaptured.
    """
    transactions = await store.transactions.by_key(tx, {item.attempt_id for item in items})
    references = [transaction.authorization_of(disputed) or "" for disputed in transactions.values()]
    authorizations = await store.authorizations.lock(tx, references)
    disputes = store.disputes.rows(tx)
    results = fold(items, lambda item: _open(tx, item, transactions, authorizations, disputes))
    await tx.save(authorizations, disputes)
    for opened in kept(results):
        tx.emit(dispute.statement_line(opened), cause=Cause(opened.correlation_id))
    await _remember_callbacks(tx, [(opened, CallbackReport.DISPUTE_OPENED) for opened in kept(results)])
    return results


async def respond_to_disputes(tx: Tx, items: Sequence[RespondToDispute]) -> list[ChannelDispute | DomainError]:
    """Take answers, one after another; an accepted dispute is lost at once and called back.

    Refusals: DisputeNotFound, DisputeAlreadyAnswered, DisputeResponseLate.
    """
    disputes = await store.disputes.lock(tx, [item.dispute_reference for item in items])
    behaviours = await store.behaviours_of(tx, [disputed.merchant_id for disputed in disputes.values()])
    lost: list[ChannelDispute] = []
    results = fold(items, lambda item: _respond(tx, item, disputes, behaviours, lost))
    await tx.save(disputes)
    await _remember_callbacks(tx, [(disputed, CallbackReport.DISPUTE_LOST) for disputed in lost])
    return results


async def decide_disputes(tx: Tx, *, limit: int) -> int:
    """Decide at most this many disputes that are due, and return their number; emits a line for each that is won."""
    due = await store.disputes.lock_due(tx, limit=limit)
    if not due:
        return 0
    references = [disputed.authorization_reference for disputed in due.values()]
    authorizations = await store.authorizations.lock(tx, references)
    for disputed in list(due.values()):
        decided, authorization = dispute.decide(disputed, authorizations[disputed.authorization_reference], now=tx.now)
        authorizations.put(authorization)
        due.put(decided)
        if decided.state is ChannelDisputeState.WON:
            tx.emit(dispute.statement_line(decided), cause=Cause(decided.correlation_id))
    await tx.save(due, authorizations)
    await _remember_callbacks(tx, [(decided, _DECIDED[decided.state]) for decided in due.values()])
    return len(due)


def _open(
    tx: Tx,
    item: OpenDispute,
    transactions: Mapping[str, ChannelTransaction],
    authorizations: Rows[str, Authorization],
    disputes: Rows[str, ChannelDispute],
) -> ChannelDispute:
    """Open one dispute on the authorization as the disputes before it left it."""
    disputed = transactions.get(item.attempt_id)
    if disputed is None:
        raise dispute.attempt_not_found(item.attempt_id)
    opened, authorization = dispute.open_dispute(
        disputed,
        authorizations.get(transaction.authorization_of(disputed)),
        dispute_reference=new_id("chd"),
        amount=item.amount,
        reason=item.reason,
        respond_within_s=item.respond_within_s,
        contest_loses=item.contest_loses,
        now=tx.now,
    )
    authorizations.put(authorization)
    return disputes.add(replace(opened, creating_call=item.creating_call))


def _respond(
    tx: Tx,
    item: RespondToDispute,
    disputes: Rows[str, ChannelDispute],
    behaviours: Behaviours,
    lost: list[ChannelDispute],
) -> ChannelDispute:
    """Answer one dispute as the answers before it left it; the same answer again changes nothing."""
    opened = disputes.require(item.dispute_reference, dispute.not_found)
    delay_ms = behaviours.of(opened.merchant_id).callback_delay_ms
    answered = dispute.respond(opened, contested=item.contested, evidence=item.evidence, delay_ms=delay_ms, now=tx.now)
    if answered is not opened:
        disputes.put(answered)
        lost += [answered] if answered.state is ChannelDisputeState.LOST else []
    return answered


async def _remember_callbacks(tx: Tx, reports: Sequence[tuple[ChannelDispute, CallbackReport]]) -> None:
    """Remember callbacks about disputes, after the same delay as others."""
    if not reports:
        return
    behaviours = await store.behaviours_of(tx, [disputed.merchant_id for disputed, _ in reports])
    callbacks = [
        DueCallback(
            attempt_id=disputed.attempt_id,
            due_time=tx.now + timedelta(milliseconds=behaviours.of(disputed.merchant_id).callback_delay_ms),
            report=report,
            dispute_reference=disputed.dispute_reference,
        )
        for disputed, report in reports
        if disputed.callback_address
    ]
    await store.insert_callbacks(tx, callbacks)
