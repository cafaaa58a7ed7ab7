"""The audit itself, on books made by hand: one that finds nothing wrong would prove nothing."""

from collections import Counter
from typing import Any

import pytest

from tests.e2e.model.audit import Audit


def audit(lines: dict[str, int], **balances: int) -> Audit:
    kinds = {kind: f"merchant.{kind}" for kind in ("settlement", "available", "withdrawing", "reserve", "receivable")}
    kinds |= {"fees": "platform.fees", "losses": "platform.losses", "suspense": "suspense"}
    return Audit(Counter(lines), Counter({kinds[kind]: balance for kind, balance in balances.items()}))


@pytest.mark.parametrize(
    ("lines", "balances"),
    [
        # Captured 100.00 for a fee of 3.20, of which 50.00 were paid out.
        ({"CAPTURE": 10_000, "PAY": 5_000}, {"settlement": 0, "available": 4_680, "fees": 320}),
        # All of it was paid out and then refunded: the merchant owes 100.00.
        ({"CAPTURE": 10_000, "PAY": 9_680, "REFUND": 10_000}, {"settlement": -10_000, "fees": 320}),
        # Paid twice, and one of the two is owed to the payer.
        ({"CAPTURE": 20_000}, {"settlement": 10_000, "suspense": -10_000}),
        # Refunded twice, which nobody was charged for yet, or which was written off.
        ({"CAPTURE": 20_000, "REFUND": 40_000}, {"suspense": 20_000}),
        ({"CAPTURE": 20_000, "REFUND": 40_000}, {"losses": 20_000}),
        # A payout of 200.00 came back less 15.00; another went out twice.
        ({"CAPTURE": 20_000, "PAY": 20_000, "RETURN": 18_500}, {"available": 18_500}),
        ({"CAPTURE": 20_000, "PAY": 40_000}, {"receivable": 20_000}),
        # Bounced, given back, held back and given again.
        ({"CAPTURE": 500, "CAPTURE_REVERSED": 500, "DISPUTE": 70, "DISPUTE_REVERSED": 70}, {}),
    ],
)
def test_books_that_tell_the_same_money_have_no_fault(lines: dict[str, int], balances: Any) -> None:
    assert audit(lines, **balances).faults() == []


@pytest.mark.parametrize(
    ("lines", "balances", "fault"),
    [
        # What was done twice stands in no book.
        ({"CAPTURE": 20_000, "REFUND": 40_000}, {}, "the ledger keeps 0, outside there are -20000"),
        ({"CAPTURE": 20_000}, {"settlement": 10_000}, "the ledger keeps 10000, outside there are 20000"),
        # More was paid out than there was, and nobody owes it.
        ({"CAPTURE": 20_000, "PAY": 40_000}, {}, "40000 were paid out, and only 20000 could be"),
        ({"CAPTURE": 300, "PAY": 300}, {"fees": 20}, "300 were paid out, and only 280 could be"),
    ],
)
def test_books_that_differ_have_one(lines: dict[str, int], balances: Any, fault: str) -> None:
    assert fault in [each.split(": ")[0] for each in audit(lines, **balances).faults()]


def test_what_an_open_dispute_took_above_what_was_left_is_in_no_book_yet() -> None:
    lines = {"CAPTURE": 10_000, "CAPTURE_REVERSED": 10_000, "DISPUTE": 4_000}
    assert audit(lines).faults()
    undecided = audit(lines)
    undecided.open_excess = 4_000
    assert undecided.faults() == []


def test_a_dispute_has_left_the_channel_and_stands_with_nobody() -> None:
    held = audit({"CAPTURE": 10_000, "DISPUTE": 4_000}, settlement=6_000)
    held.balances["merchant.disputed"] = 4_000
    assert (held.faults(), held.came, held.went_back, held.outstanding) == ([], 10_000, 4_000, 0)
