"""Merchants on the wire: between messages and domain values."""

from paykit.reasons.stated_reason_messages import to_stated_reason
from paykit.serve import listing
from paykit.serve.timestamps import from_optional, to_timestamp
from paykit.serve.validation import update_masks
from paystream.merchant.v1 import merchant_pb2 as pb
from paystream.merchant.v1.events import (
    FeeRule,
    MerchantStatus,
    RefundLimit,
    RefundPolicy,
    ReserveBase,
    SettlementPolicy,
    SettlementSchedule,
    SettlementThreshold,
)
from services.merchant.domain.fee_plan import FeePlan, FeePlanTerms
from services.merchant.domain.merchant import MANUAL_SETTLEMENT, PLAIN, Merchant, Presentation, Profile, RefundTerms
from services.merchant.store import MerchantFilter

_PRESENTED = ("locale", "public_name", "support_email", "notification_email")
_UPDATABLE = frozenset(
    {"display_name", "country_code", "contact_email", "fee_plan", "settlement_policy", "refund_terms", *_PRESENTED}
)
_STATE_PREFIX = "MERCHANT_STATE_"
_SCHEDULE_PREFIX = "SETTLEMENT_SCHEDULE_"
_REFUND_POLICY_PREFIX = "REFUND_POLICY_"
_RESERVE_BASE_PREFIX = "RESERVE_BASE_"


def to_merchant(merchant: Merchant) -> pb.Merchant:
    """Make the resource."""
    return pb.Merchant(
        merchant_id=merchant.merchant_id,
        display_name=merchant.display_name,
        state=pb.MerchantState.Value(_STATE_PREFIX + merchant.status),
        country_code=merchant.country_code or "",
        contact_email=merchant.contact_email,
        fee_plan=to_fee_plan(merchant.fee_plan),
        settlement_policy=_to_policy(merchant.settlement_policy),
        create_time=to_timestamp(merchant.create_time),
        update_time=to_timestamp(merchant.update_time),
        etag=merchant.etag,
        refund_terms=_to_refund_terms(merchant.refund_terms),
        payout_hold=merchant.restrictions.payout_hold,
        frozen=merchant.restrictions.frozen,
        closing=merchant.restrictions.closing,
        restrict_reason=to_stated_reason(merchant.restrictions.stated),
        suspend_reason=to_stated_reason(merchant.stated),
        locale=merchant.presentation.locale,
        public_name=merchant.presentation.public_name or "",
        support_email=merchant.presentation.support_email or "",
        notification_email=merchant.presentation.notification_email or "",
    )


def to_fee_plan(plan: FeePlan) -> pb.FeePlan:
    """Make the version of a fee plan."""
    return pb.FeePlan(
        version=plan.version,
        fees=[
            pb.FeeRule(
                currency_code=fee.currency_code,
                basis_points=fee.basis_points,
                fixed_minor=fee.fixed_minor,
                dispute_fee_minor=fee.dispute_fee_minor,
            )
            for fee in plan.fees
        ],
        refund_fee_returned=plan.refund_fee_returned,
        default_basis_points=plan.default_basis_points,
        free=plan.free,
        effective_time=to_timestamp(plan.effective_time),
    )


def from_list_merchants(request: pb.ListMerchantsRequest) -> MerchantFilter:
    """Read which merchants to list."""
    name = pb.MerchantState.Name(request.state).removeprefix(_STATE_PREFIX)
    return MerchantFilter(
        status=MerchantStatus(name) if request.state else None,
        country_code=request.country_code or None,
        contact_email=request.contact_email or None,
        create_time_min=from_optional(request, "create_time_min"),
        create_time_before=from_optional(request, "create_time_before"),
        update_time_min=from_optional(request, "update_time_min"),
        update_time_before=from_optional(request, "update_time_before"),
        oldest_first=listing.oldest_first(request),
    )


def from_fee_plan(plan: pb.FeePlan) -> FeePlanTerms:
    """Read what a caller says about fees; an absent plan is one without rules."""
    rules = [
        FeeRule(
            currency_code=fee.currency_code,
            basis_points=fee.basis_points,
            fixed_minor=fee.fixed_minor,
            dispute_fee_minor=fee.dispute_fee_minor,
        )
        for fee in plan.fees
    ]
    return FeePlanTerms(
        fees=tuple(rules),
        refund_fee_returned=plan.refund_fee_returned,
        default_basis_points=plan.default_basis_points if plan.HasField("default_basis_points") else None,
        free=plan.free,
    )


