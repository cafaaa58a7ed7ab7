"""`paystream outbox` as a person runs it, on a ledger of whose events Kafka refused some."""

from datetime import UTC, datetime, timedelta

import pytest

from paykit.postgres.database import Tx
from paykit.postgres.held import outbox_holds
from tests.integration.cli.test_set_aside import Ledger, ledger, run

__all__ = ["ledger"]

_HELD = """
INSERT INTO outbox_held (id, topic, key, event_id, event_type, dataschema, occurred_at)
SELECT n, $1, $2, '', '', '', now() FROM generate_series($3::bigint, $4::bigint) n
"""


async def hold(tx: Tx, topic: str, key: str | None, rows: range) -> None:
    await tx.run(outbox_holds.REFUSE, topic, key, rows[0], "MSG_SIZE_TOO_LARGE", "Message size too large")
    await tx.run("UPDATE outbox_hold SET retry_time = clock_timestamp() + interval '1 hour'")
    await tx.run(_HELD, topic, key or "other", rows[0], rows[-1])


async def test_what_is_refused_is_listed_and_tried_now(ledger: Ledger, capsys: pytest.CaptureFixture[str]) -> None:
    await ledger.runtime.transaction(lambda tx: hold(tx, "a.events", "txn_1", range(10, 13)))
    await ledger.runtime.transaction(lambda tx: hold(tx, "b.events", None, range(20, 22)))
    assert await run("outbox", "list", "accounting") == 0
    keyed, whole = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    assert keyed[2:7] == ["a.events", "txn_1", "10", "3", "1"]
    assert keyed[8:] == ["MSG_SIZE_TOO_LARGE", "Message size too large"]
    assert whole[2:7] == ["b.events", "*", "20", "2", "1"]

    assert await run("outbox", "retry", "accounting", keyed[0]) == 0
    assert await due(ledger) == [("a.events", "txn_1")]
    assert await run("outbox", "retry", "accounting") == 0
    assert await due(ledger) == [("a.events", "txn_1"), ("b.events", None)]
    assert await run("outbox", "retry", "accounting", "404") == 1
    assert "there is no hold 404" in capsys.readouterr().err


async def test_each_refusal_doubles_the_pause_up_to_a_bound(ledger: Ledger) -> None:
    pauses = []
    for _ in range(9):
        sql = "SELECT retry_time - clock_timestamp() AS pause FROM outbox_hold"
        await ledger.runtime.transaction(
            lambda tx: tx.run(outbox_holds.REFUSE, "a.events", "txn_1", 10, "INVALID_RECORD", "refused")
        )
        pauses.append((await ledger.runtime.read(lambda tx: tx.fetch(sql)))[0]["pause"])  # noqa: B023
    expected = [5, 10, 20, 40, 80, 160, 300, 300, 300]
    for pause, seconds in zip(pauses, expected, strict=True):
        # What has gone by since the statement is taken off.
        assert timedelta(seconds=seconds / 2) < pause <= timedelta(seconds=seconds)


async def due(ledger: Ledger) -> list[tuple[str, str | None]]:
    rows = await ledger.runtime.read(lambda tx: tx.fetch("SELECT * FROM outbox_hold ORDER BY hold_id"))
    return [outbox_holds.target(row) for row in rows if row["retry_time"] <= datetime.now(UTC)]


async def test_batches_are_written_when_somebody_says_so(ledger: Ledger, capsys: pytest.CaptureFixture[str]) -> None:
    for option, batches, told in (("--off", False, "single events from 60 s"), ("--on", True, "batches from 60 s")):
        assert await run("outbox", "batches", "accounting", option) == 0
        assert told in capsys.readouterr().out
        rows = await ledger.runtime.read(lambda tx: tx.fetch("SELECT batches FROM outbox_format"))
        assert [row["batches"] for row in rows] == [batches]
