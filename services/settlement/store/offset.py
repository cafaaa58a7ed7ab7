"""How far accounting.events are consumed, by the runtime's offsets."""

from paykit.postgres.database import Tx

_SELECT_CONSUMED = "SELECT partition, next_offset FROM consumer_offset WHERE topic = $1 ORDER BY partition"


async def consumed(tx: Tx, topic: str) -> dict[int, int]:
    """Read the next offset to apply of each partition that was ever consumed."""
    return {row["partition"]: row["next_offset"] for row in await tx.fetch(_SELECT_CONSUMED, topic)}
