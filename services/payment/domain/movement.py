"""What captures and refunds have in common: each follows what a payment began with, by a call of its own. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import ClassVar, TypeVar

from paykit import transitions
from paykit.cause import NO_CALL, CreatingCall
from paykit.clock import no_earlier
from paykit.merchants.labels import NO_LABELS, Labels
from paystream.payment.v1 import events
from services.payment.domain.attempt import Failure


class MovementState(StrEnum):
    """How far it has come; QUEUED, CREATED and UNKNOWN hold their amount.

    Only refunds are QUEUED, for funds, or RETURNED: they came back, in full.
    """

    QUEUED = "QUEUED"
    CREATED = "CREATED"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    UNKNOWN = "UNKNOWN"
    RETURNED = "RETURNED"


OPEN = frozenset({MovementState.QUEUED, MovementState.CREATED, MovementState.UNKNOWN})
"""States without an outcome."""


class MovementAction(StrEnum):
    """What can happen to it."""

    RELEASE = "RELEASE"
    CANCEL = "CANCEL"
    SUCCEED = "SUCCEED"
    FAIL = "FAIL"
    LOSE_ANSWER = "LOSE_ANSWER"
    SUCCEED_LATE = "SUCCEED_LATE"
    RETURN = "RETURN"


_S, _A = MovementState, MovementAction

TRANSITIONS: Mapping[tuple[MovementState, MovementAction], MovementState] = MappingProxyType(
    {
        (_S.QUEUED, _A.RELEASE): _S.CREATED,
        (_S.QUEUED, _A.CANCEL): _S.FAILED,
        (_S.CREATED, _A.SUCCEED): _S.SUCCEEDED,
        (_S.CREATED, _A.FAIL): _S.FAILED,
        (_S.CREATED, _A.LOSE_ANSWER): _S.UNKNOWN,
        (_S.UNKNOWN, _A.SUCCEED): _S.SUCCEEDED,
        (_S.UNKNOWN, _A.FAIL): _S.FAILED,
        # What its channel says later is what is believed from then on; of captures it is told by the amounts alone.
        (_S.FAILED, _A.SUCCEED_LATE): _S.SUCCEEDED,
        (_S.RETURNED, _A.SUCCEED_LATE): _S.SUCCEEDED,
        (_S.SUCCEEDED, _A.RETURN): _S.RETURNED,
    }
)
"""The state after an action; a pair that is missing is illegal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentMovement:
    """A capture or a refund; amounts are in minor units of `currency_code`.

    Attributes:
        WHAT: As a person would call it.
        amount_minor: What was asked for.
        approved_minor: What was carried out, where the channel said another amount than was asked for.
        channel_reference: Of the capture or refund itself.
        failure_reason: Set exactly while FAILED.
        labels: Of what a caller asked for.
        creating_call: Kept so that the same call creates nothing again.
    """

    WHAT: ClassVar[str]

    payment_id: str
    amount_minor: int
    currency_code: str
    create_time: datetime
    update_time: datetime
    state: MovementState = MovementState.CREATED
    approved_minor: int | None = None
    channel_reference: str | None = None
    failure_reason: events.FailureReason | None = None
    failure_code: str | None = None
    labels: Labels = NO_LABELS
    creating_call: CreatingCall = NO_CALL

    @property
    def carried_out_minor(self) -> int:
        """What was carried out, if it was: as the channel says, else what was asked for."""
        return self.amount_minor if self.approved_minor is None else self.approved_minor


F = TypeVar("F", bound=PaymentMovement)


def next_state(state: MovementState, action: MovementAction, *, what: str) -> MovementState:
    """Return the state after an action.

    Raises:
        IllegalTransition: It has ended already, or has lost its answer before.
    """
    return transitions.next_state(TRANSITIONS, state, action, what=what)


def succeed(movement: F, *, channel_reference: str, amount_minor: int, now: datetime) -> F:
    """Record that it was carried out, over this amount.

    Raises:
        IllegalTransition: It has ended already.
    """
    return _succeed(movement, _A.SUCCEED, channel_reference, amount_minor, now)


def succeed_late(movement: F, *, channel_reference: str, amount_minor: int, now: datetime) -> F:
    """Record that what had failed, or had come back, was carried out after all.

    Raises:
        IllegalTransition: It is neither.
    """
    succeeded = _succeed(movement, _A.SUCCEED_LATE, channel_reference, amount_minor, now)
    return replace(succeeded, failure_reason=None, failure_code=None)


def send_back(movement: F, *, now: datetime) -> F:
    """Record that what was carried out came back.

    Raises:
        IllegalTransition: It was not carried out.
    """
    state = next_state(movement.state, _A.RETURN, what=movement.WHAT)
    return replace(movement, state=state, update_time=no_earlier(now, movement.update_time))


def fail(movement: F, failure: Failure, *, now: datetime, by: MovementAction = MovementAction.FAIL) -> F:
    """Record that it ended without moving money.

    Raises:
        IllegalTransition: It has ended already; of a CANCEL, it does not wait.
    """
    return replace(
        movement,
        state=next_state(movement.state, by, what=movement.WHAT),
        channel_reference=failure.channel_reference or movement.channel_reference,
        failure_reason=failure.reason,
        failure_code=failure.code,
        update_time=no_earlier(now, movement.update_time),
    )


def lose_answer(movement: F, *, now: datetime) -> F:
    """Record that a call ended without an answer; the amount stays held, and no event says so.

    Raises:
        IllegalTransition: It has ended already, or has lost its answer before.
    """
    state = next_state(movement.state, _A.LOSE_ANSWER, what=movement.WHAT)
    return replace(movement, state=state, update_time=no_earlier(now, movement.update_time))


def _succeed(movement: F, action: MovementAction, channel_reference: str, amount_minor: int, now: datetime) -> F:
    return replace(
        movement,
        state=next_state(movement.state, action, what=movement.WHAT),
        channel_reference=channel_reference,
        approved_minor=None if amount_minor == movement.amount_minor else amount_minor,
        update_time=no_earlier(now, movement.update_time),
    )
