"""The runtime as a service sees it: calls, reads, transactions and wake-ups, on its own database."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar, cast

from google.protobuf.message import Message

from paykit.base import database_url
from paykit.base.call import current_call
from paykit.base.config import Settings
from paykit.base.errors import UnavailableError
from paykit.clock import Clock, OffsetClock, SystemClock
from paykit.consume.application import Application
from paykit.consume.redelivery import Redelivery
from paykit.consume.replay import Replay
from paykit.consume.store.offsets import TopicPartition
from paykit.consume.watermark import Watermark
from paykit.consumption import ConsumptionWatch
from paykit.errors import DomainError, FieldInvalid, ItemFailed
from paykit.events.codec import Codec
from paykit.events.registry import RegistryClient
from paykit.money import close_currencies
from paykit.postgres.claims import RowKey
from paykit.postgres.database import Database, Tx
from paykit.postgres.wakeups import Wakeups
from paykit.process import schema_check
from paykit.process.business_clock import BusinessClock
from paykit.process.declaration import Declaration
from paykit.process.isolation import FailingRows, Isolation, do_each
from paykit.serve import idempotency, operations, waiting
from paykit.serve.batch_reply import BatchReply
from paykit.serve.groups.committer import Committer
from paykit.serve.operations import BATCH_ITEMS_MAX, Acceptance, Call, Operation, Outcome, Settled
from paykit.serve.reply_sizes import BatchReplyTooLarge

T = TypeVar("T")
R = TypeVar("R")
I = TypeVar("I")  # noqa: E741 - item
Reply = TypeVar("Reply", bound=Message)

TopicEnds = Callable[[Sequence[str]], Mapping[TopicPartition, int]]
"""Where each partition of some topics ends; blocks the thread."""

REPLAYED_TRAILER = ("paystream-replayed", "true")
"""Stands in the trailers of a reply that an earlier call with the same request id made."""


class Runtime:
    """One service in one process.

    Attributes:
        service: What it declares.
        settings: The process's settings.
        clock: Business time.
        database: Its PostgreSQL schema.
        codec: Its events' codec.
        application: Its consuming side, without Kafka.
        redelivery: Its parked events.
        replay: Its dead letters and skipped events.
        wakeups: Its signals.
        business_clock: Follows the time that a development stack was moved to.
        watches: How far topics are known to be consumed, by topic; see `paykit.process.consumption`.
    """

    def __init__(
        self,
        *,
        service: Declaration,
        settings: Settings,
        codec: Codec,
        clock: Clock | None = None,
        topic_ends: TopicEnds | None = None,
    ) -> None:
        """Make what a service works with; without `topic_ends`, parked events wait for their time alone."""
        self.service = service
        self.settings = settings
        close_currencies(settings.currency_closings)
        self.clock = clock or OffsetClock(SystemClock())
        self.codec = codec
        url = service_url(settings, service.name)
        self.wakeups = Wakeups(dsn=url, schema=service.name)
        self.database = Database(
            url=url,
            schema=service.name,
            clock=self.clock,
            codec=codec,
            connections_max=settings.database_pool_max,
            locks=service.locks,
            on_signal=self.wakeups.signal,
            concluding=[event.RECORD for event in service.concludes],
        )
        self.business_clock = BusinessClock(
            service=service.name, clock=self.clock, database=self.database, wakeups=self.wakeups
        )
        self.application = Application(service=service.name, subscriptions=service.subscriptions, codec=codec)
        topics = self.application.topics
        self.redelivery = Redelivery(
            service=service.name,
            database=self.database,
            application=self.application,
            watermark=Watermark(self.database, partial(topic_ends, topics)) if topic_ends else None,
        )
        self.replay = Replay(service=service.name, database=self.database, application=self.application)
        self.watches = dict[str, ConsumptionWatch]()
        # By job and part of it.
        self._failing_rows: dict[str, dict[RowKey, FailingRows]] = {}
        self._committers: dict[Operation[Any, Any, Any], Committer[Any, Any, Any]] = {}

    @property
    def reply_bytes_max(self) -> int:
        """The largest reply that is sent."""
        return self.settings.reply_bytes_max

    @property
    def outcome_waiters_max(self) -> int:
        """Calls that may wait for an outcome in this process."""
        return self.settings.grpc_outcome_waiters_max

    @property
    def watches_max(self) -> int:
        """Streams that may watch something in this process."""
        return self.settings.grpc_watches_max

    @property
    def watches_per_caller_max(self) -> int:
        """Of these, those of one caller."""
        return self.settings.grpc_watches_per_caller_max

    async def prepare(self) -> None:
        """Look whether the tables are made for this build, set the clock, and learn the schema ids of all events.

        Raises:
            ConfigurationError: The tables are older than this build, or newer and not made for it, or the clock was
                moved and must not be.
            SchemaUnregisteredError: Schemas were not registered.
            UnavailableError: A part is missing and nothing was cached.
        """
        if self.service.keeps_tables:
            await schema_check.check(self.database, self.service.name)
            await self.business_clock.start(self.settings.environment)
        handled = [event for s in self.service.subscriptions for event in s.handles]
        await self.codec.prepare([*self.service.emits, *handled])

    async def close(self) -> None:
        """Close the connections to PostgreSQL."""
        await self.database.close()

    async def call(self, operation: Operation[I, R, Reply], request: Message, item: I | DomainError) -> Reply:
        """Carry out a call once for its request id, in a group with its neighbours.

        Raises:
            DomainError: The command refused it.
            UnavailableError: PostgreSQL cannot be reached.
        """
        if isinstance(item, DomainError):
            raise item
        settled = await self._submit(operation, _call(operation, request, item))
        if settled.replayed:
            current_call().trailers.append(REPLAYED_TRAILER)
        return cast("Reply", settled.reply)

    async def call_batch(
        self,
        operation: Operation[I, R, Reply],
        requests: Sequence[Message],
        items: Sequence[I | DomainError],
        *,
        one_reply: bool = True,
    ) -> list[Reply | DomainError]:
        """Carry out a batch in one transaction, each request id once; one reply or refusal per item, in order.

        Items that are refusals already stay so. An item that fails unexpectedly is refused alone, with `ItemFailed`.
        What could not be answered in one reply is not carried out, unless results have replies of their own.

        Raises:
            FieldInvalid: More than BATCH_ITEMS_MAX items.
            BatchReplyTooLarge: The results are larger than one reply may be; nothing was done.
            UnavailableError: PostgreSQL cannot be reached; nothing was done.
        """
        calls: dict[int, Call[Any]] = {
            i: _call(operation, requests[i], item) for i, item in enumerate(items) if not isinstance(item, DomainError)
        }
        return await self._batch(operation, items, calls, bytes_max=self.reply_bytes_max if one_reply else None)

    async def change(self, operation: Operation[I, R, Reply], item: I) -> Reply:
        """Carry out a call that has no request id, such as an update guarded by an etag.

        Raises:
            DomainError: The command refused it.
            UnavailableError: PostgreSQL cannot be reached.
        """
        return cast("Reply", (await self._submit(operation, Call(item, None))).reply)

    async def change_batch(
        self, operation: Operation[I, R, Reply], items: Sequence[I | DomainError]
    ) -> list[Reply | DomainError]:
        """Do as `call_batch` for items that have no request id, as their commands know repetitions by themselves."""
        calls: dict[int, Call[Any]] = {
            i: Call(item, None) for i, item in enumerate(items) if not isinstance(item, DomainError)
        }
        return await self._batch(operation, items, calls, bytes_max=self.reply_bytes_max if operation.answers else None)

    async def read(self, query: Callable[[Tx], Awaitable[T]]) -> T:
        """Run queries on one consistent snapshot."""
        return await self.database.read(query)

    async def transaction(self, work: Callable[[Tx], Awaitable[T]]) -> T:
        """Run work in one transaction, for jobs."""
        return await self.database.transaction(work)

    async def isolated(
        self, job_name: str, work: Callable[[Tx], Awaitable[T]], *, part: RowKey = "", done: bool = True
    ) -> list[T]:
        """Run the transaction of a job; where one of its rows fails, do the others without it.

        Args:
            job_name: Whose failing rows are passed by.
            work: Takes rows by `Table.claim_where`, or by `tx.claims`, and does what is due of each.
            part: Which of several parts of the job, such as channels, the work is; it takes no rows of others.
            done: Whether a row is done then; else it has been taken to be called about, and one that failed before
                stays set aside until `settle`.

        Returns:
            What each transaction returned, if there had to be several.

        Raises:
            UnavailableError: PostgreSQL cannot be reached.
        """
        return await Isolation(self.database, self._failing(job_name, part), work, done=done).run()

    def fails(self, job_name: str) -> bool:
        """Return whether rows of a job are set aside: it is to look at them, whatever else there is to do."""
        return bool(self._failing(job_name).keys)

    def failing(self, job_name: str) -> FailingRows:
        """Return the rows of a job that are set aside, for one that takes rows in its own way."""
        return self._failing(job_name)

    def failing_parts(self, job_name: str) -> list[RowKey]:
        """Return of which parts of a job rows are set aside."""
        return [part for part, rows in self._failing_rows.get(job_name, {}).items() if rows.keys]

    def set_aside(self, job_name: str, key: RowKey, error: Exception, *, part: RowKey = "") -> None:
        """Pass a row by for a while that a job took, and then could not do.

        Raises:
            Exception: The error, where too many are passed by already.
        """
        self._failing(job_name, part).set_aside(key, error)

    def settle(self, job_name: str, keys: Collection[RowKey], *, part: RowKey = "") -> None:
        """Say that a job did rows that it took, in case they failed before."""
        self._failing(job_name, part).forgive(keys)

    async def each(self, job_name: str, keys: Sequence[RowKey], do: Callable[[RowKey], Awaitable[T]]) -> list[T]:
        """Do something for each key, passing by those that failed lately; one that fails holds up no other.

        Raises:
            UnavailableError: PostgreSQL, or what is called, cannot be reached.
        """
        return await do_each(self._failing(job_name), keys, do)

    def wake(self, job_name: str) -> None:
        """Let a job run now, in this or another process of the service."""
        self.wakeups.signal(job_name)

    async def _batch(
        self,
        operation: Operation[I, R, Reply],
        items: Sequence[I | DomainError],
        calls: dict[int, Call[Any]],
        *,
        bytes_max: int | None,
    ) -> list[Reply | DomainError]:
        """Carry out the calls, by position, and leave the refusals among the items as they are."""
        if len(items) > BATCH_ITEMS_MAX:
            raise FieldInvalid(f"at most {BATCH_ITEMS_MAX} items in one batch", field="requests")
        results: list[Any] = list(items)
        if calls:
            refused = [item for item in items if isinstance(item, DomainError)]
            accept = BatchReply(bytes_max, refused).accept if bytes_max is not None else None
            for i, result in zip(calls, await self._settle(operation, list(calls.values()), accept), strict=True):
                results[i] = result
            self._wake_all(operation)
        return results

    async def _submit(self, operation: Operation[I, R, Reply], call: Call[I]) -> Settled[Any]:
        """Carry out one call, waiting for what it lacks, and wake the jobs that it has work for."""
        committer = self._committer(operation)
        settled = await waiting.until_known(operation.waits_for, lambda: _submitted(committer, call))
        self._wake_all(operation)
        return settled

    async def _settle(
        self, operation: Operation[I, R, Reply], calls: Sequence[Call[I]], accept: Acceptance | None
    ) -> list[Any]:
        """Carry out calls in one transaction, and those again that lack what an event is still to tell.

        Raises:
            BatchReplyTooLarge: None was carried out.
        """
        committer = self._committer(operation)

        async def settled(positions: Sequence[int]) -> list[Any]:
            outcomes = await committer.settle([calls[at] for at in positions], accept=accept)
            return [_item_result(outcome) for outcome in outcomes]

        results = await waiting.until_all_known(operation.waits_for, settled, count=len(calls))
        if isinstance(results[0], BatchReplyTooLarge) and all(isinstance(r, BatchReplyTooLarge) for r in results):
            raise results[0]
        return results

    def _wake_all(self, operation: Operation[I, R, Reply]) -> None:
        for job_name in operation.wakes:
            self.wake(job_name)

    def _failing(self, job_name: str, part: RowKey = "") -> FailingRows:
        parts = self._failing_rows.setdefault(job_name, {})
        if part not in parts:
            for idle in [each for each, rows in parts.items() if each and not rows.keys]:
                del parts[idle]  # Parts can be merchants.
            parts[part] = FailingRows(service=self.service.name, job=job_name, parts=parts.values())
        return parts[part]

    def _committer(self, operation: Operation[I, R, Reply]) -> Committer[I, R, Reply]:
        committer = self._committers.get(operation)
        if committer is None:
            committer = self._committers[operation] = Committer(self.database, operation)
        return committer


def _call(operation: Operation[I, Any, Any], request: Any, item: I) -> Call[I]:
    """Make the call of a request; an item that creates something carries it, so that what it creates can keep it.

    The item is nobody else's yet, and so it is written to in place: making it anew would cost as much as reading it.
    """
    claim = idempotency.Claim.of((current_call().caller, operation.name, request.request_id.lower()), request)
    if operation.creates is not None:
        object.__setattr__(item, "creating_call", claim.creating_call)
    return Call(item, claim)


async def _submitted(committer: Committer[I, Any, Any], call: Call[I]) -> Settled[Any]:
    outcome = await committer.submit(call)
    if isinstance(outcome, Exception):
        raise outcome
    return outcome


def _item_result(outcome: Outcome) -> Any:
    if isinstance(outcome, Settled):
        return outcome.reply
    if isinstance(outcome, UnavailableError):
        raise outcome
    if isinstance(outcome, DomainError):
        return outcome
    operations.log_failure(outcome)
    return ItemFailed("this item met an unexpected error; it was not carried out")


def service_url(settings: Settings, service: str) -> str:
    """URL by which a service connects: as its own role, unless the setting names a user."""
    url = database_url.parse(settings.database_url.get_secret_value())
    if url.username is None:
        password = settings.database_service_password
        url = replace(
            url, username=f"paystream_{service}", password=password.get_secret_value() if password else url.password
        )
    return str(url)


def make_codec(settings: Settings, registry: RegistryClient) -> Codec:
    """Make the codec of a process."""
    return Codec(registry=registry, cache_dir=settings.cache_dir, topic_prefix=settings.topic_prefix)
