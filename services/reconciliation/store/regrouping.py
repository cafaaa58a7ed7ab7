"""The SQL of lines that differ, of which others may be parts: they stay open, and are decided again together."""

from collections.abc import Collection, Sequence
from datetime import timedelta

from paykit.postgres.database import Tx
from services.reconciliation.domain.rule_set import MatchingRule
from services.reconciliation.store.matching import LineDifference, fetch_by_index
from services.reconciliation.store.statement import lines

DIFFERING = ("AMOUNT_MISMATCH", "DUPLICATE")
"""Statuses of lines whose movement other lines or movements may complete."""
PARTS_MAX = 100
"""Lines that differ of one movement, and movements of one reference; of more, none are looked at again."""
_DIFFERING = "('AMOUNT_MISMATCH', 'DUPLICATE')"

_WOKEN = "SELECT line_no FROM open_line WHERE channel = $1 AND fresh AND differs ORDER BY line_no LIMIT $2"

# Lines that have a movement of the same reference, with the line that is asked for.
_RELATED = f"""
WITH touched AS MATERIALIZED (
    SELECT DISTINCT o.movement_id FROM unnest($1::bigint[]) AS n(line_no) JOIN LATERAL (
        SELECT movement_id FROM line_outcome d
        WHERE d.line_no = n.line_no AND d.status IN {_DIFFERING} AND d.movement_id IS NOT NULL OFFSET 0
    ) o ON true
),
shared AS (
    SELECT DISTINCT i.channel_reference, i.operation FROM touched t JOIN LATERAL (
        SELECT * FROM internal_transaction s WHERE s.movement_id = t.movement_id OFFSET 0
    ) i ON true WHERE i.channel_reference IS NOT NULL
),
kin AS (
    SELECT movement_id FROM touched
    UNION SELECT i.movement_id FROM shared r JOIN LATERAL (
        SELECT movement_id FROM internal_transaction s
        WHERE s.channel_reference = r.channel_reference AND s.operation = r.operation AND s.channel || '' = $2
        LIMIT $3
    ) i ON true
)
SELECT unnest(l.line_nos) AS line_no FROM kin k JOIN LATERAL (
    SELECT array_agg(few.line_no) AS line_nos FROM (
        SELECT d.line_no FROM line_outcome d WHERE d.movement_id = k.movement_id AND d.status IN {_DIFFERING}
        LIMIT $3 + 1
    ) few
) l ON cardinality(l.line_nos) <= $3
ORDER BY 1
"""

# Neither lines nor movements have an outcome then, as if they had just come.
_REOPEN = f"""
WITH again AS MATERIALIZED (
    SELECT o.* FROM unnest($1::bigint[]) AS n(line_no) JOIN LATERAL (
        SELECT line_no, movement_id, status FROM line_outcome d
        WHERE d.line_no = n.line_no AND d.status IN {_DIFFERING} OFFSET 0
    ) o ON true
),
undecided AS (DELETE FROM line_outcome WHERE line_no = ANY(ARRAY(SELECT line_no FROM again))),
freed AS (
    DELETE FROM movement_outcome
    WHERE movement_id = ANY(ARRAY(SELECT movement_id FROM again WHERE status = 'AMOUNT_MISMATCH')) RETURNING movement_id
)
INSERT INTO open_movement (movement_id, channel, fresh, due_time)
SELECT i.movement_id, i.channel, false, i.occurred_at + $2 FROM freed f
JOIN LATERAL (SELECT * FROM internal_transaction t WHERE t.movement_id = f.movement_id OFFSET 0) i ON true
ON CONFLICT DO NOTHING
"""

_OUTCOMES = "SELECT line_no, status, movement_id FROM line_outcome WHERE line_no = ANY($1::bigint[])"

