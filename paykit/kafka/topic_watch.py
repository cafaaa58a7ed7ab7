"""What a process sees of its topics on the cluster: which incarnations they are, and where partitions begin and end.

One client and one answer serve all consumers of the process.
"""

import asyncio
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import confluent_kafka
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # its __init__ re-exports without saying so
    AdminClient,
    OffsetSpec,
)

from paykit.base.errors import UnavailableError
from paykit.kafka import client as kafka

FRESH_S = 0.2
"""For how long an answer stands. A consumer whose topic is made again is refused by its broker first, and waits for
ERROR_BACKOFF_MS of `paykit.consume.fetching` before it fetches of the new one: an answer as old as this is of the topic
that the records in hand were fetched from."""
ASK_TIMEOUT_S = 5.0
ANSWER_S_MAX = 15.0
"""For how long an answer is waited for: far beyond librdkafka's own timeout, and there for when that does not come."""


@dataclass(frozen=True, slots=True)
class LogRange:
    """The records that a partition has: from `first_offset` on, up to and without `end_offset`."""

    first_offset: int
    end_offset: int


class TopicWatch:
    """The topics of a process; asked in a thread, all of them at once."""

    def __init__(
        self,
        bootstrap: str,
        *,
        ask: Callable[[Sequence[str]], Mapping[str, str | None]] | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begin without an answer; `ask` stands for the cluster in tests."""
        self._bootstrap = bootstrap
        self._ask = ask or self._describe
        self._monotonic = monotonic
        self._client: Any = None
        self._making_client = threading.Lock()
        self._topics: set[str] = set()
        self._topic_ids: Mapping[str, str | None] = {}
        self._asked_at: float | None = None
        self._failure: tuple[float, UnavailableError] | None = None
        self._asking = asyncio.Lock()

    async def topic_ids(self, topics: Iterable[str]) -> Mapping[str, str | None]:
        """Return the id of each topic, None for one that is not there, asked for at most FRESH_S ago.

        Raises:
            UnavailableError: Kafka cannot be reached.
        """
        async with self._asking:  # Who comes meanwhile waits, and takes the answer, or the failure.
            if self._failure is not None and self._monotonic() - self._failure[0] <= FRESH_S:
                raise UnavailableError(str(self._failure[1]), part="kafka") from self._failure[1]
            known = self._topics.issuperset(topics)
            self._topics.update(topics)
            if not known or self._asked_at is None or self._monotonic() - self._asked_at > FRESH_S:
                await self._ask_now()
            return self._topic_ids

    async def _ask_now(self) -> None:
        asked_at = self._monotonic()
        try:
            self._topic_ids = await asyncio.to_thread(self._ask, sorted(self._topics))
        except UnavailableError as error:
            self._failure = self._monotonic(), error
            raise
        self._asked_at = asked_at

    async def cluster_id(self) -> str:
        """Return the id of the cluster.

        Raises:
            UnavailableError: Kafka cannot be reached.
        """
        return await asyncio.to_thread(self._cluster_id)

    async def ranges(self, partitions: Sequence[tuple[str, int]]) -> Mapping[tuple[str, int], LogRange | None]:
        """Return the range of each partition that is there; None for one that does not tell, as without a leader."""
        return await asyncio.to_thread(self._ranges, partitions) if partitions else {}

    def _admin(self) -> Any:
        # Threads of several consumers come at once, and what was asked of a client that is thrown away is not answered.
        with self._making_client:
            if self._client is None:
                options = kafka.common_options(self._bootstrap, "paystream-topics")
                self._client = AdminClient(options, logger=kafka.LOGGER)
            return self._client

    def _describe(self, topics: Sequence[str]) -> dict[str, str | None]:
        wanted = confluent_kafka.TopicCollection(list(topics))
        try:
            futures = self._admin().describe_topics(wanted, request_timeout=ASK_TIMEOUT_S)
        except confluent_kafka.KafkaException as error:
            raise UnavailableError(f"Kafka does not describe its topics: {error}", part="kafka") from error
        return {topic: _topic_id(future) for topic, future in futures.items()}

    def _cluster_id(self) -> str:
        try:
            asked = self._admin().describe_cluster(request_timeout=ASK_TIMEOUT_S)
            return str(asked.result(ANSWER_S_MAX).cluster_id)
        except (confluent_kafka.KafkaException, TimeoutError) as error:
            raise UnavailableError(f"Kafka does not describe itself: {error}", part="kafka") from error

    def _ranges(self, partitions: Sequence[tuple[str, int]]) -> dict[tuple[str, int], LogRange | None]:
        firsts = self._offsets(partitions, OffsetSpec.earliest())  # type: ignore[no-untyped-call]
        ends = self._offsets(partitions, OffsetSpec.latest())  # type: ignore[no-untyped-call]
        return {key: _range(first, ends[key]) for key, first in firsts.items() if key in ends}

    def _offsets(self, partitions: Sequence[tuple[str, int]], spec: Any) -> dict[tuple[str, int], int | None]:
        """Ask for offsets; what is not there is left out, and what is not told is None."""
        asked = {confluent_kafka.TopicPartition(*partition): spec for partition in partitions}
        try:
            futures = self._admin().list_offsets(asked, request_timeout=ASK_TIMEOUT_S)
        except confluent_kafka.KafkaException:
            return dict.fromkeys(partitions)
        found: dict[tuple[str, int], int | None] = {}
        for place, future in futures.items():
            try:
                found[place.topic, place.partition] = int(future.result(ANSWER_S_MAX).offset)
            except (confluent_kafka.KafkaException, TimeoutError) as error:
                if not _is_missing(error):
                    found[place.topic, place.partition] = None
        return found


def _topic_id(future: Any) -> str | None:
    try:
        return str(future.result(ANSWER_S_MAX).topic_id)
    except (confluent_kafka.KafkaException, TimeoutError) as error:
        if _is_missing(error):
            return None
        raise UnavailableError(f"Kafka does not describe a topic: {error}", part="kafka") from error


def _range(first_offset: int | None, end_offset: int | None) -> LogRange | None:
    return None if first_offset is None or end_offset is None else LogRange(first_offset, end_offset)


def _is_missing(error: confluent_kafka.KafkaException | TimeoutError) -> bool:
    if isinstance(error, TimeoutError):
        return False
    code: int = error.args[0].code()
    return code in (
        confluent_kafka.KafkaError.UNKNOWN_TOPIC_OR_PART,
        confluent_kafka.KafkaError._UNKNOWN_TOPIC,  # noqa: SLF001 - a public constant
        confluent_kafka.KafkaError._UNKNOWN_PARTITION,  # noqa: SLF001 - a public constant
    )
