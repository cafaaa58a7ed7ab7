"""What a person may choose about the local stack, all of it optional."""

import os
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

SERVICES = (
    "payment",
    "merchant",
    "accounting",
    "channel",
    "order",
    "settlement",
    "withdrawal",
    "journey",
    "reconciliation",
    "notification",
    "analytics",
)
"""Started in this order; the first gets the first port."""

PREFIX = "PAYSTREAM_"
STACK_PREFIX = "PAYSTREAM_STACK_"
PORT_MAX = 65_000
"""Leaves room for the ports that follow the first one."""

Port = Annotated[int, Field(ge=0, le=PORT_MAX)]


def _default_cache() -> Path:
    """Follow the XDG base directory rules."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "paystream"


class StackSettings(BaseSettings):
    """Read from `PAYSTREAM_*`.

    A port that is taken falls back to a free one; 0 asks for any free one.
    """

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="ignore")

    home: Path = Field(default_factory=lambda: Path.cwd() / ".paystream")
    """Data, logs and `endpoints.json`."""
    cache: Path = Field(default_factory=_default_cache)
    """Downloaded programs, shared by all stacks of a user."""
    stack_postgres_port: Port = 5432
    stack_kafka_port: Port = 9092
    stack_registry_port: Port = 8081
    stack_mail_port: Port = 1025
    stack_gateway_port: Port = 8080
    stack_service_port: Port = 50051
    """Of the first service; the others follow."""
    stack_metrics_port: Port = 9464
    """Of the first service; the others follow."""
    stack_gateway: bool = True
    """Whether the gateway runs in front of the services."""
    stack_kafka_proxied_port: Port = 0
    """Of a second listener of the broker, for clients that come through a proxy; 0 leaves it out."""
    stack_kafka_proxy: str | None = Field(default=None, pattern=r"^[^,\s]+:\d{1,5}$")
    """Where the proxy in front of that listener is, `host:port`: the broker tells the clients there to come to it."""
    stack_postgres_fsync: bool = True
    """Whether the local PostgreSQL waits for the disk; if not, what it holds outlives its processes, no machine."""
    stack_postgres_url: str | None = None
    """A server to use instead of a local one: `postgresql://`, a role that may create databases, roles, schemas."""
    stack_kafka_bootstrap: str | None = None
    """Brokers to use instead of a local one, `host:port[,host:port]`."""
    stack_topic_partitions: Annotated[int, Field(ge=1, le=1_000)] = 6
    """Of each topic: as many consumers of a service as a laptop may run, and made quickly."""
    stack_registry_url: str | None = None
    """A registry to use instead of a local one: the base URL of its Confluent-compatible API."""

    @property
    def any_port(self) -> Self:
        """The same, but on free ports only, so that several stacks stand side by side."""
        names = ("postgres", "kafka", "registry", "mail", "gateway", "service", "metrics")
        return self.model_copy(update={f"stack_{name}_port": 0 for name in names})

    @model_validator(mode="after")
    def _require_whole_proxy(self) -> Self:
        """Refuse half of a proxied listener: clients would be sent past the proxy, or to where nobody is."""
        if bool(self.stack_kafka_proxied_port) != bool(self.stack_kafka_proxy):
            raise ValueError("PAYSTREAM_STACK_KAFKA_PROXIED_PORT and PAYSTREAM_STACK_KAFKA_PROXY go together")
        return self

    @model_validator(mode="after")
    def _refuse_unknown_variables(self) -> Self:
        """Refuse a misspelt variable, which would otherwise pass for a default."""
        names = {PREFIX + name.upper() for name in type(self).model_fields}
        unknown = sorted(name for name in os.environ if name.startswith(STACK_PREFIX) and name not in names)
        if unknown:
            raise ValueError(f"{', '.join(unknown)}: no such setting")
        return self
