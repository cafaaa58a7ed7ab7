"""Collecting items: each is added to what is pending at its cut-off."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from paykit.ids import new_id
from paykit.postgres.database import Tx
from paykit.postgres.faults import UniqueViolation
from services.settlement import domain, store
from services.settlement.domain.item_form import CollectedItem
from services.settlement.domain.policy import Periods, Policy
from services.settlement.domain.settlement import MerchantCurrency, Place, place_order
from services.settlement.store import CollectingSettlement


async def collect(tx: Tx, items: Sequence[CollectedItem]) -> None:
    """Add items to what is pending; those that are there already change nothing."""
    await store.merchants.keep_still(tx)
    absent = {(item.transaction_id, item.merchant_id): item for item in reversed(items)}
    shared = _shared(absent)
    policies = await store.merchants.policies(tx, {item.merchant_id for item in items})
    try:
        async with tx.savepoint():
            await _collect(tx, list(absent.values()), policies, shared)
    except UniqueViolation:
        for key in await store.present_items(tx, [transaction_id for transaction_id, _ in absent]):
            absent.pop(key, None)
        if absent:
            await _collect(tx, list(absent.values()), policies, shared)


def _shared(keys: Collection[tuple[str, str]]) -> frozenset[str]:
    """Return the transactions that are items of several merchants, as hardly ever one is."""
    if len({transaction_id for transaction_id, _ in keys}) == len(keys):
        return frozenset()
    counts = Counter(transaction_id for transaction_id, _ in keys)
    return frozenset(transaction_id for transaction_id, count in counts.items() if count > 1)


async def _collect(
    tx: Tx, items: Sequence[CollectedItem], policies: Mapping[str, Policy], shared: Collection[str]
) -> None:
    by_place = await _by_place(tx, items, policies)
    left = {place: domain.sums.parts_of(by_place[place]) for place in sorted(by_place, key=place_order)}
    # A round takes in a part at each place, or finds what collects there full, as hardly ever any is.
    for _ in range(2 * len(items)):
        collecting = await _collect_first(tx, left, policies, shared)
        await store.settlements.set_full(tx, [place for place in left if place not in collecting])
        left = {place: parts[place in collecting :] for place, parts in left.items() if parts[place in collecting :]}
        if not left:
            return


async def _collect_first(
    tx: Tx,
    parts: Mapping[Place, Sequence[Sequence[CollectedItem]]],
    policies: Mapping[str, Policy],
    shared: Collection[str],
) -> dict[Place, CollectingSettlement]:
    """Add the first part of the items of each place, and return what collects there, without places that are full."""
    collecting = await store.settlements.collect(
        tx,
        {place: domain.sums.sums_of(first) for place, (first, *_) in parts.items()},
        new_ids=[new_id("stl", of=merchant_id) for merchant_id, _, _ in parts],
        due=[domain.closing.first_due_at(policies.get(merchant_id), cut_off) for merchant_id, _, cut_off in parts],
    )
    await store.insert_items(
        tx,
        ((row.settlement_id, parts[place][0]) for place, row in collecting.items()),
        shared=shared,
    )
    due = {}
    for (merchant_id, currency_code, _), (settlement_id, due_at, total_minor) in collecting.items():
        new_due_at = domain.closing.due_after_collecting(
            policies.get(merchant_id), currency_code, total_minor=total_minor, due_at=due_at, now=tx.now
        )
        if new_due_at != due_at:
            due[settlement_id] = new_due_at
    await store.settlements.set_due(tx, due)
    return collecting


async def _by_place(
    tx: Tx, items: Sequence[CollectedItem], policies: Mapping[str, Policy]
) -> dict[Place, list[CollectedItem]]:
    """Group items by where they are collected: at the cut-off that they belong to, or at the earliest one left."""
    by_merchant: dict[MerchantCurrency, list[CollectedItem]] = {}
    for item in items:
        by_merchant.setdefault((item.merchant_id, item.currency_code), []).append(item)
    periods: dict[int, Periods] = {}  # By the identity of the policy, which merchants with the same one share.
    by_place: dict[Place, list[CollectedItem]] = {}
    late: dict[MerchantCurrency, list[CollectedItem]] = {}
    for key, collected in by_merchant.items():
        policy = policies.get(key[0], domain.policy.UNKNOWN)
        if policy.cut_off_time is None:
            by_place[*key, None] = collected
            continue
        period = periods.get(id(policy))
        if period is None:
            period = periods[id(policy)] = Periods(policy, now=tx.now)
        for item in collected:
            cut_off = period.cut_off(item.effective_at)
            if cut_off is None:
                late.setdefault(key, []).append(item)
            else:
                by_place.setdefault((*key, cut_off), []).append(item)
    if late:
        for key, place in (await _places_left(tx, late, policies)).items():
            by_place.setdefault(place, []).extend(late[key])
    return by_place


async def _places_left(
    tx: Tx, late: Mapping[MerchantCurrency, list[CollectedItem]], policies: Mapping[str, Policy]
) -> dict[MerchantCurrency, Place]:
    """Choose where late items are collected: where something is overdue and not closed, else at the next settlement."""
    opened = {key: domain.policy.open_cut_off(policies[key[0]], tx.now) for key in late}
    before = {key: cut_off for key, cut_off in opened.items() if cut_off is not None}
    overdue = await store.settlements.lock_first_before(tx, before)
    return {key: (*key, overdue.get(key, opened[key])) for key in late}
