"""What the domain refuses, the database refuses as well, whoever writes the row."""

import itertools
from typing import Any

import asyncpg
import pytest

from services.order import domain
from services.order.domain import OrderState
from tests.integration.order.conftest import Shop

PAIRS = [(old, new) for old, new in itertools.product(OrderState, OrderState) if old != new]
LEGAL = {(before, after) for (before, _), after in domain.TRANSITIONS.items() if before != after}
AMOUNTS = {OrderState.CREATED: 0, OrderState.PAID: 2_000, OrderState.CANCELLED: 0, OrderState.EXPIRED: 0}
_BECOME = 'UPDATE "order" SET state = $2, captured_minor = $3 WHERE order_id = $1'


async def order_in(shop: Shop, state: OrderState) -> str:
    """An order brought to a state by what may bring it there, its time over."""
    order_id = (await shop.create(total_minor=2_000)).order_id
    timed = "create_time = create_time - interval '2 h', expire_time = create_time - interval '1 h'"
    await run(shop, f'UPDATE "order" SET {timed} WHERE order_id = $1', order_id)
    if state is not OrderState.CREATED:
        await run(shop, _BECOME, order_id, state, AMOUNTS[state])
    return order_id


async def run(shop: Shop, sql: str, *args: Any) -> None:
    await shop.runtime.transaction(lambda tx: tx.run(sql, *args))


@pytest.mark.parametrize(("old", "new"), PAIRS)
async def test_a_state_changes_as_the_domain_allows_and_not_otherwise(
    shop: Shop, old: OrderState, new: OrderState
) -> None:
    order_id = await order_in(shop, old)
    if (old, new) in LEGAL:
        await run(shop, _BECOME, order_id, new, AMOUNTS[new])
        return
    with pytest.raises(asyncpg.CheckViolationError) as refused:
        await run(shop, _BECOME, order_id, new, AMOUNTS[new])
    assert refused.value.constraint_name == "order_state_guard"
    assert refused.value.message == f"a row of order is {old} and cannot become {new}"


def test_the_legal_changes_of_state_are_three() -> None:
    assert {("CREATED", "PAID"), ("CREATED", "CANCELLED"), ("CREATED", "EXPIRED")} == LEGAL


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ("captured_minor = 2000", "order_open_until_paid"),
        ("captured_minor = 2500, known_returned_minor = 500", "order_open_until_paid"),
        ("known_returned_minor = -1", "order_known_returned_minor_check"),
        ("state = 'EXPIRED', expire_time = NULL", "order_expired_after_its_time"),
        ("state = 'EXPIRED', expire_time = update_time + interval '1 s'", "order_expired_after_its_time"),
        ("state = 'LOST'", "order_state_guard"),
        ("total_minor = 9007199254740992", "order_total_minor_check"),
        ("currency_code = 'usd'", "order_currency_code_check"),
    ],
)
async def test_a_row_that_cannot_be_is_refused(shop: Shop, change: str, constraint: str) -> None:
    order_id = await order_in(shop, OrderState.CREATED)
    with pytest.raises(asyncpg.CheckViolationError) as refused:
        await run(shop, f'UPDATE "order" SET {change} WHERE order_id = $1', order_id)
    assert refused.value.constraint_name == constraint


@pytest.mark.parametrize(
    ("item", "constraint"),
    [
        ("'Tea', 2, 1000, 2001", "line_item_amount_is_the_product"),
        ("'Tea', 1000000, 9007199254740991, 2000", "line_item_amount_is_the_product"),
        ("'Tea', 1000001, 1, 1000001", "line_item_quantity_check"),
        ("'Tea', 1, 1999, 1999", None),
    ],
)
async def test_items_that_do_not_make_the_order_are_refused(shop: Shop, item: str, constraint: str | None) -> None:
    order_id = (await shop.create(total_minor=2_000)).order_id
    columns = "order_id, merchant_id, merchant_reference, total_minor, currency_code, item_count, metadata"
    rest = "correlation_id, state, captured_minor, refunded_minor, aggregate_version, create_time, update_time"
    kept = columns.replace("order_id, merchant_id, merchant_reference", "'ord_copy', merchant_id, 'copy'")
    copy = f'INSERT INTO "order" ({columns}, {rest}) SELECT {kept}, {rest} FROM "order" WHERE order_id = $1'
    await run(shop, copy, order_id)
    with pytest.raises(asyncpg.CheckViolationError) as refused:
        await run(shop, f"INSERT INTO line_item VALUES ('ord_copy', 1, {item})")
    assert refused.value.constraint_name == constraint


@pytest.mark.parametrize("sql", ["UPDATE line_item SET name = 'Gin'", "DELETE FROM line_item", 'DELETE FROM "order"'])
async def test_what_was_sold_stays_as_it_was_sold(shop: Shop, sql: str) -> None:
    await shop.create()
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await run(shop, sql)
