"""What the services find before they start: topics, subjects and settings that no other test shares."""

from pathlib import Path

from paykit.base.config import Settings
from paykit.events.schema_files import load_topics, schema_root
from paykit.process.catalogue import service_names
from paykit.testing import hosts
from paytools.localstack import Endpoints, ports

TOPICS = tuple(load_topics(schema_root()))


async def lay(stack: Endpoints, *, database_url: str, cache_dir: Path) -> Settings:
    """Create topics and subjects, and give the settings of one process that has all services, the channel too."""
    prefix = hosts.new_prefix()
    await hosts.lay_contracts(stack, prefix, names=TOPICS)
    address = f"127.0.0.1:{ports.choose(0, taken=set())}"
    return hosts.settings_for(
        stack,
        database_url=database_url,
        cache_dir=cache_dir,
        prefix=prefix,
        grpc_address=address,
        channel_address=address,
        peers=dict.fromkeys(service_names(), address),
    )
