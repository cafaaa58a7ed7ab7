"""The SQL that tells which lines and movements belong together; all of it works on a batch of lines of one channel.

A line has a row in `open_line` until a movement is found for it, and one in `line_outcome` once it is decided: matched,
different, or missing. It is the same with movements, `open_movement` and `movement_outcome`. Lines and movements
themselves never change, so that nothing that is decided is read again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg

from paykit.postgres.database import Tx
from services.reconciliation.domain.pairing import Dated
from services.reconciliation.domain.rule_set import Fee, MatchingRule, Reference, RuleKind
from services.reconciliation.store.statement import OWN_ID

MATCHED = "MATCHED"
NO_MONEY_OPERATIONS = ("AUTHORIZE", "CANCEL")
"""Lines of these move no money, and so have no counterpart."""
STATEMENT_OPERATIONS = ("FEE", "PAYOUT_TO_PLATFORM")
"""Lines of these belong to their statement as a whole."""
_MATCHING_LOCK = 0x7265_636F

_LOCK = "SELECT pg_try_advisory_xact_lock($1, hashtext($2)) AS locked"

_NESTED_LOOPS = "SELECT set_config('enable_nestloop', $1, true)"
_WHOLE_TABLES = "SELECT set_config('enable_seqscan', $1, true)"

_CHANNELS = """
SELECT channel,
    EXISTS (SELECT FROM open_line o WHERE o.channel = c.channel AND o.fresh)
        OR EXISTS (SELECT FROM open_movement m WHERE m.channel = c.channel AND m.fresh) AS fresh,
    EXISTS (SELECT FROM open_line o WHERE o.channel = c.channel AND NOT o.fresh AND o.due_time <= $1
        AND NOT o.operation = ANY($2::text[])) AS lines_due,
    EXISTS (SELECT FROM open_movement m WHERE m.channel = c.channel AND m.due_time <= $1) AS movements_due
FROM (SELECT DISTINCT channel FROM statement UNION SELECT DISTINCT channel FROM open_movement) c
ORDER BY channel
"""

_FRESH = "SELECT line_no FROM open_line WHERE {bounds}channel = $1 AND fresh ORDER BY line_no LIMIT $2"
_ANY_FRESH = "SELECT EXISTS (SELECT FROM open_line WHERE channel = $1 AND fresh)"
_STILL_OPEN = "SELECT line_no FROM open_line WHERE line_no = ANY($1::bigint[]) ORDER BY line_no"

_KEEP_OPEN = """
UPDATE open_line o SET fresh = false, due_time = CASE
    WHEN EXISTS (SELECT FROM line_outcome d WHERE d.line_no = o.line_no) THEN NULL
    ELSE coalesce(o.due_time, $2) END
