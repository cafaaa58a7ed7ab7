"""What the demo asks for, and what has to come of it: the same on every run."""

from dataclasses import dataclass
from enum import StrEnum

CURRENCIES = ("USD", "JPY", "BHD")
PAYMENTS = 300
BATCHED_FROM = 200
"""Payments from this number on go in one batch call; those before it one by one."""
CYCLE = 25
"""One round of channel troubles takes this many payments."""


class End(StrEnum):
    """How a payment or refund must end."""

    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """Something the simulated channel does, asked for by an amount that ends in `digits`.

    Attributes:
        digits: The last four digits of the amount in minor units.
        name: For people.
        end: What has to come of it.
        unknown: Whether the outcome is UNKNOWN for a while.
    """

    digits: int
    name: str
    end: End
    unknown: bool = False


DECLINED = Trouble(digits=9001, name="declined: insufficient funds", end=End.FAILED)
REFUSED = Trouble(digits=9002, name="declined: do not honor", end=End.FAILED)
LOST_ANSWER = Trouble(digits=9003, name="done, but the answer is lost", end=End.SUCCEEDED, unknown=True)
LOST_CALL = Trouble(digits=9004, name="the call is lost", end=End.FAILED, unknown=True)
LATE = Trouble(digits=9005, name="approved late, by callback", end=End.SUCCEEDED, unknown=True)
CALLED_TWICE = Trouble(digits=9007, name="approved, called back twice", end=End.SUCCEEDED)
LATE_DECLINE = Trouble(digits=9008, name="declined late, by callback", end=End.FAILED, unknown=True)

_LARGE_MINOR = 30_000
"""Payments above this are large enough for a refund with any trouble and another one."""

# Where in a round each trouble strikes. Rounds have 25 payments and currencies take turns, so each strikes all three.
_TROUBLES = {3: DECLINED, 7: REFUSED, 10: LOST_ANSWER, 13: LOST_CALL, 16: LATE, 19: CALLED_TWICE, 22: LATE_DECLINE}


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedPayment:
    """A payment to ask for.

    Attributes:
        merchant: 0 or 1.
        trouble: What the channel does; None for nothing in particular.
        refunds: What is given back of it, and what the channel does then.
    """

    number: int
    merchant: int
    amount_minor: int
    currency_code: str
    trouble: Trouble | None
    refunds: tuple["PlannedRefund", ...]

    @property
    def end(self) -> End:
        """Say how it must end."""
        return self.trouble.end if self.trouble else End.SUCCEEDED


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedRefund:
    """A refund to ask for, of a payment that succeeded."""

    amount_minor: int
    trouble: Trouble | None = None

    @property
    def end(self) -> End:
        """Say how it must end."""
        return self.trouble.end if self.trouble else End.SUCCEEDED


def payments() -> list[PlannedPayment]:
    """Return every payment of the demo's traffic."""
    return [_payment(number) for number in range(PAYMENTS)]


def _payment(number: int) -> PlannedPayment:
    trouble = _TROUBLES.get(number % CYCLE)
    amount_minor = _ordinary_minor(number) if trouble is None else 10_000 * (number % 3) + trouble.digits
    return PlannedPayment(
        number=number,
        merchant=number // len(CURRENCIES) % 2,
        amount_minor=amount_minor,
        currency_code=CURRENCIES[number % len(CURRENCIES)],
        trouble=trouble,
        refunds=_refunds(number, amount_minor, trouble),
    )


def _ordinary_minor(number: int) -> int:
    """Spread amounts over 100 to 38,999 minor units, never with last digits above 8,999: those have a meaning."""
    return 10_000 * (number % 4) + 100 + 137 * number % 8_900


def _refunds(number: int, amount_minor: int, trouble: Trouble | None) -> tuple[PlannedRefund, ...]:
    if trouble is not None:
        # Such an amount means the same for the refund: its answer is lost as well.
        return (PlannedRefund(amount_minor=amount_minor, trouble=trouble),) if trouble is LOST_ANSWER else ()
    if amount_minor > _LARGE_MINOR:
        struck = (LOST_ANSWER, DECLINED, LOST_CALL, LATE)[number // 4 % 4]
        return (PlannedRefund(amount_minor=struck.digits, trouble=struck), PlannedRefund(amount_minor=2_500))
    if number % 5 == 0:
        return (PlannedRefund(amount_minor=amount_minor),)
    return (PlannedRefund(amount_minor=amount_minor // 2),) if number % 5 == 1 else ()
