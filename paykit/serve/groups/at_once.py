"""Calls that create something, carried out in as few statements as there can be: all that is written is one of them.

They are not claimed beforehand: the claims go in at the end, with the replies. Whoever has one of them, or a key of
what is created, fails the statement, and nothing was done. What is refused may have been refused for what another call
with the same request id has done meanwhile: it has no outcome, and is decided anew under its claim. In a batch that
concerns all of them.
"""

from collections.abc import Sequence
from typing import Any, TypeVar

from google.protobuf.message import Message

from paykit.base.metrics import CALL_GROUPS
from paykit.errors import DomainError
from paykit.postgres.database import Tx
from paykit.serve import idempotency
from paykit.serve.operations import Acceptance, Call, Operation, Outcome, Settled

I = TypeVar("I")  # noqa: E741 - item
R = TypeVar("R")
Reply = TypeVar("Reply", bound=Message)

GROUPS_PASSED_BY_MAX = 64
"""Groups that go under claims after one after another has failed at once."""


class NotAllAtOnceError(Exception):
    """Calls of a batch cannot all be carried out at once, as one is refused."""


class Confidence:
    """Whether the groups of an operation are tried at once: after one that failed, some go under claims first.

    Twice as many each time that the next try fails as well, so that where calls are repeated all the time few groups
    are carried out twice.
    """

    def __init__(self, operation: str) -> None:
        self._at_once, self._under_claims, self._failed = (
            CALL_GROUPS.labels(operation, way).inc for way in ("at_once", "under_claims", "failed_at_once")
        )
        self._passed_by = 0
        self._left = 0

    def tries(self) -> bool:
        """Return whether the next group is tried at once."""
        if not self._left:
            return True
        self._left -= 1
        return False

    def succeeded(self) -> None:
        """Take note of a group that was carried out at once."""
        self._passed_by = 0
        self._at_once()

    def failed(self) -> None:
        """Take note of a group that was not, and did nothing."""
        self._passed_by = self._left = min(2 * self._passed_by or 1, GROUPS_PASSED_BY_MAX)
        self._failed()

    def passed_by(self) -> None:
        """Take note of a group that was carried out under claims."""
        self._under_claims()


async def apply(tx: Tx, operation: Operation[I, R, Reply], calls: Sequence[Call[I]]) -> list[Outcome | None]:
    """Carry out calls in a transaction that writes at its end; one outcome per call, in order, or None.

    None is of those that are to be decided anew: what was refused, and what repeats another of them.
    """
    claimed: dict[idempotency.Key, int] = {}
    for at, call in enumerate(calls):
        if call.claim is not None:
            claimed.setdefault(call.claim.key, at)
    outcomes: list[Outcome | None] = [None] * len(calls)
    answers: list[tuple[idempotency.Claim, bytes]] = []
    if not claimed:
        return outcomes
    tx.restart_lock_order()
    results = await operation.command(tx, [calls[at].item for at in claimed.values()])
    for at, result in zip(claimed.values(), results, strict=True):
        claim: Any = calls[at].claim
        if isinstance(result, DomainError):
            continue
        reply = operation.reply(result)
        serialized = reply.SerializeToString()
        outcomes[at] = Settled(reply, size=len(serialized))
        answers.append((claim, serialized))
    if tx.at_end is not None:
        idempotency.claim_answered(tx.at_end, answers)
    return outcomes


def are_apart(calls: Sequence[Call[Any]]) -> bool:
    """Return whether each call has a request id, and none that of another."""
    return len({call.claim.key for call in calls if call.claim is not None}) == len(calls)


async def apply_all(
    tx: Tx, operation: Operation[I, R, Reply], calls: Sequence[Call[I]], accept: Acceptance | None
) -> list[Outcome]:
    """Do as `apply` for the calls of a batch that are apart, all or none: they are as if one came after the other.

    Raises:
        NotAllAtOnceError: One would have no outcome; nothing was done.
        BatchReplyTooLarge: `accept` refuses the outcomes; nothing was done.
    """
    outcomes = [outcome for outcome in await apply(tx, operation, calls) if outcome is not None]
    if len(outcomes) < len(calls):
        raise NotAllAtOnceError
    if accept is not None:
        accept(calls, outcomes)
    return outcomes
