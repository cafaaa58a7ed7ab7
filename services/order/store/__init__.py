"""Every SQL statement of order: its orders, what it knows of payments and merchants, how far it follows payments."""

from services.order.store.contact import contacts
from services.order.store.expiry import watches
from services.order.store.order import OrderFilter, insert_line_items, orders
from services.order.store.payment import (
    Movement,
    MovementKind,
    OrderPayment,
    insert_movements,
    merchants,
    payments_of_order,
)

__all__ = [
    "Movement",
    "MovementKind",
    "OrderFilter",
    "OrderPayment",
    "contacts",
    "insert_line_items",
    "insert_movements",
    "merchants",
    "orders",
    "payments_of_order",
    "watches",
]
