"""Runs services in a process: their gRPC server, consumers, jobs and relay, until it is told to stop."""

import asyncio
import contextlib
import gc
import itertools
import signal
import sys
from collections.abc import Callable, Coroutine, Iterator, Sequence
from functools import partial
from typing import Any

import structlog

from paykit.base import metrics, tracing
from paykit.base.config import Settings
from paykit.base.errors import UnavailableError
from paykit.base.health import HealthBoard
from paykit.consume.consumer import Consumer
from paykit.consume.store.offsets import TopicPartition
from paykit.events.registry import RegistryClient
from paykit.kafka import client as kafka
from paykit.kafka.relay import Relay
from paykit.kafka.topic_watch import TopicWatch
from paykit.postgres import stuck_sessions
from paykit.postgres.wakeups import wait
from paykit.process import clock_rpc
from paykit.process.health import HealthWatch
from paykit.process.runtime import Runtime, make_codec
from paykit.process.runtime_jobs import housekeeping, set_aside
from paykit.process.service import Job, Service
from paykit.serve import server as grpc_server
from paykit.serve.edge import EdgeOptions
from paykit.serve.server import GrpcServer, ServerOptions

RESTART_PAUSE_S = 1.0
"""Before a part that failed unexpectedly is started again."""
START_PAUSE_S = 1.0
"""Between two tries to start while PostgreSQL or the registry is missing."""
SWITCH_INTERVAL_S = 0.0005
"""How long a thread may keep the interpreter from another. By Python's own 5 ms, threads that fetch and produce hold up
the event loop after each of its waits for PostgreSQL: measured, half the throughput of a consuming service."""
GC_THRESHOLDS = (50_000, 20, 50)
"""Allocations before a collection of each generation: a batch makes tens of thousands of short-lived objects."""
CANCEL_AGAIN_S = 5.0
DRAIN_TIMEOUT_S = 5.0
"""How long a stopping process goes on sending its outbox."""
HEALTH_EVERY_S = 2.0

_log = structlog.get_logger()


