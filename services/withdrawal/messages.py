"""Withdrawals on the wire: between messages and domain values."""

from paykit.base.config import Settings
from paykit.cause import Cause
from paykit.channels.attempt_messages import attempt_fields, reported
from paykit.channels.attempts import AttemptState, Evidence, EvidenceOutcome
from paykit.channels.unmatched_evidence import UnmatchedEvidence, UnmatchedEvidenceFilter
from paykit.merchants.labels import Labels
from paykit.reasons.stated_reason_messages import to_stated_reason
from paykit.serve import listing
from paykit.serve.timestamps import from_optional, to_timestamp
from paystream.common.v1 import money_pb2
from paystream.withdrawal.v1 import withdrawal_pb2 as pb
from services.withdrawal.commands.bank_account import ChangeBankAccount, CreateBankAccount
from services.withdrawal.commands.withdrawal import Cancel, CreateWithdrawal, Decide
from services.withdrawal.domain.allowance import Allowance, limit_of
from services.withdrawal.domain.attempt import PayoutAttempt
from services.withdrawal.domain.bank_account import BankAccount, BankAccountAction, BankAccountState
from services.withdrawal.domain.withdrawal import Withdrawal
from services.withdrawal.domain.withdrawal_state import WithdrawalAction, WithdrawalState
from services.withdrawal.store import BankAccountFilter, WithdrawalFilter

_STATES = {state: pb.WithdrawalState.Value(f"WITHDRAWAL_STATE_{state}") for state in WithdrawalState}
_FROM_STATES = {wire: state for state, wire in _STATES.items()}
_ATTEMPT_STATES: dict[AttemptState, pb.AttemptState.ValueType] = {
    state: pb.AttemptState.Value(f"ATTEMPT_STATE_{state}")
    for state in AttemptState
    if state is not AttemptState.ACTION_REQUIRED  # A payout waits for no payer.
}
_ACCOUNT_STATES = {state: pb.BankAccountState.Value(f"BANK_ACCOUNT_STATE_{state}") for state in BankAccountState}
_FROM_ACCOUNT_STATES = {wire: state for state, wire in _ACCOUNT_STATES.items()}
_BLOCKED_REASONS: dict[str | None, pb.BlockedReason.ValueType] = {
    None: pb.BLOCKED_REASON_UNSPECIFIED,
    **{name.removeprefix("BLOCKED_REASON_"): value for name, value in pb.BlockedReason.items()},
}
_OUTCOMES = {
    pb.BANK_OUTCOME_COMPLETED: EvidenceOutcome.SUCCEEDED,
    pb.BANK_OUTCOME_FAILED: EvidenceOutcome.FAILED,
    pb.BANK_OUTCOME_RETURNED: EvidenceOutcome.RETURNED,
}
_WIRE_OUTCOMES = {outcome: wire for wire, outcome in _OUTCOMES.items()}
_VERIFICATIONS = {
    pb.VERIFICATION_RESULT_VERIFIED: BankAccountAction.VERIFY,
    pb.VERIFICATION_RESULT_REFUSED: BankAccountAction.REFUSE,
}


def to_withdrawal(withdrawal: Withdrawal) -> pb.Withdrawal:
    """Make the resource."""
    return pb.Withdrawal(
        withdrawal_id=withdrawal.withdrawal_id,
        merchant_id=withdrawal.merchant_id,
        bank_account_id=withdrawal.bank_account_id,
        amount=money_pb2.Money(amount_minor=withdrawal.amount_minor, currency_code=withdrawal.currency_code),
        state=_STATES[withdrawal.state],
        approval_required=withdrawal.approval_required,
        requester=withdrawal.requester,
        note=withdrawal.note or "",
        bank_account_last_four=withdrawal.bank_account_last_four,
        submit_time=to_timestamp(withdrawal.submit_time) if withdrawal.submit_time else None,
        decider=withdrawal.decider or "",
        stated_reason=to_stated_reason(withdrawal.stated),
        funds_held=withdrawal.funds_held,
        channel=withdrawal.channel or "",
        channel_reference=withdrawal.channel_reference or "",
        failure_reason=withdrawal.failure_reason or "",
        failure_code=withdrawal.failure_code or "",
        return_code=withdrawal.return_code or "",
        contradicted=withdrawal.contradicted,
        returned_minor=withdrawal.returned_minor,
        taken_minor=withdrawal.taken_minor,
        blocked_reason=_BLOCKED_REASONS[withdrawal.blocked_reason],
        correlation_id=withdrawal.correlation_id,
        create_time=to_timestamp(withdrawal.create_time),
        update_time=to_timestamp(withdrawal.update_time),
        merchant_reference=withdrawal.labels.merchant_reference or "",
        metadata=withdrawal.labels.metadata_map(),
    )


