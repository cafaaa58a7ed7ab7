"""How a discrepancy can end, and what a correction of it books in either chart, worked out by hand."""

from typing import Any

import pytest

from paykit.errors import FieldInvalid
from paystream.channel.v1.events import ChannelOperation
from paystream.reconciliation.v1.events import DiscrepancyKind, EvidenceOperation, EvidenceOutcome
from services.reconciliation.domain import resolution as domain
from services.reconciliation.domain.correction import Booking
from services.reconciliation.domain.resolution import ContradictionDecidedElsewhere, DifferenceFacts, ResolutionAction

ASSET = frozenset({"merchant.settlement", "platform.income", "platform.fees", "platform.losses"})
LIABILITY = frozenset({"merchant.settlement", "channel.receivable", "channel.fees", "platform.bank", "platform.fees"})
CONFIRM, PROPOSE, EXPLAIN = ResolutionAction


def difference(kind: str = "AMOUNT_MISMATCH", operation: str | None = "CAPTURE", **changes: Any) -> DifferenceFacts:
    given: dict[str, Any] = {
        "carried_out": True,
        "attempt_id": "att_1",
        "expected_minor": 10_000,
        "reported_minor": 9_000,
        "expected_fee_minor": 25,
        "reported_fee_minor": 25,
    }
    known = None if operation is None else ChannelOperation(operation)
    return DifferenceFacts(kind=DiscrepancyKind(kind), operation=known, **given | changes)


@pytest.mark.parametrize(
    ("found", "actions"),
    [
        (difference(), (CONFIRM, PROPOSE, EXPLAIN)),
        (difference(attempt_id=None), (PROPOSE, EXPLAIN)),
        (difference(operation="DISPUTE"), (PROPOSE, EXPLAIN)),
        (difference(carried_out=False), (CONFIRM, EXPLAIN)),
        (difference("FEE_MISMATCH", reported_fee_minor=55), (PROPOSE, EXPLAIN)),
        (difference("CURRENCY_MISMATCH"), (CONFIRM, EXPLAIN)),
        (difference("MISSING_INTERNAL", expected_minor=None), (CONFIRM, EXPLAIN)),
        (difference("MISSING_INTERNAL", attempt_id=None), (EXPLAIN,)),
        (difference("MISSING_CHANNEL", reported_minor=None), (EXPLAIN,)),
        (difference("DUPLICATE"), (EXPLAIN,)),
        (difference(operation=None), (EXPLAIN,)),
    ],
)
def test_how_a_discrepancy_can_end(found: DifferenceFacts, actions: tuple[ResolutionAction, ...]) -> None:
    assert domain.possible(found) == actions


@pytest.mark.parametrize(
    ("operation", "carried_out", "proof"),
    [
        ("CAPTURE", True, ("CAPTURE", "SUCCEEDED")),
        ("CAPTURE", False, ("CAPTURE", "FAILED")),
        ("REFUND", True, ("REFUND", "SUCCEEDED")),
        ("PAY", False, ("PAY", "FAILED")),
        ("CAPTURE_REVERSED", True, ("CAPTURE", "FAILED")),
        ("REFUND_RETURNED", True, ("REFUND", "FAILED")),
        ("RETURN", True, ("PAY", "RETURNED")),
        ("RETURN", False, None),
        ("CAPTURE_REVERSED", False, None),
        ("DISPUTE", True, None),
        ("UNKNOWN", True, None),
    ],
)
def test_what_a_line_proves(operation: str, carried_out: bool, proof: tuple[str, str] | None) -> None:  # noqa: FBT001
    found = domain.line_evidence(difference("MISSING_INTERNAL", operation, carried_out=carried_out))
    wanted = None if proof is None else (EvidenceOperation(proof[0]), EvidenceOutcome(proof[1]))
    assert (found and (found.operation, found.outcome)) == wanted


# Each: what differs; debit, credit and amount in the chart of assets, then in the one of debts.
BOOKED = [
    # 90.00 came in the place of 100.00: 10.00 are lost.
    (
        difference(),
        ("platform.income", "platform.losses", 1_000),
        ("platform.losses", "channel.receivable", 1_000),
    ),
    # 110.00 came in the place of 100.00.
    (
        difference(reported_minor=11_000),
        ("platform.losses", "platform.income", 1_000),
        ("channel.receivable", "platform.losses", 1_000),
    ),
    # 90.00 were given back in the place of 100.00: 10.00 more are there.
    (
        difference(operation="REFUND"),
        ("platform.losses", "platform.income", 1_000),
        ("channel.receivable", "platform.losses", 1_000),
    ),
    # 101.00 were paid out in the place of 100.00, by the bank.
    (
        difference(operation="PAY", reported_minor=10_100),
        ("platform.income", "platform.losses", 100),
        ("platform.losses", "platform.bank", 100),
    ),
    # The channel kept 0.55 in the place of 0.25.
    (
        difference("FEE_MISMATCH", reported_fee_minor=55),
        ("platform.income", "platform.fees", 30),
        ("channel.fees", "channel.receivable", 30),
    ),
    # It kept nothing.
    (
        difference("FEE_MISMATCH", reported_fee_minor=0),
        ("platform.fees", "platform.income", 25),
        ("channel.receivable", "channel.fees", 25),
    ),
]


@pytest.mark.parametrize(("found", "in_assets", "in_debts"), BOOKED)
def test_what_a_correction_books_in_each_chart(
    found: DifferenceFacts, in_assets: tuple[str, str, int], in_debts: tuple[str, str, int]
) -> None:
    for kinds, wanted in ((ASSET, in_assets), (LIABILITY, in_debts)):
        booking = domain.booking(found, kinds)
        assert (booking.debit_account_kind, booking.credit_account_kind, booking.amount_minor) == wanted


@pytest.mark.parametrize(
    ("operation", "carried_out", "moves"),
    [("CAPTURE", True, True), ("CAPTURE", False, False), ("AUTHORIZE", True, False), (None, True, True)],
)
def test_what_moved_no_money_is_explained_by_one_person(operation: str, carried_out: bool, moves: bool) -> None:  # noqa: FBT001
    assert domain.moves_money(difference("MISSING_INTERNAL", operation, carried_out=carried_out)) is moves


@pytest.mark.parametrize(("operation", "service"), [("PAY", "withdrawal"), ("CAPTURE", "payment"), (None, "payment")])
def test_a_contradiction_is_decided_where_it_is(operation: str | None, service: str) -> None:
    known = None if operation is None else ChannelOperation(operation)
    domain.require_here(None, known)
    with pytest.raises(ContradictionDecidedElsewhere) as refused:
        domain.require_here("ctr_1", known)
    assert refused.value.metadata == {"service": service, "method": "ProposeResolution", "contradiction_id": "ctr_1"}


def test_people_may_name_other_accounts_that_corrections_move() -> None:
    booking = domain.booking(difference(), ASSET, accounts=("platform.fees", "platform.income"))
    assert booking == Booking(
        debit_account_kind="platform.fees", credit_account_kind="platform.income", amount_minor=1_000
    )


@pytest.mark.parametrize(
    ("accounts", "field"),
    [
        (("suspense", "platform.income"), "debit_account_kind"),
        (("platform.income", "merchant.settlement"), "credit_account_kind"),
        (("platform.income", ""), "credit_account_kind"),
        (("platform.income", "platform.income"), "credit_account_kind"),
    ],
)
def test_other_accounts_are_refused_by_name(accounts: tuple[str, str], field: str) -> None:
    with pytest.raises(FieldInvalid) as refused:
        domain.booking(difference(), ASSET, accounts=accounts)
    assert refused.value.field == field
