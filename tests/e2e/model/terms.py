"""What a plan says of its merchant, as the merchant service is told it."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from paystream.merchant.v1 import merchant_pb2
from tests.e2e.model.plans import CURRENCIES, Plan
from tests.e2e.model.rules import Fees
from tests.line.clients import new_request_id


def merchant(plan: Plan, name: str) -> merchant_pb2.CreateMerchantRequest:
    """Ask for the merchant of a plan."""
    # Half a day from now, so that no cut-off passes while the journeys are on their way.
    cut_off = datetime.now(UTC) + timedelta(hours=12)
    policy = merchant_pb2.SettlementPolicy(
        schedule=_schedule(plan),
        cut_off_time=f"{cut_off:%H:%M}" if plan.daily else "",
        delay_days=1 if plan.daily else 0,
        thresholds=[
            merchant_pb2.SettlementThreshold(currency_code=code, threshold_minor=plan.threshold)
            for code in CURRENCIES
            if plan.threshold is not None
        ],
        reserve_basis_points=plan.reserve_basis_points,
        reserve_days=7 if plan.reserve_basis_points else 0,
    )
    return merchant_pb2.CreateMerchantRequest(
        request_id=new_request_id(),
        display_name=name,
        contact_email="journey@shop.example",
        fee_plan=fee_plan(plan.fees),
        settlement_policy=policy,
    )


def fee_plan(fees: Mapping[str, Fees]) -> merchant_pb2.FeePlan:
    """Say what a merchant pays."""
    rules = [
        merchant_pb2.FeeRule(currency_code=code, basis_points=each.basis_points, fixed_minor=each.fixed_minor)
        for code, each in fees.items()
    ]
    return merchant_pb2.FeePlan(fees=rules, refund_fee_returned=any(each.returned for each in fees.values()))


def _schedule(plan: Plan) -> Any:
    if plan.threshold is not None:
        return merchant_pb2.SETTLEMENT_SCHEDULE_THRESHOLD
    return merchant_pb2.SETTLEMENT_SCHEDULE_DAILY if plan.daily else merchant_pb2.SETTLEMENT_SCHEDULE_MANUAL
