"""What the order service is made of."""

from paykit.consume.delivery import Subscription
from paykit.merchants import projection as merchant_projection
from paykit.process.service import Job, Service
from paystream.order.v1 import events
from paystream.payment.v1 import events as payment_events
from services.order import handlers, jobs, rpc

SERVICE = Service(
    name="order",
    locks=("consumption_watch", "order", "contact"),
    records=("order", "line_item", "contact", "consumption_watch"),
    projections=("merchant", "movement"),
    servicers=rpc.servicers,
    subscriptions=(
        merchant_projection.subscription(handlers.on_merchant_changed),
        Subscription(
            topic="payment.events",
            handles=handlers.FOLLOWED,
            # An order follows the money that was taken and given back; what else becomes of a payment is told there.
            ignores=frozenset(
                event.RECORD
                for event in (
                    payment_events.PaymentCreated,
                    payment_events.PaymentAuthorized,
                    payment_events.PaymentFailed,
                    payment_events.PaymentCancelled,
                    payment_events.PaymentUnknown,
                    payment_events.PaymentActionRequired,
                    payment_events.PaymentRerouted,
                    payment_events.AuthorizationExpiring,
                    payment_events.CaptureFailed,
                    payment_events.AttemptOverdue,
                    payment_events.PaymentContradicted,
                    payment_events.PaymentContradictionResolved,
                    payment_events.RefundCreated,
                    payment_events.RefundFailed,
                    payment_events.RefundUnknown,
                    payment_events.DisputeInquiryOpened,
                    payment_events.DisputeOpened,
                    payment_events.DisputeExceeded,
                    payment_events.DisputeContested,
                    payment_events.DisputeDueSoon,
                    payment_events.DisputeWon,
                    payment_events.DisputeContradicted,
                    payment_events.EvidenceUnmatched,
                    payment_events.LateCaptureReceived,
                    payment_events.LateCaptureAccepted,
                )
            ),
        ),
    ),
    emits=(
        events.OrderCreated,
        events.OrderPaid,
        events.OrderCancelled,
        events.OrderExpired,
        events.OrderRefunded,
    ),
    jobs=(Job(name="expire_orders", run=jobs.expire_orders, every_s=1.0),),
)
