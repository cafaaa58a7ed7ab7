"""The states of a bank account, and whether a withdrawal may go to it."""

import itertools
from functools import partial
from typing import Any

import pytest

from paykit.errors import DomainError, IllegalTransition
from paykit.reasons.stated_reason import StatedReason
from paystream.withdrawal.v1 import events
from services.withdrawal.domain import bank_account
from services.withdrawal.domain.bank_account import BankAccount, BankAccountAction, BankAccountState
from tests.unit.withdrawal.builders import BANK_ACCOUNT_ID, LATER, MERCHANT_ID, NOON
from tests.unit.withdrawal.builders import account as account_in

# Rows: the state; columns: VERIFY REFUSE DISABLE; "-" is illegal.
TABLE = """
UNVERIFIED  VERIFIED  REFUSED  DISABLED
VERIFIED    VERIFIED  -        DISABLED
REFUSED     -         REFUSED  DISABLED
DISABLED    -         -        DISABLED
"""
ACTIONS = ["VERIFY", "REFUSE", "DISABLE"]
CELLS = [
    (row[0], action, after)
    for row in (line.split() for line in TABLE.strip().splitlines())
    for action, after in zip(ACTIONS, row[1:], strict=True)
]


@pytest.mark.parametrize(("state", "action", "after"), CELLS)
def test_every_action_in_every_state(state: str, action: str, after: str) -> None:
    before = account_in(state)
    if after == "-":
        with pytest.raises(IllegalTransition) as refused:
            bank_account.change(before, BankAccountAction(action), now=LATER)
        assert refused.value.metadata == {"state": state, "action": action}
        return
    changed = bank_account.change(before, BankAccountAction(action), now=LATER)
    assert changed == (before if after == state else account_in(after, update_time=LATER, aggregate_version=2))


def test_a_bank_account_tells_of_every_change_with_its_last_four_and_no_more() -> None:
    facts: dict[str, Any] = {
        "occurred_at": NOON,
        "merchant_id": MERCHANT_ID,
        "bank_account_id": BANK_ACCOUNT_ID,
        "currency_code": "USD",
        "last_four": "4321",
    }
    assert bank_account.created(account_in("UNVERIFIED")) == events.BankAccountCreated(**facts, aggregate_version=1)
    facts |= {"occurred_at": LATER, "aggregate_version": 2}
    change = partial(bank_account.change, account_in("UNVERIFIED"), now=LATER)
    told = {action: bank_account.changed_event(change(BankAccountAction(action))) for action in ACTIONS}
    stated = StatedReason(stated_reason="closed by its owner", stated_by="shop", stated_time=LATER)
    told["DISABLE"] = bank_account.changed_event(change(BankAccountAction.DISABLE, stated=stated))
    assert told == {
        "VERIFY": events.BankAccountVerified(**facts),
        "REFUSE": events.BankAccountDisabled(**facts, refused=True, stated_reason=None),
        "DISABLE": events.BankAccountDisabled(**facts, refused=False, stated_reason="closed by its owner"),
    }


def test_the_table_names_every_state_and_action() -> None:
    assert {(state, action) for state, action, _ in CELLS} == set(
        itertools.product(BankAccountState, BankAccountAction)
    )


@pytest.mark.parametrize(
    ("state", "merchant_id", "currency_code", "reason"),
    [
        ("VERIFIED", MERCHANT_ID, "USD", None),
        ("VERIFIED", "mer_other", "USD", "BANK_ACCOUNT_NOT_FOUND"),
        ("UNVERIFIED", MERCHANT_ID, "USD", "BANK_ACCOUNT_NOT_VERIFIED"),
        ("REFUSED", MERCHANT_ID, "USD", "BANK_ACCOUNT_NOT_VERIFIED"),
        ("DISABLED", MERCHANT_ID, "USD", "BANK_ACCOUNT_NOT_VERIFIED"),
        ("VERIFIED", MERCHANT_ID, "JPY", "BANK_ACCOUNT_CURRENCY_MISMATCH"),
    ],
)
def test_only_a_verified_account_of_the_merchant_in_the_currency_takes_withdrawals(
    state: str, merchant_id: str, currency_code: str, reason: str | None
) -> None:
    told = refused(account_in(state), merchant_id=merchant_id, currency_code=currency_code)
    assert (told.reason if told else None) == reason


def test_an_account_that_is_not_there_takes_nothing() -> None:
    told = refused(None, merchant_id=MERCHANT_ID, currency_code="USD")
    assert told is not None
    assert told.metadata == {"bank_account_id": BANK_ACCOUNT_ID}


def refused(account: BankAccount | None, *, merchant_id: str, currency_code: str) -> DomainError | None:
    try:
        bank_account.require_payable(
            account, bank_account_id=BANK_ACCOUNT_ID, merchant_id=merchant_id, currency_code=currency_code
        )
    except DomainError as refusal:
        return refusal
    return None
