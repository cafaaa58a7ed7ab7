"""What a world consists of; amounts are in minor units."""

from dataclasses import dataclass, field


@dataclass
class Order:
    currency: str
    total: int
    expires: bool
    state: str = "CREATED"
    paid: int = 0
    refunded: int = 0

    @property
    def closed(self) -> bool:
        return self.state in {"CANCELLED", "EXPIRED"}


@dataclass
class Part:
    """A capture, refund or dispute of a payment; `note` is the reason of a refund, and who decides of a dispute."""

    amount: int
    state: str = "CREATED"
    fee: int = 0
    note: str = ""
    final: bool = False


@dataclass
class Payment:
    currency: str
    amount: int
    manual: bool
    order: int | None
    state: str = "CREATED"
    authorized: int = 0
    captured: int = 0
    refunded: int = 0
    disputed: int = 0
    cancelled: int = 0
    fee: int = 0
    fee_returned: int = 0
    giving_up: bool = False
    captures: list[Part] = field(default_factory=list)
    refunds: list[Part] = field(default_factory=list)
    disputes: list[Part] = field(default_factory=list)

    @property
    def refundable(self) -> int:
        held = sum(each.amount for each in self.refunds if each.state == "CREATED" and each.note != "CONTRADICTION")
        return self.captured - self.refunded - held - self.disputed

    @property
    def capturing(self) -> int:
        return sum(each.amount for each in self.captures if each.state == "CREATED")

    @property
    def uncaptured(self) -> int:
        return self.authorized - self.captured - self.cancelled if self.manual else 0

    @property
    def capturable(self) -> int:
        return 0 if self.giving_up else self.uncaptured - self.capturing

    @property
    def taken_of_order(self) -> int:
        """What it leaves no other payment of its order to pay."""
        if self.state in {"CREATED", "AUTHORIZED"}:
            return self.amount
        return self.captured + self.uncaptured if self.state == "SUCCEEDED" else 0


@dataclass
class Settlement:
    currency: str
    total: int
    reserve: int
    settlement_id: str = ""
    released: bool = False


@dataclass
class Withdrawal:
    currency: str
    amount: int
    approval: bool
    state: str = "CREATED"
