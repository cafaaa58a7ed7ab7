"""A topic gets more partitions: only when all that stands on it was applied, as keys move to other partitions then.

An event of a key is written to the partition that the key's hash and the number of partitions say. Behind a change of
that number, a key's next event may stand in another partition than its last one, and a consumer reads the two in any
order, unless it has applied the last one before.
"""

from collections.abc import Mapping, Sequence

import confluent_kafka
from confluent_kafka import ConsumerGroupTopicPartitions
from confluent_kafka.admin import AdminClient, NewPartitions  # type: ignore[attr-defined]

from paykit.base.errors import UnavailableError
from paykit.kafka.client import LOGGER, common_options, end_offsets
from paykit.kafka.topics import ADMIN_TIMEOUT_S


class NotWidenedError(Exception):
    """The topic was left as it is, or order per key is in doubt; the text says why and for whom."""


def widen(bootstrap: str, topic: str, *, groups: Sequence[str], partitions: int) -> int:
    """Give a topic more partitions; blocks the thread.

    The offsets that consumers commit to Kafka are asked, which say what they had applied a moment ago.

    Args:
        bootstrap: Brokers, `host:port[,host:port]`.
        topic: Its name on the cluster.
        groups: Consumer groups that have to have applied all of it.
        partitions: How many it gets.

    Returns:
        How many it had.

    Raises:
        NotWidenedError: It has as many or more, a group has not applied all of it, or records came meanwhile.
        UnavailableError: Kafka cannot be reached, or the topic does not exist.
    """
    admin = AdminClient(common_options(bootstrap, "paystream-widening"), logger=LOGGER)
    before = end_offsets(bootstrap, topic)
    if len(before) >= partitions:
        raise NotWidenedError(f"{topic} has {len(before)} partitions already; a topic is never made narrower")
    try:
        lag = {group: lag for group in groups if (lag := _lag(admin, topic, group, before))}
        if lag:
            raise NotWidenedError(_told(topic, lag))
        admin.create_partitions([NewPartitions(topic, partitions)], request_timeout=ADMIN_TIMEOUT_S)[topic].result()
    except confluent_kafka.KafkaException as error:
        raise UnavailableError(f"Kafka: {error.args[0].str()}", part="kafka") from error
    if end_offsets(bootstrap, topic)[: len(before)] != before:
        raise NotWidenedError(
            f"{topic} has {partitions} partitions now, but records came while it was made wider: its producer's relay "
            "was not stopped, and keys of the last records may be applied out of order"
        )
    return len(before)


def _lag(admin: AdminClient, topic: str, group: str, ends: Sequence[int]) -> int:
    """Count the records that a group has not told to have applied; one that never came has applied none."""
    wanted = [confluent_kafka.TopicPartition(topic, partition) for partition in range(len(ends))]
    request = ConsumerGroupTopicPartitions(group, wanted)
    answer = admin.list_consumer_group_offsets([request], request_timeout=ADMIN_TIMEOUT_S)[group].result()
    applied = {told.partition: max(told.offset, 0) for told in answer.topic_partitions}
    return sum(end - applied.get(partition, 0) for partition, end in enumerate(ends))


def _told(topic: str, lag: Mapping[str, int]) -> str:
    waits = ", ".join(f"{group} has {records} records to go" for group, records in lag.items())
    return f"{topic} was left as it is: {waits}"
