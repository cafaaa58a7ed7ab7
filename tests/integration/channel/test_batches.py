"""A batch of orders does what the same orders do one at a time."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from paykit.cause import Cause
from paykit.runtime.db import Tx
from paykit.testing import batches
from paykit.testing.batches import Step
from services.channel import commands, domain
from services.channel.commands import SetBehaviour, Submit
from services.channel.domain import Action, Order
from services.channel.fate import Behaviour
from tests.integration.channel.conftest import House

TABLES = ("attempt", "channel_transaction", "card_authorization", "behaviour")
CAUSE = Cause("cor_batch")

attempt_ids = st.integers(0, 7).map(lambda i: f"att_{i}")
amounts = st.sampled_from([1, 40, 60, 100, 9_001, 9_003, 9_004, 9_005, 9_007, 9_009])
currencies = st.sampled_from(["USD", "USD", "USD", "JPY"])
references = attempt_ids.map(domain.channel_reference)

authorizations = st.builds(
    Order,
    attempt_id=attempt_ids,
    action=st.just(Action.AUTHORIZE),
    merchant_id=st.sampled_from(["mer_1", "mer_2"]),
    amount_minor=amounts,
    currency_code=currencies,
    capture=st.booleans(),
)
follow_ups = st.builds(
    Order,
    attempt_id=attempt_ids,
    action=st.sampled_from([Action.CAPTURE, Action.REFUND]),
    amount_minor=amounts,
    currency_code=currencies,
    authorization_reference=references,
)
cancellations = st.builds(
    Order, attempt_id=attempt_ids, action=st.just(Action.CANCEL), authorization_reference=references
)
behaviours = st.builds(
    SetBehaviour,
    merchant_id=st.sampled_from(["", "mer_1", "mer_2"]),
    behaviour=st.none() | st.builds(Behaviour, latency_ms=st.integers(0, 2)),
    cause=st.just(CAUSE),
)
STEPS: dict[str, tuple[Step, st.SearchStrategy[Any]]] = {
    "submit_orders": (
        commands.submit_orders,
        st.builds(Submit, order=st.one_of(authorizations, follow_ups, cancellations), cause=st.just(CAUSE)),
    ),
    "set_behaviours": (commands.set_behaviours, behaviours),
}


async def look(tx: Tx, results: Sequence[Any]) -> Any:
    """Give everything that orders and behaviours leave behind."""
    rows = [[tuple(row) for row in await tx.fetch(f"SELECT * FROM {table} ORDER BY 1")] for table in TABLES]
    lines = [(row[1], row[3]) for row in tx.emitted]
    callbacks = [tuple(row) for row in await tx.fetch("SELECT attempt_id, due_time FROM callback ORDER BY 1, 2")]
    return results, rows, lines, callbacks


@pytest.mark.parametrize("name", STEPS)
@given(data=st.data())
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_a_batch_equals_its_items_one_at_a_time(house: House, name: str, data: st.DataObject) -> None:
    await house.behave(
        "mer_2", decline_basis_points=5_000, callback_address="payment:1", duplicate_callback_basis_points=5_000
    )
    step, items = STEPS[name]
    drawn = data.draw(st.lists(items, min_size=2, max_size=14))
    await batches.assert_batch_equals_singles(house.runtime, step, drawn, look=look)
