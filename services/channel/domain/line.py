"""Lines of statements: the first of an attempt's money, and those of what changed after it. Pure."""

from dataclasses import dataclass
from datetime import datetime

from paykit.errors import InvariantError
from paykit.ids import named_id
from paystream.channel.v1 import events
from paystream.channel.v1.events import ChannelOperation
from services.channel.domain import statement_reference
from services.channel.domain.instruction import Action
from services.channel.domain.transaction import CHANNEL, ChannelTransaction, channel_reference

SAME_CURRENCY_RATE = "1"
"""The exchange rate of a channel that settles in the currency of what it moves."""
OF_THE_BANK = frozenset({ChannelOperation.PAY, ChannelOperation.RETURN})
"""What the bank moves; the rest is the acquirer's."""
OF_THE_STATEMENT = frozenset({ChannelOperation.FEE, ChannelOperation.PAYOUT_TO_PLATFORM})
"""What belongs to a statement as a whole."""
OF_A_CAPTURE = frozenset({ChannelOperation.DISPUTE, ChannelOperation.DISPUTE_REVERSED})
"""What is known by the number of the capture that it is about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelLine:
    """One line of a statement.

    Attributes:
        attempt_id: The attempt whose money moved; None of what belongs to a statement as a whole.
        channel_reference: Of the movement; one of its own where money goes the other way.
        original_reference: Of what a refund or a movement back is about; None for others.
        line_date: YYYY-MM-DD in UTC.
    """

    line_id: str
    attempt_id: str | None
    channel_reference: str
    original_reference: str | None
    operation: ChannelOperation
    merchant_id: str | None
    related_no: str | None
    amount_minor: int
    currency_code: str
    fee_minor: int
    line_date: str
    create_time: datetime

    @property
    def value_date(self) -> str:
        """The day from which it counts at the platform's bank account, YYYY-MM-DD."""
        return self.line_date if self.operation in OF_THE_BANK else statement_reference.payout_date(self.line_date)

    @property
    def payout_reference(self) -> str | None:
        """The acquirer's payout that it is part of; None of what the bank moves."""
        if self.operation in OF_THE_BANK:
            return None
        return statement_reference.payout_reference(self.line_date, self.currency_code)

    @property
    def acquirer_reference(self) -> str | None:
        """The number by which the card schemes know it, or what it is about; None of what is not of a card."""
        if self.operation in OF_THE_BANK | OF_THE_STATEMENT or self.attempt_id is None:
            return None
        if self.operation in OF_A_CAPTURE:
            return statement_reference.acquirer_reference(channel_reference(self.attempt_id))
        own = self.operation in {ChannelOperation.CAPTURE, ChannelOperation.REFUND}
        about = None if own else self.original_reference
        return statement_reference.acquirer_reference(about or self.channel_reference)


def operation_of(transaction: ChannelTransaction) -> ChannelOperation:
    """Return what a statement calls the money that an attempt moves."""
    if transaction.action is Action.AUTHORIZE:
        return ChannelOperation.CAPTURE
    return ChannelOperation(transaction.action)


def first_line(transaction: ChannelTransaction) -> ChannelLine:
    """Write the first line of money that moved.

    Raises:
        InvariantError: No money moved.
    """
    if transaction.line_date is None or transaction.amount_minor is None or transaction.currency_code is None:
        raise InvariantError(f"{transaction.attempt_id} moved no money")
    return ChannelLine(
        line_id=named_id("lin", transaction.channel_reference),
        attempt_id=transaction.attempt_id,
        channel_reference=transaction.channel_reference,
        original_reference=transaction.authorization_reference if transaction.action is Action.REFUND else None,
        operation=operation_of(transaction),
        merchant_id=transaction.merchant_id,
        related_no=transaction.related_no,
        amount_minor=transaction.amount_minor,
        currency_code=transaction.currency_code,
        fee_minor=transaction.fee_minor + transaction.wrong_fee_minor,
        line_date=transaction.line_date,
        create_time=transaction.update_time,
    )


def later_line(
    transaction: ChannelTransaction,
    operation: ChannelOperation,
    *,
    reference: str,
    original_reference: str | None,
    amount_minor: int,
    fee_minor: int,
    now: datetime,
) -> ChannelLine:
    """Write a line about an attempt, as it is after the change.

    Raises:
        InvariantError: The attempt has no currency, so it moves nothing.
    """
    if transaction.currency_code is None:
        raise InvariantError(f"{transaction.attempt_id} moves no money")
    return ChannelLine(
        line_id=named_id("lin", reference, operation, str(transaction.version)),
        attempt_id=transaction.attempt_id,
        channel_reference=reference,
        original_reference=original_reference,
        operation=operation,
        merchant_id=transaction.merchant_id,
        related_no=transaction.related_no,
        amount_minor=amount_minor,
        currency_code=transaction.currency_code,
        fee_minor=fee_minor,
        line_date=now.date().isoformat(),
        create_time=now,
    )


def statement_line(transaction: ChannelTransaction) -> events.ChannelTransactionReported:
    """Report the first line of money that moved.

    Raises:
        InvariantError: No money moved.
    """
    return reported(first_line(transaction), version=transaction.version)


def reported(line: ChannelLine, *, version: int) -> events.ChannelTransactionReported:
    """Report a line, with the version of the attempt, dispute or statement that it came with."""
    return events.ChannelTransactionReported(
        occurred_at=line.create_time,
        merchant_id=line.merchant_id,
        aggregate_version=version,
        channel=CHANNEL,
        channel_reference=line.channel_reference,
        line_id=line.line_id,
        operation=line.operation,
        outcome=events.ChannelOutcome.SUCCEEDED,
        statement_id=statement_reference.statement_id(line.line_date, line.currency_code),
        related_no=line.related_no,
        original_channel_reference=line.original_reference,
        amount_minor=line.amount_minor,
        currency_code=line.currency_code,
        channel_fee_minor=line.fee_minor,
        line_date=line.line_date,
        attempt_id=line.attempt_id,
        settlement_amount_minor=line.amount_minor,
        settlement_currency_code=line.currency_code,
        exchange_rate=SAME_CURRENCY_RATE,
        value_date=line.value_date,
        payout_reference=line.payout_reference,
        acquirer_reference=line.acquirer_reference,
    )
