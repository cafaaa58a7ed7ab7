"""Runs handlers over the events of one transaction: order per key, de-duplication, and isolation of what fails."""

from collections.abc import Collection, Sequence
from enum import Enum, auto
from functools import partial
from typing import TYPE_CHECKING, cast

import structlog
from prometheus_client import Counter

from paykit.base.metrics import AgeHistogram
from paykit.consume import ordering_groups
from paykit.consume.delivery import HandlerResult, Impossible, NotYet
from paykit.consume.observing import observe_ages
from paykit.consume.prepared import (
    DeadLetterCause,
    EventResult,
    PreparedRecord,
    ReadyEvent,
    Skipped,
    UndecodableRecord,
)
from paykit.consume.store import inbox
from paykit.postgres import faults
from paykit.postgres.database import Tx
from paykit.postgres.faults import Fault

if TYPE_CHECKING:
    from paykit.events.event import Identified

APPLIED = Counter("paystream_events_applied_total", "Events applied by handlers.", ["service", "record"])
AGE = AgeHistogram(
    "paystream_event_age_seconds",
    "Business time from when an event was recorded to the transaction that applied it.",
    ["service", "topic"],
)
REASON_UNEXPECTED = "UNEXPECTED"

_BEHIND_ITS_KEY = NotYet("an earlier event of its key")

_log = structlog.get_logger()


class HandlerFailedError(Exception):
    """A handler raised what it should not have, by its own doing or the event's; wraps it (`raise ... from`).

    Everything else that is raised in a batch's transaction comes from what is done around the handlers, or for want of
    infrastructure, and says nothing about events.
    """


class _WithoutHandler(Enum):
    """Kinds of records that are taken together, as events of one type are."""

    UNDECODABLE = auto()
    UNHANDLED = auto()


class Handling:
    """The handlers' part of one transaction.

    Attributes:
        blocked_keys: Keys of events that were not applied: their later events must wait.
    """

    def __init__(self, tx: Tx, *, service: str, isolate: bool, blocked_keys: Collection[str] = ()) -> None:
        """Begin with the keys that are blocked already.

        Args:
            tx: The transaction that also moves the offsets, or deletes what is tried again.
            service: For metrics and logs.
            isolate: Bisect a failing group with savepoints, so that only the culprit becomes a dead letter.
            blocked_keys: Of events that were set aside before.
        """
        self._tx = tx
        self._service = service
        self._isolate = isolate
        self.blocked_keys = set(blocked_keys)
        self._traced = False

    async def run(self, records: Sequence[PreparedRecord]) -> list[EventResult]:
        """Hand events to their handlers, those of a key in the order of the records; one result per record."""
        results: list[EventResult] = [None] * len(records)
        for positions in _groups(records):
            group = [records[at] for at in positions]
            group_results = await self._settle(group)
            if any(group_results):  # Most often all were applied, which is what the results say already.
                for at, result in zip(positions, group_results, strict=True):
                    results[at] = result
                self._block(group, group_results)
        return results

    async def call(self, events: Sequence[ReadyEvent]) -> Sequence[HandlerResult | DeadLetterCause]:
        """Run the handler of events of one type; where failures are isolated, in halves until a culprit is alone."""
        if not self._isolate:
            return await self.call_once(events)
        try:
            async with self._tx.savepoint():
                return await self.call_once(events)
        except HandlerFailedError as error:
            if len(events) == 1:
                # One traceback is enough: where every event fails, thousands take longer than the transaction may.
                traceback, self._traced = None if self._traced else error.__cause__, True
                facts = {"service": self._service, "record": events[0].name, "error": str(error)}
                _log.error("handler_failed", **facts, exc_info=traceback)
                return [DeadLetterCause(REASON_UNEXPECTED, str(error), unexpected=True)]
        middle = len(events) // 2
        return [*await self.call(events[:middle]), *await self.call(events[middle:])]

    async def call_once(self, events: Sequence[ReadyEvent]) -> Sequence[HandlerResult]:
        """Run the handler of events of one type.

        Raises:
            HandlerFailedError: The handler failed unexpectedly.
        """
        self._tx.hold(*[event.record.key for event in events])
        if events[0].handle.deduplication == "natural":
            return await self._answers(events)
        name = events[0].name
        # As `Handle` sees to: excerpts have what an inbox asks for.
        identified = [cast("Identified", event.event) for event in events]
        if not inbox.takes([event.event_id for event in identified]):
            raise HandlerFailedError(f"{name}: an event_id holds NUL or is longer than {inbox.EVENT_ID_CHARACTERS_MAX}")
        unseen = await inbox.admit(self._tx, name, identified)
        fresh = [at for at, event in enumerate(identified) if _take(unseen, event.event_id)]
        results: list[HandlerResult] = [None] * len(events)
        for at, result in zip(fresh, await self._answers([events[at] for at in fresh]), strict=True):
            results[at] = result
        await inbox.forget(self._tx, name, [identified[at] for at in fresh if results[at]])
        return results

    async def _settle(self, group: Sequence[PreparedRecord]) -> Sequence[EventResult]:
        """Decide on records of one kind."""
        events = [record for record in group if isinstance(record, ReadyEvent)]
        return await self._handle(events) if events else [_result_of(record) for record in group]

    def _block(self, group: Sequence[PreparedRecord], results: Sequence[EventResult]) -> None:
        """Let later events wait for those of their key that were not applied."""
        for record, result in zip(group, results, strict=True):
            # Without a key, records have no order among each other; a skipped event has none among the others.
            if isinstance(result, NotYet | DeadLetterCause) and record.record.key:
                self.blocked_keys.add(record.record.key)

    async def _handle(self, events: Sequence[ReadyEvent]) -> Sequence[EventResult]:
        """Run a handler over the events of one type whose keys are not blocked."""
        results: list[EventResult] = [_BEHIND_ITS_KEY] * len(events)
        blocked_keys = frozenset[str]() if events[0].handle.commutative else self.blocked_keys
        ready: Sequence[int] = range(len(events))
        if blocked_keys:
            ready = [at for at, event in enumerate(events) if event.record.key not in blocked_keys]
        while ready:  # Each turn leaves at least one event fewer.
            called = events if len(ready) == len(events) else [events[at] for at in ready]
            ready_results, overtaking = await self._call_in_order(called)
            if not overtaking:
                for at, result in zip(ready, ready_results, strict=True):
                    results[at] = None if result is None else _refused(result)
                break
            ready = [at for place, at in enumerate(ready) if place not in overtaking]
        applied = [event for event, result in zip(events, results, strict=True) if result is None]
        if applied:
            APPLIED.labels(self._service, events[0].name).inc(len(applied))
            told = [event.event for event in applied]
            labels = self._service, applied[0].event.TOPIC
            self._tx.after_commit.append(partial(observe_ages, AGE, told, self._tx.now, *labels))
        return results

    async def _call_in_order(
        self, events: Sequence[ReadyEvent]
    ) -> tuple[Sequence[HandlerResult | DeadLetterCause], frozenset[int]]:
        """Run the handler; take it back where a refused event was overtaken by later ones of its key.

        Returns:
            A result per event, and the positions of those that overtook: they must wait, and the rest be run again.
        """
        if events[0].handle.commutative or len({event.record.key for event in events}) == len(events):
            return await self.call(events), frozenset()
        async with self._tx.savepoint() as savepoint:
            results = await self.call(events)
            overtaking = _overtaking(events, results)
            savepoint.undone_at_end = bool(overtaking)
        return results, overtaking

    async def _answers(self, events: Sequence[ReadyEvent]) -> Sequence[HandlerResult]:
        if not events:
            return ()
        self._tx.restart_lock_order()
        try:
            results = await events[0].handle.handler(self._tx, events)
        except Exception as error:
            if faults.sort(error) is Fault.UNEXPECTED:
                raise HandlerFailedError(f"{type(error).__name__}: {error}") from error
            raise
        if len(results) != len(events):
            raise HandlerFailedError(f"{events[0].name}: {len(results)} results for {len(events)} events")
        return results