WHERE line_no = ANY($1::bigint[])
"""

# What `decided` holds becomes the outcome of lines and movements; given back is what people must hear of.
_APPLY = """
gone AS (DELETE FROM open_line o USING decided d WHERE o.line_no = d.line_no),
kept AS (
    INSERT INTO line_outcome (line_no, status, rule, movement_id)
    SELECT DISTINCT ON (line_no) line_no, status, $2, movement_id FROM decided ORDER BY line_no, movement_id
    ON CONFLICT (line_no) DO UPDATE
        SET status = excluded.status, rule = excluded.rule, movement_id = excluded.movement_id
),
closed AS (
    DELETE FROM open_movement m USING decided d
    WHERE m.movement_id = d.movement_id AND d.status <> 'DUPLICATE'
),
told AS (
    INSERT INTO movement_outcome (movement_id, status, line_no)
    SELECT DISTINCT ON (movement_id) movement_id, status, line_no FROM decided
    WHERE movement_id IS NOT NULL AND status <> 'DUPLICATE' ORDER BY movement_id, line_no
    ON CONFLICT (movement_id) DO UPDATE SET status = excluded.status, line_no = excluded.line_no
    -- A failure told of what has its line is one more line: were it the movement's, a third could have the movement.
    WHERE NOT (excluded.status = 'CONTRADICTED' AND movement_outcome.line_no IS NOT NULL
        AND movement_outcome.status <> 'CONTRADICTED')
)
SELECT line_no, movement_id, status FROM decided WHERE status <> 'MATCHED'
"""

# Lines and movements that name the same thing, rank by rank; exact ones of one amount and currency come first, so that
# one wrong amount among several of one reference is one difference.
_BY_REFERENCE = """
WITH line AS MATERIALIZED (
    SELECT l.line_no, l.operation, l.outcome, l.amount_minor, l.currency_code, l.channel_fee_minor,
        l.settlement_amount_minor, l.settlement_currency_code, {line_reference} AS reference
    FROM unnest($1::bigint[]) AS n(line_no)
    JOIN LATERAL (SELECT * FROM statement_line s WHERE s.line_no = n.line_no OFFSET 0) l ON true
    WHERE {line_reference} IS NOT NULL
),
named AS (SELECT DISTINCT operation, reference FROM line),
-- Found by the reference alone: while PostgreSQL has no statistics, it would read all of the channel for each of them.
found AS MATERIALIZED (
    SELECT i.movement_id, i.operation, n.reference, i.amount_minor, i.currency_code, i.occurred_at,
        o.line_no IS NOT NULL AS taken, o.status AS status
    FROM named n JOIN LATERAL (
        SELECT * FROM internal_transaction t
        WHERE t.{movement_reference} = n.reference AND t.operation = n.operation AND t.channel || '' = $3 OFFSET 0
    ) i ON true
    LEFT JOIN LATERAL (
        SELECT line_no, status FROM movement_outcome t
        WHERE t.movement_id = i.movement_id AND t.line_no IS NOT NULL AND t.status <> 'CONTRADICTED' OFFSET 0
    ) o ON true
),
free AS (
    SELECT *, row_number() OVER (PARTITION BY operation, reference{exactly} ORDER BY occurred_at, movement_id) AS rank
    FROM found WHERE NOT taken
),
ranked AS (
    SELECT *, row_number() OVER (PARTITION BY operation, reference{exactly} ORDER BY line_no) AS rank FROM line
),
paired AS (
    SELECT r.*, f.movement_id, f.amount_minor AS expected_minor, f.currency_code AS expected_currency_code
    FROM ranked r JOIN free f ON f.operation = r.operation AND f.reference = r.reference AND f.rank = r.rank{exact_pair}
),
judged AS (
    SELECT line_no, movement_id, CASE
        WHEN outcome = 'FAILED' THEN 'CONTRADICTED'
        WHEN currency_code <> expected_currency_code
            AND settlement_currency_code IS DISTINCT FROM expected_currency_code THEN 'CURRENCY_MISMATCH'
        WHEN currency_code = expected_currency_code AND abs(amount_minor - expected_minor)
            > greatest($4, expected_minor::numeric * $5 / 10000) THEN 'AMOUNT_MISMATCH'
        WHEN currency_code <> expected_currency_code AND abs(settlement_amount_minor::numeric - expected_minor)
            > greatest($4, $9, expected_minor::numeric * $5 / 10000) THEN 'AMOUNT_MISMATCH'
        WHEN operation = 'CAPTURE' AND $6::bigint IS NOT NULL AND currency_code = expected_currency_code
            AND abs(channel_fee_minor - (div(expected_minor::numeric * $6 + 5000, 10000) + $7)) > $8
            THEN 'FEE_MISMATCH'
        ELSE 'MATCHED' END AS status
    FROM paired
),
decided AS (SELECT * FROM judged{repeated}),
"""
# A line of something for which there is no other movement repeats the line that has it; where there are several, that
# of another amount, which it may complete.
_REPEATED = """
    UNION ALL
    SELECT r.line_no, f.movement_id, CASE r.outcome WHEN 'FAILED' THEN 'CONTRADICTED' ELSE 'DUPLICATE' END
    FROM ranked r JOIN (
        SELECT DISTINCT ON (operation, reference) operation, reference, movement_id
        FROM found LEFT JOIN judged USING (movement_id)
        ORDER BY operation, reference, coalesce(judged.status, found.status) <> 'AMOUNT_MISMATCH', movement_id
    ) f ON f.operation = r.operation AND f.reference = r.reference
    WHERE NOT EXISTS (SELECT FROM judged p WHERE p.line_no = r.line_no)
