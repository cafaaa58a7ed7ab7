"""Ledgers that began before the journal: what stands in the former tables is read, verified, booked once, and moved."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import asyncpg
import pytest

from paykit.ids import named_id, new_id
from paykit.process.runtime import Runtime
from paystream.accounting.v1 import accounting_pb2 as pb
from paystream.payment.v1.events import DisputeOpened, DisputeWon
from services.accounting import jobs, store
from services.accounting.commands import journals
from services.accounting.commands.verification import LedgerDifferenceError, verify
from services.accounting.domain.journal import Reversal
from services.accounting.domain.transaction import transaction_id
from services.accounting.store import TransactionFilter
from tests.integration.accounting.books import account, balance, consume, rows
from tests.line.replies import checked
from tests.line.servicers import AccountingCalls
from tests.unit.accounting.ledger import (
    ALICE,
    BOB,
    CAUSE,
    NOON,
    capture,
    capture_id,
    credit,
    debit,
    dispute,
    journal,
    refund,
)

CAPTURES = [new_id("cap") for _ in range(3)]
DISPUTE = new_id("dsp")
PAYMENTS = [new_id("pay") for _ in range(3)]
INCOME = account("platform.income")

# As the builds before the journal wrote it; what stands in the journal goes back to where it came from.
_MOVE_BACK = """
SET search_path = accounting;
ALTER TABLE former_entry DISABLE TRIGGER ALL;
INSERT INTO former_transaction (transaction_id, transaction_type, related_no, root_reference, merchant_id, direction,
    amount_minor, currency_code, effective_at, create_time, account_ids, reverses_transaction_id, actor, reason,
    occurred_at, request_key, request_hash)
SELECT coalesce(former.id, t.transaction_id), transaction_type, related_no, root_reference, merchant_id, direction,
    amount_minor, currency_code, effective_at, create_time, account_ids, reverses_transaction_id, actor, reason,
    occurred_at, request_key, request_hash