def _groups(records: Sequence[PreparedRecord]) -> Sequence[Sequence[int]]:
    """Return the positions of records that are taken together, in order."""
    kinds = [_kind(record) for record in records]
    if len(set(kinds)) == 1:  # As most batches are: nothing is to be cut.
        return [range(len(records))]
    items = ((record.record.key, kind, at) for at, (record, kind) in enumerate(zip(records, kinds, strict=True)))
    return [positions for _, positions in ordering_groups.cut(items)]


def _kind(record: PreparedRecord) -> str | _WithoutHandler:
    """What is taken together: ready events of one type, all events that nobody handles, all undecodable records."""
    if isinstance(record, ReadyEvent):
        return record.name
    return _WithoutHandler.UNDECODABLE if isinstance(record, UndecodableRecord) else _WithoutHandler.UNHANDLED


def _result_of(record: PreparedRecord) -> EventResult:
    """What becomes of a record that has no handler."""
    return record.cause if isinstance(record, UndecodableRecord) else Skipped()


def _refused(result: NotYet | Impossible | DeadLetterCause) -> EventResult:
    """What becomes of an event that its handler did not apply."""
    if isinstance(result, Impossible):
        return DeadLetterCause(result.error.reason, result.error.message)
    return result


def _overtaking(events: Sequence[ReadyEvent], results: Sequence[HandlerResult | DeadLetterCause]) -> frozenset[int]:
    """Positions of the events that come after a refused one of their key, and so must wait behind it."""
    refused: set[str] = set()
    overtaking = []
    for at, (event, result) in enumerate(zip(events, results, strict=True)):
        if event.record.key in refused:
            overtaking.append(at)
        elif result is not None and event.record.key:
            refused.add(event.record.key)
    return frozenset(overtaking)


def _take(unseen: set[str], event_id: str) -> bool:
    """Whether this is the first event of an unseen id."""
    if event_id in unseen:
        unseen.remove(event_id)
        return True
    return False
