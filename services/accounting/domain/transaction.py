"""Transactions of the ledger and the rules they obey: pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from paykit.cause import NO_CALL, CreatingCall
from paykit.errors import DomainError, InvariantError, Kind
from paystream.accounting.v1 import events
from paystream.accounting.v1.events import Direction, Entry, Side
from paystream.quick_init import quick_init
from services.accounting.domain.chart import AccountKind, Chart, account_id
from services.accounting.domain.transaction_key import transaction_id as transaction_id  # noqa: PLC0414 - part of this module

REVERSAL = "Reversal"
"""The type of transactions that reverse others; related_no is then the id of the one reversed."""

STRIPES = 6
"""Rows that one account's balance is spread over for each family of topics, by source partition: as many as a topic has
partitions, so that two consumers never meet on a row."""

CALLER_STRIPE = STRIPES
"""The row that API callers write, so that they never wait for a consumer."""

FIRST_STRIPES: Mapping[str, int] = {
    "payment.events": 0,
    "settlement.events": CALLER_STRIPE + 1,
    "withdrawal.events": CALLER_STRIPE + 1,
    "channel.events": CALLER_STRIPE + 1 + STRIPES,
    "reconciliation.events": CALLER_STRIPE + 1 + 2 * STRIPES,
}
"""Where the rows of a topic begin. Two topics may share rows if they book on different accounts without a floor; those
that book on the same ones must not: the consumers of the two could wait for each other in a circle."""

ENTRIES_MAX = 32
"""Of one transaction."""

FLOOR_STRIPE = 0
"""The one row of an account with a floor: its whole balance must be under one lock."""


class TransactionNotFound(DomainError):
    """No transaction has this id."""

    kind = Kind.NOT_FOUND
    reason = "TRANSACTION_NOT_FOUND"


class AccountNotFound(DomainError):
    """No account has this id."""

    kind = Kind.NOT_FOUND
    reason = "ACCOUNT_NOT_FOUND"


class TransactionConflict(DomainError):
    """The pair of transaction_type and related_no was booked with other content."""

    kind = Kind.ALREADY_EXISTS
    reason = "TRANSACTION_CONFLICT"


class InsufficientFunds(DomainError):
    """An account would fall below the floor of its kind."""

    kind = Kind.FAILED_PRECONDITION
    reason = "INSUFFICIENT_FUNDS"


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An account: one per kind, owner and currency. `merchant_id` is None for the platform's own.

    Attributes:
        normal_side: The side that increases it, as the chart says of its kind.
    """

    account_id: str
    account_kind: str
    merchant_id: str | None
    currency_code: str
    normal_side: Side
    create_time: datetime


@quick_init
@dataclass(frozen=True, slots=True, kw_only=True)
class Transaction:
    """A transaction, about to be booked or booked.

    Attributes:
        root_reference: What the journey began with, as a payment_id; the Kafka key of its events.
        merchant_id: The merchant concerned; None where no single one is.
        direction: Seen from the merchant; None between its own accounts or where no single one is concerned.
        amount_minor: The principal, 1..2^53-1; entries may be of other amounts, as the fee.
        effective_at: Balances include it from this time on.
        occurred_at: When it happened, where that lies in a period that is closed; None where it is effective then.
        create_time: When it was booked.
        entries: 2 to ENTRIES_MAX, all of currency_code, in the order of booking.
        actor: Who booked a manual journal or reversal, or approved a correction.
        reason: Why a manual journal, reversal or correction was booked.
        creating_call: Of these, kept so that the same call books nothing again.
        channel: The channel that the money moved by, while it is booked; None afterwards and where nothing says it.
        channel_reference: Its reference of the movement, as channel.
        fee_minor: The fee among the entries, below 0 where it is given back; 0 afterwards.
    """

    transaction_id: str
    transaction_type: str
    related_no: str
    root_reference: str
    merchant_id: str | None
    direction: Direction | None
    amount_minor: int
    currency_code: str
    effective_at: datetime
    create_time: datetime
    entries: tuple[Entry, ...] = ()
    reverses_transaction_id: str | None = None
    actor: str | None = None
    reason: str | None = None
    occurred_at: datetime | None = None
    creating_call: CreatingCall = NO_CALL
    channel: str | None = None
    channel_reference: str | None = None
    fee_minor: int = 0


def is_replay(booked: Transaction, asked: Transaction, *, dated: bool) -> bool:
    """Compare a booked transaction with what is asked for again.

    Args:
        booked: The transaction in the ledger.
        asked: The transaction of the same id that someone wants to book.
        dated: Whether who asks named the effective time; otherwise it is merely the time of asking.
    """
    return (
        booked.root_reference == asked.root_reference
        and booked.merchant_id == asked.merchant_id
        and booked.amount_minor == asked.amount_minor
        and booked.currency_code == asked.currency_code
        and booked.entries == asked.entries
        and booked.reason == asked.reason
        and (_happened(booked) == _happened(asked) or not dated)
    )


