"""A parked event has waited in vain only once all is consumed that lay in the topics when it was parked."""

from collections.abc import Mapping

from paykit.base.errors import UnavailableError
from paykit.consume.delivery import Record
from paykit.consume.store import offsets
from paykit.consume.store.offsets import Position, TopicPartition
from paykit.consume.store.parked_events import ParkedEvent
from paykit.consume.watermark import LOOK_EVERY_S, Watermark
from paykit.postgres.database import Tx
from paykit.process.runtime import Runtime

QUICK, SLOW = ("payment.events", 0), ("payment.events", 1)


class Kafka:
    """Topics that go as far as a test says, and the time."""

    def __init__(self) -> None:
        self.ends: dict[TopicPartition, int] | None = None
        self.now_s = 1_000.0
        self.asked = 0

    def tell(self) -> Mapping[TopicPartition, int]:
        self.asked += 1
        if self.ends is None:
            raise UnavailableError("no broker", part="kafka")
        return dict(self.ends)

    def monotonic(self) -> float:
        return self.now_s


def parked(number: int, *, waited_s: float = 500.0) -> ParkedEvent:
    return ParkedEvent(number, Record("payment.events", 0, number, "pay_1", b"", []), waited_s)


async def consume_to(runtime: Runtime, ends: Mapping[TopicPartition, int]) -> None:
    async def store(tx: Tx) -> None:
        for partition in sorted(ends):
            await offsets.begin(tx, partition, Position(0, "cluster", "topic"))
        await offsets.advance(tx, ends)

    await runtime.transaction(store)


async def test_waiting_begins_when_all_is_consumed_that_lay_there_when_the_event_was_parked(runtime: Runtime) -> None:
    kafka = Kafka()
    watermark = Watermark(runtime.database, kafka.tell, monotonic=kafka.monotonic)
    kafka.ends = {QUICK: 10, SLOW: 7}
    await consume_to(runtime, {QUICK: 10, SLOW: 6})
    for _ in range(3):
        await watermark.look(1)
        kafka.now_s += 100
        assert watermark.waited_s(parked(1)) == 0
    # What comes later is no reason to wait for it.
    kafka.ends = {QUICK: 99, SLOW: 99}
    await consume_to(runtime, {QUICK: 10, SLOW: 7})
    await watermark.look(1)
    assert watermark.waited_s(parked(1)) == 0
    kafka.now_s += 3
    assert watermark.waited_s(parked(1)) == 3
    assert kafka.asked == 1


async def test_an_event_parked_later_waits_for_what_lay_there_later(runtime: Runtime) -> None:
    kafka = Kafka()
    watermark = Watermark(runtime.database, kafka.tell, monotonic=kafka.monotonic)
    kafka.ends = {QUICK: 0, SLOW: 0}
    await watermark.look(1)
    kafka.ends = {QUICK: 1, SLOW: 0}
    kafka.now_s += LOOK_EVERY_S
    await watermark.look(2)
    kafka.now_s += 5
    assert [watermark.waited_s(parked(number)) for number in (1, 2)] == [5 + LOOK_EVERY_S, 0]
    await consume_to(runtime, {QUICK: 1})
    await watermark.look(2)
    kafka.now_s += 2
    assert [watermark.waited_s(parked(number)) for number in (1, 2)] == [7 + LOOK_EVERY_S, 2]


async def test_an_event_applied_after_having_been_parked_lets_all_others_wait_anew(runtime: Runtime) -> None:
    kafka = Kafka()
    watermark = Watermark(runtime.database, kafka.tell, monotonic=kafka.monotonic)
    kafka.ends = {}
    await watermark.look(4)
    kafka.now_s += 50
    watermark.note_progress()
    kafka.now_s += 2
    assert watermark.waited_s(parked(4)) == 2


async def test_no_event_has_waited_for_longer_than_it_was_parked(runtime: Runtime) -> None:
    kafka = Kafka()
    watermark = Watermark(runtime.database, kafka.tell, monotonic=kafka.monotonic)
    kafka.ends = {}
    await watermark.look(9)
    kafka.now_s += 50
    assert watermark.waited_s(parked(8, waited_s=1.5)) == 1.5


async def test_without_kafka_nothing_has_waited_in_vain(runtime: Runtime) -> None:
    kafka = Kafka()
    watermark = Watermark(runtime.database, kafka.tell, monotonic=kafka.monotonic)
    for _ in range(2):
        await watermark.look(1)
    kafka.now_s += 50
    assert (watermark.waited_s(parked(1)), kafka.asked) == (0, 1)
    kafka.ends = {}
    await watermark.look(1)
    kafka.now_s += 1
    assert watermark.waited_s(parked(1)) == 1
