"""Applies dead letters and skipped events again, when a person says so."""

from dataclasses import dataclass

from paykit.consume import setting_aside
from paykit.consume.application import Application, RegistryMismatchError
from paykit.consume.delivery import Impossible, NotYet, Record
from paykit.consume.handling import HandlerFailedError
from paykit.consume.prepared import DeadLetterCause, ReadyEvent, UndecodableRecord
from paykit.consume.store import dead_letters, skipped_events
from paykit.errors import DomainError, Kind
from paykit.postgres.database import Database, Tx
from paykit.postgres.lanes import CONSUMING

REPLAY_EVENTS_MAX = 500
"""Skipped events replayed in one transaction."""
REASON_SKIPPED = "SKIPPED"
"""Of a dead letter that was a skipped event, which was discarded or could not be applied."""


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


@dataclass(frozen=True, slots=True)
class ReplayedSkipped:
    """How many skipped events were applied, and how many became dead letters."""

    applied: int
    buried: int


class Replay:
    """The dead letters and skipped events of one service."""

    def __init__(self, *, service: str, database: Database, application: Application) -> None:
        self._service = service
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

    async def replay_skipped(self, record_name: str, *, bury_refused: bool = False) -> ReplayedSkipped:
        """Apply all skipped events of a record type that this build knows, in order.

        Args:
            record_name: Full name of the Avro record.
            bury_refused: Make a dead letter of each event that is refused, and go on.

        Raises:
            ReplayRefused: The build still does not handle the type, or refuses an event; then its page is not applied.
        """
        applied = buried = 0
        while True:
            page = await self._database.transaction(
                lambda tx: self._replay_page(tx, record_name, bury=bury_refused), lane=CONSUMING
            )
            applied, buried = applied + page.applied, buried + page.buried
            if page.applied + page.buried < REPLAY_EVENTS_MAX:
                return ReplayedSkipped(applied, buried)

    async def discard_skipped(self, record_name: str, *, actor: str) -> int:
        """Give up all skipped events of a record type; each is kept as a discarded dead letter. Returns how many."""
        total = 0
        while True:
            discarded = await self._database.transaction(
                lambda tx: self._discard_page(tx, record_name, actor), lane=CONSUMING
            )
            total += discarded
            if discarded < REPLAY_EVENTS_MAX:
                return total

    async def _replay_page(self, tx: Tx, record_name: str, *, bury: bool) -> ReplayedSkipped:
        records = await skipped_events.lock(tx, record_name, limit=REPLAY_EVENTS_MAX)
        buried = 0
        for record in records:
            try:
                async with tx.savepoint():
                    await self._apply_alone(tx, record)
            except ReplayRefused as refused:
                if not bury:
                    raise
                await self._bury(tx, record, record_name, error=refused.message)
                buried += 1
            await skipped_events.delete(tx, record)
        return ReplayedSkipped(len(records) - buried, buried)

    async def _discard_page(self, tx: Tx, record_name: str, actor: str) -> int:
        records = await skipped_events.lock(tx, record_name, limit=REPLAY_EVENTS_MAX)
        for record in records:
            dead_letter_id = await self._bury(tx, record, record_name, error="of a type newer than the build")
            await dead_letters.resolve(tx, dead_letter_id, status="DISCARDED", actor=actor)
            await skipped_events.delete(tx, record)
        return len(records)

    async def _bury(self, tx: Tx, record: Record, record_name: str, *, error: str) -> int:
        cause = DeadLetterCause(REASON_SKIPPED, error)
        return await setting_aside.bury(tx, service=self._service, record=record, name=record_name, cause=cause)

    async def _apply_alone(self, tx: Tx, record: Record) -> None:
        await self._application.learn(record)
        try:
            prepared = self._application.prepare(record)
        except RegistryMismatchError as error:
            raise ReplayRefused(str(error)) from error
        if prepared is None:
            raise ReplayRefused("this build ignores the event's type")
        if isinstance(prepared, UndecodableRecord):
            raise ReplayRefused(prepared.cause.error)
        if not isinstance(prepared, ReadyEvent):
            raise ReplayRefused("this build does not handle the event's type")
        try:
            result = await self._application.apply_alone(tx, prepared)
        except HandlerFailedError as error:
            raise ReplayRefused(f"its handler fails: {error}") from error
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
