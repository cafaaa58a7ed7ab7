"""What was followed of the ledger held against it, and the difference that is found. Pure."""

from collections.abc import Mapping

from paykit.verification import DifferenceError

AccountKey = tuple[str, str, str]
"""Kind of account, merchant_id (empty of the platform) and currency."""


class ReconciliationDifferenceError(DifferenceError):
    """Lines, movements and what became of them do not agree, or not with the ledger."""


def compare_uncleared(followed: Mapping[AccountKey, int], ledger: Mapping[AccountKey, int]) -> None:
    """Hold what has not cleared against the ledger's balances, both in minor units; what is missing is 0.

    Raises:
        ReconciliationDifferenceError: The first difference.
    """
    for key in sorted({*followed, *ledger}):
        ours, theirs = followed.get(key, 0), ledger.get(key, 0)
        if ours != theirs:
            detail = f"what has not cleared adds up to {ours}, the ledger's balance is {theirs}"
            raise ReconciliationDifferenceError("uncleared", " ".join(filter(None, key)), detail)
