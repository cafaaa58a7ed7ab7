"""What was moved, of an operation's name and a sign: files of one account say `in` or `out` of it."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from services.reconciliation.domain.formats.refusals import CellInvalid

OPERATIONS = (
    *("AUTHORIZE", "CAPTURE", "CANCEL", "REFUND", "PAY", "DISPUTE", "DISPUTE_REVERSED", "RETURN", "CAPTURE_REVERSED"),
    *("REFUND_RETURNED", "FEE", "ADJUSTMENT", "PAYOUT_TO_PLATFORM"),
)
"""What a line can tell of, as ChannelTransactionReported does."""

REVERSALS: Mapping[str, str] = MappingProxyType(
    {
        "CAPTURE": "CAPTURE_REVERSED",
        "REFUND": "REFUND_RETURNED",
        "PAY": "RETURN",
        "DISPUTE": "DISPUTE_REVERSED",
        "CAPTURE_REVERSED": "CAPTURE",
        "REFUND_RETURNED": "REFUND",
        "RETURN": "PAY",
        "DISPUTE_REVERSED": "DISPUTE",
    }
)
"""What an operation is whose money went the other way."""

_INWARDS = frozenset({"CAPTURE", "DISPUTE_REVERSED", "RETURN", "REFUND_RETURNED", "AUTHORIZE", "CANCEL"})


class AccountHolder(StrEnum):
    """Whose account a file is of."""

    ACQUIRER = "ACQUIRER"
    """What the acquirer owes the platform: captures come in, a payout to the platform goes out."""
    BANK = "BANK"
    """The platform's bank account: the acquirer's payout comes in, payouts to merchants go out."""


def movement(operation: str, signed_minor: int, holder: AccountHolder) -> tuple[str, int]:
    """Return operation and amount of what came into the account (above 0) or went out (below 0).

    Money that went the other way than the operation says is its reversal: a capture of -10.00 is CAPTURE_REVERSED.

    Raises:
        CellInvalid: Nothing was moved.
    """
    if not signed_minor:
        raise CellInvalid("is no money: the amount is 0", str(signed_minor))
    if operation == "FEE":
        return operation, -signed_minor
    if operation == "ADJUSTMENT":
        return operation, signed_minor
    if operation == "PAYOUT_TO_PLATFORM":
        return operation, signed_minor if holder is AccountHolder.BANK else -signed_minor
    if (signed_minor > 0) is not (operation in _INWARDS):
        operation = _reversal_of(operation)
    return operation, abs(signed_minor)


def unsigned_movement(operation: str, amount_minor: int) -> tuple[str, int]:
    """Return operation and amount where the file writes no signs: one below 0 is a fee given back, or a reversal."""
    if not amount_minor:
        raise CellInvalid("is no money: the amount is 0", str(amount_minor))
    if amount_minor > 0 or operation in {"FEE", "ADJUSTMENT", "PAYOUT_TO_PLATFORM"}:
        return operation, amount_minor
    return _reversal_of(operation), -amount_minor


def _reversal_of(operation: str) -> str:
    reversal = REVERSALS.get(operation)
    if reversal is None:
        raise CellInvalid(f"moves money the wrong way for {operation}", operation)
    return reversal
