"""A batch of orders does what the same orders do one at a time."""

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from paykit.cause import Cause
from paykit.errors import DomainError
from paykit.runtime.db import Tx
from services.channel import commands, domain
from services.channel.commands import Submit
from services.channel.domain import Action, Order
from tests.integration.channel.conftest import House

TABLES = ("attempt", "channel_transaction", "card_authorization")
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
orders = st.lists(st.one_of(authorizations, follow_ups, cancellations), min_size=1, max_size=14)


class _UndoError(Exception):
    """Carries what was seen out of a transaction that is taken back."""

    def __init__(self, seen: Any) -> None:
        super().__init__()
        self.seen = seen


async def seen_by(house: House, batches: list[list[Submit]]) -> Any:
    """Run batches one after the other in one transaction, look at everything they did, and take it back."""

    async def work(tx: Tx) -> None:
        results: list[Any] = []
        for batch in batches:
            results += await commands.submit_orders(tx, batch)
        rows = [[tuple(row) for row in await tx.fetch(f"SELECT * FROM {table} ORDER BY 1")] for table in TABLES]
        lines = [(row[1], row[3]) for row in tx.emitted]
        callbacks = [tuple(row) for row in await tx.fetch("SELECT attempt_id, due_time FROM callback ORDER BY 1, 2")]
        raise _UndoError((results, rows, lines, callbacks))

    try:
        await house.runtime.transaction(work)
    except _UndoError as undone:
        return undone.seen
    raise AssertionError("the transaction was not taken back")


@given(asked=orders)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_a_batch_equals_its_orders_one_at_a_time(house: House, asked: list[Order]) -> None:
    await house.behave(
        "mer_2", decline_basis_points=5_000, callback_address="payment:1", duplicate_callback_basis_points=5_000
    )
    items = [Submit(order=order, cause=CAUSE) for order in asked]
    together = await seen_by(house, [items])
    assert together == await seen_by(house, [[item] for item in items])
    assert len(together[0]) == len(items)
    assert all(isinstance(each, (domain.Transaction, DomainError)) for each in together[0])
