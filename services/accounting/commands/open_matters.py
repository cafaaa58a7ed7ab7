"""What is open though the books are right: money that is nobody's yet, debts, and holds that nothing has ended.

Each is a disagreement with the outside world, or waits for one to end: the ledger names it, and people look at it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType

from paykit.postgres.database import Tx
from services.accounting import store
from services.accounting.domain import lifecycle
from services.accounting.store.books import InTransit, Owing

OPEN_MATTERS_MAX = 10_000
"""Looked at, of each kind."""

_SUSPENSE = "suspense"

_DEFAULT_HOLD = timedelta(days=180)
HOLDS_MAX: Mapping[str, timedelta] = MappingProxyType(
    {"merchant.withdrawing": timedelta(days=7), "merchant.reserve": timedelta(days=400)}
)
"""How long something waits on accounts of a kind before it is named; 180 days where nothing is said, as disputes."""


class OpenMatterKind(StrEnum):
    """What is open.

    SUSPENSE_OWED: came, and is owed to somebody. SUSPENSE_OUT: left, and nobody is charged. NEGATIVE_SETTLEMENT,
    RECEIVABLE: a merchant owes it. LONG_HOLD: waits for its end longer than is usual. UNEXPLAINED_HOLD: less than zero
    is held of something, which only what no event did can cause.
    """

    SUSPENSE_OWED = "SUSPENSE_OWED"
    SUSPENSE_OUT = "SUSPENSE_OUT"
    NEGATIVE_SETTLEMENT = "NEGATIVE_SETTLEMENT"
    RECEIVABLE = "RECEIVABLE"
    LONG_HOLD = "LONG_HOLD"
    UNEXPLAINED_HOLD = "UNEXPLAINED_HOLD"


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenMatter:
    """One thing that is open.

    Attributes:
        reference: What it is about: a payment, dispute, settlement or withdrawal; for a debt the merchant.
        amount_minor: Above zero.
        since: The earliest effective time of it; None for a debt, which many made.
    """

    kind: OpenMatterKind
    account_kind: str
    currency_code: str
    merchant_id: str | None
    reference: str
    amount_minor: int
    since: datetime | None


async def open_matters(tx: Tx) -> list[OpenMatter]:
    """Name what is open, on the transaction's snapshot: suspense and holds first, then debts."""
    parts = await store.books.in_transit(tx, kinds=(_SUSPENSE,), limit=OPEN_MATTERS_MAX)
    for kind in lifecycle.IN_TRANSIT:
        if kind != _SUSPENSE:
            before = tx.now - HOLDS_MAX.get(kind, _DEFAULT_HOLD)
            parts += await store.books.in_transit(tx, kinds=(kind,), before=before, limit=OPEN_MATTERS_MAX)
    debts = await store.books.owing(tx, limit=OPEN_MATTERS_MAX)
    return [*map(_of_part, parts), *map(_of_debt, debts)]


def _of_part(part: InTransit) -> OpenMatter:
    return OpenMatter(
        kind=_kind_of(part),
        account_kind=part.account_kind,
        currency_code=part.currency_code,
        merchant_id=part.merchant_id,
        reference=part.reference,
        amount_minor=abs(part.amount_minor),
        since=part.since,
    )


def _kind_of(part: InTransit) -> OpenMatterKind:
    if part.account_kind == _SUSPENSE:
        return OpenMatterKind.SUSPENSE_OWED if part.amount_minor < 0 else OpenMatterKind.SUSPENSE_OUT
    return OpenMatterKind.UNEXPLAINED_HOLD if part.amount_minor < 0 else OpenMatterKind.LONG_HOLD


def _of_debt(debt: Owing) -> OpenMatter:
    below = debt.account_kind == "merchant.settlement"
    return OpenMatter(
        kind=OpenMatterKind.NEGATIVE_SETTLEMENT if below else OpenMatterKind.RECEIVABLE,
        account_kind=debt.account_kind,
        currency_code=debt.currency_code,
        merchant_id=debt.merchant_id,
        reference=debt.merchant_id,
        amount_minor=abs(debt.balance_minor),
        since=None,
    )
