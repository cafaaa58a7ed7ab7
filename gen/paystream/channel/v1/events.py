"""Events of paystream.channel.v1, one class per Avro record: generated from schemas/avro by scripts/gen_events.py."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from paystream.avro_record import AvroRecord


class ChannelOperation(StrEnum):
    """AUTHORIZE, CAPTURE, CANCEL: of a payment. REFUND: to the payer. PAY: a payout to a merchant's bank account.
    DISPUTE: taken back by the payer's bank. DISPUTE_REVERSED: given again after a dispute was won. RETURN: a payout
    that came back, whole or in part. CAPTURE_REVERSED: a capture that bounced. REFUND_RETURNED: a refund that came
    back. FEE: of the statement, not of one movement. ADJUSTMENT: a correction by the channel. PAYOUT_TO_PLATFORM: what
    the acquirer pays to the platform's bank account. UNKNOWN: newer than the reader's schema.
    """

    UNKNOWN = "UNKNOWN"
    AUTHORIZE = "AUTHORIZE"
    CAPTURE = "CAPTURE"
    CANCEL = "CANCEL"
    REFUND = "REFUND"
    PAY = "PAY"
    DISPUTE = "DISPUTE"
    DISPUTE_REVERSED = "DISPUTE_REVERSED"
    RETURN = "RETURN"
    CAPTURE_REVERSED = "CAPTURE_REVERSED"
    REFUND_RETURNED = "REFUND_RETURNED"
    FEE = "FEE"
    ADJUSTMENT = "ADJUSTMENT"
    PAYOUT_TO_PLATFORM = "PAYOUT_TO_PLATFORM"


class ChannelOutcome(StrEnum):
    """How the channel says it ended. UNKNOWN: newer than the reader's schema."""

    UNKNOWN = "UNKNOWN"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelStatementClosed(AvroRecord):
    """A channel closed a statement of one currency: no line is added to it any more.

    Attributes:
        event_id: Identity of this event: evt_ and a UUIDv7 in 32 hexadecimal digits. The same in every redelivery:
            de-duplicate by it.
        occurred_at: Effective (business) time of what happened, UTC, microseconds.
        recorded_at: When the producer recorded it, UTC, microseconds; not before occurred_at unless the fact was dated
            ahead.
        merchant_id: The merchant concerned: mer_ and a UUIDv7; null where no single merchant is.
        correlation_id: The journey: the same from the first request to the last event it led to.
        causation_id: The request id or event id that directly led to this event; null when none did.
        actor: Name of the authenticated caller or operator who asked; null when paystream acted by itself. Never a
            payer.
        aggregate_version: Version of the aggregate after this event, from 1, +1 with every change of the aggregate.
        statement_id: The statement: stm_ and a UUIDv7. The Kafka key of this event.
        channel: Name of the channel adapter, as in simulator.
        currency_code: ISO 4217 code in upper case, three letters.
        statement_date: Date of the statement, YYYY-MM-DD, in the channel's time zone.
        line_count: Number of lines, 0 or more; from version 4 on FEE and PAYOUT_TO_PLATFORM are among them.
        captured_minor: Sum of successful captures, in minor units of currency_code, 0..2^53-1.
        refunded_minor: Sum of successful refunds, in minor units of currency_code, 0..2^53-1.
        paid_minor: Sum of successful payouts, in minor units of currency_code, 0..2^53-1.
        channel_fee_minor: Sum of what the channel kept, that of lines and statement_fee_minor, in minor units of
            currency_code, -(2^53-1)..2^53-1.
        net_minor: What the channel pays out to the platform, captured_minor - refunded_minor - disputed_minor -
            paid_minor + returned_minor - channel_fee_minor, in minor units of currency_code; negative when the platform
            owes the channel.
        disputed_minor: Sum of what payers' banks held back in disputes, less what they gave again after disputes were
            won, in minor units of currency_code, -(2^53-1)..2^53-1.
        returned_minor: Sum of payouts that came back, in minor units of currency_code, 0..2^53-1.
        dispute_won_minor: Part of disputed_minor's sum that payers' banks gave again, in minor units of currency_code,
            0..2^53-1.
        reversed_minor: Sum of captures that bounced, in minor units of currency_code, 0..2^53-1.
        refund_returned_minor: Sum of refunds that came back, in minor units of currency_code, 0..2^53-1.
        acquirer_net_minor: What the acquirer pays to the platform's bank account: captured_minor - reversed_minor -
            refunded_minor + refund_returned_minor - disputed_minor - channel_fee_minor, in minor units of
            currency_code.
        bank_net_minor: What payouts did to the platform's bank account: returned_minor - paid_minor, in minor units of
            currency_code.
        opening_balance_minor: What was on the platform's bank account before the statement, in minor units of
            currency_code, negative when it was overdrawn; null when the channel does not tell.
        closing_balance_minor: What is on the platform's bank account after the statement, opening_balance_minor +
            net_minor, in minor units of currency_code; null when the channel does not tell.
        value_date: Date from which acquirer_net_minor counts at the platform's bank account, YYYY-MM-DD, in the
            channel's time zone; null when the channel does not tell.
        bank_reference: The bank's reference of the transfer of acquirer_net_minor; null when nothing was transferred,
            and when the channel does not tell.
        statement_fee_minor: Part of channel_fee_minor that is of no line but FEE, in minor units of currency_code,
            -(2^53-1)..2^53-1.
        acquirer_line_count: Number of the acquirer's lines, FEE and PAYOUT_TO_PLATFORM among them, 0 or more.
        bank_line_count: Number of the bank's lines, payouts and their returns, 0 or more.
    """

    RECORD: ClassVar[str] = "paystream.channel.v1.ChannelStatementClosed"
    TOPIC: ClassVar[str] = "channel.events"
    VERSION: ClassVar[int] = 4
    KEY: ClassVar[str] = "statement_id"

    event_id: str = ""
    occurred_at: datetime
    recorded_at: datetime | None = None
    merchant_id: str | None
    correlation_id: str = ""
    causation_id: str | None = None
    actor: str | None = None
    aggregate_version: int
    statement_id: str
    channel: str
    currency_code: str
    statement_date: str
    line_count: int
    captured_minor: int
    refunded_minor: int
    paid_minor: int
    channel_fee_minor: int
    net_minor: int
    disputed_minor: int
    returned_minor: int
    dispute_won_minor: int
    reversed_minor: int
    refund_returned_minor: int
    acquirer_net_minor: int
    bank_net_minor: int
    opening_balance_minor: int | None
    closing_balance_minor: int | None
    value_date: str | None
    bank_reference: str | None
    statement_fee_minor: int
    acquirer_line_count: int
    bank_line_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelTransactionReported(AvroRecord):
    """A channel reports one line of its statement.

    Attributes:
        event_id: Identity of this event: evt_ and a UUIDv7 in 32 hexadecimal digits. The same in every redelivery:
            de-duplicate by it.
        occurred_at: Effective (business) time of what happened, UTC, microseconds.
        recorded_at: When the producer recorded it, UTC, microseconds; not before occurred_at unless the fact was dated
            ahead.
        merchant_id: The merchant concerned: mer_ and a UUIDv7; null where no single merchant is.
        correlation_id: The journey: the same from the first request to the last event it led to.
        causation_id: The request id or event id that directly led to this event; null when none did.
        actor: Name of the authenticated caller or operator who asked; null when paystream acted by itself. Never a
            payer.
        aggregate_version: Version of the aggregate after this event, from 1, +1 with every change of the aggregate.
        channel: Name of the channel adapter, as in simulator.
        channel_reference: The channel's reference of the operation. The Kafka key.
        line_id: The channel's identity of the line: a second event with the same channel and line_id is a duplicate of
            the first.
        statement_id: The statement the line belongs to, that of its channel, currency_code and line_date: stm_ and 32
            hexadecimal digits; null when it is not on one yet, as in versions before 4.
        operation: What was done.
        outcome: How it ended.
        related_no: paystream's reference as sent to the channel: a capture_id, payment_id, refund_id or withdrawal_id;
            null when the channel does not tell.
        original_channel_reference: For a refund or cancel, the channel's reference of what it undoes; null otherwise or
            when the channel does not tell.
        amount_minor: Gross amount, in minor units of currency_code (JPY 0, USD 2, BHD 3 decimals), 1..2^53-1. Of FEE,
            ADJUSTMENT and PAYOUT_TO_PLATFORM -(2^53-1)..2^53-1, never 0: a FEE below 0 is given back, an ADJUSTMENT
            below 0 is to the platform's disadvantage, a PAYOUT_TO_PLATFORM below 0 is taken from the platform's bank
            account.
        currency_code: ISO 4217 code in upper case, three letters.
        channel_fee_minor: What the channel keeps for it, in minor units of currency_code, -(2^53-1)..2^53-1; negative
            when it gives a fee back.
        line_date: Booking date on the statement, YYYY-MM-DD, in the channel's time zone.
        attempt_id: paystream's attempt that the money moved by, as sent to the channel; null when the channel does not
            tell, and of what no attempt moved.
        settlement_amount_minor: amount_minor in the currency that the channel settles in, amount_minor times
            exchange_rate, before channel_fee_minor, in minor units of settlement_currency_code; null when the channel
            does not tell.
        settlement_currency_code: The currency that the channel settles in: ISO 4217 code in upper case, three letters;
            null when the channel does not tell.
        exchange_rate: Units of settlement_currency_code for one unit of currency_code, a decimal number with a point
            and no exponent, at most 32 characters, 1 where both are the same; null when the channel does not tell.
        value_date: Date from which the money counts at the platform's bank account, YYYY-MM-DD, in the channel's time
            zone; null when the channel does not tell.
        payout_reference: The acquirer's reference of the PAYOUT_TO_PLATFORM that the money is part of, which is the
            channel_reference of that line; null of what the bank moved and when the channel does not tell.
        acquirer_reference: The reference number that the card schemes know the movement by (ARN), 23 digits; of a
            dispute and of what is reversed, that of the capture or refund concerned; null of what is not of a card, and
            when the channel does not tell.
    """

    RECORD: ClassVar[str] = "paystream.channel.v1.ChannelTransactionReported"
    TOPIC: ClassVar[str] = "channel.events"
    VERSION: ClassVar[int] = 4
    KEY: ClassVar[str] = "channel_reference"

    event_id: str = ""
    occurred_at: datetime
    recorded_at: datetime | None = None
    merchant_id: str | None
    correlation_id: str = ""
    causation_id: str | None = None
    actor: str | None = None
    aggregate_version: int
    channel: str
    channel_reference: str
    line_id: str
    statement_id: str | None
    operation: ChannelOperation
    outcome: ChannelOutcome
    related_no: str | None
    original_channel_reference: str | None
    amount_minor: int
    currency_code: str
    channel_fee_minor: int
    line_date: str
    attempt_id: str | None
    settlement_amount_minor: int | None
    settlement_currency_code: str | None
    exchange_rate: str | None
    value_date: str | None
    payout_reference: str | None
    acquirer_reference: str | None


EVENTS = (
    ChannelStatementClosed,
    ChannelTransactionReported,
)
