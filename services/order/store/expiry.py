"""The SQL of how far payment.events are known to be applied."""

from paykit.consumption import ConsumptionWatch
from paykit.postgres.database import Tx
from paykit.postgres.table import Table

_SELECT_CONSUMED = "SELECT partition, next_offset FROM consumer_offset WHERE topic = $1"

watches: Table[str, ConsumptionWatch] = Table(
    ConsumptionWatch,
    "consumption_watch",
    key="topic",
    changing=("complete_time", "noticed_time", "noticed_offsets", "looks"),
)


async def consumed(tx: Tx, topic: str) -> dict[int, int]:
    """Read the next offset to apply of each partition of a topic, by its name in Kafka, that was ever consumed."""
    return {row["partition"]: row["next_offset"] for row in await tx.fetch(_SELECT_CONSUMED, topic)}
