"""The SQL of behaviours: a handful, for they are set by people who test something."""

from collections.abc import Iterable, Sequence
from dataclasses import fields
from typing import Any

from paykit.postgres.database import Tx
from services.channel.domain.behaviour import GLOBAL, Behaviour, Behaviours

_COLUMNS = tuple(field.name for field in fields(Behaviour))

_SELECT = f"SELECT merchant_id, {', '.join(_COLUMNS)} FROM behaviour"

_SELECT_OF_MERCHANTS = f"{_SELECT} WHERE merchant_id = ANY($1::text[])"

_UPSERT = f"""
INSERT INTO behaviour (merchant_id, {", ".join(_COLUMNS)})
VALUES ({", ".join(f"${i}" for i in range(1, len(_COLUMNS) + 2))})
ON CONFLICT (merchant_id) DO UPDATE SET {", ".join(f"{name} = excluded.{name}" for name in _COLUMNS)}
"""

_DELETE = "DELETE FROM behaviour WHERE merchant_id = $1"


async def behaviours_of(tx: Tx, merchant_ids: Iterable[str | None]) -> Behaviours:
    """Read the behaviours set for these merchants and globally."""
    wanted = {merchant_id or GLOBAL for merchant_id in merchant_ids} | {GLOBAL}
    return _behaviours(await tx.fetch(_SELECT_OF_MERCHANTS, list(wanted)))


async def all_behaviours(tx: Tx) -> Behaviours:
    """Read every behaviour that is set."""
    return _behaviours(await tx.fetch(_SELECT))


async def set_behaviour(tx: Tx, merchant_id: str, behaviour: Behaviour | None) -> None:
    """Set or remove the behaviour of a merchant, or the global one."""
    if behaviour is None:
        await tx.run(_DELETE, merchant_id)
    else:
        await tx.run(_UPSERT, merchant_id, *(getattr(behaviour, name) for name in _COLUMNS))


def _behaviours(rows: Sequence[Any]) -> Behaviours:
    return Behaviours({row["merchant_id"]: Behaviour(**{name: row[name] for name in _COLUMNS}) for row in rows})
