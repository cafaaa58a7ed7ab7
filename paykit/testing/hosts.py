"""Services running for real inside a test, with topics and subjects of their own on the shared stack."""

import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]  # re-exported without saying so
from pydantic import SecretStr

from paykit.base.config import Settings
from paykit.base.endpoints import Endpoints
from paykit.events import classes as catalogue
from paykit.events.registry import RegistryClient
from paykit.events.schema_files import Topic, load_topics, registry_text, schema_root
from paykit.kafka import topics
from paykit.process.host import Host
from paykit.process.service import Service
from paykit.testing import databases

ADMIN_TIMEOUT_S = 30.0
PARTITIONS = 6
"""Of a test's topics: enough to tell keys apart, and made quickly."""


def new_prefix() -> str:
    """Return a topic prefix that no other test has."""
    return f"t{uuid.uuid4().hex[:10]}."


def settings_for(stack: Endpoints, *, database_url: str, cache_dir: Path, prefix: str, **more: Any) -> Settings:
    """Return the settings of a process on the shared stack; its gRPC port is free."""
    values: dict[str, Any] = {
        "environment": "development",
        "database_url": SecretStr(database_url),
        "database_service_password": SecretStr(databases.SERVICE_PASSWORD),
        "kafka_bootstrap": stack.kafka,
        "registry_url": stack.registry,
        "topic_prefix": prefix,
        "grpc_address": "127.0.0.1:0",
        "cache_dir": cache_dir,
        "shutdown_grace_s": 1.0,
    }
    return Settings(**(values | more))


async def lay_contracts(stack: Endpoints, prefix: str, *, names: Sequence[str], groups: Sequence[str] = ()) -> None:
    """Create topics and register the newest schema of their records, all under the prefix.

    Args:
        stack: Where.
        prefix: Of topics and subjects.
        names: Topics without prefix.
        groups: Consumer groups beyond the declared ones, which need dead letter topics too.
    """
    declared = load_topics(schema_root())
    wanted = topics.declared([declared[name] for name in names], prefix=prefix, partitions=PARTITIONS)
    for name in names:
        wanted |= {f"{prefix}{name}.{group}.dlq": topics.dead_letters(declared[name]) for group in groups}
    _create(stack.kafka, wanted)
    async with RegistryClient(stack.registry) as registry:
        for file in catalogue.own_files().values():
            if file.topic in names:
                subject = f"{prefix}{file.topic}-{file.full_name}"
                await registry.register(subject, registry_text(file.schema))


def _create(bootstrap: str, wanted: dict[str, Topic]) -> None:
    admin = AdminClient({"bootstrap.servers": bootstrap})
    new = [
        NewTopic(name, num_partitions=topic.partitions, replication_factor=1, config=dict(topic.configs))
        for name, topic in wanted.items()
    ]
    for future in admin.create_topics(new, operation_timeout=ADMIN_TIMEOUT_S).values():
        future.result()


@asynccontextmanager
async def hosted(services: Sequence[Service], settings: Settings) -> AsyncIterator[Host]:
    """Run services in this process until the block ends."""
    host = Host(services, settings)
    try:
        await host.start()
        yield host
    finally:
        await host.stop()
