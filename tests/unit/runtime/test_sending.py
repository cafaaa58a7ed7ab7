"""What a sender tells of the partitions that have stalled, also while its thread gives a producer up."""

from typing import Any

import confluent_kafka

from paykit.kafka.sending import Sender, _Chunk


class GivenUp:
    """A producer of which nothing more is acknowledged."""

    def settle(self, _timeout_s: float) -> None: ...

    def discard(self) -> None: ...

    def flush(self) -> int:
        return 0


def test_what_was_given_up_with_its_producer_has_no_partition_any_more() -> None:
    sender = Sender("127.0.0.1:1", client_id="c")
    rows: list[dict[str, Any]] = [{"id": number, "key": "k", "value": b""} for number in range(5)]
    sender._stalled = [
        _Chunk({0: rows[0], 1: rows[1]}, lanes={0: 3, 1: 4}),
        _Chunk({2: rows[2], 3: rows[3]}, lanes={2: 3, 3: None}),
    ]
    assert sender.stalled == {3: 0, 4: 1, None: 3}
    refused = confluent_kafka.KafkaError(confluent_kafka.KafkaError.MSG_SIZE_TOO_LARGE)
    sender._chunk = _Chunk({4: rows[4]}, lanes={4: 5}, errors={4: refused})
    assert sender._abandon(GivenUp()) == {4: refused}  # type: ignore[arg-type]
    assert sender.stalled == {}
    assert not sender.full
