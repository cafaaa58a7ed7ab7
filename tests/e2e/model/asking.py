"""What a journey asks of the line; what it makes gets a number of the journey's, by which later steps name it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CreateOrder:
    number: int
    currency: str
    total: int
    expires: bool = False


@dataclass(frozen=True, slots=True)
class CancelOrder:
    order: int


@dataclass(frozen=True, slots=True)
class Pay:
    number: int
    currency: str
    amount: int
    manual: bool
    order: int | None


@dataclass(frozen=True, slots=True)
class Capture:
    payment: int
    amount: int | None
    final: bool


@dataclass(frozen=True, slots=True)
class Void:
    payment: int


@dataclass(frozen=True, slots=True)
class Act:
    """The payer does what the payment waits for, or refuses."""

    payment: int
    does: bool


@dataclass(frozen=True, slots=True)
class Refund:
    payment: int
    amount: int


@dataclass(frozen=True, slots=True)
class OpenDispute:
    payment: int
    amount: int
    wins: bool


@dataclass(frozen=True, slots=True)
class AnswerDispute:
    payment: int
    dispute: int
    contest: bool


@dataclass(frozen=True, slots=True)
class Settle:
    currency: str


@dataclass(frozen=True, slots=True)
class Withdraw:
    number: int
    currency: str
    amount: int


@dataclass(frozen=True, slots=True)
class Decide:
    withdrawal: int
    approve: bool
    same_person: bool


Ask = (
    CreateOrder
    | CancelOrder
    | Pay
    | Act
    | Capture
    | Void
    | Refund
    | OpenDispute
    | AnswerDispute
    | Settle
    | Withdraw
    | Decide
)
