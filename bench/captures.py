"""The captures that rows (a) and (b) book: made, encoded and produced before any clock starts."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import confluent_kafka

from bench.ground import Plot
from paykit import ids
from paykit.events.codec import Codec
from paykit.events.registry import RegistryClient
from paystream.payment.v1.events import CaptureMode, PaymentMethod, PaymentSuccess

AMOUNTS = 1_000
FLUSH_S_MAX = 60.0
QUEUE_WAIT_S = 0.05

# As the payment service's relay sends them; a consumer reads but one, and Kafka carries them all.
_HEADERS: list[tuple[str, str | bytes | None]] = [
    ("ce_id", "evt_0198c0de0000700080000000000000000"),
    ("ce_time", "2026-03-01T12:00:00+00:00"),
    ("ce_subject", "pay_0198c0de0000700080000000000000000"),
    ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
    ("ce_source", "/paystream/payment"),
    ("ce_specversion", "1.0"),
    ("ce_dataschema", "payment.events/PaymentSuccess/1"),
    ("content-type", "application/avro"),
]


@dataclass(frozen=True, slots=True)
class Message:
    """A capture as it lies on Kafka."""

    key: str
    value: bytes


class NotDeliveredError(Exception):
    """Kafka did not take all messages in time."""


def merchant_ids(count: int) -> list[str]:
    """Name merchants."""
    return [ids.new_id("mer") for _ in range(count)]


def make(count: int, *, merchants: Sequence[str]) -> list[PaymentSuccess]:
    """Make captures with a fee each, so that each is booked with four entries, over the merchants in turn."""
    now = datetime.now(UTC)
    return [capture(number, merchants[number % len(merchants)], now) for number in range(count)]


async def encode(plot: Plot, events: Iterable[PaymentSuccess]) -> list[Message]:
    """Encode captures with the schema id of this plot's registry."""
    async with RegistryClient(plot.ground.endpoints.registry) as registry:
        codec = Codec(registry=registry, cache_dir=plot.ground.home / "cache", topic_prefix=plot.prefix)
        await codec.prepare([PaymentSuccess])
    return [Message(event.payment_id, codec.encode(event, stamps=_stamps(event))) for event in events]


def produce(bootstrap: str, topic: str, messages: Iterable[Message], *, record: str = PaymentSuccess.RECORD) -> None:
    """Put messages of a record on a topic, in order; returns when Kafka has them all.

    Raises:
        NotDeliveredError: Not all were delivered.
    """
    failed: list[str] = []
    headers = [*_HEADERS, ("ce_type", record)]
    producer = confluent_kafka.Producer(
        {"bootstrap.servers": bootstrap, "partitioner": "murmur2_random", "linger.ms": 20, "compression.type": "lz4"}
    )

    def delivered(error: confluent_kafka.KafkaError | None, _message: confluent_kafka.Message) -> None:
        if error is not None:
            failed.append(str(error))

    for message in messages:
        while True:
            try:
                producer.produce(topic, message.value, message.key, headers=headers, on_delivery=delivered)
                break
            except BufferError:
                producer.poll(QUEUE_WAIT_S)
    left = producer.flush(FLUSH_S_MAX)
    if left or failed:
        raise NotDeliveredError(f"{left} messages were not delivered, {len(failed)} refused: {failed[:1]}")


def capture(number: int, merchant_id: str, now: datetime) -> PaymentSuccess:
    """Make a capture with a fee."""
    return PaymentSuccess(
        attempt_id=None,
        capture_mode=CaptureMode.AUTOMATIC,
        country_code=None,
        brand=None,
        funding=None,
        issuer_country_code=None,
        captured_total_minor=1,
        capture_number=1,
        created_at=None,
        authorized_at=None,
        attempt_count=1,
        fee_basis_points=0,
        fee_fixed_minor=0,
        event_id=ids.new_id("evt"),
        occurred_at=now,
        merchant_id=merchant_id,
        aggregate_version=2,
        payment_id=ids.new_id("pay"),
        capture_id=ids.new_id("cap"),
        order_id=None,
        merchant_reference=f"bench-{number}",
        amount_minor=1_000 + number % AMOUNTS,
        currency_code="USD",
        fee_minor=30 + number % 10,
        fee_plan_version=1,
        method=PaymentMethod.CARD,
        channel="simulator",
        channel_reference=f"sim_{number:012d}",
        final=False,
        order_returned_minor=0,
    )


def _stamps(event: PaymentSuccess) -> dict[str, object]:
    return {"recorded_at": event.occurred_at, "correlation_id": event.payment_id, "causation_id": event.payment_id}
