"""Archived months of the ledger: what goes into an archive, and what is known of it afterwards. Pure.

What later bookings look at stays in the journal: openings, endings and parts, everything that stands on an account in
transit, and what people decided. The bulk is archived: captures and refunds, and what took them back, each with what
its month needs of it. Source: docs/adr/0051.
"""

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

from paykit.errors import DomainError, Kind
from paystream.accounting.v1.events import Side
from services.accounting.domain import lifecycle
from services.accounting.domain.transaction import Transaction, conflict

ARCHIVED_TYPES = ("PaymentSuccess", "PaymentReversed", "RefundSuccess", "RefundReturned")
"""Types that no later booking looks at: none is a step of a lifecycle, put aside, awaited, or divided by funds."""

KEPT_KINDS = (*lifecycle.IN_TRANSIT, "merchant.receivable")
"""Kinds of account whose balances are explained transaction by transaction: what stands on one is not archived."""

RETENTION_MONTHS_MIN, RETENTION_MONTHS_MAX = 13, 1_200
"""Of the declared retention: a year and the month that is under way, at least."""

_MONTH = re.compile(r"(20|21)\d\d-(0[1-9]|1[0-2])")


class ArchiveRefusedError(Exception):
    """Months are not archived, or an archive is not what its manifest or the ledger says; the text says why."""


class MonthArchived(DomainError):
    """What is asked for lies among entries of a month that was archived, of which the sums are left."""

    kind = Kind.FAILED_PRECONDITION
    reason = "MONTH_ARCHIVED"


class ArchivedMonth(NamedTuple):
    """An archived month: year * 12 + month - 1, and the SHA-256 of its manifest, in hexadecimal digits."""

    month: int
    manifest_hash: str


@dataclass(frozen=True, slots=True)
class ArchivedTransaction:
    """What is known of a transaction whose row was archived; `digest` is its `content_digest`."""

    archived: ArchivedMonth
    digest: int


@dataclass(frozen=True, slots=True, order=True, kw_only=True)
class CarriedSum:
    """What the archived transactions of a month and type did to an account.

    Attributes:
        transactions: How many have lines on it.
        debit_minor: The sum of its debits.
        credit_minor: The sum of its credits.
        first_at: The earliest effective time.
        last_at: The latest.
    """

    account_id: str
    transaction_type: str
    currency_code: str
    transactions: int
    debit_minor: int
    credit_minor: int
    first_at: datetime
    last_at: datetime


def read_month(text: str) -> int:
    """Return the number of a month, as in 2024-03: year * 12 + month - 1.

    Raises:
        ArchiveRefusedError: It is no month from 2000-01 to 2199-12.
    """
    if _MONTH.fullmatch(text) is None:
        raise ArchiveRefusedError(f"{text!r} is no month: write YYYY-MM, from 2000-01 to 2199-12")
    year, month = map(int, text.split("-"))
    return year * 12 + month - 1


def month_name(month: int) -> str:
    """Write a month as YYYY-MM."""
    return f"{month // 12}-{month % 12 + 1:02d}"


