"""The acquirer's books: what an attempt does to an authorization, and what later becomes of it. Pure.

An approved amount and one that may still be approved count alike in every limit, so a late approval always has room.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from paykit.errors import InvariantError
from paykit.ids import named_id
from services.channel.domain import payer_action
from services.channel.domain.behaviour import BASIS_POINTS, Behaviour, Decision, Scenario, part_of
from services.channel.domain.instruction import Action, Instruction

CHANNEL = "simulator"
"""The name of this channel in events."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Authorization:
    """How much of an authorized amount is used.

    Attributes:
        taken_minor: Captured, or may still be by a pending capture.
        captured_minor: Captured.
        refunded_minor: Refunded, or may still be by a pending refund.
        disputed_minor: Held back by disputes, or lost in them.
        refund_declines_left: How many of the next refunds are declined.
        cancel_undone: Whether cancelling it was undone; then it is so no more.
        may_be_called_off: Whether it can be cancelled while it is PENDING, as it waits for its payer.
    """

    authorization_reference: str
    merchant_id: str
    amount_minor: int
    currency_code: str
    status: Decision
    cancelled: bool = False
    taken_minor: int = 0
    captured_minor: int = 0
    refunded_minor: int = 0
    disputed_minor: int = 0
    refund_declines_left: int = 0
    cancel_undone: bool = False
    may_be_called_off: bool = False

    @property
    def kept_minor(self) -> int:
        """Return what of the captured amount neither went back nor is held back."""
        return self.captured_minor - self.refunded_minor - self.disputed_minor


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelTransaction:
    """One attempt on the channel's record.

    Attributes:
        amount_minor: What was asked for; where less was approved, that.
        moves_money: Whether approval moves money.
        fee_minor: What the channel charges if it is approved.
        wrong_fee_minor: What the statement line charges too much.
        later: What will be decided at resolve_time, if anything is open.
        callbacks: How often the final result is called back.
        fingerprint: Digest of the instruction, by which a repetition is told from another instruction.
        line_date: Day of its statement line, YYYY-MM-DD in UTC; None while it has none. Once it has one, amount and fee
            stay: what changes later has lines of its own.
        return_time: When an approved payout came back; None while it has not.
        returned_minor: What of it came back; None while nothing has.
        next_action: What the payer has or had to do, as `paykit.channels.actions.next_action` writes it.
        second_reference: The channel's reference of a second approval, of second_minor; None while there is none.
        version: From 1, one more with every change.
    """

    attempt_id: str
    action: Action
    channel_reference: str
    merchant_id: str | None
    amount_minor: int | None
    currency_code: str | None
    authorization_reference: str | None
    related_no: str | None
    outcome: Decision
    decline_code: str
    moves_money: bool
    fee_minor: int
    wrong_fee_minor: int
    later: Decision | None
    resolve_time: datetime | None
    callbacks: int
    callback_address: str
    correlation_id: str
    fingerprint: bytes
    create_time: datetime
    update_time: datetime
    line_date: str | None
    version: int
    return_time: datetime | None = None
    returned_minor: int | None = None
    second_reference: str | None = None
    second_minor: int | None = None
    next_action: str | None = field(default=None, repr=False)

    @property
    def awaits_payer(self) -> bool:
        """Return whether nothing is decided before the payer has acted."""
        return self.outcome is Decision.PENDING and self.next_action is not None

    @property
    def stands(self) -> bool:
        """Return whether it counts in limits: approved, or it may still be."""
        return self.outcome is not Decision.DECLINED or self.later is Decision.APPROVED

    @property
    def captured(self) -> bool:
        """Return whether money moved."""
        return self.moves_money and self.outcome is Decision.APPROVED

    @property
    def channel_fee_minor(self) -> int:
        """Return what the channel charged so far."""
        return self.fee_minor if self.captured else 0


DECLINED_LATE = "do_not_honor"
"""The decline code of what is declined only after a while."""
REFUND_DECLINED = "refund_not_allowed"
"""The decline code of refunds that are declined because it was set so."""


