"""Disputes as sequences: opened by whoever plays the payer's bank, answered for the merchant, decided in time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from paykit.cause import Cause
from paykit.errors import DomainError
from paykit.ids import new_id
from paykit.money import Money
from paykit.postgres.database import Tx
from services.channel.commands import transactions as commands
from services.channel.domain import dispute
from services.channel.domain import transaction as domain
from services.channel.domain.behaviour import Behaviour
from services.channel.domain.dispute import Dispute, DisputeState, Reason
from services.channel.domain.transaction import Authorization, Transaction
from services.channel.store import callbacks as callback_store
from services.channel.store import disputes as dispute_store
from services.channel.store import transactions as store
from services.channel.store.callbacks import Report

_DECIDED = {DisputeState.WON: Report.DISPUTE_WON, DisputeState.LOST: Report.DISPUTE_LOST}


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
    reason: Reason
    respond_within_s: int
    contest_loses: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Respond:
    """A merchant's answer to a dispute."""

    dispute_reference: str
    contested: bool
    evidence: str


async def open_disputes(tx: Tx, items: Sequence[OpenDispute]) -> list[Dispute | DomainError]:
    """Hold back what is disputed, one after another; emits a statement line and remembers a callback for each.

    Refusals: AttemptNotFound, AttemptNotCaptured, CurrencyMismatch, DisputeExceedsCaptured.
    """
    transactions = await store.get_transactions(tx, {item.attempt_id for item in items})
    references = {each.attempt_id: domain.authorization_of(each) for each in transactions.values()}
    authorizations = await store.lock_authorizations(tx, [each for each in references.values() if each])
    results = [_open(tx, item, transactions.get(item.attempt_id), authorizations) for item in items]
    opened = [result for result in results if isinstance(result, Dispute)]
    await store.save_authorizations(tx, list(authorizations.values()) if opened else [])
    await dispute_store.insert_disputes(tx, opened)
    for each in opened:
        tx.emit(dispute.statement_line(each), cause=Cause(each.correlation_id))
    await _tell(tx, [(each, Report.DISPUTE_OPENED) for each in opened])
    return results


async def respond_to_disputes(tx: Tx, items: Sequence[Respond]) -> list[Dispute | DomainError]:
    """Take answers, one after another; an accepted dispute is lost at once and called back.

    Refusals: DisputeNotFound, DisputeAlreadyAnswered, DisputeResponseLate.
    """
    disputes = await dispute_store.lock_disputes(tx, sorted({item.dispute_reference for item in items}))
    behaviours = await store.get_behaviours(tx, {each.merchant_id for each in disputes.values()})
    before = dict(disputes)
    results = [_respond(item, disputes, behaviours, now=tx.now) for item in items]
    changed = [each for key, each in disputes.items() if each is not before[key]]
    await dispute_store.save_disputes(tx, changed)
    await _tell(tx, [(each, Report.DISPUTE_LOST) for each in changed if each.state is DisputeState.LOST])
    return results


async def decide_disputes(tx: Tx, *, limit: int) -> int:
    """Decide at most this many disputes that are due; emits a line for each that is won. Gives their number."""
    due = await dispute_store.lock_due_disputes(tx, due=tx.now, limit=limit)
    if not due:
        return 0
    authorizations = await store.lock_authorizations(tx, [each.authorization_reference for each in due])
    decided = []
    for each in due:
        after, authorization = dispute.decide(each, authorizations[each.authorization_reference], now=tx.now)
        authorizations[each.authorization_reference] = authorization
        decided.append(after)
    await dispute_store.save_disputes(tx, decided)
    await store.save_authorizations(tx, list(authorizations.values()))
    for each in decided:
        if each.state is DisputeState.WON:
            tx.emit(dispute.statement_line(each), cause=Cause(each.correlation_id))
    await _tell(tx, [(each, _DECIDED[each.state]) for each in decided])
    return len(due)


def _open(
    tx: Tx, item: OpenDispute, transaction: Transaction | None, authorizations: dict[str, Authorization]
) -> Dispute | DomainError:
    """Open one dispute on the authorization as the disputes before it left it."""
    if transaction is None:
        return dispute.AttemptNotFound("No attempt has this id.", field="attempt_id", attempt_id=item.attempt_id)
    try:
        opened, after = dispute.open_dispute(
            transaction,
            authorizations.get(domain.authorization_of(transaction) or ""),
            dispute_reference=new_id("chd"),
            amount=item.amount,
            reason=item.reason,
            respond_within_s=item.respond_within_s,
            contest_loses=item.contest_loses,
            now=tx.now,
        )
    except DomainError as refusal:
        return refusal
    authorizations[after.authorization_reference] = after
    return opened


def _respond(
    item: Respond, disputes: dict[str, Dispute], behaviours: dict[str, Behaviour], *, now: datetime
) -> Dispute | DomainError:
    """Answer one dispute as the answers before it left it."""
    before = disputes.get(item.dispute_reference)
    if before is None:
        return dispute.DisputeNotFound("No dispute has this reference.", field="dispute_reference")
    delay_ms = commands.applying(behaviours, before.merchant_id).callback_delay_ms
    try:
        after = dispute.respond(before, contested=item.contested, evidence=item.evidence, delay_ms=delay_ms, now=now)
    except DomainError as refusal:
        return refusal
    disputes[item.dispute_reference] = after
    return after


async def _tell(tx: Tx, told: Sequence[tuple[Dispute, Report]]) -> None:
    """Remember callbacks about disputes, after the same delay as others."""
    behaviours = await store.get_behaviours(tx, [each.merchant_id for each, _ in told]) if told else {}
    await callback_store.insert_callbacks(
        tx,
        [
            callback_store.Due(
                attempt_id=each.attempt_id,
                due_time=tx.now
                + timedelta(milliseconds=commands.applying(behaviours, each.merchant_id).callback_delay_ms),
                report=report,
                dispute_reference=each.dispute_reference,
            )
            for each, report in told
            if each.callback_address
        ],
    )
