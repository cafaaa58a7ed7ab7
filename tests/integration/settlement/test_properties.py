"""For any sequence of events: a batch equals its items one at a time, and the sums are those of the items."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from paykit.consumption import Consumption
from paykit.postgres.database import Tx
from paykit.testing import batches
from paykit.testing.batches import Step, undone
from paystream.accounting.v1.events import TransactionCreated
from services.settlement import domain, store
from services.settlement.commands import closing as commands
from services.settlement.commands.closing import CreateSettlement
from services.settlement.commands.transferring import ExtendReserve, extend_reserves
from services.settlement.domain.fund_transfer import FundTransfer, TransferKind
from services.settlement.domain.item import SettlementItem, items_of
from services.settlement.domain.policy import Policy
from services.settlement.domain.settlement import Place, Settlement
from tests.integration.settlement.till import CAUSE, Till, apply, everything
from tests.unit.settlement.builders import (
    ALICE,
    BOB,
    MANUAL,
    NOON,
    booked,
    booking,
    capture,
    daily,
    entry,
    hours,
    journal,
    merchant,
    refund,
    rejected,
    release,
    stl,
    threshold,
    weekly,
)

# Each example runs in transactions that are undone, so that one database serves them all.
ON_ONE_TILL = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)

# Few numbers and few values, so that repetitions, late items and totals around the threshold are common.
NUMBERS = st.integers(1, 5)
MERCHANTS = st.sampled_from([ALICE, ALICE, BOB])
TIMES = st.sampled_from([NOON, NOON - hours(1), NOON - hours(30), NOON - hours(60), NOON - hours(24 * 400)])
POLICIES: st.SearchStrategy[Policy] = st.sampled_from(
    [daily("06:00"), daily("18:00", "Asia/Tokyo", delay_days=2), weekly(2), threshold(USD=1_000), MANUAL]
)


def owner(number: int) -> str:
    """Whose capture or refund it is: a transaction is of the same merchant however often it comes."""
    return BOB if number % 3 == 0 else ALICE


captures = st.builds(
    lambda number, amount_minor, fee_minor, at: capture(
        number, amount_minor, fee_minor, merchant_id=owner(number), at=at
    ),
    NUMBERS,
    st.sampled_from([1, 400, 1_000]),
    st.sampled_from([0, 1]),
    TIMES,
)
refunds = st.builds(
    lambda number, amount_minor, at: refund(number, amount_minor, merchant_id=owner(number), at=at),
    NUMBERS,
    st.sampled_from([1, 400, 1_000]),
    TIMES,
)
RECOVERY = "rec_" + "0" * 31 + "1"
PLANTED = FundTransfer(
    transfer_id=RECOVERY,
    kind=TransferKind.RECOVERY,
    merchant_id=ALICE,
    currency_code="USD",
    settlement_minor=30,
    create_time=NOON,
    update_time=NOON,
)
"""A recovery that the ledger has not answered."""
RECOVERED = booked("BalanceRecovered", RECOVERY, [entry("merchant.available", -30), entry("merchant.settlement", 30)])

bookings = st.builds(booking, st.integers(1, 4).map(stl), st.sampled_from([400, 1_000]))
releases = st.builds(release, st.integers(1, 2).map(stl), st.sampled_from([100]))
refusals = st.one_of(
    st.builds(
        rejected, st.integers(1, 4).map(stl), st.sampled_from(["SettlementCreated", "ReserveReleased", "RefundSuccess"])
    ),
    st.builds(rejected, st.sampled_from([RECOVERY, "rec_" + "9" * 32]), st.just("BalanceRecovered")),
)
journals = st.builds(
    journal,
    NUMBERS,
    merchant_id=MERCHANTS,
    available=st.sampled_from([-7, 50]),
    reserve=st.sampled_from([-3, 20]),
    receivable=st.sampled_from([-2, 9]),
)
merchants = st.builds(merchant, POLICIES, merchant_id=MERCHANTS, version=st.integers(1, 3))
requests = st.builds(
    CreateSettlement,
    merchant_id=st.sampled_from([ALICE, BOB, "mer_" + "c" * 32]),
    currency_code=st.sampled_from(["USD", "USD", "JPY", "QQQ"]),
    override_reason=st.sampled_from([None, "all of it"]),
    cause=st.just(CAUSE),
)


extensions = st.builds(
    ExtendReserve,
    settlement_id=st.integers(1, 3).map(stl),
    release_at=st.sampled_from([NOON + hours(24 * days) for days in (5, 11, 20, 4_000)]),
    reason=st.just("chargebacks rise"),
    cause=st.just(CAUSE),
)


async def prepared(tx: Tx, policy: Policy) -> None:
    """Bring about settlements of ALICE, stl(1) CREATED and stl(2) COMPLETED, which hold 100 back, with 400 pending.

    BOB is unknown.
    """
    await apply(tx, [merchant(replace(policy, reserve_basis_points=1_000, reserve_days=10))])
    for number in (1, 2):
        await planted(tx, number)
        whole = CreateSettlement(merchant_id=ALICE, currency_code="USD", override_reason="all", cause=CAUSE)
        await commands.create_settlements(tx, [whole])
    await apply(tx, [booking(stl(2), 1_000, reserve_minor=100)])
    await apply(tx, [capture(95, 400)])
    transfers = store.fund_transfers.rows(tx)
    transfers.add(PLANTED)
    await tx.save(transfers)
    tx.emitted.clear()


async def planted(tx: Tx, number: int) -> None:
    """Begin to collect under an id that the events drawn know."""
    items = items_of(capture(90 + number, 1_000))
    place: Place = (ALICE, "USD", None)
    await store.settlements.collect(tx, {place: domain.sums.sums_of(items)}, new_ids=[stl(number)], due=[None])
    await store.insert_items(tx, [(stl(number), items)])


STEPS: dict[str, tuple[Step, st.SearchStrategy[Any]]] = {
    "on_transaction_created": (
        apply,
        st.one_of(captures, captures, refunds, bookings, releases, journals, st.just(RECOVERED)),
    ),
    "on_transaction_rejected": (apply, refusals),
    "on_merchant_changed": (apply, merchants),
    "create_settlements": (commands.create_settlements, requests),
    "extend_reserves": (extend_reserves, extensions),
}


@pytest.mark.parametrize("name", STEPS)
@ON_ONE_TILL
@given(data=st.data())
async def test_a_batch_equals_its_items_one_at_a_time(till: Till, name: str, data: st.DataObject) -> None:
    step, items = STEPS[name]
    drawn, policy = data.draw(st.lists(items, min_size=2, max_size=8)), data.draw(POLICIES)
    await assert_batch_equals_singles(till, step, drawn, policy)


async def assert_batch_equals_singles(till: Till, step: Step, items: Sequence[Any], policy: Policy) -> None:
    async def look(tx: Tx, results: Sequence[Any]) -> Any:
        told = [(each.state, each.sums) if isinstance(each, Settlement) else each for each in results]
        return told, await everything(tx, till.runtime)

    await batches.assert_batch_equals_singles(
        till.runtime, step, items, look=look, prepare=partial(prepared, policy=policy)
    )


async def test_the_property_would_notice_a_difference(till: Till) -> None:
    async def forgetful(tx: Tx, items: Sequence[Any]) -> Sequence[Any]:
        return await apply(tx, items[:1]) + [None] * (len(items) - 1)

    with pytest.raises(AssertionError):
        await assert_batch_equals_singles(till, forgetful, [capture(3), capture(4)], MANUAL)


Operation = tuple[str, list[Any]]
OPERATIONS = st.one_of(*(st.tuples(st.just(name), st.lists(STEPS[name][1], min_size=1, max_size=4)) for name in STEPS))


@ON_ONE_TILL
@given(operations=st.lists(OPERATIONS, max_size=10), policy=POLICIES)
async def test_after_any_sequence_of_operations_every_item_counts_in_one_settlement_with_its_sum(
    till: Till, operations: list[Operation], policy: Policy
) -> None:
    async def run(tx: Tx) -> None:
        await prepared(tx, policy)
        effects: dict[tuple[str, str], int] = {("txn", ALICE): 2_400}
        for name, items in operations:
            tx.restart_lock_order()  # As if each had a transaction of its own.
            await STEPS[name][0](tx, items)
            tx.restart_lock_order()
            await commands.close_due(tx, view=Consumption(tx.now, (), {}), limit=500)
            for item in (item for each in items if isinstance(each, TransactionCreated) for item in collected(each)):
                effects.setdefault((item.transaction_id, item.merchant_id), item.amount_minor + item.fee_minor)
        await store.check_settlements(tx)
        completed = "SELECT coalesce(sum(total_minor), 0) FROM settlement WHERE state = 'COMPLETED'"
        booked_minor = (await tx.fetch(completed))[0][0]
        left = "SELECT coalesce(sum(total_minor), 0) FROM settlement WHERE state IN ('PENDING', 'CREATED')"
        assert (await tx.fetch(left))[0][0] == sum(effects.values()) - booked_minor

    await undone(till.runtime, run)


def collected(event: TransactionCreated) -> list[SettlementItem]:
    return [] if event.transaction_type == "SettlementCreated" else items_of(event)
