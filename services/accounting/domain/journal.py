"""Manual journals and reversals: what callers may book, and what they may not. Pure."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from paykit.cause import NO_CALL, Cause, CreatingCall
from paykit.errors import DomainError, FieldInvalid, Kind
from paykit.merchants.standing import MerchantUnknown
from paykit.money import AMOUNT_MINOR_MAX, require_known_currency
from paystream.accounting.v1.events import Direction, Entry, Side
from paystream.quick_init import quick_init
from services.accounting.domain import lifecycle
from services.accounting.domain import transaction as transactions
from services.accounting.domain.booked_event import BOOKED_TYPES
from services.accounting.domain.chart import AccountKind, Chart
from services.accounting.domain.transaction import Account, Transaction

EVENT_OWNED_PREFIXES = (
    "Payment",
    "Refund",
    "Dispute",
    "Settlement",
    "Reserve",
    "Withdrawal",
    "Channel",
    "LateCapture",
    "Balance",
    transactions.REVERSAL,
)
"""Transaction types that begin so belong to the events of these aggregates, also those not booked yet."""

TWO_PEOPLE_PREFIXES = ("Correction", "WriteOff")
"""Types that begin so are booked by two people alone: they correct what events booked, or give up what is owed."""

TWO_PEOPLE_KINDS = frozenset({"suspense", "merchant.receivable", "platform.losses"})
"""What is unclear or owed: only two people move it, whatever the amount."""

IN_TRANSIT_KINDS = frozenset(lifecycle.IN_TRANSIT) - TWO_PEOPLE_KINDS
"""What waits for an event to end it: a journal would take away what that event is going to take."""


class TransactionTypeReserved(DomainError):
    """The transaction type belongs to an event: only that event books it."""

    kind = Kind.INVALID_ARGUMENT
    reason = "TRANSACTION_TYPE_RESERVED"


class AccountKindInTransit(DomainError):
    """What is on accounts of this kind waits for an event: no journal moves it."""

    kind = Kind.INVALID_ARGUMENT
    reason = "ACCOUNT_KIND_IN_TRANSIT"


class JournalNeedsApproval(DomainError):
    """One person may not book it alone: propose it, and have another approve it."""

    kind = Kind.FAILED_PRECONDITION
    reason = "JOURNAL_NEEDS_APPROVAL"


class EntriesUnbalanced(DomainError):
    """The debits of the journal do not equal its credits."""

    kind = Kind.INVALID_ARGUMENT
    reason = "ENTRIES_UNBALANCED"


class AccountKindUnknown(DomainError):
    """The chart in use has no such kind, or the kind and the owner do not go together."""

    kind = Kind.INVALID_ARGUMENT
    reason = "ACCOUNT_KIND_UNKNOWN"


class AccountCurrencyMismatch(DomainError):
    """The account is of another currency than the journal."""

    kind = Kind.INVALID_ARGUMENT
    reason = "ACCOUNT_CURRENCY_MISMATCH"


class TransactionAlreadyReversed(DomainError):
    """The transaction was reversed before."""

    kind = Kind.FAILED_PRECONDITION
    reason = "TRANSACTION_ALREADY_REVERSED"


class TransactionNotReversible(DomainError):
    """The transaction belongs to an event: only an event takes it back, or a correction of a type of its own."""

    kind = Kind.FAILED_PRECONDITION
    reason = "TRANSACTION_NOT_REVERSIBLE"


class ReversalNotReversible(DomainError):
    """The transaction is itself a reversal."""

    kind = Kind.FAILED_PRECONDITION
    reason = "REVERSAL_NOT_REVERSIBLE"


@quick_init
@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """One entry as a caller names it: by account_id, or by account_kind and the owner's merchant_id."""

    side: Side
    amount_minor: int
    account_id: str | None = None
    account_kind: str | None = None
    merchant_id: str | None = None


@quick_init
@dataclass(frozen=True, slots=True, kw_only=True)
class Journal:
    """A manual journal as asked for.

    Attributes:
        effective_at: None for now.
        alone_limit_minor: What one person may book in 24 hours in this currency; None where two have decided.
    """

    transaction_type: str
    related_no: str
    currency_code: str
    legs: tuple[Leg, ...]
    reason: str
    effective_at: datetime | None
    cause: Cause
    alone_limit_minor: int | None = None
    creating_call: CreatingCall = NO_CALL


