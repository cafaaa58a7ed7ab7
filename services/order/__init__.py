"""Order: what merchants sell, and whether it has been paid for.

| what | where |
|---|---|
| an order: states, its amounts, capture, refund, cancel, expiry | `domain.py`, SQL in `store/order.py` |
| what its payments captured and gave back | SQL in `store/payment.py`, kept by `handlers.py` |
| accepting and calling off orders | `commands.py`, called by `rpc.py` |
| following payments | `commands.py`, called by `handlers.py` |
| ending orders whose time is over | `commands.py`, called by `jobs.py` |

Records: `order`, `line_item`. Projections: `merchant` (of merchant.events), `capture`, `refund` (of payment.events).

RPCs: CreateOrder GetOrder ListOrders CancelOrder.

Topics: in merchant.events, payment.events; out order.events, keyed by order_id: OrderCreated OrderPaid OrderCancelled
OrderExpired OrderRefunded.

Invariants, each with a constraint behind it:

- amount = quantity x unit price for each item; total = sum of the items.
- CREATED -> PAID | CANCELLED | EXPIRED, and no further; PAID exactly when captures reached the total while CREATED.
- refunded <= paid. Each capture and each refund is recorded once, by its id, in any state.
- merchant_reference is unique per merchant.
- Every event is one version, so an aggregate_version is never missing and never repeated.
"""
