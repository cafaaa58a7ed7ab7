"""Between the messages of accounting.proto and the domain."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from operator import attrgetter

from paykit.cause import Cause
from paykit.serve import listing
from paykit.serve.timestamps import from_optional, from_timestamp, to_timestamp
from paystream.accounting.v1 import accounting_pb2 as pb
from paystream.accounting.v1.events import Direction, Entry, Side
from services.accounting.commands.proposals import ProposeJournal
from services.accounting.domain.journal import Journal, Leg, Reversal
from services.accounting.domain.period import ClosePeriod, Period, PeriodState
from services.accounting.domain.proposal import JournalProposal, JournalProposalState
from services.accounting.domain.statement import Statement, StatementLine, TrialBalanceLine
from services.accounting.domain.transaction import Account, Transaction
from services.accounting.store import JournalProposalFilter

_SIDE = {Side.DEBIT: pb.SIDE_DEBIT, Side.CREDIT: pb.SIDE_CREDIT}
_FROM_SIDE = {number: side for side, number in _SIDE.items()}
_DIRECTION = {
    None: pb.DIRECTION_UNSPECIFIED,
    Direction.CREDIT: pb.DIRECTION_CREDIT,
    Direction.DEBIT: pb.DIRECTION_DEBIT,
}

_PROPOSAL_STATE = {
    JournalProposalState.PROPOSED: pb.JOURNAL_PROPOSAL_STATE_PROPOSED,
    JournalProposalState.BOOKED: pb.JOURNAL_PROPOSAL_STATE_BOOKED,
    JournalProposalState.REJECTED: pb.JOURNAL_PROPOSAL_STATE_REJECTED,
}
_FROM_PROPOSAL_STATE = {number: state for state, number in _PROPOSAL_STATE.items()}
_PERIOD_STATE = {PeriodState.PROPOSED: pb.PERIOD_STATE_PROPOSED, PeriodState.CLOSED: pb.PERIOD_STATE_CLOSED}


def from_create(request: pb.CreateTransactionRequest, cause: Cause, *, alone_limit_minor: int) -> Journal:
    """Read the journal that is asked for, and what one person may book alone."""
    return Journal(
        transaction_type=request.transaction_type,
        related_no=request.related_no,
        currency_code=request.currency_code,
        legs=tuple(_leg(entry) for entry in request.entries),
        reason=request.reason,
        effective_at=from_optional(request, "effective_time"),
        cause=cause,
        alone_limit_minor=alone_limit_minor,
    )


def from_propose(request: pb.ProposeJournalRequest, *, proposer: str | None, cause: Cause) -> ProposeJournal:
    """Read the journal or reversal that is proposed."""
    effective_at = from_optional(request, "effective_time")
    asked: Journal | Reversal
    if request.WhichOneof("content") == "reverses_transaction_id":
        asked = Reversal(
            transaction_id=request.reverses_transaction_id,
            reason=request.reason,
            effective_at=effective_at,
            cause=cause,
        )
    else:
        asked = Journal(
            transaction_type=request.journal.transaction_type,
            related_no=request.journal.related_no,
            currency_code=request.journal.currency_code,
            legs=tuple(_leg(entry) for entry in request.journal.entries),
            reason=request.reason,
            effective_at=effective_at,
            cause=cause,
        )
    return ProposeJournal(asked=asked, proposer=proposer)


def from_list_proposals(request: pb.ListJournalProposalsRequest) -> JournalProposalFilter:
    """Read which proposals are wanted."""
    return JournalProposalFilter(
        state=_FROM_PROPOSAL_STATE.get(request.state),
        proposer=request.proposer or None,
        transaction_type=request.transaction_type or None,
        currency_code=request.currency_code or None,
        create_time_min=from_optional(request, "create_time_min"),
        create_time_before=from_optional(request, "create_time_before"),
        update_time_min=from_optional(request, "update_time_min"),
        update_time_before=from_optional(request, "update_time_before"),
        oldest_first=listing.oldest_first(request),
    )


def from_list_periods(request: pb.ListPeriodsRequest) -> PeriodState | None:
    """Read of which state periods are wanted; None for all."""
    return next((state for state, number in _PERIOD_STATE.items() if number == request.state), None)


def from_close(request: pb.ClosePeriodRequest, *, person: str | None) -> ClosePeriod:
    """Read which period is to be closed."""
    return ClosePeriod(end_at=from_timestamp(request.end_time), reason=request.reason, person=person)


def to_proposal(proposal: JournalProposal) -> pb.JournalProposal:
    """Write a proposed journal."""
    return pb.JournalProposal(
        proposal_id=proposal.proposal_id,
        state=_PROPOSAL_STATE[proposal.state],
        transaction_type=proposal.transaction_type,
        related_no=proposal.related_no,
        currency_code=proposal.currency_code,
        amount_minor=proposal.amount_minor,
        entries=[_to_journal_entry(leg) for leg in proposal.legs],
        effective_time=to_timestamp(proposal.effective_at) if proposal.effective_at else None,
        reverses_transaction_id=proposal.reverses_transaction_id or "",
        reason=proposal.reason,
        proposer=proposal.proposer,
        decider=proposal.decider or "",
        decision_reason=proposal.decision_reason or "",
        transaction_id=proposal.transaction_id or "",
        create_time=to_timestamp(proposal.create_time),
        update_time=to_timestamp(proposal.update_time),
    )


def to_period(period: Period) -> pb.Period:
    """Write a period."""
    return pb.Period(
        period_id=period.period_id,
        end_time=to_timestamp(period.end_at),
        state=_PERIOD_STATE[period.state],
        proposer=period.proposer,
        closer=period.closer or "",
        reason=period.reason,
        create_time=to_timestamp(period.create_time),
        update_time=to_timestamp(period.update_time),
    )


def from_reverse(request: pb.ReverseTransactionRequest, cause: Cause, *, alone_limits: Mapping[str, int]) -> Reversal:
    """Read the reversal that is asked for, and what one person may book alone."""
    return Reversal(
        transaction_id=request.transaction_id,
        reason=request.reason,
        effective_at=from_optional(request, "effective_time"),
        cause=cause,
        alone_limits=alone_limits,
    )


def to_transaction(transaction: Transaction) -> pb.Transaction:
    """Write a transaction with its entries."""
    return pb.Transaction(
        transaction_id=transaction.transaction_id,
        transaction_type=transaction.transaction_type,
        related_no=transaction.related_no,
        root_reference=transaction.root_reference,
        merchant_id=transaction.merchant_id or "",
        direction=_DIRECTION[transaction.direction],
        amount_minor=transaction.amount_minor,
        currency_code=transaction.currency_code,
        effective_time=to_timestamp(transaction.effective_at),
        create_time=to_timestamp(transaction.create_time),
        reverses_transaction_id=transaction.reverses_transaction_id or "",
        actor=transaction.actor or "",
        reason=transaction.reason or "",
        occurred_time=to_timestamp(transaction.occurred_at) if transaction.occurred_at else None,
        entries=[_to_entry(entry) for entry in transaction.entries],
    )


def to_account(account: Account) -> pb.Account:
    """Write an account."""
    return pb.Account(
        account_id=account.account_id,
        account_kind=account.account_kind,
        merchant_id=account.merchant_id or "",
        currency_code=account.currency_code,
        normal_side=_SIDE[account.normal_side],
        create_time=to_timestamp(account.create_time),
    )


def to_statement(
    statement: Statement, lines: Sequence[pb.StatementLine], next_page_token: str
) -> pb.ListEntriesResponse:
    """Write a page of a statement."""
    return pb.ListEntriesResponse(
        account=to_account(statement.account),
        opening_balance_minor=str(statement.opening_balance_minor),
        closing_balance_minor=str(statement.closing_balance_minor),
        lines=lines,
        next_page_token=next_page_token,
    )


def to_line(line: StatementLine) -> pb.StatementLine:
    """Write a line of a statement."""
    return pb.StatementLine(
        transaction_id=line.transaction_id,
        transaction_type=line.transaction_type,
        related_no=line.related_no,
        line=line.line,
        side=_SIDE[line.side],
        effect=line.effect,
        amount_minor=line.amount_minor,
        effective_time=to_timestamp(line.effective_at),
        running_balance_minor=str(line.running_balance_minor),
    )


def to_trial_balances(lines: Sequence[TrialBalanceLine]) -> list[pb.TrialBalance]:
    """Write trial balances; the lines come ordered by currency."""
    return [
        _to_trial_balance(currency_code, list(group))
        for currency_code, group in groupby(lines, key=attrgetter("currency_code"))
    ]


def _to_trial_balance(currency_code: str, lines: Sequence[TrialBalanceLine]) -> pb.TrialBalance:
    return pb.TrialBalance(
        currency_code=currency_code,
        lines=[
            pb.TrialBalanceLine(
                account_kind=line.account_kind,
                debit_minor=str(line.debit_minor),
                credit_minor=str(line.credit_minor),
            )
            for line in lines
        ],
        debit_total_minor=str(sum(line.debit_minor for line in lines)),
        credit_total_minor=str(sum(line.credit_minor for line in lines)),
    )


def _leg(entry: pb.JournalEntry) -> Leg:
    by_id = entry.WhichOneof("account") == "account_id"
    return Leg(
        side=_FROM_SIDE[entry.side],
        amount_minor=entry.amount_minor,
        account_id=entry.account_id if by_id else None,
        account_kind=None if by_id else entry.account_key.account_kind,
        merchant_id=None if by_id else entry.account_key.merchant_id or None,
    )


def _to_journal_entry(leg: Leg) -> pb.JournalEntry:
    if leg.account_id is not None:
        return pb.JournalEntry(account_id=leg.account_id, side=_SIDE[leg.side], amount_minor=leg.amount_minor)
    key = pb.AccountKey(account_kind=leg.account_kind or "", merchant_id=leg.merchant_id or "")
    return pb.JournalEntry(account_key=key, side=_SIDE[leg.side], amount_minor=leg.amount_minor)


def _to_entry(entry: Entry) -> pb.Entry:
    return pb.Entry(
        account_id=entry.account_id,
        account_kind=entry.account_kind,
        merchant_id=entry.merchant_id or "",
        side=_SIDE[entry.side],
        effect=entry.effect,
        amount_minor=entry.amount_minor,
    )
