"""From a route to an adapter: what a start refuses, and that no refusal shows a secret."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from paykit.base.channel_routes import ChannelAccess
from paykit.base.config import ConfigurationError, Secret
from paykit.channels import registry
from paykit.channels.channel import Channel
from paykit.channels.registry import Adapter, AdapterSettings
from paykit.channels.requests import ChannelOperation

HERE = f"{__name__}:BANK"
PAY_OUT, REFUND, VOID = ChannelOperation.PAY_OUT, ChannelOperation.REFUND, ChannelOperation.VOID
connected: list[tuple[str, "BankSettings"]] = []


class BankSettings(AdapterSettings):
    api_key: Secret
    branch: int = 1


@asynccontextmanager
async def connect(address: str, settings: BankSettings) -> AsyncIterator[Channel | None]:
    connected.append((address, settings))
    yield None


BANK = Adapter(operations=frozenset({PAY_OUT}), settings=BankSettings, connect=connect)


def access(adapter: str = HERE, **settings: Any) -> ChannelAccess:
    return ChannelAccess(adapter=adapter, address="https://bank.example/v1", settings=settings)


async def test_a_route_leads_to_its_adapter_with_its_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BANK_KEY", "s3cret")

    async with registry.connect(access(api_key="env:BANK_KEY", branch=7)) as channel:
        assert channel is None

    address, settings = connected.pop()
    assert (address, settings.branch) == ("https://bank.example/v1", 7)
    assert settings.api_key.get_secret_value() == "s3cret"
    assert "s3cret" not in repr(settings)


async def test_a_secret_is_read_from_its_file(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("s3cret\n")

    async with registry.connect(access(api_key=f"file:{tmp_path}/key")):
        assert connected.pop()[1].api_key.get_secret_value() == "s3cret"


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({}, "api_key: Field required"),
        ({"api_key": "s3cret"}, "api_key: Value error, must be `env:NAME` of a variable that is set, or `file:/path`"),
        ({"api_key": "env:NO_SUCH_S3CRET"}, "api_key: Value error, must be `env:NAME` of a variable that is set"),
        ({"api_key": "file:/nowhere/s3cret"}, "api_key: Value error, cannot be read from its file: FileNotFoundError"),
        ({"api_key": "file:/dev/null"}, "api_key: Value should have at least 1 item"),
        ({"api_key": "env:HOME", "branch": "s3cret"}, "branch: Input should be a valid integer"),
        ({"api_key": "env:HOME", "brunch": "s3cret"}, "brunch: Extra inputs are not permitted"),
    ],
)
def test_settings_that_an_adapter_does_not_want_are_refused(settings: dict[str, Any], problem: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        registry.require("bank", access(**settings), {PAY_OUT})
    assert str(refused.value).startswith(f"channel bank: settings of the adapter {HERE}: {problem}")
    assert "s3cret" not in str(refused.value)


@pytest.mark.parametrize(
    ("adapter", "problem"),
    [
        ("acme", "there is no adapter acme; there are simulator, and `module:NAME`"),
        ("no.such.module:ADAPTER", "the adapter no.such.module:ADAPTER cannot be imported"),
        (f"{__name__}:NOTHING", f"{__name__}:NOTHING is not an Adapter"),
        (f"{__name__}:BankSettings", f"{__name__}:BankSettings is not an Adapter"),
    ],
)
def test_what_is_no_adapter_is_refused(adapter: str, problem: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^channel bank: {problem}"):
        registry.require("bank", access(adapter), {PAY_OUT})


def test_an_adapter_that_lacks_an_operation_is_refused() -> None:
    route = access(api_key="env:HOME")
    registry.require("bank", route, {PAY_OUT})
    with pytest.raises(ConfigurationError) as refused:
        registry.require("bank", route, {PAY_OUT, VOID, REFUND})
    assert str(refused.value) == f"channel bank: the adapter {HERE} cannot REFUND, VOID"


def test_a_route_without_an_adapter_is_the_simulator() -> None:
    registry.require("cards", ChannelAccess(address="cards:1"), frozenset(ChannelOperation))


def test_a_route_does_not_print_its_settings() -> None:
    assert "s3cret" not in repr(access(api_key="s3cret"))
