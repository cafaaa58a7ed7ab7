"""Calls that wait for what becomes of a withdrawal."""

import asyncio
from typing import Any

import pytest
from google.protobuf.duration_pb2 import Duration

from paystream.withdrawal.v1 import withdrawal_pb2 as pb
from tests.integration.withdrawal.conftest import Treasury
from tests.line.waiting import until

ANY: Any = None
LONG, SHORT = Duration(seconds=30), Duration(nanos=50_000_000)
PATIENCE_S = 60.0


@pytest.fixture
async def waiting(treasury: Treasury) -> "tuple[asyncio.Task[pb.Withdrawal], pb.Withdrawal]":
    """A call that waits, and the withdrawal that it has created."""
    await treasury.settle(10_000)
    call = asyncio.create_task(treasury.create(4_000, wait_for=LONG))

    async def created() -> list[str]:
        return await treasury.listed(merchant_id=treasury.merchant_id)

    [withdrawal_id] = await until(created)
    return call, await treasury.get(withdrawal_id)


async def test_a_withdrawal_is_answered_when_the_bank_has_paid(
    treasury: Treasury, waiting: "tuple[asyncio.Task[pb.Withdrawal], pb.Withdrawal]"
) -> None:
    call, made = waiting
    read = asyncio.create_task(
        treasury.call.GetWithdrawal(pb.GetWithdrawalRequest(withdrawal_id=made.withdrawal_id, wait_for=LONG), ANY)
    )
    assert await treasury.hold(made) is None
    assert not call.done()  # What the ledger holds is no outcome.
    await treasury.submit()
    async with asyncio.timeout(PATIENCE_S):
        assert (await call).state == pb.WITHDRAWAL_STATE_COMPLETED
        assert [each.state for each in (await read).attempts] == [pb.ATTEMPT_STATE_SUCCEEDED]


async def test_what_the_ledger_refuses_is_an_outcome(
    treasury: Treasury, waiting: "tuple[asyncio.Task[pb.Withdrawal], pb.Withdrawal]"
) -> None:
    call, made = waiting
    await treasury.refuse(made.withdrawal_id)
    async with asyncio.timeout(PATIENCE_S):
        assert (await call).state == pb.WITHDRAWAL_STATE_FAILED


async def test_when_the_time_is_over_the_withdrawal_is_answered_as_it_is(treasury: Treasury) -> None:
    await treasury.settle(10_000)
    assert (await treasury.create(4_000, wait_for=SHORT)).state == pb.WITHDRAWAL_STATE_CREATED
