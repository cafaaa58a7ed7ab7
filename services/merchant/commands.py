"""The business operations on merchants; each takes a sequence and returns one result or refusal per item, in order."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar

from paykit.cause import NO_CALL, Cause, CreatingCall
from paykit.errors import DomainError
from paykit.postgres.database import Tx
from paykit.reasons.stated_reason import StatedReason
from paykit.work import fold
from paystream.merchant.v1.events import SettlementPolicy
from services.merchant import domain, store
from services.merchant.domain.fee_plan import FeePlanTerms
from services.merchant.domain.merchant import ANY_REFUND, PLAIN, Event, Merchant, Presentation, Profile, RefundTerms
from services.merchant.store import FeePlanRow


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateMerchant:
    """A merchant to create, under an id that is new."""

    merchant_id: str
    display_name: str
    country_code: str | None
    contact_email: str
    fee_terms: FeePlanTerms
    settlement_policy: SettlementPolicy
    cause: Cause
    refund_terms: RefundTerms = ANY_REFUND
    presentation: Presentation = PLAIN
    creating_call: CreatingCall = NO_CALL


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateMerchant:
    """Fields of a merchant to change; an empty etag matches any version."""

    merchant_id: str
    profile: Profile
    etag: str
    cause: Cause


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivateMerchant:
    """A merchant to activate; an empty etag matches any version."""

    merchant_id: str
    etag: str
    cause: Cause


@dataclass(frozen=True, slots=True, kw_only=True)
class SuspendMerchant:
    """A merchant to suspend for a reason; an empty etag matches any version."""

    merchant_id: str
    reason: str
    etag: str
    cause: Cause


@dataclass(frozen=True, slots=True, kw_only=True)
class RestrictMerchant:
    """What of a merchant's business is to stop or to go on; None leaves it as it is.

    An empty etag matches any version.
    """

    merchant_id: str
    payout_hold: bool | None
    frozen: bool | None
    closing: bool | None
    reason: str
    etag: str
    cause: Cause


class _Change(Protocol):
    @property
    def merchant_id(self) -> str: ...
    @property
    def cause(self) -> Cause: ...


C = TypeVar("C", bound=_Change)


async def create_merchants(tx: Tx, items: Sequence[CreateMerchant]) -> list[Merchant | DomainError]:
    """Create merchants in status CREATED; emits MerchantCreated for each."""
    merchants, fee_plans = store.merchants.rows(tx), store.fee_plans.rows(tx)

    def create(item: CreateMerchant) -> Merchant:
        merchant, event = domain.merchant.create(
            merchant_id=item.merchant_id,
            display_name=item.display_name,
            country_code=item.country_code,
            contact_email=item.contact_email,
            fee_terms=item.fee_terms,
            settlement_policy=item.settlement_policy,
            now=tx.now,
            refund_terms=item.refund_terms,
            presentation=item.presentation,
            creating_call=item.creating_call,
        )
        merchants.add(merchant)
        fee_plans.add(FeePlanRow.of(merchant.merchant_id, merchant.fee_plan))
        tx.emit(event, cause=item.cause)
        return merchant

    results = fold(items, create)
    await tx.save(merchants, fee_plans)
    return results


async def update_merchants(tx: Tx, items: Sequence[UpdateMerchant]) -> list[Merchant | DomainError]:
    """Change fields; emits MerchantUpdated for each change that changes something."""
    return await _change(
        tx, items, lambda merchant, item: domain.merchant.update(merchant, item.profile, etag=item.etag, now=tx.now)
    )


async def activate_merchants(tx: Tx, items: Sequence[ActivateMerchant]) -> list[Merchant | DomainError]:
    """Let merchants take payments; emits MerchantActivated for each that could not before."""
    return await _change(
        tx, items, lambda merchant, item: domain.merchant.activate(merchant, etag=item.etag, now=tx.now)
    )


async def suspend_merchants(tx: Tx, items: Sequence[SuspendMerchant]) -> list[Merchant | DomainError]:
    """Stop merchants' new payments; emits MerchantSuspended for each that could take them before."""

    def suspend(merchant: Merchant, item: SuspendMerchant) -> tuple[Merchant, Event | None]:
        stated = StatedReason.of(item.reason, item.cause, now=tx.now)
        return domain.merchant.suspend(merchant, stated=stated, etag=item.etag, now=tx.now)

    return await _change(tx, items, suspend)


async def restrict_merchants(tx: Tx, items: Sequence[RestrictMerchant]) -> list[Merchant | DomainError]:
    """Stop parts of merchants' business, or let them go on; emits MerchantUpdated where that changes something."""
    return await _change(tx, items, lambda merchant, item: _restrict(merchant, item, tx.now))


def _restrict(merchant: Merchant, item: RestrictMerchant, now: datetime) -> tuple[Merchant, Event | None]:
    present = merchant.restrictions
    return domain.merchant.restrict(
        merchant,
        payout_hold=present.payout_hold if item.payout_hold is None else item.payout_hold,
        frozen=present.frozen if item.frozen is None else item.frozen,
        closing=present.closing if item.closing is None else item.closing,
        stated=StatedReason.of(item.reason, item.cause, now=now),
        etag=item.etag,
        now=now,
    )


async def _change(
    tx: Tx, items: Sequence[C], transition: Callable[[Merchant, C], tuple[Merchant, Event | None]]
) -> list[Merchant | DomainError]:
    """Lock the merchants, apply each item to what the items before it left, and save what changed."""
    merchants = await store.merchants.lock(tx, [item.merchant_id for item in items])
    fee_plans = store.fee_plans.rows(tx)

    def change(item: C) -> Merchant:
        merchant = merchants.require(item.merchant_id, domain.merchant.not_found)
        changed, event = transition(merchant, item)
        if event is None:
            return merchant
        if changed.fee_plan.version > merchant.fee_plan.version:
            fee_plans.add(FeePlanRow.of(changed.merchant_id, changed.fee_plan))
        tx.emit(event, cause=item.cause)
        return merchants.put(changed)

    results = fold(items, change)
    await tx.save(merchants, fee_plans)
    return results
