"""Two hundred journeys on which channel and bank contradict themselves at any time, and three books that must agree.

What channel and bank say, what the ledger says, and what the limits still allow: after draining, to the minor unit.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any

import pytest

from paykit.money import AMOUNT_MINOR_MAX
from paykit.process.catalogue import schema_names
from tests.e2e.conftest import Line
from tests.e2e.model import audit
from tests.e2e.model.contradicted import WAITING_FATES, ContradictedJourney
from tests.line.clients import advance_clock
from tests.line.draining import drained
from tests.line.processes import verify_ledger, verify_reconciliation, verify_settlements
from tests.line.waiting import until

AT_ONCE = 32
ENOUGH = 100
"""Journeys that meet every end of a payment whose payer has to act."""
SHOWN_MAX = 3
PASSING_S = 8 * 86_400
"""Between the two halves: orders and authorizations expire, disputes are lost."""
SEED_STRIDE = 1_000_003
"""Between the numbers of journeys of two seeds, so that none is met twice."""
REFUNDABLE = """
SELECT p.merchant_id, p.payment_id, kept.kept_minor
FROM payment.payment p JOIN (
    SELECT a.payment_id, sum(greatest(c.captured_minor - c.refunded_minor - c.disputed_minor, 0)) AS kept_minor
    FROM payment.attempt a JOIN channel.card_authorization c ON c.authorization_reference = a.channel_reference
    GROUP BY a.payment_id
) kept USING (payment_id)
"""
"""What the acquirer still has of each payment, second approvals aside."""

SUSPENSE = """
SELECT merchant_id, sum(suspense_minor) AS suspense_minor FROM (
    SELECT merchant_id, suspense_minor FROM payment.contradiction WHERE state <> 'RESOLVED' UNION ALL
    SELECT merchant_id, suspense_minor FROM withdrawal.contradiction WHERE state <> 'RESOLVED'
) AS listed GROUP BY merchant_id
"""
"""What is listed as owed to somebody, or below 0 as out with nothing behind it."""
UNATTENDED = """
SELECT contradiction_id FROM payment.contradiction AS listed
WHERE state = 'AUTOMATIC' AND suspense_minor <> 0 AND NOT EXISTS (
    SELECT FROM payment.late_capture WHERE late_capture.contradiction_id = listed.contradiction_id
        AND late_capture.retry_time IS NOT NULL)
