"""Withdrawals as callers ask for them. What the ledger answers is in `hold`, what the bank answers in `evidence`."""

from collections.abc import Sequence
from dataclasses import dataclass

from paykit.cause import NO_CALL, Cause, CreatingCall
from paykit.errors import DomainError
from paykit.ids import new_id
from paykit.merchants import projection, standing
from paykit.merchants.labels import NO_LABELS, Labels
from paykit.merchants.references import TakenReferences, taken_references
from paykit.merchants.standing import MerchantStanding
from paykit.money import require_known_currency
from paykit.postgres.database import Tx
from paykit.reasons.stated_reason import StatedReason
from paykit.work import Rows, fold, kept
from services.withdrawal import domain, store
from services.withdrawal.commands import work
from services.withdrawal.commands.work import WithdrawalWork
from services.withdrawal.domain.allowance import ROLLING_DAY, Allowance, MerchantCurrency
from services.withdrawal.domain.bank_account import BankAccount
from services.withdrawal.domain.withdrawal import Withdrawal
from services.withdrawal.domain.withdrawal_state import WithdrawalAction


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateWithdrawal:
    """A withdrawal asked for.

    Attributes:
        requester: The caller's name.
        approval_limit_minor: Above it, together with what was accepted in the last 24 hours, a second person decides.
        daily_limit_minor: Of the merchant, in this currency.
        note: What the requester writes about it; None for nothing.
        withdrawal_id: The id that it gets; None for a new one.
    """

    merchant_id: str
    bank_account_id: str
    amount_minor: int
    currency_code: str
    requester: str
    approval_limit_minor: int
    daily_limit_minor: int
    cause: Cause
    note: str | None = None
    labels: Labels = NO_LABELS
    creating_call: CreatingCall = NO_CALL
    withdrawal_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decide:
    """Someone's decision on a withdrawal.

    Attributes:
        action: APPROVE or REJECT.
        decider: The caller's name; None for one without a name.
        reason: Of a rejection, why.
    """

    withdrawal_id: str
    action: WithdrawalAction
    decider: str | None
    cause: Cause
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancel:
    """A withdrawal to call off.

    Attributes:
        reason: Why, as the caller says.
    """

    withdrawal_id: str
    reason: str
    cause: Cause


@dataclass(frozen=True, slots=True, kw_only=True)
class _Payees:
    """Whom withdrawals asked for, or to be decided on, are to be paid to."""

    standings: dict[str, MerchantStanding]
    accounts: dict[str, BankAccount]


async def create_withdrawals(tx: Tx, items: Sequence[CreateWithdrawal]) -> list[Withdrawal | DomainError]:
    """Accept withdrawals, one after another under the lock of their allowances.

    Writes a withdrawal each, takes its amount off the allowance, and emits WithdrawalCreated. Refusals:
    CurrencyUnknown, MerchantUnknown, MerchantNotActive, MerchantSuspended, BankAccountNotFound, BankAccountNotVerified,
    BankAccountCurrencyMismatch, WithdrawalExceedsWithdrawable, WithdrawalLimitExceeded, MerchantReferenceTaken.
    """
    payees = await _payees(tx, [(item.merchant_id, item.bank_account_id) for item in items])
    payable = fold(items, lambda item: _payable(item, payees))
    allowances = await _lock_allowances(tx, kept(payable))
    wanted = [(item.merchant_id, item.labels.merchant_reference) for item in kept(payable)]
    references = await taken_references(tx, store.withdrawals, wanted)
    withdrawals = store.withdrawals.rows(tx)

    def create(item: CreateWithdrawal) -> Withdrawal:
        return _create(tx, item, payees, withdrawals=withdrawals, allowances=allowances, references=references)

    results = fold(payable, create)
    amounts = [((row.merchant_id, row.currency_code), row.amount_minor) for row in withdrawals.values()]
    await store.take_funds(tx, amounts)
    # Last, so that it may be left for the end of the transaction.
    await tx.save(withdrawals)
    return results


async def decide_withdrawals(tx: Tx, items: Sequence[Decide]) -> list[Withdrawal | DomainError]:
    """Approve or reject withdrawals, in order.

    Emits WithdrawalApproved, and queues the call to the bank; or WithdrawalRejected, and gives the amount back.
    Refusals: WithdrawalNotFound, SamePerson, NotHeldYet, IllegalTransition; and for an approval BankAccountNotVerified,
    MerchantNotActive, MerchantSuspended.
    """
    rows = work.begin(tx, await store.withdrawals.lock(tx, [item.withdrawal_id for item in items]))
    payees = await _payees(tx, [(row.merchant_id, row.bank_account_id) for row in rows.withdrawals.values()])
    results = fold(items, lambda item: _decide(rows, item, payees))
    await rows.save()
    return results


