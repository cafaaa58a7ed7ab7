"""Bank accounts as callers ask for them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from paykit.cause import NO_CALL, Cause, CreatingCall
from paykit.errors import DomainError
from paykit.ids import new_id
from paykit.merchants import projection, standing
from paykit.merchants.standing import STOPPED, MerchantStanding
from paykit.money import require_known_currency
from paykit.postgres.database import Tx
from paykit.reasons.stated_reason import NOT_STATED, StatedReason
from paykit.work import Rows, fold, kept
from services.withdrawal import domain, store
from services.withdrawal.domain.bank_account import BankAccount, BankAccountAction, BankAccountExists


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateBankAccount:
    """A bank account to register."""

    merchant_id: str
    currency_code: str
    token: str
    last_four: str
    cause: Cause
    creating_call: CreatingCall = NO_CALL


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeBankAccount:
    """What is to happen to a bank account; `reason` is why it is disabled."""

    bank_account_id: str
    action: BankAccountAction
    cause: Cause
    reason: str = ""


async def create_bank_accounts(tx: Tx, items: Sequence[CreateBankAccount]) -> list[BankAccount | DomainError]:
    """Register bank accounts; a token in use is refused, also within the batch. Emits BankAccountCreated for each.

    Refusals: CurrencyUnknown, MerchantUnknown, MerchantSuspended, MerchantFrozen, BankAccountExists.
    """
    standings = await projection.statuses(tx, {item.merchant_id for item in items})
    accounts = fold(items, lambda item: _create(tx, item, standings.get(item.merchant_id)))
    inserted = set(await store.bank_accounts.insert_unused(tx, kept(accounts)))
    tx.hold(*inserted)
    for item, account in zip(items, accounts, strict=True):
        if isinstance(account, BankAccount) and account.bank_account_id in inserted:
            tx.emit(domain.bank_account.created(account), cause=item.cause)
    left_out = [account for account in kept(accounts) if account.bank_account_id not in inserted]
    if not left_out:
        return accounts
    holders = await store.bank_accounts.holders_of_tokens(tx, left_out)
    return fold(accounts, lambda account: _inserted(account, inserted, holders))


async def change_bank_accounts(tx: Tx, items: Sequence[ChangeBankAccount]) -> list[BankAccount | DomainError]:
    """Change bank accounts, in order; emits BankAccountVerified or BankAccountDisabled for each change.

    Refusals: BankAccountNotFound, IllegalTransition.
    """
    accounts = await store.bank_accounts.lock(tx, [item.bank_account_id for item in items])
    results = fold(items, lambda item: _change(tx, item, accounts))
    await tx.save(accounts)
    return results


def _create(tx: Tx, item: CreateBankAccount, merchant: MerchantStanding | None) -> BankAccount:
    require_known_currency(item.currency_code)
    # Merchants that are not active yet may prepare, and those that leave are paid out; stopped ones may change nothing
    # about where money goes.
    if merchant is None or merchant in STOPPED:
        standing.require_active(item.merchant_id, merchant)
    return BankAccount(
        bank_account_id=new_id("bnk", of=item.merchant_id),
        merchant_id=item.merchant_id,
        currency_code=item.currency_code,
        token=item.token,
        last_four=item.last_four,
        creating_call=item.creating_call,
        create_time=tx.now,
        update_time=tx.now,
    )


def _inserted(
    account: BankAccount, inserted: Collection[str], holders: Mapping[tuple[str, str, str], str]
) -> BankAccount:
    if account.bank_account_id in inserted:
        return account
    holder = holders[account.merchant_id, account.currency_code, account.token]
    raise BankAccountExists("The merchant has a bank account with this token.", field="token", bank_account_id=holder)


def _change(tx: Tx, item: ChangeBankAccount, accounts: Rows[str, BankAccount]) -> BankAccount:
    account = accounts.require(item.bank_account_id, domain.bank_account.not_found)
    stated = StatedReason.of(item.reason, item.cause, now=tx.now) if item.reason else NOT_STATED
    changed = domain.bank_account.change(account, item.action, stated=stated, now=tx.now)
    if changed is account:
        return account
    tx.emit(domain.bank_account.changed_event(changed), cause=item.cause)
    return accounts.put(changed)
