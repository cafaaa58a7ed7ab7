"""The indexes that serve lists of withdrawals, whatever they are filtered by."""

from datetime import timedelta

from paykit.testing.runtimes import START
from services.withdrawal.domain.withdrawal_state import WithdrawalState
from services.withdrawal.store.withdrawal import WithdrawalFilter, approved_walk, held_walk, withdrawal_walk
from tests.integration.list_plans import assert_served, multiply
from tests.integration.withdrawal.conftest import Treasury

NONE = WithdrawalFilter(
    merchant_id=None,
    settlement_id=None,
    merchant_reference=None,
    state=None,
    blocked=None,
    create_time_min=None,
    create_time_before=None,
)


async def test_every_filter_of_withdrawals_is_served_by_an_index(treasury: Treasury, admin_url: str) -> None:
    await treasury.settle(10_000)
    made = await treasury.create(100)
    later = "'2030-01-01'::timestamptz + n * interval '1 s'"
    await multiply(
        admin_url,
        "withdrawal.withdrawal",
        "withdrawal_id",
        3_000,
        merchant_id=f"CASE n % 3 WHEN 0 THEN '{made.merchant_id}' ELSE 'mer_' || lpad((n % 3)::text, 32, '0') END",
        merchant_reference="'reference ' || n",
        create_time=later,
        update_time=later,
    )
    values = {
        "merchant_id": made.merchant_id,
        "merchant_reference": "reference 3",
        "settlement_id": "stl_1",
        "blocked": True,
        "state": WithdrawalState.COMPLETED,
        "currency_code": "USD",
        "amount_minor_min": 1,
        "amount_minor_max": 99,
        "bank_account_id": "bnk_1",
        "channel_reference": "ch",
        "create_time_min": START,
        "create_time_before": START + timedelta(days=9),
        "update_time_min": START,
        "update_time_before": START + timedelta(days=9),
    }
    indexes = {
        ("merchant_id", "merchant_reference"): "withdrawal_merchant_reference_key",
        ("merchant_id",): "withdrawal_list",
        (): "withdrawal_list",
    }
    await assert_served(
        treasury.runtime, withdrawal_walk, NONE, indexes=indexes, values=values, only_with="settlement_id"
    )
    others = {name: value for name, value in values.items() if name not in {"settlement_id", "blocked"}}
    without = frozenset({"settlement_id", "blocked"})
    await assert_served(
        treasury.runtime, held_walk, NONE, indexes={(): "withdrawal_held"}, values=others, without=without
    )
    await assert_served(
        treasury.runtime,
        approved_walk,
        NONE,
        indexes={(): "withdrawal_approved"},
        values=others | {"blocked": True},
        without=frozenset({"settlement_id"}),
    )
