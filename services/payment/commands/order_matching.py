"""Whether payments asked for match the orders that they are for."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from paykit.merchants.references import Reference, holders_of
from paykit.postgres.database import Tx
from paykit.work import Rows
from services.payment import domain, store
from services.payment.domain.order import ProjectedOrder


@dataclass(frozen=True, slots=True, kw_only=True)
class Matching:
    """The locked orders of a batch, and what the payments before left to pay of each.

    Attributes:
        left_minor: By order, in the order's currency.
        taken: References that other payments have: a payment that will be left out for its reference takes nothing.
    """

    orders: Rows[str, ProjectedOrder]
    left_minor: dict[str, int]
    taken: set[Reference]

    def admit(self, order_id: str | None, reference: Reference, *, currency_code: str, amount_minor: int) -> str | None:
        """Take the amount of a payment out of what is left of its order.

        Returns: The journey of the order; None where the payment is for none.

        Raises:
            OrderUnknown, OrderMerchantMismatch, OrderCurrencyMismatch, OrderClosed, OrderAmountExceeded: It cannot be
                for its order.
        """
        if reference not in self.taken:
            if order_id:
                domain.order.require_payable(
                    self.orders.require(order_id, domain.order.unknown),
                    merchant_id=reference[0],
                    currency_code=currency_code,
                    amount_minor=amount_minor,
                    left_minor=self.left_minor[order_id],
                )
                self.left_minor[order_id] -= amount_minor
            self.taken.add(reference)
        order = self.orders.get(order_id)
        return order.correlation_id if order else None


async def lock(tx: Tx, order_ids: Collection[str], references: Sequence[Reference]) -> Matching:
    """Lock the orders that payments are for, and read what is left of them under that lock."""
    orders = await store.orders.lock(tx, order_ids)
    taken_minor = await store.payments.taken_minor(tx, order_ids)
    holders = await holders_of(tx, store.payments, references)
    left_minor = {order.order_id: order.total_minor - taken_minor.get(order.order_id, 0) for order in orders.values()}
    return Matching(orders=orders, left_minor=left_minor, taken=set(holders))