UNION ALL
SELECT contradiction_id FROM withdrawal.contradiction WHERE state = 'AUTOMATIC' AND suspense_minor <> 0
"""
"""Of which nobody is told to decide, and which nothing is going to end by itself."""
PAYERS = """
SELECT DISTINCT p.state || ' ' || coalesce(p.failure_reason, '') AS ended
FROM payment.payment p JOIN payment.attempt a USING (payment_id)
WHERE a.amount_minor % 10000 = ANY ($1::bigint[]) AND a.action IN ('CHARGE', 'AUTHORIZE')
"""
WAITED_S_MAX = 120.0


@pytest.fixture(scope="module")
def changed_settings() -> dict[str, Any]:
    return {
        "withdrawal_approval_limits": {"*": AMOUNT_MINOR_MAX},
        "withdrawal_daily_limits": {"*": AMOUNT_MINOR_MAX},
        "database_pool_max": 10,
    }


@pytest.fixture(scope="module")
async def journeys(line: Line, request: pytest.FixtureRequest) -> Sequence[ContradictedJourney]:
    """Journeys that have gone their way, with nothing left under way."""
    first = request.config.getoption("--journey-seed") * SEED_STRIDE
    gone = [
        ContradictedJourney(line, number) for number in range(first, first + request.config.getoption("--journeys"))
    ]
    await of_all(gone, ContradictedJourney.begin)
    await of_all(gone, ContradictedJourney.go)
    await advance_clock(line.settings.grpc_address, PASSING_S)
    await of_all(gone, ContradictedJourney.go)
    # Payers who have not come back will not: whatever still waits for one ends.
    await advance_clock(line.settings.grpc_address, PASSING_S)
    await until(partial(_nobody_is_waited_for, line), seconds=WAITED_S_MAX)
    await drained(line.settings, line.kept)
    return gone


async def _nobody_is_waited_for(line: Line) -> bool:
    return not await line.kept.number("SELECT count(*) FROM payment.payment WHERE state = 'REQUIRES_ACTION'")


async def of_all(journeys: Sequence[ContradictedJourney], do: Callable[[ContradictedJourney], Awaitable[None]]) -> None:
    """Do something with all journeys, some at once."""
    slots = asyncio.Semaphore(AT_ONCE)

    async def one(journey: ContradictedJourney) -> None:
        async with slots:
            await do(journey)

    await asyncio.gather(*(one(journey) for journey in journeys))


@pytest.mark.timeout(2_400)
async def test_the_ledger_tells_the_money_that_channel_and_bank_tell(
    line: Line, journeys: Sequence[ContradictedJourney]
) -> None:
    audits = await audit.audited(line.settings, line.kept)
    told = []
    for journey in journeys:
        told += [f"{fault}\n{journey}" for fault in audits[journey.shop.merchant_id, "USD"].faults()]
    assert not told, f"{len(told)} faults\n\n" + "\n\n".join(told[:SHOWN_MAX])


async def test_what_stands_in_suspense_is_what_is_listed_as_contradicted(
    line: Line, journeys: Sequence[ContradictedJourney]
) -> None:
    listed = {row["merchant_id"]: int(row["suspense_minor"]) for row in await line.kept.rows(SUSPENSE)}
    told = []
    for journey in journeys:
        merchant_id, balances = journey.shop.merchant_id, await journey.shop.balances()
        if (there := balances.get("suspense", 0)) != (known := listed.get(merchant_id, 0)):
            told.append(f"{there} are in suspense, {known} are listed\n{journey}")
    assert not told, f"{len(told)} merchants\n\n" + "\n\n".join(told[:SHOWN_MAX])
    assert await line.kept.rows(UNATTENDED) == []


async def test_payers_did_it_refused_came_too_late_and_were_called_off(
    line: Line, journeys: Sequence[ContradictedJourney]
) -> None:
    if len(journeys) < ENOUGH:
        pytest.skip("so few journeys meet some of it only")
    ended = {row["ended"] for row in await line.kept.rows(PAYERS, WAITING_FATES)}
    assert ended >= {"SUCCEEDED ", "FAILED AUTHENTICATION_FAILED", "FAILED ACTION_EXPIRED", "CANCELLED "}


async def test_no_more_can_be_withdrawn_than_the_ledger_has_for_it(journeys: Sequence[ContradictedJourney]) -> None:
    told = []
    for journey in journeys:
        balances = await journey.shop.balances()
        owed = min(balances.get("settlement", 0), 0) - balances.get("receivable", 0)
        allowed = max(balances.get("available", 0) + owed, 0)
        if (able := await journey.shop.withdrawable()) != allowed:
            told.append(f"{able} can be withdrawn, not {allowed}: {balances}\n{journey}")
    assert not told, f"{len(told)} limits\n\n" + "\n\n".join(told[:SHOWN_MAX])


async def test_no_more_can_be_refunded_than_the_acquirer_has(
    line: Line, journeys: Sequence[ContradictedJourney]
) -> None:
    kept = {row["payment_id"]: int(row["kept_minor"]) for row in await line.kept.rows(REFUNDABLE)}
    told = []
    for journey in journeys:
        for payment_id in journey.payments:
            refundable = await journey.shop.refundable(payment_id)
            if refundable > kept.get(payment_id, 0):
                told.append(f"{payment_id}: {refundable} can be refunded, not {kept.get(payment_id, 0)}\n{journey}")
    assert not told, f"{len(told)} limits\n\n" + "\n\n".join(told[:SHOWN_MAX])


@pytest.mark.usefixtures("journeys")
async def test_nothing_was_left_aside_and_each_service_finds_its_books_right(line: Line) -> None:
    for table in ("dead_letter", "skipped_event", "parked_event"):
        counted = " UNION ALL ".join(f"""SELECT '{name}', count(*) FROM "{name}".{table}""" for name in schema_names())
        assert {row[0]: row[1] for row in await line.kept.rows(counted)} == dict.fromkeys(schema_names(), 0), table
    assert await audit.one_sided(line.kept) == []
    for verify in (verify_ledger, verify_settlements, verify_reconciliation):
        verified = await asyncio.to_thread(verify, line.settings)
        assert verified.returncode == 0, verified.stdout + verified.stderr
