"""What a merchant may withdraw in one currency: what is left of its funds, and of the limits of a day. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

from paykit.errors import DomainError, Kind

MerchantCurrency = tuple[str, str]
"""merchant_id, currency_code."""

ROLLING_DAY = timedelta(hours=24)
"""Limits hold for every stretch of this length: no zone, and no change of it, begins another. Source: ADR 0024."""


class WithdrawalExceedsWithdrawable(DomainError):
    """More is asked for than can be withdrawn; metadata says what can."""

    kind = Kind.FAILED_PRECONDITION
    reason = "WITHDRAWAL_EXCEEDS_WITHDRAWABLE"


class WithdrawalLimitExceeded(DomainError):
    """More is asked for than is left of the merchant's daily limit; metadata says what is left."""

    kind = Kind.FAILED_PRECONDITION
    reason = "WITHDRAWAL_LIMIT_EXCEEDED"
    retry_after_s = 3_600


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """The state of a merchant's funds in one currency, in minor units.

    Attributes:
        settled_minor: What settlements and adjustments of the ledger have made available so far, less what the merchant
            owes.
        withdrawn_minor: What was withdrawn or is on the way; what came back is not in it.
        settlement_minor: The balance of its settlement account, as the ledger told; below 0 it has to be recovered from
            what is available.
        recent_minor: Withdrawals accepted in the last ROLLING_DAY that were neither rejected, cancelled nor failed.
    """

    settled_minor: int = 0
    withdrawn_minor: int = 0
    settlement_minor: int = 0
    recent_minor: int = 0

    @property
    def withdrawable_minor(self) -> int:
        """What is left of the funds; adjustments, debts and late payouts can take more than there is."""
        return max(self.settled_minor - self.withdrawn_minor + min(self.settlement_minor, 0), 0)

    def left_minor(self, limit_minor: int) -> int:
        """Return what is left of a limit for a day, which may have been higher earlier."""
        return max(limit_minor - self.recent_minor, 0)


def require_withdrawable(
    allowance: Allowance, *, amount_minor: int, currency_code: str, daily_limit_minor: int
) -> None:
    """Check that an amount can be withdrawn now.

    Raises:
        WithdrawalExceedsWithdrawable: The funds do not suffice.
        WithdrawalLimitExceeded: The daily limit does not.
    """
    if amount_minor > allowance.withdrawable_minor:
        raise WithdrawalExceedsWithdrawable(
            f"{allowance.withdrawable_minor} minor units of {currency_code} can be withdrawn.",
            field="amount",
            withdrawable_minor=str(allowance.withdrawable_minor),
            currency_code=currency_code,
        )
    left_minor = allowance.left_minor(daily_limit_minor)
    if amount_minor > left_minor:
        raise WithdrawalLimitExceeded(
            f"{left_minor} minor units of {currency_code} are left of the limit of 24 hours.",
            field="amount",
            left_minor=str(left_minor),
            currency_code=currency_code,
        )


def needs_approval(allowance: Allowance, *, amount_minor: int, approval_limit_minor: int) -> bool:
    """Return whether a second person decides: together with what was accepted in a day, it is above the limit."""
    return amount_minor > allowance.left_minor(approval_limit_minor)


def take(allowance: Allowance, amount_minor: int) -> Allowance:
    """Return what is left after a withdrawal was accepted."""
    return replace(
        allowance,
        withdrawn_minor=allowance.withdrawn_minor + amount_minor,
        recent_minor=allowance.recent_minor + amount_minor,
    )


def limit_of(limits: Mapping[str, int], currency_code: str) -> int:
    """Return the limit of a currency, in minor units; `*` stands for currencies that are not named."""
    return limits.get(currency_code, limits["*"])
