"""Closing a statement: its sums, its balances, and the lines that belong to it as a whole. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from paykit.ids import named_id
from paystream.channel.v1 import events
from paystream.channel.v1.events import ChannelOperation
from services.channel.domain import statement_reference
from services.channel.domain.line import ChannelLine
from services.channel.domain.transaction import CHANNEL


@dataclass(frozen=True, slots=True, kw_only=True)
class DayTotal:
    """The sums of one day's lines in one currency, in minor units.

    Attributes:
        acquirer_line_count: Of captures, refunds, disputes and what takes them back.
        bank_line_count: Of payouts and their returns.
        disputed_minor: Held back, less what was given again.
        dispute_won_minor: What of that was given again.
        fee_minor: What the lines say that the channel kept.
    """

    statement_date: str
    currency_code: str
    acquirer_line_count: int
    bank_line_count: int
    captured_minor: int
    reversed_minor: int
    refunded_minor: int
    refund_returned_minor: int
    disputed_minor: int
    dispute_won_minor: int
    paid_minor: int
    returned_minor: int
    fee_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelStatement:
    """A closed statement of one day and currency.

    Attributes:
        statement_fee_minor: What the acquirer charges for the statement itself.
        opening_balance_minor: On the platform's bank account before it.
    """

    statement_id: str
    total: DayTotal
    statement_fee_minor: int
    opening_balance_minor: int
    create_time: datetime

    @property
    def channel_fee_minor(self) -> int:
        """What the channel kept."""
        return self.total.fee_minor + self.statement_fee_minor

    @property
    def acquirer_net_minor(self) -> int:
        """What the acquirer pays to the platform's bank account for the day."""
        total = self.total
        came_minor = total.captured_minor - total.reversed_minor + total.refund_returned_minor
        return came_minor - total.refunded_minor - total.disputed_minor - self.channel_fee_minor

    @property
    def bank_net_minor(self) -> int:
        """What payouts did to the platform's bank account."""
        return self.total.returned_minor - self.total.paid_minor

    @property
    def net_minor(self) -> int:
        """What the channel pays out for the day, the bank's part included."""
        return self.acquirer_net_minor + self.bank_net_minor

    @property
    def closing_balance_minor(self) -> int:
        """What is on the platform's bank account after it."""
        return self.opening_balance_minor + self.net_minor

    @property
    def acquirer_line_count(self) -> int:
        """How many lines are the acquirer's, those of the statement as a whole included."""
        return self.total.acquirer_line_count + len(own_lines(self))

    @property
    def line_count(self) -> int:
        """How many lines there are."""
        return self.acquirer_line_count + self.total.bank_line_count


def close(
    totals: Iterable[DayTotal], *, balances_minor: Mapping[str, int], statement_fee_minor: int, now: datetime
) -> list[ChannelStatement]:
    """Close days in their order, each on the balance that the one before it left in its currency.

    `balances_minor` has by currency what is on the platform's bank account; 0 where it says nothing.
    """
    left_minor = dict(balances_minor)
    statements = []
    for total in totals:
        statement = ChannelStatement(
            statement_id=statement_reference.statement_id(total.statement_date, total.currency_code),
            total=total,
            statement_fee_minor=statement_fee_minor,
            opening_balance_minor=left_minor.get(total.currency_code, 0),
            create_time=now,
        )
        left_minor[total.currency_code] = statement.closing_balance_minor
        statements.append(statement)
    return statements


def own_lines(statement: ChannelStatement) -> list[ChannelLine]:
    """Write the lines of a statement as a whole, but those of 0: its fee, and what the acquirer pays out."""
    lines = [
        _own_line(statement, ChannelOperation.FEE, statement.statement_fee_minor),
        _own_line(statement, ChannelOperation.PAYOUT_TO_PLATFORM, statement.acquirer_net_minor),
    ]
    return [line for line in lines if line.amount_minor]


def closed(statement: ChannelStatement) -> events.ChannelStatementClosed:
    """Report that a statement is closed."""
    total, day = statement.total, (statement.total.statement_date, statement.total.currency_code)
    return events.ChannelStatementClosed(
        occurred_at=statement.create_time,
        merchant_id=None,
        aggregate_version=1,
        statement_id=statement.statement_id,
        channel=CHANNEL,
        currency_code=total.currency_code,
        statement_date=total.statement_date,
        line_count=statement.line_count,
        captured_minor=total.captured_minor,
        refunded_minor=total.refunded_minor,
        disputed_minor=total.disputed_minor,
        paid_minor=total.paid_minor,
        returned_minor=total.returned_minor,
        channel_fee_minor=statement.channel_fee_minor,
        net_minor=statement.net_minor,
        dispute_won_minor=total.dispute_won_minor,
        reversed_minor=total.reversed_minor,
        refund_returned_minor=total.refund_returned_minor,
        acquirer_net_minor=statement.acquirer_net_minor,
        bank_net_minor=statement.bank_net_minor,
        opening_balance_minor=statement.opening_balance_minor,
        closing_balance_minor=statement.closing_balance_minor,
        value_date=statement_reference.payout_date(total.statement_date),
        bank_reference=statement_reference.bank_reference(*day) if statement.acquirer_net_minor else None,
        statement_fee_minor=statement.statement_fee_minor,
        acquirer_line_count=statement.acquirer_line_count,
        bank_line_count=total.bank_line_count,
    )


def _own_line(statement: ChannelStatement, operation: ChannelOperation, amount_minor: int) -> ChannelLine:
    day = (statement.total.statement_date, statement.total.currency_code)
    payout = operation is ChannelOperation.PAYOUT_TO_PLATFORM
    return ChannelLine(
        line_id=named_id("lin", statement.statement_id, operation),
        attempt_id=None,
        channel_reference=(
            statement_reference.payout_reference(*day) if payout else named_id("chn", statement.statement_id, operation)
        ),
        original_reference=None,
        operation=operation,
        merchant_id=None,
        related_no=None,
        amount_minor=amount_minor,
        currency_code=statement.total.currency_code,
        fee_minor=0,
        line_date=statement.total.statement_date,
        create_time=statement.create_time,
    )
