"""Analytics held against the ledger: both book the same events, and neither reads the other's."""

import asyncio
import contextlib
import random
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from paykit.base.config import Settings
from tests.line.books import Books
from tests.line.processes import ROOT, ServiceProcess, environment

COUNTED = """
SELECT merchant_id, currency_code, measure AS name, sum(count)::bigint AS count, sum(amount_minor) AS amount_minor
FROM analytics.figure GROUP BY 1, 2, 3
"""
BOOKED = """
SELECT merchant_id, currency_code, transaction_type AS name, count(*) AS count, sum(amount_minor) AS amount_minor
FROM accounting.transaction WHERE merchant_id IS NOT NULL GROUP BY 1, 2, 3
UNION ALL
SELECT t.merchant_id, t.currency_code, 'fees', 0, sum(e.effect * e.amount_minor)
FROM accounting.entry e JOIN accounting.account a USING (account_id)
    JOIN accounting.transaction t USING (transaction_id)
WHERE t.merchant_id IS NOT NULL AND a.account_kind = 'platform.fees' GROUP BY 1, 2
"""
SAME: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "captures": (("CAPTURED",), ("PaymentSuccess",)),
    "reversals": (("REVERSED",), ("PaymentReversed",)),
    "late captures": (("LATE_RECEIVED",), ("LateCaptureReceived",)),
    "late captures accepted": (("LATE_ACCEPTED",), ("LateCaptureAccepted",)),
    "refunds": (("REFUNDED",), ("RefundSuccess",)),
    "refunds returned": (("REFUND_RETURNED",), ("RefundReturned",)),
    "disputes": (("DISPUTE_OPENED",), ("DisputeOpened",)),
    "disputes won": (("DISPUTE_WON",), ("DisputeWon",)),
    "disputes lost": (("DISPUTE_LOST",), ("DisputeLost",)),
    "disputes overturned": (("DISPUTE_OVERTURNED_WON", "DISPUTE_OVERTURNED_LOST"), ("DisputeOverturned",)),
    "withdrawn": (("WITHDRAWN",), ("WithdrawalCompleted", "WithdrawalPaidLate")),
    "withdrawals returned": (("WITHDRAWAL_RETURNED",), ("WithdrawalReturned", "WithdrawalBounced")),
    "reserves released": (("RESERVE_RELEASED",), ("ReserveReleased",)),
}
"""What both count alike, by the names of either."""
SETTLED = (("SETTLED", "RESERVE_HELD"), ("SettlementCreated",))
"""Of these the amounts are alike: what is held back is counted by itself."""
WITHIN = frozenset(
    {
        *("WithdrawalCreated", "WithdrawalRejected", "WithdrawalFailed", "WithdrawalCancelled"),
        *("ReserveConsumed", "BalanceRecovered", "PaymentContradictionResolved"),
    }
)
"""What the ledger books between accounts when nothing came in or went out; it is held to other totals than these."""
COMPARED = WITHIN.union(*(types for _, types in (*SAME.values(), SETTLED)))
FEES = {"FEES": 1, "FEES_RETURNED": -1, "DISPUTE_FEES": 1, "DISPUTE_FEES_RETURNED": -1}
KILLED_EVERY_S = (0.5, 4.0)
"""The least and most time for which the consumer lives while the line works."""

Whose = tuple[str, str]
"""A merchant and a currency."""


async def differences(kept: Books) -> list[str]:
    """Say where analytics and the ledger differ; nothing may be on its way."""
    counted, booked = await _tallies(kept, COUNTED), await _tallies(kept, BOOKED)
    found = []
    for whose in sorted({*counted, *booked}):
        mine, theirs = _counted(counted[whose]), _booked(booked[whose])
        found += [f"{whose} {name} is booked and not compared" for name in _types(booked[whose]) - COMPARED]
        found += [f"{whose} {what}: {mine[what]}, booked {theirs[what]}" for what in mine if mine[what] != theirs[what]]
    return found


def _types(booked: Counter[tuple[str, str]]) -> set[str]:
    return {name for (kind, name), number in booked.items() if kind == "count" and number}


def _counted(counted: Counter[tuple[str, str]]) -> dict[str, tuple[int, int]]:
    same = {what: _sum(counted, measures) for what, (measures, _) in SAME.items()}
    fees = sum(sign * counted["amount", measure] for measure, sign in FEES.items())
    return same | {"settled": (0, _sum(counted, SETTLED[0])[1]), "fees": (0, fees)}


def _booked(booked: Counter[tuple[str, str]]) -> dict[str, tuple[int, int]]:
    same = {what: _sum(booked, types) for what, (_, types) in SAME.items()}
    return same | {"settled": (0, _sum(booked, SETTLED[1])[1]), "fees": (0, booked["amount", "fees"])}


def _sum(tallies: Counter[tuple[str, str]], names: tuple[str, ...]) -> tuple[int, int]:
    return sum(tallies["count", name] for name in names), sum(tallies["amount", name] for name in names)


async def _tallies(kept: Books, sql: str) -> defaultdict[Whose, Counter[tuple[str, str]]]:
    tallies: defaultdict[Whose, Counter[tuple[str, str]]] = defaultdict(Counter)
    for row in await kept.rows(sql):
        of = tallies[row["merchant_id"], row["currency_code"]]
        of["count", row["name"]] += row["count"]
        of["amount", row["name"]] += int(row["amount_minor"])
    return tallies


@asynccontextmanager
async def killed_again_and_again(consumer: ServiceProcess, *, seed: int) -> AsyncIterator[Counter[str]]:
    """Kill a process at random instants, and start it again at once, until the block ends; it lives then."""
    chance = random.Random(seed)  # noqa: S311 - chooses instants
    deaths: Counter[str] = Counter()

    async def kill() -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(ends.wait(), chance.uniform(*KILLED_EVERY_S))
                return
            await consumer.kill()
            deaths["killed"] += 1
            consumer.spawn()

    ends = asyncio.Event()
    killing = asyncio.create_task(kill())
    try:
        yield deaths
    finally:
        ends.set()  # Not cancelled: that could hit between a death and the start after it.
        await killing


def rebuild(settings: Settings, admin_url: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run `paystream rebuild analytics`."""
    argv = [sys.executable, "-m", "paytools.cli.main", "rebuild", "analytics", *arguments]
    variables = environment(settings, PAYSTREAM_DATABASE_ADMIN_URL=admin_url)
    return subprocess.run(argv, env=variables, cwd=ROOT, capture_output=True, text=True, timeout=120.0, check=False)
