"""`ledger verify` finds every kind of damage, and names it."""

import json

import asyncpg
import pytest

from paykit.ids import new_id
from paykit.process.runtime import Runtime
from paystream.payment.v1.events import DisputeOpened, DisputeWon
from services.accounting.commands import journals as commands
from services.accounting.commands.verification import LedgerDifferenceError, VerifyReport, verify
from services.accounting.domain import transaction as domain
from services.accounting.domain.journal import Reversal
from services.accounting.store.journal import currency_number
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

CAPTURE, OTHER_CAPTURE = (domain.transaction_id("PaymentSuccess", capture_id(number)) for number in (1, 2))
OPENED, WON, LOST = (
    domain.transaction_id(step, dispute_id(1)) for step in ("DisputeOpened", "DisputeWon", "DisputeLost")
)
CORRECTION = domain.transaction_id("Correction", "crp_1")
REVERSED = domain.transaction_id("Adjustment", "ticket-2")
REVERSAL = domain.transaction_id("Reversal", REVERSED)
INCOME, SETTLEMENT = account("platform.income"), account("merchant.settlement", ALICE)
FEES = account("platform.fees")
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
        "legs of accounts",
        "archived months",
        "balances",
        "floors",
        "trial balance",
    )


async def test_an_empty_ledger_is_sound(ledger: Runtime) -> None:
    report = await verified(ledger)
    assert (report.accounts, report.transactions, report.entries) == (0, 0, 0)


def row(transaction_id: str) -> str:
    return f"transaction_id = '{transaction_id[4:]}'"


def number(account_id: str) -> str:
    return f"account_no = (SELECT account_no FROM account WHERE account_id = '{account_id}')"


def copied(transaction_id: str, other_id: str, **changes: str) -> str:
    content = json.dumps({"transaction_id": other_id[4:], **changes})
    return (
        f"INSERT INTO journal SELECT (jsonb_populate_record(journal, '{content}')).* FROM journal "
        f"WHERE {row(transaction_id)}"
    )


