"""Instructions carried out, what was left open decided, and behaviours set."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from paykit.cause import Cause
from paykit.errors import DomainError
from paykit.postgres.database import Tx
from paykit.work import Rows, fold
from services.channel import store
from services.channel.domain import behaviour, late_outcome, line, misreporting, payer_action, transaction
from services.channel.domain.behaviour import Aftereffect, Behaviour, Behaviours, Decision, Scenario
from services.channel.domain.instruction import MONEY_IN, Action, AttemptIdReused, ChannelTimeout, Instruction
from services.channel.domain.transaction import Authorization, ChannelTransaction
from services.channel.store import DueCallback


@dataclass(frozen=True, slots=True, kw_only=True)
class Submit:
    """An instruction, and who gives it."""

    instruction: Instruction
    cause: Cause


@dataclass(frozen=True, slots=True, kw_only=True)
class SetBehaviour:
    """A behaviour to set for a merchant (empty: globally), or to remove (None)."""

    merchant_id: str
    behaviour: Behaviour | None
    cause: Cause


@dataclass(frozen=True, slots=True, kw_only=True)
class _Submission:
    """What is on record before a batch of instructions, and what they leave behind.

    Attributes:
        recorded: The transactions of attempts that were taken before, and new ones.
        waiting: Authorizations that wait for their payer and may be cancelled here, by their references.
        carried_out: The new ones, in order.
    """

    tx: Tx
    authorizations: Rows[str, Authorization]
    recorded: Rows[str, ChannelTransaction]
    waiting: Rows[str, ChannelTransaction]
    behaviours: Behaviours
    carried_out: list[ChannelTransaction] = field(default_factory=list)
    aftereffects: list[tuple[str, Aftereffect, datetime]] = field(default_factory=list)


async def submit_instructions(tx: Tx, items: Sequence[Submit]) -> list[ChannelTransaction | DomainError]:
    """Carry out instructions, each attempt once; emits a statement line for each that moves money.

    ChannelTimeout stands for the answer that does not come: the instruction was carried out nonetheless (scenario
    9003) or was lost on its way and is not on record (scenario 9004). Given again, one that is on record is answered.
    """
    # Authorizations before attempts: always in this order, so that no two batches deadlock.
    instructions = [item.instruction for item in items]
    cancelling = [i.authorization_reference or "" for i in instructions if i.action is Action.CANCEL]
    waiting = await store.transactions.lock_waiting(tx, cancelling)
    authorizations = await store.authorizations.lock(tx, [i.authorization_reference or "" for i in instructions])
    attempt_ids = {instruction.attempt_id for instruction in instructions}
    claimed = await store.claim_attempts(tx, attempt_ids)
    earlier = await store.transactions.by_key(tx, attempt_ids - claimed)
    submission = _Submission(
        tx=tx,
        authorizations=authorizations,
        recorded=store.transactions.rows(tx, earlier.values()),
        waiting=waiting,
        behaviours=await store.behaviours_of(tx, [_merchant(i, authorizations) for i in instructions]),
    )
    results = fold(items, lambda item: _submit(submission, item))
    await store.release_attempts(tx, claimed - set(submission.recorded))
    await tx.save(submission.waiting, submission.authorizations, submission.recorded)
    await store.insert_aftereffects(tx, submission.aftereffects)
    await _report(tx, submission.carried_out, submission.behaviours)
    return results


async def set_behaviours(tx: Tx, items: Sequence[SetBehaviour]) -> list[Behaviour | DomainError]:
    """Set behaviours in order; the result of each is the one that applies then."""
    results: list[Behaviour | DomainError] = []
    for item in items:
        await store.set_behaviour(tx, item.merchant_id, item.behaviour)
        results.append((await store.behaviours_of(tx, [item.merchant_id])).of(item.merchant_id))
    return results


async def resolve_open(tx: Tx, *, limit: int) -> int:
    """Decide at most this many transactions that are due, and return their number; emits their lines."""
    due = await store.transactions.lock_open(tx, limit=limit)
    if not due:
        return 0
    references = {key: transaction.authorization_of(row) or "" for key, row in ((key, due[key]) for key in due)}
    authorizations = await store.authorizations.lock(tx, references.values())
    for attempt_id, reference in references.items():
        decided, authorization = transaction.resolve(due[attempt_id], authorizations.get(reference), now=tx.now)
        due.put(decided)
        if authorization is not None:
            authorizations.put(authorization)
    await tx.save(due, authorizations)
    behaviours = await store.behaviours_of(tx, [decided.merchant_id for decided in due.values()])
    await _report(tx, list(due.values()), behaviours)
    return len(due)


def _submit(submission: _Submission, item: Submit) -> ChannelTransaction | ChannelTimeout:
    """Answer an instruction by what is on record, or carry it out.

    Raises:
        AttemptIdReused: The attempt was used for something else.
    """
    instruction = item.instruction
    recorded = submission.recorded.get(instruction.attempt_id)
    if recorded is not None:
        if recorded.fingerprint != instruction.fingerprint():
            raise AttemptIdReused("attempt_id was used before for something else.", field="attempt_id")
        return recorded
    scenario = _scenario(submission, instruction)
    carried_out = _carry_out(submission, item, scenario) if scenario.applied else None
    if carried_out is None or not scenario.answered:
        # No refusal: what was carried out stays, and only its answer is lost.
        return ChannelTimeout("the channel did not answer; inquire.", attempt_id=instruction.attempt_id)
    return carried_out


def _carry_out(submission: _Submission, item: Submit, scenario: Scenario) -> ChannelTransaction:
    instruction, now = item.instruction, submission.tx.now
    named = submission.authorizations.get(instruction.authorization_reference)
    applying = submission.behaviours.of(_merchant(instruction, submission.authorizations))
    recorded, authorization = transaction.record(
        instruction,
        named,
        scenario=scenario,
        behaviour=applying,
        correlation_id=instruction.correlation_id or item.cause.correlation_id,
        now=now,
    )
    submission.tx.hold(recorded.channel_reference)
    submission.carried_out.append(submission.recorded.add(recorded))
    if scenario.aftereffect and late_outcome.has_aftereffect(recorded, scenario.aftereffect):
        due_time = now + timedelta(milliseconds=applying.callback_delay_ms)
        submission.aftereffects.append((recorded.attempt_id, scenario.aftereffect, due_time))
    if authorization is not None and authorization is not named:
        opens = instruction.action is Action.AUTHORIZE
        (submission.authorizations.add if opens else submission.authorizations.put)(authorization)
    if recorded.action is Action.CANCEL and recorded.outcome is Decision.APPROVED:
        _call_off(submission, recorded)
    return recorded


def _call_off(submission: _Submission, cancelled: ChannelTransaction) -> None:
    """Decline what waited for its payer, and was cancelled before that had acted."""
    for waiting in list(submission.waiting.values()):
        if waiting.channel_reference == cancelled.authorization_reference and waiting.awaits_payer:
            declined, authorization = transaction.decide(
                waiting,
                submission.authorizations.get(waiting.channel_reference),
                outcome=Decision.DECLINED,
                decline_code=payer_action.CALLED_OFF,
                now=submission.tx.now,
            )
            submission.waiting.put(declined)
            if authorization is not None:
                submission.authorizations.put(authorization)


def _merchant(instruction: Instruction, authorizations: Rows[str, Authorization]) -> str | None:
    named = authorizations.get(instruction.authorization_reference)
    return named.merchant_id if named else instruction.merchant_id


def _scenario(submission: _Submission, instruction: Instruction) -> Scenario:
    if instruction.amount_minor is None:
        named = submission.authorizations.get(instruction.authorization_reference)
        if named is None or named.cancel_undone:
            return behaviour.ORDINARY
        return behaviour.cancel_scenario_of(named.amount_minor)
    applying = submission.behaviours.of(_merchant(instruction, submission.authorizations))
    money_in = instruction.action in MONEY_IN
    scenario = behaviour.scenario_of(instruction.attempt_id, instruction.amount_minor, applying, money_in=money_in)
    # Capturing what a payer has authorized asks nothing of the payer.
    return behaviour.ORDINARY if scenario.action and instruction.action is not Action.AUTHORIZE else scenario


async def _report(tx: Tx, decided: Sequence[ChannelTransaction], behaviours: Behaviours) -> None:
    """Write statement lines for the money that moved, and remember the callbacks of what is decided."""
    callbacks: list[DueCallback] = []
    for row in decided:
        if row.line_date is not None:
            for reported in misreporting.reported_lines(line.statement_line(row)):
                tx.emit(reported, cause=Cause(row.correlation_id))
        if row.later is None and row.callback_address:
            due_time = tx.now + timedelta(milliseconds=behaviours.of(row.merchant_id).callback_delay_ms)
            callbacks += [DueCallback(attempt_id=row.attempt_id, due_time=due_time)] * row.callbacks
    await store.insert_callbacks(tx, callbacks)
