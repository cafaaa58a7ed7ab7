"""What callers ask of the channel. Pure."""

import hashlib
from dataclasses import dataclass, field
from enum import StrEnum

from paykit.errors import DomainError, Kind


class Action(StrEnum):
    """What was asked of the channel."""

    AUTHORIZE = "AUTHORIZE"
    CAPTURE = "CAPTURE"
    CANCEL = "CANCEL"
    REFUND = "REFUND"
    PAY = "PAY"


class AttemptIdReused(DomainError):
    """The attempt id was used before for something else."""

    kind = Kind.ALREADY_EXISTS
    reason = "ATTEMPT_ID_REUSED"


class ChannelTimeout(DomainError):
    """The channel does not answer; the caller cannot know whether it did what was asked."""

    kind = Kind.DEADLINE_EXCEEDED
    reason = "CHANNEL_TIMEOUT"


@dataclass(frozen=True, slots=True, kw_only=True)
class Instruction:
    """What a caller asks for.

    Attributes:
        merchant_id: For an authorization or payment; the others take their authorization's.
        amount_minor: None for a cancellation, as is the currency.
        authorization_reference: For a capture, cancellation or refund.
        token: The payment method or destination.
        capture: Whether an authorization is captured at once.
        related_no: What the caller calls the money that moves.
        callback_address: Where late results are told; empty for the behaviour's address.
        correlation_id: The journey it belongs to; empty for the call's.
        return_url: Where the payer comes back to; empty for nowhere.
    """

    attempt_id: str
    action: Action
    merchant_id: str | None = None
    amount_minor: int | None = None
    currency_code: str | None = None
    authorization_reference: str | None = None
    token: str = ""
    capture: bool = False
    related_no: str | None = None
    callback_address: str = ""
    correlation_id: str = ""
    return_url: str = field(default="", repr=False)

    @property
    def moves_money(self) -> bool:
        """Return whether approval moves money; reserving it and giving it free again do not."""
        return self.capture or self.action in {Action.CAPTURE, Action.REFUND, Action.PAY}

    def fingerprint(self) -> bytes:
        """Digest what makes a repetition the same: everything but the journey and where to call back."""
        said = (self.action, self.merchant_id, self.amount_minor, self.currency_code, self.authorization_reference)
        return hashlib.sha256(repr((*said, self.token, self.capture, self.related_no)).encode()).digest()


MONEY_IN = frozenset({Action.AUTHORIZE, Action.CAPTURE})
"""What brings money in, or may."""