class Host:
    """Services running in this process."""

    def __init__(self, services: Sequence[Service], settings: Settings, *, health: HealthBoard | None = None) -> None:
        """Make what runs services.

        Args:
            services: To run.
            settings: Of the process.
            health: Where to say whether it is ready.
        """
        self._settings = settings
        self._registry = RegistryClient(settings.registry_url)
        self._codec = make_codec(settings, self._registry)
        self._services = services
        self._topics = TopicWatch(settings.kafka_bootstrap)
        topic_ends = partial(_topic_ends, settings.kafka_bootstrap)
        self.runtimes = [
            Runtime(service=service, settings=settings, codec=self._codec, topic_ends=topic_ends)
            for service in services
        ]
        self._tasks: list[asyncio.Task[None]] = []
        self._relays: list[Relay] = []
        self._consumers: dict[tuple[str, int, str], Consumer] = {}
        self._relay_tasks: list[asyncio.Task[None]] = []
        self.server: GrpcServer | None = None
        self.health = HealthWatch(
            health or HealthBoard(),
            runtimes=[runtime for service, runtime in self._hosted() if service.keeps_tables],
            consumers=lambda: [(name, consumer) for (name, _, _), consumer in self._consumers.items()],
            leads=lambda: [relay.service for relay in self._relays if relay.leading],
            serves_calls=settings.role in {"all", "api"},
        )
        self._watching: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start everything that the role asks for; returns when calls are served.

        Raises:
            OSError: An address cannot be used.
            SchemaUnregisteredError: Schemas were not registered.
            ConfigurationError: A schema is not migrated, or its clock was moved and this is no development stack.
        """
        self._watching = _supervise("health", self.health.run)
        if self._settings.otlp_endpoint is not None:
            tracing.start(endpoint=self._settings.otlp_endpoint, ratio=self._settings.trace_sample_ratio)
        for service, runtime in self._hosted():
            await _prepared(service, runtime)
        for service, runtime in self._hosted():
            if service.keeps_tables:
                self._start_parts(service, runtime)
        if self._settings.role in {"all", "api"}:
            self.server = await grpc_server.start(self._servicers(), self._server_options())
            self._tasks.append(_supervise("consumer_health", partial(self._show_consumers, self.server)))
        self.health.started()

    async def stop(self) -> None:
        """Stop in order: no new calls, no new events, the work in hand, the rest of the outbox, the connections."""
        self.health.stopping()
        if self.server is not None:
            await self.server.stop(self._settings.shutdown_grace_s)
        await _cancel(self._tasks)
        await self._drain()
        await _cancel(self._relay_tasks)
        if self._watching is not None:
            await _cancel([self._watching])
        for runtime in self.runtimes:
            await runtime.close()
        await self._registry.close()
        if self._settings.otlp_endpoint is not None:
            await asyncio.to_thread(tracing.stop)

    async def _drain(self) -> None:
        """Let the leading relays send the rest of the outbox; what stays is sent after the next start."""
        leading = [relay for relay in self._relays if relay.leading]
        for relay in leading:
            relay.drained.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_TIMEOUT_S):
                for relay in leading:
                    await relay.drained.wait()

    def _hosted(self) -> Iterator[tuple[Service, Runtime]]:
        return zip(self._services, self.runtimes, strict=True)

    def _start_parts(self, service: Service, runtime: Runtime) -> None:
        """Start what works on the service's tables."""
        name, role = service.name, self._settings.role
        if role in {"all", "relay"}:
            self._relays.append(self._relay(runtime))
            self._relay_tasks.append(_supervise(f"{name}.relay", self._relays[-1].run))
        if role in {"all", "worker"}:
            self._start_worker(service, runtime)
        self._tasks.append(_supervise(f"{name}.wakeups", runtime.wakeups.run))
        self._tasks.append(_supervise(f"{name}.stuck_sessions", partial(stuck_sessions.watch, runtime.database)))
        # Whatever writes into partitions, of whichever role, can be the only process that there is to make them.
        self._tasks.append(_supervise(f"{name}.partitions", lambda: _run_job(runtime, housekeeping.PARTITIONING)))
        if self._settings.environment == "development":
            self._tasks.append(_supervise(f"{name}.clock", runtime.business_clock.follow))

    def _start_worker(self, service: Service, runtime: Runtime) -> None:
        name = service.name
        lane = asyncio.Semaphore(service.consumers)
        for number, topic in itertools.product(range(service.consumers), runtime.application.topics):
            run = partial(self._consume, runtime, number, topic, lane)
            self._tasks.append(_supervise(f"{name}.consumer{number}.{topic}", run))
        if service.subscriptions:
            self._tasks.append(_supervise(f"{name}.redelivery", runtime.redelivery.run))
        for job in (*service.jobs, *_RUNTIME_JOBS):
            self._tasks.append(_supervise(f"{name}.{job.name}", lambda job=job: _run_job(runtime, job)))  # type: ignore[misc]

    def _relay(self, runtime: Runtime) -> Relay:
        return Relay(
            dsn=runtime.database.url,
            schema=runtime.service.name,
            kafka_bootstrap=self._settings.kafka_bootstrap,
            wakeups=runtime.wakeups,
        )

    async def _consume(self, runtime: Runtime, number: int, topic: str, lane: asyncio.Semaphore) -> None:
        consumer = self._consumers[runtime.service.name, number, topic] = self._consumer(runtime, topic, lane)
        await consumer.run()

    async def _show_consumers(self, server: GrpcServer) -> None:
        """Have the health service say of each service whether any partition that it has here is consumed."""
        while True:
            for name in {service for service, _, _ in self._consumers}:
                own = [consumer for (service, _, _), consumer in self._consumers.items() if service == name]
                consuming = any(consumer.is_consuming for consumer in own)
                halted = any(consumer.halted for consumer in own)
                await server.show(f"{name}.consumers", serving=consuming or not halted)
            await asyncio.sleep(HEALTH_EVERY_S)

    def _consumer(self, runtime: Runtime, topic: str, lane: asyncio.Semaphore) -> Consumer:
        return Consumer(
            service=runtime.service.name,
            bootstrap=self._settings.kafka_bootstrap,
            group=self._settings.topic_prefix + runtime.service.name,
            topic=topic,
            lane=lane,
            topics=self._topics,
            database=runtime.database,
            application=runtime.application,
            on_applied=runtime.redelivery.applied.set,
            schema_unknown_grace_s=self._settings.schema_unknown_grace_s,
        )

    def _servicers(self) -> list[grpc_server.Servicer]:
        servicers = [servicer for service, runtime in self._hosted() for servicer in service.servicers(runtime)]
        if self._settings.environment == "development":
            servicers.append(clock_rpc.servicer(self.runtimes))
        return servicers

    def _server_options(self) -> ServerOptions:
        settings = self._settings
        return ServerOptions(
            address=settings.grpc_address,
            port_shared=settings.grpc_port_shared,
            message_bytes_max=settings.grpc_message_bytes_max,
            pending_max=settings.grpc_pending_max,
            edge=EdgeOptions(
                calls_max=settings.grpc_calls_max,
                streams_max=settings.grpc_streams_max,
                waiters_max=settings.grpc_waiters_max,
                deadline_default_s=settings.grpc_deadline_default_s,
                errors_help_url=settings.errors_help_url,
                reply_bytes_max=settings.reply_bytes_max,
            ),
        )


