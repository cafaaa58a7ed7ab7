"""What a payment waits for of its payer, and how that is called off. Pure; what it does to a payment is in `awaiting`.

Calling off takes two steps, as giving up an authorization does: first it is intended, from when the payer is shown
nothing to do; then its channel is asked to call it off, and evidence ends the payment. So nothing is guessed.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from paykit.channels.actions import next_action as next_actions
from paykit.channels.actions.next_action import NextAction

ACTION_TTL = timedelta(hours=1)
"""How long a payer has, unless channel or settings say otherwise."""
ACTION_LIFE_MAX = timedelta(days=30)
"""How long a payer has at most, whatever a channel says."""
ACTION_EXPIRED = "action_expired"
"""The failure code of a call whose payer did not act in time."""


class CallingOff(StrEnum):
    """How far calling off has come.

    ASKED: its channel is asked, and has not said. REFUSED: its channel did not, or could not be asked; what it says of
    the call itself decides, and if that is still that it waits for the payer, the payment ends all the same.
    """

    ASKED = "ASKED"
    REFUSED = "REFUSED"


@dataclass(frozen=True, slots=True, kw_only=True)
class PayerAction:
    """What a payment waits for of its payer.

    Attributes:
        next_action: What the payer has to do, as `paykit.channels.actions.next_action` writes it; None as soon as
            nothing is to be done, for it is secret.
        action_expire_time: When it is called off; set exactly while there is something to do.
        calling_off: Set from when it is called off until the payment has ended.
    """

    next_action: str | None = field(default=None, repr=False)
    action_expire_time: datetime | None = None
    calling_off: CallingOff | None = None


NOTHING_TO_DO = PayerAction()
"""Of a payment that waits for no payer."""


def required(before: PayerAction, action: NextAction, *, ttl: timedelta, now: datetime) -> PayerAction:
    """Return what is to be done now; another action without a time of its own leaves the time of the one before.

    Args:
        before: What was to be done.
        action: As the channel says.
        ttl: Where neither says until when.
        now: Business time.
    """
    expire_time = action.expire_time or before.action_expire_time or now + ttl
    return PayerAction(
        next_action=next_actions.to_json(action), action_expire_time=min(expire_time, now + ACTION_LIFE_MAX)
    )


def shown(payer_action: PayerAction) -> NextAction | None:
    """Return what the payer has to do, as the channel said it; None for nothing."""
    text = payer_action.next_action
    return None if text is None else next_actions.from_json(text)
