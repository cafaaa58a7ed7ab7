"""Which withdrawals the funds of a settlement went into: first in, first out."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from paykit.ids import new_id
from paykit.postgres.database import Tx
from paykit.testing import batches
from paykit.testing.runtimes import START
from services.withdrawal import store
from services.withdrawal.store import WithdrawalFilter
from tests.integration.withdrawal.conftest import Treasury

_INSERT_WITHDRAWAL = """
INSERT INTO withdrawal (withdrawal_id, merchant_id, bank_account_id, destination_token, bank_account_last_four,
    amount_minor, currency_code, approval_required, requester, correlation_id, state, funds_held, failure_reason,
    contradicted, aggregate_version, taken_minor, create_time, update_time)
VALUES ($1, $2, $3, 'tok', '4321', $4::bigint, 'USD', false, 'shop', 'cor',
    CASE WHEN $5 THEN 'FAILED' ELSE 'CREATED' END,
    false, CASE WHEN $5 THEN 'INSUFFICIENT_FUNDS' END, false, 1, CASE WHEN $5 THEN 0 ELSE $4::bigint END, $6, $6)
"""


async def test_a_withdrawal_is_of_every_settlement_that_it_used_up_a_part_of(treasury: Treasury) -> None:
    settlements = []
    for amount in (100, 50, 200):
        settlements.append(await treasury.settle(amount))
        treasury.pass_time(60)
    made = []
    for amount in (70, 30, 60, 20):
        made.append((await treasury.create(amount)).withdrawal_id)
        treasury.pass_time(60)

    # 100 = 70 + 30; 50 of the 60; its last 10 and the 20 come out of the third.
    assert await treasury.listed(settlement_id=settlements[0]) == [made[1], made[0]]
    assert await treasury.listed(settlement_id=settlements[1]) == [made[2]]
    assert await treasury.listed(settlement_id=settlements[2]) == [made[3], made[2]]
    assert await treasury.listed(settlement_id="stl_" + "f" * 32) == []


async def test_what_came_back_used_up_nothing(treasury: Treasury) -> None:
    first, second = await treasury.settle(100), ""
    treasury.pass_time(60)
    second = await treasury.settle(100)
    refused, kept = await treasury.create(100), await treasury.create(100)
    assert await treasury.listed(settlement_id=second) == [kept.withdrawal_id]

    await treasury.refuse(refused.withdrawal_id)

    assert await treasury.listed(settlement_id=first) == [kept.withdrawal_id]
    assert await treasury.listed(settlement_id=second) == []


async def test_adjustments_take_their_share_and_merchants_and_currencies_are_apart(treasury: Treasury) -> None:
    first = await treasury.settle(100)
    await treasury.settle(500, currency_code="JPY")
    await treasury.settle(500, merchant_id="mer_" + "d" * 32)
    treasury.pass_time(60)
    await treasury.adjust(-1, 100)
    second = await treasury.settle(100)
    treasury.pass_time(60)
    made = await treasury.create(100)

    assert await treasury.listed(settlement_id=first) == []
    assert await treasury.listed(settlement_id=second) == [made.withdrawal_id]
    assert await treasury.listed(settlement_id=second, merchant_id="mer_" + "d" * 32) == []


# Minutes and amounts of credits (below zero: taken away), and of withdrawals with whether they failed.
credits_drawn = st.lists(st.tuples(st.integers(0, 9), st.integers(-30, 60).filter(bool)), min_size=1, max_size=6)
uses_drawn = st.lists(st.tuples(st.integers(0, 9), st.integers(1, 60), st.booleans()), max_size=6)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(told=credits_drawn, used=uses_drawn)
async def test_every_minor_unit_goes_out_in_the_order_in_which_it_came_in(
    treasury: Treasury, told: Sequence[tuple[int, int]], used: Sequence[tuple[int, int, bool]]
) -> None:
    credits_made = [(START + timedelta(minutes=at), new_id("stl"), amount) for at, amount in told]
    uses = [(START + timedelta(minutes=at), new_id("wdr"), amount, failed) for at, amount, failed in used]

    # One by one: a list of minor units in, and of minor units out.
    came_in = [i for _, i, amount in sorted(credits_made) for _ in range(max(amount, 0))]
    taken = [(at, i, amount) for at, i, amount, failed in uses if not failed]
    taken += [(at, i, -amount) for at, i, amount in credits_made if amount < 0]
    went_out = [i for _, i, amount in sorted(taken) for _ in range(amount)]
    expected = {i: set[str]() for _, i, amount in credits_made if amount > 0}
    for settlement_id, use_id in zip(came_in, went_out, strict=False):
        if use_id.startswith("wdr_"):
            expected[settlement_id].add(use_id)

    async def found(tx: Tx) -> dict[str, set[str]]:
        for at, source_id, amount in credits_made:
            sql = "INSERT INTO credit VALUES ($1, $2, 'USD', $3, $4)"
            await tx.run(sql, source_id, treasury.merchant_id, amount, at)
        for at, withdrawal_id, amount, failed in uses:
            about = (withdrawal_id, treasury.merchant_id, treasury.bank_account_id, amount, failed, at)
            await tx.run(_INSERT_WITHDRAWAL, *about)
        return {
            settlement_id: {
                each.withdrawal_id
                for each in (await store.withdrawals.list(tx, of_settlement(settlement_id), after=None, limit=100)).rows
            }
            for settlement_id in expected
        }

    assert await batches.undone(treasury.runtime, found) == expected


def of_settlement(settlement_id: str) -> WithdrawalFilter:
    return WithdrawalFilter(
        merchant_id=None,
        settlement_id=settlement_id,
        merchant_reference=None,
        state=None,
        blocked=None,
        create_time_min=None,
        create_time_before=None,
    )


@pytest.mark.parametrize("amount", [1, 100])
async def test_a_settlement_that_nothing_was_withdrawn_from_has_no_withdrawals(treasury: Treasury, amount: int) -> None:
    assert await treasury.listed(settlement_id=await treasury.settle(amount)) == []
