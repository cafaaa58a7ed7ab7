"""The partitions of each topic are spread over the processes of a service, whatever other topics it reads."""

import asyncio
import dataclasses
from collections import Counter
from pathlib import Path

from paykit.consume.delivery import Subscription
from paykit.events import classes as catalogue
from paykit.process.host import Host
from paykit.testing import hosts
from paytools.localstack import Endpoints
from tests import probe
from tests.e2e.runtime.flow import until

TOPICS = ("payment.events", "merchant.events", "order.events")
SERVICE = dataclasses.replace(
    probe.SERVICE,
    subscriptions=(
        *probe.SERVICE.subscriptions,
        *(Subscription(topic=topic, handles={}, ignores=catalogue.records_of(topic)) for topic in TOPICS[1:]),
    ),
)


def held(host: Host) -> Counter[str]:
    return Counter(topic for consumer in host._consumers.values() for topic, _ in consumer._assigned())


async def test_each_of_two_processes_has_half_of_each_topic(stack: Endpoints, probe_url: str, tmp_path: Path) -> None:
    prefix = hosts.new_prefix()
    await hosts.lay_contracts(stack, prefix, names=list(TOPICS), groups=["probe"])
    settings = hosts.settings_for(stack, database_url=probe_url, cache_dir=tmp_path, prefix=prefix)
    half = Counter({f"{prefix}{topic}": 3 for topic in TOPICS})
    async with hosts.hosted([SERVICE], settings) as first:

        async def has_all() -> bool:
            return held(first) == half + half

        await until(has_all)
        async with hosts.hosted([SERVICE], settings) as second:

            async def have_halves() -> bool:
                return held(first) == half and held(second) == half

            await until(have_halves)
            await asyncio.sleep(3.0)
            assert (held(first), held(second)) == (half, half)
        await until(has_all)
