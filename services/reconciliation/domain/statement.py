"""Statements of channels and banks: one of a channel, a currency and a day. Pure."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from paykit.errors import DomainError, Kind
from paystream.reconciliation.v1.events import StatementSource


class StatementNotFound(DomainError):
    """No statement has this id."""

    kind = Kind.NOT_FOUND
    reason = "STATEMENT_NOT_FOUND"


class StatementState(StrEnum):
    """OPEN takes lines; CLOSED has all of them; RECONCILED has an outcome for each."""

    OPEN = "OPEN"
    CLOSED = "CLOSED"
    RECONCILED = "RECONCILED"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportedStatement:
    """A statement. Amounts are in minor units of its currency.

    Attributes:
        source: CHANNEL: its lines came by channel.events; FILE: of an imported file.
        reference: The channel's own name of it; None when it gives none.
        line_count: Lines on it, once it is closed.
        acquirer_net_minor: What the acquirer pays to the platform for it; None when it does not tell.
        statement_fee_minor: Sum of its lines FEE; None when it does not tell.
        file_id: The file that it is in; None of one from channel.events, as the two that follow.
        section: Its place in the file, from 0.
        account_last_four: Of the account that it is of.
        bank_reference: Under which the acquirer's payout stands on the bank's statement.
    """

    statement_id: str
    channel: str
    source: StatementSource
    currency_code: str
    statement_date: date
    reference: str | None = None
    state: StatementState = StatementState.OPEN
    line_count: int | None = None
    opening_balance_minor: int | None = None
    closing_balance_minor: int | None = None
    acquirer_net_minor: int | None = None
    statement_fee_minor: int | None = None
    bank_reference: str | None = None
    file_id: str | None = None
    section: int | None = None
    account_last_four: str | None = None
    correlation_id: str
    aggregate_version: int = 0
    create_time: datetime
    update_time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportedLine:
    """One movement of money as a statement tells it. Amounts are in minor units of the currency beside them.

    Attributes:
        line_no: Here, in the order in which lines came; 0 until it is kept.
        line_id: The channel's identity of it.
        operation: As of ChannelTransactionReported, as in CAPTURE.
        outcome: SUCCEEDED or FAILED.
        amount_minor: Gross, above 0; of FEE, ADJUSTMENT and PAYOUT_TO_PLATFORM either side of 0.
        channel_fee_minor: What the channel keeps of it; below 0 when it gives back.
        file_line_no: Line of its file that it begins on; None of one from channel.events.
    """

    line_no: int = 0
    statement_id: str
    channel: str
    line_id: str
    operation: str
    outcome: str
    amount_minor: int
    currency_code: str
    channel_fee_minor: int
    line_date: date
    value_date: date | None = None
    occurred_at: datetime | None = None
    related_no: str | None = None
    attempt_id: str | None = None
    channel_reference: str | None = None
    original_channel_reference: str | None = None
    settlement_amount_minor: int | None = None
    settlement_currency_code: str | None = None
    exchange_rate: str | None = None
    payout_reference: str | None = None
    acquirer_reference: str | None = None
    text: str | None = None
    file_line_no: int | None = None


def not_found(statement_id: str) -> StatementNotFound:
    """Refuse what is asked of a statement that is not there."""
    return StatementNotFound(f"There is no statement {statement_id}.", field="statement_id", statement_id=statement_id)