def from_policy(request: pb.CreateMerchantRequest | pb.Merchant) -> SettlementPolicy:
    """Read a request's settlement policy; an absent one is MANUAL."""
    if not request.HasField("settlement_policy"):
        return MANUAL_SETTLEMENT
    policy = request.settlement_policy
    return SettlementPolicy(
        schedule=SettlementSchedule(pb.SettlementSchedule.Name(policy.schedule).removeprefix(_SCHEDULE_PREFIX)),
        cut_off_time=policy.cut_off_time or None,
        cut_off_weekday=policy.cut_off_weekday or None,
        time_zone=policy.time_zone or "UTC",
        delay_days=policy.delay_days,
        thresholds=tuple(
            SettlementThreshold(currency_code=threshold.currency_code, threshold_minor=threshold.threshold_minor)
            for threshold in policy.thresholds
        ),
        reserve_basis_points=policy.reserve_basis_points,
        reserve_days=policy.reserve_days,
        cut_off_month_day=policy.cut_off_month_day or None,
        business_days=policy.business_days,
        calendar=policy.calendar or None,
        reserve_base=_reserve_base(policy.reserve_base),
    )


def from_refund_terms(request: pb.CreateMerchantRequest | pb.Merchant) -> RefundTerms:
    """Read a request's terms of refunds; absent ones allow any."""
    terms = request.refund_terms
    name = pb.RefundPolicy.Name(terms.refund_policy or pb.REFUND_POLICY_ALLOW)
    return RefundTerms(
        refund_policy=RefundPolicy(name.removeprefix(_REFUND_POLICY_PREFIX)),
        refund_limits=tuple(
            RefundLimit(currency_code=limit.currency_code, limit_minor=limit.limit_minor)
            for limit in terms.refund_limits
        ),
    )


def from_update(request: pb.UpdateMerchantRequest) -> Profile:
    """Read the fields that the mask names.

    Raises:
        UpdateMaskInvalid: The mask names no field, or one that cannot be changed.
    """
    given, paths = request.merchant, update_masks.paths(request.update_mask, request.merchant, _UPDATABLE)
    return Profile(
        display_name=given.display_name if "display_name" in paths else None,
        country_code=given.country_code or None,
        country_code_given="country_code" in paths,
        contact_email=given.contact_email if "contact_email" in paths else None,
        fee_terms=from_fee_plan(given.fee_plan) if "fee_plan" in paths else None,
        settlement_policy=from_policy(given) if "settlement_policy" in paths else None,
        refund_terms=from_refund_terms(given) if "refund_terms" in paths else None,
        locale=given.locale if "locale" in paths else None,
        public_name=given.public_name if "public_name" in paths else None,
        support_email=given.support_email if "support_email" in paths else None,
        notification_email=given.notification_email if "notification_email" in paths else None,
    )


def from_presentation(request: pb.CreateMerchantRequest) -> Presentation:
    """Read how a merchant is written to, and how payers know it."""
    return Presentation(
        locale=request.locale or PLAIN.locale,
        public_name=request.public_name or None,
        support_email=request.support_email or None,
        notification_email=request.notification_email or None,
    )


def _to_refund_terms(terms: RefundTerms) -> pb.RefundTerms:
    return pb.RefundTerms(
        refund_policy=pb.RefundPolicy.Value(_REFUND_POLICY_PREFIX + terms.refund_policy),
        refund_limits=[
            pb.RefundLimit(currency_code=limit.currency_code, limit_minor=limit.limit_minor)
            for limit in terms.refund_limits
        ],
    )


def from_optional_flag(request: pb.RestrictMerchantRequest, name: str) -> bool | None:
    """Read a flag that may be absent."""
    return bool(getattr(request, name)) if request.HasField(name) else None  # type: ignore[arg-type]


def _to_policy(policy: SettlementPolicy) -> pb.SettlementPolicy:
    return pb.SettlementPolicy(
        schedule=pb.SettlementSchedule.Value(_SCHEDULE_PREFIX + policy.schedule),
        cut_off_time=policy.cut_off_time or "",
        cut_off_weekday=policy.cut_off_weekday or 0,
        time_zone=policy.time_zone,
        delay_days=policy.delay_days,
        thresholds=[
            pb.SettlementThreshold(currency_code=threshold.currency_code, threshold_minor=threshold.threshold_minor)
            for threshold in policy.thresholds
        ],
        reserve_basis_points=policy.reserve_basis_points,
        reserve_days=policy.reserve_days,
        cut_off_month_day=policy.cut_off_month_day or 0,
        business_days=policy.business_days,
        calendar=policy.calendar or "",
        reserve_base=pb.ReserveBase.Value(_RESERVE_BASE_PREFIX + policy.reserve_base),
    )


def _reserve_base(base: pb.ReserveBase.ValueType) -> ReserveBase:
    return ReserveBase(pb.ReserveBase.Name(base).removeprefix(_RESERVE_BASE_PREFIX)) if base else ReserveBase.NET
