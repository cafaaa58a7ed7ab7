"""A ledger with closed months of long ago, and archiving them as the command does."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from paykit.base.config import Settings
from paykit.postgres.database import Database
from paykit.process.runtime import Runtime
from paystream.payment.v1.events import DisputeOpened
from paytools.cli.reading import as_administrator
from services.accounting import store
from services.accounting.commands import archiving, periods
from services.accounting.domain.archive import month_start, read_month
from services.accounting.domain.period import ClosePeriod, Period
from services.accounting.store.archive.month_files import Manifest
from tests.integration.accounting.books import consume
from tests.unit.accounting.ledger import capture, dispute, refund

JANUARY = read_month("2024-01")
FEBRUARY, MARCH, APRIL = JANUARY + 1, JANUARY + 2, JANUARY + 3

PLACES = (
    "SELECT tableoid::regclass::text, count(*) FROM {table} WHERE month BETWEEN 24288 AND 24299 GROUP BY 1 ORDER BY 1"
)


def noon(month: int, day: int = 10) -> datetime:
    return month_start(month) + timedelta(days=day - 1, hours=12)


def id_of(prefix: str, month: int, number: int) -> str:
    """Give an id of paystream's that was made in a month."""
    return f"{prefix}_{int(noon(month).timestamp() * 1_000):012x}70008{number:015x}"


async def make_months(ledger: Runtime, *months: int) -> None:
    """Give months tables of their own, as the service does when they are near."""
    for at in map(noon, months):
        await ledger.transaction(partial(store.former.keep_months, now=at))


async def close_through(ledger: Runtime, month: int) -> None:
    """Close the books to the end of a month, by two people."""
    end_at = month_start(month + 1) - timedelta(microseconds=1)
    for person in ("ann", "bob"):
        asked = ClosePeriod(end_at=end_at, reason="Month", person=person)
        [period] = await ledger.transaction(lambda tx, asked=asked: periods.close_periods(tx, [asked]))  # type: ignore[misc]
        assert isinstance(period, Period)


@asynccontextmanager
async def administered(admin_url: str) -> AsyncIterator[Database]:
    settings = Settings(database_url=SecretStr(admin_url), cache_dir=Path("/nonexistent"))
    async with as_administrator(settings, "accounting") as database:
        yield database


async def archive(admin_url: str, *months: int, to: Path) -> list[Manifest]:
    async with administered(admin_url) as database:
        return [await archiving.archive(database, month, to) for month in months]


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def sold(month: int, number: int, **changes: Any) -> Any:
    ids = {"capture_id": id_of("cap", month, number), "payment_id": id_of("pay", month, number)}
    return capture(number, **ids | {"occurred_at": noon(month, number)} | changes)


def given_back(month: int, number: int, *, of: int, **changes: Any) -> Any:
    ids = {"refund_id": id_of("ref", month, number), "payment_id": id_of("pay", of, number)}
    return refund(number, **ids | {"occurred_at": noon(month, number)} | changes)


def disputed(step: Any, month: int, number: int, **changes: Any) -> Any:
    ids = {"dispute_id": id_of("dsp", month, number), "payment_id": id_of("pay", month, number)}
    return dispute(step, number, **ids | {"occurred_at": noon(month, number + 1)} | changes)


async def booked_and_closed(ledger: Runtime) -> None:
    """Book January (2 captures, 1 refund, a dispute that was opened) and February (1 capture), and close both."""
    await make_months(ledger, JANUARY, FEBRUARY, MARCH)
    await consume(ledger, sold(JANUARY, 1), sold(JANUARY, 2, amount_minor=700, fee_minor=0))
    await consume(ledger, given_back(JANUARY, 3, of=JANUARY, amount_minor=200))
    await consume(ledger, disputed(DisputeOpened, JANUARY, 1))
    await consume(ledger, sold(FEBRUARY, 4, amount_minor=5_000, fee_minor=50))
    await close_through(ledger, FEBRUARY)
