"""Which channels there are, and how each is reached: the settings that are about channels."""

import json
import tomllib
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

DEFAULT_CHANNEL = "simulator"
"""The name and the adapter of a channel where nothing else is said."""


class ChannelAccess(BaseModel):
    """How a channel is reached.

    Attributes:
        adapter: One of `paykit.channels.registry`, or another's as `package.module:NAME`.
        address: `host:port`, `unix:/path` or a URL; None while it is not set: then attempts wait.
        settings: The adapter's own. A secret stands in them by reference alone, as `env:NAME` or `file:/path`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    adapter: str = Field(default=DEFAULT_CHANNEL, pattern=r"^([a-z][a-z0-9_]*|[A-Za-z_][\w.]*:[A-Za-z_]\w*)$")
    address: str | None = Field(pattern=r"^(unix:.+|https?://[^@]+|[^@]+:\d{1,5})$")
    settings: dict[str, Any] = Field(default={}, max_length=50, repr=False)


class ChannelRoute(ChannelAccess):
    """A channel of payments; see `Settings.channel_routes`.

    Attributes:
        name: As payments and events show it.
        currencies: ISO 4217 codes that go through it; empty for all.
        methods: CARD, BANK_TRANSFER, WALLET; empty for all.
    """

    name: str = Field(pattern=r"^[a-z][a-z0-9_]{0,49}$")
    currencies: tuple[Annotated[str, Field(pattern=r"^[A-Z]{3}$")], ...] = ()
    methods: tuple[Literal["CARD", "BANK_TRANSFER", "WALLET"], ...] = ()


@cache
def default_routes(address: str | None) -> tuple[ChannelRoute]:
    """Return the one route to what answers at an address; kept, for every payment asks for it."""
    return (ChannelRoute(name=DEFAULT_CHANNEL, address=address),)


def read(text: Any, table: str) -> Any:
    """Read a setting that is JSON, or the path of a TOML file in which it is the table of this name.

    Raises:
        ValueError: It is neither.
    """
    if not isinstance(text, str):
        return text
    if not text.endswith(".toml"):
        return json.loads(text)
    try:
        return tomllib.loads(Path(text).read_text(encoding="utf-8")).get(table, ())
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise ValueError(f"cannot be read as TOML: {type(error).__name__}") from error
