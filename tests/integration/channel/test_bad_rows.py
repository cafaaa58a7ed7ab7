"""A transaction, dispute or callback that a job of the channel cannot do holds up no other."""

from datetime import timedelta

import pytest

from paystream.channel.v1 import channel_pb2 as pb
from services.channel import jobs
from services.channel.commands import dispute
from services.channel.domain.dispute import ChannelDispute
from services.channel.jobs import callback_calls, callbacks
from tests.integration import bad_rows
from tests.integration.channel.conftest import House
from tests.integration.channel.listening import Listener

NUMBER = 4


async def test_one_that_cannot_be_decided_leaves_the_others_decided_and_is_decided_once_it_can_be(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad_rows.retry_at_once(monkeypatch)
    made = [await house.authorize(9_005) for _ in range(NUMBER)]
    house.clock.advance(timedelta(seconds=3))

    async def pending() -> list[bool]:
        found = [(await house.inquire(each.attempt_id)).transaction.outcome for each in made]
        return [outcome == pb.OUTCOME_PENDING for outcome in found]

    with monkeypatch.context() as planted:
        bad_rows.plant(planted, made[1].channel_reference)
        await jobs.resolve_open(house.runtime)
        assert await pending() == [False, True, False, False]
        assert bad_rows.failing("channel", "resolve_open") == 1
    await jobs.resolve_open(house.runtime)
    assert (await pending(), bad_rows.failing("channel", "resolve_open")) == ([False] * NUMBER, 0)


async def test_what_cannot_come_about_leaves_the_rest_to_come_about_and_does_once_it_can(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad_rows.retry_at_once(monkeypatch)
    made = [await house.authorize(9_011) for _ in range(NUMBER)]
    house.clock.advance(timedelta(days=3))

    def is_opened(event: object) -> bool:
        return getattr(event, "attempt_id", "") == made[1].attempt_id

    with monkeypatch.context() as planted:
        bad_rows.plant_where(planted, is_opened)
        await jobs.bring_about_aftereffects(house.runtime)
        assert len(await house.references()) == NUMBER - 1
        assert bad_rows.failing("channel", "bring_about_aftereffects") == 1
    await jobs.bring_about_aftereffects(house.runtime)
    assert len(await house.references()) == NUMBER


async def test_a_dispute_that_cannot_be_decided_leaves_the_others_decided_and_is_decided_once_it_can_be(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad_rows.retry_at_once(monkeypatch)
    charged = [(await house.authorize(5_000)).attempt_id for _ in range(3)]
    opened = [await house.dispute(attempt_id, respond_within_seconds=60) for attempt_id in charged]
    references = [each.dispute_reference for each in opened]
    house.clock.advance(timedelta(days=60))

    async def decided() -> list[bool]:
        states = [(await house.get_dispute(reference)).state for reference in references]
        return [state == pb.DISPUTE_STATE_LOST for state in states]

    def is_bad(_: object, before: ChannelDispute, __: object) -> bool:
        return before.dispute_reference == references[1]

    with monkeypatch.context() as planted:
        bad_rows.break_when(planted, dispute._Disputing, "take", is_bad)
        await jobs.decide_disputes(house.runtime)
        assert await decided() == [True, False, True]
        assert bad_rows.failing("channel", "decide_disputes") == 1
    await jobs.decide_disputes(house.runtime)
    assert await decided() == [True] * 3


async def test_a_callback_that_cannot_be_made_leaves_the_others_made_and_is_made_once_it_can_be(
    house: House, listening: tuple[Listener, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    bad_rows.retry_at_once(monkeypatch)
    listener, address = listening
    made = [(await house.authorize(9_005, callback_address=address)).attempt_id for _ in range(NUMBER)]
    for _ in range(2):
        await house.pass_time(seconds=2)

    with monkeypatch.context() as planted:
        bad_rows.break_when(
            planted, callback_calls, "_addressed", lambda _, contents: contents.callback.attempt_id == made[1]
        )
        await callbacks.deliver_callbacks(house.runtime)
        assert sorted(told.attempt_id for told in listener.told) == sorted({*made} - {made[1]})
        await callbacks.deliver_callbacks(house.runtime)
        assert bad_rows.failing("channel", "deliver_callbacks") == 1
    await house.runtime.transaction(lambda tx: tx.run("UPDATE callback SET retry_time = NULL"))
    await callbacks.deliver_callbacks(house.runtime)
    assert [told.attempt_id for told in listener.told[NUMBER - 1 :]] == [made[1]]
    assert (await house.count("callback"), bad_rows.failing("channel", "deliver_callbacks")) == (0, 0)
