"""Payment: takes payments and refunds, has channels carry them out, and says on payment.events what was proven.

| what | where |
|---|---|
| a payment: states, charge, failure | `domain.py`, SQL in `store.py` |
| an authorization: what is left of it, how that is given up | `authorization.py` |
| a capture of an authorization | `capture.py`, SQL in `capture_store.py`; fees in `fee.py` |
| the states that captures and refunds share | `follow_up.py` |
| a refund: what is refundable, the fee that returns | `refund.py`, SQL in `refund_store.py` |
| a dispute, and telling its channel what the merchant answered | `dispute.py`, `dispute_*.py` |
| attempts whose outcome is overdue | `overdue.py`, `overdue_*.py` |
| what it knows of orders, whether a payment matches one | `order.py`, `order_matching.py`, SQL in `order_store.py` |
| a call to a channel | `attempt.py`, SQL in `attempt_store.py`, both on `paykit.channels.attempts` |
| accepting payments and refunds | `commands.py`, called by `rpc.py` |
| accepting captures and voids, and expiry | `capture_commands.py`, called by `capture_rpc.py` and `jobs.py` |
| payments of closed orders, captures for them | `order_commands.py`, called by `handlers.py` and `endings.py` |
| applying answers, inquiries and callbacks | `evidence.py`, what each ends in `endings.py` |
| the rows that one transaction changes | `changes.py` |
| which channel, and what to do when it cannot be reached | `routing.py`, `failover.py` |
| calling channels | `jobs.py`, the adapter in `channels/` |
| what it knows of merchants: status and fees | `merchant_store.py`, kept by `handlers.py` |

Records: `payment`, `capture`, `refund`, `dispute`, `dispute_report`, `attempt`, `evidence`. Projections: `merchant`,
`merchant_fee` (of merchant.events), `order` (of order.events).

RPCs: CreatePayment BatchCreatePayments StreamCreatePayments GetPayment ListPayments CapturePayment CancelPayment
CreateRefund GetRefund ListRefunds ReportChannelResult ReportDispute GetDispute ListDisputes AcceptDispute
ContestDispute ListOverdueAttempts.

Topics: in merchant.events and order.events; out payment.events, keyed by payment_id: PaymentCreated PaymentAuthorized
PaymentSuccess (one per capture) PaymentFailed PaymentCancelled PaymentUnknown PaymentContradicted RefundCreated
RefundSuccess RefundFailed DisputeOpened DisputeWon DisputeLost.

Invariants, each with a constraint behind it:

- captured + being captured + being voided <= authorized <= amount, and never a void beside a capture; refunded + being
  refunded + disputed <= captured; fees given back <= fee <= captured.
  All of it changes under the lock of the payment's row alone.
- Payments for an order add up to its total at most: they are accepted one after another, under the lock of the order's
  row. Whoever closes an order writes its row before it locks its payments; a capture locks its payment before it reads
  the order's row. So a capture for a closed order is given back, whichever of the two came first.
- Every change of a payment that an event tells of is one version, so an aggregate_version is never missing and never
  repeated; amounts held for calls under way change without.
- An attempt is called at most once. Claimed, it is only inquired about, until evidence ends it; what has ended stays as
  it ended, and evidence against it is kept beside it. Only a charge or an authorization that was not sent may move to
  another channel.
- merchant_reference is unique per merchant.
"""
