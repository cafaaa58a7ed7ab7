"""That the ledger booked every capture once: by its rows, by its own check, and by what it told."""

import asyncio
from collections import Counter

from paykit.base.config import Settings
from paystream.accounting.v1.events import TransactionCreated
from tests.line import topics
from tests.line.books import Books
from tests.line.processes import verify_ledger

AMOUNT_MINOR = 1_000
FEES = {"USD": (290, 30)}
"""2.9 % of 10.00 and 0.30: 0.59 of each payment, which leaves its merchant 9.41."""


async def assert_booked_once(settings: Settings, kept: Books, *, payments: int) -> None:
    """Hold the ledger to payment's captures, so many of AMOUNT_MINOR each, to its own entries, and to its events."""
    captures = Counter(await kept.captures())
    assert captures.total() == len(captures) == payments
    assert Counter(await kept.booked()) == captures
    assert await kept.number("SELECT count(*) FROM accounting.dead_letter") == 0
    assert await kept.number("SELECT count(*) FROM accounting.parked_event") == 0
    assert await balances(kept) == {
        "merchant.settlement": payments * 941,
        "platform.fees": payments * 59,
        "platform.income": payments * 1_000,
    }
    verified = await asyncio.to_thread(verify_ledger, settings)
    assert verified.returncode == 0, verified.stdout + verified.stderr
    told = [e for e in topics.once(await topics.events(settings, "accounting.events")) if type(e) is TransactionCreated]
    assert Counter(event.related_no for event in told) == captures


async def balances(kept: Books) -> dict[str, int]:
    """Give the balance of each kind of account."""
    sql = """
        SELECT account_kind, sum(balance_minor) AS balance_minor
        FROM accounting.account JOIN accounting.balance USING (account_id) GROUP BY account_kind
    """
    return {row["account_kind"]: int(row["balance_minor"]) for row in await kept.rows(sql)}
