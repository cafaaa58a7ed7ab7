"""Tries parked events again by itself: after each batch of the consumers, and every second."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import structlog
from prometheus_client import Gauge

from paykit.base.errors import DefectError, UnavailableError
from paykit.consume.application import Application
from paykit.consume.halting.failure_window import is_defect
from paykit.consume.prepared import PreparedRecord
from paykit.consume.store import parked_events
from paykit.consume.store.parked_events import ParkedEvent
from paykit.consume.watermark import Watermark
from paykit.postgres import wakeups
from paykit.postgres.database import Database, Tx
from paykit.postgres.lanes import CONSUMING

SWEEP_EVERY_S = 1.0
SWEEP_EVENTS_MAX = 1000
"""Parked events tried in one transaction."""
PARKED_EVENTS_ALERT = 10_000
PARKED_AGE_ALERT = timedelta(hours=24)

PARKED = Gauge("paystream_parked_events_waiting", "Events waiting for their cause or their key.", ["service"])
PARKED_AGE = Gauge("paystream_parked_oldest_seconds", "Age of the oldest parked event.", ["service"])

_log = structlog.get_logger()


class Redelivery:
    """The parked events of one service.

    Attributes:
        applied: Set after each batch of the consumers: a cause may have arrived.
    """

    def __init__(
        self, *, service: str, database: Database, application: Application, watermark: Watermark | None = None
    ) -> None:
        """Begin with the oldest parked event; without a watermark, time alone tells which ones have waited in vain."""
        self._service = service
        self._database = database
        self._application = application
        self._watermark = watermark
        self.applied = asyncio.Event()
        # The last id of the page tried before, 0 at the beginning.
        self._page_end = 0
        # Keys of which an event on an earlier page stays parked, or was not to be tried: later ones stay behind it.
        self._blocked_keys: frozenset[str] = frozenset()

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
        """Try the next page of parked events once, in order; the number applied.

        A page goes on where the last one ended, and the one after the last begins anew: a thousand events that wait
        for long do not keep those behind them from being tried.
        """
        newest_id = await self._measure()
        if not newest_id:
            return 0
        if self._watermark is not None:
            await self._watermark.look(newest_id)
        applied, self._page_end, self._blocked_keys = await self._database.transaction(self._sweep_page, lane=CONSUMING)
        if applied and self._watermark is not None:
            self._watermark.note_progress()
        return applied

    async def drain(self) -> None:
        """Sweep again and again until no parked event can be applied."""
        applied = 1
        while applied:
            applied = await self.sweep()
            while self._page_end:
                applied += await self.sweep()

    async def _sweep_page(self, tx: Tx) -> tuple[int, int, frozenset[str]]:
        """Try a page; the number applied, and the page's last id and the blocked keys if more may follow."""
        if not await parked_events.try_sweep_lock(tx, self._service):
            return 0, 0, frozenset()
        page = await parked_events.select(tx, after=self._page_end, limit=SWEEP_EVENTS_MAX)
        prepared = await self._prepared(tx, page.events)
        result = await self._application.retry(tx, prepared, blocked_keys=self._blocked_keys)
        if is_defect(failed=len(result.unexpected), passed=result.applied + result.parked):
            raise DefectError("parked events fail unexpectedly: a defect, not bad data; they stay parked")
        if len(page.events) < SWEEP_EVENTS_MAX:
            return result.applied, 0, frozenset()
        return result.applied, page.events[-1].parked_event_id, result.blocked_keys | page.held_keys

    async def _prepared(self, tx: Tx, page: Sequence[ParkedEvent]) -> dict[int, PreparedRecord]:
        """Decode parked events, by their ids; those of a type that this build ignores are forgotten."""
        prepared: dict[int, PreparedRecord] = {}
        ignored = []
        for parked in page:
            await self._application.learn(parked.record)
            waited_s = self._watermark.waited_s(parked) if self._watermark else parked.parked_s
            record = self._application.prepare(parked.record, waited_s=waited_s)
            if record is None:
                ignored.append(parked.parked_event_id)
            else:
                prepared[parked.parked_event_id] = record
        await parked_events.delete(tx, ignored)
        return prepared

    async def _measure(self) -> int:
        """Show how many events are parked, raise the alarm beyond the bounds; the newest one's id, or 0."""
        backlog = await self._database.read(parked_events.backlog)
        age_s = backlog.oldest_age.total_seconds()
        PARKED.labels(self._service).set(backlog.events)
        PARKED_AGE.labels(self._service).set(age_s)
        if backlog.events > PARKED_EVENTS_ALERT or backlog.oldest_age > PARKED_AGE_ALERT:
            _log.error("parked_events_beyond_bounds", service=self._service, events=backlog.events, age_s=age_s)
        return backlog.newest_id
