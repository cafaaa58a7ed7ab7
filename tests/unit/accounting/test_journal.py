"""Manual journals and reversals: what callers may book, and what is refused and why."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from paykit.errors import CurrencyUnknown, DomainError, FieldInvalid
from paykit.merchants.standing import MerchantUnknown
from paykit.work import fold
from paystream.accounting.v1.events import Direction, Side
from services.accounting import store
from services.accounting.domain import chart
from services.accounting.domain import journal as journals
from services.accounting.domain import transaction as domain
from services.accounting.domain.journal import (
    AccountCurrencyMismatch,
    AccountKindInTransit,
    AccountKindUnknown,
    EntriesUnbalanced,
    Journal,
    JournalNeedsApproval,
    Leg,
    Reversal,
    ReversalNotReversible,
    TransactionNotReversible,
    TransactionTypeReserved,
)
from services.accounting.domain.transaction import Account, AccountNotFound, Transaction
from tests.unit.accounting.ledger import ALICE, BOB, CAUSE, NOON, credit, debit, journal

ASSET = store.load_chart("merchant_asset")
KINDS = ASSET.kinds
AVAILABLE_EUR = Account(
    account_id=chart.account_id(KINDS["merchant.available"], ALICE, "EUR"),
    account_kind="merchant.available",
    merchant_id=ALICE,
    currency_code="EUR",
    normal_side=Side.DEBIT,
    create_time=NOON,
)
ACCOUNTS = {AVAILABLE_EUR.account_id: AVAILABLE_EUR}
GOODWILL = (debit("merchant.settlement", 500, ALICE), credit("platform.fees", 500))


def book(asked: Journal) -> Transaction | DomainError:
    [result] = fold([asked], lambda item: journals.book(ASSET, item, accounts=ACCOUNTS, merchants={ALICE}, now=NOON))
    return result


def booked(asked: Journal) -> Transaction:
    made = book(asked)
    assert isinstance(made, Transaction)
    return made


def test_a_journal_keeps_who_and_why_and_is_its_own_root() -> None:
    made = booked(journal(*GOODWILL))
    assert (made.actor, made.reason) == ("ops", "Goodwill")
    assert (made.root_reference, made.related_no) == ("ticket-1", "ticket-1")
    assert made.transaction_id == domain.transaction_id("Adjustment", "ticket-1")
    assert (made.effective_at, made.amount_minor) == (NOON, 500)


def test_effects_follow_from_the_sides_of_the_chart() -> None:
    made = booked(journal(*GOODWILL))
    assert [(entry.account_kind, entry.effect) for entry in made.entries] == [
        ("merchant.settlement", +1),
        ("platform.fees", -1),
    ]


@pytest.mark.parametrize(
    ("legs", "merchant_id", "direction"),
    [
        (GOODWILL, ALICE, Direction.CREDIT),
        ((credit("merchant.settlement", 5, ALICE), debit("platform.fees", 5)), ALICE, Direction.DEBIT),
        ((credit("merchant.settlement", 5, ALICE), debit("merchant.available", 5, ALICE)), ALICE, None),
        ((debit("platform.fees", 5), credit("platform.income", 5)), None, None),
    ],
)
def test_the_direction_is_seen_from_the_one_merchant_concerned(
    legs: tuple[Leg, ...], merchant_id: str | None, direction: Direction | None
) -> None:
    made = booked(journal(*legs))
    assert (made.merchant_id, made.direction) == (merchant_id, direction)


def test_a_journal_between_two_merchants_concerns_no_single_one() -> None:
    legs = (credit("merchant.settlement", 5, ALICE), debit("merchant.settlement", 5, BOB))
    made = journals.book(ASSET, journal(*legs), accounts={}, merchants={ALICE, BOB}, now=NOON)
    assert isinstance(made, Transaction)
    assert (made.merchant_id, made.direction) == (None, None)


def test_an_account_can_be_named_by_its_id() -> None:
    by_id = Leg(side=Side.DEBIT, amount_minor=9, account_id=AVAILABLE_EUR.account_id)
    made = booked(journal(by_id, credit("platform.fees", 9), currency_code="EUR"))
    assert made.entries[0].account_kind == "merchant.available"
    assert made.entries[0].merchant_id == ALICE


@pytest.mark.parametrize(
    ("asked", "refusal", "field"),
    [
        (journal(*GOODWILL, transaction_type="PaymentSuccess"), TransactionTypeReserved, "transaction_type"),
        (journal(*GOODWILL, transaction_type="WithdrawalCreated"), TransactionTypeReserved, "transaction_type"),
        (journal(*GOODWILL, transaction_type="Reversal"), TransactionTypeReserved, "transaction_type"),
        (journal(*GOODWILL, currency_code="QQQ"), CurrencyUnknown, "currency_code"),
        (journal(GOODWILL[0], credit("platform.fees", 499)), EntriesUnbalanced, "entries"),
        (journal(*GOODWILL, effective_at=NOON + timedelta(microseconds=1)), FieldInvalid, "effective_time"),
        (
            journal(*[debit("platform.fees", 2**53 - 1)] * 2, *[credit("platform.income", 2**53 - 1)] * 2),
            FieldInvalid,
            "entries",
        ),
        (
            journal(debit("platform.profit", 5), GOODWILL[1]),
            EntriesUnbalanced,
            "entries",
        ),
        (
            journal(GOODWILL[0], credit("platform.profit", 500)),
            AccountKindUnknown,
            "entries[1].account_key.account_kind",
        ),
        (
            journal(debit("merchant.settlement", 500), GOODWILL[1]),
            AccountKindUnknown,
            "entries[0].account_key.merchant_id",
        ),
        (
            journal(GOODWILL[0], credit("platform.fees", 500, ALICE)),
            AccountKindUnknown,
            "entries[1].account_key.merchant_id",
        ),
        (
            journal(debit("merchant.settlement", 500, BOB), GOODWILL[1]),
            MerchantUnknown,
            "entries[0].account_key.merchant_id",
        ),
        (
            journal(Leg(side=Side.DEBIT, amount_minor=500, account_id="acc_" + "0" * 32), GOODWILL[1]),
            AccountNotFound,
            "entries[0].account_id",
        ),
        (
            journal(Leg(side=Side.DEBIT, amount_minor=500, account_id=AVAILABLE_EUR.account_id), GOODWILL[1]),
            AccountCurrencyMismatch,
            "entries[0].account_id",
        ),
    ],
)
def test_a_wrong_journal_is_refused_naming_the_field(asked: Journal, refusal: type, field: str) -> None:
    result = book(asked)
    assert isinstance(result, refusal)
    assert getattr(result, "field", None) == field


@pytest.mark.parametrize("kind", ["merchant.withdrawing", "merchant.disputed", "merchant.reserve", "channel.disputed"])
@pytest.mark.parametrize("transaction_type", ["Adjustment", "CorrectionWithdrawal"])
def test_what_waits_for_an_event_is_moved_by_no_journal(kind: str, transaction_type: str) -> None:
    liability = store.load_chart("psp_liability")
    owner = ALICE if kind.startswith("merchant.") else None
    asked = journal(debit(kind, 5, owner), credit("platform.fees", 5), transaction_type=transaction_type)
    with pytest.raises(AccountKindInTransit) as refused:
        journals.book(liability, asked, accounts={}, merchants={ALICE}, now=NOON)
    assert (refused.value.field, refused.value.metadata) == ("entries[0]", {"account_kind": kind})


def alone(asked: Journal, *, limit: int = 1_000, before: int = 0) -> None:
    journals.require_alone(booked(asked), limit_minor=limit, booked_minor=before)


def test_one_person_books_up_to_the_limit_of_a_day_alone() -> None:
    alone(journal(*GOODWILL), limit=500)
    alone(journal(*GOODWILL), before=500)
    with pytest.raises(JournalNeedsApproval) as refused:
        alone(journal(*GOODWILL), before=501)
    assert refused.value.metadata == {"limit_minor": "1000", "booked_minor": "501", "amount_minor": "500"}
    with pytest.raises(JournalNeedsApproval):
        alone(journal(*GOODWILL), limit=0)


@pytest.mark.parametrize(
    "asked",
    [
        journal(*GOODWILL, transaction_type="CorrectionFee"),
        journal(*GOODWILL, transaction_type="WriteOff"),
        journal(debit("suspense", 5), credit("platform.losses", 5)),
        journal(debit("merchant.settlement", 5, ALICE), credit("merchant.receivable", 5, ALICE)),
    ],
)
def test_corrections_and_what_is_owed_take_two_people_whatever_the_amount(asked: Journal) -> None:
    with pytest.raises(JournalNeedsApproval):
        alone(asked, limit=2**53 - 1)


def test_a_leaving_merchant_s_negative_settlement_becomes_a_debt_without_a_direction() -> None:
    made = booked(journal(debit("merchant.settlement", 320, ALICE), credit("merchant.receivable", 320, ALICE)))
    assert [(entry.account_kind, entry.effect) for entry in made.entries] == [
        ("merchant.settlement", +1),
        ("merchant.receivable", +1),
    ]
    assert made.direction is None


def reversal(**changes: Any) -> Reversal:
    given: dict[str, Any] = {"transaction_id": "txn_1", "reason": "Wrong", "effective_at": None, "cause": CAUSE}
    return Reversal(**(given | changes))


def test_a_reversal_turns_every_entry_over() -> None:
    original = booked(journal(*GOODWILL))
    made = journals.reverse(original, reversal(), now=NOON + timedelta(hours=1))
    assert [(each.account_kind, each.side, each.effect, each.amount_minor) for each in made.entries] == [
        ("merchant.settlement", Side.CREDIT, -1, 500),
        ("platform.fees", Side.DEBIT, +1, 500),
    ]
    assert [(entry.account_id) for entry in made.entries] == [entry.account_id for entry in original.entries]


def test_a_reversal_points_to_its_original_and_stays_in_its_journey() -> None:
    original = booked(journal(*GOODWILL))
    made = journals.reverse(original, reversal(), now=NOON + timedelta(hours=1))
    assert made.reverses_transaction_id == made.related_no == original.transaction_id
    assert (made.root_reference, made.merchant_id) == (original.root_reference, ALICE)
    assert (made.direction, made.effective_at) == (Direction.DEBIT, NOON + timedelta(hours=1))
    assert (made.actor, made.reason) == ("ops", "Wrong")


def test_a_reversal_is_not_reversed() -> None:
    made = journals.reverse(booked(journal(*GOODWILL)), reversal(), now=NOON)
    with pytest.raises(ReversalNotReversible):
        journals.reverse(made, reversal(), now=NOON)


@pytest.mark.parametrize("transaction_type", sorted(chart.EVENT_AMOUNTS))
def test_what_an_event_books_is_not_reversed_by_a_call(transaction_type: str) -> None:
    original = replace(booked(journal(*GOODWILL)), transaction_type=transaction_type)
    with pytest.raises(TransactionNotReversible) as refused:
        journals.reverse(original, reversal(), now=NOON)
    assert refused.value.metadata["transaction_type"] == transaction_type


@pytest.mark.parametrize("offset_s", [-1, 3601])
def test_a_reversal_is_dated_between_its_original_and_now(offset_s: int) -> None:
    asked = reversal(effective_at=NOON + timedelta(seconds=offset_s))
    with pytest.raises(FieldInvalid) as refused:
        journals.reverse(booked(journal(*GOODWILL)), asked, now=NOON + timedelta(hours=1))
    assert refused.value.field == "effective_time"
