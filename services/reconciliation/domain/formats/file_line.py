"""What is read of a statement file: lines, and the statements that they stand on."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple


class FileLine(NamedTuple):
    """One movement of money as a file tells it; a tuple, since a file has a million.

    Attributes:
        section: Which statement of the file it stands on, from 0.
        line_no: Line of the file that it begins on, from 1.
        line_id: The channel's identity of the line; None when the file gives none.
        operation: As of ChannelTransactionReported.
        outcome: SUCCEEDED or FAILED.
        amount_minor: Gross, in minor units of currency_code, above 0; of FEE, ADJUSTMENT and PAYOUT_TO_PLATFORM either
            side of 0, as of ChannelTransactionReported.
        channel_fee_minor: What the channel keeps for it, in minor units of currency_code; below 0 when it gives back.
        line_date: Booking date, in the channel's zone.
        occurred_at: The moment, in UTC, when the file tells the time of day.
        exchange_rate: As the file writes it, a decimal number with a point.
        text: What people wrote.
    """

    section: int
    line_no: int
    line_id: str | None
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


@dataclass(frozen=True, slots=True, kw_only=True)
class FileStatement:
    """One statement of a file, given after its last line.

    Attributes:
        section: Which one of the file, from 0.
        reference: The channel's own name of it; None when the file gives none.
        account: The account that it is of, the last four characters; None when the file names none.
        currency_code: The one currency of its lines.
        statement_date: Day of its closing balance, or of its last line.
        line_count: Lines on it.
        opening_balance_minor: Before its first line, in minor units; None when the file tells none.
        closing_balance_minor: After its last line, in minor units; None when the file tells none.
    """

    section: int
    reference: str | None
    account: str | None
    currency_code: str
    statement_date: date
    line_count: int
    opening_balance_minor: int | None = None
    closing_balance_minor: int | None = None


Reading = FileLine | FileStatement
"""What readers yield, in the order of the file."""
