"""A withdrawal: what may happen to it in each state, and the events that say so. Pure: `now` and ids are arguments."""

from dataclasses import dataclass, replace
from datetime import datetime

from paykit.aggregate import AggregateFacts, aggregate_facts, next_revision
from paykit.base.four_eyes import require_another
from paykit.cause import NO_CALL, CreatingCall
from paykit.clock import no_earlier
from paykit.errors import DomainError, IllegalTransition, InvariantError, Kind
from paykit.merchants.labels import NO_LABELS, Labels
from paykit.reasons.stated_reason import NOT_STATED, StatedReason
from paystream.withdrawal.v1 import events
from services.withdrawal.domain.withdrawal_state import UNPAID, WithdrawalAction, WithdrawalState, next_state

PAYOUT_FEE_MINOR = 0
"""What a merchant is charged for a payout, in minor units: nothing."""

BANK_ACCOUNT_DISABLED = "BANK_ACCOUNT_DISABLED"
"""Why a withdrawal fails whose bank account is not to be used any more when it would be sent."""


class WithdrawalNotFound(DomainError):
    """No withdrawal has this id."""

    kind = Kind.NOT_FOUND
    reason = "WITHDRAWAL_NOT_FOUND"


class NotHeldYet(IllegalTransition):
    """The ledger has not booked the hold yet; a caller may wait for it."""

    retry_after_s = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawal:
    """A withdrawal; the amount is in minor units of `currency_code`.

    Attributes:
        destination_token: The bank account's, as it was when the withdrawal was created.
        bank_account_last_four: Of the bank account's number.
        requester: The caller who created it.
        note: What the requester wrote about it.
        decider: The caller who approved or rejected it; None where nobody has, or nobody had to.
        stated: Why it was rejected or called off.
        funds_held: Whether the ledger has booked the hold; stays true when it was released.
        channel: None before it is approved.
        failure_reason: Set exactly while FAILED.
        contradicted: Whether evidence says the opposite of the state.
        taken_minor: What it takes of the merchant's funds: its amount, until that comes back.
        submit_time: When it was handed to the bank; None before.
        returned_minor: What came back of it, when it did for the first time; banks kept the rest.
        paid_late, bounced: Whether the ledger was told that it was paid after all, and that it never was.
        blocked_reason: Why it is not sent now, UPPER_SNAKE, as read with it; None where nothing stops it.
        correlation_id: The journey that all events of the withdrawal carry.
        aggregate_version: From 1, +1 with every event.
        labels: The merchant's own.
        creating_call: Kept so that the same call creates nothing again.
    """

    withdrawal_id: str
    merchant_id: str
    bank_account_id: str
    destination_token: str
    bank_account_last_four: str
    amount_minor: int
    currency_code: str
    approval_required: bool
    requester: str
    correlation_id: str
    create_time: datetime
    update_time: datetime
    taken_minor: int
    state: WithdrawalState = WithdrawalState.CREATED
    decider: str | None = None
    stated: StatedReason = NOT_STATED
    note: str | None = None
    submit_time: datetime | None = None
    funds_held: bool = False
    channel: str | None = None
    channel_reference: str | None = None
    failure_reason: str | None = None
    failure_code: str | None = None
    return_code: str | None = None
    contradicted: bool = False
    returned_minor: int | None = None
    paid_late: bool = False
    bounced: bool = False
    blocked_reason: str | None = None
    aggregate_version: int = 1
    labels: Labels = NO_LABELS
    creating_call: CreatingCall = NO_CALL


class WithdrawalFacts(AggregateFacts):
    """The fields that all events of a withdrawal share."""

    withdrawal_id: str
    bank_account_id: str
    amount_minor: int
    currency_code: str
    bank_account_last_four: str
    requester: str
    decider: str | None
    note: str | None
    submitted_at: datetime | None
    payout_fee_minor: int


def require_decidable(withdrawal: Withdrawal, action: WithdrawalAction, *, decider: str | None) -> None:
    """Check that someone may approve or reject a withdrawal now.

    Args:
        withdrawal: The one to decide on.
        action: APPROVE or REJECT.
        decider: The caller's name; None for one without a name.

    Raises:
        SamePerson: The caller created it, or has no name.
        NotHeldYet: The ledger has not booked the hold yet.
        IllegalTransition: It does not wait for a decision.
    """
    require_another(decider, than=withdrawal.requester, role="requester")
    if withdrawal.state is WithdrawalState.CREATED and withdrawal.approval_required:
        raise _not_held_yet(withdrawal, action)
    next_state(withdrawal.state, action)


