"""Bank accounts as callers ask for them."""

from collections.abc import Sequence
from dataclasses import dataclass

from paykit.errors import DomainError
from paykit.ids import new_id
from paykit.merchants import standing as merchants
from paykit.money import currency_refusal
from paykit.postgres.database import Tx
from paystream.merchant.v1.events import MerchantStatus
from services.withdrawal.domain import bank_account
from services.withdrawal.domain.bank_account import BankAccount, BankAccountAction, BankAccountExists
from services.withdrawal.store import bank_accounts as bank_account_store
from services.withdrawal.store import merchants as merchant_store
from services.withdrawal.store.merchants import Merchant


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateBankAccount:
    """A bank account to register."""

    merchant_id: str
    currency_code: str
    token: str
    last_four: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeBankAccount:
    """What is to happen to a bank account."""

    bank_account_id: str
    action: BankAccountAction


async def create_bank_accounts(tx: Tx, items: Sequence[CreateBankAccount]) -> list[BankAccount | DomainError]:
    """Register bank accounts; a token in use is refused, also within the batch.

    Refusals: CurrencyUnknown, MerchantUnknown, MerchantSuspended, BankAccountExists.
    """
    known = await merchant_store.merchants_by_id(tx, [item.merchant_id for item in items])
    results = [_refusal(item, known) or _new_account(tx, item) for item in items]
    made = [result for result in results if isinstance(result, BankAccount)]
    inserted = await bank_account_store.insert_accounts(tx, made)
    left_out = [account for account in made if account.bank_account_id not in inserted]
    holders = await bank_account_store.holders_of_tokens(tx, left_out) if left_out else {}
    refused = {account.bank_account_id: _exists(account, holders) for account in left_out}
    return [refused.get(r.bank_account_id, r) if isinstance(r, BankAccount) else r for r in results]


async def change_bank_accounts(tx: Tx, items: Sequence[ChangeBankAccount]) -> list[BankAccount | DomainError]:
    """Change bank accounts, in order. Refusals: BankAccountNotFound, IllegalTransition."""
    accounts = await bank_account_store.lock_accounts(tx, [item.bank_account_id for item in items])
    changed: set[str] = set()
    results: list[BankAccount | DomainError] = []
    for item in items:
        before = accounts.get(item.bank_account_id)
        try:
            after = bank_account.change(_required(before, item), item.action, now=tx.now)
        except DomainError as refusal:
            results.append(refusal)
            continue
        results.append(after)
        if after is not before:
            accounts[item.bank_account_id] = after
            changed.add(item.bank_account_id)
    await bank_account_store.update_accounts(tx, [accounts[i] for i in sorted(changed)])
    return results


def _required(account: BankAccount | None, item: ChangeBankAccount) -> BankAccount:
    if account is None:
        raise bank_account.not_found(item.bank_account_id)
    return account


def _refusal(item: CreateBankAccount, known: dict[str, Merchant]) -> DomainError | None:
    """Merchants that are not active yet may prepare; suspended ones may change nothing about where money goes."""
    merchant = known.get(item.merchant_id)
    may = merchant is not None and merchant.status is not MerchantStatus.SUSPENDED
    return currency_refusal(item.currency_code) or (
        None if may else merchants.refusal(item.merchant_id, merchant.status if merchant else None)
    )


def _new_account(tx: Tx, item: CreateBankAccount) -> BankAccount:
    return BankAccount(
        bank_account_id=new_id("bnk"),
        merchant_id=item.merchant_id,
        currency_code=item.currency_code,
        token=item.token,
        last_four=item.last_four,
        create_time=tx.now,
        update_time=tx.now,
    )


def _exists(account: BankAccount, holders: dict[tuple[str, str, str], str]) -> BankAccountExists:
    holder = holders[account.merchant_id, account.currency_code, account.token]
    return BankAccountExists("The merchant has a bank account with this token.", field="token", bank_account_id=holder)
