"""What the services' tables hold, read by an administrator while they run."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg


class Books:
    """One database with all services' tables; who looks at the same time waits for each other."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._one_at_a_time = asyncio.Lock()

    async def rows(self, sql: str, *args: Any) -> list[Any]:
        """Run a query."""
        async with self._one_at_a_time:
            return list(await self._connection.fetch(sql, *args))

    async def number(self, sql: str, *args: Any) -> int:
        """Run a query that counts."""
        async with self._one_at_a_time:
            return int(await self._connection.fetchval(sql, *args))

    async def outbox(self, *services: str) -> int:
        """Count the events that have not reached Kafka, those that it refuses included."""
        counts = ("coalesce(sum(events), 0) FROM {}.outbox", "count(*) FROM {}.outbox_held")
        waiting = [count.format(f'"{service}"') for service in services for count in counts]
        return sum([await self.number(f"SELECT {count}") for count in waiting])

    async def drained(self, *services: str) -> bool:
        """Say whether every event has reached Kafka."""
        return await self.outbox(*services) == 0

    async def captures(self) -> list[str]:
        """Give the captures that payment knows."""
        rows = await self.rows("SELECT capture_id FROM payment.payment WHERE capture_id IS NOT NULL")
        return [row["capture_id"] for row in rows]

    async def booked(self, transaction_type: str = "PaymentSuccess") -> list[str]:
        """Give what the ledger has booked under a type: the numbers of what moved the money."""
        sql = "SELECT related_no FROM accounting.transaction WHERE transaction_type = $1"
        return [row["related_no"] for row in await self.rows(sql, transaction_type)]


@asynccontextmanager
async def opened(admin_url: str) -> AsyncIterator[Books]:
    """Open a database as its administrator."""
    connection = await asyncpg.connect(admin_url.replace("+asyncpg", ""))
    try:
        yield Books(connection)
    finally:
        await connection.close()
