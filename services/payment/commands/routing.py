"""The channels that the settings name."""

from collections.abc import Sequence
from functools import cache

from paykit.base.config import ChannelRoute, Settings
from services.payment.domain.routing import DEFAULT_CHANNEL, Route


def routes_of(settings: Settings) -> tuple[Route, ...]:
    """Return the channels of payments in order of preference."""
    return _routes(settings.channel_routes, settings.channel_address)


@cache
def _routes(configured: Sequence[ChannelRoute], address: str | None) -> tuple[Route, ...]:
    if not configured:
        return (Route(name=DEFAULT_CHANNEL, address=address),)
    return tuple(
        Route(
            name=route.name,
            address=route.address,
            currencies=frozenset(route.currencies),
            methods=frozenset(route.methods),
        )
        for route in configured
    )