def not_found(withdrawal_id: str) -> WithdrawalNotFound:
    """Make the refusal that no withdrawal has this id."""
    return WithdrawalNotFound("No withdrawal has this id.", field="withdrawal_id", withdrawal_id=withdrawal_id)


def created(withdrawal: Withdrawal) -> events.WithdrawalCreated:
    """Return the event of a withdrawal just made."""
    return events.WithdrawalCreated(**facts(withdrawal), approval_required=withdrawal.approval_required)


def hold(withdrawal: Withdrawal, *, now: datetime) -> Withdrawal:
    """Record that the ledger holds the amount; no event tells, as the ledger's own does.

    Raises:
        IllegalTransition: The withdrawal has failed.
    """
    state = next_state(withdrawal.state, WithdrawalAction.HOLD)
    return replace(_touch(withdrawal, now), state=state, funds_held=True)


def refuse(withdrawal: Withdrawal, *, reason: str, now: datetime) -> tuple[Withdrawal, events.WithdrawalFailed]:
    """Record that the ledger would not hold the amount.

    Raises:
        IllegalTransition: It holds the amount.
    """
    refused = replace(_advance(withdrawal, WithdrawalAction.REFUSE, now), failure_reason=reason)
    return refused, _failed(refused, reason, attempt_id=None)


def approve(
    withdrawal: Withdrawal, *, decider: str | None, channel: str, now: datetime
) -> tuple[Withdrawal, events.WithdrawalApproved]:
    """Let a withdrawal go to the bank; a decider of None is nobody, where nobody has to decide.

    Raises:
        IllegalTransition: The ledger does not hold the amount, or it was decided on before.
    """
    approved = replace(_advance(withdrawal, WithdrawalAction.APPROVE, now), decider=decider, channel=channel)
    return approved, events.WithdrawalApproved(**facts(approved), automatic=decider is None)


def reject(
    withdrawal: Withdrawal, *, decider: str, stated: StatedReason, now: datetime
) -> tuple[Withdrawal, events.WithdrawalRejected]:
    """Refuse a withdrawal, for a reason.

    Raises:
        IllegalTransition: It does not wait for a decision.
    """
    rejected = replace(_advance(withdrawal, WithdrawalAction.REJECT, now), decider=decider, stated=stated)
    return rejected, events.WithdrawalRejected(**facts(rejected), reason=stated.stated_reason)


def require_cancellable(withdrawal: Withdrawal) -> None:
    """Check that a withdrawal has not been handed to the bank.

    Raises:
        NotHeldYet: The ledger has not booked the hold yet.
        IllegalTransition: It was handed over, or has ended.
    """
    if withdrawal.state is WithdrawalState.CREATED:
        raise _not_held_yet(withdrawal, WithdrawalAction.CANCEL)
    next_state(withdrawal.state, WithdrawalAction.CANCEL)


def cancel(
    withdrawal: Withdrawal, *, stated: StatedReason, now: datetime
) -> tuple[Withdrawal, events.WithdrawalCancelled]:
    """Call a withdrawal off, for a reason, that was not handed to the bank.

    Raises:
        IllegalTransition: It was, or has ended.
    """
    cancelled = replace(_advance(withdrawal, WithdrawalAction.CANCEL, now), stated=stated)
    return cancelled, events.WithdrawalCancelled(
        **facts(cancelled), funds_held=cancelled.funds_held, reason=stated.stated_reason
    )


def submit(withdrawal: Withdrawal, *, attempt_id: str, now: datetime) -> tuple[Withdrawal, events.WithdrawalSubmitted]:
    """Record that a withdrawal is being handed to the bank.

    Raises:
        IllegalTransition: It is not approved, or was handed over before.
    """
    submitted = replace(_advance(withdrawal, WithdrawalAction.SUBMIT, now), submit_time=now)
    event = events.WithdrawalSubmitted(
        **facts(submitted), channel=present(submitted.channel, submitted), attempt_id=attempt_id
    )
    return submitted, event


def complete(
    withdrawal: Withdrawal, *, channel_reference: str, attempt_id: str, now: datetime
) -> tuple[Withdrawal, events.WithdrawalCompleted]:
    """Record that the bank has paid.

    Raises:
        IllegalTransition: It was not handed to the bank, or has ended.
    """
    completed = replace(_advance(withdrawal, WithdrawalAction.COMPLETE, now), channel_reference=channel_reference)
    return completed, events.WithdrawalCompleted(
        **facts(completed),
        channel=present(completed.channel, completed),
        channel_reference=channel_reference,
        attempt_id=attempt_id,
    )


