"""The SQL of attempts that were not sent, and move to another channel."""

from collections.abc import Mapping, Sequence
from typing import Any

from paykit.postgres.database import Tx
from paykit.postgres.rows import require_all_changed

# What a payment begins with; what follows it stays with its channel. What nobody else takes is left out here, or it
# would stand before all that can be moved.
_SELECT_UNSENT = """
SELECT attempt_id, payment_id FROM attempt JOIN payment USING (payment_id)
WHERE attempt.state = 'PENDING' AND attempt.channel = ANY($1::text[]) AND action IN ('CHARGE', 'AUTHORIZE')
    AND EXISTS (
        SELECT FROM unnest($2::text[], $3::text[]) AS reachable (currencies, methods)
        WHERE (currencies = '' OR payment.currency_code = ANY(string_to_array(currencies, ',')))
            AND (methods = '' OR payment.method = ANY(string_to_array(methods, ','))))
LIMIT $4
"""

_MOVE_ATTEMPTS = """
UPDATE attempt SET channel = new.channel FROM unnest($1::text[], $2::text[]) AS new (attempt_id, channel)
WHERE attempt.attempt_id = new.attempt_id
"""


async def select_unsent(
    tx: Tx, channels: Sequence[str], *, currencies: Sequence[str], methods: Sequence[str], limit: int
) -> Sequence[Mapping[str, Any]]:
    """Read the ids of attempts that wait for these channels and could go through another, and of their payments.

    Args:
        tx: The transaction.
        channels: Those that cannot be reached.
        currencies: What each of the others takes, comma separated; empty for all.
        methods: As these.
        limit: Attempts at most.
    """
    return await tx.fetch(_SELECT_UNSENT, channels, currencies, methods, limit)


async def move_attempts(tx: Tx, channels: Mapping[str, str]) -> None:
    """Give locked attempts, by id, other channels."""
    changed = await tx.run(_MOVE_ATTEMPTS, list(channels), list(channels.values()))
    require_all_changed("attempt", changed, len(channels))