async def serve(services: Sequence[Service], settings: Settings) -> None:
    """Run services until SIGTERM or SIGINT, then stop in order."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    health = HealthBoard()
    if settings.metrics_address:
        metrics.MetricsServer(settings.metrics_address, health=health)
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    # What is there now stays for good; what comes is mostly freed by reference counts, so full collections are rare.
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
    host = Host(services, settings, health=health)
    starting = asyncio.create_task(host.start())
    stop = asyncio.create_task(stopping.wait())
    try:
        await asyncio.wait({starting, stop}, return_when=asyncio.FIRST_COMPLETED)
        if starting.done():
            starting.result()
            _log.info("started", services=[s.name for s in services], role=settings.role)
            await stop
    finally:
        stop.cancel()
        starting.cancel()
        await asyncio.gather(starting, return_exceptions=True)
        await host.stop()
        _log.info("stopped", services=[s.name for s in services])


def _topic_ends(bootstrap: str, topics: Sequence[str]) -> dict[TopicPartition, int]:
    return {(topic, number): end for topic in topics for number, end in enumerate(kafka.end_offsets(bootstrap, topic))}


async def _prepared(service: Service, runtime: Runtime) -> None:
    """Prepare a service, waiting for its infrastructure for as long as it takes."""
    while True:
        try:
            await runtime.prepare()
            await service.on_start(runtime)
        except UnavailableError as error:
            _log.warning("start_waits", service=service.name, error=str(error))
            await asyncio.sleep(START_PAUSE_S)
        else:
            return


async def _run_job(runtime: Runtime, job: Job) -> None:
    woken = runtime.wakeups.event(job.name)
    while True:
        while await job.run(runtime):
            pass
        await wait(woken, job.every_s)


_RUNTIME_JOBS = (housekeeping.HOUSEKEEPING, set_aside.REPORTING)
"""Of every service that keeps tables."""


def _supervise(name: str, run: Callable[[], Coroutine[Any, Any, None]]) -> asyncio.Task[None]:
    """Start a part that runs for ever; one that fails is told of and started again."""

    async def keep() -> None:
        while True:
            try:
                await run()
            except UnavailableError as error:
                _log.warning("part_waits", part=name, error=str(error))
            except Exception:  # noqa: BLE001 - one part must not end the others
                _log.exception("part_failed", part=name)
            await asyncio.sleep(RESTART_PAUSE_S)

    return asyncio.create_task(keep(), name=name)


async def _cancel(tasks: Sequence[asyncio.Task[None]]) -> None:
    """End tasks; one that a library kept from seeing its cancellation is cancelled again."""
    pending = set(tasks)
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=CANCEL_AGAIN_S)
