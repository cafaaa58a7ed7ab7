"""Channels: whoever moves the money. One adapter each, behind one small protocol."""

from collections.abc import Sequence
from typing import Protocol

from paystream.payment.v1 import events
from services.payment.attempt import Evidence
from services.payment.attempt_store import Claimed

_REASONS = {
    "do_not_honor": events.FailureReason.DECLINED,
    "insufficient_funds": events.FailureReason.INSUFFICIENT_FUNDS,
    "expired_card": events.FailureReason.METHOD_EXPIRED,
    "invalid_method": events.FailureReason.METHOD_INVALID,
    "suspected_fraud": events.FailureReason.FRAUD_SUSPECTED,
    "limit_exceeded": events.FailureReason.LIMIT_EXCEEDED,
}


class Channel(Protocol):
    """Someone who moves money.

    Both methods give one piece of evidence per attempt, in order, and raise nothing for what a channel or the way to it
    can do wrong: no answer is evidence too.
    """

    async def send(self, claimed: Sequence[Claimed]) -> list[Evidence]:
        """Have attempts carried out; called at most once for each."""
        ...

    async def inquire(self, claimed: Sequence[Claimed]) -> list[Evidence]:
        """Ask what became of attempts; changes nothing."""
        ...


def failure_reason(code: str | None) -> events.FailureReason:
    """Give paystream's word for a channel's code; a code without one is CHANNEL_REJECTED, no code DECLINED."""
    if code is None:
        return events.FailureReason.DECLINED
    return _REASONS.get(code, events.FailureReason.CHANNEL_REJECTED)
