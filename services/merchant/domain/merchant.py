"""Merchants and what may happen to them: pure functions that return the changed merchant and the event telling of it.

States: CREATED -> ACTIVE <-> SUSPENDED. The addresses that paystream writes to stay here: events are kept for ever and
read by many. The one that the merchant publishes to its customers is told.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeAlias

from paykit.aggregate import require_etag
from paykit.cause import NO_CALL, CreatingCall
from paykit.clock import no_earlier
from paykit.errors import DomainError, Kind
from paykit.reasons.stated_reason import NOT_STATED, StatedReason
from paystream.merchant.v1 import events
from paystream.merchant.v1.events import (
    MerchantStatus,
    RefundLimit,
    RefundPolicy,
    SettlementPolicy,
    SettlementSchedule,
)
from services.merchant.domain import fee_plan, rules
from services.merchant.domain.fee_plan import FeePlan, FeePlanTerms

Event: TypeAlias = events.MerchantCreated | events.MerchantUpdated | events.MerchantActivated | events.MerchantSuspended

MANUAL_SETTLEMENT = SettlementPolicy(
    schedule=SettlementSchedule.MANUAL,
    time_zone="UTC",
    cut_off_time=None,
    cut_off_weekday=None,
    delay_days=0,
    thresholds=(),
    reserve_basis_points=0,
    reserve_days=0,
    cut_off_month_day=None,
    business_days=False,
    calendar=None,
    reserve_base=events.ReserveBase.NET,
)
"""The policy of a merchant for whom none was given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundTerms:
    """What becomes of refunds that a merchant's funds do not cover.

    Attributes:
        refund_limits: With ALLOW: how far below zero, ascending by currency_code; a currency without one has no limit.
    """

    refund_policy: RefundPolicy = RefundPolicy.ALLOW
    refund_limits: tuple[RefundLimit, ...] = ()


ANY_REFUND = RefundTerms()
"""The terms of a merchant for whom none were given."""


class MerchantNotFound(DomainError):
    """No merchant has this id."""

    kind = Kind.NOT_FOUND
    reason = "MERCHANT_NOT_FOUND"


class MerchantStateInvalid(DomainError):
    """The merchant's status does not allow the action; both stand in the metadata."""

    kind = Kind.FAILED_PRECONDITION
    reason = "MERCHANT_STATE_INVALID"


@dataclass(frozen=True, slots=True, kw_only=True)
class Restrictions:
    """What of a merchant's business is stopped, whatever its status is.

    Attributes:
        payout_hold: Payouts wait.
        frozen: Nothing new is taken, nothing settled or paid out.
        closing: It leaves: no new orders and payments; refunds, settlements and payouts go on.
        restriction_reason: Why one of these last changed; None if none ever did.
        restricted_by: Who said so; None for a caller without a name.
        restrict_time: When.
    """

    payout_hold: bool = False
    frozen: bool = False
    closing: bool = False
    restriction_reason: str | None = None
    restricted_by: str | None = None
    restrict_time: datetime | None = None

    @property
    def stated(self) -> StatedReason:
        """Why, as all resources say it."""
        return StatedReason(
            stated_reason=self.restriction_reason, stated_by=self.restricted_by, stated_time=self.restrict_time
        )


NOT_RESTRICTED = Restrictions()


@dataclass(frozen=True, slots=True, kw_only=True)
class Presentation:
    """How a merchant is written to, and how payers know it.

    Attributes:
        locale: In which it is written to, BCP 47.
        public_name: By which payers know it; None where that is display_name.
        support_email: Which it publishes to its customers.
        notification_email: Where paystream writes to instead of contact_email; no event carries it.
    """

    locale: str = "en"
    public_name: str | None = None
    support_email: str | None = None
    notification_email: str | None = None


PLAIN = Presentation()
"""Of a merchant that said nothing of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Merchant:
    """A business that takes payments.

    Attributes:
        country_code: ISO 3166-1 alpha-2, if given.
        version: From 1, one more with every change; becomes aggregate_version and etag.
        stated: Why it is suspended; nothing unless it is.
        creating_call: Kept so that the same call creates nothing again.
    """

    merchant_id: str
    display_name: str
    status: MerchantStatus
    country_code: str | None
    contact_email: str
    fee_plan: FeePlan
    settlement_policy: SettlementPolicy
    create_time: datetime
    update_time: datetime
    version: int
    refund_terms: RefundTerms = ANY_REFUND
    restrictions: Restrictions = NOT_RESTRICTED
    presentation: Presentation = PLAIN
    stated: StatedReason = NOT_STATED
    creating_call: CreatingCall = NO_CALL

    @property
    def etag(self) -> str:
        """Changes with every change; opaque to callers."""
        return f"v{self.version}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What a caller says about a merchant as a whole; None leaves a field as it is, which only an update may.

    An empty public_name, support_email or notification_email removes it, an empty locale is `en`.
    """

    display_name: str | None = None
    country_code: str | None = None
    country_code_given: bool = False
    contact_email: str | None = None
    fee_terms: FeePlanTerms | None = None
    settlement_policy: SettlementPolicy | None = None
    refund_terms: RefundTerms | None = None
    locale: str | None = None
    public_name: str | None = None
    support_email: str | None = None
    notification_email: str | None = None


