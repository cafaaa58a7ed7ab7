"""Every statement on the channel's disputes."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

from paykit.postgres.database import Tx
from paykit.postgres.rows import require_all_changed
from services.channel.domain.dispute import Dispute, DisputeState, Reason
from services.channel.store import transactions as store

_COLUMNS = tuple(field.name for field in fields(Dispute))

_SELECT_DISPUTES = "SELECT * FROM dispute WHERE dispute_reference = ANY($1::text[])"

_LOCK_DISPUTES = f"{_SELECT_DISPUTES} ORDER BY dispute_reference FOR UPDATE"

# Several processes decide side by side: each takes rows that no other holds.
_LOCK_DUE_DISPUTES = """
SELECT * FROM dispute WHERE due_time <= $1 ORDER BY due_time, dispute_reference LIMIT $2 FOR UPDATE SKIP LOCKED
"""

# Writes back everything that can change; the rows are locked.
_UPDATE_DISPUTES = """
UPDATE dispute AS s
SET state = n.state, contested = n.contested, evidence = n.evidence, due_time = n.due_time,
    reversal_date = n.reversal_date, update_time = n.update_time, version = n.version
FROM unnest($1::text[], $2::text[], $3::boolean[], $4::text[], $5::timestamptz[], $6::text[], $7::timestamptz[],
            $8::bigint[])
    AS n (dispute_reference, state, contested, evidence, due_time, reversal_date, update_time, version)
WHERE s.dispute_reference = n.dispute_reference
"""
_CHANGING = ("state", "contested", "evidence", "due_time", "reversal_date", "update_time", "version")


async def insert_disputes(tx: Tx, disputes: Sequence[Dispute]) -> None:
    """Write new disputes, and hold their references for events."""
    if disputes:
        ordered = sorted(disputes, key=lambda each: each.dispute_reference)
        await tx.copy("dispute", _COLUMNS, [tuple(getattr(each, name) for name in _COLUMNS) for each in ordered])
        tx.hold(*(each.dispute_reference for each in disputes))


async def get_dispute(tx: Tx, dispute_reference: str) -> Dispute | None:
    """Read one dispute."""
    return (await get_disputes(tx, [dispute_reference])).get(dispute_reference)


async def get_disputes(tx: Tx, references: Sequence[str]) -> dict[str, Dispute]:
    """Read the disputes on record among these, by reference."""
    rows = await tx.fetch(_SELECT_DISPUTES, references) if references else []
    return {row["dispute_reference"]: _dispute(row) for row in rows}


async def lock_disputes(tx: Tx, references: Sequence[str]) -> dict[str, Dispute]:
    """Lock the disputes on record among these, in key order."""
    return {row["dispute_reference"]: _dispute(row) for row in await tx.fetch(_LOCK_DISPUTES, references)}


async def lock_due_disputes(tx: Tx, *, due: datetime, limit: int) -> list[Dispute]:
    """Lock disputes whose decision is due and that no other process decides; hold their references for events."""
    disputes = [_dispute(row) for row in await tx.fetch(_LOCK_DUE_DISPUTES, due, limit)]
    tx.hold(*(each.dispute_reference for each in disputes))
    return disputes


async def save_disputes(tx: Tx, disputes: Sequence[Dispute]) -> None:
    """Overwrite locked disputes, each at most once."""
    if disputes:
        columns = store.columns(disputes, ("dispute_reference", *_CHANGING))
        require_all_changed("dispute", await tx.run(_UPDATE_DISPUTES, *columns), len(disputes))


def _dispute(row: Mapping[str, Any]) -> Dispute:
    values = {name: row[name] for name in _COLUMNS}
    return Dispute(**values | {"state": DisputeState(values["state"]), "reason": Reason(values["reason"])})
