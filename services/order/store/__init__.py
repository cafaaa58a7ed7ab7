"""Every SQL statement of order: its orders, and what it knows of payments and merchants."""

from services.order.store.order import OrderFilter, insert_line_items, orders
from services.order.store.payment import (
    Movement,
    OrderPayment,
    captured,
    insert_captures,
    insert_refunds,
    merchants,
    payments_of_order,
    refunded,
)

__all__ = [
    "Movement",
    "OrderFilter",
    "OrderPayment",
    "captured",
    "insert_captures",
    "insert_line_items",
    "insert_refunds",
    "merchants",
    "orders",
    "payments_of_order",
    "refunded",
]
