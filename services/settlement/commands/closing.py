"""Collecting items, and closing what collected them: by policy and on request."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from operator import attrgetter

import structlog
from asyncpg import UniqueViolationError

from paykit.cause import Cause
from paykit.errors import CurrencyUnknown, DomainError
from paykit.ids import new_id
from paykit.merchants.standing import MerchantUnknown
from paykit.money import AMOUNT_MINOR_MAX, EXPONENTS
from paykit.postgres.database import Tx
from paystream.settlement.v1.events import SettlementTrigger
from services.settlement.domain import closing
from services.settlement.domain import policy as policies
from services.settlement.domain import settlement as domain
from services.settlement.domain.closing import GRACE, Review, View
from services.settlement.domain.item import Item
from services.settlement.domain.policy import Periods, Policy
from services.settlement.domain.settlement import Settlement
from services.settlement.store import policies as policy_store
from services.settlement.store import settlements as store
from services.settlement.store.settlements import Pair, Place

_log = structlog.get_logger()

_FAR = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateSettlement:
    """A settlement asked for."""

    merchant_id: str
    currency_code: str
    cause: Cause


async def collect(tx: Tx, items: Sequence[Item]) -> None:
    """Add items to what is pending; those that are there already change nothing.

    Rows: item, settlement.
    """
    await policy_store.keep_still(tx)
    fresh = {(item.transaction_id, item.merchant_id): item for item in reversed(items)}
    known = await policy_store.policies(tx, {item.merchant_id for item in items})
    try:
        async with tx.savepoint():
            await _collect(tx, list(fresh.values()), known)
    except UniqueViolationError:
        for key in await store.known_items(tx, [transaction_id for transaction_id, _ in fresh]):
            fresh.pop(key, None)
        if fresh:
            await _collect(tx, list(fresh.values()), known)


async def close_due(tx: Tx, *, view: View, limit: int) -> int:
    """Close or carry forward what is due; give how many merchants and currencies were looked at.

    Rows: settlement. Events: SettlementCreated.
    """
    pending = await store.lock_due(tx, limit=limit)
    known = await policy_store.policies(tx, {each.merchant_id for each in pending})
    changed: list[Settlement] = []
    pairs = 0
    for (merchant_id, _), some in groupby(pending, attrgetter("merchant_id", "currency_code")):
        pairs += 1
        before = list(some)
        found = closing.review(known.get(merchant_id, policies.UNKNOWN), before, view=view, now=tx.now)
        _tell_people(before, found)
        changed += [*found.carried, *found.kept, *(closed for closed, _ in found.closed)]
        for closed, event in found.closed:
            tx.hold(closed.settlement_id)
            tx.emit(event, cause=Cause(closed.settlement_id, None, None, None))
    await store.save(tx, changed)
    return pairs


async def create_settlements(tx: Tx, items: Sequence[CreateSettlement]) -> list[Settlement | DomainError]:
    """Settle all that is pending of merchants in currencies; one result per item, in order.

    Refusals: CurrencyUnknown, MerchantUnknown, NothingToSettle, SettlementTooLarge.

    Rows: settlement. Events: SettlementCreated.
    """
    known = await policy_store.policies(tx, {item.merchant_id for item in items})
    locked = await store.lock_pending(tx, {(item.merchant_id, item.currency_code) for item in items})
    pending: dict[Pair, list[Settlement]] = {}
    for each in locked:
        pending.setdefault((each.merchant_id, each.currency_code), []).append(each)
    return [await _create(tx, item, known.get(item.merchant_id), pending) for item in items]


def _tell_people(before: Sequence[Settlement], found: Review) -> None:
    """Write down what nobody asked for: a cut-off closed though its events are late, a total that cannot be settled."""
    noticed = {each.settlement_id: each.noticed_at for each in before}
    for closed, _ in found.closed:
        if closed.close_time and (since := noticed[closed.settlement_id]) and closed.close_time - since >= GRACE:
            _log.warning("settlement_closed_by_grace", settlement_id=closed.settlement_id)
    for kept in found.kept:
        if kept.sums.total_minor > AMOUNT_MINOR_MAX:
            _log.error("settlement_too_large", settlement_id=kept.settlement_id)


async def _create(
    tx: Tx, item: CreateSettlement, policy: Policy | None, pending: dict[Pair, list[Settlement]]
) -> Settlement | DomainError:
    if item.currency_code not in EXPONENTS:
        message = f"{item.currency_code!r} is not an ISO 4217 currency in use."
        return CurrencyUnknown(message, field="currency_code", currency_code=item.currency_code)
    if policy is None:
        return MerchantUnknown("The merchant is not known.", field="merchant_id", merchant_id=item.merchant_id)
    pair = (item.merchant_id, item.currency_code)
    some = pending.get(pair, [])
    refusal = domain.refusal_to_settle(sum(each.sums.total_minor for each in some), item.currency_code)
    if refusal is not None:
        return refusal
    whole, carried = closing.merge(some, now=tx.now)
    made, event = domain.close(
        whole, policy, trigger=SettlementTrigger.REQUEST, correlation_id=item.cause.correlation_id, now=tx.now
    )
    del pending[pair]
    await store.save(tx, [*carried, made])
    tx.hold(made.settlement_id)
    tx.emit(event, cause=item.cause)
    return made


async def _collect(tx: Tx, items: Sequence[Item], known: Mapping[str, Policy]) -> None:
    places = await _places(tx, items, known)
    ordered = sorted(places, key=_place_order)
    found = await store.collect(
        tx,
        {place: domain.sums_of(places[place]) for place in ordered},
        new_ids=[new_id("stl") for _ in ordered],
        due=[closing.first_due_at(known.get(merchant_id), cut_off) for merchant_id, _, cut_off in ordered],
    )
    await store.insert_items(tx, ((item, found[place][0]) for place in ordered for item in places[place]))
    changed: dict[str, datetime | None] = {}
    for (merchant_id, currency_code, _), (settlement_id, due_at, total_minor) in found.items():
        policy = known.get(merchant_id)
        due = closing.due_after_collecting(policy, currency_code, total_minor=total_minor, due_at=due_at, now=tx.now)
        if due != due_at:
            changed[settlement_id] = due
    await store.set_due(tx, changed)


async def _places(tx: Tx, items: Sequence[Item], known: Mapping[str, Policy]) -> dict[Place, list[Item]]:
    """Say where each item is collected: at the cut-off that it belongs to, or at the earliest one that is left."""
    periods: dict[int, Periods] = {}
    places: dict[Place, list[Item]] = {}
    late: dict[Pair, list[Item]] = {}
    for item in items:
        policy = known.get(item.merchant_id, policies.UNKNOWN)
        period = periods.get(id(policy))
        if period is None:
            period = periods[id(policy)] = Periods(policy, now=tx.now)
        cut_off = period.cut_off(item.effective_at)
        if cut_off is None and policy.cut_off_time is not None:
            late.setdefault((item.merchant_id, item.currency_code), []).append(item)
        else:
            places.setdefault((item.merchant_id, item.currency_code, cut_off), []).append(item)
    if late:
        for pair, place in (await _places_left(tx, late, known)).items():
            places.setdefault(place, []).extend(late[pair])
    return places


async def _places_left(tx: Tx, late: Mapping[Pair, list[Item]], known: Mapping[str, Policy]) -> dict[Pair, Place]:
    """Give where what is late is collected: where something is overdue and not closed, else at the next settlement."""
    opened = {pair: policies.open_cut_off(known[pair[0]], tx.now) for pair in late}
    before = {pair: cut_off for pair, cut_off in opened.items() if cut_off is not None}
    overdue = await store.overdue_places(tx, before)
    return {pair: (*pair, overdue.get(pair, opened[pair])) for pair in late}


def _place_order(place: Place) -> tuple[str, str, bool, datetime]:
    """Sort as the index of places does: None comes last."""
    merchant_id, currency_code, cut_off = place
    return merchant_id, currency_code, cut_off is None, cut_off or _FAR
