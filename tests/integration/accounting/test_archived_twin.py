"""A ledger of which months were archived says the same as its twin that never archived, whatever is booked when."""

import itertools
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from paykit.errors import DomainError
from paykit.events.event import Event
from paykit.postgres.database import Tx
from paykit.process.runtime import Runtime
from paykit.testing import databases, runtimes
from paystream.payment.v1.events import (
    DisputeDecision,
    DisputeLost,
    DisputeOpened,
    DisputeWon,
    LateCaptureAccepted,
    LateCaptureReceived,
    RefundReason,
)
from paystream.withdrawal.v1.events import (
    WithdrawalBounced,
    WithdrawalCompleted,
    WithdrawalCreated,
    WithdrawalFailed,
    WithdrawalPaidLate,
    WithdrawalReturned,
)
from services.accounting import store
from services.accounting.commands import archiving, journals
from services.accounting.commands.open_matters import open_matters
from services.accounting.commands.verification import verify
from services.accounting.domain.archive import MonthArchived, month_start
from services.accounting.domain.booked_event import BY_CLASS
from services.accounting.domain.journal import Journal
from services.accounting.service import SERVICE
from services.accounting.store import TransactionFilter
from tests.integration.accounting.books import apply
from tests.integration.accounting.old_months import (
    APRIL,
    FEBRUARY,
    JANUARY,
    MARCH,
    administered,
    close_through,
    id_of,
    make_months,
    noon,
)
from tests.unit.accounting.ledger import (
    ALICE,
    BOB,
    capture,
    consumption,
    credit,
    debit,
    dispute,
    journal,
    late,
    overturned,
    recovery,
    refund,
    refund_returned,
    release,
    resolved,
    reversed_,
    settlement,
    withdrawal,
)

MONTHS = (JANUARY, FEBRUARY, MARCH, APRIL)
ARCHIVED = (JANUARY, FEBRUARY)

Pair = tuple[Runtime, Runtime]

_PREFIXES = {
    "capture_id": "cap",
    "payment_id": "pay",
    "refund_id": "ref",
    "dispute_id": "dsp",
    "settlement_id": "stl",
    "withdrawal_id": "wdr",
    "contradiction_id": "ctr",
    "overturn_id": "ovt",
    "consumption_id": "rsc",
}


def told(month: int, at: int, make: Any, number: int, **fields: Any) -> Event:
    """Make an event about what was made in a month, which happened in that month or a later one."""
    event: Event = make(number, **fields, occurred_at=noon(max(month, at), number))
    named = {name: id_of(prefix, month, number) for name, prefix in _PREFIXES.items() if hasattr(event, name)}
    if type(event).__name__ == "BalanceRecovered":
        named = {"recovery_id": id_of("rec", month, number), "settlement_id": id_of("rec", month, number)}
    return replace(event, **named)  # type: ignore[type-var]


def overturn(number: int, **fields: Any) -> Event:
    return overturned(DisputeDecision.WON, number, settlement_minor=300, receivable_minor=20, **fields)


def recovered(number: int, *, amount_minor: int, **fields: Any) -> Event:
    return recovery(number, settlement=amount_minor, amount_minor=amount_minor, **fields)


def lent(number: int, **fields: Any) -> Event:
    return refund(number, reason=RefundReason.CONTRADICTION, suspense_minor=320, **fields)


def step(make: Any, kind: Any) -> Any:
    return lambda number, **fields: make(kind, number, **fields)


# Often of one amount, so that endings fit their openings and funds suffice.
AMOUNTS = st.sampled_from([320, 320, 320, 5_000])
MAKERS: Sequence[Any] = (
    *(capture, capture, capture, capture, refund, refund, reversed_, refund_returned),
    *(lent, resolved, overturn, release, consumption),
    *(step(dispute, kind) for kind in (DisputeOpened, DisputeWon, DisputeLost)),
    *(step(late, kind) for kind in (LateCaptureReceived, LateCaptureAccepted)),
    *(step(withdrawal, kind) for kind in (WithdrawalCreated, WithdrawalCompleted, WithdrawalFailed)),
    *(step(withdrawal, kind) for kind in (WithdrawalReturned, WithdrawalBounced, WithdrawalPaidLate)),
    recovered,
)
_events = st.builds(
    told,
    st.sampled_from([*ARCHIVED, *ARCHIVED, MARCH, APRIL]),
    st.sampled_from([JANUARY, JANUARY, JANUARY, MARCH]),
    st.sampled_from(MAKERS),
    st.integers(1, 4),
    amount_minor=AMOUNTS,
    merchant_id=st.sampled_from([ALICE, ALICE, BOB]),
)
_settled = st.builds(
    told,
    st.sampled_from(MONTHS),
    st.just(JANUARY),
    st.just(settlement),
    st.integers(1, 3),
    net=st.sampled_from([0, 320, 600]),
    reserve=st.sampled_from([0, 320]),
)
_journals = st.builds(
    lambda number, amount: journal(
        debit("merchant.settlement", amount, ALICE),
        credit("merchant.available", amount, ALICE),
        transaction_type="Move",
        related_no=f"move-{number}",
    ),
    st.integers(1, 2),
    st.sampled_from([1, 320]),
)
OPERATIONS = st.one_of(_events, _events, _events, _settled, _journals)


@pytest.fixture
async def pair(template: str, tmp_path: Path) -> AsyncIterator[tuple[Pair, tuple[str, str]]]:
    async with databases.database(template) as one, databases.database(template) as other:
        urls = (databases.admin_url_of(template, one), databases.admin_url_of(template, other))
        async with (
            runtimes.runtime(SERVICE, one, cache_dir=tmp_path) as archived,
            runtimes.runtime(SERVICE, other, cache_dir=tmp_path) as twin,
        ):
            yield (archived, twin), urls


