"""What a merchant has at each stop of its money, and what channel and bank say of it."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.e2e.model import rules
from tests.e2e.model.asking import Decide, Settle, Withdraw
from tests.e2e.model.parts import Settlement, Withdrawal

ILLEGAL = "ILLEGAL_TRANSITION"


@dataclass(kw_only=True)
class Funds:
    """The money of one merchant. Amounts are in minor units.

    Attributes:
        accounts: Balances by currency and kind, without `merchant.`.
        platform: What the merchant's business changed of the platform's accounts, by currency and kind.
        outside: What the statements of channel and bank say, by currency and operation.
        released: Of the reserves, by currency: what no settlement has settled again.
        items: Bookings of payments, refunds and disputes that touch the settlement account, by currency: some are of
            amounts that leave nothing together, and only their number tells that they were booked.
        under_way: What has not come to its end: the kind, the number of what it is about, and of which part of it.
    """

    reserve_basis_points: int
    approval_limit: int
    settlements: list[Settlement] = field(default_factory=list)
    withdrawals: dict[int, Withdrawal] = field(default_factory=dict)
    accounts: dict[tuple[str, str], int] = field(default_factory=lambda: defaultdict(int))
    platform: dict[tuple[str, str], int] = field(default_factory=lambda: defaultdict(int))
    outside: dict[tuple[str, str], int] = field(default_factory=lambda: defaultdict(int))
    released: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    items: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    under_way: list[tuple[str, int, int]] = field(default_factory=list)

    def withdrawable(self, currency: str) -> int:
        """Give what is available, less what the settlement account is below zero and what is not held yet."""
        available, settlement = (self.accounts.get((currency, kind), 0) for kind in ("available", "settlement"))
        created = [each for each in self.withdrawals.values() if each.state == "CREATED" and each.currency == currency]
        return max(available + min(settlement, 0) - sum(each.amount for each in created), 0)

    def _settle(self, ask: Settle) -> str:
        total = self.accounts.get((ask.currency, "settlement"), 0)
        if total <= 0:
            return "NOTHING_TO_SETTLE"
        self.book_settlement(ask.currency, total, released=self.released[ask.currency])
        return ""

    def book_settlement(self, currency: str, total: int, *, released: int, settlement_id: str = "") -> None:
        """Settle an amount, holding back the reserve of what was not one before; one not asked for has its id."""
        reserve = rules.reserve(total, released, self.reserve_basis_points)
        self.released[currency] -= released
        self.settlements.append(Settlement(currency, total, reserve, reserve, settlement_id))
        self._book(currency, settlement=-total, reserve=reserve, available=total - reserve)

    def _withdraw(self, ask: Withdraw) -> str:
        if ask.amount > self.withdrawable(ask.currency):
            return "WITHDRAWAL_EXCEEDS_WITHDRAWABLE"
        counted = [each for each in self.withdrawals.values() if each.currency == ask.currency and each.counts]
        approval = ask.amount + sum(each.amount for each in counted) > self.approval_limit
        self.withdrawals[ask.number] = Withdrawal(ask.currency, ask.amount, approval)
        self.under_way.append(("hold", ask.number, 0))
        return ""

    def _end_hold(self, index: int, _part: int) -> None:
        made = self.withdrawals[index]
        self._book(made.currency, available=-made.amount, withdrawing=made.amount)
        made.state = "HELD"
        if not made.approval:
            self.under_way.append(("payout", index, 0))

    def _decide(self, ask: Decide) -> str:
        made = self.withdrawals[ask.withdrawal]
        if ask.same_person:
            return "SAME_PERSON"
        if made.state != "HELD":
            return ILLEGAL
        if ask.approve:
            made.state = "APPROVED"
            self.under_way.append(("payout", ask.withdrawal, 0))
        else:
            made.state = "REJECTED"
            self._book(made.currency, available=made.amount, withdrawing=-made.amount)
        return ""

    def _end_payout(self, index: int, _part: int) -> None:
        made = self.withdrawals[index]
        if not rules.succeeds(made.amount):
            made.state = "FAILED"
            self._book(made.currency, available=made.amount, withdrawing=-made.amount)
            return
        made.state = "COMPLETED"
        self._book(made.currency, withdrawing=-made.amount, income=-made.amount)
        self.outside[made.currency, "PAY"] += made.amount
        fate = made.amount % rules.WHOLE
        if fate in {rules.RETURNED, rules.RETURNED_SHORT, rules.UNDONE}:
            made.state = "FAILED" if fate == rules.UNDONE else "RETURNED"
            returned = made.amount - (rules.BANK_FEE if fate == rules.RETURNED_SHORT else 0)
            self._book(made.currency, available=returned, income=returned)
            self.outside[made.currency, "RETURN"] += returned

    def recover(self) -> None:
        """Make up for settlement accounts below zero: from what is available, then from reserves, the oldest first."""
        for currency in {each for each, kind in self.accounts if kind == "settlement"}:
            short = max(-self.accounts[currency, "settlement"], 0)
            recovered = min(short, max(self.accounts[currency, "available"], 0))
            self._book(currency, available=-recovered, settlement=recovered)
            for settlement in self.settlements:
                if settlement.currency == currency:
                    consumed = min(short - recovered, settlement.held)
                    recovered, settlement.held = recovered + consumed, settlement.held - consumed
                    self._book(currency, reserve=-consumed, settlement=consumed)

    def release(self, settlements: Sequence[Settlement]) -> None:
        """Give back what is left of the reserves of settlements."""
        for settlement in settlements:
            self.released[settlement.currency] += settlement.held
            self._book(settlement.currency, reserve=-settlement.held, settlement=settlement.held)
            settlement.held = 0

    def _book_item(self, currency: str, **changes: int) -> None:
        """Book what a payment, refund or dispute does to the settlement account."""
        self.items[currency] += 1
        self._book(currency, **changes)

    def _book(self, currency: str, *, income: int = 0, fees: int = 0, **merchant: int) -> None:
        """Change balances; what is received or paid out for merchants is the platform's income, as its chart says."""
        for kind, change in merchant.items():
            self.accounts[currency, kind] += change
        self.platform[currency, "income"] += income
        self.platform[currency, "fees"] += fees
