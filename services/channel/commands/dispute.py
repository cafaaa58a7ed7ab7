"""Disputes as sequences: opened by whoever plays the payer's bank, answered for the merchant, decided in time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from paykit.cause import NO_CALL, Cause, CreatingCall
from paykit.errors import DomainError
from paykit.ids import new_id
from paykit.money import Money
from paykit.postgres.database import Tx
from paykit.work import Rows, fold, kept
from services.channel import store
from services.channel.domain import dispute, dispute_line, line, transaction
from services.channel.domain.behaviour import Behaviours
from services.channel.domain.dispute import (
    ChannelDispute,
    ChannelDisputeStage,
    ChannelDisputeState,
    DisputeMove,
    DisputeReason,
    DisputeResponse,
)
from services.channel.domain.line import ChannelLine
from services.channel.domain.transaction import Authorization, ChannelTransaction
from services.channel.store import CallbackReport, DueCallback

_REPORTS = {
    ChannelDisputeState.OPENED: CallbackReport.DISPUTE_OPENED,
    ChannelDisputeState.WON: CallbackReport.DISPUTE_WON,
    ChannelDisputeState.LOST: CallbackReport.DISPUTE_LOST,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenDispute:
    """A dispute to open.

    Attributes:
        amount: None for all that is left of the capture.
        respond_within_s: 0 for RESPOND_WITHIN_S.
        contest_loses: How contesting it ends.
        lose_minor: What losing it loses; 0 for all.
        above_limits: Whether it is held back whatever is left.
    """

    attempt_id: str
    amount: Money | None
    reason: DisputeReason
    respond_within_s: int
    contest_loses: bool
    stage: ChannelDisputeStage = ChannelDisputeStage.CHARGEBACK
    category: str = ""
    lose_minor: int = 0
    above_limits: bool = False
    creating_call: CreatingCall = NO_CALL


@dataclass(frozen=True, slots=True, kw_only=True)
class RespondToDispute:
    """A merchant's answer to a dispute."""

    dispute_reference: str
    answer: DisputeResponse


@dataclass(frozen=True, slots=True, kw_only=True)
class AdvanceDispute:
    """The next word of the payer's bank: a stage, or a decision.

    Attributes:
        stage: None for a decision.
        won: None for a stage.
        amount: What is lost, or comes back; None for all.
    """

    dispute_reference: str
    stage: ChannelDisputeStage | None
    won: bool | None
    amount: Money | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Disputing:
    """Locked disputes with what they move, and what is to be told of them."""

    tx: Tx
    disputes: Rows[str, ChannelDispute]
    authorizations: Rows[str, Authorization]
    lines: Rows[str, ChannelLine]
    behaviours: Behaviours
    callbacks: list[DueCallback] = field(default_factory=list)

    def authorization_of(self, disputed: ChannelDispute) -> Authorization:
        """Return what a dispute is held back of."""
        return self.authorizations[disputed.authorization_reference]

    def take(self, before: ChannelDispute, move: DisputeMove) -> ChannelDispute:
        """Take a step of a dispute, tell the line of what moved, and remember to call back with what is decided."""
        after = self.disputes.put(move.dispute)
        self.authorizations.put(move.authorization)
        if move.line is not None:
            self.lines.add(move.line)
            event = line.reported(move.line, version=after.version)
            self.tx.emit(event, cause=Cause(after.correlation_id))
        if after.state in _REPORTS:
            told_minor = _told_minor(before, after)
            self.callbacks.extend(_callbacks(self.tx, after, self.behaviours, amount_minor=told_minor))
        return after

    async def save(self) -> None:
        """Write what changed."""
        await self.tx.save(self.disputes, self.authorizations, self.lines)
        await store.insert_callbacks(self.tx, self.callbacks)


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
    opened = kept(results)
    for disputed in opened:
        if disputed.line_date is not None:
            event = line.reported(dispute_line.opening_line(disputed), version=disputed.version)
            tx.emit(event, cause=Cause(disputed.correlation_id))
    if opened:
        behaviours = await store.behaviours_of(tx, [disputed.merchant_id for disputed in opened])
        callbacks = [_callbacks(tx, each, behaviours, amount_minor=each.amount_minor) for each in opened]
        await store.insert_callbacks(tx, [callback for some in callbacks for callback in some])
    return results


