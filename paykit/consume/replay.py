"""Applies dead letters and skipped events again, when a person says so."""

from paykit.consume.application import Application
from paykit.consume.delivery import Impossible, NotYet, Record
from paykit.consume.prepared import ReadyEvent, UndecodableRecord
from paykit.consume.store import dead_letters, skipped_events
from paykit.errors import DomainError, Kind
from paykit.postgres.database import Database, Tx
from paykit.postgres.lanes import CONSUMING

REPLAY_EVENTS_MAX = 500
"""Skipped events replayed in one transaction."""


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


class Replay:
    """The dead letters and skipped events of one service."""

    def __init__(self, database: Database, application: Application) -> None:
        self._database = database
        self._application = application

    async def replay_dead_letter(self, dead_letter_id: int, *, actor: str) -> None:
        """Apply a dead letter to this service's handler; the events parked behind it follow with the next sweep.

        Raises:
            DeadLetterUnknown: There is no such row.
            DeadLetterClosed: It is not open.
            ReplayRefused: The handler still refuses it.
        """

        async def work(tx: Tx) -> None:
            await self._apply_alone(tx, await _lock_open(tx, dead_letter_id))
            await dead_letters.resolve(tx, dead_letter_id, status="REPLAYED", actor=actor)

        await self._database.transaction(work, lane=CONSUMING)

    async def discard_dead_letter(self, dead_letter_id: int, *, actor: str) -> None:
        """Close a dead letter without applying it; the events parked behind it follow with the next sweep.

        Raises:
            DeadLetterUnknown: There is no such row.
            DeadLetterClosed: It is not open.
        """

        async def work(tx: Tx) -> None:
            await _lock_open(tx, dead_letter_id)
            await dead_letters.resolve(tx, dead_letter_id, status="DISCARDED", actor=actor)

        await self._database.transaction(work, lane=CONSUMING)

    async def replay_skipped(self, record_name: str) -> int:
        """Apply all skipped events of a record type that this build knows, in order; the number applied.

        Raises:
            ReplayRefused: The build still does not handle the type, or refuses an event; then its page is not applied.
        """
        total = 0
        while True:
            replayed = await self._database.transaction(lambda tx: self._replay_page(tx, record_name), lane=CONSUMING)
            total += replayed
            if replayed < REPLAY_EVENTS_MAX:
                return total

    async def _replay_page(self, tx: Tx, record_name: str) -> int:
        records = await skipped_events.select(tx, record_name, limit=REPLAY_EVENTS_MAX)
        for record in records:
            await self._apply_alone(tx, record)
            await skipped_events.delete(tx, record)
        return len(records)

    async def _apply_alone(self, tx: Tx, record: Record) -> None:
        await self._application.learn(record)
        prepared = self._application.prepare(record)
        if prepared is None:
            raise ReplayRefused("this build ignores the event's type")
        if isinstance(prepared, UndecodableRecord):
            raise ReplayRefused(prepared.cause.error)
        if not isinstance(prepared, ReadyEvent):
            raise ReplayRefused("this build does not handle the event's type")
        result = await self._application.apply_alone(tx, prepared)
        if isinstance(result, NotYet):
            raise ReplayRefused(f"waits for {result.waits_for}")
        if isinstance(result, Impossible):
            raise ReplayRefused(f"{result.error.reason}: {result.error.message}")


async def _lock_open(tx: Tx, dead_letter_id: int) -> Record:
    """Lock a dead letter that nobody has decided on; its record."""
    dead_letter = await dead_letters.lock(tx, dead_letter_id)
    if dead_letter is None:
        raise DeadLetterUnknown(f"there is no dead letter {dead_letter_id}", field="dead_letter_id")
    if dead_letter.status != "OPEN":
        raise DeadLetterClosed(f"dead letter {dead_letter_id} is {dead_letter.status}", status=dead_letter.status)
    return dead_letter.record
