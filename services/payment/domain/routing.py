"""Which channel a payment goes through, by its currency and method. Pure.

Routes stand in order of preference. Only what a payment begins with, and that was not sent yet, may move to another
channel; everything that follows it stays with the channel that has it.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Protocol

from paykit.aggregate import next_revision
from paykit.errors import DomainError, Kind
from paystream.payment.v1 import events
from services.payment.domain.payment import Payment, facts


class ChannelNotAvailable(DomainError):
    """No channel takes this currency by this method."""

    kind = Kind.FAILED_PRECONDITION
    reason = "CHANNEL_NOT_AVAILABLE"


class PaymentRoute(Protocol):
    """A channel, and what goes through it."""

    @property
    def name(self) -> str:
        """As payments show it."""

    @property
    def currencies(self) -> Collection[str]:
        """ISO 4217 codes; empty for all."""

    @property
    def methods(self) -> Collection[str]:
        """As in `events.PaymentMethod`; empty for all."""


def preferred(routes: Sequence[PaymentRoute], currency_code: str, method: str) -> str | None:
    """The name of the first channel for a payment; None where there is none."""
    return next((route.name for route in routes if _takes(route, currency_code, method)), None)


def instead(routes: Sequence[PaymentRoute], reachable: Collection[str], currency_code: str, method: str) -> str | None:
    """The first channel for a payment among those that can be reached; None where there is none."""
    return preferred([route for route in routes if route.name in reachable], currency_code, method)


def reroute(
    payment: Payment, *, attempt_id: str, channel: str, now: datetime
) -> tuple[Payment, events.PaymentRerouted]:
    """Have what a payment begins with, and was not sent, go through another channel."""
    rerouted = replace(payment, **next_revision(payment, now), channel=channel)
    return rerouted, events.PaymentRerouted(
        **facts(rerouted),
        amount_minor=rerouted.amount_minor,
        method=rerouted.method,
        previous_channel=payment.channel,
        attempt_id=attempt_id,
    )


def not_available(currency_code: str, method: str) -> ChannelNotAvailable:
    """The refusal of a payment that no channel takes."""
    return ChannelNotAvailable(
        f"No channel takes {currency_code} by {method}.",
        field="payment_method.type",
        currency_code=currency_code,
        method=method,
    )


def _takes(route: PaymentRoute, currency_code: str, method: str) -> bool:
    currency_fits = not route.currencies or currency_code in route.currencies
    return currency_fits and (not route.methods or method in route.methods)
