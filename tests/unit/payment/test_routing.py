"""Which channel a payment goes through."""

import pytest

from paykit.base.channel_routes import ChannelRoute
from services.payment.domain import routing

CARDS = ChannelRoute(name="cards", address="cards:1", currencies=("USD", "EUR"), methods=("CARD",))
WALLETS = ChannelRoute(name="wallets", address="wallets:1", methods=("WALLET",))
EURO = ChannelRoute(name="euro", address="euro:1", currencies=("EUR",))
ROUTES = (CARDS, WALLETS, EURO)


@pytest.mark.parametrize(
    ("currency_code", "method", "channel"),
    [
        ("USD", "CARD", "cards"),
        ("EUR", "CARD", "cards"),
        ("JPY", "CARD", None),
        ("JPY", "WALLET", "wallets"),
        ("EUR", "BANK_TRANSFER", "euro"),
        ("USD", "BANK_TRANSFER", None),
    ],
)
def test_the_first_channel_that_takes_currency_and_method_is_preferred(
    currency_code: str, method: str, channel: str | None
) -> None:
    assert routing.preferred(ROUTES, currency_code, method) == channel


@pytest.mark.parametrize(
    ("reachable", "channel"), [({"cards", "euro"}, "cards"), ({"wallets", "euro"}, "euro"), ({"wallets"}, None)]
)
def test_what_was_not_sent_moves_to_the_first_channel_that_can_be_reached(
    reachable: set[str], channel: str | None
) -> None:
    assert routing.instead(ROUTES, reachable, "EUR", "CARD") == channel
