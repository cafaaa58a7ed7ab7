"""A look at the outbox costs what is in it, though an old snapshot keeps every row that was deleted since."""

import json
from pathlib import Path
from typing import Any

from paykit.postgres import connecting, outbox
from paykit.testing import runtimes
from tests import probe

ROWS = 20_000
_FILL = """
INSERT INTO outbox (topic, key, event_id, event_type, dataschema, occurred_at, value)
SELECT 't', n::text, '', '', '', now(), '' FROM generate_series(1, $1::integer) n
"""


async def blocks(connection: Any, after: int) -> int:
    """Count the pages that a look touches."""
    sql = outbox.SELECT_BATCH.replace("$1", str(after)).replace("$2", "1000")
    plan = json.loads(await connection.fetchval(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {sql}"))[0]["Plan"]
    assert plan["Actual Rows"] == 1
    return int(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])


async def test_a_look_after_the_settled_rows_touches_no_dead_ones(probe_url: str, tmp_path: Path) -> None:
    async with runtimes.runtime(probe.SERVICE, probe_url, cache_dir=tmp_path) as runtime:
        working, dumping = [await connecting.connect(runtime.database.url, "probe") for _ in range(2)]
        await working.execute(_FILL, ROWS)
        settled = await working.fetchval(outbox.SELECT_LAST_ID)
        async with dumping.transaction(isolation="repeatable_read", readonly=True):
            assert await dumping.fetchval("SELECT count(*) FROM outbox") == ROWS
            await working.execute("DELETE FROM outbox")
            await working.execute(_FILL, 1)
            # Twice, for the first look would mark what is dead to all, if it was.
            from_begin = [await blocks(working, -1) for _ in range(2)]
            from_settled = await blocks(working, settled)
        for connection in (working, dumping):
            await connection.close()
    assert from_begin[1] > 20 * from_settled
