"""What the runtime keeps is bounded in time."""

import asyncio
from datetime import timedelta

import sqlalchemy

from paykit.clock import ManualClock
from paykit.consume.store.inbox import INBOX
from paykit.postgres.database import Tx
from paykit.postgres.partitions import time_partitions
from paykit.postgres.partitions.time_partitions import Kept
from paykit.process import migrate
from paykit.process.runtime import Runtime
from paykit.serve import idempotency
from paykit.serve.idempotency import EXPIRED_ROWS_MAX, Claim
from paykit.testing import databases
from paystream.payment.v1.payment_pb2 import CreatePaymentRequest
from tests import probe
from tests.integration.runtime import earlier_build
from tests.integration.runtime.arrivals import arrival, deliver, keys_of


def advance(runtime: Runtime, **by: float) -> None:
    assert isinstance(runtime.clock, ManualClock)
    runtime.clock.advance(timedelta(**by))


async def inbox_tables(runtime: Runtime) -> list[str]:
    sql = "SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = 'inbox'::regclass ORDER BY 1"
    return [row["name"] for row in await runtime.read(lambda tx: tx.fetch(sql))]


async def keep_inbox(runtime: Runtime) -> Kept:
    return await time_partitions.keep(runtime.database, INBOX)


async def test_the_inbox_has_a_table_for_each_day_to_come_and_none_past_retention(runtime: Runtime) -> None:
    assert (await keep_inbox(runtime)).missing == 0
    days = ["inbox_20260301", "inbox_20260302", "inbox_20260303", "inbox_20260304"]
    assert await inbox_tables(runtime) == [*days, "inbox_default"]
    await deliver(runtime, [arrival(runtime, probe.payment_created("pay_1"))])
    advance(runtime, days=14)
    await keep_inbox(runtime)
    later = ["inbox_20260315", "inbox_20260316", "inbox_20260317", "inbox_20260318"]
    assert await inbox_tables(runtime) == [*days, *later, "inbox_default"]
    advance(runtime, days=1)
    await keep_inbox(runtime)
    assert await inbox_tables(runtime) == [*days[1:], *later, "inbox_20260319", "inbox_default"]
    assert await runtime.read(lambda tx: tx.fetch("SELECT FROM inbox")) == []


async def test_events_that_came_before_their_day_s_table_do_not_keep_the_next_days_from_theirs(
    runtime: Runtime,
) -> None:
    early = arrival(runtime, probe.payment_created("pay_1"))
    await deliver(runtime, [early])
    assert (await keep_inbox(runtime)).missing == 1
    assert await inbox_tables(runtime) == ["inbox_20260302", "inbox_20260303", "inbox_20260304", "inbox_default"]
    await deliver(runtime, [early])
    assert await keys_of(runtime, "seen") == ["pay_1"]
    advance(runtime, days=15)
    assert (await keep_inbox(runtime)).missing == 0
    assert await runtime.read(lambda tx: tx.fetch("SELECT FROM inbox")) == []


async def test_replies_of_earlier_builds_are_forgotten_after_a_day_and_some_at_a_time(runtime: Runtime) -> None:
    await earlier_claim(runtime)
    await let_pass(runtime, "23 hours")
    sql = (
        "INSERT INTO idempotency_key (caller, method, request_id, request_hash, create_time) "
        "SELECT 'b', 'Count', gen_random_uuid(), '', now() FROM generate_series(1, $1)"
    )
    await runtime.transaction(lambda tx: tx.run(sql, EXPIRED_ROWS_MAX))
    assert await runtime.transaction(idempotency.delete_expired) is False
    assert await callers(runtime) == {"a", "b"}
    await let_pass(runtime, "1 hour 1 second")
    assert await runtime.transaction(idempotency.delete_expired) is False
    assert await callers(runtime) == {"b"}
    await let_pass(runtime, "24 hours")
    assert await runtime.transaction(idempotency.delete_expired) is True
    assert await callers(runtime) == set()


async def test_stored_replies_are_kept_for_a_day_of_real_time_however_far_the_clock_is_moved(runtime: Runtime) -> None:
    await earlier_claim(runtime)
    advance(runtime, days=400)
    assert await runtime.transaction(idempotency.delete_expired) is False
    assert await callers(runtime) == {"a"}


async def let_pass(runtime: Runtime, span: str) -> None:
    """Make all stored replies older: their age is real time, which no test can wait for."""
    sql = "UPDATE idempotency_key SET create_time = create_time - $1::text::interval"
    await runtime.transaction(lambda tx: tx.run(sql, span))


async def callers(runtime: Runtime) -> set[str]:
    return {row["caller"] for row in await runtime.read(lambda tx: tx.fetch("SELECT caller FROM idempotency_key"))}


async def earlier_claim(runtime: Runtime) -> None:
    request_id = "00000000-0000-4000-8000-000000000000"
    claim = Claim.of(("a", "Count", request_id), CreatePaymentRequest(request_id=request_id))

    async def work(tx: Tx) -> None:
        await earlier_build.claim(tx, [claim])
        await earlier_build.store(tx, [(claim.key, b"reply")])

    await runtime.transaction(work)


async def test_services_that_start_together_make_their_database_once(probe_template: str) -> None:
    name = sqlalchemy.make_url(probe_template).database
    url = sqlalchemy.make_url(probe_template).set(database=f"{name}_new").render_as_string(hide_password=False)
    try:
        password = databases.SERVICE_PASSWORD
        await asyncio.gather(*(migrate.init(url, ["probe"], password=password) for _ in range(4)))
    finally:
        await databases._administer(sqlalchemy.make_url(probe_template), f'DROP DATABASE "{name}_new" WITH (FORCE)')
