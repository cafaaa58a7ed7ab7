"""A batch of changes does what the same changes do one at a time: results, rows and events."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from paykit.cause import Cause
from paykit.clock import ManualClock
from paykit.postgres.database import Tx
from paykit.process.runtime import Runtime
from paykit.testing import batches
from paykit.testing.batches import Step
from paystream.merchant.v1.events import FeeRule
from services.merchant import commands, domain
from services.merchant.commands import (
    ActivateMerchant,
    CreateMerchant,
    RestrictMerchant,
    SuspendMerchant,
    UpdateMerchant,
)
from services.merchant.domain.fee_plan import FeePlanTerms
from services.merchant.domain.merchant import Profile
from services.merchant.service import SERVICE
from tests.conftest import RuntimeOf

TABLES = ("merchant", "fee_plan", "fee_rule")
CAUSE = Cause("cor_batch")
IDS = [f"mer_{i:032x}" for i in range(3)]
"""The last of them is nobody's."""

ids = st.sampled_from(IDS)
etags = st.sampled_from(["", "", "v1", "v2", "v3"])
terms = st.builds(
    FeePlanTerms,
    fees=st.lists(st.sampled_from(["USD", "JPY", "XYZ"]), unique=True, max_size=2).map(
        lambda codes: tuple(
            FeeRule(currency_code=code, basis_points=100, fixed_minor=0, dispute_fee_minor=0) for code in codes
        )
    ),
)
profiles = st.one_of(
    st.builds(Profile, fee_terms=terms),
    st.builds(Profile, display_name=st.sampled_from(["One", "Two", " "]), fee_terms=st.none() | terms),
)
updates = st.lists(
    st.builds(UpdateMerchant, merchant_id=ids, profile=profiles, etag=etags, cause=st.just(CAUSE)), min_size=2
)
activations = st.lists(st.builds(ActivateMerchant, merchant_id=ids, etag=etags, cause=st.just(CAUSE)), min_size=2)
suspensions = st.lists(
    st.builds(
        SuspendMerchant, merchant_id=ids, etag=etags, reason=st.sampled_from(["first", "second"]), cause=st.just(CAUSE)
    ),
    min_size=2,
)
flags = st.sampled_from([None, False, True])
restrictions = st.lists(
    st.builds(
        RestrictMerchant,
        merchant_id=ids,
        payout_hold=flags,
        frozen=flags,
        closing=flags,
        reason=st.sampled_from(["fraud", "review"]),
        etag=etags,
        cause=st.just(CAUSE),
    ),
    min_size=2,
)


def new(merchant_id: str, *, contact_email: str = "a@b.example") -> CreateMerchant:
    return CreateMerchant(
        merchant_id=merchant_id,
        display_name="One",
        country_code=None,
        contact_email=contact_email,
        fee_terms=FeePlanTerms(),
        settlement_policy=domain.merchant.MANUAL_SETTLEMENT,
        cause=CAUSE,
    )


async def same_either_way(runtime: Runtime, step: Step, items: Sequence[Any]) -> None:
    async def look(tx: Tx, results: Sequence[Any]) -> Any:
        rows = [[tuple(row) for row in await tx.fetch(f"SELECT * FROM {table} ORDER BY 1, 2, 3")] for table in TABLES]
        events: list[Any] = [runtime.codec.decode(row[7]) for row in tx.emitted]
        told = [(type(event), event.merchant_id, event.aggregate_version, event.fees) for event in events]
        return results, rows, told

    await batches.assert_batch_equals_singles(runtime, step, items, look=look)


@pytest.fixture
async def runtime(runtime_of: RuntimeOf) -> Runtime:
    """Two merchants stand ready, the second of them active."""
    made = await runtime_of(SERVICE, clock=ManualClock(datetime(2026, 3, 1, tzinfo=UTC)))
    await made.transaction(lambda tx: commands.create_merchants(tx, [new(IDS[0]), new(IDS[1])]))
    active = ActivateMerchant(merchant_id=IDS[1], etag="", cause=CAUSE)
    await made.transaction(lambda tx: commands.activate_merchants(tx, [active]))
    return made


new_merchants = st.lists(st.sampled_from(["a@b.example", "nobody"]), min_size=2, max_size=6).map(
    lambda addresses: [new(f"mer_{i + 10:032x}", contact_email=each) for i, each in enumerate(addresses)]
)
STEPS: dict[str, tuple[Step, st.SearchStrategy[list[Any]]]] = {
    "create_merchants": (commands.create_merchants, new_merchants),
    "update_merchants": (commands.update_merchants, updates),
    "activate_merchants": (commands.activate_merchants, activations),
    "suspend_merchants": (commands.suspend_merchants, suspensions),
    "restrict_merchants": (commands.restrict_merchants, restrictions),
}
PROPERTY = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.mark.parametrize("name", STEPS)
@given(data=st.data())
@PROPERTY
async def test_a_batch_equals_its_items_one_at_a_time(runtime: Runtime, name: str, data: st.DataObject) -> None:
    step, items = STEPS[name]
    await same_either_way(runtime, step, data.draw(items))
