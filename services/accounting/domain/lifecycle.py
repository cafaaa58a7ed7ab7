"""What is booked in several steps: an opening puts amounts in transit, endings take them out again. Pure."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from paykit.errors import DomainError, Kind
from paykit.events.event import Event
from services.accounting.domain.booked_event import BOOKED_EVENTS, BY_CLASS
from services.accounting.domain.transaction import Transaction, transaction_id


class OpeningNotBooked(DomainError):
    """What the event ends was never booked."""

    kind = Kind.FAILED_PRECONDITION
    reason = "OPENING_NOT_BOOKED"


class OpeningMismatch(DomainError):
    """The event takes back another amount than its opening booked, or another merchant's, or another currency."""

    kind = Kind.FAILED_PRECONDITION
    reason = "OPENING_MISMATCH"


class EndedOtherwise(DomainError):
    """Another event has ended the same before."""

    kind = Kind.FAILED_PRECONDITION
    reason = "ENDED_OTHERWISE"


class HeldAmountExceeded(DomainError):
    """The event takes more than is left of what was put aside."""

    kind = Kind.FAILED_PRECONDITION
    reason = "HELD_AMOUNT_EXCEEDED"


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """Steps with one related_no.

    Attributes:
        openings: The transaction types of which any begins it; more than one where it can begin anew.
        transit: The kinds of account that the amounts wait on for their end; none where they wait outside the ledger.
        endings: The types of which one takes the amounts back out, once for each opening.
    """

    openings: tuple[str, ...]
    transit: tuple[str, ...]
    endings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Portions:
    """What is put aside once, and taken in parts by steps with related numbers of their own and its root_reference."""

    opening: str
    transit: str
    takings: tuple[str, ...]


def _types(events: Iterable[type[Event]]) -> tuple[str, ...]:
    return tuple(event.__name__ for event in events)


def _lifecycles() -> Iterator[Lifecycle]:
    for ends in dict.fromkeys(booked.ends for booked in BOOKED_EVENTS if booked.ends):
        endings = tuple(booked.transaction_type for booked in BOOKED_EVENTS if booked.ends == ends)
        yield Lifecycle(_types(ends), BY_CLASS[ends[0]].waits_on, endings)


def _portions() -> Iterator[Portions]:
    for opening in dict.fromkeys(booked.part_of for booked in BOOKED_EVENTS if booked.part_of is not None):
        takings = tuple(booked.transaction_type for booked in BOOKED_EVENTS if booked.part_of is opening)
        yield Portions(opening.__name__, BY_CLASS[opening].waits_on[0], takings)


LIFECYCLES = tuple(_lifecycles())

PORTIONS = tuple(_portions())

ENDED_BY: Mapping[str, Lifecycle] = {ending: lifecycle for lifecycle in LIFECYCLES for ending in lifecycle.endings}
"""The lifecycle that each ending ends."""

TAKEN_BY: Mapping[str, Portions] = {taking: portions for portions in PORTIONS for taking in portions.takings}
"""What each taking takes a part of."""

STEPS = frozenset(step for lifecycle in LIFECYCLES for step in (*lifecycle.openings, *lifecycle.endings))
"""All types that are a step of a lifecycle."""

IN_TRANSIT = tuple(
    dict.fromkeys(kind for steps in LIFECYCLES for kind in steps.transit) | dict.fromkeys(p.transit for p in PORTIONS)
)
"""The kinds of account that amounts wait on."""


def ids_before(endings: Iterable[Transaction]) -> set[str]:
    """Return the ids of the transactions that decide whether these may be booked: openings and rival endings."""
    return {
        transaction_id(step, ending.related_no)
        for ending in endings
        for lifecycle in (ENDED_BY[ending.transaction_type],)
        for step in (*lifecycle.openings, *lifecycle.endings)
    }


def require_open(ending: Transaction, booked: Mapping[str, Transaction]) -> None:
    """Check that an ending may be booked, given what is booked of `ids_before`.

    What takes nothing out needs no opening: a chart may not book all that a dispute is about.

    Raises:
        OpeningNotBooked, EndedOtherwise, OpeningMismatch: It may not.
    """
    lifecycle = ENDED_BY[ending.transaction_type]
    openings = _booked(lifecycle.openings, ending, booked)
    rivals = [
        each for each in _booked(lifecycle.endings, ending, booked) if each.transaction_type != ending.transaction_type
    ]
    taken = _effects(lifecycle, ending, -1)
    if not openings and (taken or not lifecycle.transit):
        message = f"{' or '.join(lifecycle.openings)} {ending.related_no} is not booked."
        raise OpeningNotBooked(message, related_no=ending.related_no)
    if len(rivals) >= max(len(openings), 1):
        rival = rivals[0].transaction_type
        raise EndedOtherwise(f"{ending.related_no} was ended by {rival}.", transaction_type=rival)
    for opening in openings:
        if _owner(opening) != _owner(ending) or _effects(lifecycle, opening, +1) != taken:
            message = (
                f"{opening.transaction_type} {ending.related_no} does not hold what {ending.transaction_type} takes."
            )
            raise OpeningMismatch(message, transaction_id=opening.transaction_id)


def require_left(taking: Transaction, opening: Transaction | None, *, taken_minor: int) -> None:
    """Check that a part may be taken of what was put aside, of which some has been taken before.

    Raises:
        OpeningNotBooked, OpeningMismatch, HeldAmountExceeded: It may not.
    """
    portions = TAKEN_BY[taking.transaction_type]
    if opening is None:
        message = f"{portions.opening} {taking.root_reference} is not booked."
        raise OpeningNotBooked(message, related_no=taking.root_reference)
    if _owner(opening) != _owner(taking):
        message = f"{portions.opening} {opening.related_no} is of another merchant or currency."
        raise OpeningMismatch(message, transaction_id=opening.transaction_id)
    left_minor = _effect(opening, portions.transit) - taken_minor
    if taking.amount_minor > left_minor:
        raise HeldAmountExceeded(
            f"{portions.opening} {opening.related_no} has {left_minor} left, not {taking.amount_minor}.",
            available_minor=str(left_minor),
            requested_minor=str(taking.amount_minor),
        )


def opening_id(taking: Transaction) -> str:
    """Return the id of the transaction that put aside what a part is taken of."""
    return transaction_id(TAKEN_BY[taking.transaction_type].opening, taking.root_reference)


def _booked(types: tuple[str, ...], ending: Transaction, booked: Mapping[str, Transaction]) -> list[Transaction]:
    ids = (transaction_id(step, ending.related_no) for step in types)
    return [booked[each] for each in ids if each in booked]


def _effects(lifecycle: Lifecycle, transaction: Transaction, sign: int) -> Counter[str]:
    """What a step does to the accounts in transit; outside the ledger, to whatever the amount is."""
    if not lifecycle.transit:
        return Counter({"": transaction.amount_minor})
    effects = Counter({kind: sign * _effect(transaction, kind) for kind in lifecycle.transit})
    return Counter({kind: effect for kind, effect in effects.items() if effect})


def _effect(transaction: Transaction, kind: str) -> int:
    return sum(entry.effect * entry.amount_minor for entry in transaction.entries if entry.account_kind == kind)


def _owner(transaction: Transaction) -> tuple[str | None, str]:
    return transaction.merchant_id, transaction.currency_code
