"""What a world consists of; amounts are in minor units."""

from dataclasses import dataclass, field

from tests.e2e.model import rules


@dataclass
class Order:
    currency: str
    total: int
    expires: bool
    state: str = "CREATED"
    captured: int = 0
    paid: int = 0
    refunded: int = 0

    @property
    def closed(self) -> bool:
        return self.state in {"CANCELLED", "EXPIRED"}

    def pay_back(self, amount: int, *, refunded: int) -> None:
        self.refunded, self.paid = self.refunded + refunded, self.paid - amount


@dataclass
class Part:
    """A capture, refund or dispute of a payment; `note` is the reason of a refund, and who decides of a dispute.

    Of a capture, `bounced` is what the channel took back, `spent` and `given` what of it and of its fee refunds hold or
    gave back, and `returned` whether they return the fee; of a refund, `shares` and `fees` say that by the number of
    the capture.
    """

    amount: int
    state: str = "CREATED"
    fee: int = 0
    note: str = ""
    final: bool = False
    returned: bool = False
    bounced: int = 0
    spent: int = 0
    given: int = 0
    shares: dict[int, int] = field(default_factory=dict)
    fees: dict[int, int] = field(default_factory=dict)

    @property
    def left(self) -> int:
        return max(self.amount - self.spent - self.bounced, 0) if self.state == "SUCCEEDED" else 0

    def bear(self, amount: int, *, unasked: bool) -> int:
        """Have a capture bear a part of a refund; give what of its fee returns with that, by its own terms."""
        returned = rules.returned_fee if self.returned else rules.own_returned_fee
        gone = self.spent + self.bounced
        fee = returned(fee=self.fee, given=self.given, captured=self.amount, refunded=gone, amount=amount)
        fee = fee if self.returned or unasked else 0
        self.spent, self.given = self.spent + amount, self.given + fee
        return fee


@dataclass
class Payment:
    """A payment; `waited` is how it ended that its payer had something to do, by whomever; empty where it had not."""

    currency: str
    amount: int
    manual: bool
    order: int | None
    state: str = "CREATED"
    authorized: int = 0
    captured: int = 0
    refunded: int = 0
    reversed: int = 0
    disputed: int = 0
    lost: int = 0
    cancelled: int = 0
    fee: int = 0
    fee_returned: int = 0
    giving_up: bool = False
    waited: str = ""
    captures: list[Part] = field(default_factory=list)
    refunds: list[Part] = field(default_factory=list)
    disputes: list[Part] = field(default_factory=list)

    def release(self, refund: Part) -> None:
        """Free what its captures bear of a refund that failed, or came back."""
        for number, amount in refund.shares.items():
            self.captures[number].spent -= amount
            self.captures[number].given -= refund.fees[number]

    def charged_again(self, refund: Part) -> int:
        """Give the fee of a refund that is charged again when it comes back: not that of what has bounced."""
        return sum(fee for number, fee in refund.fees.items() if not self.captures[number].bounced)

    @property
    def refundable(self) -> int:
        held = sum(each.amount for each in self.refunds if each.state == "CREATED" and each.note != "CONTRADICTION")
        return self.captured - self.reversed - self.refunded - held - self.disputed

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
        if self.state in {"CREATED", "REQUIRES_ACTION", "AUTHORIZED"}:
            return self.amount
        kept = self.captured - self.reversed - self.refunded - self.lost
        return kept + self.uncaptured if self.state == "SUCCEEDED" else 0


@dataclass
class Settlement:
    """Of its reserve, `held` is what was neither released nor consumed."""

    currency: str
    total: int
    reserve: int
    held: int
    settlement_id: str = ""


@dataclass
class Withdrawal:
    currency: str
    amount: int
    approval: bool
    state: str = "CREATED"
    recent: bool = True

    @property
    def counts(self) -> bool:
        """Whether it counts in the limits of a day."""
        return self.recent and self.state not in {"REJECTED", "CANCELLED", "FAILED"}
