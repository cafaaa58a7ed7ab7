"""What the database itself refuses, whatever the service's code does."""

from functools import partial
from typing import Any

import asyncpg
import pytest

from paykit.postgres.database import Tx
from services.settlement.domain.lifecycle import SettlementState
from services.settlement.domain.settlement import Settlement
from tests.integration.settlement.test_closing import one
from tests.integration.settlement.test_reserve import held
from tests.integration.settlement.till import Till
from tests.unit.settlement.builders import (
    ALICE,
    NOON,
    booked,
    booking,
    capture,
    daily,
    entry,
    hours,
    refund,
    rejected,
    threshold,
    utc,
)

PENDING, CREATED, COMPLETED, FAILED, CARRIED = SettlementState
LEGAL = {(PENDING, CREATED), (PENDING, CARRIED), (CREATED, COMPLETED), (CREATED, FAILED)}


async def in_state(till: Till, state: SettlementState) -> Settlement:
    """Bring about a settlement in a state, the way it comes about."""
    if state is CARRIED:
        await till.policy(daily("18:00"))
        await till.consume(refund(1, 500, at=utc(1, 12)), capture(1, 800, at=utc(1, 19)))
        till.clock.advance(hours(6))
        await till.close()
        return await one(till, CARRIED)
    await till.policy(threshold(USD=1_000))
    await till.consume(capture(1))
    if state is not PENDING:
        await till.close()
    if state is COMPLETED:
        await till.consume(booking((await one(till, CREATED)).settlement_id, 1_000))
    if state is FAILED:
        await till.consume(rejected((await one(till, CREATED)).settlement_id))
    return await one(till, state)


async def change(till: Till, settlement_id: str, sql: str, *args: Any) -> int:
    statement = f"UPDATE settlement SET {sql} WHERE settlement_id = $1"

    async def work(tx: Tx) -> int:
        return await tx.run(statement, settlement_id, *args)

    return await till.runtime.transaction(work)


# What a row of each state must have, so that a change of state is refused for the change alone.
FIELDS = {
    PENDING: "trigger = NULL, close_time = NULL, correlation_id = NULL, aggregate_version = 0",
    CREATED: "trigger = 'REQUEST', close_time = $2, correlation_id = 'c', aggregate_version = 1, due_at = NULL",
    COMPLETED: "trigger = 'REQUEST', close_time = $2, correlation_id = 'c', aggregate_version = 2, due_at = NULL, "
    "transaction_id = 'txn_1'",
    FAILED: "trigger = 'REQUEST', close_time = $2, correlation_id = 'c', aggregate_version = 2, due_at = NULL, "
    "failure_reason = 'X', holder_id = 'stl_other'",
    CARRIED: "trigger = NULL, close_time = NULL, correlation_id = NULL, aggregate_version = 0, due_at = NULL, "
    "item_count = 0, payments_minor = 0, holder_id = 'stl_other'",
}


@pytest.mark.parametrize("before", SettlementState)
async def test_a_state_follows_only_upon_those_that_lead_to_it(till: Till, before: SettlementState) -> None:
    settlement = await in_state(till, before)
    for after in SettlementState:
        if after is before or (before, after) in LEGAL:
            continue
        sql = f"state = '{after}'"
        assert await refuse(till, settlement.settlement_id, sql) == "settlement_state_guard", (before, after)


@pytest.mark.parametrize("after", [CREATED, CARRIED])
async def test_what_the_guard_lets_through_is_held_to_what_the_state_means(till: Till, after: SettlementState) -> None:
    settlement = await in_state(till, PENDING)
    with pytest.raises(asyncpg.CheckViolationError):
        await change(till, settlement.settlement_id, f"state = '{after}'")
    fields = FIELDS[after]
    arguments = [NOON] if "$2" in fields else []
    assert await change(till, settlement.settlement_id, f"state = '{after}', {fields}", *arguments) == 1


async def refuse(till: Till, settlement_id: str, sql: str, *args: Any) -> str:
    """Give the constraint that refuses a change."""
    with pytest.raises(asyncpg.CheckViolationError) as refused:
        await change(till, settlement_id, sql, *args)
    return str(refused.value.constraint_name)


