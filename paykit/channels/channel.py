"""The one seam between paystream and whoever moves money; `docs/channels.md` leads through writing an adapter."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Protocol

from paykit.channels.attempts import Evidence, EvidenceOutcome
from paykit.channels.requests import (
    AnswerOutcome,
    AuthorizationRequest,
    CaptureRequest,
    ChannelRequest,
    DisputeAnswer,
    Inquiry,
    PayoutRequest,
    RefundRequest,
    VoidRequest,
    response,
)

SEND_TIMEOUT_S = 10.0
"""How long a batch of requests may take; what is not answered by then is NO_ANSWER. Every adapter keeps to it."""
INQUIRE_TIMEOUT_S = 5.0
"""How long a batch of inquiries may take."""
ANSWER_TIMEOUT_S = 5.0
"""How long an answer to a dispute may take."""

UNSUPPORTED = "operation_unsupported"
"""The failure code of a request that an adapter has no operation for, and so never sent."""


class Channel(Protocol):
    """Someone who moves money; an adapter inherits from it, and writes what its channel can do.

    Each method takes up to 500 requests, sends each at most once, and returns one piece of evidence for each, in their
    order. None raises for what a channel or the way to it can do wrong. FAILED says that no money has moved and none
    will; whatever leaves that open, as silence, a broken connection or an answer that cannot be read, is NO_ANSWER.
    `paykit.testing.channel_contract` tests all of this.
    """

    async def authorize(self, requests: Sequence[AuthorizationRequest]) -> Sequence[Evidence]:
        """Reserve amounts; with `capture`, take them at once."""
        return _unsupported(requests)

    async def capture(self, requests: Sequence[CaptureRequest]) -> Sequence[Evidence]:
        """Take all or part of what was authorized."""
        return _unsupported(requests)

    async def void(self, requests: Sequence[VoidRequest]) -> Sequence[Evidence]:
        """Release what is not captured of authorizations."""
        return _unsupported(requests)

    async def refund(self, requests: Sequence[RefundRequest]) -> Sequence[Evidence]:
        """Give back all or part of what was captured."""
        return _unsupported(requests)

    async def pay_out(self, requests: Sequence[PayoutRequest]) -> Sequence[Evidence]:
        """Pay amounts out to bank accounts."""
        return _unsupported(requests)

    @abstractmethod
    async def inquire(self, inquiries: Sequence[Inquiry]) -> Sequence[Evidence]:
        """Ask what became of requests; changes nothing, and may be repeated."""
        ...

    async def answer_dispute(self, answer: DisputeAnswer) -> AnswerOutcome:  # noqa: ARG002
        """Tell what a merchant answers to a dispute; may be told any number of times."""
        return AnswerOutcome.REFUSED


def _unsupported(requests: Sequence[ChannelRequest]) -> list[Evidence]:
    return [response(request, EvidenceOutcome.FAILED, code=UNSUPPORTED) for request in requests]
