"""The adapters that routes can name, and the way from a route to a channel.

Another's adapter is named by where it is, `package.module:NAME`: who writes the routes decides what code runs.
"""

from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from importlib import import_module
from types import MappingProxyType
from typing import Any, Generic, TypeVar

import structlog
from pydantic import BaseModel, ConfigDict, ValidationError

from paykit.base.channel_routes import ChannelAccess
from paykit.base.config import ConfigurationError
from paykit.channels.channel import Channel
from paykit.channels.requests import ChannelOperation

ADAPTERS: Mapping[str, str] = MappingProxyType({"simulator": "paykit.channels.adapters.simulator:ADAPTER"})
"""The adapters that come with paystream, by the name that a route gives."""

_log = structlog.get_logger()


class AdapterSettings(BaseModel):
    """What a route may tell an adapter; subclasses name it. Secrets are of the type `paykit.base.config.Secret`."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


S = TypeVar("S", bound=AdapterSettings)


@dataclass(frozen=True, kw_only=True)
class Adapter(Generic[S]):
    """A kind of channel, as an adapter's module offers it.

    Attributes:
        operations: What such a channel can do, beside being inquired at.
        settings: The class of its settings.
        connect: Reaches the channel at an address; None while it cannot be reached.
    """

    operations: frozenset[ChannelOperation]
    settings: type[S]
    connect: Callable[[str, S], AbstractAsyncContextManager[Channel | None]]


def require(channel: str, access: ChannelAccess, operations: Collection[ChannelOperation]) -> None:
    """Check at start that a channel can be connected to and does what is asked of it.

    Raises:
        ConfigurationError: There is no such adapter, it lacks an operation, or its settings are not as it wants them.
    """
    try:
        adapter = _find(access.adapter)
        _read_settings(adapter, access)
    except ConfigurationError as error:
        raise ConfigurationError(f"channel {channel}: {error}") from error
    if lacking := sorted(set(operations) - adapter.operations):
        raise ConfigurationError(f"channel {channel}: the adapter {access.adapter} cannot {', '.join(lacking)}")


@asynccontextmanager
async def connect(access: ChannelAccess) -> AsyncIterator[Channel | None]:
    """Reach a channel; None, with a line in the log, while that cannot be: then its attempts wait.

    Raises:
        ConfigurationError: As `require`.
    """
    if access.address is None:
        _log.warning("channel_address_unset")
        yield None
        return
    adapter = _find(access.adapter)
    async with adapter.connect(access.address, _read_settings(adapter, access)) as channel:
        if channel is None:
            _log.warning("channel_unreachable", address=access.address)
        yield channel


def _find(name: str) -> Adapter[Any]:
    module_name, _, attribute = ADAPTERS.get(name, name).partition(":")
    if not attribute:
        raise ConfigurationError(f"there is no adapter {name}; there are {', '.join(ADAPTERS)}, and `module:NAME`")
    try:
        adapter = getattr(import_module(module_name), attribute, None)
    except ImportError as error:
        raise ConfigurationError(f"the adapter {name} cannot be imported: {error}") from error
    if not isinstance(adapter, Adapter):
        raise ConfigurationError(f"{name} is not an Adapter")
    return adapter


def _read_settings(adapter: Adapter[S], access: ChannelAccess) -> S:
    try:
        return adapter.settings.model_validate(access.settings)
    except ValidationError as error:
        problems = [f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}" for problem in error.errors()]
        raise ConfigurationError(f"settings of the adapter {access.adapter}: {'; '.join(problems)}") from error
