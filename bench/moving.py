"""Row (k): a ledger of before the journal is verified, moved into it by the service's own job, and verified again.

Captures of 1,000 merchants with a fee each, as the builds before wrote them. The job rests not here.
"""

import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import asyncpg

from bench import captures, raw
from bench.figures import Figures
from bench.ground import Ground, connected, plot
from paykit.errors import InvariantError
from paykit.process.runtime import Runtime
from paykit.testing import runtimes
from services.accounting import store
from services.accounting.commands.verification import VerifyReport, verify
from services.accounting.domain import booking, transaction_key
from services.accounting.domain.transaction import Transaction
from services.accounting.service import SERVICE

PORTION = 10_000
"""Transactions made and written at a time."""

_BALANCES = """
INSERT INTO balance (account_id, stripe, balance_minor)
SELECT account_id, 0, sum(effect * amount_minor) FROM former_entry GROUP BY account_id
"""


async def measure(ground: Ground, *, transactions: int, merchants: int) -> Figures:
    """Measure verification of the old tables, moving, and verification of the journal; transactions/s."""
    async with plot(ground, topics=False) as own:
        async with connected(own.admin_url, schema="accounting") as connection:
            await _keep_as_before(connection, transactions, captures.merchant_ids(merchants))
        async with runtimes.runtime(SERVICE, own.database_url, cache_dir=ground.home / "cache") as ledger:
            before_s, before = await _verified(ledger)
            began = time.perf_counter()
            while await ledger.transaction(store.former.keep_months_to_move):
                await ledger.transaction(store.former.move)
            moving_s = time.perf_counter() - began
            after_s, after = await _verified(ledger)
    if (before.transactions, after) != (transactions, before):
        raise InvariantError(f"{transactions} were {before.transactions} before, and {after.transactions} afterwards")
    return {
        "former_verified": transactions / before_s,
        "moving": transactions / moving_s,
        "journal_verified": transactions / after_s,
    }


async def _verified(ledger: Runtime) -> tuple[float, VerifyReport]:
    began = time.perf_counter()
    report = await ledger.read(verify)
    return time.perf_counter() - began, report


async def _keep_as_before(connection: asyncpg.Connection, transactions: int, merchants: Sequence[str]) -> None:
    """Write what the builds before wrote, which knew no numbers of types."""
    chart = store.load_chart("merchant_asset")
    # Who writes rows by hand need not wait for the trigger; `verify` looks at all it does.
    await connection.execute("ALTER TABLE former_entry DISABLE TRIGGER entry_balanced")
    for at in range(0, transactions, PORTION):
        now = datetime.now(UTC)
        events = captures.make(min(PORTION, transactions - at), merchants=merchants)
        booked = [
            replace(each, transaction_id=transaction_key.former_id(each.transaction_id))
            for event in events
            if isinstance(each := booking.book(chart, event, now), Transaction)
        ]
        if not at:
            await raw.open_accounts(connection, [booked])
        await raw.copy_former(connection, booked)
    await connection.execute("ALTER TABLE former_entry ENABLE TRIGGER entry_balanced")
    await connection.execute(_BALANCES)
    await connection.execute("ANALYZE former_transaction, former_entry, balance, account")
