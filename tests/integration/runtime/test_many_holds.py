"""Many keys that Kafka refuses, and a whole topic: each is tried in its time, whatever else waits."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from paykit.kafka.retrying import PROBES_MAX
from paykit.postgres import connecting, outbox
from paykit.postgres.held import outbox_holds
from paykit.process.runtime import Runtime
from tests.faults.mock_cluster import MockCluster, mock_cluster
from tests.integration.runtime.relaying import (
    PARTITIONS,
    Arrivals,
    put,
    relaying,
    until_nothing_is_left,
)

REFUSED = "payment.events"
OTHER = "order.events"
MANY = [f"pay_{number:03}" for number in range(10 * PROBES_MAX)]
"""More keys than are tried together, and than were looked at in one go for all topics."""


@pytest.fixture
def cluster() -> Iterator[MockCluster]:
    with mock_cluster(REFUSED, OTHER, partitions=PARTITIONS) as cluster:
        yield cluster


@pytest.fixture
def arrivals(cluster: MockCluster) -> Iterator[Arrivals]:
    arrivals = Arrivals(cluster, REFUSED, OTHER)
    yield arrivals
    arrivals.close()


@pytest.fixture
async def connection(runtime: Runtime) -> AsyncIterator[Any]:
    connection = await connecting.connect(runtime.database.url, "probe")
    yield connection
    await connection.close()


async def _refuse(connection: Any, topic: str, key: str | None) -> None:
    await connection.execute(outbox_holds.REFUSE, topic, key, 1, "MSG_SIZE_TOO_LARGE", "refused")


async def _make_due(connection: Any, topic: str, *, key: bool, age_s: int) -> None:
    """Let what is held of a topic have been due for so long: its keys, or the topic as a whole."""
    sql = "UPDATE outbox_hold SET retry_time = clock_timestamp() - $2 * interval '1 s' WHERE topic = $1 AND "
    await connection.execute(sql + ("key IS NOT NULL" if key else "key IS NULL"), topic, age_s)


async def test_a_topic_and_others_are_tried_beside_many_keys_that_have_waited_longer(
    runtime: Runtime, cluster: MockCluster, arrivals: Arrivals, connection: Any
) -> None:
    await put(runtime, REFUSED, range(2), [*MANY, "free"])
    await put(runtime, OTHER, range(2), ["ord_1"])
    rows = await runtime.read(lambda tx: tx.fetch("SELECT id FROM outbox"))
    await connection.execute(outbox.SET_ASIDE, [row["id"] for row in rows])
    for key in MANY:
        await _refuse(connection, REFUSED, key)
    await _refuse(connection, REFUSED, None)
    await _refuse(connection, OTHER, "ord_1")
    await _make_due(connection, REFUSED, key=True, age_s=3_600)
    await _make_due(connection, REFUSED, key=False, age_s=0)
    await _make_due(connection, OTHER, key=True, age_s=0)
    async with relaying(runtime, cluster):
        await arrivals.until(OTHER, range(2), ["ord_1"])
        await arrivals.until(REFUSED, range(2), [*MANY, "free"])
        await until_nothing_is_left(runtime)
    assert await runtime.read(lambda tx: tx.fetch("SELECT FROM outbox_held")) == []


async def test_of_each_topic_some_are_due_and_the_topic_itself_before_its_keys(connection: Any) -> None:
    for number in range(3):
        await _refuse(connection, "a", f"k{number}")
    await _refuse(connection, "a", None)
    await _refuse(connection, "b", "k")
    await _refuse(connection, "c", "k")
    for topic, key, age_s in (("a", True, 9), ("a", False, 1), ("b", True, 1)):
        await _make_due(connection, topic, key=key, age_s=age_s)
    due = [outbox_holds.target(row) for row in await connection.fetch(outbox_holds.SELECT_DUE, 2)]
    assert due == [("a", None), ("a", "k0"), ("b", "k")]
