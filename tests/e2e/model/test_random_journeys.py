"""Two hundred random journeys at once on one stack, each beside a model of the whole line."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from paykit.money import AMOUNT_MINOR_MAX
from paykit.process.catalogue import load_service, schema_names, service_names
from paykit.process.service import Service
from paykit.testing import databases
from paystream.accounting.v1 import accounting_pb2
from paytools.localstack import Endpoints
from tests.e2e.conftest import Line, line_of
from tests.e2e.model import audit, figures, plans, rules
from tests.e2e.model.journey import Journey
from tests.e2e.model.plans import Plan
from tests.e2e.model.told import ToldPeople
from tests.line import mail
from tests.line.clients import advance_clock, call_through
from tests.line.delivery import unconsumed
from tests.line.draining import drained
from tests.line.processes import ServiceProcess, launching, verify_ledger, verify_reconciliation, verify_settlements
from tests.line.receiving import receiver
from tests.line.webhooks import WebhookInbox

JOURNEYS_AT_ONCE = 48
"""Under way at once; more only wait for each other on two cores."""
APPROVAL_LIMIT_MINOR = 20_000
SHOWN_MAX = 3
FEW = 200
LINES = [
    (currency, operation)
    for currency in plans.CURRENCIES
    for operation in (*audit.CAME, *audit.WENT_BACK, *audit.WAS_PAID_OUT)
]
PASSING_S = 8 * 86_400
CLOSES_DAYS = 4
ITEMS = """
SELECT (SELECT count(*) FROM (
            SELECT DISTINCT e.transaction_id, a.merchant_id FROM accounting.entry e
            JOIN accounting.account a USING (account_id) JOIN accounting.transaction t USING (transaction_id)
            WHERE a.account_kind = 'merchant.settlement' AND t.transaction_type <> 'SettlementCreated') booked),
       (SELECT count(*) FROM settlement.item) + (SELECT count(*) FROM settlement.narrow_item)
