"""`ledger verify` finds every kind of damage, and names it."""

import asyncpg
import pytest

from paykit.runtime.runtime import Runtime
from services.accounting import commands, domain
from services.accounting.journal import Reversal
from services.accounting.verification import LedgerDifferenceError, VerifyReport, verify
from tests.integration.accounting.books import account, consume
from tests.unit.accounting.ledger import ALICE, CAUSE, capture, capture_id, credit, debit, journal, refund

CAPTURE = domain.transaction_id("PaymentSuccess", capture_id(1))
REVERSED = domain.transaction_id("PaymentSuccess", capture_id(2))
REVERSAL = domain.transaction_id("Reversal", REVERSED)
INCOME, SETTLEMENT = account("platform.income"), account("merchant.settlement", ALICE)
AVAILABLE = account("merchant.available", ALICE)


@pytest.fixture
async def kept(ledger: Runtime) -> Runtime:
    """A ledger with a capture, a refund, a reversed capture and a journal."""
    await consume(ledger, capture(1), capture(2))
    await consume(ledger, refund(1))
    back = Reversal(transaction_id=REVERSED, reason="Wrong", effective_at=None, cause=CAUSE)
    await ledger.transaction(lambda tx: commands.reverse_transactions(tx, [back]))
    legs = (credit("merchant.settlement", 500, ALICE), debit("merchant.available", 500, ALICE))
    await ledger.transaction(lambda tx: commands.create_transactions(tx, [journal(*legs)]))
    return ledger


async def verified(ledger: Runtime) -> VerifyReport:
    return await ledger.read(verify)


async def test_a_sound_ledger_is_reported_with_its_counts(kept: Runtime) -> None:
    report = await verified(kept)
    assert (report.accounts, report.transactions, report.entries) == (4, 5, 4 + 4 + 2 + 4 + 2)
    assert report.checks == (
        "account ids",
        "transaction ids",
        "entries on their accounts",
        "entries of their transactions",
        "reversals",
        "balances",
        "floors",
        "trial balance",
    )


async def test_an_empty_ledger_is_sound(ledger: Runtime) -> None:
    report = await verified(ledger)
    assert (report.accounts, report.transactions, report.entries) == (0, 0, 0)


DAMAGE = {
    "a balance changed": (
        f"UPDATE balance SET balance_minor = balance_minor + 1 WHERE account_id = '{INCOME}' AND stripe = 0",
        "balances",
        INCOME,
        "balance is 6001, its entries sum up to 6000",
    ),
    "an amount changed": (
        f"UPDATE entry SET amount_minor = 9999 WHERE transaction_id = '{CAPTURE}' AND line = 1",
        "entries of their transactions",
        CAPTURE,
        "debits exceed credits by 1",
    ),
    "entries deleted": (
        f"DELETE FROM entry WHERE transaction_id = '{CAPTURE}'",
        "entries of their transactions",
        CAPTURE,
        "has no entries",
    ),
    "one pair of entries deleted": (
        f"DELETE FROM entry WHERE transaction_id = '{CAPTURE}' AND line IN (0, 1)",
        "entries of their transactions",
        CAPTURE,
        "has 2 entries, the last is line 3",
    ),
    "a transaction deleted": (
        f"DELETE FROM transaction WHERE transaction_id = '{CAPTURE}'",
        "entries of their transactions",
        CAPTURE,
        "has entries but does not exist",
    ),
    "a transaction dated back": (
        f"UPDATE transaction SET effective_at = effective_at - interval '1 s' WHERE transaction_id = '{CAPTURE}'",
        "entries of their transactions",
        CAPTURE,
        "has entries of other effective times",
    ),
    "a transaction in another currency": (
        f"UPDATE transaction SET currency_code = 'EUR' WHERE transaction_id = '{CAPTURE}'",
        "entries of their transactions",
        CAPTURE,
        "is in EUR with entries in others",
    ),
    "an account forgotten by its transaction": (
        f"UPDATE transaction SET account_ids = account_ids[1:2] WHERE transaction_id = '{CAPTURE}'",
        "entries of their transactions",
        CAPTURE,
        "names other accounts than its entries",
    ),
    "another reference": (
        f"UPDATE transaction SET related_no = 'cap_other' WHERE transaction_id = '{CAPTURE}'",
        "transaction ids",
        CAPTURE,
        "is not the id of PaymentSuccess cap_other",
    ),
    "an effect turned over": (
        f"UPDATE entry SET effect = -1 WHERE transaction_id = '{CAPTURE}' AND line = 1",
        "entries on their accounts",
        f"{CAPTURE} line 1",
        "CREDIT has effect -1 on an account of side CREDIT",
    ),
    "an account deleted": (
        f"DELETE FROM account WHERE account_id = '{AVAILABLE}'",
        "entries on their accounts",
        f"{domain.transaction_id('Adjustment', 'ticket-1')} line 1",
        f"there is no account {AVAILABLE}",
    ),
    "an account given to another merchant": (
        f"UPDATE account SET merchant_id = 'mer_{'f' * 32}' WHERE account_id = '{SETTLEMENT}'",
        "account ids",
        SETTLEMENT,
        f"is not the id of merchant.settlement, mer_{'f' * 32}, USD",
    ),
    "an account of another side": (
        f"UPDATE account SET normal_side = 'DEBIT' WHERE account_id = '{INCOME}'",
        "account ids",
        INCOME,
        "normal side is DEBIT, the chart says CREDIT",
    ),
    "a reversal of less": (
        f"UPDATE entry SET amount_minor = 9000 WHERE transaction_id = '{REVERSAL}' AND line IN (0, 1)",
        "reversals",
        REVERSAL,
        f"does not take back the entries of {REVERSED}",
    ),
    "a floor removed": (
        f"UPDATE balance SET floor_minor = NULL WHERE account_id = '{AVAILABLE}'",
        "floors",
        AVAILABLE,
        "floor is none, the chart says 0",
    ),
}


@pytest.mark.parametrize("name", DAMAGE)
async def test_damage_is_found_and_named(kept: Runtime, admin_url: str, name: str) -> None:
    statement, check, subject, detail = DAMAGE[name]
    connection = await asyncpg.connect(admin_url, server_settings={"search_path": "accounting"})
    try:
        status: str = await connection.execute(statement)
        assert not status.endswith(" 0")
    finally:
        await connection.close()
    with pytest.raises(LedgerDifferenceError) as found:
        await verified(kept)
    assert (found.value.check, found.value.subject, found.value.detail) == (check, subject, detail)
