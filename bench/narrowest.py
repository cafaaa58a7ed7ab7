"""`python -m bench.narrowest`: where a payment's bytes on disk lie, and how few they could be.

Payments are made as for row (n). Shown are the relations of payment's tables as they are then, once they are packed
(`VACUUM FULL`), and those of two tables with the same contents in the narrowest types that there are: ids as uuid,
names of states, methods and currencies as numbers, counts as short as they may be, every row written once. Nothing that
a payment keeps is left out but what is never set in these, and the capture's id of an attempt, which its payment has.
"""

import argparse
import asyncio
from collections.abc import Mapping, Sequence

import asyncpg
from rich.console import Console
from rich.table import Table

from bench import footprint
from bench.ground import plot, prepare, running_stack
from paytools.localstack import Endpoints

PAYMENTS = 20_000
_TABLES = ("payment", "attempt")
_NARROW = ("narrow_payment", "narrow_attempt")

_ID = "right({column}, 32)::uuid AS {column}"
_CODE = "1::smallint AS {column}"
# What is wide comes first, or it would be padded.
_PAYMENT = {
    _ID: ("payment_id", "merchant_id", "capture_id", "correlation_id"),
    "{column}": ("create_time", "update_time", "amount_minor", "captured_minor", "fee_minor"),
    "{column}::integer AS {column}": ("fee_plan_version", "aggregate_version"),
    "{column}::smallint AS {column}": ("attempt_count", "capture_count"),
    _CODE: ("state", "currency_code", "method", "channel", "capture_mode"),
    "{column} ": (
        *("refund_fee_returned", "expiry_warned", "merchant_reference", "order_id", "method_token", "metadata"),
        *("channel_reference", "request_key", "request_hash", "failure_reason", "failure_code"),
    ),
}
_ATTEMPT = {
    _ID: ("attempt_id", "payment_id"),
    "{column}": ("due_time", "start_time", "create_time", "update_time", "expire_time", "amount_minor"),
    _CODE: ("action", "channel", "currency_code", "state", "inquiry_count"),
    "{column} ": ("contradicted", "overdue_told", "channel_reference", "failure_reason", "failure_code"),
}
_INDEXES = (
    "CREATE UNIQUE INDEX narrow_payment_pkey ON narrow_payment (payment_id)",
    "CREATE UNIQUE INDEX narrow_payment_reference ON narrow_payment (merchant_id, merchant_reference)",
    "CREATE UNIQUE INDEX narrow_payment_request_key ON narrow_payment (request_key)",
    "CREATE INDEX narrow_payment_of_merchant ON narrow_payment (uuid_hash_extended(merchant_id, 0), create_time)",
    "CREATE UNIQUE INDEX narrow_attempt_pkey ON narrow_attempt (attempt_id)",
    "CREATE INDEX narrow_attempt_of_payment ON narrow_attempt (payment_id)",
    "CREATE INDEX narrow_attempt_called ON narrow_attempt USING hash (channel_reference)",
)
_RELATIONS = """
SELECT relname, pg_relation_size(oid) AS bytes FROM pg_class
WHERE oid = ANY($1::text[]::regclass[]) OR oid IN (
    SELECT indexrelid FROM pg_index WHERE indrelid = ANY($1::text[]::regclass[]))
ORDER BY 2 DESC, 1
"""


async def measure(endpoints: Endpoints, *, payments: int) -> dict[str, dict[str, float]]:
    """Measure as they are, packed, and narrow; bytes a payment of each relation."""
    ground = await prepare(endpoints)
    async with plot(ground) as own, footprint.watched(own, "payment") as seen:
        await footprint.pay(own, seen, payments)
        found = {"as they are": await _sizes(seen.connection, _TABLES, payments)}
        for table, columns in zip(_NARROW, (_PAYMENT, _ATTEMPT), strict=True):
            await _make_narrow(seen.connection, table, columns)
        for sql in (*_INDEXES, *(f"VACUUM FULL {table}" for table in _TABLES)):
            await seen.connection.execute(sql)
        found["packed"] = await _sizes(seen.connection, _TABLES, payments)
        found["narrow and packed"] = await _sizes(seen.connection, _NARROW, payments)
        return found


async def _make_narrow(connection: asyncpg.Connection, table: str, columns: Mapping[str, Sequence[str]]) -> None:
    selected = ", ".join(form.format(column=column) for form, of_form in columns.items() for column in of_form)
    source = table.removeprefix("narrow_")
    await connection.execute(f"CREATE TABLE {table} AS SELECT {selected} FROM {source} ORDER BY {source}_id")


async def _sizes(connection: asyncpg.Connection, tables: Sequence[str], payments: int) -> dict[str, float]:
    rows = await connection.fetch(_RELATIONS, tables)
    return {row["relname"]: row["bytes"] / payments for row in rows if row["bytes"] >= payments}


def main() -> None:
    """Measure, and print the bytes of each relation."""
    parser = argparse.ArgumentParser(prog="python -m bench.narrowest", description=__doc__)
    parser.add_argument("--payments", type=int, default=PAYMENTS)
    payments, console = parser.parse_args().payments, Console()
    with running_stack(console) as endpoints:
        found = asyncio.run(measure(endpoints, payments=payments))
    for state, sizes in found.items():
        shown = Table("relation", "bytes a payment", title=f"payment's tables, {state}")
        for name, size in sizes.items():
            shown.add_row(name, f"{size:.0f}")
        shown.add_row("together", f"{sum(sizes.values()):.0f}")
        console.print(shown)


if __name__ == "__main__":
    main()