@pytest.mark.parametrize("state", [CREATED, COMPLETED, FAILED])
async def test_what_a_closed_settlement_consists_of_never_changes(till: Till, state: SettlementState) -> None:
    settlement = await in_state(till, state)
    for sql in (
        "payments_minor = payments_minor + 1",
        "item_count = item_count + 1",
        "reserve_held_minor = 1, reserve_release_at = close_time",
        "trigger = 'REQUEST'",
        "merchant_id = 'mer_other'",
        "close_time = close_time + interval '1 s'",
    ):
        assert await refuse(till, settlement.settlement_id, sql) == "settlement_closed_for_good", sql


async def test_a_booked_settlement_keeps_what_its_state_means(till: Till) -> None:
    settlement = await held(till)
    for sql, constraint in (
        ("due_at = close_time", "settlement_due"),
        ("holder_id = 'stl_other'", "settlement_holder"),
        ("transaction_id = NULL", "settlement_booking"),
        ("failure_reason = 'X'", "settlement_failure"),
        ("released_minor = 1", "settlement_reserve"),
        ("released_minor = 5001, reserve_released_at = close_time", "settlement_reserve"),
        ("consumed_minor = 5001", "settlement_reserve"),
        ("consumed_minor = 5000", "settlement_reserve"),  # With nothing left, nothing is due.
        ("reserve_release_at = reserve_release_at - interval '1 s'", "settlement_closed_for_good"),
        ("correlation_id = NULL", "settlement_closed"),
    ):
        assert await refuse(till, settlement.settlement_id, sql) == constraint


async def test_no_amount_is_closed_that_the_ledger_could_not_book(till: Till) -> None:
    settlement = await in_state(till, PENDING)
    for sql in (
        "payments_minor = 0",
        "payments_minor = -1",
        "payments_minor = 9007199254740992",
        "item_count = 0",
        "reserve_held_minor = 1001, reserve_release_at = $2",
        "reserve_held_minor = -1",
    ):
        closing = f"state = 'CREATED', {FIELDS[CREATED]}, {sql}"
        assert await refuse(till, settlement.settlement_id, closing, NOON) == "settlement_amounts", sql
    held = "reserve_held_minor = 1, reserve_release_at = $2"
    assert await refuse(till, settlement.settlement_id, held, NOON) == "settlement_amounts"


async def test_two_settlements_never_collect_at_one_place(till: Till) -> None:
    settlement = await in_state(till, PENDING)
    copy = """
        INSERT INTO settlement (settlement_id, merchant_id, currency_code, state, cut_off_at, item_count,
            payments_minor, refunds_minor, fees_minor, disputes_minor, reserve_released_minor, adjustments_minor,
            holder_id, create_time, update_time)
        SELECT $2, merchant_id, currency_code, state, cut_off_at, 0, 0, 0, 0, 0, 0, 0, $2, create_time, update_time
        FROM settlement WHERE settlement_id = $1
    """
    with pytest.raises(asyncpg.UniqueViolationError):
        await till.runtime.transaction(lambda tx: tx.run(copy, settlement.settlement_id, "stl_" + "0" * 32))


async def test_the_service_can_neither_change_items_nor_remove_settlements(till: Till) -> None:
    await in_state(till, PENDING)
    for statement in (
        "UPDATE item SET amount_minor = 1",
        "DELETE FROM item",
        "TRUNCATE item",
        "UPDATE narrow_item SET amount_minor = 1",
        "DELETE FROM narrow_item",
        "TRUNCATE narrow_item",
        "DELETE FROM settlement",
        "TRUNCATE settlement",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await till.runtime.transaction(partial(execute, statement))


async def execute(statement: str, *arguments_and_tx: Any) -> int:
    *arguments, tx = arguments_and_tx
    return int(await tx.run(statement, *arguments))


async def test_a_transaction_is_an_item_of_a_merchant_once(till: Till) -> None:
    await in_state(till, PENDING)
    await till.consume(booked("Goodwill", "ticket-1", [entry("merchant.settlement", 5)]))
    again = """
        INSERT INTO item SELECT transaction_id, merchant_id, 'stl_other', kind, transaction_type, related_no,
            root_reference, effective_at, amount_minor, fee_minor FROM item WHERE merchant_id = $1
    """
    narrow_again = """
        INSERT INTO narrow_item SELECT transaction_id, gen_random_uuid(), related_id, root_id, effective_at,
            amount_minor, fee_minor, form FROM narrow_item
    """
    for statement, arguments in ((again, [ALICE]), (narrow_again, [])):
        with pytest.raises(asyncpg.UniqueViolationError):
            await till.runtime.transaction(partial(execute, statement, *arguments))
