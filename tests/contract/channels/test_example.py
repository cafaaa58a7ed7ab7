"""The adapter that docs/channels.md takes as its example: it passes the suite, and the document shows it as it is."""

import re
from pathlib import Path

import pytest
from pydantic import SecretStr

from examples.acme_bank import AcmeSettings, connect
from examples.test_acme_bank import TestAcmeBank
from paykit.base import config
from paykit.channels import registry
from paykit.channels.requests import ChannelOperation

__all__ = ["TestAcmeBank"]

ROOT = Path(__file__).parents[3]
DOCUMENT = (ROOT / "docs/channels.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", DOCUMENT, re.MULTILINE | re.DOTALL)


async def test_a_bank_that_nobody_serves_is_no_channel() -> None:
    async with connect("http://127.0.0.1:9", AcmeSettings(api_key=SecretStr("key"))) as channel:
        assert channel is None


def test_the_document_shows_both_files_as_they_are() -> None:
    files = [(ROOT / "examples" / name).read_text() for name in ("acme_bank.py", "test_acme_bank.py")]
    assert blocks("python") == [text.replace("examples.acme_bank", "acme_bank") for text in files]


def test_the_routes_that_the_document_shows_can_be_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    [routes] = blocks("toml")
    file = tmp_path / "channels.toml"
    file.write_text(routes.replace("acme_bank:", "examples.acme_bank:"))
    monkeypatch.setenv("ACME_API_KEY", "key")
    monkeypatch.setenv("PAYSTREAM_CHANNEL_ROUTES", str(file))
    monkeypatch.setenv("PAYSTREAM_BANK_CHANNEL", str(file))

    settings = config.load(database_url="postgresql://localhost/paystream")

    registry.require("bank", settings.payout_channel, {ChannelOperation.PAY_OUT})
    [cards] = settings.payment_channels
    registry.require("cards", cards, frozenset(ChannelOperation) - {ChannelOperation.PAY_OUT})
