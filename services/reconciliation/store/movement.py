"""The SQL of movements and of calls that moved nothing, both projections, and of movements that wait for a line."""

from collections.abc import Sequence

from paykit.postgres.database import Tx
from paykit.postgres.table import Table
from services.reconciliation.domain.movement import ChannelMovement, UnmovedAttempt

_WAIT = """
INSERT INTO open_movement (movement_id, channel, fresh)
SELECT movement_id, channel, true FROM unnest($1::text[], $2::text[]) AS new (movement_id, channel)
WHERE NOT EXISTS (SELECT FROM movement_outcome o WHERE o.movement_id = new.movement_id)
ON CONFLICT DO NOTHING
"""

# What is known later counts, in whichever order events come; of one moment FAILED, which ends UNKNOWN.
_KEEP_UNMOVED = """
INSERT INTO unmoved_attempt ({columns}) SELECT {columns} FROM unnest({parameters}) AS new ({columns})
ON CONFLICT (attempt_id) DO UPDATE SET {changes}
WHERE (unmoved_attempt.occurred_at, unmoved_attempt.outcome = 'FAILED')
    < (excluded.occurred_at, excluded.outcome = 'FAILED')
"""

movements: Table[str, ChannelMovement] = Table(ChannelMovement, "internal_transaction", key="movement_id")
unmoved_attempts: Table[str, UnmovedAttempt] = Table(UnmovedAttempt, "unmoved_attempt", key="attempt_id")


async def keep_unmoved(tx: Tx, attempts: Sequence[UnmovedAttempt]) -> None:
    """Keep how calls ended that moved no money, the latest word of each."""
    latest: dict[str, UnmovedAttempt] = {}
    for attempt in attempts:
        known = latest.get(attempt.attempt_id)
        if known is None or _later(known) < _later(attempt):
            latest[attempt.attempt_id] = attempt
    if latest:
        columns = unmoved_attempts.columns
        sql = _KEEP_UNMOVED.format(
            columns=", ".join(columns),
            parameters=unmoved_attempts.parameters(columns),
            changes=", ".join(f"{column} = excluded.{column}" for column in columns if column != "attempt_id"),
        )
        ordered = [latest[attempt_id] for attempt_id in sorted(latest)]
        await tx.run(sql, *([getattr(attempt, column) for attempt in ordered] for column in columns))


async def wait_for_lines(tx: Tx, waiting: Sequence[ChannelMovement]) -> None:
    """Have movements wait for a line, but those for which that is decided."""
    ordered = sorted(waiting, key=lambda movement: movement.movement_id)
    if ordered:
        await tx.run(_WAIT, [m.movement_id for m in ordered], [m.channel for m in ordered])


def _later(attempt: UnmovedAttempt) -> tuple[object, bool]:
    return attempt.occurred_at, attempt.outcome == "FAILED"
