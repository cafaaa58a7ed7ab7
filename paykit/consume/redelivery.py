"""Tries set-aside events again: parked ones by themselves, dead letters and skipped ones when a person says so."""

import asyncio
from datetime import timedelta
from typing import NamedTuple

import structlog
from prometheus_client import Gauge

from paykit.base.errors import DefectError, UnavailableError
from paykit.consume import inbox, setaside, watermark
from paykit.consume.application import Application, Step
from paykit.consume.delivery import Record
from paykit.consume.failure_window import tell_of_a_defect
from paykit.errors import DomainError, Kind
from paykit.events.codec import Codec
from paykit.postgres import wakeups
from paykit.postgres.database import Database, Tx

SWEEP_EVERY_S = 1.0
SWEEP_EVENTS_MAX = 1000
"""Parked events tried in one transaction."""
PARKED_EVENTS_ALERT = 10_000
PARKED_AGE_ALERT = timedelta(hours=24)
REPLAY_EVENTS_MAX = 500
"""Skipped events replayed in one transaction."""
SWEEP_LOCK = 0x7061_7270
"""Space of the advisory lock, by service, that a sweep holds."""

PARKED = Gauge("paystream_parked_events_waiting", "Events waiting for their cause or their key.", ["service"])
PARKED_AGE = Gauge("paystream_parked_oldest_seconds", "Age of the oldest parked event.", ["service"])

# One sweep at a time: two could take events of one key out of order.
_TRY_LOCK = "SELECT pg_try_advisory_xact_lock($1, hashtext($2)) AS locked"
_STATE = """
SELECT count(*) AS events, coalesce(now() - min(create_time), interval '0') AS age,
    coalesce(max(parked_event_id), 0) AS newest
FROM parked_event
"""

_log = structlog.get_logger()


class DeadLetterUnknown(DomainError):
    """There is no such dead letter."""

    kind = Kind.NOT_FOUND
    reason = "DEAD_LETTER_UNKNOWN"


class DeadLetterClosed(DomainError):
    """The dead letter was replayed or discarded before."""

    kind = Kind.FAILED_PRECONDITION
    reason = "DEAD_LETTER_CLOSED"


class ReplayRefused(DomainError):
    """The event still cannot be applied; nothing changed."""

    kind = Kind.FAILED_PRECONDITION
    reason = "REPLAY_REFUSED"


class _Page(NamedTuple):
    """A page of parked events that was tried; `last` is its last id if more may follow."""

    applied: int
    last: int | None


