"""Corrections: proposed by one person, decided by another, answered by the ledger."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import pytest

from paykit.base.four_eyes import SamePerson
from paykit.errors import IllegalTransition
from services.reconciliation.domain import correction as domain
from services.reconciliation.domain.correction import (
    TRANSITIONS,
    Booking,
    Correction,
    CorrectionAction,
    CorrectionState,
)

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
LATER = NOON + timedelta(minutes=5)
FEE = Booking(debit_account_kind="channel.fees", credit_account_kind="channel.receivable", amount_minor=30)


def proposed(booking: Booking | None = FEE, **changes: Any) -> Correction:
    given: dict[str, Any] = {
        "correction_id": "crp_1",
        "discrepancy_id": "dis_1",
        "currency_code": "USD",
        "reason": "the new tariff",
        "proposer": "ann",
        "now": NOON,
    }
    return domain.propose(booking, **given | changes)


def test_what_is_approved_waits_for_the_ledger_with_both_names() -> None:
    approved = domain.approve(proposed(), decider="bob", reason="so it is", now=LATER)
    assert (approved.state, approved.proposer, approved.decider) == (CorrectionState.APPROVED, "ann", "bob")
    assert (approved.reason, approved.decision_reason) == ("the new tariff", "so it is")
    assert (approved.create_time, approved.update_time) == (NOON, LATER)
    booked = domain.book(approved, transaction_id="txn_1", now=LATER)
    assert (booked.state, booked.transaction_id) == (CorrectionState.BOOKED, "txn_1")
    assert booked.booking == FEE


def test_what_the_ledger_refuses_says_why() -> None:
    approved = domain.approve(proposed(), decider="bob", reason=None, now=LATER)
    refused = domain.refuse(approved, refusal="CORRECTION_NOT_POSSIBLE", now=LATER)
    assert (refused.state, refused.refusal) == (CorrectionState.REFUSED, "CORRECTION_NOT_POSSIBLE")


def test_what_books_nothing_needs_no_ledger() -> None:
    explained = domain.approve(proposed(None), decider="bob", reason=None, now=LATER)
    assert (explained.state, explained.booking) == (CorrectionState.EXPLAINED, None)


@pytest.mark.parametrize("decider", ["ann", " ANN ", "\uff41nn", None])
@pytest.mark.parametrize("decide", [domain.approve, domain.reject])
def test_another_person_decides(decide: Any, decider: str | None) -> None:
    with pytest.raises(SamePerson):
        decide(proposed(), decider=decider, reason="no", now=LATER)


def test_who_proposes_has_a_name() -> None:
    with pytest.raises(SamePerson):
        proposed(proposer=None)


@pytest.mark.parametrize(("state", "action"), list(product(CorrectionState, CorrectionAction)))
def test_only_the_table_says_what_can_follow(state: CorrectionState, action: CorrectionAction) -> None:
    correction = replace(proposed(None if action is CorrectionAction.ACCEPT else FEE), state=state)
    acts: dict[CorrectionAction, Any] = {
        CorrectionAction.APPROVE: lambda: domain.approve(correction, decider="bob", reason=None, now=LATER),
        CorrectionAction.ACCEPT: lambda: domain.approve(correction, decider="bob", reason=None, now=LATER),
        CorrectionAction.REJECT: lambda: domain.reject(correction, decider="bob", reason=None, now=LATER),
        CorrectionAction.BOOK: lambda: domain.book(correction, transaction_id="txn_1", now=LATER),
        CorrectionAction.REFUSE: lambda: domain.refuse(correction, refusal="NO", now=LATER),
    }
    if (state, action) in TRANSITIONS:
        assert acts[action]().state is TRANSITIONS[state, action]
    else:
        with pytest.raises(IllegalTransition) as refused:
            acts[action]()
        assert refused.value.metadata == {"state": state, "action": action}
