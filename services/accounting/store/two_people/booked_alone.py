"""What each person booked alone of late: sums by time, so that a call does not read all journals of a day.

A sum holds what was booked up to a position of the journal; what stands behind it is read row by row, and added to the
sums once it is much. Whoever reads holds one lock until its own journals are booked: their positions follow those of
all that others booked alone, and whatever a build that keeps no sums has booked is found behind the position as well.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from paykit.base.four_eyes import folded
from paykit.postgres.database import Tx
from services.accounting.domain.booked_event import BOOKED_TYPES

SLOT = timedelta(minutes=5)
"""What is booked within it has one sum for each person and currency."""

KEPT_LONGER = timedelta(days=1)
"""How much longer sums are kept than they are asked for, should a clock be set back."""

ADDED_MIN = 2_000
"""Rows behind the sums from which on they are added: so many are read in a few milliseconds."""

ADDED_AT_ONCE_MAX = 20_000
"""Rows looked at by one statement."""

_LOCK_KEY = 0x616C_6F6E
"""Advisory lock of what people book alone: two calls at once must not both find room below one limit."""

_LOCK = "SELECT pg_advisory_xact_lock($1)"

# What people book has no number, and so stands in the partition without a month. $1 is what events book.
_ROWS = """
SELECT position, create_time, coalesce(actor, '') AS actor, currency_code(currency_no) AS currency_code,
    coalesce(amount_minor, abs(amount1)) AS amount_minor,
    reason IS NOT NULL AND transaction_type <> ALL ($1::text[]) AND NOT EXISTS (
        SELECT FROM journal_proposal WHERE journal_proposal.transaction_id =
            'txn_' || id_digits(coalesce(journal.former_id, journal.transaction_id))) AS alone
FROM journal WHERE month = 0
"""

_SUMMED = "coalesce((SELECT position FROM booked_alone_summed), 0)"

# The index of positions is walked: without an order and a bound, PostgreSQL would take any position for the first.
_BEHIND = f"""
{_ROWS} AND position > {_SUMMED}
ORDER BY position LIMIT {ADDED_AT_ONCE_MAX}
"""

_SLOT = f"'{SLOT.total_seconds():.0f} s'::interval"

# The slot that `since` lies in is read by its rows.
_SELECT = f"""
WITH behind AS MATERIALIZED ({_BEHIND}),
edge AS (SELECT date_bin({_SLOT}, $2::timestamptz, 'epoch') + {_SLOT} AS whole_from)
SELECT actor, currency_code, sum(amount_minor) AS amount_minor FROM (
    SELECT actor, currency_code, amount_minor FROM behind WHERE alone AND create_time > $2
    UNION ALL
    SELECT actor, currency_code, amount_minor FROM ({_ROWS}
        AND reason IS NOT NULL AND create_time > $2 AND create_time < (SELECT whole_from FROM edge)
            AND position <= {_SUMMED}) AS at_edge WHERE alone
    UNION ALL
    SELECT actor, currency_code, amount_minor FROM booked_alone_sum WHERE slot >= (SELECT whole_from FROM edge)
) AS parts GROUP BY 1, 2
UNION ALL SELECT NULL, NULL, count(*) FROM behind
ORDER BY 1 NULLS LAST
"""

# What is older than any day that is asked for is in no sum.
_ADD = f"""
WITH behind AS MATERIALIZED ({_BEHIND}),
added AS (
    INSERT INTO booked_alone_sum (slot, actor, currency_code, amount_minor)
    SELECT date_bin({_SLOT}, create_time, 'epoch'), actor, currency_code, sum(amount_minor) FROM behind
    WHERE alone AND create_time > $2 GROUP BY 1, 2, 3
    ON CONFLICT (slot, actor, currency_code) DO UPDATE
    SET amount_minor = booked_alone_sum.amount_minor + EXCLUDED.amount_minor)
INSERT INTO booked_alone_summed (position) SELECT coalesce(max(position), {_SUMMED}) FROM behind
ON CONFLICT (only_row) DO UPDATE SET position = EXCLUDED.position
RETURNING (SELECT count(*) FROM behind)
"""
_FORGET = "DELETE FROM booked_alone_sum WHERE slot < $1"

# While some of the former tables is still to be moved, positions do not follow the order of booking.
_SELECT_ROWS = """
SELECT coalesce(actor, '') AS actor, currency_code, sum(amount_minor) AS amount_minor FROM (
    SELECT transaction_id, transaction_type, actor, currency_code, amount_minor FROM journal_transaction
    WHERE month = 0 AND reason IS NOT NULL AND create_time > $2
    UNION ALL
    SELECT transaction_id, transaction_type, actor, currency_code, amount_minor FROM former_transaction
    WHERE reason IS NOT NULL AND create_time > $2
) AS manual
WHERE transaction_type <> ALL ($1::text[]) AND NOT EXISTS (
    SELECT FROM journal_proposal WHERE journal_proposal.transaction_id = manual.transaction_id)
GROUP BY 1, 2
"""


async def booked_alone(tx: Tx, *, since: datetime, has_former: bool) -> dict[tuple[str, str], int]:
    """Sum up what people booked alone, by folded name and currency, and keep others from booking so meanwhile.

    Args:
        tx: The transaction that books what is decided on these sums.
        since: What was booked after it counts.
        has_former: Whether transactions stand in the former tables.

    Rows: booked_alone_sum, booked_alone_summed.
    """
    await tx.fetch(_LOCK, _LOCK_KEY)
    types = sorted(BOOKED_TYPES)
    if has_former:
        return _by_person(await tx.fetch(_SELECT_ROWS, types, since))
    *parts, (_, _, behind) = await tx.fetch(_SELECT, types, since)
    if behind >= ADDED_MIN:
        horizon = since - KEPT_LONGER
        while (await tx.fetch(_ADD, types, horizon))[0][0] == ADDED_AT_ONCE_MAX:
            pass
        await tx.run(_FORGET, horizon - SLOT)
    if behind == ADDED_AT_ONCE_MAX:  # There may be more than were looked at.
        *parts, _ = await tx.fetch(_SELECT, types, since)
    return _by_person(parts)


def _by_person(parts: Iterable[Sequence[Any]]) -> dict[tuple[str, str], int]:
    sums: dict[tuple[str, str], int] = {}
    for actor, currency_code, amount_minor in parts:
        key = folded(actor), currency_code
        sums[key] = sums.get(key, 0) + int(amount_minor)
    return sums