"""
"""What settles, once for each merchant and transaction, and the items: the primary key keeps them apart."""


@pytest.fixture(scope="module")
def mailbox(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("mail")


@pytest.fixture(scope="module")
async def changed_settings(mailbox: Path) -> AsyncIterator[dict[str, Any]]:
    changed = {
        "withdrawal_approval_limits": {"*": APPROVAL_LIMIT_MINOR},
        "withdrawal_daily_limits": {"*": AMOUNT_MINOR_MAX},
        "database_pool_max": 10,
        "currency_closings": {plans.CLOSING: datetime.now(UTC).date() + timedelta(days=CLOSES_DAYS)},
        "webhook_loopback_allowed": True,
    }
    async with mail.kept_in(mailbox) as sending:
        yield changed | sending


@pytest.fixture(scope="module")
def planned(request: pytest.FixtureRequest) -> list[Plan]:
    count = request.config.getoption("--journeys")
    drawn = plans.drawn(count, request.config.getoption("--journey-seed"))
    assert len(drawn) == count
    return [*drawn, *plans.by_hand()]


@pytest.fixture(scope="module")
async def line(
    stack: Endpoints,
    template: str,
    tmp_path_factory: pytest.TempPathFactory,
    changed_settings: dict[str, Any],
    planned: list[Plan],
) -> AsyncIterator[Line]:
    """All services, of which analytics consumes in a process of its own.

    They begin when the plans are drawn, which takes seconds in which everything in this process stands still.
    """
    assert planned

    def service(name: str) -> Service:
        return unconsumed(load_service(name)) if name == "analytics" else load_service(name)

    async with line_of(
        [service(name) for name in service_names()],
        stack=stack,
        template=template,
        cache_dir=tmp_path_factory.mktemp("cache"),
        changed_settings=changed_settings,
    ) as made:
        yield made


@pytest.fixture(scope="module")
async def analytics(line: Line, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ServiceProcess]:
    async with launching(line.settings, tmp_path_factory.mktemp("analytics")) as launch:
        process = launch("analytics")
        await process.start()
        yield process


@pytest.fixture(scope="module")
async def told(line: Line, mailbox: Path) -> AsyncIterator[ToldPeople]:
    async with receiver() as server:
        yield ToldPeople(line.clients, WebhookInbox(server), mailbox)


@pytest.fixture(scope="module")
def journeys(line: Line, told: ToldPeople, planned: list[Plan]) -> list[Journey]:
    return [
        Journey(line.clients, plan, number=number, approval_limit=APPROVAL_LIMIT_MINOR, told=told)
        for number, plan in enumerate(planned)
    ]


async def of_all(journeys: Sequence[Journey], do: Callable[[Journey], Awaitable[None]]) -> None:
    """Do something with all journeys, some at once; tell of the first few that disagree, and of how many do."""
    slots = asyncio.Semaphore(JOURNEYS_AT_ONCE)

    async def one(journey: Journey) -> str | None:
        async with slots:
            try:
                await do(journey)
            except AssertionError as error:
                return str(error)
        return None

    told = [each for each in await asyncio.gather(*(one(journey) for journey in journeys)) if each]
    assert not told, f"{len(told)} of {len(journeys)} journeys disagree\n\n" + "\n\n".join(told[:SHOWN_MAX])


@pytest.mark.timeout(2_400)  # Minutes; many times that on a machine that does other things as well.
async def test_two_hundred_random_journeys_at_once_end_as_the_model_says(
    line: Line, journeys: list[Journey], analytics: ServiceProcess, request: pytest.FixtureRequest
) -> None:
    await of_all(journeys, lambda journey: journey.begin())
    seed = request.config.getoption("--journey-seed")
    async with figures.killed_again_and_again(analytics, seed=seed) as deaths:
        await of_all(journeys, lambda journey: journey.act(0))
    assert deaths["killed"] or len(journeys) < FEW
    await compare(line, journeys)
    await of_all(journeys, lambda journey: journey.pause())
    await drained(line.settings, line.kept)
    async with figures.killed_again_and_again(analytics, seed=seed + 1):
        await of_all(journeys, lambda journey: journey.act(1))
    await compare(line, journeys)
    await advance_clock(line.settings.grpc_address, PASSING_S)
    await of_all(journeys, lambda journey: journey.advance())
    await compare(line, journeys)
    for verify in (verify_ledger, verify_settlements, verify_reconciliation):
        verified = await asyncio.to_thread(verify, line.settings)
        assert verified.returncode == 0, verified.stdout + verified.stderr


async def test_whoever_wants_it_was_told_of_every_event_once_by_webhook_and_mail(
    line: Line, told: ToldPeople, journeys: list[Journey]
) -> None:
    """Of the run before."""
    assert journeys
    differences = await told.differences(line.settings, line.kept)
    assert not differences, f"{len(differences)} differences\n" + "\n".join(differences[:SHOWN_MAX])


async def compare(line: Line, journeys: Sequence[Journey]) -> None:
    """Wait until nothing is on its way any more, and hold all that is to be seen against the worlds."""
    await drained(line.settings, line.kept)
    await of_all(journeys, lambda journey: journey.compare())
    await compare_whole(line, journeys)


async def compare_whole(line: Line, journeys: Sequence[Journey]) -> None:
    """Hold what concerns all merchants against all worlds together."""
    await compare_outside(line, journeys)
    assert not (bookings := await audit.one_sided(line.kept)), "\n".join(bookings[:SHOWN_MAX])
    assert not (differences := await figures.differences(line.kept)), "\n".join(differences[:SHOWN_MAX])
    [(booked, items)] = await line.kept.rows(ITEMS)
    assert booked == items
    for table in ("dead_letter", "skipped_event", "parked_event"):
        counted = " UNION ALL ".join(f"""SELECT '{name}', count(*) FROM "{name}".{table}""" for name in schema_names())
        assert {row[0]: row[1] for row in await line.kept.rows(counted)} == dict.fromkeys(schema_names(), 0), table
    platform: Counter[tuple[str, str]] = Counter()
    for journey in journeys:
        platform.update(journey.worlds[0].platform)
    for currency in plans.CURRENCIES:
        request = accounting_pb2.GetTrialBalanceRequest(currency_code=currency)
        trials = (await call_through(line.clients.accounting.GetTrialBalance, request)).trial_balances
        assert all(each.debit_total_minor == each.credit_total_minor for each in trials)
        lines = {each.account_kind: int(each.debit_minor) + int(each.credit_minor) for t in trials for each in t.lines}
        for kind in ("income", "fees"):
            assert lines.get(f"platform.{kind}", 0) == abs(platform[currency, kind]), (currency, kind)


async def compare_outside(line: Line, journeys: Sequence[Journey]) -> None:
    """Hold the statements of channel and bank against the ledger, whatever the model says, and against the model."""
    audits = await audit.audited(line.settings, line.kept)
    assert not (faults := audit.faults(audits)), "\n".join(faults[:SHOWN_MAX])
    told: list[str] = []
    for journey in journeys:
        seen = {(currency, each): audits[journey.merchant_id, currency].lines[each] for currency, each in LINES}
        wanted = [{each: world.outside.get(each, 0) for each in LINES} for world in journey.worlds]
        told += [] if seen in wanted else [f"{journey}\nstatements say {seen}, not {wanted[0]}"]
    assert not told, f"{len(told)} journeys differ from the statements\n\n" + "\n\n".join(told[:SHOWN_MAX])


async def test_figures_that_were_lost_are_derived_again_and_equal_the_ledger(
    line: Line, journeys: list[Journey], template: str
) -> None:
    """Of the run before."""
    admin_url = databases.admin_url_of(template, line.settings.database_url.get_secret_value())
    compared = await asyncio.to_thread(figures.rebuild, line.settings, admin_url, "--diff")
    assert (compared.returncode, compared.stdout) == (0, "equal\n")
    await line.kept.rows("TRUNCATE analytics.figure, analytics.payment_origin")
    assert await figures.differences(line.kept)
    rebuilt = await asyncio.to_thread(figures.rebuild, line.settings, admin_url)
    assert rebuilt.returncode == 0, rebuilt.stderr
    assert await figures.differences(line.kept) == []


def test_the_journeys_meet_what_can_happen(journeys: list[Journey]) -> None:
    """Of the run before: a generator that never got there would prove nothing."""
    if len(journeys) < FEW:
        pytest.skip("fewer journeys need not meet everything")
    worlds = [journey.worlds[0] for journey in journeys]
    payments = [payment for world in worlds for payment in world.payments.values()]
    assert {each.state for each in payments} == {"SUCCEEDED", "CANCELLED", "FAILED"}
    assert {each.waited for each in payments} == {"", "DONE", "REFUSED", "CALLED_OFF", "EXPIRED"}
    assert {rules.waits_for(each.amount) for each in payments if each.waited} == set(rules.WAITS.values())
    assert {part.state for each in payments for part in each.captures} == {"SUCCEEDED", "FAILED"}
    assert {part.state for each in payments for part in each.disputes} == {"WON", "LOST"}
    notes = {part.note for each in payments for part in each.refunds}
    assert notes == {"CUSTOMER_REQUEST", "ORDER_CANCELLED", "CONTRADICTION"}
    assert {each.state for world in worlds for each in world.orders.values()} == {
        "CREATED",
        "PAID",
        "CANCELLED",
        "EXPIRED",
    }
    moved = {operation for world in worlds for (_, operation), amount in world.outside.items() if amount}
    assert moved == {*audit.CAME, *audit.WENT_BACK, *audit.WAS_PAID_OUT}
    ends = {each.state for world in worlds for each in world.withdrawals.values()}
    assert ends == {"COMPLETED", "FAILED", "RETURNED", "REJECTED", "HELD"}
    refusals = {reason for journey in journeys for reason in journey.reasons}
    assert refusals >= REFUSALS, REFUSALS - refusals


REFUSALS = {
    "CAPTURE_EXCEEDS_CAPTURABLE",
    "CAPTURE_IN_PROGRESS",
    "CURRENCY_CLOSED",
    "DISPUTE_EXCEEDS_CAPTURED",
    "ILLEGAL_TRANSITION",
    "NOTHING_TO_SETTLE",
    "ORDER_AMOUNT_EXCEEDED",
    "ORDER_CLOSED",
    "REFUND_EXCEEDS_REFUNDABLE",
    "SAME_PERSON",
    "WITHDRAWAL_EXCEEDS_WITHDRAWABLE",
}