"""

_DECIDE = """
WITH decided AS (
    SELECT * FROM unnest($1::bigint[], $3::text[], $4::text[]) AS d(line_no, movement_id, status)
),
"""

_NO_MONEY = """
WITH decided AS (
    SELECT line_no, NULL::text AS movement_id, 'MATCHED' AS status
    FROM unnest($1::bigint[]) AS n(line_no) JOIN statement_line USING (line_no) WHERE operation = ANY($3::text[])
),
"""

_WITHOUT_REFERENCE = """
SELECT l.line_no, l.operation, l.currency_code, l.amount_minor, coalesce(l.value_date, l.line_date) AS day
FROM unnest($1::bigint[]) AS n(line_no) JOIN statement_line l USING (line_no)
WHERE l.attempt_id IS NULL AND l.related_no IS NULL AND l.outcome = 'SUCCEEDED'
"""

# Of the lines' days PostgreSQL makes the moments: its calendar goes on where Python's ends, on whose first and last day
# a line may be, which are sent as -infinity and infinity.
_NEAR = """
SELECT i.movement_id, i.operation, i.currency_code, i.amount_minor, (i.occurred_at AT TIME ZONE 'UTC')::date AS day
FROM unnest($2::text[], $3::text[], $4::bigint[]) AS k(operation, currency_code, amount_minor)
JOIN internal_transaction i USING (operation, currency_code, amount_minor)
JOIN open_movement m ON m.movement_id = i.movement_id
WHERE i.channel = $1 AND i.occurred_at >= ($5::date - $7::int)::timestamp AT TIME ZONE 'UTC'
    AND i.occurred_at < ($6::date + $7::int + 1)::timestamp AT TIME ZONE 'UTC'
"""

_OF_DAY = """
SELECT l.line_no, array_agg(i.movement_id ORDER BY i.movement_id) AS movement_ids
FROM unnest($1::bigint[]) AS n(line_no) JOIN statement_line l USING (line_no)
JOIN internal_transaction i ON i.channel = l.channel AND i.operation = l.operation AND i.currency_code = l.currency_code
    AND i.occurred_at >= (l.line_date - $4::int)::timestamp AT TIME ZONE 'UTC'
    AND i.occurred_at < (l.line_date - $4::int + 1)::timestamp AT TIME ZONE 'UTC'
