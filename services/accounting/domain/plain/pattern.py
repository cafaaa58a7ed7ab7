"""What plain bookings of one kind have in common, and what is made of it for many of them at once: pure.

Their rows, their effects and the bytes that tell of them follow from the lines of the first. Source: docs/adr/0064.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import compress, repeat
from operator import attrgetter
from typing import NamedTuple

from paykit.events.avro_binary import decode_string, encode_long, encode_string
from paykit.events.event import Event
from paykit.events.event_template import EventTemplate, Gap
from paykit.ids import slot_of
from services.accounting.domain import transaction_key
from services.accounting.domain.chart import Chart, account_id
from services.accounting.domain.plain.columns import LETTERS, PlainColumns
from services.accounting.domain.transaction import Account, Transaction, created_event, opened

MERCHANTS_MAX = 50_000
"""Of which a pattern keeps in memory what is always the same, about 0.5 KB each."""

MakeTemplate = Callable[[Event, Sequence[str | Gap]], EventTemplate]
"""Makes the template of an example with gaps."""

_HEAD = (
    *("event_id", "occurred_at", "recorded_at", "merchant_id", "correlation_id", "causation_id", "actor"),
    *("transaction_id", "related_no", "root_reference", "amount_minor", "effective_at"),
)
_MOVED_BY = ("channel", "channel_reference")
"""What the TransactionCreated of one pattern differ in, before and behind their entries."""
_ID_LENGTH = encode_string("evt_" + "0" * 32)[:1]

_FEES = {"fee": 1, "fee_returned": -1}
"""The amounts that fee_minor is made of, and how."""


class PlainMerchant(NamedTuple):
    """What is always the same of a merchant in a pattern.

    Attributes:
        account_id: Of its one account.
        encoded: The same, as an event has it.
        slot: Of its ids.
    """

    account_id: str
    encoded: bytes
    slot: int | None


class PlainLine(NamedTuple):
    """An entry of a pattern.

    Attributes:
        account_id: None for the merchant's account.
        amount: Which of the amounts, from 0.
        effect: +1 if it increases the balance, -1 if it decreases it.
        debit: +1 for an entry in debit, -1 for one in credit.
    """

    account_id: str | None
    amount: int
    effect: int
    debit: int


class Pattern:
    """What plain bookings of one kind have in common.

    Attributes:
        example: What the general path made of the first.
        lines: Two or four in the order of booking, each second one the contra entry of the one before.
        type_no: Of the type.
    """

    __slots__ = (
        *("_fee", "_fillings", "_kind", "_merchants", "_of_merchant", "_of_platform", "_template"),
        *("example", "lines", "type_no"),
    )

    def __init__(
        self,
        chart: Chart,
        example: Transaction,
        lines: Sequence[PlainLine],
        *,
        amounts: Sequence[str],
        make_template: MakeTemplate,
    ) -> None:
        self.example = example
        self.lines = tuple(lines)
        self.type_no = transaction_key.number_of(example.transaction_id)
        self._merchants: dict[bytes, PlainMerchant] = {}
        self._of_platform = [(line.account_id, line) for line in self.lines if line.account_id is not None]
        self._of_merchant = [line for line in self.lines if line.account_id is None]
        self._kind = chart.kinds[next(each.account_kind for each in example.entries if each.merchant_id is not None)]
        self._fee = next(((amounts.index(name), sign) for name, sign in _FEES.items() if name in amounts), None)
        gaps = [*_gaps(example, self.lines)]
        self._template = make_template(created_event(example, chart_name=chart.name), [gap for gap, _ in gaps])
        self._fillings = [filling for _, filling in gaps]

    def merchants(self, encoded: Sequence[bytes]) -> "list[PlainMerchant]":
        """Return what is always the same of merchants, by their ids as events have them."""
        merchants, meet = self._merchants, self._meet
        return [merchants.get(each) or meet(each) for each in encoded]

    def _meet(self, encoded: bytes) -> PlainMerchant:
        merchant_id = decode_string(encoded, 1)
        if len(self._merchants) >= MERCHANTS_MAX:
            self._merchants.clear()
        account = account_id(self._kind, merchant_id, self.example.currency_code)
        found = PlainMerchant(account, encode_string(account), slot_of(merchant_id))
        self._merchants[encoded] = found
        return found

    @property
    def platform_accounts(self) -> set[str]:
        """The ids of the platform's accounts in it."""
        return {account_id for account_id, _ in self._of_platform}

    def effects_on_merchants(self, amounts: Sequence[Sequence[int]]) -> list[int]:
        """Return what each booking does to the balance of its merchant's account; amounts are in columns."""
        columns = [(line.effect, amounts[line.amount]) for line in self._of_merchant]
        return [sum(effects) for effects in zip(*([e * a for a in column] for e, column in columns), strict=True)]

    def effects_on_platform(self, totals: Sequence[int]) -> dict[str, int]:
        """Return what bookings do to the balances of the platform's accounts, by the totals of their amounts."""
        return self._summed(totals, attrgetter("effect"))

    def debits(self, totals: Sequence[int]) -> dict[str, int]:
        """Return by how much their debits exceed their credits on the platform's accounts."""
        return self._summed(totals, attrgetter("debit"))

    def _summed(self, totals: Sequence[int], sign: Callable[[PlainLine], int]) -> dict[str, int]:
        sums: dict[str, int] = defaultdict(int)
        for account, line in self._of_platform:
            sums[account] += sign(line) * totals[line.amount]
        return sums

    def told(self, plain: "PlainBookings", *, event_ids: Sequence[bytes], recorded_at: bytes) -> list[bytes]:
        """Return the bodies of the TransactionCreated of bookings of this pattern.

        Args:
            plain: The bookings.
            event_ids: Their event_ids, of 36 letters each.
            recorded_at: When they were booked, encoded.
        """
        columns = plain.columns
        amounts = [[*map(encode_long, column)] for column in columns.amounts]
        fees: Iterable[bytes] = repeat(b"\0")
        if self._fee is not None:
            number, sign = self._fee
            fees = amounts[number] if sign > 0 else [encode_long(-amount) for amount in columns.amounts[number]]
        filling: dict[str, Iterable[bytes]] = {
            "event_id": event_ids,
            "occurred_at": columns.occurred_at,
            "recorded_at": repeat(recorded_at),
            "merchant_id": columns.merchant_id,
            "correlation_id": columns.correlation_id,
            "causation_id": columns.causation_id,
            "actor": columns.actor,
            "transaction_id": plain.digits,
            "related_no": columns.related,
            "root_reference": columns.roots,
            "amount_minor": map(encode_long, columns.principals),
            "account_id": [merchant.encoded for merchant in plain.merchants],
            "channel": columns.channel,
            "channel_reference": columns.channel_reference,
            "fee_minor": fees,
        }
        return self._template.fill_all(
            [amounts[each] if isinstance(each, int) else filling[each] for each in self._fillings]
        )


