"""What has not cleared: amounts on accounts that money only passes through, by what each belongs to. Pure.

What a journey put on an account it takes off again, so an amount belongs to its journey. What a channel owes is paid
by statements: a line takes its amount from the reference that it names, and gives it to its statement, which the
statement's closing empties. What a merchant owes is paid off by whatever comes: the oldest debt first.

So whatever is left says where to look: at a reference of the channel, ledger and lines differ by that much; at a
statement, it is not paid yet, or short.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType

from paystream.accounting.v1.events import Entry, TransactionCreated
from paystream.channel.v1.events import ChannelOperation, ChannelOutcome, ChannelTransactionReported

CHANNEL_RECEIVABLE = "channel.receivable"
OWED_KINDS = ("merchant.receivable",)
"""Kinds of account that are paid off by whatever comes, first in, first out."""
BY_RELATED_NO = frozenset({"merchant.disputed", "channel.disputed"})
"""Kinds of which one journey may have several things under way, as the disputes of a payment."""

CLEARING_DAYS: Mapping[str, int] = MappingProxyType(
    {
        "suspense": 7,
        CHANNEL_RECEIVABLE: 5,
        "channel.disputed": 180,
        "merchant.receivable": 30,
        "merchant.withdrawing": 7,
        "merchant.disputed": 180,
        "merchant.reserve": 400,
    }
)
"""The kinds of account that money passes through, and within how many days, unless the settings say otherwise."""

_GIVES: Mapping[ChannelOperation, int] = MappingProxyType(
    {
        ChannelOperation.CAPTURE: 1,
        ChannelOperation.CAPTURE_REVERSED: -1,
        ChannelOperation.REFUND: -1,
        ChannelOperation.REFUND_RETURNED: 1,
        ChannelOperation.DISPUTE: -1,
        ChannelOperation.DISPUTE_REVERSED: 1,
    }
)
"""Which way a line moves what the channel pays by its statement; other operations move none of what it owes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnclearedEffect:
    """What a transaction or a line did to one amount.

    Attributes:
        merchant_id: Empty on accounts of the platform.
        reference: What the amount belongs to: a journey, a dispute, a statement, or a reference of a channel, as in
            `simulator/ch_1`.
        root_reference: The journey; empty where it is not known.
        amount_minor: In minor units, above 0 an increase of the account.
        effective_at: When.
    """

    account_kind: str
    merchant_id: str
    currency_code: str
    reference: str
    root_reference: str
    amount_minor: int
    effective_at: datetime

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What it is summed under."""
        return self.account_kind, self.merchant_id, self.currency_code, self.reference


def of_transaction(event: TransactionCreated) -> list[UnclearedEffect]:
    """Return what a transaction did to accounts that money passes through."""
    return [
        UnclearedEffect(
            account_kind=entry.account_kind,
            merchant_id=entry.merchant_id or "",
            currency_code=entry.currency_code,
            reference=_reference(event, entry),
            root_reference=event.root_reference,
            amount_minor=entry.effect * entry.amount_minor,
            effective_at=event.effective_at,
        )
        for entry in event.entries
        if entry.account_kind in CLEARING_DAYS
    ]


def of_line(event: ChannelTransactionReported) -> list[UnclearedEffect]:
    """Return what a line does to what the channel owes: from its reference to its statement, the sum stays."""
    gives = _GIVES.get(event.operation, 0)
    if event.outcome is not ChannelOutcome.SUCCEEDED or event.statement_id is None or not gives:
        return []
    moved_minor = gives * event.amount_minor
    places = (
        (of_channel(event.channel, event.channel_reference), "", -moved_minor),
        (event.statement_id, event.statement_id, moved_minor),
    )
    return [
        UnclearedEffect(
            account_kind=CHANNEL_RECEIVABLE,
            merchant_id="",
            currency_code=event.currency_code,
            reference=reference,
            root_reference=root_reference,
            amount_minor=amount_minor,
            effective_at=event.occurred_at,
        )
        for reference, root_reference, amount_minor in places
    ]


def summed(effects: list[UnclearedEffect]) -> list[UnclearedEffect]:
    """Sum effects by what they belong to, in the order of their keys; the earliest counts."""
    sums: dict[tuple[str, str, str, str], UnclearedEffect] = {}
    for effect in effects:
        other = sums.get(effect.key, effect)
        added = effect.amount_minor + (other.amount_minor if effect.key in sums else 0)
        sums[effect.key] = UnclearedEffect(
            account_kind=effect.account_kind,
            merchant_id=effect.merchant_id,
            currency_code=effect.currency_code,
            reference=effect.reference,
            root_reference=max(effect.root_reference, other.root_reference),
            amount_minor=added,
            effective_at=min(effect.effective_at, other.effective_at),
        )
    return [sums[key] for key in sorted(sums)]


def clearing_days(asked_for: Mapping[str, int]) -> dict[str, int]:
    """Return within how many days each kind clears: as the settings say, by kind or for all by `*`."""
    return {kind: asked_for.get(kind, asked_for.get("*", days)) for kind, days in CLEARING_DAYS.items()}


def due_time(since: datetime, account_kind: str, days: Mapping[str, int]) -> datetime:
    """Return until when what stands on an account since a time clears."""
    return since + timedelta(days=days[account_kind])


def of_channel(channel: str, channel_reference: str) -> str:
    """Return the name of what a channel calls by a reference."""
    return f"{channel}/{channel_reference}"


def _reference(event: TransactionCreated, entry: Entry) -> str:
    if entry.account_kind == CHANNEL_RECEIVABLE:
        return of_channel(event.channel or "", event.channel_reference) if event.channel_reference else event.related_no
    if entry.account_kind in OWED_KINDS:
        return event.related_no
    if entry.account_kind in BY_RELATED_NO and event.transaction_type.startswith("Dispute"):
        return event.related_no
    return event.root_reference
