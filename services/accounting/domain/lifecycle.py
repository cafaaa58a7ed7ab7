"""What is booked in several steps: an opening puts an amount in transit, one ending takes it out again. Pure."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from paykit.errors import DomainError, Kind
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
class Life:
    """Steps with one related_no.

    Attributes:
        opening: The transaction type of the first step.
        transit: The kind of account that the amount waits on for its end; None where it waits outside the ledger.
        endings: The types of which one takes the amount back out, once.
    """

    opening: str
    transit: str | None
    endings: tuple[str, ...]


LIVES = (
    Life("DisputeOpened", "merchant.disputed", ("DisputeWon", "DisputeLost")),
    Life("SettlementCreated", "merchant.reserve", ("ReserveReleased",)),
    Life(
        "WithdrawalCreated", "merchant.withdrawing", ("WithdrawalRejected", "WithdrawalFailed", "WithdrawalCompleted")
    ),
    Life("WithdrawalCompleted", None, ("WithdrawalReturned",)),
)

ENDED_BY: Mapping[str, Life] = {ending: life for life in LIVES for ending in life.endings}
"""The life that each ending ends."""

STEPS = frozenset(step for life in LIVES for step in (life.opening, *life.endings))
"""All types that are a step of a life: each is undone by the life's own next step, never by a reversal."""


def ids_before(endings: Iterable[Transaction]) -> set[str]:
    """Give the ids of the transactions that decide whether these may be booked: openings and rival endings."""
    return {
        transaction_id(each, ending.related_no)
        for ending in endings
        for each in _before(ENDED_BY[ending.transaction_type])
    }


def refuse(ending: Transaction, booked: Mapping[str, Transaction]) -> DomainError | None:
    """Say why an ending may not be booked, given what is booked of `ids_before`."""
    life = ENDED_BY[ending.transaction_type]
    opening = booked.get(transaction_id(life.opening, ending.related_no))
    if opening is None:
        return OpeningNotBooked(f"{life.opening} {ending.related_no} is not booked.", related_no=ending.related_no)
    for rival in life.endings:
        if rival != ending.transaction_type and transaction_id(rival, ending.related_no) in booked:
            return EndedOtherwise(f"{ending.related_no} was ended by {rival}.", transaction_type=rival)
    if _held(life, opening) != _identity(ending, ending.amount_minor):
        return OpeningMismatch(
            f"{life.opening} {ending.related_no} does not hold what {ending.transaction_type} takes out.",
            transaction_id=opening.transaction_id,
        )
    return None


def _before(life: Life) -> Collection[str]:
    return (life.opening, *life.endings)


def _held(life: Life, opening: Transaction) -> tuple[str | None, str, int]:
    if life.transit is None:
        return _identity(opening, opening.amount_minor)
    held = [each.effect * each.amount_minor for each in opening.entries if each.account_kind == life.transit]
    return _identity(opening, sum(held))


def _identity(transaction: Transaction, amount_minor: int) -> tuple[str | None, str, int]:
    return transaction.merchant_id, transaction.currency_code, amount_minor
