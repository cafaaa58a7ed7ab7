"""Order: what merchants sell, and whether it has been paid for.

| what | where |
|---|---|
| an order: states, its amounts, refund, cancel, completion, expiry | `domain.py`, SQL in `store/order.py` |
| what its payments captured, gave back and lost | SQL in `store/payment.py`, kept by `handlers.py` |
| accepting, completing and calling off orders | `commands.py`, called by `rpc.py` |
| following payments | `commands.py`, called by `handlers.py` |
| ending orders whose time is over, once payments are followed until then | `commands.py`, called by `jobs.py` |
| how far payments are followed | `paykit.consumption`, SQL in `store/expiry.py` |

Records: `order`, `line_item`, `consumption_watch`. Projections: `merchant` (of merchant.events), `movement` (of
payment.events).

RPCs: CreateOrder GetOrder ListOrders CancelOrder CompleteOrder.

Topics: in merchant.events, payment.events; out order.events, keyed by order_id: OrderCreated OrderPaid OrderCancelled
OrderExpired OrderRefunded.

Invariants, each with a constraint behind it:

- amount = quantity x unit price for each item; total = sum of the items.
- CREATED -> PAID | CANCELLED | EXPIRED, and no further; while CREATED, captured - refunded - lost < total.
- Each capture, refund, dispute lost, and what takes one of these back, is recorded once, by its id, in any state.
- merchant_reference is unique per merchant.
- Every event is one version, so an aggregate_version is never missing and never repeated.
"""
