"""What the merchant service is made of."""

from paykit.process.service import Service
from paystream.merchant.v1 import events
from services.merchant import rpc

SERVICE = Service(
    name="merchant",
    locks=("merchant",),
    records=("merchant", "fee_plan", "fee_rule"),
    servicers=rpc.servicers,
    emits=(events.MerchantCreated, events.MerchantUpdated, events.MerchantActivated, events.MerchantSuspended),
)
