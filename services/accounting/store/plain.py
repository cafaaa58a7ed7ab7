"""The SQL that books by patterns: the rows of `journal` and `leg` that `journal` writes, made from less.

What a pattern does to the platform's accounts is summed up for a batch of it, not entry by entry.
"""

import contextlib
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from operator import attrgetter

from paykit.errors import InvariantError
from paykit.postgres.database import Tx
from paykit.postgres.faults import UniqueViolation
from services.accounting.domain.plain.booking import Pattern, PlainBooking
from services.accounting.domain.transaction_key import month_of
from services.accounting.store import journal
from services.accounting.store.journal import BATCH_ROWS_MAX, DIRECTIONS, LEG_COLUMNS, Row, currency_number

COLUMNS = (
    *("position", "effective_at", "create_time", "amount1", "amount2", "transaction_id", "root"),
    *("account1", "contra1", "account2", "contra2", "account_no"),
    *("month", "type_no", "currency_no", "direction", "amount_minor"),
)
"""Of `journal`; of a plain booking the others are null."""

_BY_ID = attrgetter("transaction_id")

_MakeRow = Callable[[PlainBooking, int, int], Row]
"""(booking, position, month) -> a row of COLUMNS."""


@dataclass(slots=True)
class PlainPlaces:
    """Where plain bookings are going to stand.

    Attributes:
        accounts: account_no by account_id, of accounts that there are.
        batch_numbers: As many as there are batches of the bookings, or more.
    """

    accounts: dict[str, int]
    batch_numbers: list[int]


async def place(tx: Tx, bookings: Collection[PlainBooking]) -> PlainPlaces:
    """Read the numbers of accounts, and take those of batches; accounts that there are not are left out."""
    account_ids = {each.merchant.account_id for each in bookings}
    for pattern in {each.pattern for each in bookings}:
        account_ids.update(pattern.platform_accounts)
    return PlainPlaces(*await journal.take_numbers(tx, account_ids, batches=_batches_most(bookings)))


async def insert_all(tx: Tx, places: PlainPlaces, bookings: Collection[PlainBooking]) -> bool:
    """Insert bookings whose accounts are all there, and return True; if one was booked before, insert none.

    Args:
        tx: The transaction.
        places: Of these bookings, or of more.
        bookings: No pair of transaction_type and related_no twice.

    Rows: journal, leg.

    Raises:
        InvariantError: There is not a number for each batch.
    """
    rows, legs, numbers = list[Row](), list[Row](), iter(places.batch_numbers)
    for month, part in _parts(bookings):
        number = next(numbers, None)
        if number is None:
            raise InvariantError(f"{len(bookings)} bookings were given {len(places.batch_numbers)} batches")
        first_position = number * BATCH_ROWS_MAX
        rows += rows_of(part, month, first_position, places.accounts, tx.now)
        legs += legs_of(part, month, first_position, places.accounts)
    with contextlib.suppress(UniqueViolation):
        async with tx.savepoint():
            await tx.copy("journal", COLUMNS, rows)
        await tx.copy("leg", LEG_COLUMNS, legs)
        return True
    return False


def _batches_most(bookings: Collection[PlainBooking]) -> int:
    """Return how many batches they are at most: as many months as there may be, each with one that is not full."""
    ids = [each.transaction_id for each in bookings]
    months = month_of(max(ids)) - month_of(min(ids)) + 1 if ids else 0
    return len(ids) // BATCH_ROWS_MAX + min(months, len(ids))


def _parts(bookings: Collection[PlainBooking]) -> Iterator[tuple[int, Sequence[PlainBooking]]]:
    """Yield the bookings of each batch with their month, in the order of ids, in which a month's stand together."""
    ordered = sorted(bookings, key=_BY_ID)
    one_month = not ordered or month_of(ordered[0].transaction_id) == month_of(ordered[-1].transaction_id)
    months = [ordered] if one_month else [[*group] for _, group in groupby(ordered, key=lambda each: month_of(each[0]))]
    for of_month in months:
        for first in range(0, len(of_month), BATCH_ROWS_MAX):
            yield month_of(of_month[0].transaction_id), of_month[first : first + BATCH_ROWS_MAX]


def rows_of(
    bookings: Sequence[PlainBooking], month: int, first_position: int, accounts: Mapping[str, int], now: datetime
) -> Iterator[Row]:
    """Yield the rows of a batch, in the order of COLUMNS."""
    make = {pattern: _row_maker(pattern, accounts, now) for pattern in {each.pattern for each in bookings}}
    for position, booking in enumerate(bookings, first_position):
        yield make[booking.pattern](booking, position, month)


def _row_maker(pattern: Pattern, accounts: Mapping[str, int], now: datetime) -> _MakeRow:
    """Return what makes the rows of a pattern's bookings: what they have in common is looked up once."""
    lines = pattern.lines
    first, second = lines[0], lines[2] if len(lines) > journal.ONE_TRANSFER else None
    numbers = [None if line.account_id is None else accounts[line.account_id] for line in lines]
    example = pattern.example
    fixed = pattern.type_no, currency_number(example.currency_code), DIRECTIONS[example.direction]

    def make(booking: PlainBooking, position: int, month: int) -> Row:
        main = accounts[booking.merchant.account_id]
        amounts, effective_at = booking.amounts, booking.event.occurred_at
        account1, contra1, *others = [main if number is None else number for number in numbers]
        account2, contra2 = others or (None, None)
        amount1 = first.debit * amounts[first.amount]
        return (
            position,
            effective_at,
            now,
            amount1,
            None if second is None else second.debit * amounts[second.amount],
            booking.transaction_id[4:],
            booking.root,
            account1,
            contra1,
            account2,
            contra2,
            main,
            month,
            *fixed,
            None if booking.amount_minor == abs(amount1) else booking.amount_minor,
        )

    return make


def legs_of(
    bookings: Sequence[PlainBooking], month: int, first_position: int, accounts: Mapping[str, int]
) -> Iterable[Row]:
    """Yield the legs of a batch, in the order of LEG_COLUMNS."""
    positions: dict[tuple[Pattern, int], list[int]] = defaultdict(list)
    for at, booking in enumerate(bookings):
        positions[booking.pattern, booking.event.occurred_at.toordinal()].append(at)
    legs: dict[tuple[str, int], list[tuple[int, list[int]]]] = defaultdict(list)
    for (pattern, day), found in positions.items():
        for account_id, debit_minor in pattern.debits([bookings[at].amounts for at in found]).items():
            legs[account_id, day].append((debit_minor, found))
    for (account_id, _), parts in sorted(legs.items()):
        offsets = sorted(at for _, found in parts for at in found)
        moments = [bookings[at].event.occurred_at for at in offsets]
        yield (
            first_position,
            min(moments),
            max(moments),
            sum(debit_minor for debit_minor, _ in parts),
            accounts[account_id],
            month,
            len(offsets),
            None if len(offsets) == len(bookings) else offsets,
        )