@dataclass(frozen=True, slots=True, kw_only=True)
class Reversal:
    """A reversal as asked for; `effective_at` is None for now, and limits hold by currency, as those of a journal."""

    transaction_id: str
    reason: str
    effective_at: datetime | None
    cause: Cause
    alone_limits: Mapping[str, int] | None = None
    creating_call: CreatingCall = NO_CALL


def book(
    chart: Chart, journal: Journal, *, accounts: Mapping[str, Account], merchants: Collection[str], now: datetime
) -> Transaction:
    """Make the transaction of a journal.

    Args:
        chart: The chart in use.
        journal: What is asked for.
        accounts: Those named in it that there are, by id.
        merchants: Those named in it that have an account.
        now: Business time.

    Raises:
        DomainError: It may not be booked, for one of the reasons above.
    """
    _check(journal, now)
    entries = []
    for position, leg in enumerate(journal.legs):
        field = f"entries[{position}]"
        if leg.account_id is None:
            owner = _named_by_kind(chart, leg, field, merchants)
        else:
            owner = _named_by_id(chart, leg.account_id, journal.currency_code, f"{field}.account_id", accounts)
        _refuse_in_transit(owner[0], field)
        entries.append(transactions.make_entry(*owner, journal.currency_code, leg.side, leg.amount_minor))
    owners = {entry.merchant_id for entry in entries if entry.merchant_id is not None}
    merchant_id = owners.pop() if len(owners) == 1 else None
    return Transaction(
        transaction_id=transactions.transaction_id(journal.transaction_type, journal.related_no),
        transaction_type=journal.transaction_type,
        related_no=journal.related_no,
        root_reference=journal.related_no,
        merchant_id=merchant_id,
        direction=None if merchant_id is None else chart.direction_of(entries),
        amount_minor=sum(leg.amount_minor for leg in journal.legs if leg.side is Side.DEBIT),
        currency_code=journal.currency_code,
        effective_at=journal.effective_at or now,
        create_time=now,
        entries=tuple(entries),
        actor=journal.cause.actor,
        reason=journal.reason,
        creating_call=journal.creating_call,
    )


def reverse(original: Transaction, reversal: Reversal, *, now: datetime) -> Transaction:
    """Make the transaction that takes back another one: the same entries with sides and effects turned over.

    Raises:
        ReversalNotReversible, TransactionNotReversible: The transaction is a reversal, or an event booked it.
        FieldInvalid: The reversal is dated before the transaction, or ahead of now.
    """
    effective_at = reversal.effective_at or now
    if original.transaction_type == transactions.REVERSAL:
        raise ReversalNotReversible("A reversal cannot be reversed.", transaction_id=original.transaction_id)
    if original.transaction_type in BOOKED_TYPES:
        raise TransactionNotReversible(
            f"{original.transaction_type} belongs to an event: what follows takes it back, or a correction.",
            transaction_id=original.transaction_id,
            transaction_type=original.transaction_type,
        )
    if not original.effective_at <= effective_at <= now:
        message = "effective_time must be neither before the transaction's own nor ahead of now."
        raise FieldInvalid(message, field="effective_time")
    return replace(
        original,
        transaction_id=transactions.transaction_id(transactions.REVERSAL, original.transaction_id),
        transaction_type=transactions.REVERSAL,
        related_no=original.transaction_id,
        direction=_OPPOSITE[original.direction],
        effective_at=effective_at,
        create_time=now,
        entries=tuple(_turned_over(entry) for entry in original.entries),
        reverses_transaction_id=original.transaction_id,
        actor=reversal.cause.actor,
        reason=reversal.reason,
        creating_call=reversal.creating_call,
    )