# Lines that have one movement together, in their order: the first so many that come to its amount are its parts, and
# what more there is repeats them. Nothing is joined but by an index: of what a WITH gives, the planner knows no number
# of rows.
_JOIN_PARTS = f"""
WITH line AS (
    SELECT o.line_no, o.rule, o.movement_id, m.amount_minor AS expected_minor,
        CASE l.currency_code WHEN m.currency_code THEN l.amount_minor ELSE l.settlement_amount_minor END
            AS amount_minor,
        greatest(r.tolerance_minor, m.amount_minor::numeric * r.tolerance_basis_points / 10000,
            CASE l.currency_code WHEN m.currency_code THEN 0 ELSE $5::bigint END) AS tolerance_minor
    FROM unnest($1::bigint[]) AS n(line_no)
    JOIN LATERAL (
        SELECT * FROM line_outcome d WHERE d.line_no = n.line_no AND d.status IN {_DIFFERING} OFFSET 0
    ) o ON true
    JOIN LATERAL (SELECT * FROM statement_line s WHERE s.line_no = n.line_no OFFSET 0) l ON true
    JOIN LATERAL (SELECT * FROM internal_transaction i WHERE i.movement_id = o.movement_id OFFSET 0) m ON true
    JOIN LATERAL (
        SELECT max(minor) AS tolerance_minor, max(basis_points) AS tolerance_basis_points
        FROM unnest($2::text[], $3::bigint[], $4::bigint[]) AS r(rule, minor, basis_points) WHERE r.rule = o.rule
    ) r ON true
    JOIN LATERAL (
        SELECT FROM movement_outcome t WHERE t.movement_id = o.movement_id AND t.status = 'AMOUNT_MISMATCH' OFFSET 0
    ) t ON true
    WHERE l.outcome = 'SUCCEEDED' AND l.amount_minor > 0
        AND (l.currency_code = m.currency_code OR l.settlement_currency_code = m.currency_code)
),
summed AS (
    SELECT *, row_number() OVER in_order AS place, sum(amount_minor) OVER in_order AS total_minor,
        max(tolerance_minor) OVER (PARTITION BY movement_id) AS most_minor
    FROM line WINDOW in_order AS (PARTITION BY movement_id ORDER BY line_no)
),
complete AS (
    SELECT *, min(place) FILTER (WHERE place > 1 AND abs(total_minor - expected_minor) <= most_minor)
        OVER (PARTITION BY movement_id) AS places
    FROM summed
),
decided AS (
    SELECT line_no, rule, movement_id, CASE WHEN place <= places THEN 'MATCHED' ELSE 'DUPLICATE' END AS status
    FROM complete WHERE places IS NOT NULL
),
kept AS (
    INSERT INTO line_outcome (line_no, status, rule, movement_id) SELECT line_no, status, rule, movement_id FROM decided
    ON CONFLICT (line_no) DO UPDATE SET status = excluded.status
),
told AS (
    INSERT INTO movement_outcome (movement_id, status, line_no)
    SELECT movement_id, 'MATCHED', min(line_no) FROM decided GROUP BY movement_id
    ON CONFLICT (movement_id) DO UPDATE SET status = excluded.status, line_no = excluded.line_no
)
SELECT line_no, movement_id, status FROM decided
"""