def fee_of(amount_minor: int, behaviour: Behaviour) -> int:
    """Return what the channel charges for capturing an amount, rounded half up."""
    return (amount_minor * behaviour.fee_basis_points + BASIS_POINTS // 2) // BASIS_POINTS


def channel_reference(attempt_id: str) -> str:
    """Return the channel's reference of an attempt; it follows from the attempt, so that a repetition has the same."""
    return named_id("chn", attempt_id)


def authorization_of(transaction: ChannelTransaction) -> str | None:
    """Name the authorization that a transaction is about: its own, for an authorization; none, for a payout."""
    own = transaction.action is Action.AUTHORIZE
    return transaction.channel_reference if own else transaction.authorization_reference


def record(
    instruction: Instruction,
    authorization: Authorization | None,
    *,
    scenario: Scenario,
    behaviour: Behaviour,
    correlation_id: str,
    now: datetime,
) -> tuple[ChannelTransaction, Authorization | None]:
    """Take an attempt on record: the acquirer's rules first, then its scenario, which must be one that is applied.

    `authorization` is the locked one that is named: None for an authorization, a payment and an unknown one.

    Returns: The transaction, and the authorization after it (None if there is none).
    """
    refusal = _refusal(instruction, authorization)
    if refusal:
        scenario = Scenario(outcome=Decision.DECLINED, decline_code=refusal)
    amount_minor = _approved_minor(instruction, scenario)
    cancelled = authorization if instruction.action is Action.CANCEL and not refusal else None
    expire_time = now + timedelta(seconds=behaviour.action_expires_seconds)
    later_at = expire_time if scenario.waits else now + timedelta(milliseconds=behaviour.callback_delay_ms)
    transaction = ChannelTransaction(
        attempt_id=instruction.attempt_id,
        action=instruction.action,
        channel_reference=channel_reference(instruction.attempt_id),
        merchant_id=authorization.merchant_id if authorization else instruction.merchant_id,
        amount_minor=_cancelled_minor(cancelled) if cancelled else amount_minor,
        currency_code=cancelled.currency_code if cancelled else instruction.currency_code,
        authorization_reference=instruction.authorization_reference,
        related_no=instruction.related_no,
        outcome=scenario.outcome,
        decline_code=scenario.decline_code,
        moves_money=instruction.moves_money,
        fee_minor=_fee(instruction, amount_minor, behaviour),
        wrong_fee_minor=scenario.wrong_fee_minor,
        later=scenario.later,
        resolve_time=later_at if scenario.later else None,
        callbacks=scenario.callbacks,
        callback_address=instruction.callback_address or behaviour.callback_address,
        correlation_id=correlation_id,
        fingerprint=instruction.fingerprint(),
        create_time=now,
        update_time=now,
        line_date=None,
        version=1,
        next_action=_next_action(instruction, scenario, expire_time),
    )
    dated = _dated(transaction, now)
    return dated, _recorded(dated, authorization, scenario)


def resolve(
    transaction: ChannelTransaction, authorization: Authorization | None, *, now: datetime
) -> tuple[ChannelTransaction, Authorization | None]:
    """Decide what was left open.

    Raises:
        InvariantError: Nothing was open.
    """
    if transaction.later is None:
        raise InvariantError(f"{transaction.attempt_id} has nothing open")
    code = DECLINED_LATE if transaction.later is Decision.DECLINED else ""
    if code and transaction.next_action is not None:
        code = payer_action.decline_code(transaction.next_action, now)
    return decide(transaction, authorization, outcome=transaction.later, decline_code=code, now=now)


def decide(
    transaction: ChannelTransaction,
    authorization: Authorization | None,
    *,
    outcome: Decision,
    now: datetime,
    decline_code: str = "",
    amount_minor: int | None = None,
    fee_minor: int | None = None,
) -> tuple[ChannelTransaction, Authorization | None]:
    """Put an outcome in the place of the one before, and in the authorization's limits; None leaves what there is."""
    decided = replace(
        transaction,
        outcome=outcome,
        decline_code=decline_code,
        amount_minor=transaction.amount_minor if amount_minor is None else amount_minor,
        fee_minor=transaction.fee_minor if fee_minor is None else fee_minor,
        later=None,
        resolve_time=None,
        update_time=now,
        version=transaction.version + 1,
    )
    decided = _dated(decided, now)
    return decided, _counted(decided, _counted(transaction, authorization, sign=-1), sign=1)


def _refusal(instruction: Instruction, authorization: Authorization | None) -> str:
    """Return the decline code of an instruction that breaks a rule of the acquirer; empty for one that breaks none."""
    if instruction.action in {Action.AUTHORIZE, Action.PAY}:
        return ""
    if authorization is None:
        return "authorization_unknown"
    if authorization.status is not Decision.APPROVED:
        called_off = instruction.action is Action.CANCEL and _waits(authorization)
        return "" if called_off else "authorization_not_approved"
    if instruction.currency_code not in {None, authorization.currency_code}:
        return "currency_mismatch"
    return _amount_refusal(instruction, authorization)


def _waits(authorization: Authorization) -> bool:
    """Return whether it waits for its payer, and may be cancelled."""
    return authorization.status is Decision.PENDING and authorization.may_be_called_off


def _cancelled_minor(cancelled: Authorization) -> int:
    """Return what is given back by cancelling: of what waits for its payer, nothing is taken yet."""
    return cancelled.amount_minor - (0 if _waits(cancelled) else cancelled.taken_minor)


def _amount_refusal(instruction: Instruction, authorization: Authorization) -> str:
    amount_minor = instruction.amount_minor or 0
    if instruction.action is Action.REFUND:
        return _refund_refusal(amount_minor, authorization)
    if authorization.cancelled:
        return "authorization_cancelled"
    left_minor = authorization.amount_minor - authorization.taken_minor
    if instruction.action is Action.CANCEL:
        return "" if left_minor else "already_captured"
    return "capture_exceeds_authorized" if amount_minor > left_minor else ""


def _refund_refusal(amount_minor: int, authorization: Authorization) -> str:
    if authorization.refund_declines_left:
        return REFUND_DECLINED
    return "refund_exceeds_captured" if amount_minor > authorization.kept_minor else ""


def _next_action(instruction: Instruction, scenario: Scenario, expire_time: datetime) -> str | None:
    if scenario.action is None:
        return None
    reference = channel_reference(instruction.attempt_id)
    return payer_action.required(scenario.action, reference, return_url=instruction.return_url, expire_time=expire_time)


def _approved_minor(instruction: Instruction, scenario: Scenario) -> int | None:
    asked_minor = instruction.amount_minor
    return part_of(asked_minor) if asked_minor and scenario.part else asked_minor


def _fee(instruction: Instruction, amount_minor: int | None, behaviour: Behaviour) -> int:
    if amount_minor is None or not (instruction.capture or instruction.action is Action.CAPTURE):
        return 0
    return fee_of(amount_minor, behaviour)


def _dated(transaction: ChannelTransaction, now: datetime) -> ChannelTransaction:
    if transaction.line_date is not None or not transaction.captured:
        return transaction
    return replace(transaction, line_date=now.date().isoformat())


def _recorded(
    transaction: ChannelTransaction, authorization: Authorization | None, scenario: Scenario
) -> Authorization | None:
    """Return the authorization after an attempt was taken on record."""
    if transaction.action is Action.AUTHORIZE:
        authorization = Authorization(
            authorization_reference=transaction.channel_reference,
            merchant_id=transaction.merchant_id or "",
            amount_minor=transaction.amount_minor or 0,
            currency_code=transaction.currency_code or "",
            status=transaction.outcome,
            may_be_called_off=payer_action.may_be_called_off(scenario.action),
        )
    counted = _counted(transaction, authorization, sign=1)
    if counted is None:
        return None
    declined = transaction.action is Action.REFUND and transaction.decline_code == REFUND_DECLINED
    more = scenario.refund_declines - declined
    return replace(counted, refund_declines_left=counted.refund_declines_left + more) if more else counted


def _counted(
    transaction: ChannelTransaction, authorization: Authorization | None, *, sign: int
) -> Authorization | None:
    """Add what an attempt uses of an authorization to it, or with a sign of -1 take it away."""
    if authorization is None:
        return None
    if transaction.action is Action.AUTHORIZE:
        amount_minor = transaction.amount_minor or 0
        authorization = replace(authorization, status=transaction.outcome, amount_minor=amount_minor)
    if not transaction.stands:
        return authorization
    if transaction.action is Action.CANCEL:
        return replace(authorization, cancelled=sign > 0)
    return _used(transaction, authorization, sign * (transaction.amount_minor or 0))


def _used(transaction: ChannelTransaction, authorization: Authorization, amount_minor: int) -> Authorization:
    if not transaction.moves_money:
        return authorization
    if transaction.action is Action.REFUND:
        return replace(authorization, refunded_minor=authorization.refunded_minor + amount_minor)
    return replace(
        authorization,
        taken_minor=authorization.taken_minor + amount_minor,
        captured_minor=authorization.captured_minor + (amount_minor if transaction.captured else 0),
    )
