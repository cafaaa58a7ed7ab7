"""The calls about contradictions, as every service that has them serves them: only their messages differ.

Requests and responses stand in each service's proto, for a method has messages of its own; their fields are the same,
and the resource is one.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

from google.protobuf.message import Message

from paykit.base.call import current_call
from paykit.base.errors import DefectError
from paykit.contradictions import contradiction_messages as messages
from paykit.contradictions import listing
from paykit.contradictions.contradiction import Contradiction
from paykit.contradictions.contradiction_table import ContradictionTable
from paykit.contradictions.deciding import DecideResolution, ProposeResolution
from paykit.process.runtime import Runtime
from paykit.serve import auth
from paykit.serve.operations import Operation
from paystream.common.v1 import contradiction_pb2 as pb

Listed = TypeVar("Listed", bound=Message)
Got = TypeVar("Got", bound=Message)
Proposed = TypeVar("Proposed", bound=Message)
Approved = TypeVar("Approved", bound=Message)
Rejected = TypeVar("Rejected", bound=Message)


@dataclass(frozen=True, slots=True, kw_only=True)
class ContradictionCalls(Generic[Listed, Got, Proposed, Approved, Rejected]):
    """What a service serves contradictions with.

    Attributes:
        table: Its contradictions.
        listed: Makes the response of ListContradictions of a page and the token of the next.
        got: Makes the response of GetContradiction.
    """

    table: ContradictionTable
    listed: Callable[[Sequence[pb.Contradiction], str], Listed]
    got: Callable[[pb.Contradiction], Got]
    propose: Operation[ProposeResolution, Contradiction, Proposed]
    approve: Operation[DecideResolution, Contradiction, Approved]
    reject: Operation[DecideResolution, Contradiction, Rejected]


class ContradictionMethods(Generic[Listed, Got, Proposed, Approved, Rejected]):
    """A part of a servicer; the contract stands in its proto."""

    _runtime: Runtime
    # Of a class that names its types.
    _contradictions: ClassVar[ContradictionCalls[Any, Any, Any, Any, Any]]

    async def ListContradictions(self, request: messages.ListContradictionsRequest, _context: Any) -> Listed:
        """Read a page of contradictions."""
        page, token = await listing.page(self._runtime, self._contradictions.table, request)
        listed: Listed = self._contradictions.listed(page, token)
        return listed

    async def GetContradiction(self, request: messages.GetContradictionRequest, _context: Any) -> Got:
        """Read a contradiction."""
        calls = self._contradictions
        got: Got = calls.got(await listing.contradiction(self._runtime, calls.table, request.contradiction_id))
        return got

    async def ProposeResolution(self, request: messages.ProposeResolutionRequest, _context: Any) -> Proposed:
        """Take a proposal, once per request_id."""
        item = messages.from_proposal(request, proposer=auth.named_caller(), cause=current_call().cause)
        proposed: Proposed = await self._runtime.call(self._contradictions.propose, _message(request), item)
        return proposed

    async def ApproveResolution(self, request: messages.ApproveResolutionRequest, _context: Any) -> Approved:
        """End a contradiction as proposed, once per request_id."""
        item = messages.from_approval(request, decider=auth.named_caller(), cause=current_call().cause)
        approved: Approved = await self._runtime.call(self._contradictions.approve, _message(request), item)
        return approved

    async def RejectResolution(self, request: messages.RejectResolutionRequest, _context: Any) -> Rejected:
        """Refuse a proposal, once per request_id."""
        item = messages.from_rejection(request, decider=auth.named_caller(), cause=current_call().cause)
        rejected: Rejected = await self._runtime.call(self._contradictions.reject, _message(request), item)
        return rejected


def _message(request: object) -> Message:
    """Return the request as the message that it is, which a protocol cannot say beside its fields."""
    if not isinstance(request, Message):
        raise DefectError(f"{type(request).__name__} is no message")
    return request
