"""A withdrawal through the bank that docs/channels.md takes as its example."""

import threading

import pytest

from examples.test_acme_bank import REJECTED, StandIn
from paykit.base.channel_routes import ChannelAccess
from paykit.base.config import ConfigurationError
from paystream.withdrawal.v1 import withdrawal_pb2 as pb
from services.withdrawal.service import SERVICE
from tests.conftest import RuntimeOf
from tests.integration.withdrawal.conftest import Treasury


async def test_a_bank_of_another_kind_pays_out(treasury: Treasury, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACME_KEY", "key")
    await treasury.settle(100_000)
    with StandIn() as bank:
        threading.Thread(target=bank.serve_forever, daemon=True).start()
        access = ChannelAccess(
            adapter="examples.acme_bank:ADAPTER", address=bank.url, settings={"api_key": "env:ACME_KEY"}
        )
        treasury.runtime.settings = treasury.runtime.settings.model_copy(update={"bank_channel": access})
        paid, rejected = await treasury.paid(10_000), await treasury.paid(REJECTED)
        bank.shutdown()

    assert paid.state == pb.WITHDRAWAL_STATE_COMPLETED
    assert (rejected.state, rejected.failure_code) == (pb.WITHDRAWAL_STATE_FAILED, "unlucky")
    assert list(bank.sent.values()) == [1, 1]
    assert treasury.bank.sent == {}


async def test_a_bank_whose_adapter_is_not_there_ends_the_start(runtime_of: RuntimeOf) -> None:
    runtime = await runtime_of(SERVICE)
    access = ChannelAccess(adapter="no.such.bank:ADAPTER", address="bank:1")
    runtime.settings = runtime.settings.model_copy(update={"bank_channel": access})

    with pytest.raises(ConfigurationError, match=r"^channel simulator: the adapter no\.such\.bank:ADAPTER "):
        await SERVICE.on_start(runtime)
