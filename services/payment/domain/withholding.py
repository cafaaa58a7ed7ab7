"""What is not sent to a channel any more: too late, or for a merchant who may do no business by now. Pure.

A payment is accepted first and sent afterwards, as a rule at once, but a channel may be away for hours. So what takes
money is looked at again when it is sent. What gives money back is always sent.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from types import MappingProxyType

from paykit.channels.attempts import AttemptState, Evidence, EvidenceOutcome, Source
from paykit.clock import no_earlier
from paykit.errors import FieldInvalid
from paykit.merchants.standing import MerchantStanding
from paystream.payment.v1 import events
from services.payment.domain.attempt import EXPIRED_UNSENT, MERCHANT_SUSPENDED, AttemptAction, Failure, PaymentAttempt

UNSENT_TTL = timedelta(hours=24)
"""How long what takes money may wait to be sent, unless caller or settings say otherwise."""
SEND_LIFE_MAX = timedelta(days=30)
"""How far ahead the time can lie until which a payment may be sent."""

_S = MerchantStanding
_TAKES = frozenset({AttemptAction.CHARGE, AttemptAction.AUTHORIZE})
_FINISHES = frozenset({AttemptAction.CAPTURE})
_GIVES_BACK = frozenset({AttemptAction.CANCEL, AttemptAction.REFUND})

SENT: Mapping[tuple[AttemptAction, MerchantStanding], bool] = MappingProxyType(
    {
        # Nobody takes money for a merchant who is stopped or leaves; one who leaves finishes what is authorized.
        **{(action, standing): standing is _S.ACTIVE for action in _TAKES for standing in _S},
        **{(action, standing): standing in {_S.ACTIVE, _S.CLOSING} for action in _FINISHES for standing in _S},
        **{(action, standing): True for action in _GIVES_BACK for standing in _S},
    }
)
"""Whether what is queued is sent for a merchant of this standing."""


def send_until(asked_for: datetime | None, ttl: timedelta, *, now: datetime) -> datetime:
    """Return the time until which a payment may be sent.

    Args:
        asked_for: By the caller; None where it left that open.
        ttl: Of what nobody asked for another time.
        now: Business time.

    Raises:
        FieldInvalid: The time is past, or too far ahead.
    """
    until = now + ttl if asked_for is None else asked_for
    if not now < until <= now + SEND_LIFE_MAX:
        message = f"expire_time must be to come, and at most {SEND_LIFE_MAX.days} days ahead."
        raise FieldInvalid(message, field="expire_time")
    return until


def withhold(attempt: PaymentAttempt, standing: MerchantStanding | None, *, now: datetime) -> Evidence | None:
    """Return the evidence that an attempt just taken off the queue is not sent; None where it is.

    A standing of None is a merchant of whom nothing is known, as while that is rebuilt: what was accepted is sent.
    """
    if attempt.expire_time is not None and attempt.expire_time <= now:
        return _withheld(attempt, EXPIRED_UNSENT)
    if standing is not None and not SENT[attempt.action, standing]:
        return _withheld(attempt, MERCHANT_SUSPENDED)
    return None


def expire(attempt: PaymentAttempt, *, now: datetime) -> tuple[PaymentAttempt, Failure]:
    """Return an attempt that is PENDING, and whose time is over, as one that its channel never received."""
    failure = Failure(reason=events.FailureReason.EXPIRED_UNSENT, code=EXPIRED_UNSENT, channel_reference=None)
    expired = replace(
        attempt,
        state=AttemptState.FAILED,
        failure_reason=failure.reason,
        failure_code=failure.code,
        update_time=no_earlier(now, attempt.update_time),
    )
    return expired, failure


def _withheld(attempt: PaymentAttempt, code: str) -> Evidence:
    return Evidence(
        attempt_id=attempt.attempt_id, source=Source.WITHHELD, outcome=EvidenceOutcome.FAILED, failure_code=code
    )
