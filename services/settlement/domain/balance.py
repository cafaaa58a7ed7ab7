"""Balances of merchants: what the ledger does to them, and whether all of them together are below zero. Pure."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import MappingProxyType

from paystream.accounting.v1.events import TransactionCreated
from paystream.settlement.v1 import events
from services.settlement.domain.settlement import MerchantCurrency

LOOK_AGAIN_AFTER = timedelta(seconds=10)
"""Until a negative balance is looked at again: captures that lift it are not waited for one by one."""

FOLLOWED = MappingProxyType(
    {
        "merchant.available": "available_minor",
        "merchant.reserve": "reserve_minor",
        "merchant.receivable": "receivable_minor",
    }
)
"""Kinds of accounts, which have these names in every chart, by what they are here; settlements are the fourth."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BalanceChange:
    """What a transaction did to a merchant's balances, other than what awaits settlement.

    Attributes:
        receivable_minor: Above zero where the merchant owes more.
    """

    transaction_id: str
    merchant_id: str
    currency_code: str
    available_minor: int = 0
    reserve_minor: int = 0
    receivable_minor: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class MerchantPosition:
    """How a merchant stands in a currency.

    Attributes:
        pending_minor: What no settlement has closed.
        settling_minor: Closed, and not known to be booked: with `pending_minor`, the settlement account.
        receivable_minor: What the merchant owes beside all that.
        in_flight: Whether the ledger was asked for funds to make up for it, and has not answered.
        releasing: Whether the ledger was asked to release a reserve, and has not answered.
    """

    merchant_id: str
    currency_code: str
    pending_minor: int = 0
    settling_minor: int = 0
    available_minor: int = 0
    reserve_minor: int = 0
    receivable_minor: int = 0
    in_flight: bool = False
    releasing: bool = False

    @property
    def settlement_minor(self) -> int:
        """The balance of the settlement account."""
        return self.pending_minor + self.settling_minor

    @property
    def total_minor(self) -> int:
        """All that is held for the merchant; below zero, the merchant has been paid more than it earned."""
        return self.settlement_minor + self.available_minor + self.reserve_minor

    @property
    def shortfall_minor(self) -> int:
        """What is missing in the settlement account, without what is on its way out of it."""
        return max(0, -self.pending_minor)

    @property
    def awaits_funds(self) -> bool:
        """Whether the ledger is about to make funds available, or to give some back to the settlement account."""
        return self.in_flight or self.releasing or self.settling_minor > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class BalanceWatch:
    """A merchant and currency whose balances are looked at when they may have become negative, or funds came.

    Attributes:
        due_at: When; None for not before something changes.
        negative_since: When the total was first seen below zero; None while it is not.
        aggregate_version: Counts the events that tell of it.
    """

    merchant_id: str
    currency_code: str
    due_at: datetime | None
    negative_since: datetime | None = None
    aggregate_version: int = 0

    @property
    def key(self) -> MerchantCurrency:
        """Whose balances."""
        return self.merchant_id, self.currency_code

    @property
    def event_key(self) -> str:
        """The Kafka key of its events."""
        return f"{self.merchant_id}:{self.currency_code}"


def changes_of(event: TransactionCreated) -> list[BalanceChange]:
    """Return what a transaction does to balances, for each merchant to whose it does something."""
    effects: dict[str, dict[str, int]] = {}
    for entry in event.entries:
        if (name := FOLLOWED.get(entry.account_kind)) is not None:
            changes = effects.setdefault(entry.merchant_id or "", {})
            changes[name] = changes.get(name, 0) + entry.effect * entry.amount_minor
    return [
        BalanceChange(
            transaction_id=event.transaction_id,
            merchant_id=merchant_id,
            currency_code=event.currency_code,
            **changes,
        )
        for merchant_id, changes in effects.items()
    ]


def look(
    watch: BalanceWatch, position: MerchantPosition, *, now: datetime
) -> tuple[BalanceWatch, events.MerchantBalanceNegative | None]:
    """Record whether the total is below zero; an event tells when it fell below."""
    if position.total_minor >= 0:
        return replace(watch, due_at=None, negative_since=None), None
    later = now + LOOK_AGAIN_AFTER
    if watch.negative_since is not None:
        return replace(watch, due_at=later), None
    negative = replace(watch, due_at=later, negative_since=now, aggregate_version=watch.aggregate_version + 1)
    return negative, events.MerchantBalanceNegative(
        occurred_at=now,
        merchant_id=watch.merchant_id,
        aggregate_version=negative.aggregate_version,
        settlement_id=watch.event_key,
        currency_code=watch.currency_code,
        balance_minor=position.total_minor,
        receivable_minor=max(0, position.receivable_minor),
    )
