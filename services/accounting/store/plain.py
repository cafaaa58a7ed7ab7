"""The SQL that books by patterns: the rows of `journal` and `leg` that `journal` writes, made from less.

What a pattern does to the platform's accounts is summed up for a batch of it, not entry by entry.
"""

from binascii import unhexlify
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import accumulate, chain, repeat
from operator import add
from struct import Struct

from paykit.clock import from_micros, micros_since_epoch
from paykit.errors import InvariantError
from paykit.postgres.database import Tx
from paykit.postgres.rows import BinaryRows
from services.accounting.domain.plain.pattern import PlainBookings
from services.accounting.domain.transaction_key import month_of_digits
from services.accounting.store import journal
from services.accounting.store.journal import BATCH_ROWS_MAX, DIRECTIONS, LEG_COLUMNS, Row, currency_number

COLUMNS = (
    *("position", "effective_at", "create_time", "transaction_id", "root", "account_no", "amount1"),
    *("account1", "contra1", "amount2", "account2", "contra2"),
    *("month", "type_no", "currency_no", "direction", "amount_minor"),
)
"""Of `journal`; of a plain booking the others are null."""

_ONE_TRANSFER = Struct(">h iq iq iq i16s i16s ii iq ii ii i i i".replace(" ", ""))
_TWO_TRANSFERS = Struct(">h iq iq iq i16s i16s ii iq ii ii iq ii ii".replace(" ", ""))
"""The number of columns, and those that differ, each behind its length in bytes; that of null is -1."""
_IN_COMMON = Struct(">ih ih ih ih".replace(" ", ""))
"""Those that the rows of a pattern and month have in common."""
_AMOUNT = Struct(">iq")
_NULL = b"\xff\xff\xff\xff"
_UUID_BYTES = 16
_DAY_US = 86_400_000_000
_POSTGRES_EPOCH_US = micros_since_epoch(datetime(2000, 1, 1, tzinfo=UTC))
"""PostgreSQL counts times from there."""


@dataclass(slots=True)
class PlainPlaces:
    """Where plain bookings are going to stand.

    Attributes:
        accounts: account_no by account_id, of accounts that there are.
        batch_numbers: As many as there are batches of the bookings, or more.
    """

    accounts: dict[str, int]
    batch_numbers: list[int]


@dataclass(slots=True)
class PlainBatch:
    """Bookings of one month that stand together, in the order of ids, in which indexes are written quickest.

    Attributes:
        month: That of their ids.
        places: Of each, where it stands among all bookings, in the order of these.
        first_position: That of the first.
    """

    month: int
    places: Sequence[int]
    first_position: int = 0


async def place(tx: Tx, plain: Sequence[PlainBookings]) -> PlainPlaces:
    """Read the numbers of accounts, and take those of batches; accounts that there are not are left out."""
    account_ids = {merchant.account_id for bookings in plain for merchant in bookings.merchants}
    for bookings in plain:
        account_ids.update(bookings.pattern.platform_accounts)
    return PlainPlaces(*await journal.take_numbers(tx, account_ids, batches=_batches_most(plain)))


async def insert_all(tx: Tx, places: PlainPlaces, plain: Sequence[PlainBookings]) -> None:
    """Insert bookings whose accounts are all there.

    Args:
        tx: The transaction.
        places: Of these bookings, or of more.
        plain: No pair of transaction_type and related_no twice.

    Rows: journal, leg.

    Raises:
        InvariantError: There is not a number for each batch.
        UniqueViolation: One was booked before.
    """
    batches = batches_of(plain)
    if len(batches) > len(places.batch_numbers):
        raise InvariantError(f"{len(batches)} batches of bookings were given {len(places.batch_numbers)} numbers")
    for batch, number in zip(batches, places.batch_numbers, strict=False):
        batch.first_position = number * BATCH_ROWS_MAX
    await tx.copy("journal", COLUMNS, BinaryRows(rows_of(plain, batches, places.accounts, tx.now)))
    await tx.copy("leg", LEG_COLUMNS, [*legs_of(plain, batches, places.accounts)])


def _batches_most(plain: Sequence[PlainBookings]) -> int:
    """Return how many batches they are at most: as many months as there may be, each with one that is not full."""
    count = sum(map(len, plain))
    if not count:
        return 0
    first = min(min(bookings.digits) for bookings in plain)
    last = max(max(bookings.digits) for bookings in plain)
    return count // BATCH_ROWS_MAX + min(month_of_digits(last) - month_of_digits(first) + 1, count)


def batches_of(plain: Sequence[PlainBookings]) -> list[PlainBatch]:
    """Divide bookings into batches, which have no position yet."""
    digits = [each for bookings in plain for each in bookings.digits]
    order = sorted(range(len(digits)), key=digits.__getitem__)
    months: dict[int, list[int]] = defaultdict(list)
    if order and month_of_digits(digits[order[0]]) == month_of_digits(digits[order[-1]]):
        months[month_of_digits(digits[order[0]])] = order
    else:
        for at in order:
            months[month_of_digits(digits[at])].append(at)
    return [
        PlainBatch(month, of_month[first : first + BATCH_ROWS_MAX])
        for month, of_month in months.items()
        for first in range(0, len(of_month), BATCH_ROWS_MAX)
    ]


