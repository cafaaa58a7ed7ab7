"""Calls that come before what they need to know: repeated for a while, never past the caller's deadline."""

import time
from collections.abc import Sequence

import pytest

from paykit.errors import DomainError
from paykit.merchants.standing import MerchantSuspended, MerchantUnknown
from paykit.serve import waiting
from paykit.testing.runtimes import act_as, leave_call

UNKNOWN = MerchantUnknown("The merchant is not known.")
SUSPENDED = MerchantSuspended("The merchant is suspended.")


class Registry:
    """Knows things from the third time on that it is asked."""

    def __init__(self) -> None:
        self.asked: list[list[int]] = []

    async def one(self) -> str:
        [result] = await self.many([0])
        if isinstance(result, DomainError):
            raise result
        return result

    async def many(self, positions: Sequence[int]) -> list[str | DomainError]:
        self.asked.append(list(positions))
        return [self._answer(position) for position in positions]

    def _answer(self, position: int) -> str | DomainError:
        if position == 1:
            return SUSPENDED
        return UNKNOWN if position == 0 and len(self.asked) < 3 else f"thing {position}"


async def test_what_becomes_known_meanwhile_is_answered() -> None:
    act_as("shop")
    registry = Registry()
    assert await waiting.until_known((MerchantUnknown,), registry.one) == "thing 0"
    assert len(registry.asked) == 3


async def test_only_what_is_unknown_is_asked_for_again() -> None:
    act_as("shop")
    registry = Registry()
    results = await waiting.until_all_known((MerchantUnknown,), registry.many, count=3)
    assert results == ["thing 0", SUSPENDED, "thing 2"]
    assert registry.asked == [[0, 1, 2], [0], [0]]


async def test_another_refusal_is_given_at_once() -> None:
    act_as("shop")

    async def refuse() -> str:
        raise SUSPENDED

    with pytest.raises(MerchantSuspended):
        await waiting.until_known((MerchantUnknown,), refuse)


async def test_a_call_without_time_is_made_once() -> None:
    act_as("shop").deadline = time.monotonic() + waiting.DEADLINE_MARGIN_S
    registry = Registry()
    with pytest.raises(MerchantUnknown):
        await waiting.until_known((MerchantUnknown,), registry.one)
    assert len(registry.asked) == 1


async def test_a_batch_that_waits_for_nothing_needs_no_call_in_progress() -> None:
    leave_call()
    registry = Registry()
    assert await waiting.until_all_known((), registry.many, count=2) == [UNKNOWN, SUSPENDED]
    assert registry.asked == [[0, 1]]
