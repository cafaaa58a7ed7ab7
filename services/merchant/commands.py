"""The business operations on merchants; each takes a sequence and gives one result or refusal per item, in order."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar

from paykit.cause import Cause
from paykit.errors import DomainError
from paykit.postgres.database import Tx
from paystream.merchant.v1.events import SettlementPolicy
from services.merchant import store
from services.merchant.domain import merchant as domain
from services.merchant.domain.merchant import Event, FeeTerms, Merchant, Profile


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateMerchant:
    """A merchant to create, under an id that is new."""

    merchant_id: str
    display_name: str
    country_code: str | None
    contact_email: str
    fee_terms: FeeTerms
    settlement_policy: SettlementPolicy
    cause: Cause


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateMerchant:
    """Fields of a merchant to change; an empty etag matches any version."""

    merchant_id: str
    profile: Profile
    etag: str
    cause: Cause


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeStatus:
    """A merchant to activate or suspend; an empty etag matches any version."""

    merchant_id: str
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
    results = [_create(item, tx.now) for item in items]
    made = [(result, item) for result, item in zip(results, items, strict=True) if not isinstance(result, DomainError)]
    await store.insert_merchants(tx, [merchant for (merchant, _), _ in made])
    for (_, event), item in made:
        tx.emit(event, cause=item.cause)
    return [result if isinstance(result, DomainError) else result[0] for result in results]


async def update_merchants(tx: Tx, items: Sequence[UpdateMerchant]) -> list[Merchant | DomainError]:
    """Change fields; emits MerchantUpdated for each change that changes something."""
    return await _change(
        tx, items, lambda merchant, item: domain.update(merchant, item.profile, etag=item.etag, now=tx.now)
    )


async def activate_merchants(tx: Tx, items: Sequence[ChangeStatus]) -> list[Merchant | DomainError]:
    """Let merchants take payments; emits MerchantActivated for each that could not before."""
    return await _change(tx, items, lambda merchant, item: domain.activate(merchant, etag=item.etag, now=tx.now))


async def suspend_merchants(tx: Tx, items: Sequence[ChangeStatus]) -> list[Merchant | DomainError]:
    """Stop merchants' new payments; emits MerchantSuspended for each that could take them before."""
    return await _change(tx, items, lambda merchant, item: domain.suspend(merchant, etag=item.etag, now=tx.now))


def _create(item: CreateMerchant, now: datetime) -> tuple[Merchant, Event] | DomainError:
    try:
        return domain.create(
            merchant_id=item.merchant_id,
            display_name=item.display_name,
            country_code=item.country_code,
            contact_email=item.contact_email,
            fee_terms=item.fee_terms,
            settlement_policy=item.settlement_policy,
            now=now,
        )
    except DomainError as refusal:
        return refusal


async def _change(
    tx: Tx, items: Sequence[C], transition: Callable[[Merchant, C], tuple[Merchant, Event | None]]
) -> list[Merchant | DomainError]:
    """Lock the merchants, apply each item to what the items before it left, and save what changed."""
    before = await store.lock_merchants(tx, [item.merchant_id for item in items])
    after = dict(before)
    results: list[Merchant | DomainError] = []
    told: list[tuple[Event, Cause]] = []
    plans = []
    for item in items:
        present = after.get(item.merchant_id)
        result = _apply(present, item, transition)
        if isinstance(result, DomainError):
            results.append(result)
            continue
        merchant, event = result
        results.append(merchant)
        if event is not None:
            told.append((event, item.cause))
            if present is not None and merchant.fee_plan.version > present.fee_plan.version:
                plans.append((merchant.merchant_id, merchant.fee_plan))
            after[item.merchant_id] = merchant
    await store.insert_fee_plans(tx, plans)
    await store.save_merchants(tx, [merchant for key, merchant in after.items() if merchant is not before[key]])
    for event, cause in told:
        tx.emit(event, cause=cause)
    return results


def _apply(
    merchant: Merchant | None, item: C, transition: Callable[[Merchant, C], tuple[Merchant, Event | None]]
) -> tuple[Merchant, Event | None] | DomainError:
    if merchant is None:
        return domain.MerchantNotFound("no merchant has this id.", field="merchant_id", merchant_id=item.merchant_id)
    try:
        return transition(merchant, item)
    except DomainError as refusal:
        return refusal
