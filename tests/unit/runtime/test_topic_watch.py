"""One answer of the cluster serves all consumers of a process for a moment, and no longer."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from types import SimpleNamespace
from typing import Any

import pytest

from paykit.base.errors import UnavailableError
from paykit.consume.fetching import ERROR_BACKOFF_MS
from paykit.kafka import topic_watch
from paykit.kafka.topic_watch import FRESH_S, TopicWatch


class Cluster:
    """Counts what it is asked."""

    def __init__(self) -> None:
        self.ids: dict[str, str | None] = {"a": "id-1", "b": "id-2"}
        self.asked: list[list[str]] = []
        self.away = False
        self.now = 100.0

    def describe(self, topics: Sequence[str]) -> Mapping[str, str | None]:
        self.asked.append(list(topics))
        if self.away:
            raise UnavailableError("away", part="kafka")
        return {topic: self.ids.get(topic) for topic in topics}


@pytest.fixture
def cluster() -> Cluster:
    return Cluster()


@pytest.fixture
def watch(cluster: Cluster) -> TopicWatch:
    return TopicWatch("127.0.0.1:1", ask=cluster.describe, monotonic=lambda: cluster.now)


async def test_an_answer_stands_for_a_fifth_of_a_second(watch: TopicWatch, cluster: Cluster) -> None:
    assert (await watch.topic_ids(["a"]))["a"] == "id-1"
    cluster.ids["a"] = "id-3"
    cluster.now += 0.19
    assert (await watch.topic_ids(["a"]))["a"] == "id-1"
    cluster.now += 0.02
    assert (await watch.topic_ids(["a"]))["a"] == "id-3"
    assert len(cluster.asked) == 2


async def test_all_topics_of_the_process_are_asked_for_at_once(watch: TopicWatch, cluster: Cluster) -> None:
    await watch.topic_ids(["a"])
    await watch.topic_ids(["b"])  # Not known yet, so the answer of a moment ago is not enough.
    assert (await watch.topic_ids(["a", "b"])) == {"a": "id-1", "b": "id-2"}
    assert cluster.asked == [["a"], ["a", "b"]]


async def test_a_topic_that_is_not_there_has_no_id(watch: TopicWatch) -> None:
    assert (await watch.topic_ids(["none"]))["none"] is None


async def test_whoever_waited_takes_the_failure_as_well(watch: TopicWatch, cluster: Cluster) -> None:
    cluster.away = True
    for _ in range(3):
        with pytest.raises(UnavailableError):
            await watch.topic_ids(["a"])
    assert len(cluster.asked) == 1
    cluster.away = False
    cluster.now += 0.21
    assert (await watch.topic_ids(["a"]))["a"] == "id-1"


def test_an_answer_does_not_outlive_the_pause_before_a_topic_made_again_is_fetched() -> None:
    assert FRESH_S * 1_000 < ERROR_BACKOFF_MS


class Admin:
    """Takes its time to be made, and answers as it is told."""

    made = 0
    answer: Future[Any]

    def __init__(self, *_: Any, **__: Any) -> None:
        time.sleep(0.05)
        type(self).made += 1

    def describe_cluster(self, **_: Any) -> Future[Any]:
        return self.answer


async def test_consumers_that_ask_at_once_ask_one_client(monkeypatch: pytest.MonkeyPatch) -> None:
    Admin.made, Admin.answer = 0, Future()
    Admin.answer.set_result(SimpleNamespace(cluster_id="a-cluster"))
    monkeypatch.setattr(topic_watch, "AdminClient", Admin)
    watch = TopicWatch("127.0.0.1:1")
    assert await asyncio.gather(*(watch.cluster_id() for _ in range(8))) == ["a-cluster"] * 8
    assert Admin.made == 1


async def test_an_answer_that_never_comes_is_an_outage_and_holds_up_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    Admin.answer = Future()
    monkeypatch.setattr(topic_watch, "AdminClient", Admin)
    monkeypatch.setattr(topic_watch, "ANSWER_S_MAX", 0.05)
    with pytest.raises(UnavailableError):
        await TopicWatch("127.0.0.1:1").cluster_id()
