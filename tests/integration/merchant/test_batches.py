"""A batch of changes does what the same changes do one at a time: results, rows and events."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from paykit.cause import Cause
from paykit.clock import ManualClock
from paykit.errors import DomainError
from paykit.runtime.db import Tx
from paykit.runtime.runtime import Runtime
from paystream.merchant.v1.events import FeeRule
from services.merchant import commands, domain
from services.merchant.commands import ChangeStatus, CreateMerchant, UpdateMerchant
from services.merchant.domain import FeeTerms, Merchant, Profile
from services.merchant.service import SERVICE
from tests.conftest import RuntimeOf

TABLES = ("merchant", "fee_plan", "fee_rule")
CAUSE = Cause("cor_batch")
IDS = [f"mer_{i:032x}" for i in range(3)]
"""The last of them is nobody's."""

Command = Callable[[Tx, Sequence[Any]], Awaitable[list[Merchant | DomainError]]]

ids = st.sampled_from(IDS)
etags = st.sampled_from(["", "", "v1", "v2", "v3"])
terms = st.builds(
    FeeTerms,
    fees=st.lists(st.sampled_from(["USD", "JPY", "XYZ"]), unique=True, max_size=2).map(
        lambda codes: tuple(FeeRule(currency_code=code, basis_points=100, fixed_minor=0) for code in codes)
    ),
)
profiles = st.one_of(
    st.builds(Profile, fee_terms=terms),
    st.builds(Profile, display_name=st.sampled_from(["One", "Two", " "]), fee_terms=st.none() | terms),
)
updates = st.lists(
    st.builds(UpdateMerchant, merchant_id=ids, profile=profiles, etag=etags, cause=st.just(CAUSE)), min_size=2
)
statuses = st.lists(st.builds(ChangeStatus, merchant_id=ids, etag=etags, cause=st.just(CAUSE)), min_size=2)


def new(merchant_id: str, *, contact_email: str = "a@b.example") -> CreateMerchant:
    return CreateMerchant(
        merchant_id=merchant_id,
        display_name="One",
        country_code=None,
        contact_email=contact_email,
        fee_terms=FeeTerms(),
        settlement_policy=domain.MANUAL_SETTLEMENT,
        cause=CAUSE,
    )


class _UndoError(Exception):
    """Carries what was seen out of a transaction that is taken back."""

    def __init__(self, seen: Any) -> None:
        super().__init__()
        self.seen = seen


async def seen_by(runtime: Runtime, command: Command, batches: Sequence[Sequence[Any]]) -> Any:
    """Run batches one after the other in one transaction, look at everything they did, and take it back."""

    async def work(tx: Tx) -> None:
        results: list[Any] = []
        for batch in batches:
            results += await command(tx, batch)
        rows = [[tuple(row) for row in await tx.fetch(f"SELECT * FROM {table} ORDER BY 1, 2, 3")] for table in TABLES]
        events: list[Any] = [runtime.codec.decode(row[7]) for row in tx.emitted]
        told = [(type(event), event.merchant_id, event.aggregate_version, event.fees) for event in events]
        raise _UndoError((results, rows, told))

    with pytest.raises(_UndoError) as undone:
        await runtime.transaction(work)
    return undone.value.seen


@pytest.fixture
async def runtime(runtime_of: RuntimeOf) -> Runtime:
    """Two merchants stand ready, the second of them active."""
    made = await runtime_of(SERVICE, clock=ManualClock(datetime(2026, 3, 1, tzinfo=UTC)))
    await made.transaction(lambda tx: commands.create_merchants(tx, [new(IDS[0]), new(IDS[1])]))
    active = ChangeStatus(merchant_id=IDS[1], etag="", cause=CAUSE)
    await made.transaction(lambda tx: commands.activate_merchants(tx, [active]))
    return made


async def same_either_way(runtime: Runtime, command: Command, items: Sequence[Any]) -> None:
    together = await seen_by(runtime, command, [items])
    assert together == await seen_by(runtime, command, [[item] for item in items])
    assert len(together[0]) == len(items)


PROPERTY = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@given(items=updates)
@PROPERTY
async def test_a_batch_of_updates_equals_its_items_one_at_a_time(runtime: Runtime, items: list[Any]) -> None:
    await same_either_way(runtime, commands.update_merchants, items)


@given(items=statuses)
@PROPERTY
async def test_a_batch_of_status_changes_equals_its_items_one_at_a_time(runtime: Runtime, items: list[Any]) -> None:
    await same_either_way(runtime, commands.activate_merchants, items)
    await same_either_way(runtime, commands.suspend_merchants, items)


@given(addresses=st.lists(st.sampled_from(["a@b.example", "nobody"]), min_size=2, max_size=6))
@PROPERTY
async def test_a_batch_of_new_merchants_equals_its_items_one_at_a_time(runtime: Runtime, addresses: list[str]) -> None:
    items = [new(f"mer_{i + 10:032x}", contact_email=address) for i, address in enumerate(addresses)]
    await same_either_way(runtime, commands.create_merchants, items)
