"""What an error of Kafka says of the row that it is told of."""

import pytest
from confluent_kafka import KafkaError

from paykit.kafka.refusals import refusal


@pytest.mark.parametrize(
    ("code", "whole_topic", "reason"),
    [
        (KafkaError.MSG_SIZE_TOO_LARGE, False, "MSG_SIZE_TOO_LARGE"),
        (KafkaError.INVALID_RECORD, False, "INVALID_RECORD"),
        (KafkaError.TOPIC_AUTHORIZATION_FAILED, True, "TOPIC_AUTHORIZATION_FAILED"),
        (KafkaError.UNKNOWN_TOPIC_OR_PART, True, "UNKNOWN_TOPIC_OR_PART"),
        (KafkaError._UNKNOWN_TOPIC, True, "UNKNOWN_TOPIC"),
    ],
)
def test_an_error_refuses_a_row_or_its_whole_topic(code: int, whole_topic: bool, reason: str) -> None:  # noqa: FBT001
    refused = refusal({"id": 7}, KafkaError(code))
    assert refused is not None
    assert (refused.row, refused.whole_topic, refused.reason) == ({"id": 7}, whole_topic, reason)


@pytest.mark.parametrize(
    "code",
    [
        KafkaError._PURGE_QUEUE,
        KafkaError._PURGE_INFLIGHT,
        KafkaError._INVALID_DIFFERENT_RECORD,
        KafkaError.OUT_OF_ORDER_SEQUENCE_NUMBER,
    ],
)
def test_a_row_that_failed_with_its_neighbours_is_not_refused(code: int) -> None:
    assert refusal({"id": 7}, KafkaError(code)) is None