def _happened(transaction: Transaction) -> datetime:
    return transaction.occurred_at or transaction.effective_at


def conflict(booked: Transaction) -> TransactionConflict:
    """Refuse to book the same pair with other content."""
    return TransactionConflict(
        f"{booked.transaction_type} {booked.related_no} was booked before with other content.",
        transaction_id=booked.transaction_id,
        transaction_type=booked.transaction_type,
        related_no=booked.related_no,
    )


def not_found(transaction_id: str) -> TransactionNotFound:
    """Refuse an id that no transaction has."""
    message = f"There is no transaction {transaction_id}."
    return TransactionNotFound(message, field="transaction_id", transaction_id=transaction_id)


def account_not_found(account_id: str, *, field: str = "account_id") -> AccountNotFound:
    """Refuse an id that no account has."""
    return AccountNotFound(f"There is no account {account_id}.", field=field, account_id=account_id)


def spend(chart: Chart, transaction: Transaction, balances: Mapping[str, int]) -> dict[str, int]:
    """Return the balances that a transaction leaves on its accounts with a floor.

    Args:
        chart: The chart in use.
        transaction: About to be booked.
        balances: Present balances by account id; one that is missing is 0.

    Raises:
        InsufficientFunds: One of them would fall below its floor.
    """
    floored = [entry for entry in transaction.entries if entry.account_kind in chart.floors]
    remaining: dict[str, int] = {}
    for entry in floored:
        balance = remaining.get(entry.account_id, balances.get(entry.account_id, 0))
        remaining[entry.account_id] = balance + entry.effect * entry.amount_minor
    for entry in floored:
        floor, present = chart.floors[entry.account_kind], balances.get(entry.account_id, 0)
        if remaining[entry.account_id] < floor:
            available, requested = present - floor, present - remaining[entry.account_id]
            raise InsufficientFunds(
                f"{entry.account_kind} has {available} to spend, not {requested}.",
                account_id=entry.account_id,
                account_kind=entry.account_kind,
                available_minor=str(available),
                requested_minor=str(requested),
            )
    return remaining


def created_event(transaction: Transaction, *, chart_name: str) -> events.TransactionCreated:
    """Tell that a transaction was booked now, by a chart."""
    return events.TransactionCreated(
        occurred_at=_happened(transaction),
        merchant_id=transaction.merchant_id,
        actor=transaction.actor,
        aggregate_version=1,
        transaction_id=transaction.transaction_id,
        transaction_type=transaction.transaction_type,
        related_no=transaction.related_no,
        root_reference=transaction.root_reference,
        direction=transaction.direction,
        amount_minor=transaction.amount_minor,
        currency_code=transaction.currency_code,
        effective_at=transaction.effective_at,
        reverses_transaction_id=transaction.reverses_transaction_id,
        entries=transaction.entries,
        channel=transaction.channel,
        channel_reference=transaction.channel_reference,
        fee_minor=transaction.fee_minor,
        chart_name=chart_name,
        reason=transaction.reason,
    )


def opened(chart: Chart, transaction: Transaction, account: str, *, now: datetime) -> Account:
    """Make the account that a transaction needs, opened now."""
    entry = _entry_of(transaction, account)
    return Account(
        account_id=account,
        account_kind=entry.account_kind,
        merchant_id=entry.merchant_id,
        currency_code=entry.currency_code,
        normal_side=chart.kinds[entry.account_kind].normal_side,
        create_time=now,
    )


def opened_event(account: Account) -> events.AccountCreated:
    """Tell that an account was opened."""
    return events.AccountCreated(
        occurred_at=account.create_time,
        merchant_id=account.merchant_id,
        aggregate_version=1,
        account_id=account.account_id,
        account_kind=account.account_kind,
        currency_code=account.currency_code,
        normal_side=account.normal_side,
    )


def make_entry(account: AccountKind, merchant_id: str | None, currency_code: str, side: Side, amount: int) -> Entry:
    """Make an entry on the account of a kind, owner and currency."""
    return Entry(
        account_id=account_id(account, merchant_id, currency_code),
        account_kind=account.name,
        merchant_id=merchant_id,
        side=side,
        effect=account.effect(side),
        amount_minor=amount,
        currency_code=currency_code,
    )


def _entry_of(transaction: Transaction, account: str) -> Entry:
    for entry in transaction.entries:
        if entry.account_id == account:
            return entry
    raise InvariantError(f"{transaction.transaction_id} has no entry on {account}")
