"""A process that writes a row for every event, and knows no event again: run as a module.

A ledger would not notice an event applied twice, for its keys are natural. This one has nothing but the runtime's
offsets between an event and a second row.
"""

import asyncio
import dataclasses

from paykit.base import config, logs
from paykit.consume.delivery import Handle, Subscription
from paykit.process import host
from paystream.payment.v1.events import PaymentCreated
from tests import probe

SERVICE = dataclasses.replace(
    probe.SERVICE,
    subscriptions=(
        Subscription(
            topic="payment.events",
            handles={PaymentCreated: Handle(handler=probe.on_payment_created, deduplication="natural")},
            ignores=probe.ALL_RECORDS - {PaymentCreated.RECORD},
        ),
    ),
    consumers=2,
)

if __name__ == "__main__":
    logs.configure(service=SERVICE.name, level="info", output="json")
    asyncio.run(host.serve([SERVICE], config.load()))