def create(
    *,
    merchant_id: str,
    display_name: str,
    country_code: str | None,
    contact_email: str,
    fee_terms: FeePlanTerms,
    settlement_policy: SettlementPolicy,
    now: datetime,
    refund_terms: RefundTerms = ANY_REFUND,
    presentation: Presentation = PLAIN,
    creating_call: CreatingCall = NO_CALL,
) -> tuple[Merchant, Event]:
    """Make a merchant that may not take payments yet.

    Raises:
        DomainError: A field breaks one of `rules`.
    """
    _check(
        Profile(
            display_name=display_name,
            contact_email=contact_email,
            fee_terms=fee_terms,
            settlement_policy=settlement_policy,
            refund_terms=refund_terms,
            locale=presentation.locale,
            public_name=presentation.public_name,
            support_email=presentation.support_email,
            notification_email=presentation.notification_email,
        )
    )
    merchant = Merchant(
        merchant_id=merchant_id,
        display_name=display_name,
        status=MerchantStatus.CREATED,
        country_code=country_code,
        contact_email=contact_email,
        fee_plan=fee_plan.first(fee_terms, now=now),
        settlement_policy=_sorted(settlement_policy),
        create_time=now,
        update_time=now,
        version=1,
        refund_terms=_limits_sorted(refund_terms),
        presentation=presentation,
        creating_call=creating_call,
    )
    return merchant, _told(events.MerchantCreated, merchant)


def update(merchant: Merchant, profile: Profile, *, etag: str, now: datetime) -> tuple[Merchant, Event | None]:
    """Change the fields given; other fee terms become the next version of the fee plan, in force at once.

    Returns:
        The merchant and its event; the merchant as it was and None when nothing differs.

    Raises:
        EtagMismatch: The merchant changed since the caller read it.
        DomainError: A field breaks one of `rules`.
    """
    _check_etag(merchant, etag)
    _check(profile)
    changed = replace(
        merchant,
        display_name=_or(profile.display_name, merchant.display_name),
        country_code=profile.country_code if profile.country_code_given else merchant.country_code,
        contact_email=_or(profile.contact_email, merchant.contact_email),
        fee_plan=fee_plan.following(merchant.fee_plan, profile.fee_terms, now=now),
        settlement_policy=_sorted(profile.settlement_policy or merchant.settlement_policy),
        refund_terms=_limits_sorted(profile.refund_terms or merchant.refund_terms),
        presentation=_presented(merchant.presentation, profile),
    )
    if changed == merchant:
        return merchant, None
    return _changed(changed, events.MerchantUpdated, now)


def activate(merchant: Merchant, *, etag: str, now: datetime) -> tuple[Merchant, Event | None]:
    """Let a merchant take payments; one that may already stays as it is.

    Raises:
        EtagMismatch: The merchant changed since the caller read it.
    """
    _check_etag(merchant, etag)
    if merchant.status is MerchantStatus.ACTIVE:
        return merchant, None
    active = replace(merchant, status=MerchantStatus.ACTIVE, stated=NOT_STATED)
    return _changed(active, events.MerchantActivated, now)


def suspend(merchant: Merchant, *, stated: StatedReason, etag: str, now: datetime) -> tuple[Merchant, Event | None]:
    """Stop a merchant's new payments, for a reason; one that is suspended stays as it is.

    No event tells the reason: what is suspected of a merchant is not for its webhooks.

    Raises:
        EtagMismatch: The merchant changed since the caller read it.
        MerchantStateInvalid: The merchant was never active.
    """
    _check_etag(merchant, etag)
    if merchant.status is MerchantStatus.SUSPENDED:
        return merchant, None
    if merchant.status is not MerchantStatus.ACTIVE:
        raise MerchantStateInvalid("only an active merchant can be suspended.", state=merchant.status, action="suspend")
    suspended = replace(merchant, status=MerchantStatus.SUSPENDED, stated=stated)
    return _changed(suspended, events.MerchantSuspended, now)


