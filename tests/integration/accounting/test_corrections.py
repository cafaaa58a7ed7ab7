"""Corrections booked on a real database: once, balanced, and refused by an event."""

from dataclasses import replace
from datetime import timedelta

from paykit.process.runtime import Runtime
from services.accounting import store
from services.accounting.commands.verification import verify
from tests.integration.accounting.books import account, balance, consume, rows
from tests.integration.accounting.test_in_transit import reason_of, told
from tests.unit.accounting.ledger import capture, correction, correction_id

INCOME, FEES = account("platform.income"), account("platform.fees")
FEE = correction(debit="platform.income", credit="platform.fees")
"""The acquirer kept 0.30 more than was thought, in the chart of assets."""


async def test_a_correction_is_booked_once_however_often_it_comes(ledger: Runtime) -> None:
    await consume(ledger, capture(1, amount_minor=10_000, fee_minor=320))
    assert await consume(ledger, FEE, FEE) == [None, None]
    assert await consume(ledger, FEE, partition=3) == [None]
    assert (await balance(ledger, INCOME), await balance(ledger, FEES)) == (10_000 - 30, 320 - 30)
    assert await told(ledger) == ["TransactionCreated"] * 2
    booked = await rows(ledger, "SELECT actor, reason FROM transaction WHERE related_no = $1", correction_id(1))
    assert booked == [("bob", "the acquirer's new tariff")]
    report = await ledger.read(verify)
    assert "corrections" in report.checks


async def test_another_correction_under_the_same_id_is_impossible(ledger: Runtime) -> None:
    await consume(ledger, FEE)
    for changed in ({"amount_minor": 31}, {"reason": "other"}, {"credit_account_kind": "platform.losses"}):
        [other] = await consume(ledger, replace(FEE, **changed))
        assert reason_of(other) == "TRANSACTION_CONFLICT"
    assert await balance(ledger, INCOME) == -30


async def test_a_correction_that_the_chart_cannot_book_is_refused_by_an_event_for_good(ledger: Runtime) -> None:
    no_such = correction(1, debit="channel.fees", credit="channel.receivable")
    in_transit = correction(2, debit="suspense", credit="platform.income")
    assert await consume(ledger, no_such, in_transit, no_such) == [None] * 3
    assert await told(ledger) == ["TransactionRejected"] * 2
    refusals = "SELECT transaction_type, related_no, reason FROM refusal ORDER BY related_no"
    assert await rows(ledger, refusals) == [
        ("Correction", correction_id(number), "CORRECTION_NOT_POSSIBLE") for number in (1, 2)
    ]
    # Told once: what is refused stays refused, also where the event comes again with accounts that there are.
    assert await consume(ledger, replace(no_such, debit_account_kind="platform.losses")) == [None]
    assert await rows(ledger, "SELECT FROM transaction") == []


async def test_what_happened_in_a_closed_period_is_booked_after_it(ledger: Runtime) -> None:
    end = FEE.occurred_at + timedelta(hours=1)
    close = """
    INSERT INTO period VALUES ('per_' || repeat('0', 32), $1, 'CLOSED', 'ann', 'bob', 'closed', now(), now())
    """
    await ledger.transaction(lambda tx: tx.fetch(close, end))
    assert await consume(ledger, FEE) == [None]
    [(effective_at, occurred_at)] = await rows(ledger, "SELECT effective_at, occurred_at FROM transaction")
    assert (effective_at > end, occurred_at) == (True, FEE.occurred_at)
    await ledger.read(verify)


async def test_corrections_do_not_count_as_booked_alone(ledger: Runtime) -> None:
    await consume(ledger, FEE)
    day = timedelta(days=1)
    alone = await ledger.transaction(lambda tx: store.booked_alone(tx, since=tx.now - day, has_former=False))
    assert alone == {}


async def test_a_correction_leaves_nothing_to_explain_in_transit(ledger: Runtime) -> None:
    await consume(ledger, FEE)
    assert await ledger.read(lambda tx: store.books.in_transit(tx, limit=10)) == []
    kinds = await ledger.read(store.books.kind_balances)
    assert [(kind.account_kind, kind.balance_minor) for kind in kinds] == [
        ("platform.fees", -30),
        ("platform.income", -30),
    ]