async def respond_to_disputes(tx: Tx, items: Sequence[RespondToDispute]) -> list[ChannelDispute | DomainError]:
    """Take answers, one after another; an accepted dispute is lost at once and called back.

    Refusals: DisputeNotFound, DisputeAlreadyAnswered, DisputeResponseLate.
    """
    disputing = await _lock(tx, await store.disputes.lock(tx, [item.dispute_reference for item in items]))
    results = fold(items, lambda item: _respond(disputing, item))
    await disputing.save()
    return results


async def advance_disputes(tx: Tx, items: Sequence[AdvanceDispute]) -> list[ChannelDispute | DomainError]:
    """Have the payer's bank go on with disputes, one after another; emits a line of what moves, and calls back.

    Refusals: DisputeNotFound, CurrencyMismatch, OutcomeImpossible.
    """
    disputing = await _lock(tx, await store.disputes.lock(tx, [item.dispute_reference for item in items]))
    results = fold(items, lambda item: _advance(disputing, item))
    await disputing.save()
    return results


async def decide_disputes(tx: Tx, *, limit: int) -> int:
    """Decide at most this many disputes that are due, and return their number; emits a line for what moves."""
    due = await store.disputes.lock_due(tx, limit=limit)
    if not due:
        return 0
    disputing = await _lock(tx, due)
    for disputed in list(due.values()):
        disputing.take(disputed, dispute.decide(disputed, disputing.authorization_of(disputed), now=tx.now))
    await disputing.save()
    return len(due)


async def _lock(tx: Tx, disputes: Rows[str, ChannelDispute]) -> _Disputing:
    """Lock what disputes are held back of, after them."""
    references = [disputed.authorization_reference for disputed in disputes.values()]
    return _Disputing(
        tx=tx,
        disputes=disputes,
        authorizations=await store.authorizations.lock(tx, references),
        lines=store.later_lines.rows(tx),
        behaviours=await store.behaviours_of(tx, [disputed.merchant_id for disputed in disputes.values()]),
    )


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
        stage=item.stage,
        category=item.category,
        lose_minor=item.lose_minor,
        above_limits=item.above_limits,
    )
    authorizations.put(authorization)
    return disputes.add(replace(opened, creating_call=item.creating_call))


def _respond(disputing: _Disputing, item: RespondToDispute) -> ChannelDispute:
    """Answer one dispute as the answers before it left it; the same answer again changes nothing."""
    opened = disputing.disputes.require(item.dispute_reference, dispute.not_found)
    delay_ms = disputing.behaviours.of(opened.merchant_id).callback_delay_ms
    move = dispute.respond(
        opened, disputing.authorization_of(opened), item.answer, delay_ms=delay_ms, now=disputing.tx.now
    )
    return opened if move.dispute is opened else disputing.take(opened, move)


def _advance(disputing: _Disputing, item: AdvanceDispute) -> ChannelDispute:
    present = disputing.disputes.require(item.dispute_reference, dispute.not_found)
    authorization, now = disputing.authorization_of(present), disputing.tx.now
    if item.stage is not None:
        move = dispute.escalate(present, authorization, item.stage, now=now)
    else:
        move = dispute.conclude(present, authorization, won=bool(item.won), amount=item.amount, now=now)
    return disputing.take(present, move)


def _told_minor(before: ChannelDispute, after: ChannelDispute) -> int:
    """Return the amount that a report names: what is disputed, what is lost, or what comes back."""
    if after.state is ChannelDisputeState.LOST:
        return after.taken_minor
    if after.state is ChannelDisputeState.OPENED:
        return after.amount_minor
    at_stake_minor = before.amount_minor if before.due_time is not None else before.taken_minor
    return at_stake_minor - after.taken_minor


def _callbacks(tx: Tx, disputed: ChannelDispute, behaviours: Behaviours, *, amount_minor: int) -> list[DueCallback]:
    """Return the callback about a dispute as it is now, after the same delay as others; none where nobody listens."""
    if not disputed.callback_address:
        return []
    callback = DueCallback(
        attempt_id=disputed.attempt_id,
        due_time=tx.now + timedelta(milliseconds=behaviours.of(disputed.merchant_id).callback_delay_ms),
        report=_REPORTS[disputed.state],
        dispute_reference=disputed.dispute_reference,
        dispute_stage=disputed.stage,
        dispute_amount_minor=amount_minor,
        occur_time=tx.now,
    )
    return [callback]
