"""Corrections that two people decided, in both charts."""

from datetime import timedelta

import pytest

from paykit.errors import CurrencyUnknown, FieldInvalid, Kind
from paystream.accounting.v1.events import Side
from services.accounting import store
from services.accounting.domain import journal as journals
from services.accounting.domain import lifecycle
from services.accounting.domain.booking import book, rejected
from services.accounting.domain.correction import CORRECTABLE_KINDS, CorrectionNotPossible
from services.accounting.domain.journal import TransactionTypeReserved
from tests.unit.accounting.ledger import ALICE, NOON, correction, correction_id, credit, debit, journal

LATER = NOON + timedelta(seconds=2)
ASSET = store.load_chart("merchant_asset")
LIABILITY = store.load_chart("psp_liability")


def test_a_fee_of_0_30_more_leaves_what_the_channel_owes() -> None:
    transaction = book(LIABILITY, correction(debit="channel.fees", credit="channel.receivable"), LATER)
    assert transaction is not None
    assert [(e.account_kind, e.merchant_id, e.side, e.effect, e.amount_minor) for e in transaction.entries] == [
        ("channel.fees", None, Side.DEBIT, +1, 30),
        ("channel.receivable", None, Side.CREDIT, -1, 30),
    ]
    assert (transaction.transaction_type, transaction.related_no) == ("Correction", correction_id(1))
    assert (transaction.root_reference, transaction.merchant_id) == (f"dis_{1:032x}", None)
    assert (transaction.direction, transaction.amount_minor, transaction.currency_code) == (None, 30, "USD")
    assert (transaction.actor, transaction.reason) == ("bob", "the acquirer's new tariff")
    assert (transaction.effective_at, transaction.create_time) == (NOON, LATER)


def test_a_fee_of_0_30_more_lowers_fees_and_the_outside_where_merchants_accounts_are_assets() -> None:
    transaction = book(ASSET, correction(debit="platform.income", credit="platform.fees"), LATER)
    assert transaction is not None
    assert [(e.account_kind, e.side, e.effect) for e in transaction.entries] == [
        ("platform.income", Side.DEBIT, -1),
        ("platform.fees", Side.CREDIT, -1),
    ]


def test_what_happened_in_a_closed_period_is_corrected_in_the_first_moment_after_it() -> None:
    event = correction(debit="channel.fees", credit="channel.receivable")
    closed_through = NOON + timedelta(hours=1)
    transaction = book(LIABILITY, event, LATER, closed_through=closed_through)
    assert transaction is not None
    assert transaction.effective_at > closed_through
    assert transaction.occurred_at == NOON


@pytest.mark.parametrize(
    ("debit_kind", "credit_kind", "named"),
    [
        ("suspense", "channel.receivable", "suspense"),
        ("channel.fees", "channel.disputed", "channel.disputed"),
        ("merchant.settlement", "channel.receivable", "merchant.settlement"),
        ("merchant.withdrawing", "platform.bank", "merchant.withdrawing"),
        ("channel.fees", "platform.income", "platform.income"),  # The other chart's.
        ("channel.fees", "no.such", "no.such"),
        ("channel.fees", "channel.fees", "channel.fees"),
    ],
)
def test_other_accounts_are_refused_by_name(debit_kind: str, credit_kind: str, named: str) -> None:
    with pytest.raises(CorrectionNotPossible) as refused:
        book(LIABILITY, correction(debit=debit_kind, credit=credit_kind), LATER)
    assert (refused.value.kind, refused.value.metadata["account_kind"]) == (Kind.FAILED_PRECONDITION, named)


@pytest.mark.parametrize("amount_minor", [0, -30, 2**53])
def test_an_amount_that_is_none_is_impossible(amount_minor: int) -> None:
    event = correction(debit="channel.fees", credit="channel.receivable", amount_minor=amount_minor)
    with pytest.raises(FieldInvalid) as refused:
        book(LIABILITY, event, LATER)
    assert refused.value.field == "amount_minor"


def test_a_currency_that_is_none_is_impossible() -> None:
    event = correction(debit="channel.fees", credit="channel.receivable", currency_code="XXQ")
    with pytest.raises(CurrencyUnknown):
        book(LIABILITY, event, LATER)


def test_no_correction_moves_what_waits_for_an_event_or_is_a_merchants() -> None:
    assert CORRECTABLE_KINDS.isdisjoint(lifecycle.IN_TRANSIT)
    assert not {kind for kind in CORRECTABLE_KINDS if kind.startswith("merchant.")}
    assert ASSET.kinds.keys() | LIABILITY.kinds.keys() >= CORRECTABLE_KINDS


def test_callers_cannot_book_what_only_the_event_books() -> None:
    asked = journal(debit("merchant.settlement", 1, ALICE), credit("platform.fees", 1), transaction_type="Correction")
    with pytest.raises(TransactionTypeReserved):
        journals.book(ASSET, asked, accounts={}, merchants={ALICE}, now=NOON)


def test_a_refusal_names_the_correction() -> None:
    event = rejected(correction(debit="suspense", credit="channel.fees"), CorrectionNotPossible("no"))
    assert (event.transaction_type, event.related_no, event.reason) == (
        "Correction",
        correction_id(1),
        "CORRECTION_NOT_POSSIBLE",
    )
    assert (event.root_reference, event.merchant_id) == (f"dis_{1:032x}", None)