async def cancel_withdrawals(tx: Tx, items: Sequence[Cancel]) -> list[Withdrawal | DomainError]:
    """Call withdrawals off that were not handed to the bank, in order; emits WithdrawalCancelled, gives amounts back.

    Refusals: WithdrawalNotFound, NotHeldYet, IllegalTransition.
    """
    withdrawals = await store.withdrawals.lock(tx, [item.withdrawal_id for item in items])
    rows = work.begin(tx, withdrawals, await store.attempts.lock_of(tx, list(withdrawals)))
    results = fold(items, lambda item: _cancel(rows, item))
    await rows.save()
    return results


async def _payees(tx: Tx, pairs: Sequence[tuple[str, str]]) -> _Payees:
    """Read what is known of merchants and bank accounts."""
    return _Payees(
        standings=await projection.statuses(tx, {merchant_id for merchant_id, _ in pairs}),
        accounts=await store.bank_accounts.by_key(tx, [account_id for _, account_id in pairs]),
    )


def _payable(item: CreateWithdrawal, payees: _Payees) -> CreateWithdrawal:
    _require_payable(item, payees)
    return item


def _require_payable(item: CreateWithdrawal | Withdrawal, payees: _Payees) -> None:
    """Check that anything may be paid to this merchant's bank account."""
    require_known_currency(item.currency_code, field="amount.currency_code")
    standing.require_payable(item.merchant_id, payees.standings.get(item.merchant_id))
    domain.bank_account.require_payable(
        payees.accounts.get(item.bank_account_id),
        bank_account_id=item.bank_account_id,
        merchant_id=item.merchant_id,
        currency_code=item.currency_code,
    )


async def _lock_allowances(tx: Tx, items: Sequence[CreateWithdrawal]) -> dict[MerchantCurrency, Allowance]:
    if not items:
        return {}
    keys = {(item.merchant_id, item.currency_code) for item in items}
    await store.lock_allowances(tx, keys)
    return await store.read_allowances(tx, keys, since=tx.now - ROLLING_DAY)


def _create(
    tx: Tx,
    item: CreateWithdrawal,
    payees: _Payees,
    *,
    withdrawals: Rows[str, Withdrawal],
    allowances: dict[MerchantCurrency, Allowance],
    references: TakenReferences,
) -> Withdrawal:
    key = (item.merchant_id, item.currency_code)
    domain.allowance.require_withdrawable(
        allowances[key],
        amount_minor=item.amount_minor,
        currency_code=item.currency_code,
        daily_limit_minor=item.daily_limit_minor,
    )
    accepted = _accepted(tx, item, payees.accounts[item.bank_account_id], allowance=allowances[key])
    references.take(item.merchant_id, item.labels.merchant_reference, accepted.withdrawal_id)
    allowances[key] = domain.allowance.take(allowances[key], item.amount_minor)
    withdrawal = withdrawals.add(accepted)
    tx.emit(domain.withdrawal.created(withdrawal), cause=item.cause)
    return withdrawal


def _accepted(tx: Tx, item: CreateWithdrawal, account: BankAccount, *, allowance: Allowance) -> Withdrawal:
    approval_required = domain.allowance.needs_approval(
        allowance, amount_minor=item.amount_minor, approval_limit_minor=item.approval_limit_minor
    )
    return Withdrawal(
        withdrawal_id=item.withdrawal_id or new_id("wdr", of=item.merchant_id),
        merchant_id=item.merchant_id,
        bank_account_id=item.bank_account_id,
        destination_token=account.token,
        bank_account_last_four=account.last_four,
        amount_minor=item.amount_minor,
        currency_code=item.currency_code,
        approval_required=approval_required,
        requester=item.requester,
        correlation_id=item.cause.correlation_id,
        create_time=tx.now,
        update_time=tx.now,
        taken_minor=item.amount_minor,
        note=item.note,
        labels=item.labels,
        creating_call=item.creating_call,
    )


def _decide(rows: WithdrawalWork, item: Decide, payees: _Payees) -> Withdrawal:
    withdrawal = rows.withdrawals.require(item.withdrawal_id, domain.withdrawal.not_found)
    domain.withdrawal.require_decidable(withdrawal, item.action, decider=item.decider)
    if item.action is WithdrawalAction.REJECT:
        stated = StatedReason.of(item.reason, item.cause, now=rows.tx.now)
        decider = str(item.decider)
        rejected, event = domain.withdrawal.reject(withdrawal, decider=decider, stated=stated, now=rows.tx.now)
        rows.tx.emit(event, cause=item.cause)
        return rows.withdrawals.put(rejected)
    _require_payable(withdrawal, payees)
    return rows.approve(withdrawal, decider=item.decider, cause=item.cause)


def _cancel(rows: WithdrawalWork, item: Cancel) -> Withdrawal:
    withdrawal = rows.withdrawals.require(item.withdrawal_id, domain.withdrawal.not_found)
    domain.withdrawal.require_cancellable(withdrawal)
    stated = StatedReason.of(item.reason, item.cause, now=rows.tx.now)
    cancelled, event = domain.withdrawal.cancel(withdrawal, stated=stated, now=rows.tx.now)
    rows.never_send(cancelled, reason=cancelled.state)
    rows.tx.emit(event, cause=item.cause)
    return rows.withdrawals.put(cancelled)
