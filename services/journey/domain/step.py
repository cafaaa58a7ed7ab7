"""Steps as all resources tell them: a beginning, and what it has come to."""

from collections.abc import Sequence
from typing import Any, Protocol

from google.protobuf.timestamp_pb2 import Timestamp

from paystream.common.v1.money_pb2 import Money, SignedMoney
from paystream.journey.v1 import journey_pb2 as pb

CREATED = "CREATED"
OPENED = "OPENED"


class Fallible(Protocol):
    """A resource that says why it failed."""

    failure_reason: str
    failure_code: str


def lifecycle(
    kind: pb.StepKind.ValueType,
    resource_id: str,
    *,
    state: str,
    begin: Timestamp,
    end: Timestamp,
    amount: Money | SignedMoney | None,
    detail: str = "",
    outcome: str = "",
    initial_state: str = CREATED,
) -> list[pb.Step]:
    """The beginning and, where it has gone on, the state it has come to; what began and ended at once is one step.

    Args:
        kind: Of the resource.
        resource_id: Its id.
        state: What it has come to.
        begin: When it began.
        end: When it came to its state.
        amount: None where it has no amount of its own.
        detail: What was known from the beginning.
        outcome: What was known in the end.
        initial_state: What each of its kind begins as.
    """
    if state == initial_state or begin == end:
        return [step(kind, resource_id, state, time=begin, amount=amount, detail=joined([detail, outcome]))]
    return [
        step(kind, resource_id, initial_state, time=begin, amount=amount, detail=detail),
        step(kind, resource_id, state, time=end, amount=amount, detail=outcome),
    ]


def attempt_lifecycle(
    attempt_id: str, *, action: str, state: str, begin: Timestamp, end: Timestamp, channel: str, outcome: str
) -> list[pb.Step]:
    """A call to a channel or a bank: what was asked, and what came of it."""
    return lifecycle(
        pb.STEP_KIND_ATTEMPT,
        attempt_id,
        state=f"{action}_{state}",
        initial_state=f"{action}_PENDING",
        begin=begin,
        end=end,
        amount=None,
        detail=channel,
        outcome=outcome,
    )


def step(
    kind: pb.StepKind.ValueType,
    resource_id: str,
    what: str,
    *,
    time: Timestamp,
    amount: Money | SignedMoney | None,
    detail: str = "",
) -> pb.Step:
    """One thing that happened."""
    return pb.Step(
        occur_time=time, kind=kind, resource_id=resource_id, what=what, amount=_signed(amount), detail=detail
    )


def earliest(times: Sequence[Timestamp]) -> Timestamp | None:
    """The first moment; None of none."""
    return min(times, key=moment, default=None)


def moment(time: Timestamp) -> tuple[int, int]:
    """A time that can be compared, as a Timestamp cannot."""
    return time.seconds, time.nanos


def failure(resource: Fallible) -> str:
    """Why it failed, in the channel's words too; empty where it did not."""
    return joined([resource.failure_reason, resource.failure_code])


def joined(texts: Sequence[str]) -> str:
    """The texts that say something, as one."""
    return ", ".join(filter(None, texts))


def enum_name(enum: Any, value: int, prefix: str) -> str:
    """An enum value's name without its prefix; of a value newer than this build, its number."""
    try:
        return str(enum.Name(value)).removeprefix(prefix)
    except ValueError:
        return f"STATE_{value}"


def _signed(amount: Money | SignedMoney | None) -> SignedMoney | None:
    if amount is None:
        return None
    return SignedMoney(amount_minor=amount.amount_minor, currency_code=amount.currency_code)
