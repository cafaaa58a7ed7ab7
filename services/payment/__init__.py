"""Payment: takes payments and refunds, has channels carry them out, and says on payment.events what was proven.

| what | where |
|---|---|
| a payment: states, charge, failure | `domain/payment.py`, SQL in `store/payment.py` |
| an authorization: what is left of it, how that is given up | `domain/authorization.py` |
| a capture of an authorization | `domain/capture.py`, SQL in `store/capture.py`; fees in `domain/fee.py` |
| a refund: what is refundable, the fee that returns | `domain/refund.py`, SQL in `store/refund.py` |
| what each capture bears of a refund | `domain/refund_share.py`, SQL in `store/refund_share.py` |
| the states that captures and refunds share | `domain/movement.py` |
| a dispute; what its merchant answers | `domain/dispute.py`, `domain/disputing/dispute_answer.py`, `store/dispute.py` |
| what a channel says of one; what follows | `dispute_words.py` and `dispute_rulings.py` in `domain/disputing` |
| a call to a channel | `domain/attempt.py`, SQL in `store/attempt.py`, both on `paykit.channels` |
| what it knows of orders | `domain/order.py`, SQL in `store/order.py`, kept by `handlers.py` |
| what it knows of merchants: status and fees | SQL in `store/merchant.py`, kept by `handlers.py` |
| the locked rows that commands share, what is queued with them | `commands/work.py` |
| accepting payments; whether they match their orders | `commands/payment.py`; `commands/order_matching.py` |
| accepting captures and voids, and expiry | `commands/capture.py`, called by `rpc/capture.py` and `jobs/attempts.py` |
| refunds against funds, those that wait | `domain/funds.py`, `commands/refund_funds.py`, SQL in `store/funds.py` |
| accepting refunds | `commands/refund.py`, called by `rpc/refund.py` |
| payments of closed orders, captures for them | `commands/order.py`, called by `handlers.py` and `commands/ending.py` |
| applying answers, inquiries and callbacks | `commands/evidence.py`, what each ends in `commands/ending.py` |
| lines of statements, taken as evidence | `handlers.py`, on `paykit.channels.statement_lines` |
| disputes reported and answered | `commands/dispute.py`, called by `rpc/dispute.py`, told by `jobs/disputes.py` |
| what a channel says later: one table | `domain/later/later_word.py`, applied by `commands/later/later_word.py` |
| captures that bounce, refunds that come back | `domain/later/reversal.py`, `domain/later/refund_return.py` |
| money that came late | `domain/later/late_capture.py`, `commands/later/late_capture.py`, `store/late_capture.py` |
| contradictions, and who ends them | `domain/later/contradiction.py`, `commands/later/contradiction.py` |
| which channel, and what to do when it cannot be reached | `domain/routing.py`, `commands/failover.py` |
| what is not sent any more: too late, or for a stopped merchant | `domain/attempt.py`, `commands/withholding.py` |
| what is soon over, or overdue, told once each | `domain/reminder.py`, `commands/reminder.py` |
| what payers have to do; where they came back to, erased | `commands/payer_action.py`, `store/return_erasure.py` |
| calling channels | `jobs/` |

Records: `payment`, `capture`, `refund`, `refund_share`, `refund_hold`, `dispute`, `dispute_report`, `dispute_file`,
`attempt`, `evidence`, `unmatched_evidence`, `late_capture`, `contradiction`, `return_erasure`. Projections: `merchant`,
`merchant_fee` (of merchant.events), `order` (of order.events), `merchant_funds` (of accounting.events).

RPCs of PaymentService: CreatePayment BatchCreatePayments StreamCreatePayments GetPayment ListPayments CapturePayment
CancelPayment CreateRefund CancelRefund GetRefund ListRefunds ListDisputes GetDispute AcceptDispute ContestDispute
AddDisputeFile GetDisputeFile GetContact EraseContact BatchGetPayments.
RPCs of ChannelCallbackService: ReportChannelResult ReportDispute.
RPCs of PaymentOperationsService: ListOverdueAttempts ListContradictions GetContradiction ProposeResolution
ApproveResolution RejectResolution RetryRefund ListUnmatchedEvidence ListDisputesToAnswer
ListPaymentsByChannelReference.

Topics: in merchant.events, order.events, accounting.events and reconciliation.events; out payment.events, keyed by
payment_id: PaymentCreated PaymentAuthorized PaymentSuccess (one per capture) PaymentFailed PaymentCancelled
PaymentUnknown PaymentActionRequired PaymentRerouted PaymentContradicted PaymentContradictionResolved PaymentReversed
AuthorizationExpiring CaptureFailed AttemptOverdue LateCaptureReceived LateCaptureAccepted EvidenceUnmatched
RefundCreated RefundSuccess RefundFailed RefundUnknown RefundReturned DisputeInquiryOpened DisputeOpened DisputeExceeded
DisputeContested DisputeDueSoon DisputeWon DisputeLost DisputeOverturned DisputeContradicted.

Invariants, each with a constraint behind it:

- captured + being captured + being voided <= authorized <= amount, and never a void beside a capture; refunded + being
  refunded + disputed <= captured, but for what no capture stood behind when it went; fees given back <= fee <=
  captured.
  All of it changes under the lock of the payment's row alone.
- Payments for an order add up to its total at most: they are accepted one after another, under the lock of the order's
  row. Whoever closes an order writes its row before it locks its payments; a capture locks its payment before it reads
  the order's row. So a capture for a closed order is given back, whichever of the two came first.
- Every change of a payment that an event tells of is one version, so an aggregate_version is never missing and never
  repeated; amounts held for calls under way change without.
- An attempt is called at most once. Claimed, it is only inquired about, until evidence ends it; what has ended follows
  what its channel says later, and all that it said is kept beside it. Only a charge or an authorization that was not
  sent may move to another channel.
- What a payer has to do stands in the row of its payment while there is something to be done, and nowhere else.
- merchant_reference is unique per merchant.
"""