def require_alone(transaction: Transaction, *, limit_minor: int, booked_minor: int) -> None:
    """Accept what one person books alone, having booked that much within 24 hours.

    Raises:
        JournalNeedsApproval: It needs two people, by its type, its accounts or its amount.
    """
    by_type = transaction.transaction_type.startswith(TWO_PEOPLE_PREFIXES)
    if by_type or any(entry.account_kind in TWO_PEOPLE_KINDS for entry in transaction.entries):
        message = "What corrects events, is owed or is unclear takes two people: propose it, and have another approve."
        raise JournalNeedsApproval(message, transaction_type=transaction.transaction_type)
    if booked_minor + transaction.amount_minor > limit_minor:
        raise JournalNeedsApproval(
            f"{booked_minor} were booked alone within 24 hours, {transaction.amount_minor} more exceed {limit_minor}.",
            limit_minor=str(limit_minor),
            booked_minor=str(booked_minor),
            amount_minor=str(transaction.amount_minor),
        )


def already_reversed(transaction_id: str) -> TransactionAlreadyReversed:
    """Refuse a second reversal."""
    return TransactionAlreadyReversed(f"{transaction_id} was reversed before.", transaction_id=transaction_id)


_OPPOSITE = {None: None, Direction.CREDIT: Direction.DEBIT, Direction.DEBIT: Direction.CREDIT}


def _check(journal: Journal, now: datetime) -> None:
    debits = sum(leg.amount_minor for leg in journal.legs if leg.side is Side.DEBIT)
    credits_ = sum(leg.amount_minor for leg in journal.legs if leg.side is Side.CREDIT)
    if journal.transaction_type in BOOKED_TYPES or journal.transaction_type.startswith(EVENT_OWNED_PREFIXES):
        message = f"{journal.transaction_type} belongs to an event; manual journals need a type of their own."
        raise TransactionTypeReserved(message, field="transaction_type", transaction_type=journal.transaction_type)
    require_known_currency(journal.currency_code)
    if debits != credits_:
        message = f"Debits are {debits}, credits {credits_}."
        raise EntriesUnbalanced(message, field="entries", debit_minor=str(debits), credit_minor=str(credits_))
    if debits > AMOUNT_MINOR_MAX:
        raise FieldInvalid("The sum of the debits exceeds 2^53 - 1.", field="entries")
    if journal.effective_at is not None and journal.effective_at > now:
        raise FieldInvalid("effective_time must not be ahead of now.", field="effective_time")


def _named_by_id(
    chart: Chart, account_id: str, currency_code: str, field: str, accounts: Mapping[str, Account]
) -> tuple[AccountKind, str | None]:
    account = accounts.get(account_id)
    if account is None:
        raise transactions.account_not_found(account_id, field=field)
    if account.currency_code != currency_code:
        message = f"{account_id} is in {account.currency_code}, the journal in {currency_code}."
        raise AccountCurrencyMismatch(message, field=field, account_id=account_id)
    return chart.kinds[account.account_kind], account.merchant_id


def _named_by_kind(chart: Chart, leg: Leg, field: str, merchants: Collection[str]) -> tuple[AccountKind, str | None]:
    kind = chart.kinds.get(leg.account_kind or "")
    if kind is None:
        message = f"The chart {chart.name} has no kind {leg.account_kind!r}."
        raise AccountKindUnknown(message, field=f"{field}.account_key.account_kind")
    if kind.per_merchant is (leg.merchant_id is None):
        message = f"{kind.name} needs a merchant." if kind.per_merchant else f"{kind.name} belongs to no merchant."
        raise AccountKindUnknown(message, field=f"{field}.account_key.merchant_id")
    if leg.merchant_id is not None and leg.merchant_id not in merchants:
        message = f"The ledger has no account of {leg.merchant_id}."
        raise MerchantUnknown(message, field=f"{field}.account_key.merchant_id", merchant_id=leg.merchant_id)
    return kind, leg.merchant_id


def _refuse_in_transit(kind: AccountKind, field: str) -> None:
    if kind.name in IN_TRANSIT_KINDS:
        message = f"What is on {kind.name} waits for an event, and no journal moves it."
        raise AccountKindInTransit(message, field=field, account_kind=kind.name)


def _turned_over(entry: Entry) -> Entry:
    side = Side.CREDIT if entry.side is Side.DEBIT else Side.DEBIT
    return replace(entry, side=side, effect=-entry.effect)