def fail(
    withdrawal: Withdrawal,
    *,
    reason: str,
    code: str | None,
    channel_reference: str | None,
    attempt_id: str,
    now: datetime,
) -> tuple[Withdrawal, events.WithdrawalFailed]:
    """Record that the bank has not paid and will not, or that it is not asked to.

    Raises:
        IllegalTransition: It is not approved, or has ended.
    """
    failed = replace(
        _advance(withdrawal, WithdrawalAction.FAIL, now),
        failure_reason=reason,
        failure_code=code,
        channel_reference=channel_reference or withdrawal.channel_reference,
    )
    return failed, _failed(failed, reason, attempt_id=attempt_id)


def lose_answer(
    withdrawal: Withdrawal, *, channel_reference: str | None, attempt_id: str, now: datetime
) -> tuple[Withdrawal, events.WithdrawalUnknown]:
    """Record that the bank's answer is missing.

    Raises:
        IllegalTransition: It was not handed to the bank, or has ended.
    """
    unknown = replace(
        _advance(withdrawal, WithdrawalAction.LOSE_ANSWER, now),
        channel_reference=channel_reference or withdrawal.channel_reference,
    )
    return unknown, events.WithdrawalUnknown(
        **facts(unknown),
        channel=present(unknown.channel, unknown),
        attempt_id=attempt_id,
        channel_reference=unknown.channel_reference,
    )


def send_back(
    withdrawal: Withdrawal, *, returned_minor: int | None, code: str | None, attempt_id: str, now: datetime
) -> tuple[Withdrawal, events.WithdrawalReturned]:
    """Record that the bank gave the money back, or what was left of it; None is all.

    Raises:
        IllegalTransition: It has not paid, or gave it back before.
    """
    came_back_minor = min(
        withdrawal.amount_minor if returned_minor is None else returned_minor, withdrawal.amount_minor
    )
    returned = replace(
        _advance(withdrawal, WithdrawalAction.RETURN, now),
        return_code=code,
        returned_minor=came_back_minor,
        taken_minor=withdrawal.taken_minor - came_back_minor,
    )
    return returned, events.WithdrawalReturned(
        **facts(returned),
        channel=present(returned.channel, returned),
        channel_reference=present(returned.channel_reference, returned),
        return_code=code,
        bank_fee_minor=withdrawal.amount_minor - came_back_minor,
        returned_minor=came_back_minor,
        attempt_id=attempt_id,
    )


def _advance(withdrawal: Withdrawal, action: WithdrawalAction, now: datetime) -> Withdrawal:
    """Return the withdrawal in the state after an action that an event tells of; its amount comes back if it ended."""
    state = next_state(withdrawal.state, action)
    taken_minor = 0 if state in UNPAID else withdrawal.taken_minor
    return replace(withdrawal, **next_revision(withdrawal, now), state=state, taken_minor=taken_minor)


def _touch(withdrawal: Withdrawal, now: datetime) -> Withdrawal:
    """Return the withdrawal dated by a change that no event tells of."""
    return replace(withdrawal, update_time=no_earlier(now, withdrawal.update_time))


def _not_held_yet(withdrawal: Withdrawal, action: WithdrawalAction) -> NotHeldYet:
    return NotHeldYet("The ledger has not held the amount yet.", state=withdrawal.state, action=action)


def present(value: str | None, withdrawal: Withdrawal) -> str:
    """Return what each withdrawal has in this state; a CHECK of its table says so too."""
    if value is None:
        raise InvariantError(f"{withdrawal.withdrawal_id} is {withdrawal.state} without a channel or its reference")
    return value


def _failed(withdrawal: Withdrawal, reason: str, *, attempt_id: str | None) -> events.WithdrawalFailed:
    return events.WithdrawalFailed(
        **facts(withdrawal),
        funds_held=withdrawal.funds_held,
        reason=reason,
        failure_code=withdrawal.failure_code,
        channel_reference=withdrawal.channel_reference,
        attempt_id=attempt_id,
    )


def facts(withdrawal: Withdrawal) -> WithdrawalFacts:
    """Return what an event of the withdrawal's latest change begins with."""
    return {
        **aggregate_facts(withdrawal),
        "withdrawal_id": withdrawal.withdrawal_id,
        "bank_account_id": withdrawal.bank_account_id,
        "amount_minor": withdrawal.amount_minor,
        "currency_code": withdrawal.currency_code,
        "bank_account_last_four": withdrawal.bank_account_last_four,
        "requester": withdrawal.requester,
        "decider": withdrawal.decider,
        "note": withdrawal.note,
        "submitted_at": withdrawal.submit_time,
        "payout_fee_minor": PAYOUT_FEE_MINOR,
    }
