"""What was collected held against the ledger, and the difference that is found. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from paykit.verification import DifferenceError
from services.settlement.domain.settlement import MerchantCurrency


class SettlementDifferenceError(DifferenceError):
    """The settlements are not what their items, or the ledger, say."""


@dataclass(frozen=True, slots=True)
class Collected:
    """What was collected of a merchant in a currency.

    Attributes:
        items: Number of transactions that did something to the account: a payment and a fee of one amount did not.
        digest: Sum of hashes of each transaction's id and effect: two sets of transactions with one digest are equal.
        unbooked_minor: Total of the settlements that the ledger has not booked.
    """

    items: int
    digest: int
    unbooked_minor: int


def compare(ours: Mapping[MerchantCurrency, Collected], ledger: Mapping[MerchantCurrency, Collected]) -> None:
    """Hold what was collected against what the ledger has on its settlement accounts.

    Args:
        ours: Of the settlement service.
        ledger: The same of the ledger: transactions other than bookings of settlements, and the accounts' balances.

    Raises:
        SettlementDifferenceError: The first difference.
    """
    nothing = Collected(0, 0, 0)
    for key in sorted({*ours, *ledger}):
        mine, theirs = ours.get(key, nothing), ledger.get(key, nothing)
        subject = " ".join(key)
        if mine.items != theirs.items:
            detail = f"{mine.items} transactions were collected, the ledger has {theirs.items}"
            raise SettlementDifferenceError("transactions", subject, detail)
        if mine.digest != theirs.digest:
            raise SettlementDifferenceError("transactions", subject, "others were collected than the ledger has")
        if mine.unbooked_minor != theirs.unbooked_minor:
            detail = f"{mine.unbooked_minor} is not booked, the ledger's balance is {theirs.unbooked_minor}"
            raise SettlementDifferenceError("balances", subject, detail)


def compare_balances(
    kind: str, followed: Mapping[MerchantCurrency, int], ledger: Mapping[MerchantCurrency, int]
) -> None:
    """Hold the balances of a kind of account, as they were followed, against the ledger's.

    Raises:
        SettlementDifferenceError: The first difference.
    """
    for key in sorted({*followed, *ledger}):
        mine, theirs = followed.get(key, 0), ledger.get(key, 0)
        if mine != theirs:
            detail = f"{kind} was followed to {mine}, the ledger's balance is {theirs}"
            raise SettlementDifferenceError("balances", " ".join(key), detail)
