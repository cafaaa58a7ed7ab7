"""Whether payments asked for match the orders that they are for."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from paykit.errors import DomainError
from paykit.postgres.database import Tx
from services.payment.domain import order
from services.payment.domain.order import Order
from services.payment.store import orders as order_store
from services.payment.store import payments as store


class Asked(Protocol):
    """A payment asked for."""

    @property
    def merchant_id(self) -> str:
        """Give the merchant to be paid."""

    @property
    def merchant_reference(self) -> str:
        """Give the merchant's reference of the payment."""

    @property
    def order_id(self) -> str | None:
        """Give the order that it is for."""

    @property
    def currency_code(self) -> str:
        """Give the currency."""

    @property
    def amount_minor(self) -> int:
        """Give the amount."""


@dataclass(slots=True, kw_only=True)
class Matching:
    """The locked orders of a batch, and what the payments before left to pay of each.

    Attributes:
        left_minor: By order, in the order's currency.
        taken: References that other payments have: a payment that will be left out for its reference takes nothing.
    """

    orders: dict[str, Order]
    left_minor: dict[str, int]
    taken: set[tuple[str, str]]

    def refusal(self, item: Asked) -> DomainError | None:
        """Say why a payment cannot be for its order, or take its amount out of what is left."""
        reference = (item.merchant_id, item.merchant_reference)
        if reference in self.taken:
            return None
        refused = self._refusal(item, item.order_id) if item.order_id else None
        if refused is None:
            self.taken.add(reference)
        return refused

    def correlation_id(self, item: Asked) -> str | None:
        """Give the journey of the order that a payment is for; None where it is for none."""
        known = self.orders.get(item.order_id or "")
        return known.correlation_id if known else None

    def _refusal(self, item: Asked, order_id: str) -> DomainError | None:
        wanted = self.orders.get(order_id)
        if wanted is None:
            return order.unknown(order_id)
        refused = order.refusal(
            wanted,
            merchant_id=item.merchant_id,
            currency_code=item.currency_code,
            amount_minor=item.amount_minor,
            left_minor=self.left_minor[order_id],
        )
        if refused is None:
            self.left_minor[order_id] -= item.amount_minor
        return refused


async def lock(tx: Tx, items: Sequence[Asked]) -> Matching:
    """Lock the orders that payments are for, and read what is left of them under that lock."""
    order_ids = sorted({item.order_id for item in items if item.order_id})
    orders = await order_store.lock_orders(tx, order_ids)
    taken_minor = await order_store.taken_minor(tx, order_ids)
    holders = await store.REFERENCES.holders(tx, [(item.merchant_id, item.merchant_reference) for item in items])
    left_minor = {each.order_id: each.total_minor - taken_minor.get(each.order_id, 0) for each in orders.values()}
    return Matching(orders=orders, left_minor=left_minor, taken=set(holders))