def to_attempt(attempt: PayoutAttempt) -> pb.Attempt:
    """Make the resource."""
    return pb.Attempt(
        **attempt_fields(attempt),
        withdrawal_id=attempt.withdrawal_id,
        state=_ATTEMPT_STATES[attempt.state],
    )


def to_unmatched(kept: UnmatchedEvidence) -> pb.UnmatchedEvidence:
    """Make the resource."""
    amount = money_pb2.Money(amount_minor=kept.amount_minor, currency_code=kept.currency_code)
    return pb.UnmatchedEvidence(
        evidence_id=kept.evidence_id,
        attempt_id=kept.attempt_id,
        channel_reference=kept.channel_reference,
        outcome=_WIRE_OUTCOMES.get(kept.outcome, pb.BANK_OUTCOME_UNSPECIFIED),
        code=kept.failure_code,
        amount=amount if kept.amount_minor else None,
        create_time=to_timestamp(kept.create_time),
        refusal=kept.refusal,
    )


def to_account(account: BankAccount) -> pb.BankAccount:
    """Make the resource; the token stays here."""
    return pb.BankAccount(
        bank_account_id=account.bank_account_id,
        merchant_id=account.merchant_id,
        currency_code=account.currency_code,
        last_four=account.last_four,
        state=_ACCOUNT_STATES[account.state],
        stated_reason=to_stated_reason(account.stated),
        create_time=to_timestamp(account.create_time),
        update_time=to_timestamp(account.update_time),
    )


def to_balance(allowance: Allowance, *, currency_code: str, settings: Settings) -> pb.GetWithdrawableBalanceResponse:
    """Make the answer to GetWithdrawableBalance."""
    approval_limit_minor = limit_of(settings.withdrawal_approval_limits, currency_code)
    daily_limit_minor = limit_of(settings.withdrawal_daily_limits, currency_code)
    return pb.GetWithdrawableBalanceResponse(
        currency_code=currency_code,
        settled_minor=str(allowance.settled_minor),
        withdrawn_minor=str(allowance.withdrawn_minor),
        withdrawable_minor=str(allowance.withdrawable_minor),
        settlement_minor=str(allowance.settlement_minor),
        approval_limit_minor=approval_limit_minor,
        approval_left_minor=allowance.left_minor(approval_limit_minor),
        daily_limit_minor=daily_limit_minor,
        daily_left_minor=allowance.left_minor(daily_limit_minor),
    )


def from_create_withdrawal(
    request: pb.CreateWithdrawalRequest, settings: Settings, *, requester: str, cause: Cause
) -> CreateWithdrawal:
    """Read a withdrawal asked for; the request has been checked against its rules."""
    amount = request.amount
    return CreateWithdrawal(
        merchant_id=request.merchant_id,
        bank_account_id=request.bank_account_id,
        amount_minor=amount.amount_minor,
        currency_code=amount.currency_code,
        requester=requester,
        approval_limit_minor=limit_of(settings.withdrawal_approval_limits, amount.currency_code),
        daily_limit_minor=limit_of(settings.withdrawal_daily_limits, amount.currency_code),
        cause=cause,
        note=request.note or None,
        labels=Labels.of(request.merchant_reference, request.metadata),
    )


def from_decision(
    request: pb.ApproveWithdrawalRequest | pb.RejectWithdrawalRequest, *, decider: str | None, cause: Cause
) -> Decide:
    """Read a decision."""
    rejection = request if isinstance(request, pb.RejectWithdrawalRequest) else None
    return Decide(
        withdrawal_id=request.withdrawal_id,
        action=WithdrawalAction.REJECT if rejection else WithdrawalAction.APPROVE,
        decider=decider,
        reason=rejection.reason if rejection else "",
        cause=cause,
    )


