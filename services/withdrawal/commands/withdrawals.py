"""Withdrawals as callers ask for them. What the ledger answers is in `holds`, what the bank answers in `evidence`."""

from collections.abc import Sequence
from dataclasses import dataclass

from paykit.cause import Cause
from paykit.errors import DomainError
from paykit.ids import new_id
from paykit.merchants import standing as merchants
from paykit.money import currency_refusal
from paykit.postgres.database import Tx
from services.withdrawal.commands import folding
from services.withdrawal.commands.folding import Work
from services.withdrawal.domain import allowance, bank_account
from services.withdrawal.domain import withdrawal as domain
from services.withdrawal.domain.allowance import Allowance, Key
from services.withdrawal.domain.attempt import PAY, Attempt
from services.withdrawal.domain.bank_account import BankAccount
from services.withdrawal.domain.withdrawal import Withdrawal, WithdrawalAction
from services.withdrawal.store import bank_accounts as bank_account_store
from services.withdrawal.store import funds as funds_store
from services.withdrawal.store import merchants as merchant_store
from services.withdrawal.store import withdrawals as store
from services.withdrawal.store.merchants import Merchant

CHANNEL = "simulator"
"""The channel that withdrawals go through."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateWithdrawal:
    """A withdrawal asked for.

    Attributes:
        requester: The caller's name.
        approval_limit_minor: Above it, a second person decides.
        daily_limit_minor: Of the merchant, in this currency.
    """

    merchant_id: str
    bank_account_id: str
    amount_minor: int
    currency_code: str
    requester: str
    approval_limit_minor: int
    daily_limit_minor: int
    cause: Cause


@dataclass(frozen=True, slots=True, kw_only=True)
class Decide:
    """Someone's decision on a withdrawal.

    Attributes:
        action: APPROVE or REJECT.
        decider: The caller's name; None for one without a name.
    """

    withdrawal_id: str
    action: WithdrawalAction
    decider: str | None
    cause: Cause


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """What stands behind withdrawals asked for, or to be decided on."""

    merchants: dict[str, Merchant]
    accounts: dict[str, BankAccount]


async def create_withdrawals(tx: Tx, items: Sequence[CreateWithdrawal]) -> list[Withdrawal | DomainError]:
    """Accept withdrawals, one after another under the lock of their allowances.

    Writes a withdrawal each, takes its amount off the allowance, and emits WithdrawalCreated. Refusals:
    CurrencyUnknown, MerchantUnknown, MerchantNotActive, MerchantSuspended, BankAccountNotFound, BankAccountNotVerified,
    BankAccountCurrencyMismatch, WithdrawalExceedsWithdrawable, WithdrawalLimitExceeded.
    """
    known = await _known(tx, [(item.merchant_id, item.bank_account_id) for item in items])
    refusals = [_refusal(item, known) for item in items]
    wanted = [item for item, refusal in zip(items, refusals, strict=True) if refusal is None]
    left = await _lock_allowances(tx, wanted, known)
    results = [refusal or _create(tx, item, known, left) for item, refusal in zip(items, refusals, strict=True)]
    made = [(r, item.cause) for r, item in zip(results, items, strict=True) if isinstance(r, Withdrawal)]
    await store.insert_withdrawals(tx, [withdrawal for withdrawal, _ in made])
    await funds_store.take(tx, [((w.merchant_id, w.currency_code), w.amount_minor) for w, _ in made])
    for withdrawal, cause in made:
        tx.emit(domain.created(withdrawal), cause=cause)
    return results


async def decide_withdrawals(tx: Tx, items: Sequence[Decide]) -> list[Withdrawal | DomainError]:
    """Approve or reject withdrawals, in order.

    Emits WithdrawalApproved, and queues the call to the bank; or WithdrawalRejected, and gives the amount back.
    Refusals: WithdrawalNotFound, SamePerson, NotHeldYet, IllegalTransition; and for an approval BankAccountNotVerified,
    MerchantNotActive, MerchantSuspended.
    """
    work = await folding.lock(tx, [item.withdrawal_id for item in items])
    known = await _known(tx, [(w.merchant_id, w.bank_account_id) for w in work.withdrawals.values()])
    results = folding.fold(work, items, lambda item, before: _decide(tx, item, before, known, work))
    await folding.save(tx, work)
    return results


def approve(tx: Tx, work: Work, withdrawal: Withdrawal, *, decider: str | None, cause: Cause) -> None:
    """Approve a withdrawal and queue the call to the bank; emits WithdrawalApproved.

    Raises:
        IllegalTransition: The ledger does not hold the amount, or it was decided on before.
    """
    after, event = domain.approve(withdrawal, decider=decider, channel=CHANNEL, now=tx.now)
    work.put(after)
    work.attempts.append(_payout(after, cause, tx))
    tx.emit(event, cause=cause)


def submit(tx: Tx, work: Work, attempt: Attempt, *, cause: Cause) -> None:
    """Record that a withdrawal is being handed to the bank, as its attempt is; emits WithdrawalSubmitted.

    Raises:
        IllegalTransition: It has an attempt to send without being approved, which cannot be.
    """
    before = work.withdrawals[attempt.withdrawal_id]
    after, event = domain.submit(before, attempt_id=attempt.attempt_id, now=tx.now)
    work.put(after)
    tx.emit(event, cause=cause)


async def _known(tx: Tx, pairs: Sequence[tuple[str, str]]) -> _Known:
    """Read what is known of merchants and bank accounts."""
    return _Known(
        merchants=await merchant_store.merchants_by_id(tx, [merchant_id for merchant_id, _ in pairs]),
        accounts=await bank_account_store.accounts_by_id(tx, [account_id for _, account_id in pairs]),
    )


def _refusal(item: CreateWithdrawal | Withdrawal, known: _Known) -> DomainError | None:
    """Say what stands against paying anything to this merchant's bank account."""
    merchant = known.merchants.get(item.merchant_id)
    return (
        currency_refusal(item.currency_code, field="amount.currency_code")
        or merchants.refusal(item.merchant_id, merchant.status if merchant else None)
        or bank_account.refusal(
            known.accounts.get(item.bank_account_id),
            bank_account_id=item.bank_account_id,
            merchant_id=item.merchant_id,
            currency_code=item.currency_code,
        )
    )