FROM transaction t LEFT JOIN former ON former.now = t.transaction_id;
INSERT INTO former_entry
SELECT account_id, effective_at, coalesce(former.id, e.transaction_id), line, side, effect, amount_minor, currency_code
FROM journal_entry e LEFT JOIN former ON former.now = e.transaction_id;
ALTER TABLE former_entry ENABLE TRIGGER ALL;
DELETE FROM leg;
DELETE FROM journal
"""


def captured(at: int, **changes: Any) -> Any:
    return capture(at, capture_id=CAPTURES[at], payment_id=PAYMENTS[at], **changes)


async def as_before(admin_url: str) -> None:
    """Have all that is booked stand in the former tables, under the ids that it had then."""
    connection = await asyncpg.connect(admin_url)
    try:
        names = await connection.fetch(
            "SELECT transaction_id, transaction_type, related_no FROM accounting.transaction"
        )
        await connection.execute("CREATE TEMPORARY TABLE former (now text, id text)")
        await connection.copy_records_to_table(
            "former", records=[(now, named_id("txn", *name)) for now, *name in names], schema_name="pg_temp"
        )
        await connection.execute(_MOVE_BACK)
    finally:
        await connection.close()


@pytest.fixture
async def kept(ledger: Runtime, admin_url: str) -> Runtime:
    """A ledger of before: two captures of now, one of a long form, a journal with its reversal, a dispute."""
    await consume(ledger, captured(0), captured(1, merchant_id=BOB), capture(9))
    legs = (debit("merchant.settlement", 500, ALICE), credit("platform.fees", 300), credit("platform.income", 200))
    await ledger.transaction(lambda tx: journals.create_transactions(tx, [journal(*legs, related_no="ticket-2")]))
    reversal = Reversal(
        transaction_id=transaction_id("Adjustment", "ticket-2"), reason="Wrong", effective_at=None, cause=CAUSE
    )
    await ledger.transaction(lambda tx: journals.reverse_transactions(tx, [reversal]))
    await consume(ledger, dispute(DisputeOpened, dispute_id=DISPUTE, payment_id=PAYMENTS[0]))
    await as_before(admin_url)
    return ledger


async def seen(ledger: Runtime) -> dict[str, Sequence[Any]]:
    """What callers read: lists by each filter, statements, balances as of now and before."""
    filters = (
        TransactionFilter(),
        TransactionFilter(merchant_id=ALICE),
        TransactionFilter(merchant_id=BOB),
        TransactionFilter(root_reference=PAYMENTS[0]),
        TransactionFilter(root_reference="ticket-2"),
        TransactionFilter(related_no=CAPTURES[1]),
        TransactionFilter(related_no=capture_id(9)),
        TransactionFilter(related_no="ticket-2"),
        TransactionFilter(start=NOON, end=NOON),
    )
    call = checked(AccountingCalls(ledger))
    lists = [
        (await ledger.read(partial(store.transactions.list, selection=wanted, after=None, limit=20))).rows
        for wanted in filters
    ]
    accounts = await ledger.read(lambda tx: store.accounts.list(tx, store.AccountFilter(), after=None, limit=50))
    statements = [await call.ListEntries(pb.ListEntriesRequest(account_id=each.account_id), None) for each in accounts]
    return {
        "lists": lists,
        "statements": statements,
        "as of": [await balance(ledger, each.account_id, as_of=NOON) for each in accounts],
        "trial balance": await ledger.read(lambda tx: store.trial_balance(tx, as_of=NOON, currency_code=None)),
        "in transit": await ledger.read(lambda tx: store.books.in_transit(tx, limit=50)),
        "flows": await ledger.read(lambda tx: store.account_flows(tx, "merchant.settlement", leaving_out=[])),
        "rows": await rows(ledger, "SELECT * FROM entry ORDER BY transaction_id, line"),
    }


async def moved(ledger: Runtime) -> None:
    while await jobs.move_former(ledger):
        pass
    assert await rows(ledger, "SELECT FROM former_transaction") == []
    assert await rows(ledger, "SELECT FROM former_entry") == []


async def test_what_was_booked_before_is_read_and_verified_before_and_after_it_is_moved(kept: Runtime) -> None:
    before = await seen(kept)
    assert [len(page) for page in before["lists"]] == [6, 5, 1, 2, 2, 1, 1, 1, 0]
    report = await kept.read(verify)
    assert (report.transactions, report.entries) == (6, 4 + 4 + 4 + 3 + 3 + 2)
    await moved(kept)
    assert await seen(kept) == before
    assert await kept.read(verify) == report


async def test_former_transactions_are_found_under_both_ids(kept: Runtime) -> None:
    former, now = named_id("txn", "PaymentSuccess", CAPTURES[0]), transaction_id("PaymentSuccess", CAPTURES[0])
    before = await kept.read(lambda tx: store.transactions.by_key(tx, [former, now]))
    assert {key: row.transaction_id for key, row in before.items()} == {former: former, now: former}
    assert len(before[now].entries) == 4
    await moved(kept)
    assert await kept.read(lambda tx: store.transactions.by_key(tx, [former, now])) == before


@pytest.mark.parametrize("after", [False, True], ids=["before it is moved", "after it is moved"])
async def test_what_was_booked_before_is_booked_once(kept: Runtime, *, after: bool) -> None:
    if after:
        await moved(kept)
    booked = await rows(kept, "SELECT transaction_id FROM transaction")
    balances = await rows(kept, "SELECT account_id, stripe, balance_minor FROM balance ORDER BY 1, 2")
    assert await consume(kept, captured(0), captured(1, merchant_id=BOB), capture(9)) == [None, None, None]
    assert await consume(kept, dispute(DisputeOpened, dispute_id=DISPUTE, payment_id=PAYMENTS[0])) == [None]
    [refused] = await consume(kept, captured(0, amount_minor=9_999))
    assert "other content" in str(refused)
    assert await rows(kept, "SELECT transaction_id FROM transaction") == booked
    assert await rows(kept, "SELECT account_id, stripe, balance_minor FROM balance ORDER BY 1, 2") == balances


@pytest.mark.parametrize("after", [False, True], ids=["before it is moved", "after it is moved"])
async def test_what_was_opened_before_is_ended_once(kept: Runtime, *, after: bool) -> None:
    if after:
        await moved(kept)
    won = dispute(DisputeWon, dispute_id=DISPUTE, payment_id=PAYMENTS[0])
    assert await consume(kept, won) == [None]
    assert await consume(kept, won) == [None]
    assert await balance(kept, account("merchant.disputed", ALICE)) == 0
    await moved(kept)
    assert await consume(kept, won) == [None]
    await kept.read(verify)


async def test_an_end_booked_before_is_no_rival_of_itself(ledger: Runtime, admin_url: str) -> None:
    opened = dispute(DisputeOpened, dispute_id=DISPUTE, payment_id=PAYMENTS[0])
    won = dispute(DisputeWon, dispute_id=DISPUTE, payment_id=PAYMENTS[0])
    await consume(ledger, captured(0))
    assert await consume(ledger, opened) == await consume(ledger, won) == [None]
    await as_before(admin_url)
    assert await consume(ledger, opened) == await consume(ledger, won) == [None]
    assert await rows(ledger, "SELECT count(*) FROM transaction") == [(3,)]


async def test_what_is_booked_meanwhile_stands_beside_what_was_before(kept: Runtime) -> None:
    await consume(kept, captured(2), refund(2, payment_id=PAYMENTS[0]))
    income = await balance(kept, INCOME)
    await kept.read(verify)
    await moved(kept)
    assert await balance(kept, INCOME) == income
    report = await kept.read(verify)
    assert report.transactions == 8


async def test_what_is_moved_is_dated_into_closed_periods_and_nothing_else(kept: Runtime, admin_url: str) -> None:
    closed = "INSERT INTO accounting.period VALUES ('per_' || repeat('0', 32), $1, 'CLOSED', 'a', 'b', 'c', $1, $1)"
    connection = await asyncpg.connect(admin_url)
    await connection.execute(closed, NOON)
    await connection.close()
    await moved(kept)
    [(effective_at,)] = await rows(kept, "SELECT max(effective_at) FROM transaction")
    assert effective_at == NOON


async def test_what_is_not_in_the_journal_as_it_was_stays_where_it_is(kept: Runtime) -> None:
    former = await kept.read(lambda tx: store.transactions.former(tx, [named_id("txn", "PaymentSuccess", CAPTURES[0])]))
    [(old, booked)] = former.items()
    now = replace(booked, transaction_id=transaction_id("PaymentSuccess", CAPTURES[0]), amount_minor=9_000)

    async def copy_wrongly(tx: Any) -> None:
        places = await store.journal.place(tx, [now])
        await store.journal.insert_new(tx, places, former_ids={now.transaction_id: old})
        await tx.fetch("SELECT retire_former($1)", [old])

    with pytest.raises(asyncpg.CheckViolationError, match=f"{old} is not in the journal as it was booked"):
        await kept.transaction(copy_wrongly)
    with pytest.raises(asyncpg.CheckViolationError, match="is not in the journal"):
        await kept.transaction(lambda tx: tx.fetch("SELECT retire_former($1)", [old]))


async def test_damage_in_the_former_tables_is_found(kept: Runtime, admin_url: str) -> None:
    connection = await asyncpg.connect(admin_url)
    await connection.execute("UPDATE accounting.former_entry SET amount_minor = 499 WHERE amount_minor = 500")
    await connection.close()
    with pytest.raises(LedgerDifferenceError) as found:
        await kept.read(verify)
    assert found.value.check == "entries of their transactions"


async def test_an_id_that_was_never_told_is_found_where_it_was_moved_to(kept: Runtime, admin_url: str) -> None:
    await moved(kept)
    key = transaction_id("PaymentSuccess", CAPTURES[0])
    other = "0" * 12 + "5" + "0" * 3 + "8" + "0" * 15
    connection = await asyncpg.connect(admin_url)
    await connection.execute(f"UPDATE accounting.journal SET former_id = '{other}' WHERE transaction_id = '{key[4:]}'")
    await connection.close()
    with pytest.raises(LedgerDifferenceError) as found:
        await kept.read(verify)
    assert (found.value.check, found.value.subject, found.value.detail) == (
        "transaction ids",
        f"txn_{other}",
        f"is not the id that {key} had before types had numbers",
    )
