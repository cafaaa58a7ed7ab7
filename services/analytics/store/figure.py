"""The SQL of figures: added to, batch by batch, and read as they stand. A projection."""

from collections.abc import Mapping, Sequence
from typing import Any

from paykit.postgres.database import Tx
from paykit.postgres.rows import columns
from services.analytics.domain.figure import FigureKey, Measure, Tally
from services.analytics.domain.summary import Group, Sum
from services.analytics.store.change import ChangedKey

_COLUMNS = ", ".join(FigureKey._fields)

# The inbox keeps events away that were counted before; the rows go in the order of their keys.
_ADD = f"""
INSERT INTO figure AS old ({_COLUMNS}, count, amount_minor, duration_ms)
SELECT * FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::text[], $5::text[], $6::text[], $7::text[],
    $8::bigint[], $9::bigint[], $10::numeric[], $11::numeric[])
ON CONFLICT ({_COLUMNS}) DO UPDATE SET count = old.count + excluded.count,
    amount_minor = old.amount_minor + excluded.amount_minor, duration_ms = old.duration_ms + excluded.duration_ms
"""

_CHANGED = """
SELECT quarter_time, currency_code, merchant_id, channel, method, '', measure, reason,
    sum(count)::bigint, sum(amount_minor)::text, sum(duration_ms)::text
FROM figure JOIN unnest($1::text[], $2::text[], $3::timestamptz[]) AS changed (merchant_id, currency_code, quarter_time)
    USING (merchant_id, currency_code, quarter_time)
GROUP BY merchant_id, currency_code, quarter_time, channel, method, measure, reason
"""


def sum_of(row: Sequence[Any]) -> Sum:
    """Read a group, measure, reason and tally, in this order; what may exceed 2^63 - 1 comes as text."""
    values = tuple(row)
    *_, measure, reason, count, amount_minor, duration_ms = values
    return Sum(Group(*values[:6]), Measure(measure), reason, Tally(count, int(amount_minor), int(duration_ms)))


async def add_to_figures(tx: Tx, sums: Mapping[FigureKey, Tally]) -> None:
    """Add to figures, which come in the order of their keys."""
    if sums:
        tallies = columns(list(sums.values()), ("count", "amount_minor", "duration_ms"))
        await tx.run(_ADD, *map(list, zip(*sums, strict=True)), *tallies)


async def changed_figures(tx: Tx, keys: Sequence[ChangedKey]) -> list[Sum]:
    """Read all figures of quarters, merchants and currencies as they stand."""
    rows = await tx.fetch(_CHANGED, *map(list, zip(*keys, strict=True))) if keys else []
    return list(map(sum_of, rows))
