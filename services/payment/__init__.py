"""Payment: takes payments and refunds, has channels carry them out, and says on payment.events what was proven.

| what | where |
|---|---|
| a payment: states, capture, failure | `domain.py`, SQL in `store.py` |
| a refund: what is refundable, the fee that returns | `refund.py`, `fee.py`, SQL in `refund_store.py` |
| a dispute: its states only | `dispute.py` |
| a call to a channel, and what evidence about it proves | `attempt.py`, SQL in `attempt_store.py` |
| accepting payments and refunds | `commands.py`, called by `rpc.py` |
| applying answers, inquiries and callbacks | `evidence.py`, called by `jobs.py` and `rpc.py` |
| calling channels | `jobs.py`, one adapter per channel in `channels/` |
| what it knows of merchants: status and fees | `merchant_store.py`, kept by `handlers.py` |

Records: `payment`, `refund`, `attempt`, `evidence`. Projections: `merchant`, `merchant_fee` (of merchant.events).

RPCs: CreatePayment BatchCreatePayments GetPayment ListPayments CreateRefund GetRefund ListRefunds ReportChannelResult.

Topics: in merchant.events; out payment.events, keyed by payment_id: PaymentCreated PaymentSuccess PaymentFailed
PaymentUnknown PaymentContradicted RefundCreated RefundSuccess RefundFailed.

Invariants, each with a constraint behind it:

- captured <= amount; refunded + being refunded + disputed <= captured; fees given back <= fee <= captured.
  All of it changes under the lock of the payment's row alone.
- Every change of a payment is one version and one event, so an aggregate_version is never missing and never repeated.
- An attempt is called at most once. Claimed, it is only inquired about, until evidence ends it; what has ended stays as
  it ended, and evidence against it is kept beside it.
- merchant_reference is unique per merchant.
"""
