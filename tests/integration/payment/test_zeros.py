"""Zeros of payments stand as NULL: rows of builds that wrote 0 are read as before, and the rules hold for both."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import pytest
import sqlalchemy

from paykit.process import migrate
from paykit.testing import databases, runtimes
from paystream.payment.v1 import payment_pb2 as pb
from paytools.localstack import Endpoints
from services.payment.service import SERVICE
from services.payment.store.payment import ZEROS
from tests.integration.payment.conftest import House, ScriptedChannel

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
CREATED, AUTHORIZED, PAID = (f"pay_{'0' * 31}{number}" for number in (1, 2, 3))
# As builds before wrote them: what is not named began with the default of 0.
_GIVEN = (
    "payment_id, merchant_id, merchant_reference, amount_minor, currency_code, method, method_token, metadata, "
    "channel, correlation_id, aggregate_version, create_time, update_time"
)
_ROW = f"""
INSERT INTO payment ({_GIVEN}, state{{columns}})
VALUES ($1, $2, $1, 10000, 'USD', 'CARD', 'tok', '{{{{}}}}', 'simulator', 'cor_1', 2, $3, $3, {{values}})
"""
_OLD = {
    CREATED: ("", "'CREATED'"),
    AUTHORIZED: (", capture_mode, authorized_minor, capturing_minor", "'AUTHORIZED', 'MANUAL', 10000, 2500"),
    PAID: (
        (
            ", captured_minor, capture_count, refunded_minor, fee_minor, fee_returned_minor, fee_plan_version, "
            "capture_id, channel_reference"
        ),
        f"'SUCCEEDED', 10000, 1, 4000, 320, 116, 1, 'cap_{'0' * 32}', 'ch_1'",
    ),
}


@pytest.fixture
async def old_rows(stack: Endpoints) -> AsyncIterator[tuple[str, asyncpg.Connection]]:
    """A database of the build before zeros could be left out: an administrator's URL, and a connection."""
    url = await databases.make_template(stack.postgres, [])
    await migrate.init(url, ["payment"], password=databases.SERVICE_PASSWORD)
    await migrate.migrate(url, ["payment"], target="payment_0020")
    connection = await asyncpg.connect(url, server_settings={"search_path": "payment"}, statement_cache_size=0)
    for payment_id, (columns, values) in _OLD.items():
        await connection.execute(_ROW.format(columns=columns, values=values), payment_id, "mer_1", NOON)
    yield url, connection
    await connection.close()


async def zeros(connection: asyncpg.Connection, payment_id: str) -> set[str]:
    """Return the columns that hold 0."""
    row = await connection.fetchrow(f"SELECT {', '.join(ZEROS)} FROM payment WHERE payment_id = $1", payment_id)
    return {column for column, value in row.items() if value == 0}


async def test_old_rows_are_read_as_before_and_what_changes_leaves_its_zeros_out(
    old_rows: tuple[str, asyncpg.Connection], tmp_path: Path
) -> None:
    url, connection = old_rows
    await migrate.migrate(url, ["payment"])
    server = sqlalchemy.make_url(url)
    plain = sqlalchemy.URL.create("postgresql", host=server.host, port=server.port, database=server.database)
    async with runtimes.runtime(SERVICE, str(plain), cache_dir=tmp_path) as runtime:
        runtimes.act_as("merchant-system")
        house = House(runtime, ScriptedChannel())  # type: ignore[abstract]  # Not served here.
        house.merchant_id = "mer_1"
        await house.know_merchant()
        created, authorized, paid = [await house.get(payment_id) for payment_id in (CREATED, AUTHORIZED, PAID)]
        assert (created.state, created.captured_minor, created.fee_minor) == (pb.PAYMENT_STATE_CREATED, 0, 0)
        assert (authorized.authorized_minor, authorized.capturing_minor) == (10_000, 2_500)
        assert (authorized.captured_minor, authorized.cancelled_minor) == (0, 0)
        assert (paid.captured_minor, paid.refunded_minor, paid.refunding_minor) == (10_000, 4_000, 0)
        assert (paid.fee_minor, paid.fee_returned_minor) == (320, 116)
        await house.refund(PAID, 1_000)
        assert (await house.get(PAID)).refunding_minor == 1_000
        assert await zeros(connection, PAID) == {"metadata_version"}  # Which a refund does not write.
        assert await zeros(connection, CREATED) == set(ZEROS)
        runtimes.leave_call()


async def test_a_row_that_begins_on_the_schema_between_has_zeros_that_builds_before_can_read(
    old_rows: tuple[str, asyncpg.Connection],
) -> None:
    url, connection = old_rows
    await migrate.migrate(url, ["payment"], target="payment_0023")
    columns, values = _OLD[CREATED]
    other = f"pay_{'0' * 31}4"
    await connection.execute(_ROW.format(columns=columns, values=values), other, "mer_1", NOON)
    assert await zeros(connection, other) == set(ZEROS)
    rules = "SELECT conname FROM pg_constraint WHERE conrelid = 'payment'::regclass AND NOT convalidated"
    assert [row[0] for row in await connection.fetch(rules)] == ["payment_stated_whole"]


async def test_a_payment_has_no_zeros_from_its_begin_to_its_end(house: House) -> None:
    payment = await house.paid()
    assert (payment.captured_minor, payment.refunded_minor, payment.fee_minor) == (10_000, 0, 320)
    [row] = await house.runtime.read(lambda tx: tx.fetch(f"SELECT {', '.join(ZEROS)} FROM payment"))
    held = {column: value for column, value in zip(ZEROS, row, strict=True) if value is not None}
    assert held == {"captured_minor": 10_000, "fee_minor": 320, "capture_count": 1}
    traces = await house.runtime.read(lambda tx: tx.fetch("SELECT traceparent FROM attempt"))
    assert [trace[0] for trace in traces] == [None]


@pytest.mark.parametrize(
    "change",
    [
        "captured_minor = NULL",
        "capture_id = NULL",
        "reversed_minor = 10001",
        "refunded_minor = 10001",
        "refunding_minor = -1",
        "disputed_minor = 9000, refunded_minor = 1001",
        "lost_minor = 1",
        "fee_minor = 10001",
        "fee_minor = NULL, fee_returned_minor = 1",
        "fee_returning_minor = 321",
        "authorized_minor = 1",
        "capturing_minor = 1",
        "cancelled_minor = 1, cancel_reason = 'REQUESTED'",
        "expire_time = now()",
    ],
)
async def test_the_table_refuses_of_what_was_paid_what_the_domain_would_not_do(house: House, change: str) -> None:
    await house.paid()
    await refused(house, change)


@pytest.mark.parametrize(
    "change",
    [
        "authorized_minor = NULL",
        "authorized_minor = 10001",
        "captured_minor = 1",
        "capturing_minor = 10001",
        "cancelling_minor = 1",
        "capturing_minor = 1, cancelling_minor = 1, cancel_reason = 'REQUESTED'",
        "cancelled_minor = 1, cancel_reason = 'REQUESTED'",
        "state = 'CANCELLED'",
        "reversed_minor = 1",
        "refunded_minor = 1",
        "disputed_minor = 1",
        "fee_minor = 1",
        "fee_returned_minor = 1",
    ],
)
async def test_the_table_refuses_of_what_is_authorized_what_the_domain_would_not_do(house: House, change: str) -> None:
    await house.authorized()
    await refused(house, change)


async def refused(house: House, change: str) -> None:
    with pytest.raises(asyncpg.CheckViolationError):
        await house.runtime.transaction(lambda tx: tx.run(f"UPDATE payment SET {change}"))