async def book(ledger: Runtime, operations: Sequence[Event | Journal], *, at_once: bool) -> list[Any]:
    """Book one after another, or those of one type that follow each other at once; say what came of each."""
    outcomes: list[Any] = []
    runs: list[list[Any]] = []
    for each in operations:
        if at_once and runs and type(runs[-1][0]) is type(each):
            runs[-1].append(each)
        else:
            runs.append([each])
    for run in runs:

        async def work(tx: Tx, run: list[Any] = run) -> list[Any]:
            if type(run[0]) in BY_CLASS:
                return await apply(tx, run, waited_s=60)
            return await journals.create_transactions(tx, run)

        outcomes += await ledger.transaction(work)
    return [each if each is None or isinstance(each, DomainError) else str(each) for each in outcomes]


async def seen(ledger: Runtime) -> dict[str, Any]:
    """Say all that sums up entries, and what single ones of later months there are."""
    since, end = month_start(MARCH), datetime(2030, 1, 1, tzinfo=noon(MARCH).tzinfo)

    async def look(tx: Tx) -> dict[str, Any]:
        await store.archive.carried.hold_journal(tx)
        accounts = sorted(await store.accounts.select(tx, "true"), key=lambda each: each.account_id)
        state: dict[str, Any] = {
            "accounts": [each.account_id for each in accounts],
            "transit": await store.books.in_transit(tx, limit=1_000),
            "kinds": await store.books.kind_balances(tx),
            "open": await open_matters(tx),
            "listed": (await store.transactions.list(tx, TransactionFilter(start=since), after=None, limit=1_000)).rows,
        }
        for each in accounts:
            state[each.account_id] = [
                await store.balance_of(tx, each.account_id),
                *[await store.balance_of(tx, each.account_id, as_of=at) for at in (since, noon(MARCH), noon(APRIL))],
                await store.balance_of(tx, each.account_id, as_of=datetime(2020, 1, 1, tzinfo=end.tzinfo)),
                (await store.statement(tx, each, start=since, end=end, behind=None, limit=1_000)),
            ]
        for at in (None, since, noon(APRIL)):
            state[f"trial {at}"] = await store.trial_balance(tx, as_of=at, currency_code=None)
        return state

    state = await ledger.read(look)
    state["report"] = (await ledger.read(verify)).open_matters
    for kind in ("merchant.settlement", "merchant.available"):
        flows = await ledger.read(lambda tx, kind=kind: store.account_flows(tx, kind, leaving_out=[]))  # type: ignore[misc]
        state[f"flows {kind}"] = flows
    return state


async def among_the_archived(ledger: Runtime, at: datetime) -> dict[str, int | None]:
    """Say each balance as of a time in an archived month; None where it is refused."""

    async def look(tx: Tx) -> dict[str, int | None]:
        balances: dict[str, int | None] = {}
        for each in await store.accounts.select(tx, "true"):
            try:
                balances[each.account_id] = await store.balance_of(tx, each.account_id, as_of=at)
            except MonthArchived:
                balances[each.account_id] = None
        return balances

    return await ledger.read(look)


_directories = itertools.count()


@dataclass(frozen=True, kw_only=True)
class Run:
    """What is booked before months are archived, which, and what is booked then: new, or again by its place."""

    before: list[Event | Journal]
    after: list[Event | Journal]
    again: list[int]
    months: tuple[int, ...]
    at_once: bool


SOLD = [
    told(month, month, capture, number, amount_minor=5_000, merchant_id=merchant_id)
    for month in MONTHS
    for number, merchant_id in ((1, ALICE), (2, BOB), (3, ALICE))
]
"""What merchants have from the beginning, half of which is archived where two months are."""

RUNS = st.builds(
    Run,
    before=st.lists(OPERATIONS, min_size=4, max_size=20).map(lambda operations: [*SOLD, *operations]),
    after=st.lists(OPERATIONS, max_size=8),
    again=st.lists(st.integers(0, 100), min_size=2, max_size=10),
    months=st.sampled_from([ARCHIVED, (JANUARY,), (FEBRUARY,)]),
    at_once=st.booleans(),
)


@settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(run=RUNS)
async def test_an_archived_ledger_says_the_same_as_its_twin(
    pair: tuple[Pair, tuple[str, str]], tmp_path: Path, run: Run
) -> None:
    (archived, twin), urls = pair
    for url in urls:
        await databases.empty(url, "accounting")
    for ledger in (archived, twin):
        await SERVICE.on_start(ledger)
        await make_months(ledger, *MONTHS)
    assert await book(archived, run.before, at_once=run.at_once) == await book(twin, run.before, at_once=run.at_once)
    for ledger in (archived, twin):
        await close_through(ledger, FEBRUARY)
    async with administered(urls[0]) as database:
        plans = [each for each in await database.read(lambda tx: archiving.plan(tx, MARCH)) if each.month in run.months]
        assert [each.month for each in plans] == list(run.months)
        assert all(each.archived >= 3 for each in plans)
        for plan in plans:
            await archiving.archive(database, plan.month, tmp_path / f"archive-{next(_directories)}")
    assert await seen(archived) == await seen(twin)
    later = [*run.after, *(run.before[number % len(run.before)] for number in run.again)]
    assert await book(archived, later, at_once=run.at_once) == await book(twin, later, at_once=run.at_once)
    assert await seen(archived) == await seen(twin)
    for at in (noon(JANUARY, 1), noon(JANUARY, 2), noon(FEBRUARY, 2)):
        right = await among_the_archived(twin, at)
        for account_id, balance in (await among_the_archived(archived, at)).items():
            assert balance in {None, right[account_id]}