def rows_of(
    plain: Sequence[PlainBookings], batches: Sequence[PlainBatch], accounts: Mapping[str, int], now: datetime
) -> list[bytes]:
    """Return the rows of `journal` as COPY takes them, in the order of COLUMNS, batch by batch."""
    count = sum(map(len, plain))
    positions, months = [0] * count, [0] * count
    for batch in batches:
        for position, at in enumerate(batch.places, batch.first_position):
            positions[at], months[at] = position, batch.month
    rows: list[bytes] = []
    for bookings in plain:
        here = slice(len(rows), len(rows) + len(bookings))
        rows += _rows(bookings, positions[here], months[here], accounts, now)
    return [rows[at] for batch in batches for at in batch.places]


def _rows(
    bookings: PlainBookings, positions: Sequence[int], months: Sequence[int], accounts: Mapping[str, int], now: datetime
) -> Iterator[bytes]:
    pattern, columns = bookings.pattern, bookings.columns
    first, second = pattern.lines[0], pattern.lines[2] if len(pattern.lines) > journal.ONE_TRANSFER else None
    mains = [accounts[merchant.account_id] for merchant in bookings.merchants]
    lines = [mains if line.account_id is None else repeat(accounts[line.account_id]) for line in pattern.lines]
    amount1 = [first.debit * amount for amount in columns.amounts[first.amount]]
    differing = (
        *(repeat(len(COLUMNS)), repeat(8), positions),
        *(repeat(8), [each - _POSTGRES_EPOCH_US for each in columns.occurred_us]),
        *(repeat(8), repeat(micros_since_epoch(now) - _POSTGRES_EPOCH_US)),
        *(repeat(16), _uuids(bookings.digits), repeat(16), _uuids(columns.roots)),
        *(repeat(4), mains, repeat(8), amount1, repeat(4), lines[0], repeat(4), lines[1]),
    )
    if second is None:
        rows = map(_ONE_TRANSFER.pack, *differing, repeat(-1), repeat(-1), repeat(-1))
    else:
        amount2 = [second.debit * amount for amount in columns.amounts[second.amount]]
        others = repeat(8), amount2, repeat(4), lines[2], repeat(4), lines[3]
        rows = map(_TWO_TRANSFERS.pack, *differing, *others)
    kind = (
        2,
        pattern.type_no,
        2,
        currency_number(pattern.example.currency_code),
        2,
        DIRECTIONS[pattern.example.direction],
    )
    in_common = {month: _IN_COMMON.pack(2, month, *kind) for month in set(months)}
    told = [
        _NULL if principal == abs(amount) else _AMOUNT.pack(8, principal)
        for principal, amount in zip(columns.principals, amount1, strict=True)
    ]
    return map(add, map(add, rows, map(in_common.__getitem__, months)), told)


def _uuids(digits: Sequence[bytes]) -> list[bytes]:
    joined = unhexlify(b"".join(digits))
    return [joined[begin : begin + _UUID_BYTES] for begin in range(0, len(joined), _UUID_BYTES)]


def legs_of(
    plain: Sequence[PlainBookings], batches: Sequence[PlainBatch], accounts: Mapping[str, int]
) -> Iterator[Row]:
    """Yield the legs of batches, in the order of LEG_COLUMNS."""
    times = [*chain.from_iterable(bookings.columns.occurred_us for bookings in plain)]
    numbers = [*chain.from_iterable(repeat(number, len(bookings)) for number, bookings in enumerate(plain))]
    starts = [0, *accumulate(map(len, plain))]
    for batch in batches:
        found: dict[tuple[int, int], list[int]] = defaultdict(list)
        for offset, at in enumerate(batch.places):
            found[numbers[at], times[at] // _DAY_US].append(offset)
        legs: dict[tuple[str, int], list[tuple[int, list[int]]]] = defaultdict(list)
        for (number, day), offsets in found.items():
            places = [batch.places[offset] - starts[number] for offset in offsets]
            totals = [sum([column[place] for place in places]) for column in plain[number].columns.amounts]
            for account_id, debit_minor in plain[number].pattern.debits(totals).items():
                legs[account_id, day].append((debit_minor, offsets))
        for (account_id, _), parts in sorted(legs.items()):
            offsets = sorted(offset for _, part in parts for offset in part)
            moments = [times[batch.places[offset]] for offset in offsets]
            yield (
                batch.first_position,
                from_micros(min(moments)),
                from_micros(max(moments)),
                sum(debit_minor for debit_minor, _ in parts),
                accounts[account_id],
                batch.month,
                len(offsets),
                None if len(offsets) == len(batch.places) else offsets,
            )
