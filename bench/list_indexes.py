"""`python -m bench.list_indexes`: what the indexes of lists cost the rows of a payment, in processor time and WAL.

Rows of CreatePayment (`payment`, `attempt`) are inserted in transactions of 256 as calls are, into copies of the tables
that are filled already: with all indexes, and with each one left out. The processor time is that of the server's
process of the connection, so that what else the machine does counts for little.
"""

import argparse
import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.ground import connected, running_stack
from paykit.testing import databases

FILLED = 100_000
"""Rows that are there before."""
MERCHANTS = 1_000
TRANSACTIONS = 100
ROWS = 256
ROUNDS = 3
TICKS_PER_S = 100
"""In which Linux counts a process's time."""

_COLUMNS = """
SELECT attname, format_type(atttypid, NULL) AS type, attnotnull AND NOT atthasdef AS needed FROM pg_attribute
WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = '' AND attidentity = ''
"""
_INDEXES = """
SELECT relname, pg_get_indexdef(oid) AS definition FROM pg_class
JOIN pg_index ON indexrelid = oid WHERE indrelid = $1::regclass ORDER BY relname
"""
# As a payment has them when it is accepted: ids in the order of time, merchants and references in none.
_VALUES = {
    "payment_id": "'pay_' || lpad(to_hex(n), 12, '0') || md5(n::text)::char(20)",
    "attempt_id": "'att_' || lpad(to_hex(n), 12, '0') || md5(n::text)::char(20)",
    "merchant_id": "'mer_' || md5((hashint8(n) % {merchants})::text)",
    "merchant_reference": "'order-' || md5(n::text)",
    "amount_minor": "n % 100000 + 1",
    "channel_reference": "'ch_' || md5(n::text)",
}
_BY_TYPE = {"text": "'CARD'", "bigint": "0", "smallint": "0", "integer": "0", "boolean": "false"}
WITHOUT_CHANNEL_REFERENCE = "channel_reference"
"""An attempt that is accepted has none; it comes with the outcome, and is measured for both."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What a row costs: microseconds of a processor, and bytes of WAL."""

    cpu_us: float
    wal_bytes: float


async def measure(connection: Any, table: str, *, answered: bool, without: str | None) -> Cost:
    """Fill a copy of a table, and insert rows of new payments.

    Args:
        connection: As the owner of the schema.
        table: That is copied with its indexes.
        answered: Whether rows have the channel's reference.
        without: An index that is left out.
    """
    await connection.execute(
        "CHECKPOINT"
    )  # What is written whole once after a checkpoint is written while it is filled.
    await connection.execute(f"DROP TABLE IF EXISTS copied; CREATE TABLE copied (LIKE {table} INCLUDING DEFAULTS)")
    for row in await connection.fetch(_INDEXES, table):
        if row["relname"] != without:
            definition = row["definition"].replace(f"INDEX {row['relname']} ", f"INDEX copied_{row['relname']} ")
            await connection.execute(re.sub(r" ON \S+ USING ", " ON copied USING ", definition, count=1))
    columns = {row["attname"]: row for row in await connection.fetch(_COLUMNS, table)}
    chosen = [name for name, row in columns.items() if row["needed"] or name in _VALUES]
    if not answered:
        chosen = [name for name in chosen if name != WITHOUT_CHANNEL_REFERENCE]
    values = [_value(name, columns[name]["type"]) for name in chosen]
    sql = f"INSERT INTO copied ({', '.join(chosen)}) SELECT {', '.join(values)} FROM generate_series($1::bigint, $2) n"
    await connection.execute(sql, 1, FILLED)
    pid = await connection.fetchval("SELECT pg_backend_pid()")
    before = _cpu_s(pid), await connection.fetchval("SELECT pg_current_wal_insert_lsn()")
    for at in range(TRANSACTIONS):
        first = FILLED + at * ROWS + 1
        await connection.execute(sql, first, first + ROWS - 1)
    wal = await connection.fetchval("SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), $1::pg_lsn)", before[1])
    rows = TRANSACTIONS * ROWS
    return Cost((_cpu_s(pid) - before[0]) * 1e6 / rows, float(wal) / rows)


def _value(name: str, type_: str) -> str:
    if name in _VALUES:
        return _VALUES[name].format(merchants=MERCHANTS)
    if type_ == "timestamp with time zone":
        return "'2030-01-01'::timestamptz + n * interval '1 ms'"
    return _BY_TYPE.get(type_, "NULL")


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_S


def _least(costs: Sequence[Cost]) -> Cost:
    """Return the least of rounds: what is above it is of the machine."""
    return Cost(min(cost.cpu_us for cost in costs), min(cost.wal_bytes for cost in costs))


async def compare(connection: Any, table: str, *, answered: bool = False) -> list[tuple[str, Cost]]:
    """Measure a table with all its indexes, and without each."""
    names = [row["relname"] for row in await connection.fetch(_INDEXES, table)]
    found: list[tuple[str, Cost]] = []
    for name in (None, *names):
        costs = [await measure(connection, table, answered=answered, without=name) for _ in range(ROUNDS)]
        found.append((name or "", _least(costs)))
    return found


async def _run(postgres: str, console: Console) -> None:
    template = await databases.make_template(postgres, ["payment"])
    async with databases.database(template) as url:
        admin_url = databases.admin_url_of(template, url)
        async with connected(admin_url, schema="payment") as connection:
            for table, answered in (("payment", False), ("attempt", False), ("attempt", True)):
                title = f"{table}, with the channel's reference" if answered else table
                _show(console, title, await compare(connection, table, answered=answered))


def _show(console: Console, title: str, costs: Sequence[tuple[str, Cost]]) -> None:
    whole = costs[0][1]
    shown = Table("index", "processor, us a row", "WAL, bytes a row", title=title)
    shown.add_row("all of them, and the row", f"{whole.cpu_us:.1f}", f"{whole.wal_bytes:.0f}")
    for name, cost in costs[1:]:
        shown.add_row(name, f"{whole.cpu_us - cost.cpu_us:.1f}", f"{whole.wal_bytes - cost.wal_bytes:.0f}")
    console.print(shown)


def main() -> None:
    """Measure, and print what each index costs."""
    parser = argparse.ArgumentParser(prog="python -m bench.list_indexes", description=__doc__)
    parser.add_argument("--postgres", help="a server of this machine to measure, its URL; else a stack's own")
    console, postgres = Console(), parser.parse_args().postgres
    if postgres:
        asyncio.run(_run(postgres, console))
        return
    with running_stack(console) as endpoints:
        asyncio.run(_run(endpoints.postgres, console))


if __name__ == "__main__":
    main()
