"""Read payment.events and accounting.events, and print a line for each event that this program knows.

Settings: KAFKA_BOOTSTRAP, REGISTRY_URL, GROUP, and where a platform has one TOPIC_PREFIX. With COUNT it ends after as
many lines.
"""

import os
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import closing

from confluent_kafka import Consumer, KafkaException

from paystream.accounting.v1.events import TransactionCreated
from paystream.payment.v1.events import PaymentFailed, PaymentSuccess
from paystream_client.events import EventDecoder, Registry

TOPICS = ("payment.events", "accounting.events")
POLL_S = 1.0
KNOWN = (PaymentSuccess, PaymentFailed, TransactionCreated)


def line(event: PaymentSuccess | PaymentFailed | TransactionCreated) -> str:
    """Describe an event."""
    match event:
        case PaymentSuccess():
            return f"PaymentSuccess {event.payment_id} {event.amount_minor} {event.currency_code} {event.method}"
        case PaymentFailed():
            return f"PaymentFailed {event.payment_id} {event.reason}"
        case TransactionCreated():
            return f"TransactionCreated {event.related_no} {effects(event)}"


def effects(booked: TransactionCreated) -> str:
    """Sum what a transaction does to each kind of account: never debits and credits, which depend on the chart."""
    sums: Counter[str] = Counter()
    for entry in booked.entries:
        sums[entry.account_kind] += entry.effect * entry.amount_minor
    return " ".join(f"{kind}={amount}" for kind, amount in sorted(sums.items()))


def consume(settings: Mapping[str, str], write: Callable[[str], object], *, count: float) -> None:
    """Read from where the group stands until so many lines are written."""
    decoder = EventDecoder(Registry(settings["REGISTRY_URL"]).schema)
    consumer = Consumer(
        {
            "bootstrap.servers": settings["KAFKA_BOOTSTRAP"],
            "group.id": settings["GROUP"],
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
        }
    )
    seen: set[str] = set()  # Of this process alone: keep ids beside the effects, in the same transaction.
    with closing(consumer):
        consumer.subscribe([settings.get("TOPIC_PREFIX", "") + topic for topic in TOPICS])
        while len(seen) < count:
            message = consumer.poll(POLL_S)
            if message is None:
                continue
            if (error := message.error()) is not None:
                raise KafkaException(error)
            event = decoder.decode(message.value() or b"")
            if isinstance(event, KNOWN) and event.event_id not in seen:
                seen.add(event.event_id)
                write(line(event))
            # After the effects: what is not committed when the process dies comes once more.
            consumer.commit(message=message, asynchronous=False)


if __name__ == "__main__":
    consume(os.environ, lambda text: sys.stdout.write(f"{text}\n"), count=float(os.environ.get("COUNT", "inf")))
