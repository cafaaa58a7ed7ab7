"""The SQL of how far payment.events are known to be applied."""

from paykit.consumption import ConsumptionWatch
from paykit.postgres.table import Table

watches: Table[str, ConsumptionWatch] = Table(
    ConsumptionWatch,
    "consumption_watch",
    key="topic",
    changing=("complete_time", "noticed_time", "noticed_offsets", "looks"),
)
