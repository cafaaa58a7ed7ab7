"""A batch of changes does what the same changes do one at a time: results, rows and events."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from paykit.consume.delivery import Delivered, Record
from paykit.postgres.database import Tx
from paykit.process.runtime import Runtime
from paykit.testing import batches, goldens
from paykit.testing.batches import Step
from services.notification import commands, handlers
from services.notification.commands.notification import QueueNotifications, RecordTry, ResendNotification
from services.notification.commands.preferences import SetPreferences
from services.notification.domain.notification import DeliveryOutcome, DeliveryResult, Notification
from services.notification.domain.occurrences import TELLINGS, occurrence_of
from services.notification.domain.preferences import TopicPreference
from services.notification.domain.recipients import notifications_of
from services.notification.service import SERVICE
from tests.conftest import RuntimeOf
from tests.unit.notification.notifications import NOON

TABLES = ("notification", "delivery_try", "preferences")
MERCHANT_IDS = [f"mer_{i:032x}" for i in range(2)]
# What real time decides is another each time.
_LOOK = "SELECT to_jsonb(t) - 'due_time' FROM {} AS t ORDER BY 1"

EVENTS: list[Any] = [
    dataclasses.replace(event, event_id=f"evt_{number}{i}", merchant_id=MERCHANT_IDS[i])  # type: ignore[type-var]
    for number, told in enumerate(TELLINGS)
    for event in [goldens.event(goldens.goldens(told.TOPIC, told.RECORD)[-1])]
    for i in range(2)
]
WANTED = TopicPreference(template="settlement_completed", addresses=("a@shop.example", "b@shop.example"))


def known() -> list[Notification]:
    """Notifications that are there already: of every event of the first merchant."""
    made: list[Notification] = []
    for event in EVENTS[::2]:
        occurrence = occurrence_of(event)
        if occurrence is not None:
            cause = Delivered(event, Record(event.TOPIC, 0, 0, "", b"", ())).cause
            wanted = TopicPreference(template=occurrence.template)
            made += notifications_of(event, occurrence, wanted, cause=cause, now=NOON, real_now=NOON)
    return made


IDS = [*(notification.notification_id for notification in known()), "ntf_" + "0" * 32]
ids = st.sampled_from(IDS)
results = st.builds(
    DeliveryResult, outcome=st.sampled_from(DeliveryOutcome), reason=st.sampled_from([None, "NO_ANSWER"])
)
topics = st.lists(st.sampled_from([WANTED, TopicPreference(template="order_paid", muted=True)]), max_size=3).map(tuple)
deliveries = st.lists(st.sampled_from(EVENTS), min_size=2, max_size=12).map(
    lambda events: [Delivered(event, Record(event.TOPIC, 0, 0, "", b"", ())) for event in events]
)

STEPS: dict[str, tuple[Step, st.SearchStrategy[list[Any]]]] = {
    "on_event": (handlers.on_event, deliveries),
    "record_tries": (
        commands.notification.record_tries,
        st.lists(
            st.builds(RecordTry, notification_id=ids, try_number=st.sampled_from([1, 1, 2]), result=results), min_size=2
        ).map(lambda items: list({item.notification_id: item for item in items}.values())),
    ),
    "resend_notifications": (
        commands.notification.resend_notifications,
        st.lists(st.builds(ResendNotification, notification_id=ids), min_size=2),
    ),
    "set_preferences": (
        commands.preferences.set_preferences,
        st.lists(
            st.builds(
                SetPreferences,
                merchant_id=st.sampled_from(MERCHANT_IDS),
                locale=st.sampled_from([None, "zh-CN"]),
                topics=topics,
                etag=st.sampled_from(["", "", "v1"]),
            ),
            min_size=2,
        ),
    ),
}
PROPERTY = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
async def runtime(runtime_of: RuntimeOf) -> Runtime:
    """Half of the notifications are being sent, and one merchant has set its preferences."""
    made = await runtime_of(SERVICE)

    async def prepare(tx: Tx) -> None:
        wanted = SetPreferences(merchant_id=MERCHANT_IDS[1], locale=None, topics=(WANTED,), etag="")
        await commands.preferences.set_preferences(tx, [wanted])
        items = [
            QueueNotifications(event=event, cause=Delivered(event, Record(event.TOPIC, 0, 0, "", b"", ())).cause)
            for event in EVENTS[::2]
        ]
        await commands.notification.queue_notifications(tx, items)
        await commands.notification.start_tries(tx, limit=len(IDS) // 2)

    await made.transaction(prepare)
    return made


async def same_either_way(runtime: Runtime, step: Step, items: Sequence[Any]) -> None:
    async def look(tx: Tx, results: Sequence[Any]) -> Any:
        rows = [[row[0] for row in await tx.fetch(_LOOK.format(table))] for table in TABLES]
        events: list[Any] = [runtime.codec.decode(row[7]) for row in tx.emitted]
        told = sorted((type(event).__name__, event.notification_id, event.aggregate_version) for event in events)
        shown = [_without_real_time(result) for result in results]
        return shown, rows, told

    await batches.assert_batch_equals_singles(runtime, step, items, look=look)


def _without_real_time(result: Any) -> Any:
    return dataclasses.replace(result, due_time=None) if isinstance(result, Notification) else result


@pytest.mark.parametrize("name", STEPS)
@given(data=st.data())
@PROPERTY
async def test_a_batch_equals_its_items_one_at_a_time(runtime: Runtime, name: str, data: st.DataObject) -> None:
    step, items = STEPS[name]
    await same_either_way(runtime, step, data.draw(items))
