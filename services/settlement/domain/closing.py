"""What is to be done with all that is pending of a merchant in one currency. Pure.

Each settlement that is due is closed, carried forward into the next, or waits for events that are on their way. First
it is brought to the cut-offs of the policy in force, for that may have changed since it began to collect.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from paykit.consumption import Consumption
from paykit.money import AMOUNT_MINOR_MAX
from paystream.merchant.v1.events import SettlementSchedule
from paystream.settlement.v1.events import SettlementCreated, SettlementTrigger
from services.settlement.domain import policy as policies
from services.settlement.domain.policy import Policy
from services.settlement.domain.settlement import Settlement, carry, close, fits, not_due

GRACE = timedelta(minutes=5)
"""How long a settlement that is due waits for the partitions of accounting.events to be consumed past its cut-off."""
LOOK_AGAIN = timedelta(seconds=1)
"""Until one that waits is looked at again."""
RETRY_AFTER = timedelta(hours=1)
"""Until what the ledger refused, what is too large, or what is due in a zone that is not known is tried again."""

_BY_ITSELF = frozenset(
    {SettlementSchedule.THRESHOLD, SettlementSchedule.DAILY, SettlementSchedule.WEEKLY, SettlementSchedule.MONTHLY}
)
_BEFORE_ALL = datetime.min.replace(tzinfo=UTC)


@dataclass(slots=True)
class Review:
    """What a look at pending settlements came to.

    Attributes:
        closed: With the events that tell of them.
        carried: What they held counts in one of the others, never in another carried one.
        kept: Those still PENDING that changed.
    """

    closed: list[tuple[Settlement, SettlementCreated]] = field(default_factory=list)
    carried: list[Settlement] = field(default_factory=list)
    kept: list[Settlement] = field(default_factory=list)


def review(policy: Policy, pending: Sequence[Settlement], *, view: Consumption, now: datetime) -> Review:
    """Look at all pending settlements of a merchant and currency.

    Of merchants on hold, and of those whose zone is not known, nothing is closed, carried or moved.
    """
    if policy.hold_reason is not None or not policy.zone_known:
        # A hold ends with an event of the merchant; that a zone has become known, nothing tells.
        again_at = None if policy.zone_known else now + RETRY_AFTER
        return Review(kept=[replace(row, due_at=again_at, update_time=now) for row in pending if _is_due(row, now)])
    findings = Review()
    rows, full = _by_cut_off(policy, pending, findings, now)
    seen: set[datetime | None] = set()
    while ahead := [cut_off for cut_off in sorted(rows, key=_order) if cut_off not in seen]:
        seen.add(ahead[0])
        settlement = rows[ahead[0]]
        if not _is_due(settlement, now):
            continue
        if settlement.cut_off_at is not None and not _is_complete(settlement, view, now):
            rows[ahead[0]] = _waiting(settlement, view, now)
        elif not _is_worth(policy, settlement):
            full += _carry_on(policy, rows, ahead, findings, now)
        else:
            rows[ahead[0]] = _close(policy, settlement, findings, now)
    parts = [_look_at_full(policy, part, findings, view=view, now=now) for part in full]
    not_kept = {*pending, *(settlement for settlement, _ in findings.closed)}
    findings.kept = [settlement for settlement in (*rows.values(), *parts) if settlement not in not_kept]
    return findings


def first_due_at(policy: Policy | None, cut_off: datetime | None) -> datetime | None:
    """Return when a settlement that begins to collect is looked at; None for not before something changes."""
    return None if policy is None or cut_off is None else policies.due_at(policy, cut_off)


def due_after_collecting(
    policy: Policy | None, currency_code: str, *, total_minor: int, due_at: datetime | None, now: datetime
) -> datetime | None:
    """Return when a settlement is looked at, now that its total has changed: at once if its threshold is reached."""
    if policy is not None and not policy.zone_known:
        return due_at or now + RETRY_AFTER
    if policy is None or policy.schedule is not SettlementSchedule.THRESHOLD:
        return due_at
    return due_at or now if total_minor >= policy.worth_settling_minor(currency_code) else None


def due_after_refusal(
    policy: Policy, currency_code: str, *, total_minor: int, due_at: datetime | None, now: datetime
) -> datetime | None:
    """Return when a settlement that takes back what was refused is looked at: later, or it would go on for ever."""
    reached = due_after_collecting(policy, currency_code, total_minor=total_minor, due_at=due_at, now=now)
    return reached and max(reached, now + RETRY_AFTER)


def settleable(policy: Policy, pending: Sequence[Settlement], *, now: datetime) -> list[Settlement]:
    """Return the pending settlements that a request may close: those whose days of delay are over."""
    return [
        settlement for settlement in pending if (due := _due_by_policy(policy, settlement, now)) is None or due <= now
    ]


def require_due(policy: Policy, pending: Sequence[Settlement], *, now: datetime) -> None:
    """Check that not all that is pending has yet to wait for its cut-off and the days of delay after it.

    Raises:
        SettlementNotDue: It has.
    """
    if pending and not settleable(policy, pending, now=now):
        dues = [due for settlement in pending if (due := _due_by_policy(policy, settlement, now)) is not None]
        raise not_due(min(dues), now=now)


def merge(pending: Sequence[Settlement], *, now: datetime) -> tuple[Settlement, list[Settlement]]:
    """Have pending settlements count in the first of them; return it, and the others as they are carried.

    Their total is above 0. What one settlement cannot hold is left apart, and returned by neither.
    """
    whole, *others = _as_far_as_fits(pending)
    all_carried = []
    for settlement in others:
        carried, whole = carry(settlement, into=whole, now=now)
        all_carried.append(carried)
    return whole, all_carried


def _as_far_as_fits(pending: Sequence[Settlement]) -> list[Settlement]:
    """Choose what one settlement can hold, what takes from the merchant first: with it the total is still above 0."""
    total_minor, chosen = 0, set()
    for settlement in sorted(pending, key=lambda settlement: settlement.sums.total_minor):
        if total_minor + settlement.sums.total_minor <= AMOUNT_MINOR_MAX:
            total_minor += settlement.sums.total_minor
            chosen.add(settlement.settlement_id)
    return [settlement for settlement in pending if settlement.settlement_id in chosen]


def _due_by_policy(policy: Policy, settlement: Settlement, now: datetime) -> datetime | None:
    cut_off = policies.next_cut_off(policy, settlement.cut_off_at or now)
    return None if cut_off is None else policies.due_at(policy, cut_off)


def _by_cut_off(
    policy: Policy, pending: Iterable[Settlement], findings: Review, now: datetime
) -> tuple[dict[datetime | None, Settlement], list[Settlement]]:
    """Bring what is due to the cut-offs of the policy in force, and return it by these, and what is full apart.

    Two that come to one cut-off become one, if one can hold both, which is looked at when the first of them was to be:
    together they may reach what one alone did not.
    """
    rows: dict[datetime | None, Settlement] = {}
    full: list[Settlement] = []
    for collecting in sorted(pending, key=lambda settlement: _order(settlement.cut_off_at)):
        settlement = _brought_up_to_date(policy, collecting, now) if _is_due(collecting, now) else collecting
        cut_off = settlement.cut_off_at
        if settlement.is_full:
            full.append(settlement)
        elif cut_off not in rows:
            rows[cut_off] = settlement
        elif fits(settlement, rows[cut_off]):
            due_at = _earlier(settlement.due_at, rows[cut_off].due_at)
            carried, into = carry(settlement, into=rows[cut_off], now=now)
            rows[cut_off] = replace(into, due_at=due_at)
            findings.carried.append(carried)
        else:
            full.append(replace(settlement, is_full=True, update_time=now))
    return rows, full


def _brought_up_to_date(policy: Policy, settlement: Settlement, now: datetime) -> Settlement:
    """Return a settlement with the cut-off of the policy in force, and not due before that says so."""
    cut_off = policies.next_cut_off(policy, settlement.cut_off_at or now)
    due_at = settlement.due_at if cut_off is None else policies.due_at(policy, cut_off)
    if cut_off == settlement.cut_off_at and (due_at is None or due_at <= now):
        return settlement
    return replace(
        settlement, cut_off_at=cut_off, due_at=due_at, noticed_at=None, noticed_offsets=None, update_time=now
    )


def _earlier(due_at: datetime | None, other_due_at: datetime | None) -> datetime | None:
    """Return the earlier of two times, of which None is none."""
    return min((moment for moment in (due_at, other_due_at) if moment is not None), default=None)


def _is_due(settlement: Settlement, now: datetime) -> bool:
    return settlement.due_at is not None and settlement.due_at <= now


def _is_worth(policy: Policy, settlement: Settlement) -> bool:
    return settlement.sums.total_minor >= policy.worth_settling_minor(settlement.currency_code)


def _carry_on(
    policy: Policy,
    rows: dict[datetime | None, Settlement],
    ahead: Sequence[datetime | None],
    findings: Review,
    now: datetime,
) -> list[Settlement]:
    """Have what is not worth settling count in the next settlement: one that is there, else itself at a later time.

    Returns:
        What the next one cannot hold.
    """
    settlement = rows[ahead[0]]
    following = policies.open_cut_off(policy, now)
    if following is None:
        rows[ahead[0]] = replace(settlement, due_at=None, update_time=now)
        return []
    del rows[ahead[0]]
    target = min((cut_off for cut_off in (*ahead[1:], following) if cut_off is not None), default=following)
    moved = replace(
        settlement,
        cut_off_at=target,
        due_at=policies.due_at(policy, target),
        noticed_at=None,
        noticed_offsets=None,
        update_time=now,
    )
    if target not in rows:
        rows[target] = moved
        return []
    if not fits(settlement, rows[target]):
        return [replace(moved, is_full=True)]
    carried, rows[target] = carry(settlement, into=rows[target], now=now)
    into = carried.holder_id
    findings.carried = [
        replace(earlier, holder_id=into) if earlier.holder_id == carried.settlement_id else earlier
        for earlier in findings.carried
    ]
    findings.carried.append(carried)
    return []


def _look_at_full(
    policy: Policy, part: Settlement, findings: Review, *, view: Consumption, now: datetime
) -> Settlement:
    """Close what is full when it is due, whatever the threshold: more is pending beside it."""
    if not _is_due(part, now):
        return part
    if part.cut_off_at is not None and not _is_complete(part, view, now):
        return _waiting(part, view, now)
    return _close(policy, part, findings, now)


def _close(policy: Policy, settlement: Settlement, findings: Review, now: datetime) -> Settlement:
    if policy.schedule not in _BY_ITSELF:
        return replace(settlement, due_at=None, update_time=now)
    if settlement.sums.total_minor > AMOUNT_MINOR_MAX:
        return replace(settlement, due_at=now + RETRY_AFTER, update_time=now)
    trigger = SettlementTrigger.THRESHOLD if settlement.cut_off_at is None else SettlementTrigger.CUT_OFF
    closed, event = close(settlement, policy, trigger=trigger, correlation_id=settlement.settlement_id, now=now)
    findings.closed.append((closed, event))
    return closed


def _is_complete(settlement: Settlement, view: Consumption, now: datetime) -> bool:
    """Return whether everything told before the cut-off has been collected, or has been waited for long enough."""
    if settlement.noticed_at is not None and now >= settlement.noticed_at + GRACE:
        return True
    return view.is_past(settlement.noticed_offsets or _ends_past(settlement, view))


def _waiting(settlement: Settlement, view: Consumption, now: datetime) -> Settlement:
    return replace(
        settlement,
        due_at=now + LOOK_AGAIN,
        noticed_at=settlement.noticed_at or now,
        noticed_offsets=settlement.noticed_offsets or _ends_past(settlement, view),
        update_time=now,
    )


def _ends_past(settlement: Settlement, view: Consumption) -> tuple[int, ...] | None:
    """Return the ends that were read when the cut-off had passed: what was told before it lies before them."""
    return view.ends if settlement.cut_off_at is not None and settlement.cut_off_at <= view.read_time else None


def _order(cut_off: datetime | None) -> datetime:
    return cut_off or _BEFORE_ALL