@dataclass(slots=True, eq=False)
class PlainBookings:
    """Bookings to be made by one pattern, in columns.

    Attributes:
        digits: Of the ids of their transactions.
    """

    pattern: Pattern
    columns: PlainColumns
    digits: Sequence[bytes]
    merchants: Sequence[PlainMerchant]

    def __len__(self) -> int:
        """Return how many bookings there are."""
        return len(self.columns)

    @property
    def root_references(self) -> list[str]:
        """The root_reference of each."""
        prefix = self.pattern.example.root_reference[:LETTERS]
        return [prefix + digits.decode() for digits in self.columns.roots]

    def first_needs(self, there: AbstractSet[str]) -> dict[str, int]:
        """Return the accounts that are missing, each with the place of the first of these bookings that needs it."""
        order = sorted(range(len(self)), key=self.columns.ats.__getitem__)
        needs = dict.fromkeys(self.pattern.platform_accounts - there, order[0])
        missing = [merchant.account_id not in there for merchant in self.merchants]
        if any(missing):
            for place in order:
                if missing[place]:
                    needs.setdefault(self.merchants[place].account_id, place)
        return needs

    def opened(self, chart: Chart, account_id: str, place: int, *, now: datetime) -> Account:
        """Make an account that the booking at a place needs, opened now."""
        example = self.pattern.example
        if account_id in self.pattern.platform_accounts:
            return opened(chart, example, account_id, now=now)
        of_example = next(entry for entry in example.entries if entry.merchant_id is not None)
        account = opened(chart, example, of_example.account_id, now=now)
        merchant_id = decode_string(self.columns.merchant_id[place], 1)
        return replace(account, account_id=account_id, merchant_id=merchant_id)

    def kept(self, flags: Sequence[object]) -> "PlainBookings":
        """Return those whose flags are true."""
        merchants = [*compress(self.merchants, flags)]
        return PlainBookings(self.pattern, self.columns.kept(flags), [*compress(self.digits, flags)], merchants)


def _gaps(example: Transaction, lines: Sequence[PlainLine]) -> Iterator[tuple[Gap, str | int]]:
    """Yield the gaps of a pattern's template, each with the name of what fills it, or the number of the amount."""
    ids = {"transaction_id": example.transaction_id, "related_no": example.related_no}
    ids |= {"root_reference": example.root_reference}
    begins = {name: encode_string(text)[: 1 + LETTERS] for name, text in ids.items()}
    begins |= {"event_id": _ID_LENGTH, "causation_id": b"\2", "channel": b"\2", "channel_reference": b"\2"}
    for name in _HEAD:
        # What is plain is effective when it occurred.
        yield Gap(name, begins.get(name, b"")), "occurred_at" if name == "effective_at" else name
    for at, line in enumerate(lines):
        if line.account_id is None:
            yield Gap(f"entries.{at}.account_id"), "account_id"
            yield Gap(f"entries.{at}.merchant_id"), "merchant_id"
        yield Gap(f"entries.{at}.amount_minor"), line.amount
    for name in _MOVED_BY if example.channel is not None else ():
        yield Gap(name, begins[name]), name
    yield Gap("fee_minor"), "fee_minor"
