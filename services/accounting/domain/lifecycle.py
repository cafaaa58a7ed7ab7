"""What is booked in several steps: an opening puts an amount in transit, one ending takes it out again. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from paykit.errors import DomainError, Kind
from services.accounting.domain.booked_event import BOOKED_EVENTS
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


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """Steps with one related_no.

    Attributes:
        opening: The transaction type of the first step.
        transit: The kind of account that the amount waits on for its end; None where it waits outside the ledger.
        endings: The types of which one takes the amount back out, once.
    """

    opening: str
    transit: str | None
    endings: tuple[str, ...]


def _lifecycles() -> Iterator[Lifecycle]:
    for opening in BOOKED_EVENTS:
        endings = tuple(ending.transaction_type for ending in BOOKED_EVENTS if ending.ends is opening.event)
        if endings:
            yield Lifecycle(opening.transaction_type, opening.waits_on, endings)


LIFECYCLES = tuple(_lifecycles())

ENDED_BY: Mapping[str, Lifecycle] = {ending: lifecycle for lifecycle in LIFECYCLES for ending in lifecycle.endings}
"""The lifecycle that each ending ends."""

STEPS = frozenset(step for lifecycle in LIFECYCLES for step in (lifecycle.opening, *lifecycle.endings))
"""All types that are a step of a lifecycle: each is undone by the next step, never by a reversal."""


def ids_before(endings: Iterable[Transaction]) -> set[str]:
    """Return the ids of the transactions that decide whether these may be booked: openings and rival endings."""
    return {
        transaction_id(step, ending.related_no)
        for ending in endings
        for lifecycle in (ENDED_BY[ending.transaction_type],)
        for step in (lifecycle.opening, *lifecycle.endings)
    }


def require_open(ending: Transaction, booked: Mapping[str, Transaction]) -> None:
    """Check that an ending may be booked, given what is booked of `ids_before`.

    Raises:
        OpeningNotBooked, EndedOtherwise, OpeningMismatch: It may not.
    """
    lifecycle = ENDED_BY[ending.transaction_type]
    opening = booked.get(transaction_id(lifecycle.opening, ending.related_no))
    if opening is None:
        message = f"{lifecycle.opening} {ending.related_no} is not booked."
        raise OpeningNotBooked(message, related_no=ending.related_no)
    for rival in lifecycle.endings:
        if rival != ending.transaction_type and transaction_id(rival, ending.related_no) in booked:
            raise EndedOtherwise(f"{ending.related_no} was ended by {rival}.", transaction_type=rival)
    if _held(lifecycle, opening) != _identity(ending, ending.amount_minor):
        raise OpeningMismatch(
            f"{lifecycle.opening} {ending.related_no} does not hold what {ending.transaction_type} takes out.",
            transaction_id=opening.transaction_id,
        )


def _held(lifecycle: Lifecycle, opening: Transaction) -> tuple[str | None, str, int]:
    if lifecycle.transit is None:
        return _identity(opening, opening.amount_minor)
    entries = [entry for entry in opening.entries if entry.account_kind == lifecycle.transit]
    return _identity(opening, sum(entry.effect * entry.amount_minor for entry in entries))


def _identity(transaction: Transaction, amount_minor: int) -> tuple[str | None, str, int]:
    return transaction.merchant_id, transaction.currency_code, amount_minor
