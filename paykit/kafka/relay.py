"""Carries the outbox to Kafka: at least once, in order per key.

One relay of a service leads, by an advisory lock that lives and dies with the connection it also reads and deletes by.
It reads the oldest rows, produces them, and deletes exactly those ids after every one of them was acknowledged. A crash
in between repeats rows and reorders none.
"""

import asyncio
import contextlib
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import structlog
from prometheus_client import Counter, Gauge

from paykit.kafka import client as kafka
from paykit.postgres import connecting, faults, outbox
from paykit.postgres import wakeups as wakeup
from paykit.postgres.faults import Fault

BATCH_ROWS_MAX = 1000
"""Rows produced and deleted together."""
POLL_S = 0.5
"""The wait for a wake-up before looking anyway."""
PING_S = 2.0
"""How often the leader's connection shows life while Kafka is slow."""
PING_TIMEOUT_S = 5.0
LEADER_IDLE_TIMEOUT_MS = 10_000
"""A leader that stopped (and so stops pinging) loses its connection, and with it the lead."""
CAMPAIGN_PAUSE_S = 1.0
"""Between two tries to become the leader, or after an error."""
DEPTH_EVERY_S = 5.0
DEPTH_ROWS_MAX = 100_000
"""Counting the backlog stops here."""
STALL_WARNING_S = 5.0
"""A batch not acknowledged for this long is told of in the log, again and again."""
_ADVISORY_SPACE = 0x7061_7973
"""The first key of the advisory lock; the second is a hash of the schema's name."""

RELAYED = Counter("paystream_outbox_relayed_total", "Outbox rows acknowledged by Kafka.", ["service"])
DEPTH = Gauge("paystream_outbox_rows", "Outbox rows waiting, counted to 100,000.", ["service"])
AGE = Gauge("paystream_outbox_oldest_seconds", "Age of the oldest outbox row waiting.", ["service"])
LEADING = Gauge("paystream_relay_leading", "1 while this process relays the service's outbox.", ["service"])

_log = structlog.get_logger()


class DeliveryFailedError(Exception):
    """Kafka refused a message for good; the producer is discarded and the batch starts again."""


