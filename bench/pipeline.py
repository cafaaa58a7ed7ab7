"""Row (b): PaymentSuccess on Kafka -> booked -> TransactionCreated in Kafka's log, by `paystream serve accounting`.

Nothing looks over the service's shoulder while it works, but for a question to Kafka ten times a second how far the log
has come. The clock is read afterwards: it starts when the first booking transaction began, by the time it gave its
rows, and ends when Kafka appended the last TransactionCreated, by the log's own time.
"""

import asyncio
import time
from dataclasses import dataclass
from datetime import UTC, datetime

import confluent_kafka
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # its __init__ re-exports without saying so
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    OffsetSpec,
    ResourceType,
)

from bench import captures, children
from bench.ground import Ground, Plot, connected, plot
from paykit.errors import InvariantError
from paystream.accounting.v1.events import TransactionCreated
from services.accounting import store

LOOK_EVERY_S = 0.1
ADMIN_S_MAX = 15.0
BOOKED_S_MAX = 240.0
READ_S_MAX = 60.0
READ_MESSAGES_MAX = 10_000
LOG_ERRORS = 3
"""As syslog counts: librdkafka tells of less on stderr."""
TOPIC_IN = "payment.events"
TOPIC_OUT = "accounting.events"

_RECORD = TransactionCreated.RECORD.encode()
_LAST_BOOKING = "SELECT coalesce(max(position), -1) FROM journal"
_FIRST_BOOKING = "SELECT min(create_time), count(*) FROM journal WHERE position > $1"


@dataclass(frozen=True, slots=True)
class Logged:
    """What Kafka's log holds of TransactionCreated.

    Attributes:
        payments: Distinct ones.
        last: When the last record was appended.
    """

    payments: int
    last: datetime


async def measure(ground: Ground, *, payments: int, merchants: int) -> float:
    """Measure the pipeline over this many merchants, with empty tables at first; payments/s.

    Raises:
        InvariantError: Not every payment was booked and told of exactly once.
        TimeoutError: It took longer than BOOKED_S_MAX.
    """
    async with plot(ground) as own:
        return await book(own, payments=payments, merchants=captures.merchant_ids(merchants))


async def book(own: Plot, *, payments: int, merchants: list[str], before: int = 0) -> float:
    """Have payments booked by the service; payments/s.

    Args:
        own: Database and topics.
        payments: How many are made.
        merchants: Whose they are, in turn.
        before: How many of these merchants' are booked already, by which their accounts are open.

    Raises:
        InvariantError: Not every payment was booked and told of exactly once.
        TimeoutError: It took longer than BOOKED_S_MAX.
    """
    await asyncio.to_thread(_use_log_append_time, own)
    messages = await captures.encode(own, captures.make(payments, merchants=merchants))
    await asyncio.to_thread(captures.produce, own.ground.endpoints.kafka, own.prefix + TOPIC_IN, messages)
    async with connected(own.admin_url, schema="accounting") as connection:
        last_before = await connection.fetchval(_LAST_BOOKING)
        async with children.service(own, "accounting"):
            await _await_log(own, payments + (0 if before else _accounts(merchants)))
        logged = await asyncio.to_thread(_read_log, own)
        first, booked = await connection.fetchrow(_FIRST_BOOKING, last_before)
    if (booked, logged.payments) != (payments, payments):
        raise InvariantError(f"{payments} payments: {booked} booked, {logged.payments} told of")
    seconds: float = (logged.last - first).total_seconds()
    return payments / seconds


def _accounts(merchants: list[str]) -> int:
    """Count the accounts that captures of these merchants open: each is told of once."""
    chart = store.load_chart("merchant_asset")
    return len({t.account_id for each in merchants for t in chart.templates("PaymentSuccess", each, "USD")})


async def _await_log(own: Plot, records: int) -> None:
    admin = _admin(own)
    give_up = time.monotonic() + BOOKED_S_MAX
    while (logged := sum((await asyncio.to_thread(_ends, admin, own)).values())) < records:
        if time.monotonic() > give_up:
            raise TimeoutError(f"{logged} of {records} records after {BOOKED_S_MAX:.0f} s")
        await asyncio.sleep(LOOK_EVERY_S)


def _ends(admin: AdminClient, own: Plot) -> dict[confluent_kafka.TopicPartition, int]:
    latest = OffsetSpec.latest()  # type: ignore[no-untyped-call]
    asked = dict.fromkeys(_partitions(admin, own), latest)
    return {p: int(f.result().offset) for p, f in admin.list_offsets(asked, request_timeout=ADMIN_S_MAX).items()}


def _partitions(admin: AdminClient, own: Plot) -> list[confluent_kafka.TopicPartition]:
    topic = own.prefix + TOPIC_OUT
    numbers = admin.list_topics(topic, timeout=ADMIN_S_MAX).topics[topic].partitions
    return [confluent_kafka.TopicPartition(topic, number) for number in numbers]


def _read_log(own: Plot) -> Logged:
    """Read the whole topic; records are told apart by their headers, as decoding them all would take long."""
    ends = {p.partition: end for p, end in _ends(_admin(own), own).items()}
    consumer = confluent_kafka.Consumer({"bootstrap.servers": own.ground.endpoints.kafka, "group.id": "bench"})
    consumer.assign([confluent_kafka.TopicPartition(own.prefix + TOPIC_OUT, number, 0) for number in ends])
    keys: set[bytes] = set()
    last_ms, left = 0, sum(ends.values())
    try:
        while left > 0:
            messages = consumer.consume(min(left, READ_MESSAGES_MAX), timeout=READ_S_MAX)
            if not messages:
                raise TimeoutError(f"{left} records of {TOPIC_OUT} did not come within {READ_S_MAX:.0f} s")
            left -= len(messages)
            for message in messages:
                if ("ce_type", _RECORD) in (message.headers() or ()):
                    keys.add(message.key() or b"")
                    last_ms = max(last_ms, message.timestamp()[1])
    finally:
        consumer.close()
    return Logged(len(keys), datetime.fromtimestamp(last_ms / 1_000, UTC))


def _use_log_append_time(own: Plot) -> None:
    """Have the broker say when it appended a record, instead of the producer when it meant to send it."""
    entry = ConfigEntry("message.timestamp.type", "LogAppendTime", incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(ResourceType.TOPIC, own.prefix + TOPIC_OUT, incremental_configs=[entry])
    admin = _admin(own)  # Kept by this name: its requests end with it.
    for future in admin.incremental_alter_configs([resource], request_timeout=ADMIN_S_MAX).values():
        future.result()


def _admin(own: Plot) -> AdminClient:
    return AdminClient({"bootstrap.servers": own.ground.endpoints.kafka, "log_level": LOG_ERRORS})