class Redelivery:
    """Applies set-aside events of one service."""

    def __init__(self, *, service: str, database: Database, application: Application, codec: Codec) -> None:
        self._service = service
        self._database = database
        self._application = application
        self._codec = codec
        self.applied = asyncio.Event()
        """Set after each batch of the consumers: a cause may have arrived."""
        self.horizon: watermark.Horizon | None = None
        """Says which of the parked events have waited in vain; without one, as where nothing is consumed, time does."""
        self._after = 0
        # Keys of which an event on an earlier page stays parked: their later events stay behind it.
        self._behind: set[str] = set()

    async def run(self) -> None:
        """Sweep the parked events for ever until cancelled."""
        while True:
            await wakeups.wait(self.applied, SWEEP_EVERY_S)
            try:
                while await self.sweep():
                    pass
            except UnavailableError as error:
                _log.warning("sweep_interrupted", service=self._service, error=str(error))
                await asyncio.sleep(SWEEP_EVERY_S)
            except Exception:  # noqa: BLE001 - the next sweep tries again
                _log.exception("sweep_failed", service=self._service)
                await asyncio.sleep(SWEEP_EVERY_S)

    async def sweep(self) -> int:
        """Try the next page of parked events once, in order; give how many were applied.

        A page goes on where the last one ended, and the one after the last begins anew: a thousand events that wait
        for long do not keep those behind them from being tried.
        """
        newest = await self._measure()
        if not newest:
            return 0
        if self.horizon is not None:
            await self.horizon.look(newest)
        behind = set(self._behind)
        page = await self._database.transaction(lambda tx: self._sweep_page(tx, behind))
        self._after, self._behind = (page.last, behind) if page.last else (0, set())
        if page.applied and self.horizon is not None:
            self.horizon.note_progress()
        return page.applied

    async def drain(self) -> None:
        """Sweep again and again until no parked event can be applied."""
        applied = 1
        while applied:
            applied = await self.sweep()
            while self._after:
                applied += await self.sweep()

    async def _sweep_page(self, tx: Tx, behind: set[str]) -> "_Page":
        if not (await tx.fetch(_TRY_LOCK, SWEEP_LOCK, self._service))[0]["locked"]:
            return _Page(0, None)
        rows = await setaside.select_parked(tx, after=self._after, limit=SWEEP_EVENTS_MAX)
        steps, ignored = [], []
        for parked in rows:
            step = await self._prepare(parked.record)
            if step is None:
                ignored.append(parked.parked_event_id)
                continue
            step.parked_event_id = parked.parked_event_id
            step.waited_s = self.horizon.waited_s(parked) if self.horizon else parked.waited_s
            steps.append(step)
        if ignored:
            await setaside.delete_parked(tx, ignored)
        tally = await self._application.apply(tx, steps, isolate=True, held=behind)
        if tell_of_a_defect(failed=len(tally.unexpected), passed=tally.applied + tally.not_yet):
            raise DefectError("parked events fail unexpectedly: a defect, not bad data; they stay parked")
        return _Page(tally.applied, rows[-1].parked_event_id if len(rows) == SWEEP_EVENTS_MAX else None)

    async def replay_dead_letter(self, dead_letter_id: int, *, actor: str) -> None:
        """Apply a dead letter to this service's handler; the events parked behind it follow with the next sweep.

        Raises:
            DeadLetterUnknown: There is no such row.
            DeadLetterClosed: It is not open.
            ReplayRefused: The handler still refuses it.
        """

        async def work(tx: Tx) -> None:
            record = await self._open_dead_letter(tx, dead_letter_id)
            await self._apply_alone(tx, record)
            await setaside.resolve_dead_letter(tx, dead_letter_id, status="REPLAYED", actor=actor)

        await self._database.transaction(work)

    async def discard_dead_letter(self, dead_letter_id: int, *, actor: str) -> None:
        """Close a dead letter without applying it; the events parked behind it follow with the next sweep.

        Raises:
            DeadLetterUnknown: There is no such row.
            DeadLetterClosed: It is not open.
        """

        async def work(tx: Tx) -> None:
            await self._open_dead_letter(tx, dead_letter_id)
            await setaside.resolve_dead_letter(tx, dead_letter_id, status="DISCARDED", actor=actor)

        await self._database.transaction(work)

    async def replay_skipped(self, name: str) -> int:
        """Apply all skipped events of a record type that this build knows, in order; give how many.

        Raises:
            ReplayRefused: The build still does not handle the type, or refuses an event; then its page is not applied.
        """
        total = 0
        while True:
            done = await self._database.transaction(lambda tx: self._replay_some(tx, name))
            total += done
            if done < REPLAY_EVENTS_MAX:
                return total

    async def _replay_some(self, tx: Tx, name: str) -> int:
        records = await setaside.select_skipped(tx, name, REPLAY_EVENTS_MAX)
        for record in records:
            await self._apply_alone(tx, record)
            await setaside.delete_skipped(tx, record)
        return len(records)

    async def _apply_alone(self, tx: Tx, record: Record) -> None:
        step = await self._prepare(record)
        if step is None:
            raise ReplayRefused("this build ignores the event's type")
        if step.fate is not None or step.route is None or step.route.handle is None:
            raise ReplayRefused(step.fate.error if step.fate else "this build does not handle the event's type")
        outcome = await self._application.apply_one(tx, step)
        if outcome is not None:
            raise ReplayRefused(outcome)

    async def _prepare(self, record: Record) -> Step | None:
        """Decode a record; None for one that this build ignores."""
        schema_id = self._application.unknown_schema(record)
        if schema_id is not None:
            await self._codec.learn(schema_id)
        return self._application.prepare(record)

    async def _open_dead_letter(self, tx: Tx, dead_letter_id: int) -> Record:
        row = await setaside.lock_dead_letter(tx, dead_letter_id)
        if row is None:
            raise DeadLetterUnknown(f"there is no dead letter {dead_letter_id}", field="dead_letter_id")
        if row["status"] != "OPEN":
            raise DeadLetterClosed(f"dead letter {dead_letter_id} is {row['status']}", status=row["status"])
        return setaside.record_of(row)

    async def _measure(self) -> int:
        """Show how many events are parked, raise the alarm beyond the bounds; give the newest one's id, or 0."""
        row = (await self._database.read(lambda tx: tx.fetch(_STATE)))[0]
        events, age = int(row["events"]), row["age"]
        PARKED.labels(self._service).set(events)
        PARKED_AGE.labels(self._service).set(age.total_seconds())
        if events > PARKED_EVENTS_ALERT or age > PARKED_AGE_ALERT:
            _log.error("parked_events_beyond_bounds", service=self._service, events=events, age_s=age.total_seconds())
        return int(row["newest"])

    async def keep_inbox_days(self) -> None:
        """Make the inbox's next days and drop those past retention."""
        await self._database.transaction(inbox.keep_days)
