"""Applies consumed records in one transaction: routing, order per key, de-duplication, and what is set aside.

The consumer, the sweep of parked events and the replay of dead letters all come through here, so an event meets the
same rules whichever way it arrives.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from prometheus_client import Counter

from paykit.base.errors import DefectError, UnavailableError
from paykit.consume import inbox, ordering_groups, setaside
from paykit.consume.delivery import Delivered, Handle, HandlerResult, Impossible, NotYet, Record, Subscription
from paykit.consume.setaside import Fate
from paykit.events.codec import PREFIX_BYTES, Codec, UndecodableError
from paykit.postgres import faults
from paykit.postgres.database import Tx
from paykit.postgres.faults import Fault

APPLIED = Counter("paystream_events_applied_total", "Events applied by handlers.", ["service", "record"])
REASON_UNDECODABLE = "UNDECODABLE"
REASON_SCHEMA_UNKNOWN = "SCHEMA_UNKNOWN"
REASON_UNEXPECTED = "UNEXPECTED"

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Route:
    """Where the records of one schema go: to a handle, nowhere (ignored), or aside (newer than the build)."""

    name: str
    handle: Handle | None
    ignored: bool


@dataclass(slots=True)
class Step:
    """A record on its way: decoded, or with the fate that its bytes already decided.

    Attributes:
        record: As it arrived.
        route: None where the bytes name no schema.
        event: None where there is nothing to decode or no need.
        fate: Why the record cannot be applied.
        parked_event_id: Set for an event that is tried again.
        waited_s: For how long it has been parked in vain, in seconds.
    """

    record: Record
    route: Route | None
    event: Any = None
    fate: Fate | None = None
    parked_event_id: int | None = None
    waited_s: float = 0.0

    @property
    def kind(self) -> str:
        """Give what decides how the step is taken; steps of one kind are taken together."""
        if self.fate is not None or self.route is None:
            return "\x00bury"
        return self.route.name if self.route.handle else "\x00skip"


@dataclass(slots=True)
class Tally:
    """What one transaction did, for metrics and for the failure window; lists are in order.

    Attributes:
        unexpected: Records whose handler failed alone while its neighbours succeeded.
        not_yet: Parked events that stay parked.
    """

    applied: int
    unexpected: list[Record]
    not_yet: int


class Application:
    """The consuming side of one service, without Kafka."""

    def __init__(self, *, service: str, subscriptions: Sequence[Subscription], codec: Codec) -> None:
        self._service = service
        self._codec = codec
        self._subscriptions: Mapping[str, Subscription] = {codec.topic(s.topic): s for s in subscriptions}
        # By topic and the message's first bytes, which name its schema: one look-up for each record.
        self._routes: dict[tuple[str, bytes], Route] = {}

    @property
    def topics(self) -> list[str]:
        """Give the topics consumed, with the prefix."""
        return list(self._subscriptions)

    def unknown_schema(self, record: Record) -> int | None:
        """Give the schema id that must be learned before the record can be prepared; None if there is none."""
        if record.value and (record.topic, record.value[:PREFIX_BYTES]) in self._routes:
            return None
        try:
            schema_id = self._codec.peek(record.value or b"")
        except UndecodableError:
            return None
        return None if self._codec.knows(schema_id) else schema_id

    def prepare(self, record: Record) -> Step | None:
        """Route and decode a record outside any transaction; None for one that the service ignores."""
        value = record.value or b""
        try:
            route = self._routes.get((record.topic, value[:PREFIX_BYTES])) or self._route(record.topic, value)
            if route.ignored:
                return None
            event = self._codec.decode(value) if route.handle else None
        except UndecodableError as error:
            return Step(record, None, fate=Fate(REASON_UNDECODABLE, str(error)))
        return Step(record, route, event)

    async def apply(
        self, tx: Tx, steps: Sequence[Step], *, isolate: bool = False, held: set[str] | None = None
    ) -> Tally:
        """Apply steps in order per key.

        Args:
            tx: The transaction that also moves the offsets, or deletes what is retried.
            steps: In the order of arrival.
            isolate: Bisect a failing group with savepoints, so that only the culprit becomes a dead letter.
            held: The keys whose events must wait, where the steps' own rows do not count; grows by what is set aside.
        """
        if held is None:
            keys = [step.record.key for step in steps if step.record.key]
            held = await setaside.held_keys(tx, self.topics, keys) if keys else set()
        run = _Run(tx, self._service, isolate=isolate, held=held)
        for kind, group in ordering_groups.cut((step.record.key, step.kind, step) for step in steps):
            await run.take(kind, group)
        return run.tally

    async def apply_one(self, tx: Tx, step: Step) -> str | None:
        """Apply one decoded event whose key may be held by itself; give why it cannot be applied, or None."""
        if step.route is None or step.route.handle is None:
            raise DefectError("only a decoded event of a handled type can be applied")
        run = _Run(tx, self._service, isolate=False, held=set())
        outcome = (await run.call([step], step.route.handle))[0]
        if isinstance(outcome, NotYet):
            return f"waits for {outcome.waits_for}"
        if isinstance(outcome, Impossible):
            return f"{outcome.error.reason}: {outcome.error.message}"
        return None

    def _route(self, topic: str, value: bytes) -> Route:
        name = self._codec.record_name(self._codec.peek(value)).record
        subscription = self._subscriptions[topic]
        route = Route(name, subscription.handle_of(name), name in subscription.ignores)
        self._routes[topic, value[:PREFIX_BYTES]] = route
        return route


class _Run:
    """One transaction's application."""

    def __init__(self, tx: Tx, service: str, *, isolate: bool, held: set[str]) -> None:
        self._tx = tx
        self._service = service
        self._isolate = isolate
        self.held = held
        self.tally = Tally(0, [], 0)

    async def take(self, kind: str, steps: Sequence[Step]) -> None:
        """Take steps of one kind."""
        route = steps[0].route
        if kind == "\x00skip" and route is not None:
            await self._skip(steps, route)
        elif route is None or route.handle is None or steps[0].fate is not None:
            for step in steps:
                await self._bury(step, step.fate or Fate(REASON_UNDECODABLE, "no schema"))
        else:
            await self._handle(steps, route.handle)

    async def _skip(self, steps: Sequence[Step], route: Route) -> None:
        for step in steps:
            await setaside.skip(self._tx, service=self._service, record=step.record, name=route.name)
        await self._forget_parked(steps)
        _log.error("event_type_unknown", service=self._service, record=route.name, events=len(steps))

    async def _handle(self, steps: Sequence[Step], handle: Handle) -> None:
        ready = [step for step in steps if handle.commutative or step.record.key not in self.held]
        if len(ready) < len(steps):
            for step in steps:
                if not handle.commutative and step.record.key in self.held:
                    await self._park(step, "an earlier event of its key")
        if not ready:
            return
        behind: set[int] = set()
        while True:  # Each turn takes at least one step out.
            try:
                outcomes = await self._outcomes([step for step in ready if id(step) not in behind], handle)
                break
            except _OutOfOrderError as refusal:
                behind.update(map(id, refusal.behind))
        await self._settle([step for step in ready if id(step) not in behind], outcomes)
        for step in ready:
            if id(step) in behind:
                await self._park(step, "an earlier event of its key")

    async def _outcomes(self, steps: Sequence[Step], handle: Handle) -> Sequence[HandlerResult | Fate]:
        """Run the handler; take it back where a refused event was overtaken by a later one of its key."""
        repeated = not handle.commutative and len({step.record.key for step in steps}) < len(steps)
        if not repeated:
            return await self.call(steps, handle)
        async with self._tx.savepoint():
            outcomes = await self.call(steps, handle)
            behind = _overtaking(steps, outcomes)
            if behind:
                raise _OutOfOrderError(behind)
        return outcomes

    async def call(self, steps: Sequence[Step], handle: Handle) -> Sequence[HandlerResult | Fate]:
        """Run the handler; where failures are isolated, in halves until the culprit stands alone."""
        if not self._isolate:
            return await self._run_handler(steps, handle)
        try:
            async with self._tx.savepoint():
                return await self._run_handler(steps, handle)
        except UnavailableError:
            raise
        except Exception as error:
            if faults.sort(error) is not Fault.UNEXPECTED:
                raise
            if len(steps) == 1:
                _log.error("handler_failed", service=self._service, record=_name(steps[0]), exc_info=error)
                return [Fate(REASON_UNEXPECTED, f"{type(error).__name__}: {error}")]
        middle = len(steps) // 2
        return [*await self.call(steps[:middle], handle), *await self.call(steps[middle:], handle)]

    async def _run_handler(self, steps: Sequence[Step], handle: Handle) -> Sequence[HandlerResult]:
        self._tx.hold(*[step.record.key for step in steps])
        fresh = steps
        if handle.deduplication == "inbox":
            unseen = await inbox.admit(self._tx, _name(steps[0]), [step.event for step in steps])
            fresh = [step for step in steps if _take(unseen, step.event.event_id)]
        if not fresh:
            return [None] * len(steps)
        self._tx.restart_lock_order()
        outcomes = await handle.handler(self._tx, [Delivered(s.event, s.record, s.waited_s) for s in fresh])
        if len(outcomes) != len(fresh):
            raise DefectError(f"handler of {_name(steps[0])} gave {len(outcomes)} outcomes for {len(fresh)} events")
        if handle.deduplication == "natural":
            return outcomes
        await inbox.forget(self._tx, _name(steps[0]), [s.event for s, o in zip(fresh, outcomes, strict=True) if o])
        by_step = {id(step): outcome for step, outcome in zip(fresh, outcomes, strict=True)}
        return [by_step.get(id(step)) for step in steps]

    async def _settle(self, steps: Sequence[Step], outcomes: Sequence[HandlerResult | Fate]) -> None:
        applied = [step for step, outcome in zip(steps, outcomes, strict=True) if outcome is None]
        await self._applied(applied)
        for step, outcome in zip(steps, outcomes, strict=True):
            if isinstance(outcome, NotYet):
                await self._park(step, outcome.waits_for)
            elif isinstance(outcome, Impossible):
                error = outcome.error
                await self._bury(step, Fate(error.reason, error.message))
            elif outcome is not None:
                self.tally.unexpected.append(step.record)
                await self._bury(step, outcome)

    async def _applied(self, steps: Sequence[Step]) -> None:
        if not steps:
            return
        self.tally.applied += len(steps)
        APPLIED.labels(self._service, _name(steps[0])).inc(len(steps))
        await self._forget_parked(steps)

    async def _park(self, step: Step, waits_for: str) -> None:
        self._hold_key(step)
        if step.parked_event_id is not None:
            self.tally.not_yet += 1
            return
        record = step.record
        await setaside.park(self._tx, service=self._service, record=record, name=_name(step), waits_for=waits_for)

    async def _bury(self, step: Step, fate: Fate) -> None:
        self._hold_key(step)
        name = step.route.name if step.route else None
        await setaside.bury(self._tx, service=self._service, record=step.record, name=name, fate=fate)
        await self._forget_parked([step])
        _log.error("dead_letter", service=self._service, record=name, key=step.record.key, reason=fate.reason)

    async def _forget_parked(self, steps: Sequence[Step]) -> None:
        parked = [step.parked_event_id for step in steps if step.parked_event_id is not None]
        if parked:
            await setaside.delete_parked(self._tx, parked)

    def _hold_key(self, step: Step) -> None:
        if step.record.key:  # Records without a key have no order among each other.
            self.held.add(step.record.key)


class _OutOfOrderError(Exception):
    def __init__(self, behind: Sequence[Step]) -> None:
        super().__init__()
        self.behind = behind


def _overtaking(steps: Sequence[Step], outcomes: Sequence[HandlerResult | Fate]) -> list[Step]:
    """Give the steps that come after a refused one of their key: they must wait behind it."""
    refused: set[str] = set()
    behind = []
    for step, outcome in zip(steps, outcomes, strict=True):
        if step.record.key in refused:
            behind.append(step)
        elif outcome is not None and step.record.key:
            refused.add(step.record.key)
    return behind


def _take(unseen: set[str], event_id: str) -> bool:
    """Say whether this is the first step with an unseen event id."""
    if event_id in unseen:
        unseen.remove(event_id)
        return True
    return False


def _name(step: Step) -> str:
    return step.route.name if step.route else "unknown"
