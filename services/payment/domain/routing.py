"""Which channel a payment goes through, by its currency and method. Pure.

Routes stand in order of preference. Only what a payment begins with, and that was not sent yet, may move to another
channel; everything that follows it stays with the channel that has it.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from paykit.errors import DomainError, Kind

DEFAULT_CHANNEL = "simulator"
"""The one route where no others are set: it takes everything."""


class ChannelNotAvailable(DomainError):
    """No channel takes this currency by this method."""

    kind = Kind.FAILED_PRECONDITION
    reason = "CHANNEL_NOT_AVAILABLE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A channel, and what goes through it.

    Attributes:
        address: Where it answers; None while that is not set: then its attempts wait.
        currencies: ISO 4217 codes; empty for all.
        methods: As in `events.PaymentMethod`; empty for all.
    """

    name: str
    address: str | None
    currencies: frozenset[str] = frozenset()
    methods: frozenset[str] = frozenset()

    def takes(self, currency_code: str, method: str) -> bool:
        """Say whether a payment of this currency and method may go through it."""
        currency_fits = not self.currencies or currency_code in self.currencies
        return currency_fits and (not self.methods or method in self.methods)


def preferred(routes: Sequence[Route], currency_code: str, method: str) -> str | None:
    """Give the name of the first channel for a payment; None where there is none."""
    return next((route.name for route in routes if route.takes(currency_code, method)), None)


def instead(routes: Sequence[Route], reachable: Collection[str], currency_code: str, method: str) -> str | None:
    """Give the first channel for a payment among those that can be reached; None where there is none."""
    return preferred([route for route in routes if route.name in reachable], currency_code, method)


def not_available(currency_code: str, method: str) -> ChannelNotAvailable:
    """Give the refusal of a payment that no channel takes."""
    return ChannelNotAvailable(
        f"No channel takes {currency_code} by {method}.",
        field="payment_method.type",
        currency_code=currency_code,
        method=method,
    )
