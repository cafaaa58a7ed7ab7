"""What is asked of channels: attempts, with all that a channel needs to know about them. Pure."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypedDict

from paykit.channels.actions.next_action import NextAction
from paykit.channels.attempts import Claimed, Evidence, EvidenceOutcome, Source


class ChannelOperation(StrEnum):
    """What a channel may be able to do. All can be inquired at."""

    AUTHORIZE = "AUTHORIZE"
    CAPTURE = "CAPTURE"
    VOID = "VOID"
    REFUND = "REFUND"
    PAY_OUT = "PAY_OUT"
    ANSWER_DISPUTE = "ANSWER_DISPUTE"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelRequest:
    """What every request tells.

    Attributes:
        attempt_id: Names the request for good: the idempotency key, where a channel takes one.
        related_no: What the merchant's statement shows: a capture_id (of a charge as well), refund_id or withdrawal_id;
            of an authorization or a void the payment_id.
        callback_address: `host:port` of the service that takes late results; empty where others cannot reach it.
    """

    attempt_id: str
    merchant_id: str
    amount_minor: int
    currency_code: str
    correlation_id: str
    related_no: str = ""
    callback_address: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizationRequest(ChannelRequest):
    """Reserve an amount, and with `capture` take it at once.

    Attributes:
        return_url: Where the payer comes back to after a redirect or challenge; empty where the caller gave none.
    """

    method_token: str
    capture: bool
    return_url: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptureRequest(ChannelRequest):
    """Take all or part of an authorization, which the channel knows by `original_reference`."""

    original_reference: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VoidRequest(ChannelRequest):
    """Release what is not captured of an authorization, which the channel knows by `original_reference`."""

    original_reference: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundRequest(ChannelRequest):
    """Give back all or part of what was captured of a charge or authorization."""

    original_reference: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PayoutRequest(ChannelRequest):
    """Pay an amount out to a bank account."""

    destination_token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Inquiry:
    """A question about a request that was sent, or may have been.

    Attributes:
        channel_reference: The channel's own, where it has given one.
        age_s: Seconds since the request was taken to be sent.
    """

    request: ChannelRequest
    channel_reference: str | None
    age_s: float

    @property
    def attempt_id(self) -> str:
        """The attempt that is asked about."""
        return self.request.attempt_id


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceFile:
    """A file that speaks for a merchant, such as a signed receipt.

    Attributes:
        media_type: As in application/pdf.
    """

    name: str
    media_type: str
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeAnswer:
    """What a merchant answers to a dispute: that it contests it, with what speaks for it, or accepts the loss.

    Attributes:
        category: The card scheme's or bank's own, as it was reported; empty for none.
        files: At most 2.5 MiB together.
    """

    dispute_reference: str
    contested: bool
    evidence: str
    correlation_id: str
    category: str = ""
    files: tuple[EvidenceFile, ...] = ()


class AnswerOutcome(StrEnum):
    """What came of an answer: REFUSED is for good, NO_ANSWER may be told again."""

    TAKEN = "TAKEN"
    REFUSED = "REFUSED"
    NO_ANSWER = "NO_ANSWER"


class RequestFacts(TypedDict):
    """What every request is made with."""

    attempt_id: str
    merchant_id: str
    amount_minor: int
    currency_code: str
    correlation_id: str
    related_no: str
    callback_address: str


def request_facts(claimed: Claimed[Any], *, related_no: str, callback_address: str) -> RequestFacts:
    """Collect what every request tells of an attempt."""
    attempt = claimed.attempt
    return {
        "attempt_id": attempt.attempt_id,
        "merchant_id": claimed.merchant_id,
        "amount_minor": attempt.amount_minor,
        "currency_code": attempt.currency_code,
        "correlation_id": claimed.correlation_id,
        "related_no": related_no,
        "callback_address": callback_address,
    }


def response(
    request: ChannelRequest,
    outcome: EvidenceOutcome,
    *,
    reference: str | None = None,
    code: str | None = None,
    amount_minor: int | None = None,
    action: NextAction | None = None,
) -> Evidence:
    """Make the evidence of what a channel answered to a request.

    Args:
        request: What was sent.
        outcome: SUCCEEDED, FAILED, PENDING, ACTION_REQUIRED or NO_ANSWER.
        reference: The channel's own; with SUCCEEDED there is always one.
        code: Why it failed, as the channel says.
        amount_minor: What the channel carried out, in the request's currency; None where it does not say.
        action: What the payer has to do; of ACTION_REQUIRED.
    """
    return Evidence(
        attempt_id=request.attempt_id,
        source=Source.RESPONSE,
        outcome=outcome,
        channel_reference=reference,
        failure_code=code,
        amount_minor=amount_minor,
        currency_code=None if amount_minor is None else request.currency_code,
        action=action,
    )