async def _lock_allowances(tx: Tx, items: Sequence[CreateWithdrawal], known: _Known) -> dict[Key, Allowance]:
    if not items:
        return {}
    keys = {(item.merchant_id, item.currency_code) for item in items}
    await funds_store.lock_allowances(tx, keys)
    zones = {key: known.merchants[key[0]].time_zone for key in keys}
    return await funds_store.allowances(tx, {key: allowance.day_of(tx.now, zone) for key, zone in zones.items()})


def _create(tx: Tx, item: CreateWithdrawal, known: _Known, left: dict[Key, Allowance]) -> Withdrawal | DomainError:
    key = (item.merchant_id, item.currency_code)
    refusal = allowance.refusal(
        left[key],
        amount_minor=item.amount_minor,
        currency_code=item.currency_code,
        daily_limit_minor=item.daily_limit_minor,
    )
    if refusal is not None:
        return refusal
    left[key] = allowance.take(left[key], item.amount_minor)
    return Withdrawal(
        withdrawal_id=new_id("wdr"),
        merchant_id=item.merchant_id,
        bank_account_id=item.bank_account_id,
        destination_token=known.accounts[item.bank_account_id].token,
        amount_minor=item.amount_minor,
        currency_code=item.currency_code,
        approval_required=item.amount_minor > item.approval_limit_minor,
        requester=item.requester,
        correlation_id=item.cause.correlation_id,
        create_time=tx.now,
        update_time=tx.now,
    )


def _decide(tx: Tx, item: Decide, before: Withdrawal, known: _Known, work: Work) -> None:
    domain.require_decidable(before, item.action, decider=item.decider)
    if item.action is WithdrawalAction.REJECT:
        after, event = domain.reject(before, decider=str(item.decider), now=tx.now)
        work.put(after)
        tx.emit(event, cause=item.cause)
        return
    refusal = _refusal(before, known)
    if refusal is not None:
        raise refusal
    approve(tx, work, before, decider=item.decider, cause=item.cause)


def _payout(withdrawal: Withdrawal, cause: Cause, tx: Tx) -> Attempt:
    return Attempt(
        attempt_id=new_id("att"),
        withdrawal_id=withdrawal.withdrawal_id,
        action=PAY,
        channel=CHANNEL,
        amount_minor=withdrawal.amount_minor,
        currency_code=withdrawal.currency_code,
        traceparent=cause.traceparent,
        create_time=tx.now,
        update_time=tx.now,
    )