JOIN open_movement m ON m.movement_id = i.movement_id
WHERE l.channel = $2 AND l.operation = $3 AND l.outcome = 'SUCCEEDED' AND l.attempt_id IS NULL AND l.related_no IS NULL
GROUP BY l.line_no, l.amount_minor HAVING sum(i.amount_minor) = l.amount_minor
"""


@dataclass(frozen=True, slots=True)
class WaitingChannel:
    """A channel with lines or movements that came, or whose time is over."""

    channel: str
    fresh: bool
    lines_due: bool
    movements_due: bool


@dataclass(frozen=True, slots=True)
class LineDifference:
    """What people must hear of: a line, a movement or both, and how they differ."""

    line_no: int | None
    movement_id: str | None
    status: str


async def lock_channel(tx: Tx, channel: str) -> bool:
    """Keep others from matching a channel until the transaction ends; False when another does it now."""
    locked = bool((await tx.fetch(_LOCK, _MATCHING_LOCK, channel))[0]["locked"])
    if not locked:
        tx.claims.wait(tx.claims.only)
    return locked


async def waiting_channels(tx: Tx) -> list[WaitingChannel]:
    """Read the channels with something to look at, in alphabetical order."""
    found = [WaitingChannel(*row) for row in await tx.fetch(_CHANNELS, tx.now, list(STATEMENT_OPERATIONS))]
    return [each for each in found if each.fresh or each.lines_due or each.movements_due]


async def fresh_lines(tx: Tx, channel: str, limit: int) -> list[int]:
    """Take lines that came, or may have a movement by now, as far as `tx.claims` allows, the oldest first."""
    bounds, keys = tx.claims.bounds(("line_no",), types=("bigint",), first=3)
    rows = await tx.fetch(_FRESH.format(bounds=bounds), channel, limit, *keys)
    tx.claims.take(row["line_no"] for row in rows)
    return [row["line_no"] for row in rows]


async def any_fresh(tx: Tx, channel: str) -> bool:
    """Return whether lines came that nobody has looked at."""
    return bool((await tx.fetch(_ANY_FRESH, channel))[0][0])


async def still_open(tx: Tx, line_nos: Sequence[int]) -> list[int]:
    """Return the lines that no movement was found for."""
    return [row["line_no"] for row in await tx.fetch(_STILL_OPEN, list(line_nos))] if line_nos else []


async def keep_open(tx: Tx, line_nos: Sequence[int], *, due_time: datetime) -> None:
    """Have lines wait for movements that come, at first until a time."""
    if line_nos:
        await tx.run(_KEEP_OPEN, list(line_nos), due_time)


async def match_without_money(tx: Tx, line_nos: Sequence[int]) -> None:
    """Take lines that move no money for matched."""
    await tx.fetch(_NO_MONEY + _APPLY, list(line_nos), "NO_MONEY", list(NO_MONEY_OPERATIONS))


async def match_by_reference(
    tx: Tx,
    line_nos: Sequence[int],
    channel: str,
    rule: MatchingRule,
    *,
    fee: Fee | None,
    conversion_minor: int,
    exact: bool,
) -> list[LineDifference]:
    """Decide lines by what they and movements name; `exact` only those of which amount and currency are the same."""
    in_text = rule.kind is RuleKind.TEXT
    sql = _BY_REFERENCE.format(
        line_reference=OWN_ID if in_text else f"l.{rule.by}",
        movement_reference=Reference.RELATED_NO if in_text else rule.by,
        exactly=", amount_minor, currency_code" if exact else "",
        exact_pair=" AND (f.amount_minor, f.currency_code) = (r.amount_minor, r.currency_code)" if exact else "",
        repeated="" if exact else _REPEATED,
    )
    return _differences(
        await _fetch_by_hash(
            tx,
            sql + _APPLY,
            list(line_nos),
            rule.name,
            channel,
            rule.tolerance_minor,
            rule.tolerance_basis_points,
            None if fee is None else fee.basis_points,
            0 if fee is None else fee.fixed_minor,
            0 if fee is None else fee.tolerance_minor,
            conversion_minor,
        )
    )


async def decide(tx: Tx, decisions: Sequence[tuple[int, str | None, str]], *, rule: str) -> list[LineDifference]:
    """Take over what was decided elsewhere: line, movement and status; a line may have several movements."""
    if not decisions:
        return []
    columns = [list(column) for column in zip(*decisions, strict=True)]
    return _differences(await tx.fetch(_DECIDE + _APPLY, columns[0], rule, columns[1], columns[2]))


async def lines_without_reference(tx: Tx, line_nos: Sequence[int]) -> list[Dated]:
    """Read the lines that name nothing of ours, by operation, currency and amount."""
    return [_dated(row, row["line_no"]) for row in await tx.fetch(_WITHOUT_REFERENCE, list(line_nos))]


async def movements_near(tx: Tx, channel: str, lines: Sequence[Dated], *, days: int) -> list[Dated]:
    """Read open movements that could belong to lines by operation, currency, amount and day."""
    keys = sorted({line.key for line in lines})  # type: ignore[type-var]  # Tuples, as `_dated` makes them.
    columns = [list(column) for column in zip(*keys, strict=True)]
    first, last = min(line.day for line in lines), max(line.day for line in lines)
    return [_dated(row, row["movement_id"]) for row in await tx.fetch(_NEAR, channel, *columns, first, last, days)]


async def batches_of_a_day(
    tx: Tx, line_nos: Sequence[int], channel: str, rule: MatchingRule
) -> list[tuple[int, str | None, str]]:
    """Return the lines whose amount is that of all open movements of a day, with each of these."""
    rows = await tx.fetch(_OF_DAY, list(line_nos), channel, rule.operation, rule.lag_days)
    seen: set[str] = set()
    decisions: list[tuple[int, str | None, str]] = []
    for row in sorted(rows, key=lambda row: row["line_no"]):
        if not seen.intersection(row["movement_ids"]):
            seen.update(row["movement_ids"])
            decisions += [(row["line_no"], movement_id, MATCHED) for movement_id in row["movement_ids"]]
    return decisions


async def fetch_by_index(tx: Tx, sql: str, *args: Any) -> list[asyncpg.Record]:
    """Run a statement that looks up each row by an index, however small its tables were when it was planned."""
    await tx.fetch(_WHOLE_TABLES, "off")
    rows = await tx.fetch(sql, *args)
    await tx.fetch(_WHOLE_TABLES, "on")
    return rows


async def _fetch_by_hash(tx: Tx, sql: str, *args: Any) -> list[asyncpg.Record]:
    """Run a statement whose steps are joined by hashing, but for what it looks up laterally, by an index.

    Of what a WITH gives the planner knows no number of rows: it takes them for few, and tens of thousands of lines for
    each of as many movements would take minutes.
    """
    await tx.fetch(_NESTED_LOOPS, "off")
    rows = await tx.fetch(sql, *args)
    await tx.fetch(_NESTED_LOOPS, "on")
    return rows


def _differences(rows: Sequence[object]) -> list[LineDifference]:
    return [LineDifference(*row) for row in rows]  # type: ignore[misc]  # Records, of three columns.


def _dated(row: object, name: int | str) -> Dated:
    key = row["operation"], row["currency_code"], row["amount_minor"]  # type: ignore[index]  # A record.
    return Dated(name, key, row["day"])  # type: ignore[index]
