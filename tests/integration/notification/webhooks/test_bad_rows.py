"""A webhook that cannot be taken, posted or recorded holds up no other."""

from typing import Any

import pytest

from paystream.notification.v1 import webhook_pb2 as pb
from services.notification.commands.webhooks import delivery as commands
from services.notification.domain.webhooks import delivery as domain
from services.notification.jobs.webhooks import delivering
from services.notification.jobs.webhooks.delivering import LEASE
from tests.integration import bad_rows
from tests.integration.notification.webhooks.conftest import Desk
from tests.line.receiving import receiver

SUCCEEDED = pb.WEBHOOK_DELIVERY_STATE_SUCCEEDED


async def has_come(desk: Desk, event_ids: list[str]) -> list[bool]:
    states = {each.event_id: each.state for each in await desk.deliveries()}
    return [states[event_id] == SUCCEEDED for event_id in event_ids]


@pytest.mark.parametrize("where", ["posting", "recording"])
async def test_one_that_cannot_be_posted_or_recorded_leaves_the_others_delivered_and_comes_once_it_can(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    bad_rows.retry_at_once(monkeypatch)
    async with receiver() as one:
        await desk.register(one.url)
        event_ids = await desk.happen(*(desk.cancelled() for _ in range(4)))
        bad = event_ids[1]
        with monkeypatch.context() as planted:
            if where == "posting":
                bad_rows.break_when(
                    planted, delivering, "_post", lambda _, __, webhook, **___: webhook.claimed.event_id == bad
                )
            else:
                bad_rows.break_when(planted, domain, "decide", lambda delivery, *_, **__: delivery.event_id == bad)
            await desk.deliver()
            assert await has_come(desk, event_ids) == [True, False, True, True]
            failing = bad_rows.failing("notification", "record_webhooks")
            assert failing == (1 if where == "recording" else 0)
        await desk.pass_time(seconds=LEASE.total_seconds() + 60)
        assert await has_come(desk, event_ids) == [True] * 4
        assert bad_rows.failing("notification", "record_webhooks") == 0


async def test_an_endpoint_of_which_nothing_can_be_taken_leaves_the_others_theirs(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad_rows.retry_at_once(monkeypatch)
    async with receiver() as one, receiver() as other:
        bad = (await desk.register(one.url)).endpoint.endpoint_id
        await desk.register(other.url)
        event_ids = await desk.happen(*(desk.cancelled() for _ in range(3)))

        def is_bad(*_: Any, claimed: Any, **__: Any) -> bool:
            return bool(claimed.endpoint_id == bad)

        with monkeypatch.context() as planted:
            bad_rows.break_when(planted, commands, "SignedWebhook", is_bad)
            await desk.deliver()
            assert (len(one.received), sorted(other.ids)) == (0, sorted(event_ids))
            assert bad_rows.failing("notification", "deliver_webhooks") == 1
        await desk.deliver()
        assert sorted(one.ids) == sorted(event_ids)
        assert bad_rows.failing("notification", "deliver_webhooks") == 0
