"""A lane that is filled with stuck transactions leaves the others answering."""

import asyncio
import uuid

import pytest

from paykit.postgres.database import Tx
from paykit.postgres.lanes import BATCH, CONSUMING, HELD_UP, JOB, READING, Lane, Share
from paykit.process.runtime import Runtime
from paykit.testing import runtimes
from paystream.payment.v1 import payment_pb2
from tests import probe

WAIT_S = 30.0
TAKEN_MAX = 3
"""What one share of a pool of eight takes: its own connection and the two that are common."""


async def answer(tx: Tx) -> int:
    return int((await tx.fetch("SELECT 1"))[0][0])


async def use_each(runtime: Runtime, stuck: Share) -> None:
    """Have all but one lane do something."""
    request = payment_pb2.CreatePaymentRequest(request_id=str(uuid.uuid4()))
    if stuck is not Share.READS:
        assert await runtime.read(answer) == 1
    if stuck is not Share.GROUPS:
        assert (await runtime.call(probe.COUNT, request, "a")).value == "1"
    if stuck is not Share.BATCHES:
        request = payment_pb2.CreatePaymentRequest(request_id=str(uuid.uuid4()))
        [reply] = await runtime.call_batch(probe.COUNT, [request], ["b"])
        assert not isinstance(reply, Exception)
        assert reply.value == "1"
    for lane in (HELD_UP, CONSUMING, JOB):
        if lane.share is not stuck:
            assert await runtime.database.transaction(answer, lane=lane) == 1


@pytest.mark.parametrize("lane", [READING, BATCH, CONSUMING, JOB, HELD_UP], ids=lambda lane: lane.share)
async def test_a_lane_whose_transactions_are_all_stuck_leaves_the_others_answering(
    runtime: Runtime, lane: Lane
) -> None:
    runtimes.act_as("alice")
    release, full = asyncio.Event(), asyncio.Event()
    begun = 0

    async def stand_still(_tx: Tx) -> None:
        nonlocal begun
        begun += 1
        if begun == TAKEN_MAX:
            full.set()
        await release.wait()

    stuck = [
        asyncio.create_task(runtime.database.transaction(stand_still, lane=lane))
        for _ in range(runtime.settings.database_pool_max)
    ]
    async with asyncio.timeout(WAIT_S):
        await full.wait()
        await use_each(runtime, lane.share)
        assert begun == TAKEN_MAX
    release.set()
    await asyncio.gather(*stuck)
