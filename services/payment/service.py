"""What the payment service is made of."""

from paykit.runtime import merchant_projection
from paykit.runtime.delivery import Handle, Subscription
from paykit.runtime.service import Job, Service
from paystream.payment.v1 import events
from services.payment import dispute_jobs, dispute_rpc, handlers, jobs, rpc

_KEEP_MERCHANT = Handle(
    handler=handlers.on_merchant_changed, deduplication="natural", rebuild=handlers.on_merchant_changed
)

SERVICE = Service(
    name="payment",
    records=("payment", "capture", "refund", "dispute", "dispute_report", "attempt", "evidence"),
    projections=("merchant", "merchant_fee", "order"),
    servicers=rpc.servicers,
    subscriptions=(
        Subscription(
            topic="merchant.events",
            handles=merchant_projection.handles(_KEEP_MERCHANT),
        ),
    ),
    consumers=1,
    emits=(
        events.PaymentCreated,
        events.PaymentSuccess,
        events.PaymentFailed,
        events.PaymentUnknown,
        events.PaymentContradicted,
        events.RefundCreated,
        events.RefundSuccess,
        events.RefundFailed,
        events.DisputeOpened,
        events.DisputeWon,
        events.DisputeLost,
    ),
    jobs=(
        *(Job(name=lane, run=jobs.submit_attempts, every_s=1.0) for lane in jobs.SUBMISSION_LANES),
        Job(name="inquire_attempts", run=jobs.inquire_attempts, every_s=0.5),
        Job(name=dispute_rpc.RESPONSE_JOB, run=dispute_jobs.respond_to_disputes, every_s=1.0),
    ),
)
