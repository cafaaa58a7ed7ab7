"""The closing job beside consumers that collect: neither ends the other."""

import asyncio
from datetime import timedelta

from paykit.consumption import Consumption
from paykit.postgres.database import Tx
from paykit.process.runtime import Runtime
from services.settlement import jobs
from services.settlement.domain.closing import GRACE
from services.settlement.domain.lifecycle import SettlementState
from tests.integration.settlement.till import Till, apply
from tests.line.waiting import until
from tests.unit.settlement.builders import capture, daily, refund, utc


async def blocked(runtime: Runtime) -> None:
    """Wait until a statement waits for a lock."""
    sql = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    await until(lambda: runtime.read(lambda tx: tx.fetch(sql)))


async def test_a_place_that_is_taken_while_a_settlement_moves_there_only_costs_another_look(till: Till) -> None:
    await till.policy(daily("18:00"))
    await till.consume(refund(1, 500, at=utc(1, 12)))
    till.clock.advance(timedelta(hours=6))
    await till.close(view=Consumption(till.clock.now(), (5,), {0: 4}))  # It is due, and events are on their way.
    till.clock.advance(GRACE)

    async def begin_to_collect(tx: Tx) -> None:
        await apply(tx, [capture(2, 800, at=utc(1, 19))])
        closing.append(asyncio.create_task(jobs.close_settlements(till.runtime)))
        await blocked(till.runtime)

    closing: list[asyncio.Task[bool]] = []
    await till.runtime.transaction(begin_to_collect)
    assert await closing[0] is False
    (pending,) = await till.settlements(state=SettlementState.PENDING)
    assert (pending.cut_off_at, pending.sums.total_minor, pending.sums.item_count) == (utc(2, 18), 300, 2)
