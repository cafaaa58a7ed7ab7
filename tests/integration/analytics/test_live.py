"""Figures as they change."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any

import pytest

from paystream.analytics.v1 import analytics_pb2 as pb
from services.analytics import commands, jobs
from services.analytics.rpc import live
from services.analytics.rpc.live import StreamOverrun, StreamsExhausted
from tests.integration.analytics.conftest import ANY, Observatory
from tests.integration.analytics.test_figures import captured
from tests.unit.analytics.builders import NOON

PATIENCE_S = 60.0


class Stream:
    def __init__(self, replies: AsyncIterator[pb.StreamMetricsResponse]) -> None:
        self._replies = replies

    async def next(self) -> list[tuple[str, str, str]]:
        """Wait for a message; merchant, currency and captured amount of its rows."""
        async with asyncio.timeout(PATIENCE_S):
            reply = await anext(self._replies)
        return [(row.merchant_id, row.currency_code, row.figures.captured.amount_minor) for row in reply.rows]


@asynccontextmanager
async def following(observatory: Observatory, **wanted: Any) -> AsyncIterator[Stream]:
    request = pb.StreamMetricsRequest(**{"interval_ms": 100} | wanted)
    replies: Any = observatory.call.StreamMetrics(request, ANY)
    async with aclosing(replies):
        stream = Stream(replies)
        assert await stream.next() == []
        yield stream


async def test_a_stream_shows_figures_as_they_stand_after_each_change(observatory: Observatory) -> None:
    await observatory.tell(captured(observatory, 100))
    async with following(observatory) as stream:
        await observatory.tell(captured(observatory, 200))
        assert await stream.next() == [(observatory.merchant_id, "USD", "300")]
        await observatory.tell(captured(observatory, 5, occurred_at=NOON.replace(hour=3)))
        assert await stream.next() == [(observatory.merchant_id, "USD", "5")]


async def test_a_stream_shows_what_it_is_asked_for_alone(observatory: Observatory) -> None:
    async with following(observatory, merchant_id=observatory.merchant_id, currency_code="USD") as stream:
        await observatory.tell(
            captured(observatory, 1, merchant_id="mer_" + "b" * 32), captured(observatory, 2, currency_code="JPY")
        )
        await observatory.tell(captured(observatory, 4))
        assert await stream.next() == [(observatory.merchant_id, "USD", "4")]


async def test_changes_within_the_interval_are_sent_once(observatory: Observatory) -> None:
    async with following(observatory, interval_ms=1_500) as stream:
        await observatory.tell(captured(observatory, 1))
        assert await stream.next() == [(observatory.merchant_id, "USD", "1")]
        for amount_minor in (10, 100, 1_000):
            await observatory.tell(captured(observatory, amount_minor))
        assert await stream.next() == [(observatory.merchant_id, "USD", "1111")]


async def test_a_transaction_that_began_before_one_that_was_seen_is_not_missed(observatory: Observatory) -> None:
    open_, let_go = asyncio.Event(), asyncio.Event()

    async def slow(tx: Any) -> None:
        await count(observatory, tx, 1, "JPY")
        open_.set()
        await let_go.wait()

    async with following(observatory) as stream:
        running = asyncio.create_task(observatory.runtime.transaction(slow))
        await open_.wait()
        await observatory.tell(captured(observatory, 2))
        assert await stream.next() == [(observatory.merchant_id, "USD", "2")]
        let_go.set()
        await running
        assert await stream.next() == [(observatory.merchant_id, "JPY", "1")]


async def count(observatory: Observatory, tx: Any, amount_minor: int, currency_code: str) -> None:
    await commands.counting.count_events(tx, [(captured(observatory, amount_minor, currency_code=currency_code), 0)])


async def test_two_streams_cost_one_look(observatory: Observatory) -> None:
    async with following(observatory) as one, following(observatory) as other:
        await observatory.tell(captured(observatory, 7))
        assert await one.next() == await other.next() == [(observatory.merchant_id, "USD", "7")]


async def test_there_are_so_many_streams_and_no_more(observatory: Observatory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "STREAMS_MAX", 1)
    async with following(observatory):
        with pytest.raises(StreamsExhausted):
            async with following(observatory):
                pass
    async with following(observatory):  # The place of the first is free again.
        pass


async def test_who_reads_too_slowly_is_told(observatory: Observatory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "WAITING_ROWS_MAX", 1)
    async with following(observatory) as stream:
        await observatory.tell(captured(observatory, 1), captured(observatory, 2, currency_code="JPY"))
        with pytest.raises(StreamOverrun):
            await stream.next()


async def test_changes_are_forgotten_once_nobody_can_ask_for_them(observatory: Observatory) -> None:
    await observatory.tell(captured(observatory, 1), captured(observatory, 2, currency_code="JPY"))

    async def age(tx: Any) -> None:
        await tx.run(
            "UPDATE figure_change SET change_time = change_time - interval '601 s' WHERE currency_code = 'JPY'"
        )

    await observatory.runtime.transaction(age)
    assert not await jobs.forget_changes(observatory.runtime)
    left = await observatory.runtime.read(lambda tx: tx.fetch("SELECT currency_code FROM figure_change"))
    assert [row[0] for row in left] == ["USD"]
