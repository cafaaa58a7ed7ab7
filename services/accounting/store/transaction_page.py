"""The statements that read a page of transactions: of the journal and the former table, along their indexes."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from paykit.paging import TimeKey
from paykit.postgres.lists.walk import EXAMINED_ROWS_MAX
from services.accounting.domain import transaction_key
from services.accounting.domain.booked_event import BOOKED_TYPES
from services.accounting.domain.transaction import REVERSAL, transaction_id

# A merchant's transactions are found by those of its accounts that are their main one, or by its own id where none is.
_OF_MERCHANT = """
SELECT {columns} FROM account AS own CROSS JOIN LATERAL (
    SELECT * FROM journal_transaction
    WHERE main_no = own.account_no AND merchant_text IS NULL AND {condition} {order}
) AS "transaction" WHERE own.merchant_id = {merchant}
UNION ALL
(SELECT {columns} FROM journal_transaction AS "transaction" WHERE merchant_text = {merchant} AND {condition} {order})
UNION ALL
(SELECT {columns} FROM former_transaction AS "transaction" WHERE merchant_id = {merchant} AND {former} {order})
"""

_OF_ALL = """
(SELECT {columns} FROM journal_transaction AS "transaction" WHERE {condition} {order})
UNION ALL
(SELECT {columns} FROM former_transaction AS "transaction" WHERE {former} {order})
"""

_ORDER = "ORDER BY effective_at DESC, transaction_id DESC LIMIT {limit}"


@dataclass(frozen=True, slots=True, kw_only=True)
class TransactionFilter:
    """Which transactions to list; None does not filter.

    Attributes:
        start: Effective from then on.
        end: Effective before then.
        transaction_type: Asked of each row that is walked by, as what follows.
        amount_minor_min, amount_minor_max: In minor units; both belong to the range.
    """

    merchant_id: str | None = None
    root_reference: str | None = None
    related_no: str | None = None
    start: datetime | None = None
    end: datetime | None = None
    transaction_type: str | None = None
    currency_code: str | None = None
    amount_minor_min: int | None = None
    amount_minor_max: int | None = None


def page_statement(
    columns: str, selection: TransactionFilter, *, after: TimeKey | None, limit: int
) -> tuple[str, list[Any]]:
    """Return the statement of a page and its arguments: of the rows that are walked by, those that are asked for.

    Where something is asked of each row, EXAMINED_ROWS_MAX are looked at.
    """
    asked = asked_of_rows(selection)
    walked, conditions = _walked(columns, selection, after=after, limit=EXAMINED_ROWS_MAX if asked else limit)
    if not asked:
        return f"SELECT * {walked}", conditions.arguments
    both = " AND ".join(condition.format(conditions.argument(value)) for condition, value in asked)
    order = _ORDER.format(limit=conditions.argument(limit))
    return f"SELECT * FROM (SELECT * {walked}) AS looked_at WHERE {both} {order}", conditions.arguments


def bound_statement(columns: str, selection: TransactionFilter, *, after: TimeKey | None) -> tuple[str, list[Any]]:
    """Return the statement that reads the time and the id of the last row that was looked at, if the bound was met."""
    walked, conditions = _walked(columns, selection, after=after, limit=EXAMINED_ROWS_MAX)
    return f"SELECT effective_at, transaction_id {walked} OFFSET {EXAMINED_ROWS_MAX - 1}", conditions.arguments


def asked_of_rows(selection: TransactionFilter) -> list[tuple[str, Any]]:
    """Return what is asked of each row that is walked by."""
    conditions = (
        ("transaction_type = {}", selection.transaction_type),
        ("currency_code = {}", selection.currency_code),
        ("amount_minor >= {}::bigint", selection.amount_minor_min),
        ("amount_minor <= {}::bigint", selection.amount_minor_max),
    )
    return [condition for condition in conditions if condition[1] is not None]


def keys_and_months(ids: Iterable[str]) -> tuple[list[str], list[int]]:
    """Return the digits and the months of ids, of those that are ones."""
    known = [each for each in ids if transaction_key.is_id(each)]
    return [each[4:] for each in known], sorted({transaction_key.month_of(each) for each in known})


def _walked(
    columns: str, selection: TransactionFilter, *, after: TimeKey | None, limit: int
) -> tuple[str, "_Conditions"]:
    """Return the clauses behind SELECT that walk the indexes in the order of the list, and what has their arguments."""
    conditions = _Conditions()
    conditions.add("effective_at >= {}", selection.start)
    conditions.add("effective_at < {}", selection.end)
    conditions.add("(effective_at, transaction_id) < ({}, {})", *(after or (None, None)))
    # An index on the time alone does not take the comparison above for its end.
    conditions.add("effective_at <= {}", after[0] if after else None)
    _of_root(conditions, selection.root_reference)
    _of_related_no(conditions, selection.related_no)
    merchant = "" if selection.merchant_id is None else conditions.argument(selection.merchant_id)
    order = _ORDER.format(limit=conditions.argument(limit))
    statement = (_OF_MERCHANT if merchant else _OF_ALL).format(
        columns=columns,
        condition=conditions.of_journal,
        former=conditions.of_former,
        order=order,
        merchant=merchant,
    )
    return f"FROM ({statement}) AS page {order}", conditions


class _Conditions:
    """Conditions on rows of the journal and of the former table, with the arguments of both."""

    def __init__(self) -> None:
        self.arguments: list[Any] = []
        self._journal = ["true"]
        self._former = ["true"]

    @property
    def of_journal(self) -> str:
        return " AND ".join(self._journal)

    @property
    def of_former(self) -> str:
        return " AND ".join(self._former)

    def argument(self, value: Any) -> str:
        """Note an argument, and return its place."""
        self.arguments.append(value)
        return f"${len(self.arguments)}"

    def add(self, condition: str, *values: Any, former: str | None = None) -> None:
        """Add a condition with the places of its values, and the same on the former table; None does not filter."""
        if values[0] is None:
            return
        places = [self.argument(value) for value in values]
        self._journal.append(condition.format(*places))
        self._former.append((former or condition).format(*places))


def _of_root(conditions: _Conditions, root_reference: str | None) -> None:
    if root_reference is not None:
        digits = root_reference[4:] if transaction_key.has_digits(root_reference) else None
        conditions.add(
            "(root = {1}::uuid OR root_text = {0}) AND root_reference = {0}",
            root_reference,
            digits,
            former="root_reference = {0}",
        )


def _of_related_no(conditions: _Conditions, related_no: str | None) -> None:
    """Lead to a related_no without an index of its own, which every payment would pay for.

    What events book and reversals have ids made of it; for a manual journal it is the root_reference.
    """
    if related_no is None:
        return
    ids = [transaction_id(transaction_type, related_no) for transaction_type in (*sorted(BOOKED_TYPES), REVERSAL)]
    conditions.add(
        "related_no = {0} AND (key = ANY({1}::uuid[]) AND month = ANY({2}::smallint[]) OR root_text = {0})",
        related_no,
        *keys_and_months(ids),
        [transaction_key.former_id(each) for each in ids],
        former="related_no = {0} AND (transaction_id = ANY({3}::text[]) OR root_reference = {0})",
    )
