"""Timed work on orders."""

from paykit.postgres.database import Tx
from paykit.process.consumption import TopicEnds, consumption_of, topic_ends
from paykit.process.runtime import Runtime
from paystream.payment.v1.events import PaymentSuccess
from services.order import commands, store

EXPIRED_AT_ONCE_MAX = 500
"""Orders that one transaction ends."""


async def expire_orders(runtime: Runtime, *, ends_of: TopicEnds = topic_ends) -> bool:
    """End open orders whose time is over, once what payments told till then is applied; True when there may be more."""
    read_time = runtime.clock.now()
    if not (runtime.fails("expire_orders") or await runtime.read(store.orders.any_overdue)):
        return False
    topic = runtime.codec.topic(PaymentSuccess.TOPIC)
    ends = await ends_of(runtime, topic)

    async def expire(tx: Tx) -> int:
        seen = await consumption_of(tx, topic, read_time=read_time, ends=ends)
        return await commands.expire_orders(tx, seen, limit=EXPIRED_AT_ONCE_MAX)

    return sum(await runtime.isolated("expire_orders", expire)) >= EXPIRED_AT_ONCE_MAX
