"""Row (l): row (b), in a ledger that has booked millions of payments already, of the same merchants.

Made and booked are as many payments as one round of row (b) has; the database multiplies them: each copy is other
payments of the same moments, in batches of their own, with legs and balances to match. Row (b) beside it begins with
empty tables, so the ratio says what size costs.
"""

import asyncpg

from bench import captures, pipeline, raw
from bench.figures import Figures
from bench.ground import Ground, connected, plot
from paykit.errors import InvariantError
from services.accounting.store.journal import BATCH_ROWS_MAX, COLUMNS, LEG_COLUMNS

_TAIL_DIGITS = 12
"""Random digits at the end of an id: a copy's differ from the original's there, and its time does not."""

_OTHER_ID = f"""
(left({{0}}::text, -{_TAIL_DIGITS}) || lpad(to_hex((('x' || right({{0}}::text, {_TAIL_DIGITS}))::bit(48)::bigint + $1)
    & 281474976710655), {_TAIL_DIGITS}, '0'))::uuid
"""
_COPIED = {
    "position": "position + $1 * $2::bigint",
    "transaction_id": _OTHER_ID.format("transaction_id"),
    "root": _OTHER_ID.format("root"),
}
_COPY_JOURNAL = f"""
INSERT INTO journal ({", ".join(COLUMNS)})
SELECT {", ".join(_COPIED.get(name, name) for name in COLUMNS)} FROM journal WHERE position < $2
"""
_COPY_LEGS = f"""
INSERT INTO leg ({", ".join(LEG_COLUMNS)})
SELECT {", ".join("batch + $1 * $2::bigint" if name == "batch" else name for name in LEG_COLUMNS)}
FROM leg WHERE batch < $2
"""
_MULTIPLY_BALANCES = "UPDATE balance SET balance_minor = balance_minor * $1"
_BATCHES_FROM = "SELECT setval('journal_batch', $1)"
_KEPT = """
SELECT (SELECT count(*) FROM journal), (SELECT sum(debit_minor) FROM leg), (SELECT sum(balance_minor) FROM balance)
"""


async def measure(ground: Ground, *, booked: int, payments: int, merchants: int) -> Figures:
    """Book this many more, by the service, where `booked` are booked already; payments/s, and how many were booked.

    Args:
        ground: The servers.
        booked: Before; rounded up to a multiple of `payments`.
        payments: As row (b) books; a multiple of raw.BATCH_PAYMENTS.
        merchants: Of both.

    Raises:
        InvariantError: Not every payment was booked and told of exactly once.
    """
    names = captures.merchant_ids(merchants)
    async with plot(ground) as own:
        async with connected(own.admin_url, schema="accounting") as connection:
            before = await _fill(connection, booked, payments, names)
        rate = await pipeline.book(own, payments=payments, merchants=names, before=before)
    return {"pipeline_booked": rate, "booked_before": before}


async def _fill(connection: asyncpg.Connection, booked: int, payments: int, names: list[str]) -> int:
    """Let the ledger have booked so many payments; return how many they are."""
    batches = raw.make_batches(payments, names)
    accounts = await raw.open_accounts(connection, batches)
    await raw.open_balances(connection, accounts)
    for rows in raw.journal_rows(batches, accounts):
        await raw.book(connection, rows)
    _, *one = await connection.fetchrow(_KEPT)
    numbers = 2 * len(batches)
    copies = -(-booked // payments)
    for number in range(1, copies):
        await connection.execute(_COPY_JOURNAL, number, numbers * BATCH_ROWS_MAX)
        await connection.execute(_COPY_LEGS, number, numbers * BATCH_ROWS_MAX)
    await connection.execute(_MULTIPLY_BALANCES, copies)
    await connection.execute(_BATCHES_FROM, copies * numbers)
    kept = await connection.fetchrow(_KEPT)
    made = (copies * payments, *(copies * each for each in one))
    if tuple(kept) != made:
        raise InvariantError(f"transactions, debits and balances are {tuple(kept)} where {made} were made")
    await connection.execute("ANALYZE journal, leg, balance, account")
    await connection.execute("CHECKPOINT")
    return copies * payments
