"""A merchant's bank account: its states, and whether a withdrawal may go to it. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import TypedDict

from paykit import transitions
from paykit.cause import NO_CALL, CreatingCall
from paykit.clock import no_earlier
from paykit.errors import DomainError, Kind
from paykit.reasons.stated_reason import NOT_STATED, StatedReason
from paystream.withdrawal.v1 import events


class BankAccountState(StrEnum):
    """How far a bank account has come."""

    UNVERIFIED = "UNVERIFIED"
    VERIFIED = "VERIFIED"
    REFUSED = "REFUSED"
    DISABLED = "DISABLED"


class BankAccountAction(StrEnum):
    """What can happen to a bank account."""

    VERIFY = "VERIFY"
    REFUSE = "REFUSE"
    DISABLE = "DISABLE"


_S, _A = BankAccountState, BankAccountAction

TRANSITIONS: Mapping[tuple[BankAccountState, BankAccountAction], BankAccountState] = MappingProxyType(
    {
        (_S.UNVERIFIED, _A.VERIFY): _S.VERIFIED,
        (_S.UNVERIFIED, _A.REFUSE): _S.REFUSED,
        (_S.UNVERIFIED, _A.DISABLE): _S.DISABLED,
        (_S.VERIFIED, _A.DISABLE): _S.DISABLED,
        (_S.REFUSED, _A.DISABLE): _S.DISABLED,
        # The same result told again.
        (_S.VERIFIED, _A.VERIFY): _S.VERIFIED,
        (_S.REFUSED, _A.REFUSE): _S.REFUSED,
        (_S.DISABLED, _A.DISABLE): _S.DISABLED,
    }
)
"""The state after an action; a pair that is missing is illegal."""


class BankAccountNotFound(DomainError):
    """No bank account has this id, or it is another merchant's."""

    kind = Kind.NOT_FOUND
    reason = "BANK_ACCOUNT_NOT_FOUND"


class BankAccountExists(DomainError):
    """The merchant has a bank account with this token in this currency; metadata says which."""

    kind = Kind.ALREADY_EXISTS
    reason = "BANK_ACCOUNT_EXISTS"


class BankAccountNotVerified(DomainError):
    """Nothing is paid to a bank account in this state; metadata says which."""

    kind = Kind.FAILED_PRECONDITION
    reason = "BANK_ACCOUNT_NOT_VERIFIED"


class BankAccountCurrencyMismatch(DomainError):
    """The bank account takes another currency; metadata says which."""

    kind = Kind.INVALID_ARGUMENT
    reason = "BANK_ACCOUNT_CURRENCY_MISMATCH"


@dataclass(frozen=True, slots=True, kw_only=True)
class BankAccount:
    """A bank account; nothing more of its number is kept than the last four characters.

    Attributes:
        token: What a vault gave for it.
        stated: Why it was disabled.
        aggregate_version: From 1, +1 with every event.
        creating_call: Kept so that the same call creates nothing again.
    """

    bank_account_id: str
    merchant_id: str
    currency_code: str
    token: str
    last_four: str
    create_time: datetime
    update_time: datetime
    state: BankAccountState = BankAccountState.UNVERIFIED
    stated: StatedReason = NOT_STATED
    aggregate_version: int = 1
    creating_call: CreatingCall = NO_CALL


class BankAccountFacts(TypedDict):
    """The fields that all events of a bank account share."""

    occurred_at: datetime
    merchant_id: str
    aggregate_version: int
    bank_account_id: str
    currency_code: str
    last_four: str


def change(
    account: BankAccount, action: BankAccountAction, *, stated: StatedReason = NOT_STATED, now: datetime
) -> BankAccount:
    """Return a bank account after an action, DISABLE for a reason; one that repeats the last changes nothing.

    Raises:
        IllegalTransition: The action is not possible in this state.
    """
    state = transitions.next_state(TRANSITIONS, account.state, action, what="A bank account")
    if state is account.state:
        return account
    return replace(
        account,
        state=state,
        stated=stated,
        update_time=no_earlier(now, account.update_time),
        aggregate_version=account.aggregate_version + 1,
    )


def created(account: BankAccount) -> events.BankAccountCreated:
    """Return the event of a bank account just registered."""
    return events.BankAccountCreated(**_facts(account))


def changed_event(account: BankAccount) -> events.BankAccountVerified | events.BankAccountDisabled:
    """Return the event of a bank account's latest change."""
    if account.state is BankAccountState.VERIFIED:
        return events.BankAccountVerified(**_facts(account))
    return events.BankAccountDisabled(
        **_facts(account),
        refused=account.state is BankAccountState.REFUSED,
        stated_reason=account.stated.stated_reason,
    )


def _facts(account: BankAccount) -> BankAccountFacts:
    return {
        "occurred_at": account.update_time,
        "merchant_id": account.merchant_id,
        "aggregate_version": account.aggregate_version,
        "bank_account_id": account.bank_account_id,
        "currency_code": account.currency_code,
        "last_four": account.last_four,
    }


def not_found(bank_account_id: str) -> BankAccountNotFound:
    """Make the refusal that the merchant has no such bank account."""
    return BankAccountNotFound(
        "No bank account of the merchant has this id.", field="bank_account_id", bank_account_id=bank_account_id
    )


def require_payable(account: BankAccount | None, *, bank_account_id: str, merchant_id: str, currency_code: str) -> None:
    """Check that a withdrawal can go to a bank account. An account of None is unknown.

    Raises:
        BankAccountNotFound: The merchant has none with this id.
        BankAccountNotVerified: Nothing is paid to it in its state.
        BankAccountCurrencyMismatch: It takes another currency.
    """
    if account is None or account.merchant_id != merchant_id:
        raise not_found(bank_account_id)
    if account.state is not BankAccountState.VERIFIED:
        raise BankAccountNotVerified(
            f"The bank account is {account.state}.", field="bank_account_id", state=account.state
        )
    if account.currency_code != currency_code:
        raise BankAccountCurrencyMismatch(
            f"The bank account takes {account.currency_code}.",
            field="amount.currency_code",
            currency_code=account.currency_code,
        )