# The mirror of it: movements of one reference, of which the line has the first, and no line the others.
_JOIN_MOVEMENTS = """
WITH line AS (
    SELECT DISTINCT ON (m.channel_reference, m.operation, m.currency_code)
        o.line_no, o.movement_id, m.channel, m.channel_reference, m.operation, m.currency_code,
        CASE l.currency_code WHEN m.currency_code THEN l.amount_minor ELSE l.settlement_amount_minor END
            AS amount_minor,
        r.tolerance_minor, r.tolerance_basis_points,
        CASE l.currency_code WHEN m.currency_code THEN 0 ELSE $5::bigint END AS conversion_minor
    FROM unnest($1::bigint[]) AS n(line_no)
    JOIN LATERAL (
        SELECT * FROM line_outcome d WHERE d.line_no = n.line_no AND d.status = 'AMOUNT_MISMATCH' OFFSET 0
    ) o ON true
    JOIN LATERAL (SELECT * FROM statement_line s WHERE s.line_no = n.line_no OFFSET 0) l ON true
    JOIN LATERAL (SELECT * FROM internal_transaction i WHERE i.movement_id = o.movement_id OFFSET 0) m ON true
    JOIN LATERAL (
        SELECT max(minor) AS tolerance_minor, max(basis_points) AS tolerance_basis_points
        FROM unnest($2::text[], $3::bigint[], $4::bigint[]) AS r(rule, minor, basis_points) WHERE r.rule = o.rule
    ) r ON true
    WHERE m.channel_reference IS NOT NULL
        AND (l.currency_code = m.currency_code OR l.settlement_currency_code = m.currency_code)
    ORDER BY m.channel_reference, m.operation, m.currency_code, o.line_no
),
summed AS (
    SELECT l.line_no, i.movement_id, l.amount_minor, l.conversion_minor, l.tolerance_minor, l.tolerance_basis_points,
        i.movement_id = l.movement_id AS own, first_value(i.movement_id) OVER own_first = l.movement_id AS with_own,
        row_number() OVER own_first AS place, sum(i.amount_minor) OVER own_first AS total_minor
    FROM line l JOIN LATERAL (
        SELECT * FROM internal_transaction t
        WHERE t.channel_reference = l.channel_reference AND t.operation = l.operation AND t.channel || '' = l.channel
            AND t.currency_code = l.currency_code
            AND (t.movement_id = l.movement_id
                OR EXISTS (SELECT FROM open_movement w WHERE w.movement_id = t.movement_id))
        LIMIT $6
    ) i ON true
    WINDOW own_first AS (
        PARTITION BY l.line_no ORDER BY i.movement_id <> l.movement_id, i.occurred_at, i.movement_id)
),
complete AS (
    SELECT *, min(place) FILTER (WHERE place > 1 AND with_own AND abs(total_minor - amount_minor) <= greatest(
        tolerance_minor, conversion_minor, total_minor * tolerance_basis_points / 10000))
        OVER (PARTITION BY line_no) AS places
    FROM summed
),
decided AS (SELECT line_no, movement_id, own FROM complete WHERE place <= places),
kept AS (
    UPDATE line_outcome SET status = 'MATCHED', rule = 'SUM'
    WHERE line_no = ANY(ARRAY(SELECT line_no FROM decided WHERE own))
),
closed AS (DELETE FROM open_movement WHERE movement_id = ANY(ARRAY(SELECT movement_id FROM decided))),
told AS (
    INSERT INTO movement_outcome (movement_id, status, line_no) SELECT movement_id, 'MATCHED', line_no FROM decided
    ON CONFLICT (movement_id) DO UPDATE SET status = excluded.status, line_no = excluded.line_no
)
SELECT line_no, movement_id, 'MATCHED' AS status FROM decided WHERE own
"""


async def woken_lines(tx: Tx, channel: str, limit: int) -> list[int]:
    """Read the lines that differ for which movements came, or people made way, the oldest first."""
    return [row["line_no"] for row in await tx.fetch(_WOKEN, channel, limit)]


async def related_lines(tx: Tx, channel: str, line_nos: Collection[int]) -> list[int]:
    """Read the lines that differ of the movements that lines have, or that share a reference with these, in order."""
    rows = await fetch_by_index(tx, _RELATED, sorted(line_nos), channel, PARTS_MAX)
    return [row["line_no"] for row in rows]


async def reopen(tx: Tx, line_nos: Sequence[int], *, sla: timedelta) -> None:
    """Take their outcome from lines that differ, and from movements that theirs was."""
    await fetch_by_index(tx, _REOPEN, list(line_nos), sla)
    await lines.open_again(tx, line_nos, differs=False)


async def join(
    tx: Tx, line_nos: Sequence[int], rules: Sequence[MatchingRule], *, conversion_minor: int
) -> list[LineDifference]:
    """Match lines that differ and are parts of one movement, and those whose movements come to their amount.

    Returns:
        The lines that were decided so, and how: they match, or repeat what matches.
    """
    tolerances = [list(column) for column in zip(*(_tolerance(rule) for rule in rules), strict=True)]
    parts = await fetch_by_index(tx, _JOIN_PARTS, list(line_nos), *tolerances, conversion_minor)
    sums = await fetch_by_index(tx, _JOIN_MOVEMENTS, list(line_nos), *tolerances, conversion_minor, PARTS_MAX)
    return [LineDifference(*row) for row in (*parts, *sums)]


async def outcomes(tx: Tx, line_nos: Sequence[int]) -> dict[int, tuple[str, str | None]]:
    """Return status and movement of the lines that have an outcome."""
    rows = await tx.fetch(_OUTCOMES, list(line_nos))
    return {row["line_no"]: (row["status"], row["movement_id"]) for row in rows}


def _tolerance(rule: MatchingRule) -> tuple[str, int, int]:
    return rule.name, rule.tolerance_minor, rule.tolerance_basis_points
