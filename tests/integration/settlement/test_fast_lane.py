"""Transactions as they arrive on Kafka: what is collected of them does not depend on which way they are read."""

import dataclasses
import json
from collections.abc import Sequence
from functools import partial
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from paykit.consume.application import Application, BatchResult
from paykit.consume.delivery import Record
from paykit.consume.prepared import ReadyEvent
from paykit.events import classes as catalogue
from paykit.events import compiler, schema_files
from paykit.events.codec import PREFIX_BYTES
from paykit.events.codec import _reader as reader_of
from paykit.events.shape_reading import LEARNED_ONE_OF
from paykit.postgres.database import Tx
from paykit.testing.batches import undone
from paystream.accounting.v1.events import TransactionCreated
from services.settlement.domain.policy import Policy
from services.settlement.domain.quick_item import ShapedTransaction
from services.settlement.service import SERVICE
from tests.integration.settlement.test_properties import (
    ON_ONE_TILL,
    POLICIES,
    RECOVERED,
    bookings,
    captures,
    journals,
    prepared,
    refunds,
    releases,
)
from tests.integration.settlement.till import Till, everything
from tests.unit.settlement.builders import ALICE, BOB, MANUAL, booked, capture, entry

OWN = catalogue.own_files()[TransactionCreated.RECORD]
NEWER_ID = 9_000
"""Of a schema that is not registered yet: what a ledger of the next release writes."""

fees = st.builds(capture, st.integers(1, 5), st.just(400), st.sampled_from([30, 400]), merchant_id=st.just(BOB))
shared = st.just(booked("DisputeWon", "d-1", [entry("merchant.settlement", 5), entry("merchant.settlement", 7, BOB)]))
transactions = st.one_of(captures, fees, refunds, shared, bookings, releases, journals, st.just(RECOVERED))


def application(till: Till, *, fast: bool) -> Application:
    """Return the consuming side of settlement, with or without its fast lane."""
    subscriptions = SERVICE.subscriptions
    if not fast:
        subscriptions = tuple(
            dataclasses.replace(
                subscription,
                handles={
                    event: dataclasses.replace(handle, fast_lane=None) for event, handle in subscription.handles.items()
                },
            )
            for subscription in SERVICE.subscriptions
        )
    return Application(service="settlement", subscriptions=subscriptions, codec=till.runtime.codec)


def record(till: Till, event: TransactionCreated, at: int = 0) -> Record:
    value = till.runtime.codec.encode(event, stamps={})
    return Record(event.TOPIC, 0, at, event.root_reference, value, [("ce_type", event.RECORD.encode())])


def learn(consuming: Application, records: Sequence[Record]) -> None:
    """Have the fast lane know the shapes of all records."""
    for each in records:
        for _ in range(LEARNED_ONE_OF):
            consuming.prepare(each)


async def arrive(till: Till, tx: Tx, events: Sequence[TransactionCreated], *, fast: bool) -> BatchResult:
    consuming = application(till, fast=fast)
    if fast:
        learn(consuming, [record(till, event) for event in events])
    found = [consuming.prepare(record(till, event, at)) for at, event in enumerate(events)]
    return await consuming.apply(tx, [each for each in found if each is not None])


@ON_ONE_TILL
@given(events=st.lists(transactions, min_size=1, max_size=8), policy=POLICIES)
async def test_every_row_and_event_is_the_same_whichever_way_transactions_take(
    till: Till, events: list[TransactionCreated], policy: Policy
) -> None:
    await till.runtime.codec.prepare([TransactionCreated])
    seen: list[Any] = []

    async def run(tx: Tx, *, fast: bool) -> None:
        await prepared(tx, policy)
        result = await arrive(till, tx, events, fast=fast)
        told = [(each.record.offset, repr(outcome)) for each, outcome in result.not_applied]
        seen.append((told, await everything(tx, till.runtime)))

    await undone(till.runtime, partial(run, fast=True))
    await undone(till.runtime, partial(run, fast=False))
    assert seen[0] == seen[1]


async def test_most_transactions_take_the_fast_lane(till: Till) -> None:
    await till.runtime.codec.prepare([TransactionCreated])
    consuming = application(till, fast=True)
    found = [consuming.prepare(record(till, capture(number, 1_000 + number, 30))) for number in range(1, 4)]
    taken = [each.event for each in found if isinstance(each, ReadyEvent)]
    assert [type(event) for event in taken] == [TransactionCreated, ShapedTransaction, ShapedTransaction]


async def test_what_a_newer_ledger_writes_is_resolved_as_a_whole(till: Till) -> None:
    newer: dict[str, Any] = json.loads(json.dumps(OWN.schema))
    newer["fields"].insert(3, {"name": "added", "type": "string", "default": "", "doc": "Of the next release."})
    schema_text = schema_files.registry_text(newer)
    codec = till.runtime.codec
    codec._readers[NEWER_ID] = reader_of(schema_text)
    event = capture(1, 1_000, 30)
    body = compiler.encoder(newer)(_Newer(event), {})
    value = b"\0" + NEWER_ID.to_bytes(PREFIX_BYTES - 1) + body
    found = application(till, fast=True).prepare(Record(event.TOPIC, 0, 0, event.root_reference, value, []))
    assert isinstance(found, ReadyEvent)
    assert found.event == event


async def test_an_event_that_came_by_both_ways_is_collected_once(till: Till) -> None:
    await till.runtime.codec.prepare([TransactionCreated])
    await till.policy(MANUAL)
    event = capture(1, 1_000, 30)
    for fast in (True, False, True):
        result = await till.runtime.transaction(partial(arrive_again, till, event, fast))
        assert (result.applied, result.not_applied) == (2, [])
    [settlement] = await till.settlements(ALICE)
    assert (settlement.sums.item_count, settlement.sums.total_minor) == (1, 970)


async def arrive_again(till: Till, event: TransactionCreated, fast: Any, tx: Tx) -> BatchResult:
    return await arrive(till, tx, [event, event], fast=fast)


class _Newer:
    """An event with a field that ours does not have."""

    added = "?"

    def __init__(self, event: TransactionCreated) -> None:
        self._event = event

    def __getattr__(self, name: str) -> Any:
        return getattr(self._event, name)
