"""How a discrepancy can end: by its line as evidence, by a correction, or by a reason. Pure.

A contradiction of the money line is decided by the service that has it, and nowhere else.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from paykit.errors import DomainError, FieldInvalid, Kind
from paystream.channel.v1.events import ChannelOperation
from paystream.reconciliation.v1.events import DiscrepancyKind, EvidenceOperation, EvidenceOutcome
from services.reconciliation.domain.correction import Booking


class ResolutionAction(StrEnum):
    """What a person asks for."""

    CONFIRM_EVIDENCE = "CONFIRM_EVIDENCE"
    PROPOSE_CORRECTION = "PROPOSE_CORRECTION"
    EXPLAIN = "EXPLAIN"


class ResolutionActionNotPossible(DomainError):
    """The discrepancy cannot end like that; metadata says how it can."""

    kind = Kind.FAILED_PRECONDITION
    reason = "RESOLUTION_ACTION_NOT_POSSIBLE"


class ContradictionDecidedElsewhere(DomainError):
    """The discrepancy is a contradiction: metadata names service, method and contradiction_id where it is decided."""

    kind = Kind.FAILED_PRECONDITION
    reason = "CONTRADICTION_DECIDED_ELSEWHERE"


@dataclass(frozen=True, slots=True, kw_only=True)
class DifferenceFacts:
    """What a discrepancy is about, as far as its end depends on it.

    Attributes:
        operation: What the line says was done, or where no line is what the transaction did; None where not known.
        carried_out: Whether it was; what failed moves no money.
        attempt_id: The call that the line is about; None where no line is, or none is named.
        expected_minor, reported_minor: What is recorded, and what the line says; None on the side where nothing is.
        expected_fee_minor, reported_fee_minor: The channel's fee, likewise.
    """

    kind: DiscrepancyKind
    operation: ChannelOperation | None
    carried_out: bool
    attempt_id: str | None
    expected_minor: int | None
    reported_minor: int | None
    expected_fee_minor: int | None
    reported_fee_minor: int | None


@dataclass(frozen=True, slots=True)
class LineEvidence:
    """What a line proves of a call to a channel."""

    operation: EvidenceOperation
    outcome: EvidenceOutcome


_O, _E, _R = ChannelOperation, EvidenceOperation, EvidenceOutcome

_PROVES: Mapping[ChannelOperation, tuple[EvidenceOperation, EvidenceOutcome]] = MappingProxyType(
    {
        _O.AUTHORIZE: (_E.AUTHORIZE, _R.SUCCEEDED),
        _O.CAPTURE: (_E.CAPTURE, _R.SUCCEEDED),
        _O.CANCEL: (_E.CANCEL, _R.SUCCEEDED),
        _O.REFUND: (_E.REFUND, _R.SUCCEEDED),
        _O.PAY: (_E.PAY, _R.SUCCEEDED),
        _O.CAPTURE_REVERSED: (_E.CAPTURE, _R.FAILED),
        _O.REFUND_RETURNED: (_E.REFUND, _R.FAILED),
        _O.RETURN: (_E.PAY, _R.RETURNED),
    }
)
"""What a line of an operation that was carried out proves; others are about no call."""

_COMES_IN = frozenset({_O.CAPTURE, _O.REFUND_RETURNED, _O.RETURN, _O.DISPUTE_REVERSED})
_GOES_OUT = frozenset({_O.CAPTURE_REVERSED, _O.REFUND, _O.PAY, _O.DISPUTE})
_OF_BANK = frozenset({_O.PAY, _O.RETURN})
_CONFIRMED = frozenset(
    {
        DiscrepancyKind.AMOUNT_MISMATCH,
        DiscrepancyKind.CURRENCY_MISMATCH,
        DiscrepancyKind.MISSING_INTERNAL,
        DiscrepancyKind.CONTRADICTED,
    }
)
"""Kinds of discrepancy whose line says what is not recorded."""

CORRECTABLE_KINDS = frozenset(
    {"channel.receivable", "channel.fees", "platform.bank", "platform.income", "platform.fees", "platform.losses"}
)
"""What the ledger lets corrections move: of no merchant, and nothing that waits for an event."""

_WITHOUT_CHANNELS = "platform.income"
"""What stands for all that is outside, in a chart without accounts of channels."""


def require_here(contradiction_id: str | None, operation: ChannelOperation | None) -> None:
    """Refuse a contradiction, saying where it is decided.

    Raises:
        ContradictionDecidedElsewhere: The discrepancy is one.
    """
    if contradiction_id is None:
        return
    service = "withdrawal" if operation in _OF_BANK else "payment"
    raise ContradictionDecidedElsewhere(
        f"It is decided in {service}: ProposeResolution, and another person's ApproveResolution.",
        service=service,
        method="ProposeResolution",
        contradiction_id=contradiction_id,
    )


def possible(difference: DifferenceFacts) -> tuple[ResolutionAction, ...]:
    """Return how a discrepancy that is no contradiction can end."""
    actions = []
    if line_evidence(difference) is not None:
        actions.append(ResolutionAction.CONFIRM_EVIDENCE)
    if loss_minor(difference):
        actions.append(ResolutionAction.PROPOSE_CORRECTION)
    return (*actions, ResolutionAction.EXPLAIN)


def not_possible(action: ResolutionAction, difference: DifferenceFacts) -> ResolutionActionNotPossible:
    """Refuse an action, and say which are possible."""
    choices = ",".join(possible(difference))
    return ResolutionActionNotPossible(
        f"A discrepancy of kind {difference.kind} cannot end by {action} here, but by {choices}.",
        field="action",
        possible=choices,
    )


def moves_money(difference: DifferenceFacts) -> bool:
    """Whether money moved that one side does not know: then two people explain it."""
    return difference.carried_out and difference.operation not in {_O.AUTHORIZE, _O.CANCEL}


def line_evidence(difference: DifferenceFacts) -> LineEvidence | None:
    """Return what the line proves of its call; None where it is about none, or says nothing that is not recorded."""
    if difference.kind not in _CONFIRMED or difference.attempt_id is None or difference.reported_minor is None:
        return None
    proof = _PROVES.get(difference.operation) if difference.operation is not None else None
    if proof is None:
        return None
    operation, outcome = proof
    if difference.carried_out:
        return LineEvidence(operation, outcome)
    # That an undoing failed says nothing of the call that it would have undone.
    return LineEvidence(operation, EvidenceOutcome.FAILED) if outcome is EvidenceOutcome.SUCCEEDED else None


def loss_minor(difference: DifferenceFacts) -> int:
    """Return what the platform lost by an amount or fee that differs; below 0 what it gained, 0 where none does."""
    if difference.kind is DiscrepancyKind.FEE_MISMATCH:
        return (difference.reported_fee_minor or 0) - (difference.expected_fee_minor or 0)
    if difference.kind is not DiscrepancyKind.AMOUNT_MISMATCH or not difference.carried_out:
        return 0
    more_minor = (difference.reported_minor or 0) - (difference.expected_minor or 0)
    return more_minor if difference.operation in _GOES_OUT else -more_minor if difference.operation in _COMES_IN else 0


def booking(difference: DifferenceFacts, kinds: Collection[str], *, accounts: tuple[str, str] | None = None) -> Booking:
    """Work out what a correction books, by the kinds of account that the ledger has.

    Args:
        difference: Of which something was lost or gained.
        kinds: That the ledger has told of.
        accounts: The kinds to debit and credit instead.

    Raises:
        FieldInvalid: One of the accounts is not one that corrections move, or both are the same.
    """
    loss = loss_minor(difference)
    if accounts is not None:
        debit, credit = _correctable(accounts)
        return Booking(debit_account_kind=debit, credit_account_kind=credit, amount_minor=abs(loss))
    debit, credit = _of_fee(kinds) if difference.kind is DiscrepancyKind.FEE_MISMATCH else _of_amount(difference, kinds)
    if loss < 0:
        debit, credit = credit, debit
    return Booking(debit_account_kind=debit, credit_account_kind=credit, amount_minor=abs(loss))


def _of_fee(kinds: Collection[str]) -> tuple[str, str]:
    """Return what is debited and credited for a fee that is higher than expected.

    In a chart without accounts of channels, money outside gets less, and with it what is left of the fees of merchants.
    """
    if "channel.receivable" in kinds:
        return "channel.fees", "channel.receivable"
    return _WITHOUT_CHANNELS, "platform.fees"


def _of_amount(difference: DifferenceFacts, kinds: Collection[str]) -> tuple[str, str]:
    """Return what is debited and credited for less money than expected."""
    if "channel.receivable" in kinds:
        return "platform.losses", "platform.bank" if difference.operation in _OF_BANK else "channel.receivable"
    return _WITHOUT_CHANNELS, "platform.losses"


def _correctable(accounts: tuple[str, str]) -> tuple[str, str]:
    for field, kind in zip(("debit_account_kind", "credit_account_kind"), accounts, strict=True):
        if kind not in CORRECTABLE_KINDS:
            raise FieldInvalid(f"No correction moves {kind or 'no account'}.", field=field)
    if accounts[0] == accounts[1]:
        raise FieldInvalid(f"{accounts[0]} would be debited and credited.", field="credit_account_kind")
    return accounts
