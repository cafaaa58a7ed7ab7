"""Reports: what became of lines and movements, day by day."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import IO

from paykit.postgres.database import Tx
from services.reconciliation import store
from services.reconciliation.domain.report import RowWriter


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedReport:
    """Which report is wanted; `items` says whether each line and movement is to stand in it."""

    channel: str
    days: Sequence[date]
    items: bool


async def write_day(tx: Tx, wanted: WantedReport, day: date, *, writer: RowWriter, document: IO[bytes]) -> None:
    """Write a day from the beginning of a file on, as it is on the transaction's snapshot."""
    document.seek(0)
    document.truncate()
    document.write(writer.write(await store.report.sums(tx, wanted.channel, day)).encode())
    if wanted.items:
        async for page in store.report.items(tx, wanted.channel, day):
            document.write(writer.write(page).encode())
