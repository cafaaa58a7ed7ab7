"""Where a service is told that the others are."""

import pytest

from paykit.base import config

URL = "postgresql://db/paystream"


def test_peers_are_read_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAYSTREAM_PEERS", '{"payment": "payment:50051", "order": "unix:/run/order"}')
    assert config.load(database_url=URL).peers == {"payment": "payment:50051", "order": "unix:/run/order"}


@pytest.mark.parametrize("text", ["payment:50051", '{"payment": "payment"}', '{"Payment!": "payment:50051"}', "[]"])
def test_peers_that_cannot_be_are_refused(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("PAYSTREAM_PEERS", text)
    with pytest.raises(config.ConfigurationError, match=r"^PAYSTREAM_PEERS"):
        config.load(database_url=URL)
