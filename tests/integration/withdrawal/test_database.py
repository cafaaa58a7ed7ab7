"""What the domain refuses, the database refuses as well, whoever writes the row."""

from collections.abc import Awaitable
from typing import Any

import asyncpg
import pytest

from paykit.channels.attempts import AttemptState
from services.withdrawal.domain import bank_account, withdrawal_state
from services.withdrawal.domain.bank_account import BankAccountState
from services.withdrawal.domain.withdrawal_state import WithdrawalState
from tests.integration.withdrawal.conftest import Treasury

# Besides the steps of the domain: two of them taken in one transaction, and what the bank says later, however often.
IN_ONE_STEP = {("CREATED", "APPROVED")}
OUTCOMES = ("COMPLETED", "RETURNED", "FAILED")
LATER = {(before, after) for before in ("SUBMITTED", "UNKNOWN", "CANCELLED", *OUTCOMES) for after in OUTCOMES}
LEGAL = {(before, after) for (before, _), after in withdrawal_state.TRANSITIONS.items()} | IN_ONE_STEP | LATER
# The way of a withdrawal to a state, past those that need nobody's approval.
WAYS = {
    "CREATED": "",
    "HELD": "HELD",
    "REJECTED": "HELD REJECTED",
    "CANCELLED": "HELD CANCELLED",
    "APPROVED": "HELD APPROVED",
    "SUBMITTED": "HELD APPROVED SUBMITTED",
    "UNKNOWN": "HELD APPROVED SUBMITTED UNKNOWN",
    "COMPLETED": "HELD APPROVED SUBMITTED COMPLETED",
    "FAILED": "HELD APPROVED SUBMITTED FAILED",
    "RETURNED": "HELD APPROVED SUBMITTED COMPLETED RETURNED",
}
_DECIDED = "decider = 'boss', channel = 'simulator', channel_reference = 'ch_1', funds_held = true"
_FIELDS = {
    "CREATED": "funds_held = false, decider = NULL",
    "HELD": "funds_held = true, decider = NULL",
    "FAILED": f"{_DECIDED}, failure_reason = 'BANK_REJECTED'",
}


async def become(treasury: Treasury, withdrawal_id: str, state: str) -> None:
    """Change the state, and what has to change with it."""
    fields = _FIELDS.get(state, _DECIDED) + ("" if state == "FAILED" else ", failure_reason = NULL")
    fields += ", returned_minor = amount_minor" if state == "RETURNED" else ""
    fields += f", taken_minor = {0 if state in withdrawal_state.UNPAID else 'amount_minor'}"
    await run(treasury, f"UPDATE withdrawal SET state = $2, {fields} WHERE withdrawal_id = $1", withdrawal_id, state)


async def run(treasury: Treasury, sql: str, *args: Any) -> None:
    await treasury.runtime.transaction(lambda tx: tx.run(sql, *args))


async def refusing(change: Awaitable[None]) -> str | None:
    """Name the constraint that refuses a change; None if it is made."""
    try:
        await change
    except asyncpg.CheckViolationError as refused:
        return str(refused.constraint_name)
    return None


@pytest.fixture
async def withdrawal_id(treasury: Treasury) -> str:
    """A withdrawal that needs approval."""
    treasury.limit(approval={"*": 0})
    await treasury.settle(10_000)
    return (await treasury.create(6_000)).withdrawal_id


@pytest.mark.usefixtures("withdrawal_id")
@pytest.mark.parametrize("old", list(WithdrawalState))
async def test_a_state_changes_as_the_domain_allows_and_not_otherwise(treasury: Treasury, old: WithdrawalState) -> None:
    for new in [state for state in WithdrawalState if state is not old]:
        made = (await treasury.create(1)).withdrawal_id
        for state in WAYS[old].split():
            await become(treasury, made, state)
        refused_by = await refusing(become(treasury, made, new))
        assert refused_by == (None if (old, new) in LEGAL else "withdrawal_state_guard"), new


