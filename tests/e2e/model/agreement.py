"""Whether the line looks as the model says: looked at again until it does, and told apart where it does not."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from tests.e2e.model.views import View

REST_S_MAX = 180.0
LOOK_PAUSE_FIRST_S = 0.1
LOOK_PAUSE_MAX_S = 0.8


class Disagreement(AssertionError):
    """The line and every world differ."""


async def patiently(look: Callable[[], Awaitable[list[str]]], what: str) -> None:
    """Look again, less and less often, until nothing is away from what it should be.

    Raises:
        Disagreement: Something stayed so.
    """
    away: list[str] = []
    pause_s = LOOK_PAUSE_FIRST_S
    try:
        async with asyncio.timeout(REST_S_MAX):
            while away := await look():
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, LOOK_PAUSE_MAX_S)
    except TimeoutError as error:
        raise Disagreement("\n".join([what, *away])) from error


def differences(seen: View, hoped: Sequence[View]) -> list[str]:
    """Tell seen and wanted apart, for the world that comes nearest."""
    found = []
    for wanted in hoped:
        names = [each for each in sorted({*seen, *wanted}) if seen.get(each) != wanted.get(each)]
        found.append([f"{each}: seen {seen.get(each)}, wanted {wanted.get(each)}" for each in names])
    return min(found, key=len)
