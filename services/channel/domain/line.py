"""Lines of statements: the first of an attempt's money, and those of what changed after it. Pure."""

from dataclasses import dataclass
from datetime import datetime

from paykit.errors import InvariantError
from paykit.ids import named_id
from paystream.channel.v1 import events
from services.channel.domain.transaction import CHANNEL, Action, ChannelTransaction


@dataclass(frozen=True, slots=True, kw_only=True)
class LaterLine:
    """A line of money that moved after an attempt's first line: back, again, or a second time.

    Attributes:
        channel_reference: Of the movement; one of its own where money goes the other way.
        original_reference: Of what a refund or a movement back is about; None for others.
        line_date: YYYY-MM-DD in UTC.
    """

    line_id: str
    attempt_id: str
    channel_reference: str
    original_reference: str | None
    operation: events.ChannelOperation
    merchant_id: str | None
    related_no: str | None
    amount_minor: int
    currency_code: str
    fee_minor: int
    line_date: str
    create_time: datetime


def operation_of(transaction: ChannelTransaction) -> events.ChannelOperation:
    """Return what a statement calls the money that an attempt moves."""
    if transaction.action is Action.AUTHORIZE:
        return events.ChannelOperation.CAPTURE
    return events.ChannelOperation(transaction.action)


def later_line(
    transaction: ChannelTransaction,
    operation: events.ChannelOperation,
    *,
    reference: str,
    original_reference: str | None,
    amount_minor: int,
    fee_minor: int,
    now: datetime,
) -> LaterLine:
    """Write a line about an attempt, as it is after the change.

    Raises:
        InvariantError: The attempt has no currency, so it moves nothing.
    """
    if transaction.currency_code is None:
        raise InvariantError(f"{transaction.attempt_id} moves no money")
    return LaterLine(
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
    """Tell the first line of money that moved.

    Raises:
        InvariantError: No money moved.
    """
    if transaction.line_date is None or transaction.amount_minor is None or transaction.currency_code is None:
        raise InvariantError(f"{transaction.attempt_id} moved no money")
    return events.ChannelTransactionReported(
        occurred_at=transaction.update_time,
        merchant_id=transaction.merchant_id,
        aggregate_version=transaction.version,
        channel=CHANNEL,
        channel_reference=transaction.channel_reference,
        line_id=named_id("lin", transaction.channel_reference),
        operation=operation_of(transaction),
        outcome=events.ChannelOutcome.SUCCEEDED,
        statement_id=None,
        related_no=transaction.related_no,
        original_channel_reference=transaction.authorization_reference if transaction.action is Action.REFUND else None,
        amount_minor=transaction.amount_minor,
        currency_code=transaction.currency_code,
        channel_fee_minor=transaction.fee_minor + transaction.wrong_fee_minor,
        line_date=transaction.line_date,
    )


def later_statement_line(line: LaterLine, *, version: int) -> events.ChannelTransactionReported:
    """Tell a later line, with the version of the attempt that it came with."""
    return events.ChannelTransactionReported(
        occurred_at=line.create_time,
        merchant_id=line.merchant_id,
        aggregate_version=version,
        channel=CHANNEL,
        channel_reference=line.channel_reference,
        line_id=line.line_id,
        operation=line.operation,
        outcome=events.ChannelOutcome.SUCCEEDED,
        statement_id=None,
        related_no=line.related_no,
        original_channel_reference=line.original_reference,
        amount_minor=line.amount_minor,
        currency_code=line.currency_code,
        channel_fee_minor=line.fee_minor,
        line_date=line.line_date,
    )
