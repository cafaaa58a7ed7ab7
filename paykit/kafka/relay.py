"""Carries the outbox to Kafka: at least once, in order per key.

One relay of a service leads, by an advisory lock that lives and dies with the connection it also reads and deletes by.
It reads the oldest rows, has them sent, and deletes exactly those ids that were acknowledged. A crash in between
repeats rows and reorders none.
"""

import asyncio
import time
from datetime import UTC, datetime
from typing import Any

import structlog
from prometheus_client import Gauge

from paykit.kafka.leading import Lead
from paykit.postgres import connecting, faults
from paykit.postgres import wakeups as wakeup
from paykit.postgres.faults import Fault

POLL_S = 0.5
"""The wait for a wake-up before looking anyway; a leader is never silent for longer."""
BESIDE_POLL_S = 0.1
"""The wait for a sender before looking for rows of other topics again."""
LEADER_IDLE_TIMEOUT_MS = 10_000
"""A leader that stopped (and so is silent) loses its connection, and with it the lead."""
CAMPAIGN_PAUSE_S = 1.0
"""Between two tries to become the leader, or after an error."""
DEPTH_EVERY_S = 5.0
DEPTH_ROWS_MAX = 100_000
"""Counting the backlog stops here."""
_ADVISORY_SPACE = 0x7061_7973
"""The first key of the advisory lock; the second is a hash of the schema's name."""

DEPTH = Gauge("paystream_outbox_rows", "Outbox rows waiting, counted to 100,000.", ["service"])
AGE = Gauge("paystream_outbox_oldest_seconds", "Age of the oldest outbox row waiting.", ["service"])
LEADING = Gauge("paystream_relay_leading", "1 while this process relays the service's outbox.", ["service"])

_log = structlog.get_logger()


class Relay:
    """The relay of one service; several may run, one leads."""

    @property
    def service(self) -> str:
        """Return whose outbox it relays."""
        return self._schema

    def __init__(self, *, dsn: str, schema: str, kafka_bootstrap: str, wakeups: wakeup.Wakeups) -> None:
        self._dsn = dsn
        self._schema = schema
        self._bootstrap = kafka_bootstrap
        self._written = wakeups.event(wakeup.OUTBOX)
        self._depth_due = 0.0
        self.leading = False
        self.drained = asyncio.Event()
        """Set while this relay leads and saw the outbox empty at its last look; what is held back does not count."""

    async def run(self) -> None:
        """Campaign for the lead, relay while leading, for ever until cancelled."""
        while True:
            try:
                await self._campaign()
            except Exception as error:
                if faults.sort(error) is not Fault.UNAVAILABLE:
                    raise
                _log.warning("relay_interrupted", service=self._schema, error=str(error))
            finally:
                self.leading = False
                LEADING.labels(self._schema).set(0)
                # From now on another process knows: what was measured last is not true any more.
                for gauge in (DEPTH, AGE):
                    gauge.remove(self._schema)
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
        lead = Lead(connection, schema=self._schema, bootstrap=self._bootstrap)
        try:
            await lead.prepare()
            while True:
                relayed = await lead.round()
                if relayed or lead.working:
                    self.drained.clear()
                else:
                    self.drained.set()
                await self._measure(lead)
                if not relayed:
                    await self._pause(lead)
        finally:
            await lead.close()

    async def _pause(self, lead: Lead) -> None:
        # While a sender is at work, each look passes over the rows that wait for it: not one for each wake-up.
        if lead.awaiting:
            await wakeup.wait(lead.progress, BESIDE_POLL_S)
        else:
            await wakeup.wait(self._written, POLL_S)

    async def _measure(self, lead: Lead) -> None:
        if time.monotonic() < self._depth_due:
            return
        self._depth_due = time.monotonic() + DEPTH_EVERY_S
        row = await lead.measure(DEPTH_ROWS_MAX)
        DEPTH.labels(self._schema).set(row["rows"])
        age = (datetime.now(UTC) - row["oldest"]).total_seconds() if row["oldest"] else 0.0
        AGE.labels(self._schema).set(max(age, 0.0))
