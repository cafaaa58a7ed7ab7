"""Two books held against each other: the statement lines of channel and bank, and the entries of the ledger.

Neither knows of the other, nor of any model: whatever happened, they must tell the same money.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from paykit.base.config import Settings
from paystream.channel.v1 import events
from tests.line import topics
from tests.line.books import Books

ENTRIES = """
SELECT t.merchant_id, t.currency_code, a.account_kind, sum(e.effect * e.amount_minor) AS balance_minor
FROM accounting.entry e JOIN accounting.account a USING (account_id)
     JOIN accounting.transaction t USING (transaction_id)
WHERE t.merchant_id IS NOT NULL GROUP BY 1, 2, 3
"""
"""What the transactions of a merchant left on accounts, those of the platform included."""
UNMATCHED = """
SELECT channel_reference FROM payment.unmatched_evidence UNION
SELECT channel_reference FROM withdrawal.unmatched_evidence
"""
"""What was told of attempts that nobody sent: listed, and in no book."""
OPEN_EXCESS = """
SELECT merchant_id, currency_code, sum(excess_minor)::bigint AS excess_minor FROM payment.dispute
WHERE booked AND excess_minor > 0 GROUP BY 1, 2
"""
"""What the acquirer took for open disputes above what was left of their captures: the ledger books it once lost."""
CAME = {"CAPTURE": 1, "CAPTURE_REVERSED": -1}
WENT_BACK = {"REFUND": 1, "REFUND_RETURNED": -1, "DISPUTE": 1, "DISPUTE_REVERSED": -1}
WAS_PAID_OUT = {"PAY": 1, "RETURN": -1}
HOLDINGS = ("merchant.settlement", "merchant.available", "merchant.withdrawing", "merchant.reserve")
"""What a merchant has; what is disputed has left the channel when the dispute was opened."""

ONE_SIDED = "SELECT transaction_type, related_no, transaction_id FROM reconciliation.open_booking ORDER BY 1, 2"
"""What moved money at a channel and the ledger did not book, or booked and nobody told."""

Whose = tuple[str, str]
"""A merchant and a currency."""


@dataclass
class Audit:
    """One merchant and currency in both books.

    Attributes:
        lines: Minor units by operation, as statement lines tell.
        balances: Minor units by kind of account, as entries tell.
        open_excess: Minor units that open disputes took above what was left, which no book holds before a decision.
    """

    lines: Counter[str] = field(default_factory=Counter)
    balances: Counter[str] = field(default_factory=Counter)
    open_excess: int = 0

    @property
    def came(self) -> int:
        """Captures that reached the acquirer and stayed."""
        return self._sum(CAME)

    @property
    def went_back(self) -> int:
        """What refunds and disputes took, as far as the ledger is to know of it yet."""
        return self._sum(WENT_BACK) - self.open_excess

    @property
    def paid_out(self) -> int:
        """What left the bank and did not come back."""
        return self._sum(WAS_PAID_OUT)

    @property
    def holdings(self) -> int:
        """What the ledger keeps for the merchant."""
        return sum(self.balances[kind] for kind in HOLDINGS)

    @property
    def outstanding(self) -> int:
        """What is out and is to come from somebody: the merchant's debt, what nobody was charged for, what was lost."""
        owed = self.balances["merchant.receivable"] + max(-self.holdings, 0)
        return owed + max(self.balances["suspense"], 0) + self.balances["platform.losses"]

    @property
    def kept(self) -> int:
        """What the ledger says is left outside: everybody's holdings less everybody's debts."""
        debts = self.balances["merchant.receivable"] + self.balances["suspense"] + self.balances["platform.losses"]
        return self.holdings + self.balances["platform.fees"] - debts

    def faults(self) -> list[str]:
        """Say what does not hold."""
        found = []
        if self.kept != (outside := self.came - self.went_back - self.paid_out):
            found.append(f"the ledger keeps {self.kept}, outside there are {outside}")
        most = self.came - self.went_back - self.balances["platform.fees"] + self.outstanding
        if self.paid_out > most:
            found.append(f"{self.paid_out} were paid out, and only {most} could be")
        return [f"{each}: {dict(self.lines)}, {dict(self.balances)}" for each in found]

    def _sum(self, signs: Mapping[str, int]) -> int:
        return sum(sign * self.lines[operation] for operation, sign in signs.items())


async def audited(settings: Settings, kept: Books) -> dict[Whose, Audit]:
    """Read both books of all merchants; nothing may be on its way."""
    found: dict[Whose, Audit] = defaultdict(Audit)
    unmatched = {row["channel_reference"] for row in await kept.rows(UNMATCHED)}
    lines = _lines(await topics.events(settings, "channel.events"))
    for line in (each for each in lines if each.channel_reference not in unmatched):
        found[line.merchant_id or "", line.currency_code].lines[line.operation] += line.amount_minor
    for row in await kept.rows(ENTRIES):
        found[row["merchant_id"], row["currency_code"]].balances[row["account_kind"]] += int(row["balance_minor"])
    for row in await kept.rows(OPEN_EXCESS):
        found[row["merchant_id"], row["currency_code"]].open_excess = row["excess_minor"]
    return found


async def one_sided(kept: Books) -> list[str]:
    """Say what the ledger booked of movements and nobody told, or the other way round; nothing may be on its way."""
    return [
        f"{row['transaction_type']} of {row['related_no']} is {'not told' if row['transaction_id'] else 'not booked'}"
        for row in await kept.rows(ONE_SIDED)
    ]


def faults(found: Mapping[Whose, Audit]) -> list[str]:
    """Say whose books do not agree, and how."""
    return [f"{whose}: {fault}" for whose, audit in found.items() for fault in audit.faults()]


def _lines(found: Iterable[Any]) -> list[events.ChannelTransactionReported]:
    """Leave repeated lines out: the channel names each for good."""
    lines = [each for each in found if isinstance(each, events.ChannelTransactionReported)]
    return list({line.line_id: line for line in lines}.values())