def month_start(month: int) -> datetime:
    """Return the moment at which a month begins, in UTC."""
    return datetime(month // 12, month % 12 + 1, 1, tzinfo=UTC)


def month_at(moment: datetime) -> int:
    """Return the month of a moment, in UTC."""
    in_utc = moment.astimezone(UTC)
    return in_utc.year * 12 + in_utc.month - 1


def first_digits(month: int) -> str:
    """Return the least 32 digits of a UUIDv7 that was made in a month."""
    return f"{int(month_start(month).timestamp()) * 1_000:012x}" + "0" * 20


def require_retained(before: int, *, retention_months: int | None, now: datetime) -> None:
    """Accept the month before which all may be archived.

    Raises:
        ArchiveRefusedError: No retention is declared, or it has not ended for all of these months.
    """
    if retention_months is None:
        raise ArchiveRefusedError(
            "no retention is declared, so everything is kept: set PAYSTREAM_LEDGER_RETENTION_MONTHS first"
        )
    latest = month_at(now) - retention_months
    if before > latest:
        raise ArchiveRefusedError(
            f"--before {month_name(before)}: {retention_months} months are retained"
            f" (PAYSTREAM_LEDGER_RETENTION_MONTHS), so it may be {month_name(latest)} at the latest"
        )


def content_digest(transaction: Transaction) -> int:
    """Return a signed 64-bit hash of what `is_replay` compares of a dated transaction."""
    happened = transaction.occurred_at or transaction.effective_at
    content = (
        transaction.root_reference,
        transaction.merchant_id,
        transaction.amount_minor,
        transaction.currency_code,
        transaction.reason,
        happened.astimezone(UTC).isoformat(),
        [(entry.account_id, entry.side.value, entry.effect, entry.amount_minor) for entry in transaction.entries],
    )
    text = json.dumps(content, separators=(",", ":"))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big", signed=True)


def require_replay(known: ArchivedTransaction, asked: Transaction) -> None:
    """Accept what is asked for again, of which only the hash is left.

    Raises:
        TransactionConflict: It was booked with other content.
    """
    if content_digest(asked) != known.digest:
        raise conflict(asked)


def transaction_archived(transaction_id: str, archived: ArchivedMonth) -> MonthArchived:
    """Refuse to show a transaction whose row was archived."""
    name = month_name(archived.month)
    return MonthArchived(
        f"{transaction_id} is in the archive of {name}.",
        transaction_id=transaction_id,
        month=name,
        manifest_hash=archived.manifest_hash,
    )


def month_archived(archived: ArchivedMonth, *, last_at: datetime) -> MonthArchived:
    """Refuse what needs single entries of an archived month; what lies behind `last_at` can be asked for."""
    name, last = month_name(archived.month), last_at.astimezone(UTC).isoformat()
    return MonthArchived(
        f"It lies among entries that are in the archive of {name}; the last of them is of {last}.",
        month=name,
        manifest_hash=archived.manifest_hash,
        last_archived_time=last,
    )


class CarriedSums:
    """Adds up what transactions did, by account and type."""

    def __init__(self) -> None:
        self._sums: dict[tuple[str, str, str], list[int]] = {}
        self._times: dict[tuple[str, str, str], tuple[datetime, datetime]] = {}
        self.transactions = 0
        self.entries = 0

    def add(self, transaction: Transaction) -> None:
        """Add a transaction.

        Raises:
            ArchiveRefusedError: Its debits do not equal its credits.
        """
        self.transactions += 1
        self.entries += len(transaction.entries)
        at, excess = transaction.effective_at, 0
        touched = set()
        for entry in transaction.entries:
            key = (entry.account_id, transaction.transaction_type, entry.currency_code)
            sums = self._sums.setdefault(key, [0, 0, 0])
            credited = entry.side is Side.CREDIT
            sums[1 + credited] += entry.amount_minor
            excess += -entry.amount_minor if credited else entry.amount_minor
            touched.add(key)
        if excess or not touched:
            raise ArchiveRefusedError(f"{transaction.transaction_id}: debits exceed credits by {excess}")
        for key in touched:
            self._sums[key][0] += 1
            first, last = self._times.get(key, (at, at))
            self._times[key] = min(first, at), max(last, at)

    def result(self) -> tuple[CarriedSum, ...]:
        """Return the sums in their order."""
        return tuple(
            CarriedSum(
                account_id=key[0],
                transaction_type=key[1],
                currency_code=key[2],
                transactions=transactions,
                debit_minor=debits,
                credit_minor=credits_,
                first_at=self._times[key][0],
                last_at=self._times[key][1],
            )
            for key, (transactions, debits, credits_) in sorted(self._sums.items())
        )


def first_difference(one: Iterable[CarriedSum], other: Iterable[CarriedSum]) -> str | None:
    """Name the first sum that only one of two has; None where they are the same."""
    for each in sorted(set(one) ^ set(other)):
        return f"{each.transaction_type} on {each.account_id}"
    return None
