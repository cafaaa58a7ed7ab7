"""Row (i): a statement file against as many movements, by `paystream serve reconciliation`.

The movements are there, as events have told them; then the file is sent by ImportStatement and every line of it is to
meet its movement by the channel's reference. The clock runs from the first byte sent until the last line is matched.
"""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta

import asyncpg
import grpc
from google.api.httpbody_pb2 import HttpBody

from bench import children
from bench.figures import Figures
from bench.ground import Ground, connected, plot
from paykit.errors import InvariantError
from paystream.reconciliation.v1 import reconciliation_pb2_grpc, statement_pb2

LOOK_EVERY_S = 0.5
RECONCILED_S_MAX = 600.0
CHANNEL = "cards"
CHUNK_BYTES = 900_000
AMOUNT_MINOR = 1_250
AGE = timedelta(hours=1)
"""Of movements: less than the time that a channel has, so that none is called missing while the file is on its way."""
HEADER = "line_id,operation,amount,currency_code,channel_fee,line_date,channel_reference\n"

_MOVEMENTS = (
    *("movement_id", "operation", "related_no", "root_reference", "channel", "channel_reference", "attempt_id"),
    *("merchant_id", "amount_minor", "currency_code", "occurred_at", "correlation_id"),
)
_MATCHED = "SELECT count(*) FROM line_outcome WHERE status = 'MATCHED'"
_DECIDED = "SELECT count(*) FROM movement_outcome WHERE status = 'MATCHED'"


async def measure(ground: Ground, *, lines: int) -> Figures:
    """Measure reconciling a file of so many lines.

    Raises:
        InvariantError: Not every line met its own movement.
        TimeoutError: It took longer than RECONCILED_S_MAX.
    """
    async with plot(ground) as own, connected(own.admin_url, schema="reconciliation") as connection:
        await _record_movements(connection, lines)
        async with children.service(own, "reconciliation") as address:
            began = time.monotonic()
            await _import(address, lines)
            imported_s = time.monotonic() - began
            while (matched := await connection.fetchval(_MATCHED)) < lines:
                if time.monotonic() - began > RECONCILED_S_MAX:
                    raise TimeoutError(f"{matched} of {lines} lines after {RECONCILED_S_MAX:.0f} s")
                await asyncio.sleep(LOOK_EVERY_S)
            seconds, memory_mib = time.monotonic() - began, children.peak_mib("reconciliation")
        if (decided := await connection.fetchval(_DECIDED)) != lines:
            raise InvariantError(f"{lines} lines matched, and {decided} movements")
    return {
        "reconciling": lines / seconds,
        "reconciling_s": seconds,
        "reconciling_import_s": imported_s,
        "reconciling_mib": memory_mib,
    }


async def _record_movements(connection: asyncpg.Connection, count: int) -> None:
    await connection.copy_records_to_table("internal_transaction", records=_movements(count), columns=_MOVEMENTS)
    waiting = "INSERT INTO open_movement SELECT movement_id, channel, true, NULL FROM internal_transaction"
    await connection.execute(waiting)


def _movements(count: int) -> Iterator[tuple[object, ...]]:
    occurred_at = datetime.now(UTC) - AGE
    for number in range(count):
        capture_id = f"cap_{number:032x}"
        yield (
            *(f"CAPTURE:{capture_id}", "CAPTURE", capture_id, f"pay_{number:032x}", CHANNEL, f"ch_{number}"),
            *(f"att_{number:032x}", "mer_" + "0" * 32, AMOUNT_MINOR, "USD", occurred_at, f"cor_{number}"),
        )


async def _import(address: str, lines: int) -> None:
    async with grpc.aio.insecure_channel(address) as channel:
        stub = reconciliation_pb2_grpc.ReconciliationOperationsServiceStub(channel)
        await stub.ImportStatement(_requests(lines), timeout=RECONCILED_S_MAX)


async def _requests(lines: int) -> AsyncIterator[statement_pb2.ImportStatementRequest]:
    yield statement_pb2.ImportStatementRequest(
        header=statement_pb2.StatementHeader(
            request_id=str(uuid.uuid4()),
            channel=CHANNEL,
            format=statement_pb2.STATEMENT_FORMAT_CSV,
            file_name="day.csv",
        )
    )
    held, day = HEADER, (datetime.now(UTC) - AGE).date().isoformat()
    for number in range(lines):
        held += f"line-{number},CAPTURE,12.50,USD,0.19,{day},ch_{number}\n"
        if len(held) > CHUNK_BYTES:
            yield statement_pb2.ImportStatementRequest(file=HttpBody(data=held.encode()))
            held = ""
    yield statement_pb2.ImportStatementRequest(file=HttpBody(data=held.encode()))