class Relay:
    """The relay of one service; several may run, one leads."""

    def __init__(self, *, dsn: str, schema: str, kafka_bootstrap: str, wakeups: wakeup.Wakeups) -> None:
        self._dsn = dsn
        self._schema = schema
        self._bootstrap = kafka_bootstrap
        self._written = wakeups.event(wakeup.OUTBOX)
        self._depth_due = 0.0
        self.leading = False
        self.drained = asyncio.Event()
        """Set while this relay leads and saw the outbox empty at its last look."""

    async def run(self) -> None:
        """Campaign for the lead, relay while leading, for ever until cancelled."""
        while True:
            try:
                await self._campaign()
            except Exception as error:
                if not isinstance(error, DeliveryFailedError) and faults.sort(error) is not Fault.UNAVAILABLE:
                    raise
                _log.warning("relay_interrupted", service=self._schema, error=str(error))
            finally:
                self.leading = False
                LEADING.labels(self._schema).set(0)
            await asyncio.sleep(CAMPAIGN_PAUSE_S)

    async def _campaign(self) -> None:
        connection = await connecting.connect(self._dsn, self._schema, idle_session_timeout=str(LEADER_IDLE_TIMEOUT_MS))
        try:
            sql = "SELECT pg_try_advisory_lock($1, hashtext($2))"
            if await connection.fetchval(sql, _ADVISORY_SPACE, self._schema):
                self.leading = True
                LEADING.labels(self._schema).set(1)
                await self._lead(connection)
        finally:
            connection.terminate()

    async def _lead(self, connection: Any) -> None:
        producer = kafka.Producer(self._bootstrap, client_id=f"paystream-{self._schema}-relay")
        try:
            while True:
                relayed = await self._relay_batch(connection, producer)
                if relayed:
                    self.drained.clear()
                else:
                    self.drained.set()
                await self._measure_depth(connection)
                if not relayed:
                    await wakeup.wait(self._written, POLL_S)
        finally:
            # Whatever was not acknowledged is still in the outbox; a late copy must not overtake the next leader.
            producer.discard()

    async def _relay_batch(self, connection: Any, producer: "kafka.Producer") -> int:
        rows = await connection.fetch(outbox.SELECT_BATCH, BATCH_ROWS_MAX)
        if not rows:
            return 0
        batch = asyncio.create_task(asyncio.to_thread(_produce, producer, rows))
        try:
            await self._await_acknowledged(connection, batch)
        except BaseException:
            producer.discard()  # Ends the thread's wait.
            with contextlib.suppress(Exception):
                await batch
            raise
        await connection.execute(outbox.DELETE_BATCH, [row["id"] for row in rows])
        RELAYED.labels(self._schema).inc(len(rows))
        return len(rows)

    async def _await_acknowledged(self, connection: Any, batch: "asyncio.Task[None]") -> None:
        """Wait for Kafka as long as it takes, showing the server that the leader lives."""
        started = time.monotonic()
        while not (await asyncio.wait({batch}, timeout=PING_S))[0]:
            await self._measure_depth(connection)
            await connection.execute("SELECT 1", timeout=PING_TIMEOUT_S)
            waited_s = time.monotonic() - started
            if waited_s > STALL_WARNING_S:
                _log.warning("kafka_not_acknowledging", service=self._schema, waited_s=round(waited_s, 1))
        await batch

    async def _measure_depth(self, connection: Any) -> None:
        if time.monotonic() < self._depth_due:
            return
        self._depth_due = time.monotonic() + DEPTH_EVERY_S
        row = await connection.fetchrow(outbox.SELECT_DEPTH, DEPTH_ROWS_MAX)
        DEPTH.labels(self._schema).set(row["rows"])
        age = (datetime.now(UTC) - row["oldest"]).total_seconds() if row["oldest"] else 0.0
        AGE.labels(self._schema).set(max(age, 0.0))


def _produce(producer: "kafka.Producer", rows: Sequence[Any]) -> None:
    """Produce rows and wait until each is acknowledged; runs in a thread of its own.

    Raises:
        DeliveryFailedError: One was refused, or the producer was discarded meanwhile.
    """
    headers = _Headers()
    for row in rows:
        producer.produce(topic=row["topic"], key=row["key"], value=row["value"], headers=headers.of(row))
    producer.wait_acknowledged()
    if producer.error is not None:
        raise DeliveryFailedError(str(producer.error))


class _Headers:
    """CloudEvents in Kafka's binary mode; what does not change from event to event is made once.

    Source: CloudEvents 1.0, Kafka protocol binding, section 3.2.
    """

    def __init__(self) -> None:
        self._fixed: dict[tuple[str, str], list[tuple[str, str | bytes]]] = {}

    def of(self, row: Any) -> list[tuple[str, str | bytes]]:
        """Return the headers of one outbox row."""
        if row["header_names"] is not None:
            return list(zip(row["header_names"], row["header_values"], strict=True))
        kind = (row["event_type"], row["dataschema"])
        fixed = self._fixed.get(kind) or self._fixed.setdefault(kind, _fixed_headers(*kind))
        own: list[tuple[str, str | bytes]] = [
            ("ce_id", row["event_id"]),
            ("ce_time", row["occurred_at"].isoformat()),
            ("ce_subject", row["key"]),
        ]
        if row["traceparent"]:
            own.append(("traceparent", row["traceparent"]))
        return own + fixed


def _fixed_headers(event_type: str, dataschema: str) -> list[tuple[str, str | bytes]]:
    service = event_type.split(".")[1]
    return [
        ("ce_type", event_type),
        ("ce_source", f"/paystream/{service}"),
        ("ce_specversion", "1.0"),
        ("ce_dataschema", dataschema),
        ("content-type", "application/avro"),
    ]
