"""What the ledger shows of its accounts: statements and trial balances. Pure."""

from dataclasses import dataclass
from datetime import datetime

from paystream.accounting.v1.events import Side
from services.accounting.domain.transaction import Account

LineKey = tuple[datetime, str, int]
"""effective_at, transaction_id, line: the order of a statement."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementLine:
    """One entry of a statement, with the account's balance after it."""

    transaction_id: str
    transaction_type: str
    related_no: str
    line: int
    side: Side
    effect: int
    amount_minor: int
    effective_at: datetime
    running_balance_minor: int

    @property
    def key(self) -> LineKey:
        """Its place in the order of the statement."""
        return self.effective_at, self.transaction_id, self.line


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """A part of an account's statement; opening and closing balance are those of the whole."""

    account: Account
    opening_balance_minor: int
    closing_balance_minor: int
    lines: tuple[StatementLine, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialBalanceLine:
    """All accounts of one kind and currency together; at most one of debit and credit is above 0."""

    currency_code: str
    account_kind: str
    debit_minor: int
    credit_minor: int


def trial_balance_line(
    currency_code: str, account_kind: str, normal_side: Side, balance_minor: int
) -> TrialBalanceLine:
    """Put what is on accounts of one kind on the side it belongs to; overdrawn, that is the other side."""
    net = balance_minor if normal_side is Side.DEBIT else -balance_minor
    return TrialBalanceLine(
        currency_code=currency_code, account_kind=account_kind, debit_minor=max(net, 0), credit_minor=max(-net, 0)
    )