DAMAGE = {
    "a balance changed": (
        f"UPDATE balance SET balance_minor = balance_minor + 1 WHERE account_id = '{INCOME}' AND stripe = 0",
        "balances",
        INCOME,
        "balance is 16001, its entries sum up to 16000",
    ),
    "an amount changed": (
        f"UPDATE journal SET amount1 = 9999 WHERE {row(CAPTURE)}",
        "legs of accounts",
        INCOME,
        "a leg says -20000, its lines sum up to -19999",
    ),
    "a transaction deleted": (
        f"DELETE FROM journal WHERE {row(CAPTURE)}",
        "legs of accounts",
        min(INCOME, FEES),
        f"a leg leads to position {1_024 + (CAPTURE > OTHER_CAPTURE)}, where it has no line",
    ),
    "a transaction dated back": (
        f"UPDATE journal SET effective_at = effective_at - interval '1 s' WHERE {row(CAPTURE)}",
        "legs of accounts",
        min(INCOME, FEES),
        f"a leg of other times leads to {CAPTURE}",
    ),
    "a leg deleted": (
        f"DELETE FROM leg WHERE batch = 1024 AND {number(INCOME)}",
        "legs of accounts",
        INCOME,
        f"no leg leads to {min(CAPTURE, OTHER_CAPTURE)}",
    ),
    "a leg doubled": (
        f"INSERT INTO leg SELECT * FROM leg WHERE batch = 1024 AND {number(INCOME)}",
        "legs of accounts",
        INCOME,
        f"two legs lead to {min(CAPTURE, OTHER_CAPTURE)}",
    ),
    "a leg of more": (
        f"UPDATE leg SET debit_minor = debit_minor - 1 WHERE batch = 1024 AND {number(INCOME)}",
        "legs of accounts",
        INCOME,
        "a leg says -20001, its lines sum up to -20000",
    ),
    "a transaction in another currency": (
        f"UPDATE journal SET currency_no = {currency_number('EUR')} WHERE {row(CAPTURE)}",
        "entries on their accounts",
        f"{CAPTURE} line 0",
        "in EUR on an account in USD",
    ),
    "another reference": (
        f"UPDATE journal SET related_no = 'cap_other' WHERE {row(CAPTURE)}",
        "transaction ids",
        CAPTURE,
        "is not the id of PaymentSuccess cap_other",
    ),
    "an account deleted": (
        f"DELETE FROM account WHERE account_id = '{AVAILABLE}'",
        "entries on their accounts",
        f"{domain.transaction_id('Adjustment', 'ticket-1')} line 1",
        "there is no account number 4",
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
        f"UPDATE journal SET amount1 = -499 WHERE {row(REVERSAL)}",
        "reversals",
        REVERSAL,
        f"does not take back the entries of {REVERSED}",
    ),
    "an opening deleted": (
        f"DELETE FROM journal WHERE {row(OPENED)}",
        "steps and their ends",
        WON,
        f"ends {dispute_id(1)}, which was not opened",
    ),
    "an end of less": (
        f"UPDATE journal SET amount_minor = 2499 WHERE {row(WON)}",
        "steps and their ends",
        WON,
        f"takes out 2499 where {OPENED} put in 2500",
    ),
    "an end given to another merchant": (
        f"UPDATE journal SET merchant_id = 'mer_other' WHERE {row(WON)}",
        "steps and their ends",
        WON,
        f"ends {OPENED} of another merchant or currency",
    ),
    "two ends of one opening": (
        copied(WON, LOST, transaction_type="DisputeLost"),
        "steps and their ends",
        min(WON, LOST),
        f"is not the only one to end {OPENED}",
    ),
    "a correction of what a merchant has": (
        copied(CAPTURE, CORRECTION, transaction_type="Correction", related_no="crp_1"),
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


@pytest.mark.parametrize(
    ("change", "detail"),
    [
        ("type_no = 1", "is not the id of PaymentReversed {related_no}"),
        ("month = 24001", "stands at {key} in month 24001, where PaymentSuccess {related_no} is not found"),
    ],
)
async def test_a_transaction_of_a_month_is_known_by_its_place(
    ledger: Runtime, admin_url: str, change: str, detail: str
) -> None:
    related_no = new_id("cap")
    await consume(ledger, capture(1, capture_id=related_no))
    await verified(ledger)
    transaction_id = domain.transaction_id("PaymentSuccess", related_no)
    connection = await asyncpg.connect(admin_url, server_settings={"search_path": "accounting"})
    assert await connection.execute(f"UPDATE journal SET {change} WHERE {row(transaction_id)}") == "UPDATE 1"
    await connection.close()
    with pytest.raises(LedgerDifferenceError) as found:
        await verified(ledger)
    assert (found.value.check, found.value.subject) == ("transaction ids", transaction_id)
    assert found.value.detail == detail.format(related_no=related_no, key=transaction_id[4:])


async def administer(admin_url: str, statement: str) -> None:
    connection = await asyncpg.connect(admin_url, server_settings={"search_path": "accounting"})
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


WIDE = row(domain.transaction_id("Adjustment", "ticket-3"))
SHAPES = {
    "debits above credits": (f"amounts = ARRAY[501, -300, -200] WHERE {WIDE}", "debits exceed credits by 1"),
    "a line less": (f"accounts = accounts[1:1], amounts = amounts[1:1] WHERE {WIDE}", "has 1 entry"),
    "no lines": (f"accounts = '{{}}', amounts = '{{}}' WHERE {WIDE}", "has no entries"),
    "an account without an amount": (
        f"amounts = ARRAY[500, -500] WHERE {WIDE}",
        "has lines without account or amount",
    ),
    "a transfer beside lines": (f"account1 = 1 WHERE {WIDE}", "is transfers and lines at once"),
    "half a transfer": (f"account2 = 1 WHERE {row(REVERSAL)}", "is neither one transfer nor two"),
    "a transfer of nothing": (f"amount1 = 0 WHERE {row(REVERSAL)}", "is neither one transfer nor two"),
}


@pytest.mark.parametrize("name", SHAPES)
async def test_rows_that_the_database_would_refuse_are_found_all_the_same(
    kept: Runtime, admin_url: str, name: str
) -> None:
    legs = (debit("merchant.settlement", 500, ALICE), credit("platform.fees", 300), credit("platform.income", 200))
    await kept.transaction(lambda tx: commands.create_transactions(tx, [journal(*legs, related_no="ticket-3")]))
    await verified(kept)
    change, detail = SHAPES[name]
    definition = "SELECT pg_get_constraintdef(oid) AS sql FROM pg_constraint WHERE conname = 'journal_balanced'"
    [constraint, *_] = await kept.read(lambda tx: tx.fetch(definition))
    await administer(admin_url, f"ALTER TABLE journal DROP CONSTRAINT journal_balanced; UPDATE journal SET {change}")
    with pytest.raises(LedgerDifferenceError) as found:
        await verified(kept)
    await administer(
        admin_url,
        f"DELETE FROM journal WHERE true; ALTER TABLE journal ADD CONSTRAINT journal_balanced {constraint['sql']}",
    )
    subject = REVERSAL if "transfer n" in detail else domain.transaction_id("Adjustment", "ticket-3")
    assert (found.value.check, found.value.subject, found.value.detail) == (
        "entries of their transactions",
        subject,
        detail,
    )


async def test_legs_that_share_positions_otherwise_than_they_were_written_are_right(
    kept: Runtime, admin_url: str
) -> None:
    """A leg for each of two transactions at one time says what one leg for both says."""
    halves = f"""
    INSERT INTO leg SELECT batch, first_at, last_at, -10000, account_no, month, 1, ARRAY[at]::smallint[]
        FROM leg, (VALUES (0), (1)) AS half (at) WHERE batch = 1024 AND {number(INCOME)};
    DELETE FROM leg WHERE batch = 1024 AND {number(INCOME)} AND transactions = 2
    """
    await administer(admin_url, halves)
    assert (await verified(kept)).transactions == 8
    await administer(admin_url, f"UPDATE leg SET positions = ARRAY[1] WHERE batch = 1024 AND {number(INCOME)}")
    with pytest.raises(LedgerDifferenceError) as found:
        await verified(kept)
    assert (found.value.check, found.value.subject, found.value.detail) == (
        "legs of accounts",
        INCOME,
        f"no leg leads to {min(CAPTURE, OTHER_CAPTURE)}",
    )