def from_cancel(request: pb.CancelWithdrawalRequest, *, cause: Cause) -> Cancel:
    """Read which withdrawal is called off."""
    return Cancel(withdrawal_id=request.withdrawal_id, reason=request.reason, cause=cause)


def from_report(request: pb.ReportBankResultRequest) -> Evidence:
    """Read the bank's callback."""
    return reported(request, _OUTCOMES[request.outcome], code=request.code)


def from_list_withdrawals(request: pb.ListWithdrawalsRequest) -> WithdrawalFilter:
    """Read what ListWithdrawals selects."""
    return WithdrawalFilter(
        merchant_id=request.merchant_id or None,
        settlement_id=request.settlement_id or None,
        merchant_reference=request.merchant_reference or None,
        state=_FROM_STATES.get(request.state),
        blocked=request.blocked or None,
        create_time_min=from_optional(request, "create_time_min"),
        create_time_before=from_optional(request, "create_time_before"),
        currency_code=request.currency_code or None,
        amount_minor_min=request.amount_minor_min or None,
        amount_minor_max=request.amount_minor_max or None,
        bank_account_id=request.bank_account_id or None,
        channel_reference=request.channel_reference or None,
        update_time_min=from_optional(request, "update_time_min"),
        update_time_before=from_optional(request, "update_time_before"),
        oldest_first=listing.oldest_first(request),
    )


def from_list_unmatched(request: pb.ListUnmatchedEvidenceRequest) -> UnmatchedEvidenceFilter:
    """Read which evidence about no attempt to list."""
    return UnmatchedEvidenceFilter(
        attempt_id=request.attempt_id or None,
        channel_reference=request.channel_reference or None,
        currency_code=request.currency_code or None,
        amount_minor_min=request.amount_minor_min or None,
        amount_minor_max=request.amount_minor_max or None,
        create_time_min=from_optional(request, "create_time_min"),
        create_time_before=from_optional(request, "create_time_before"),
        oldest_first=listing.oldest_first(request),
    )


def from_list_waiting(
    request: pb.ListWithdrawalsToDecideRequest | pb.ListBlockedWithdrawalsRequest, *, blocked: bool | None = None
) -> WithdrawalFilter:
    """Read what a list of withdrawals that wait selects: the longest first, unless the newest are asked for first."""
    return WithdrawalFilter(
        merchant_id=request.merchant_id or None,
        settlement_id=None,
        merchant_reference=None,
        state=None,
        blocked=blocked,
        create_time_min=from_optional(request, "create_time_min"),
        create_time_before=from_optional(request, "create_time_before"),
        currency_code=request.currency_code or None,
        amount_minor_min=request.amount_minor_min or None,
        amount_minor_max=request.amount_minor_max or None,
        oldest_first=not listing.newest_first(request),
    )


def from_create_account(request: pb.CreateBankAccountRequest, *, cause: Cause) -> CreateBankAccount:
    """Read a bank account to register."""
    return CreateBankAccount(
        merchant_id=request.merchant_id,
        currency_code=request.currency_code,
        token=request.token,
        last_four=request.last_four,
        cause=cause,
    )


def from_verify(request: pb.VerifyBankAccountRequest, *, cause: Cause) -> ChangeBankAccount:
    """Read the result of a check."""
    action = _VERIFICATIONS[request.result]
    return ChangeBankAccount(bank_account_id=request.bank_account_id, action=action, cause=cause)


def from_disable(request: pb.DisableBankAccountRequest, *, cause: Cause) -> ChangeBankAccount:
    """Read which bank account is not to be used any more."""
    action = BankAccountAction.DISABLE
    return ChangeBankAccount(bank_account_id=request.bank_account_id, action=action, reason=request.reason, cause=cause)


def from_list_accounts(request: pb.ListBankAccountsRequest) -> BankAccountFilter:
    """Read what ListBankAccounts selects."""
    return BankAccountFilter(
        merchant_id=request.merchant_id,
        state=_FROM_ACCOUNT_STATES.get(request.state),
        currency_code=request.currency_code or None,
        create_time_min=from_optional(request, "create_time_min"),
        create_time_before=from_optional(request, "create_time_before"),
        update_time_min=from_optional(request, "update_time_min"),
        update_time_before=from_optional(request, "update_time_before"),
        oldest_first=listing.oldest_first(request),
    )
