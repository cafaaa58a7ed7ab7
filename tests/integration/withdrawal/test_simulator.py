"""Payouts through the channel service itself, over gRPC in both directions."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from paykit.clock import SystemClock
from paykit.process.runtime import Runtime
from paykit.testing.runtimes import act_as
from services.channel.service import SERVICE as CHANNEL
from services.withdrawal.service import SERVICE as WITHDRAWAL
from tests.conftest import RuntimeOf
from tests.integration.payment.test_simulator import PAUSE_S, ROUNDS_MAX, behave, serve
from tests.integration.withdrawal.conftest import ScriptedBank, Treasury


class Pair:
    """The withdrawal service and the channel service, serving each other; their jobs run when a test says so."""

    def __init__(self, treasury: Treasury, channel: Runtime) -> None:
        self.treasury = treasury
        self.channel = channel

    async def run_until(self, withdrawal_id: str, *, ended: tuple[list[str], bool]) -> None:
        """Run all jobs of both until the withdrawal's events are these, and it is contradicted or not."""
        jobs = [(self.treasury.runtime, job) for job in WITHDRAWAL.jobs]
        jobs += [(self.channel, job) for job in CHANNEL.jobs if job.name != "close_statements"]
        now: tuple[list[str], bool] = ([], False)
        for _ in range(ROUNDS_MAX):
            for runtime, job in jobs:
                await job.run(runtime)
            shown = await self.treasury.get(withdrawal_id)
            now = (await self.treasury.told_types(withdrawal_id))[3:], shown.contradicted
            if now == ended:
                return
            await asyncio.sleep(PAUSE_S)
        assert now == ended


@pytest.fixture
async def pair(runtime_of: RuntimeOf, tmp_path: Path) -> AsyncIterator[Pair]:
    act_as("shop")
    channel = await runtime_of(CHANNEL, clock=SystemClock())
    withdrawal = await runtime_of(WITHDRAWAL, clock=SystemClock())
    addresses = {"channel_address": f"unix:{tmp_path}/bank.sock", "grpc_address": f"unix:{tmp_path}/withdrawal.sock"}
    withdrawal.settings = withdrawal.settings.model_copy(update=addresses)
    servers = [
        await serve(CHANNEL, channel, addresses["channel_address"]),
        await serve(WITHDRAWAL, withdrawal, addresses["grpc_address"]),
    ]
    await behave(addresses)
    treasury = Treasury(withdrawal, ScriptedBank())  # type: ignore[abstract]  # Not served here.
    await treasury.know_merchant()
    treasury.bank_account_id = await treasury.open_account()
    await treasury.settle(1_000_000)
    yield Pair(treasury, channel)
    for server in servers:
        await server.stop(1.0)


@pytest.mark.parametrize(
    ("amount_minor", "types", "contradicted", "out_minor"),
    [
        (10_000, ["Completed"], False, 10_000),
        (19_001, ["Failed"], False, 0),
        (19_003, ["Unknown", "Completed"], False, 19_003),
        (19_004, ["Unknown", "Failed"], False, 0),
        (19_005, ["Unknown", "Completed"], False, 19_005),
        (19_007, ["Completed"], False, 19_007),
        (19_008, ["Unknown", "Failed"], False, 0),
        (19_009, ["Failed", "PaidLate", "Contradicted"], True, 19_009),
        (19_010, ["Completed", "Returned"], False, 0),
        (19_020, ["Completed", "PaidLate", "Contradicted"], True, 38_040),
        (19_015, ["Completed", "Bounced", "Contradicted"], True, 0),
        (19_016, ["Completed", "Returned"], False, 1_500),
    ],
)
async def test_every_fate_of_the_simulator_ends_as_documented(
    pair: Pair, amount_minor: int, types: list[str], *, contradicted: bool, out_minor: int
) -> None:
    held = await pair.treasury.held(amount_minor)

    await pair.run_until(held.withdrawal_id, ended=(types, contradicted))

    assert await pair.treasury.withdrawable() == 1_000_000 - out_minor
