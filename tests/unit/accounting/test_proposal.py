"""What one person proposes another decides, once."""

from datetime import timedelta

import pytest

from paykit.base.four_eyes import SamePerson
from paykit.cause import NO_CALL
from paykit.errors import IllegalTransition
from services.accounting import store
from services.accounting.domain import journal as journals
from services.accounting.domain import proposal as proposals
from services.accounting.domain.journal import Journal, Reversal
from services.accounting.domain.proposal import JournalDecision, JournalProposal, JournalProposalState
from tests.unit.accounting.ledger import ALICE, CAUSE, NOON, credit, debit, journal

LATER = NOON + timedelta(hours=1)
GOODWILL = journal(debit("merchant.settlement", 500, ALICE), credit("platform.fees", 500))
CHART = store.load_chart("merchant_asset")


def proposed(asked: Journal | Reversal = GOODWILL, proposer: str | None = "ann") -> JournalProposal:
    transaction = journals.book(CHART, GOODWILL, accounts={}, merchants={ALICE}, now=NOON)
    if isinstance(asked, Reversal):
        transaction = journals.reverse(transaction, asked, now=NOON)
    return proposals.propose(
        asked, transaction, proposal_id="jrp_1", proposer=proposer, creating_call=NO_CALL, now=NOON
    )


def decide(
    proposal: JournalProposal, decision: JournalDecision = JournalDecision.APPROVE, decider: str | None = "bob"
) -> JournalProposal:
    return proposals.decide(proposal, decision, decider=decider, reason="Seen", now=LATER)


def test_a_proposal_says_what_is_to_be_booked_and_by_whom() -> None:
    made = proposed()
    assert (made.state, made.proposer, made.decider) == (JournalProposalState.PROPOSED, "ann", None)
    assert (made.transaction_type, made.related_no, made.amount_minor) == ("Adjustment", "ticket-1", 500)
    assert made.asked(CAUSE) == GOODWILL


def test_a_reversal_is_proposed_by_what_it_reverses() -> None:
    reversal = Reversal(transaction_id="txn_1", reason="Wrong", effective_at=None, cause=CAUSE)
    made = proposed(reversal)
    assert (made.transaction_type, made.legs) == ("Reversal", ())
    assert made.asked(CAUSE) == Reversal(transaction_id=made.related_no, reason="Wrong", effective_at=None, cause=CAUSE)


@pytest.mark.parametrize(
    ("decision", "state"),
    [
        (JournalDecision.APPROVE, JournalProposalState.BOOKED),
        (JournalDecision.REJECT, JournalProposalState.REJECTED),
    ],
)
def test_another_person_decides_once(decision: JournalDecision, state: JournalProposalState) -> None:
    decided = decide(proposed(), decision)
    assert (decided.state, decided.decider, decided.decision_reason) == (state, "bob", "Seen")
    assert (decided.create_time, decided.update_time) == (NOON, LATER)
    for again in JournalDecision:
        with pytest.raises(IllegalTransition):
            decide(decided, again)


@pytest.mark.parametrize("decider", ["ann", "Ann", " ANN ", None])
@pytest.mark.parametrize("decision", [*JournalDecision])
def test_nobody_decides_what_they_proposed_however_they_write_their_name(
    decider: str | None, decision: JournalDecision
) -> None:
    with pytest.raises(SamePerson):
        decide(proposed(), decision, decider)


def test_who_has_no_name_proposes_nothing() -> None:
    with pytest.raises(SamePerson):
        proposed(proposer=None)
