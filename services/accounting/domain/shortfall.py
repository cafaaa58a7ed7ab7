"""Where entries go as far as funds are short: decided by the balances, under their lock. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from paystream.accounting.v1.events import Entry
from services.accounting.domain.chart import EntryTemplate
from services.accounting.domain.transaction import Transaction

Shortfalls = Mapping[str, EntryTemplate]
"""By the account that may be short, the entry that takes the rest."""


def divide(transaction: Transaction, shortfalls: Shortfalls, spendable: Mapping[str, int]) -> Transaction:
    """Divide the entries of accounts that are short; `spendable` is what each has to spend, missing if nothing."""
    entries = tuple(part for entry in transaction.entries for part in _divided(entry, shortfalls, spendable))
    return replace(transaction, entries=entries)


def divided_as(booked: Transaction, asked: Transaction, shortfalls: Shortfalls) -> Transaction:
    """Divide what is asked for again as it was divided when it was booked."""
    spent = {
        entry.account_id: entry.amount_minor
        for entry in booked.entries
        if entry.effect < 0 and entry.account_id in shortfalls
    }
    return divide(asked, shortfalls, spent)


def _divided(entry: Entry, shortfalls: Shortfalls, spendable: Mapping[str, int]) -> Iterator[Entry]:
    rest = shortfalls.get(entry.account_id)
    if rest is None or entry.effect > 0:
        yield entry
        return
    spent = min(entry.amount_minor, max(0, spendable.get(entry.account_id, 0)))
    if spent:
        yield replace(entry, amount_minor=spent)
    if spent < entry.amount_minor:
        yield replace(
            entry,
            account_id=rest.account_id,
            account_kind=rest.account_kind,
            merchant_id=rest.merchant_id,
            side=rest.side,
            effect=rest.effect,
            amount_minor=entry.amount_minor - spent,
        )
