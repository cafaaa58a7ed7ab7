"""`ledger verify` finds every kind of damage, and names it."""

import asyncpg
import pytest

from paykit.process.runtime import Runtime
from paystream.payment.v1.events import DisputeOpened, DisputeWon
from services.accounting.commands import journals as commands
from services.accounting.commands.verification import LedgerDifferenceError, VerifyReport, verify
from services.accounting.domain import transaction as domain
from services.accounting.domain.journal import Reversal
from tests.integration.accounting.books import account, consume
from tests.unit.accounting.ledger import (
    ALICE,
    CAUSE,
    capture,
    capture_id,
    credit,
    debit,
    dispute,
    dispute_id,
    journal,
    refund,
)

CAPTURE = domain.transaction_id("PaymentSuccess", capture_id(1))
OPENED, WON, LOST = (
    domain.transaction_id(step, dispute_id(1)) for step in ("DisputeOpened", "DisputeWon", "DisputeLost")
)
CORRECTION = domain.transaction_id("Correction", "crp_1")
REVERSED = domain.transaction_id("Adjustment", "ticket-2")
REVERSAL = domain.transaction_id("Reversal", REVERSED)
INCOME, SETTLEMENT = account("platform.income"), account("merchant.settlement", ALICE)
AVAILABLE = account("merchant.available", ALICE)


@pytest.fixture
async def kept(ledger: Runtime) -> Runtime:
    """A ledger with two captures, a refund, a journal, a reversed one, and a dispute that was won."""
    await consume(ledger, capture(1), capture(2))
    await consume(ledger, refund(1))
    goodwill = journal(debit("merchant.settlement", 500, ALICE), credit("platform.fees", 500), related_no="ticket-2")
    await ledger.transaction(lambda tx: commands.create_transactions(tx, [goodwill]))
    back = Reversal(transaction_id=REVERSED, reason="Wrong", effective_at=None, cause=CAUSE)
    await ledger.transaction(lambda tx: commands.reverse_transactions(tx, [back]))
    legs = (credit("merchant.settlement", 500, ALICE), debit("merchant.available", 500, ALICE))
    await ledger.transaction(lambda tx: commands.create_transactions(tx, [journal(*legs)]))
    await consume(ledger, dispute(DisputeOpened, 1, amount_minor=2_500))
    await consume(ledger, dispute(DisputeWon, 1, amount_minor=2_500))
    return ledger


async def verified(ledger: Runtime) -> VerifyReport:
    return await ledger.read(verify)


async def test_a_sound_ledger_is_reported_with_its_counts(kept: Runtime) -> None:
    report = await verified(kept)
    assert (report.accounts, report.transactions, report.entries) == (5, 8, 4 + 4 + 2 + 2 + 2 + 2 + 2 + 2)
    assert report.checks == (
        "account ids",
        "transaction ids",
        "entries on their accounts",
        "entries of their transactions",
        "reversals",
        "steps and their ends",
        "parts of what is put aside",
        "corrections",
        "refusals",
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
        "balance is 16001, its entries sum up to 16000",
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
    "an opening deleted": (
        f"""
        DELETE FROM entry WHERE transaction_id = '{OPENED}';
        DELETE FROM transaction WHERE transaction_id = '{OPENED}'
        """,
        "steps and their ends",
        WON,
        f"ends {dispute_id(1)}, which was not opened",
    ),
    "an end of less": (
        f"UPDATE transaction SET amount_minor = 2499 WHERE transaction_id = '{WON}'",
        "steps and their ends",
        WON,
        f"takes out 2499 where {OPENED} put in 2500",
    ),
    "an end given to another merchant": (
        f"UPDATE transaction SET merchant_id = 'mer_other' WHERE transaction_id = '{WON}'",
        "steps and their ends",
        WON,
        f"ends {OPENED} of another merchant or currency",
    ),
    "two ends of one opening": (
        f"""
        INSERT INTO transaction SELECT '{LOST}', 'DisputeLost', related_no, root_reference, merchant_id, direction,
            amount_minor, currency_code, effective_at, create_time, account_ids FROM transaction
            WHERE transaction_id = '{WON}';
        INSERT INTO entry SELECT account_id, effective_at, '{LOST}', line, side, effect, amount_minor, currency_code
            FROM entry WHERE transaction_id = '{WON}'
        """,
        "steps and their ends",
        min(WON, LOST),
        f"is not the only one to end {OPENED}",
    ),
    "a correction of what a merchant has": (
        f"""
        INSERT INTO transaction SELECT '{CORRECTION}', 'Correction', 'crp_1', root_reference, merchant_id, direction,
            amount_minor, currency_code, effective_at, create_time, account_ids FROM transaction
            WHERE transaction_id = '{CAPTURE}';
        INSERT INTO entry SELECT account_id, effective_at, '{CORRECTION}', line, side, effect, amount_minor,
            currency_code FROM entry WHERE transaction_id = '{CAPTURE}'
        """,
        "corrections",
        CORRECTION,
        "moves merchant.settlement",
    ),
    "a refusal booked after all": (
        f"INSERT INTO refusal VALUES ('{CAPTURE}', 'PaymentSuccess', 'cap', 'pay', 'INSUFFICIENT_FUNDS', now())",
        "refusals",
        CAPTURE,
        "is booked, though refused to its event",
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
