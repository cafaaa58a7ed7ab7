"""What a merchant may withdraw in one currency: what is left of its funds, and of the limit of the day. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from paykit.errors import DomainError, Kind

MerchantCurrency = tuple[str, str]
"""merchant_id, currency_code."""


class WithdrawalExceedsWithdrawable(DomainError):
    """More is asked for than can be withdrawn; metadata says what can."""

    kind = Kind.FAILED_PRECONDITION
    reason = "WITHDRAWAL_EXCEEDS_WITHDRAWABLE"


class WithdrawalLimitExceeded(DomainError):
    """More is asked for than is left of the merchant's limit of the day; metadata says what is left."""

    kind = Kind.FAILED_PRECONDITION
    reason = "WITHDRAWAL_LIMIT_EXCEEDED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """The state of a merchant's funds in one currency, in minor units.

    Attributes:
        settled_minor: What settlements and adjustments of the ledger have made available so far.
        withdrawn_minor: What was withdrawn or is on the way; what came back is not in it.
        today_minor: Withdrawals accepted today, in the merchant's time zone, that were neither rejected nor failed.
    """

    settled_minor: int = 0
    withdrawn_minor: int = 0
    today_minor: int = 0

    @property
    def withdrawable_minor(self) -> int:
        """What is left of the funds; adjustments can take more than there is."""
        return max(self.settled_minor - self.withdrawn_minor, 0)

    def left_today_minor(self, daily_limit_minor: int) -> int:
        """Return what is left of the day's limit, which may have been higher earlier."""
        return max(daily_limit_minor - self.today_minor, 0)


def require_withdrawable(
    allowance: Allowance, *, amount_minor: int, currency_code: str, daily_limit_minor: int
) -> None:
    """Check that an amount can be withdrawn now.

    Raises:
        WithdrawalExceedsWithdrawable: The funds do not suffice.
        WithdrawalLimitExceeded: The limit of the day does not.
    """
    if amount_minor > allowance.withdrawable_minor:
        raise WithdrawalExceedsWithdrawable(
            f"{allowance.withdrawable_minor} minor units of {currency_code} can be withdrawn.",
            field="amount",
            withdrawable_minor=str(allowance.withdrawable_minor),
            currency_code=currency_code,
        )
    left_minor = allowance.left_today_minor(daily_limit_minor)
    if amount_minor > left_minor:
        raise WithdrawalLimitExceeded(
            f"{left_minor} minor units of {currency_code} are left of the limit of the day.",
            field="amount",
            left_minor=str(left_minor),
            currency_code=currency_code,
        )


def take(allowance: Allowance, amount_minor: int) -> Allowance:
    """Return what is left after a withdrawal was accepted."""
    return replace(
        allowance,
        withdrawn_minor=allowance.withdrawn_minor + amount_minor,
        today_minor=allowance.today_minor + amount_minor,
    )


def limit_of(limits: Mapping[str, int], currency_code: str) -> int:
    """Return the limit of a currency, in minor units; `*` stands for currencies that are not named."""
    return limits.get(currency_code, limits["*"])


def day_of(now: datetime, time_zone: str) -> tuple[datetime, datetime]:
    """Return the first moment of the day that `now` falls on in a time zone, and that of the next day, in UTC.

    Days in which clocks change have 23 or 25 hours. Where midnight does not exist, the day begins at the change.
    """
    zone = ZoneInfo(time_zone)
    today = now.astimezone(zone).date()
    first, following = (
        datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)
        for day in (today, today + timedelta(days=1))
    )
    return first, following
