"""What the merchant service is made of."""

from paykit.runtime.service import Service

from services.merchant import rpc

SERVICE = Service(
    name="merchant",
    records=("merchant", "fee_plan", "fee_rule"),
    projections=(),
    servicers=rpc.servicers,
    subscriptions=(),
    consumers=0,
    produces=("merchant.events",),
    jobs=(),
)
