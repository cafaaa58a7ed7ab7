"""Everything the ledger claims, recomputed from its entries.

What foreign keys on entries and a check of each row would cost in speed is caught up with here, in sets, on one
snapshot. `paystream ledger verify` runs it.
"""

from dataclasses import dataclass

from paykit.postgres.database import Tx
from paykit.postgres.long_reading import read_for_long
from paykit.verification import DifferenceError, Progress
from services.accounting import domain, store
from services.accounting.commands.open_matters import OpenMatter, open_matters
from services.accounting.domain.chart import Chart, account_id
from services.accounting.domain.transaction import Account
from services.accounting.store.archive.carried import hold_journal
from services.accounting.store.verification import TransactionName

ACCOUNT_IDS = "account ids"
TRANSACTION_IDS = "transaction ids"
"""The checks that are not made in sets."""


class LedgerDifferenceError(DifferenceError):
    """The ledger is not what its entries say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyReport:
    """What was looked at, when all of it holds, and what is open all the same."""

    accounts: int
    transactions: int
    entries: int
    checks: tuple[str, ...]
    open_matters: tuple[OpenMatter, ...] = ()


async def verify(tx: Tx, *, progress: Progress = lambda _check, _rows: None) -> VerifyReport:
    """Check every claim of the ledger on the transaction's snapshot, in which it comes first.

    Of archived months what was carried forward is checked: single transactions are in their files.

    Raises:
        LedgerDifferenceError: The first claim that does not hold.
    """
    await hold_journal(tx)
    await read_for_long(tx)
    chart = await store.chart_in_use(tx)
    counts = await store.verification.count_rows(tx)
    await _check_accounts(tx, chart)
    progress(ACCOUNT_IDS, counts["account"])
    await _check_transactions(tx)
    progress(TRANSACTION_IDS, counts["transaction"])
    set_checks = store.verification.set_checks(chart)
    for check in set_checks:
        difference = await store.verification.first_difference(tx, check)
        if difference is not None:
            raise LedgerDifferenceError(check.name, *difference)
        progress(check.name, counts[check.table])
    return VerifyReport(
        accounts=counts["account"],
        transactions=counts["transaction"],
        entries=counts["entry"],
        checks=(ACCOUNT_IDS, TRANSACTION_IDS, *(check.name for check in set_checks)),
        open_matters=tuple(await open_matters(tx)),
    )


async def _check_accounts(tx: Tx, chart: Chart) -> None:
    async for account in store.verification.all_accounts(tx):
        detail = _difference(chart, account)
        if detail is not None:
            raise LedgerDifferenceError(ACCOUNT_IDS, account.account_id, detail)


def _difference(chart: Chart, account: Account) -> str | None:
    kind = chart.kinds.get(account.account_kind)
    if kind is None:
        return f"the chart has no kind {account.account_kind}"
    if account.normal_side != kind.normal_side:
        return f"normal side is {account.normal_side}, the chart says {kind.normal_side}"
    if account.account_id != account_id(kind, account.merchant_id, account.currency_code):
        return f"is not the id of {kind.name}, {account.merchant_id}, {account.currency_code}"
    return None


async def _check_transactions(tx: Tx) -> None:
    async for name in store.verification.transaction_names(tx):
        detail = _misnamed(name)
        if detail is not None:
            raise LedgerDifferenceError(TRANSACTION_IDS, name.transaction_id, detail)
    async for page in store.verification.former_ids(tx):
        for key, told in page:
            if f"txn_{told.hex}" != domain.transaction_key.former_id(f"txn_{key.hex}"):
                detail = f"is not the id that txn_{key.hex} had before types had numbers"
                raise LedgerDifferenceError(TRANSACTION_IDS, f"txn_{told.hex}", detail)


def _misnamed(name: TransactionName) -> str | None:
    key = domain.transaction.transaction_id(name.transaction_type, name.related_no)
    told = key if name.key is not None and not name.former else domain.transaction_key.former_id(key)
    if name.transaction_id != told:
        return f"is not the id of {name.transaction_type} {name.related_no}"
    if name.key is not None and (name.key, name.month) != (key[4:], domain.transaction_key.month_of(key)):
        return (
            f"stands at {name.key} in month {name.month}, where {name.transaction_type} {name.related_no} is not found"
        )
    return None
