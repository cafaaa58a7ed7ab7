"""Reading whole tables, as what verifies a service does."""

from paykit.postgres.database import Tx

_PREPARE = "SELECT set_config('statement_timeout', '0', true), set_config('enable_seqscan', 'on', true)"


async def read_for_long(tx: Tx) -> None:
    """Prepare a transaction for reading from end to end, which takes longer than any call on a large service."""
    await tx.fetch(_PREPARE)
