"""Lists that are more than a walk of one table: the statements of a page, and the indexes that are to serve them."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from paykit.postgres.database import Tx
from paykit.process.service import Service
from paykit.testing.runtimes import START
from paystream.accounting.v1.events import Side
from services.accounting import store as accounting
from services.accounting.domain.period import PeriodState
from services.accounting.domain.transaction import Account
from services.accounting.service import SERVICE as ACCOUNTING
from services.accounting.store import AccountFilter, TransactionFilter
from services.merchant import store as merchant
from services.merchant.service import SERVICE as MERCHANT
from services.payment import store as payment
from services.payment.service import SERVICE as PAYMENT
from services.payment.store import OverdueFilter
from services.reconciliation import store as reconciliation
from services.reconciliation.service import SERVICE as RECONCILIATION
from services.reconciliation.store.uncleared import UnclearedFilter
from services.settlement.service import SERVICE as SETTLEMENT
from services.settlement.store import balance, item

AFTER = (START, "x")
"""Where a page begins, in the middle of what is there."""
MERCHANT_ID = "mer_" + "0" * 31 + "1"
LAST = datetime(9999, 12, 31, tzinfo=UTC)
ASKED = {"transaction_type": "PaymentSuccess", "currency_code": "USD", "amount_minor_min": 1, "amount_minor_max": 9}


@dataclass(frozen=True, slots=True, kw_only=True)
class ListQuery:
    """A page of a list.

    Attributes:
        reads: Read it, by each of its filters.
        indexes: Those that each of these has to use; it may use others beside them.
        tables: Rows of some, as `fill` takes them; others are empty.
        sorts: Of what few rows more than those of the page are sorted, and why they are few; empty where none are.
    """

    service: Service
    reads: Sequence[Callable[[Tx], Awaitable[Any]]]
    indexes: Sequence[AbstractSet[str]]
    sorts: str = ""
    tables: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


def _transactions(**selection: Any) -> Callable[[Tx], Awaitable[Any]]:
    return lambda tx: accounting.transactions.list(tx, TransactionFilter(**selection), after=AFTER, limit=51)


def _accounts(**selection: Any) -> Callable[[Tx], Awaitable[Any]]:
    return lambda tx: accounting.accounts.list(tx, AccountFilter(**selection), after="acc_1", limit=51)


def _periods(state: PeriodState | None) -> Callable[[Tx], Awaitable[Any]]:
    return lambda tx: accounting.periods.list(tx, state, after=AFTER, limit=51)


async def _statement(tx: Tx) -> Any:
    account = Account(
        account_id="acc_" + "0" * 31 + "1",
        account_kind="merchant.settlement",
        merchant_id=MERCHANT_ID,
        currency_code="USD",
        normal_side=Side.DEBIT,
        create_time=START,
    )
    return await accounting.statement(tx, account, start=START, end=LAST, behind=None, limit=51)


def _uncleared(**selection: Any) -> Callable[[Tx], Awaitable[Any]]:
    days = (("merchant.disputed", 180), ("merchant.receivable", 30), ("suspense", 7))
    wanted = UnclearedFilter(clearing_days=days, **selection)
    # Behind one of the kinds in the middle, so that each of the others has a condition of its own.
    after = (START, f"merchant.receivable|{MERCHANT_ID}|USD|dsp_1")
    return lambda tx: reconciliation.uncleared.list_(tx, wanted, now=LAST, after=after, limit=51)


_LATER = "'2030-01-01'::timestamptz + n * interval '1 s'"
_BOOKS = {
    "account": {
        "account_id": "'acc_' || lpad(to_hex(n), 32, '0')",
        "account_no": "n",
        "account_kind": "CASE n % 20 WHEN 0 THEN 'merchant.settlement' ELSE 'merchant.' || n % 20 END",
        "merchant_id": "'mer_' || lpad((n % 100)::text, 32, '0')",
        "currency_code": "CASE n % 3 WHEN 0 THEN 'USD' WHEN 1 THEN 'EUR' ELSE 'JPY' END",
        "normal_side": "'DEBIT'",
        "create_time": _LATER,
    },
    "journal": {
        "position": "n",
        "effective_at": _LATER,
        "create_time": _LATER,
        "transaction_id": "md5(n::text)::uuid",
        "account_no": "n % 100 + 1",
        "month": "0",
        "type_no": "22",
        "currency_no": "0",
        "direction": "1",
        "transaction_type": "'Goodwill'",
        "related_no": "'g ' || n",
        "root_reference": "'g ' || n",
        "account1": "n % 100 + 1",
        "contra1": "200",
        "amount1": "n",
    },
}
_PERIODS = {
    "period_id": "'per_' || lpad(to_hex(n), 32, '0')",
    "end_at": _LATER,
    "state": "CASE n WHEN 3000 THEN 'PROPOSED' ELSE 'CLOSED' END",
    "proposer": "'alice'",
    "closer": "CASE n WHEN 3000 THEN NULL ELSE 'bob' END",
    "reason": "'why'",
    "create_time": _LATER,
    "update_time": _LATER,
}
_AMOUNTS = {
    "account_kind": "CASE n % 3 WHEN 0 THEN 'suspense' ELSE 'merchant.disputed' END",
    "merchant_id": "CASE n % 3 WHEN 0 THEN '' ELSE 'mer_' || lpad((n % 100)::text, 32, '0') END",
    "currency_code": "CASE n % 2 WHEN 0 THEN 'USD' ELSE 'EUR' END",
    "reference": "'dsp_' || n",
    "root_reference": "'pay_' || n",
    "amount_minor": "n",
    "since": _LATER,
}

PARTS = "one page for each account of the merchant, and one of the former tables"
OF_FEW = "what one capture, refund or journey was booked by"

LIST_QUERIES: Mapping[str, ListQuery] = {
    "accounting.v1.AccountingService/ListTransactions": ListQuery(
        service=ACCOUNTING,
        tables=_BOOKS,
        reads=[
            _transactions(merchant_id=MERCHANT_ID),
            _transactions(merchant_id=MERCHANT_ID, start=START, end=LAST, **ASKED),
            _transactions(root_reference="pay_" + "1" * 32, **ASKED),
            _transactions(related_no="cap_" + "1" * 32, **ASKED),
        ],
        indexes=[
            {"account_merchant", "journal_0_account_no_effective_at_idx"},
            {"account_merchant", "journal_0_account_no_effective_at_idx"},
            {"journal_0_root_idx", "journal_0_root_reference_idx"},
            {"journal_0_transaction_id_month_idx"},
        ],
        sorts=f"{PARTS}; {OF_FEW}",
    ),
    "accounting.v1.AccountingOperationsService/ListAllTransactions": ListQuery(
        service=ACCOUNTING,
        tables=_BOOKS,
        reads=[_transactions(), _transactions(start=START, end=LAST, **ASKED)],
        indexes=[{"journal_0_effective_at_idx"}, {"journal_0_effective_at_idx"}],
        sorts="one page of the journal and one of the former tables; of one moment by their ids",
    ),
    "accounting.v1.AccountingService/ListAccounts": ListQuery(
        service=ACCOUNTING,
        tables=_BOOKS,
        reads=[
            _accounts(merchant_id=MERCHANT_ID),
            _accounts(merchant_id=MERCHANT_ID, account_kind="merchant.settlement", currency_code="USD"),
        ],
        indexes=[{"account_merchant"}, {"account_merchant"}],
    ),
    "accounting.v1.AccountingOperationsService/ListAllAccounts": ListQuery(
        service=ACCOUNTING,
        tables=_BOOKS,
        reads=[
            _accounts(),
            _accounts(account_kind="platform.fees"),
            _accounts(currency_code="USD"),
            _accounts(account_kind="platform.fees", currency_code="USD"),
        ],
        indexes=[{"account_pkey"}, {"account_kind"}, {"account_currency"}, {"account_kind"}],
    ),
    "accounting.v1.AccountingService/ListEntries": ListQuery(
        service=ACCOUNTING,
        tables=_BOOKS,
        reads=[_statement],
        indexes=[{"journal_0_account_no_effective_at_idx", "leg_0_account_no_last_at_idx"}],
        sorts="the lines of a page, those that legs lead to, and those of former tables",
    ),
    "accounting.v1.AccountingOperationsService/ListPeriods": ListQuery(
        service=ACCOUNTING,
        tables={"period": _PERIODS},
        reads=[_periods(None), _periods(PeriodState.CLOSED)],
        indexes=[{"period_end_at_key"}, {"period_end_at_key"}],
    ),
    "merchant.v1.MerchantService/ListFeePlans": ListQuery(
        service=MERCHANT,
        reads=[lambda tx: merchant.fee_plans.list(tx, MERCHANT_ID, after=9, limit=51)],
        indexes=[{"fee_plan_pkey"}],
    ),
    "payment.v1.PaymentOperationsService/ListOverdueAttempts": ListQuery(
        service=PAYMENT,
        reads=[lambda tx: payment.attempts.overdue(tx, OverdueFilter(within_s=900.0), after=AFTER, limit=51)],
        indexes=[{"attempt_inquired"}],
        sorts="attempts without an outcome; an index in their order would be written by each attempt, twice",
    ),
    "reconciliation.v1.ReconciliationOperationsService/ListStatementLines": ListQuery(
        service=RECONCILIATION,
        reads=[lambda tx: reconciliation.lines.of_statement(tx, "stm_1", after=9, limit=51)],
        indexes=[{"statement_line_statement"}],
    ),
    "reconciliation.v1.ReconciliationOperationsService/ListUncleared": ListQuery(
        service=RECONCILIATION,
        tables={"uncleared": _AMOUNTS, "open_debt": _AMOUNTS | {"account_kind": "'merchant.receivable'"}},
        reads=[
            _uncleared(),
            _uncleared(account_kind="suspense"),
            _uncleared(overdue=True, currency_code="USD", root_reference="pay_1"),
            _uncleared(merchant_id=MERCHANT_ID),
            _uncleared(merchant_id=MERCHANT_ID, account_kind="merchant.receivable", overdue=True, currency_code="USD"),
        ],
        indexes=[
            {"uncleared_kind", "open_debt_kind"},
            {"uncleared_kind"},
            {"uncleared_kind", "open_debt_kind"},
            {"uncleared_merchant", "open_debt_merchant"},
            {"open_debt_merchant"},
        ],
    ),
    "settlement.v1.SettlementService/ListSettlementItems": ListQuery(
        service=SETTLEMENT,
        reads=[
            lambda tx: item.items_of_homes(tx, ["stl_" + "1" * 32], after=(*AFTER, ""), limit=51),
            lambda tx: item.items_of_transaction(tx, "txn_" + "1" * 32, after=(*AFTER, ""), limit=51),
        ],
        indexes=[{"item_settlement", "narrow_item_settlement"}, {"item_pkey"}],
        sorts="one page of each of both tables, for each settlement that was carried into it; one transaction's items",
    ),
    "settlement.v1.SettlementOperationsService/ListNegativeBalances": ListQuery(
        service=SETTLEMENT,
        reads=[lambda tx: balance.negative_balances(tx, "", after=(MERCHANT_ID, "USD"), limit=51)],
        indexes=[{"balance_watch_negative", "merchant_balance_owing"}],
        sorts="merchants below zero and merchants that owe, which are few",
    ),
}