def restrict(
    merchant: Merchant,
    *,
    payout_hold: bool,
    frozen: bool,
    closing: bool,
    stated: StatedReason,
    etag: str,
    now: datetime,
) -> tuple[Merchant, Event | None]:
    """Stop parts of a merchant's business, or let them go on; what is as asked already stays as it is.

    Raises:
        EtagMismatch: The merchant changed since the caller read it.
    """
    _check_etag(merchant, etag)
    present = merchant.restrictions
    if (payout_hold, frozen, closing) == (present.payout_hold, present.frozen, present.closing):
        return merchant, None
    restrictions = Restrictions(
        payout_hold=payout_hold,
        frozen=frozen,
        closing=closing,
        restriction_reason=stated.stated_reason,
        restricted_by=stated.stated_by,
        restrict_time=stated.stated_time,
    )
    return _changed(replace(merchant, restrictions=restrictions), events.MerchantUpdated, now)


def not_found(merchant_id: str) -> MerchantNotFound:
    """Refuse an id that no merchant has."""
    return MerchantNotFound("no merchant has this id.", field="merchant_id", merchant_id=merchant_id)


def _presented(present: Presentation, profile: Profile) -> Presentation:
    return Presentation(
        locale=_or(profile.locale, present.locale) or PLAIN.locale,
        public_name=_or(profile.public_name, present.public_name or "") or None,
        support_email=_or(profile.support_email, present.support_email or "") or None,
        notification_email=_or(profile.notification_email, present.notification_email or "") or None,
    )


def _check(profile: Profile) -> None:
    if profile.display_name is not None:
        rules.check_display_name(profile.display_name)
    if profile.public_name:
        rules.check_display_name(profile.public_name, field="public_name")
    if profile.contact_email is not None:
        rules.check_email(profile.contact_email)
    for field, address in (
        ("support_email", profile.support_email),
        ("notification_email", profile.notification_email),
    ):
        if address:
            rules.check_email(address, field=field)
    if profile.locale:
        rules.check_locale(profile.locale)
    if profile.fee_terms is not None:
        rules.check_fees(profile.fee_terms)
    if profile.settlement_policy is not None:
        rules.check_settlement_policy(profile.settlement_policy)
    if profile.refund_terms is not None:
        rules.check_refund_limits(profile.refund_terms.refund_limits)


def _check_etag(merchant: Merchant, etag: str) -> None:
    require_etag(etag, merchant.etag, merchant_id=merchant.merchant_id)


def _or(given: str | None, present: str) -> str:
    return present if given is None else given


def _sorted(policy: SettlementPolicy) -> SettlementPolicy:
    return replace(policy, thresholds=tuple(sorted(policy.thresholds, key=lambda threshold: threshold.currency_code)))


def _limits_sorted(terms: RefundTerms) -> RefundTerms:
    return replace(terms, refund_limits=tuple(sorted(terms.refund_limits, key=lambda limit: limit.currency_code)))


def _changed(merchant: Merchant, event_type: type[Event], now: datetime) -> tuple[Merchant, Event]:
    changed = replace(merchant, update_time=no_earlier(now, merchant.update_time), version=merchant.version + 1)
    return changed, _told(event_type, changed)


def _told(event_type: type[Event], merchant: Merchant) -> Event:
    """Tell the complete public state, so that a consumer needs only the last event of a merchant."""
    return event_type(
        occurred_at=merchant.update_time,
        merchant_id=merchant.merchant_id,
        aggregate_version=merchant.version,
        display_name=merchant.display_name,
        status=merchant.status,
        country_code=merchant.country_code,
        fee_plan_version=merchant.fee_plan.version,
        fees=merchant.fee_plan.fees,
        refund_fee_returned=merchant.fee_plan.refund_fee_returned,
        settlement_policy=merchant.settlement_policy,
        default_basis_points=merchant.fee_plan.default_basis_points,
        free=merchant.fee_plan.free,
        refund_policy=merchant.refund_terms.refund_policy,
        refund_limits=merchant.refund_terms.refund_limits,
        payout_hold=merchant.restrictions.payout_hold,
        frozen=merchant.restrictions.frozen,
        closing=merchant.restrictions.closing,
        locale=merchant.presentation.locale,
        public_name=merchant.presentation.public_name,
        support_email=merchant.presentation.support_email,
    )
