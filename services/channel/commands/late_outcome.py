"""Late outcomes as sequences: what is said of attempts after they were decided, on demand or by their amounts."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from paykit.cause import Cause
from paykit.errors import DomainError
from paykit.postgres.database import Tx
from paykit.work import Rows, fold
from services.channel import store
from services.channel.domain import dispute, late_outcome, line, transaction
from services.channel.domain.behaviour import Behaviours
from services.channel.domain.instruction import MONEY_IN
from services.channel.domain.late_outcome import LateOutcome, LateWord, OutcomeImpossible, Turned
from services.channel.domain.line import ChannelLine
from services.channel.domain.transaction import Authorization, ChannelTransaction
from services.channel.store import CallbackReport, DueCallback

_REPORTS = {
    LateOutcome.APPROVED: CallbackReport.LATE_RESULT,
    LateOutcome.DECLINED: CallbackReport.LATE_RESULT,
    LateOutcome.RETURNED: CallbackReport.RETURN,
    LateOutcome.APPROVED_AGAIN: CallbackReport.SECOND_RESULT,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SetOutcome:
    """A late word about an attempt."""

    attempt_id: str
    word: LateWord


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclineRefunds:
    """How many of the next refunds of what an attempt captured are to be declined; 0 for none any more."""

    attempt_id: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Turning:
    """What is on record before a batch of late words, and what they leave behind."""

    tx: Tx
    transactions: Rows[str, ChannelTransaction]
    authorizations: Rows[str, Authorization]
    lines: Rows[str, ChannelLine]
    behaviours: Behaviours
    callbacks: list[DueCallback] = field(default_factory=list)


async def set_outcomes(tx: Tx, items: Sequence[SetOutcome]) -> list[ChannelTransaction | DomainError]:
    """Change attempts by late words, one after another; emits a line for the money of each, and calls back.

    Refusals: AttemptNotFound, CurrencyMismatch, OutcomeImpossible.
    """
    transactions = await store.transactions.lock_named(tx, {item.attempt_id for item in items})
    return await turn_all(tx, transactions, items)


async def turn_all(
    tx: Tx, transactions: Rows[str, ChannelTransaction], items: Sequence[SetOutcome]
) -> list[ChannelTransaction | DomainError]:
    """Change attempts that are locked; see `set_outcomes`."""
    references = [transaction.authorization_of(row) or "" for row in transactions.values()]
    turning = _Turning(
        tx=tx,
        transactions=transactions,
        authorizations=await store.authorizations.lock(tx, references),
        lines=store.later_lines.rows(tx),
        behaviours=await store.behaviours_of(tx, [row.merchant_id for row in transactions.values()]),
    )
    results = fold(items, lambda item: _turn(turning, item))
    await tx.save(transactions, turning.authorizations, turning.lines)
    await store.insert_callbacks(tx, turning.callbacks)
    return results


async def decline_refunds(tx: Tx, items: Sequence[DeclineRefunds]) -> list[Authorization | DomainError]:
    """Have the next refunds of captures declined.

    Refusals: AttemptNotFound, OutcomeImpossible (the attempt captures nothing).
    """
    transactions = await store.transactions.by_key(tx, {item.attempt_id for item in items})
    references = [transaction.authorization_of(row) or "" for row in transactions.values()]
    authorizations = await store.authorizations.lock(tx, references)

    def decline(item: DeclineRefunds) -> Authorization:
        recorded = transactions.get(item.attempt_id)
        if recorded is None:
            raise dispute.attempt_not_found(item.attempt_id)
        authorization = authorizations.get(transaction.authorization_of(recorded))
        if authorization is None or recorded.action not in MONEY_IN:
            raise OutcomeImpossible("The attempt captures nothing.", state=recorded.outcome, outcome="DECLINED")
        return authorizations.put(replace(authorization, refund_declines_left=item.count))

    results = fold(items, decline)
    await tx.save(authorizations)
    return results


def _turn(turning: _Turning, item: SetOutcome) -> ChannelTransaction:
    recorded = turning.transactions.require(item.attempt_id, dispute.attempt_not_found)
    behaviour = turning.behaviours.of(recorded.merchant_id)
    turned = late_outcome.turn(
        recorded,
        turning.authorizations.get(transaction.authorization_of(recorded)),
        item.word,
        behaviour=behaviour,
        now=turning.tx.now,
    )
    _keep(turning, recorded, turned)
    if recorded.callback_address:
        due_time = turning.tx.now + timedelta(milliseconds=behaviour.callback_delay_ms)
        report = _REPORTS[item.word.outcome]
        turning.callbacks.append(DueCallback(attempt_id=recorded.attempt_id, due_time=due_time, report=report))
    return turned.transaction


def _keep(turning: _Turning, recorded: ChannelTransaction, turned: Turned) -> None:
    """Keep what a word changed, and tell the line of the money."""
    cause = Cause(recorded.correlation_id)
    turning.transactions.put(turned.transaction)
    if turned.authorization is not None:
        turning.authorizations.put(turned.authorization)
    if turned.again is not None:
        turning.authorizations.add(turned.again)
    if turned.line is not None:
        turning.lines.add(turned.line)
        turning.tx.hold(turned.line.channel_reference)
        turning.tx.emit(line.reported(turned.line, version=turned.transaction.version), cause=cause)
    elif turned.transaction.line_date is not None and recorded.line_date is None:
        turning.tx.emit(line.statement_line(turned.transaction), cause=cause)