@pytest.mark.parametrize(
    ("state", "change", "constraint"),
    [
        ("HELD", "state = 'APPROVED', channel = 'simulator'", "withdrawal_decided_by_somebody"),
        ("HELD", "state = 'APPROVED', decider = 'shop', channel = 'simulator'", "withdrawal_four_eyes"),
        ("HELD", "state = 'APPROVED', decider = 'boss'", "withdrawal_has_channel"),
        ("HELD", "state = 'REJECTED', decider = 'shop'", "withdrawal_four_eyes"),
        ("HELD", "state = 'REJECTED'", "withdrawal_decided_by_somebody"),
        ("HELD", "approval_required = false", "withdrawal_decided_by_somebody"),
        ("HELD", "funds_held = false", "withdrawal_held_by_the_ledger"),
        ("CREATED", "state = 'HELD'", "withdrawal_held_by_the_ledger"),
        ("CREATED", "funds_held = true", "withdrawal_held_by_the_ledger"),
        ("CREATED", "state = 'FAILED'", "withdrawal_failed_has_reason"),
        ("SUBMITTED", "state = 'FAILED'", "withdrawal_failed_has_reason"),
        ("SUBMITTED", "state = 'COMPLETED', channel_reference = NULL", "withdrawal_paid_has_reference"),
        ("SUBMITTED", "return_code = 'account_closed'", "withdrawal_returned_has_code"),
        ("COMPLETED", "returned_minor = amount_minor + 1", "withdrawal_returned_is_part"),
        ("RETURNED", "returned_minor = NULL", "withdrawal_returned_has_amount"),
        ("CREATED", "taken_minor = amount_minor - 1", "withdrawal_unpaid_takes_nothing"),
        ("COMPLETED", "taken_minor = 0", "withdrawal_unpaid_takes_nothing"),
        ("FAILED", "taken_minor = 1", "withdrawal_unpaid_takes_nothing"),
        ("CANCELLED", "taken_minor = 1", "withdrawal_unpaid_takes_nothing"),
        ("CREATED", "amount_minor = 0", "withdrawal_amount_minor_check"),
        ("CREATED", "amount_minor = 9007199254740992", "withdrawal_amount_minor_check"),
        ("CREATED", "currency_code = 'usd'", "withdrawal_currency_code_check"),
        ("CREATED", "aggregate_version = 0", "withdrawal_aggregate_version_check"),
        ("CREATED", "update_time = create_time - interval '1 s'", "withdrawal_check"),
    ],
)
async def test_a_row_that_cannot_be_is_refused(
    treasury: Treasury, withdrawal_id: str, state: str, change: str, constraint: str
) -> None:
    for step in WAYS[state].split():
        await become(treasury, withdrawal_id, step)

    with pytest.raises(asyncpg.CheckViolationError) as refused:
        await run(treasury, f"UPDATE withdrawal SET {change} WHERE withdrawal_id = $1", withdrawal_id)

    assert refused.value.constraint_name == constraint


async def test_a_withdrawal_has_one_attempt(treasury: Treasury) -> None:
    await treasury.settle(10_000)
    made = await treasury.held(6_000)
    again = (
        "INSERT INTO attempt (attempt_id, withdrawal_id, action, channel, amount_minor, currency_code, create_time,"
        " update_time) SELECT 'att_2', withdrawal_id, action, channel, amount_minor, currency_code, now(), now()"
        " FROM attempt WHERE withdrawal_id = $1"
    )

    with pytest.raises(asyncpg.UniqueViolationError) as refused:
        await run(treasury, again, made.withdrawal_id)

    assert refused.value.constraint_name == "attempt_once_per_withdrawal"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("SUCCEEDED", "PENDING"),
        ("FAILED", "UNKNOWN"),
        ("STARTED", "PENDING"),
        ("PENDING", "SUCCEEDED"),
        ("PENDING", "UNKNOWN"),
    ],
)
async def test_an_attempt_that_ended_stays_ended(treasury: Treasury, old: str, new: str) -> None:
    await treasury.settle(10_000)
    treasury.bank.fate = lambda _request: "decline" if old == "FAILED" else "approve"
    made = await treasury.held(6_000)
    if old in {"SUCCEEDED", "FAILED"}:
        await treasury.submit()
    elif old == "STARTED":
        await run(treasury, "UPDATE attempt SET state = 'STARTED', start_time = now()")
    assert (await treasury.attempt(made.withdrawal_id)).state == list(AttemptState).index(AttemptState(old)) + 1

    with pytest.raises(asyncpg.CheckViolationError) as refused:
        await run(treasury, "UPDATE attempt SET state = $1", new)

    assert refused.value.constraint_name == "attempt_state_guard"


@pytest.mark.parametrize("old", list(BankAccountState))
async def test_the_state_of_a_bank_account_changes_as_the_domain_allows(
    treasury: Treasury, old: BankAccountState
) -> None:
    change = "UPDATE bank_account SET state = $2 WHERE bank_account_id = $1"
    legal = {(before, after) for (before, _), after in bank_account.TRANSITIONS.items()}
    for new in [state for state in BankAccountState if state is not old]:
        made = (await treasury.register(token=f"tok_{new}")).bank_account_id
        if old is not BankAccountState.UNVERIFIED:
            await run(treasury, change, made, old)
        refused_by = await refusing(run(treasury, change, made, new))
        assert refused_by == (None if (old, new) in legal else "bank_account_state_guard"), new


async def test_what_was_given_back_cannot_be_more_than_was_taken(treasury: Treasury) -> None:
    await treasury.settle(10_000)
    await treasury.create(6_000)

    with pytest.raises(asyncpg.CheckViolationError) as refused:
        await run(treasury, "UPDATE allowance SET withdrawn_minor = withdrawn_minor - 6001")

    assert refused.value.constraint_name == "allowance_not_negative"


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM withdrawal",
        "DELETE FROM attempt",
        "DELETE FROM bank_account",
        "DELETE FROM allowance",
        "DELETE FROM evidence",
        "UPDATE evidence SET verdict = 'CONFIRM'",
        "DELETE FROM contradiction",
        "DELETE FROM unmatched_evidence",
    ],
)
async def test_the_service_may_not_take_facts_away(treasury: Treasury, statement: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await run(treasury, statement)
