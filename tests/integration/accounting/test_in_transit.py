"""Disputes, settlements and withdrawals, booked step by step on a real database."""

import asyncio
from collections.abc import Sequence

import pytest

from paykit.consume.delivery import HandlerResult, Impossible, NotYet
from paykit.events.event import Event
from paykit.process.runtime import Runtime
from paystream.payment.v1.events import DisputeLost, DisputeOpened, DisputeWon
from paystream.withdrawal.v1.events import (
    WithdrawalCompleted,
    WithdrawalCreated,
    WithdrawalFailed,
    WithdrawalRejected,
    WithdrawalReturned,
)
from services.accounting import store
from services.accounting.commands import journals as commands
from services.accounting.commands.verification import verify
from services.accounting.domain import chart
from services.accounting.domain.journal import AccountKindInTransit
from services.accounting.handlers import FUNDS_WAIT_S
from services.accounting.service import SERVICE
from tests.conftest import RuntimeOf
from tests.integration.accounting.books import account, balance, consume, emitted, rows
from tests.unit.accounting.ledger import (
    ALICE,
    BOB,
    capture,
    credit,
    debit,
    dispute,
    journal,
    payment_id,
    refund,
    release,
    settlement,
    settlement_id,
    withdrawal,
    withdrawal_id,
)

KINDS = ("settlement", "available", "reserve", "disputed", "withdrawing", "receivable")


async def held(ledger: Runtime, merchant_id: str = ALICE) -> dict[str, int]:
    """Give what the merchant has on each kind of account, where that is not 0."""
    found = {kind: await balance(ledger, account(f"merchant.{kind}", merchant_id)) for kind in KINDS}
    return {kind: minor for kind, minor in found.items() if minor}


async def consume_all(ledger: Runtime, *events: Event) -> list[HandlerResult]:
    """Handle events one after another."""
    return [outcome for event in events for outcome in await consume(ledger, event)]


async def told(ledger: Runtime) -> list[str]:
    return [name for name in await emitted(ledger) if name != "AccountCreated"]


def reason_of(outcome: HandlerResult) -> str:
    assert isinstance(outcome, Impossible)
    return outcome.error.reason


LINE: Sequence[tuple[Event, dict[str, int]]] = (
    # 100.00 less a fee of 3.20.
    (capture(1, amount_minor=10_000, fee_minor=320), {"settlement": 9_680}),
    (dispute(DisputeOpened, 1, amount_minor=2_500), {"settlement": 7_180, "disputed": 2_500}),
    (dispute(DisputeWon, 1, amount_minor=2_500), {"settlement": 9_680}),
    # 10 % of 96.80 in reserve.
    (settlement(1, net=8_712, reserve=968), {"available": 8_712, "reserve": 968}),
    (withdrawal(WithdrawalCreated, 1, amount_minor=6_000), {"available": 2_712, "reserve": 968, "withdrawing": 6_000}),
    (withdrawal(WithdrawalFailed, 1, amount_minor=6_000), {"available": 8_712, "reserve": 968}),
    (withdrawal(WithdrawalCreated, 2, amount_minor=8_712), {"reserve": 968, "withdrawing": 8_712}),
    (withdrawal(WithdrawalRejected, 2, amount_minor=8_712), {"available": 8_712, "reserve": 968}),
    (withdrawal(WithdrawalCreated, 3, amount_minor=8_000), {"available": 712, "reserve": 968, "withdrawing": 8_000}),
    (withdrawal(WithdrawalCompleted, 3, amount_minor=8_000), {"available": 712, "reserve": 968}),
    (release(1, amount_minor=968), {"available": 712, "settlement": 968}),
    (dispute(DisputeOpened, 2, amount_minor=1_000), {"available": 712, "settlement": -32, "disputed": 1_000}),
    (dispute(DisputeLost, 2, amount_minor=1_000), {"available": 712, "settlement": -32}),
    (withdrawal(WithdrawalReturned, 3, amount_minor=8_000), {"available": 8_712, "settlement": -32}),
)


async def test_money_goes_through_the_accounts_step_by_step(ledger: Runtime) -> None:
    for event, expected in LINE:
        assert await consume(ledger, event) == [None]
        assert await held(ledger) == expected
    # Captured 10,000; lost 1,000; paid out 8,000 and got it back.
    assert await balance(ledger, account("platform.income")) == 10_000 - 1_000 - 8_000 + 8_000
    assert await balance(ledger, account("platform.fees")) == 320
    assert (await ledger.read(verify)).transactions == len(LINE)


async def test_every_event_again_changes_nothing_and_tells_nothing(ledger: Runtime) -> None:
    for event, _ in LINE:
        assert await consume(ledger, event, event) == [None, None]
    once = await told(ledger)
    assert once == ["TransactionCreated"] * len(LINE)
    for event, _ in LINE:
        assert await consume(ledger, event) == [None]
    assert await told(ledger) == once
    assert await held(ledger) == LINE[-1][1]


async def test_the_same_line_where_merchants_accounts_are_debts(
    runtime_of: RuntimeOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PAYSTREAM_ACCOUNTING_CHART", "psp_liability")
    ledger = await runtime_of(SERVICE)
    await consume_all(ledger, *(event for event, _ in LINE))
    kinds = store.load_chart("psp_liability").kinds
    owners = {"merchant.available": ALICE, "channel.receivable": None, "platform.bank": None}
    found = {kind: await balance(ledger, chart.account_id(kinds[kind], owners[kind], "USD")) for kind in owners}
    # The channel owes what was captured less what was lost; the bank has what was paid out and came back.
    assert found == {"merchant.available": 8_712, "channel.receivable": 9_000, "platform.bank": 0}
    assert (await ledger.read(verify)).transactions == len(LINE)


async def test_the_transactions_of_a_dispute_belong_to_its_payment(ledger: Runtime) -> None:
    await consume_all(ledger, *(event for event, _ in LINE))
    sql = "SELECT transaction_type FROM transaction WHERE root_reference = $1 ORDER BY transaction_type"
    of = {
        root: [row[0] for row in await rows(ledger, sql, root)]
        for root in (payment_id(1), settlement_id(1), withdrawal_id(3))
    }
    assert of == {
        payment_id(1): ["DisputeOpened", "DisputeWon", "PaymentSuccess"],
        settlement_id(1): ["ReserveReleased", "SettlementCreated"],
        withdrawal_id(3): ["WithdrawalCompleted", "WithdrawalCreated", "WithdrawalReturned"],
    }


async def test_a_withdrawal_that_comes_before_its_funds_waits_and_is_held_when_they_come(ledger: Runtime) -> None:
    early = withdrawal(WithdrawalCreated, 1, amount_minor=9_000)
    [outcome] = await consume(ledger, early)
    assert isinstance(outcome, NotYet)
    assert outcome.waits_for == "funds: merchant.available has 0 to spend, not 9000."
    assert await told(ledger) == []
    await consume(ledger, settlement(1, net=9_000, reserve=1_000))
    assert await consume(ledger, early, waited_s=FUNDS_WAIT_S) == [None]
    assert await held(ledger) == {"settlement": -10_000, "reserve": 1_000, "withdrawing": 9_000}


async def test_a_withdrawal_that_waited_in_vain_is_refused_and_told_once_and_for_all(ledger: Runtime) -> None:
    vain = withdrawal(WithdrawalCreated, 1, amount_minor=9_000)
    [outcome] = await consume(ledger, vain, waited_s=FUNDS_WAIT_S - 0.01)
    assert isinstance(outcome, NotYet)
    assert await consume(ledger, vain, vain, waited_s=FUNDS_WAIT_S) == [None, None]
    assert await told(ledger) == ["TransactionRejected"]
    sql = "SELECT transaction_type, related_no, root_reference, reason FROM refusal"
    refused = [("WithdrawalCreated", withdrawal_id(1), withdrawal_id(1), "INSUFFICIENT_FUNDS")]
    assert await rows(ledger, sql) == refused
    # Funds that come later are not held for a withdrawal that has failed, however often its events come.
    await consume(ledger, settlement(1, net=9_000, reserve=1_000))
    unheld = withdrawal(WithdrawalFailed, 1, amount_minor=9_000, funds_held=False, reason="INSUFFICIENT_FUNDS")
    assert await consume_all(ledger, vain, unheld, vain, unheld) == [None] * 4
    assert await held(ledger) == {"settlement": -10_000, "available": 9_000, "reserve": 1_000}
    assert await told(ledger) == ["TransactionRejected", "TransactionCreated"]
    await ledger.read(verify)


async def test_one_that_lacks_funds_does_not_keep_a_smaller_one_behind_it_from_them(ledger: Runtime) -> None:
    await consume(ledger, settlement(1, net=500, reserve=0))
    asked = [withdrawal(WithdrawalCreated, n, amount_minor=minor) for n, minor in ((1, 300), (2, 300), (3, 200))]
    outcomes = await consume(ledger, *asked)
    assert [type(outcome) for outcome in outcomes] == [type(None), NotYet, type(None)]
    assert await held(ledger) == {"settlement": -500, "withdrawing": 500}


async def test_a_settlement_that_does_not_add_up_is_refused_and_told_at_once(ledger: Runtime) -> None:
    wrong, right = settlement(1, net=900, reserve=100, net_minor=899), settlement(2, net=900, reserve=100)
    assert await consume(ledger, wrong, right, wrong) == [None, None, None]
    assert await consume(ledger, wrong) == [None]
    assert await told(ledger) == ["TransactionCreated", "TransactionRejected"]
    assert await rows(ledger, "SELECT related_no, reason FROM refusal") == [(settlement_id(1), "AMOUNTS_DISAGREE")]
    assert await held(ledger) == {"settlement": -1_000, "available": 900, "reserve": 100}


async def test_the_same_settlement_with_another_amount_is_impossible(ledger: Runtime) -> None:
    outcomes = await consume_all(ledger, settlement(1, net=900, reserve=0), settlement(1, net=901, reserve=0))
    assert (outcomes[0], reason_of(outcomes[1])) == (None, "TRANSACTION_CONFLICT")
    assert await rows(ledger, "SELECT * FROM refusal") == []


async def test_a_settlement_that_was_booked_is_not_refused_when_it_comes_again_and_does_not_add_up(
    ledger: Runtime,
) -> None:
    await consume(ledger, settlement(1, net=900, reserve=0))
    right, wrong = settlement(2, net=50, reserve=0), settlement(1, net=900, reserve=0, fees_minor=-1)
    outcomes = await consume(ledger, wrong, right)
    assert (reason_of(outcomes[0]), outcomes[1]) == ("TRANSACTION_CONFLICT", None)
    assert await told(ledger) == ["TransactionCreated"] * 2
    assert await rows(ledger, "SELECT * FROM refusal") == []
    await ledger.read(verify)


async def test_what_was_never_opened_cannot_end_and_is_no_refusal_that_anybody_waits_for(ledger: Runtime) -> None:
    await consume(ledger, settlement(9, net=50_000, reserve=9_000))
    endings: list[Event] = [
        dispute(DisputeWon),
        dispute(DisputeLost),
        withdrawal(WithdrawalRejected),
        withdrawal(WithdrawalFailed),
        withdrawal(WithdrawalCompleted),
        withdrawal(WithdrawalReturned),
    ]
    outcomes = await consume_all(ledger, *endings)
    assert [reason_of(outcome) for outcome in outcomes] == ["OPENING_NOT_BOOKED"] * len(endings)
    assert await told(ledger) == ["TransactionCreated"]


async def test_what_has_ended_does_not_end_in_another_way(ledger: Runtime) -> None:
    opened: list[Event] = [dispute(DisputeOpened, n) for n in (1, 2)]
    await consume_all(ledger, *opened, dispute(DisputeWon, 1))
    outcomes = await consume_all(ledger, dispute(DisputeLost, 1), dispute(DisputeWon, 1), dispute(DisputeLost, 2))
    assert (reason_of(outcomes[0]), outcomes[1:]) == ("ENDED_OTHERWISE", [None, None])
    assert await held(ledger) == {"settlement": -2_500}


async def test_an_end_takes_out_no_other_amount_than_was_put_in(ledger: Runtime) -> None:
    await consume(ledger, dispute(DisputeOpened, 1, amount_minor=2_500), dispute(DisputeOpened, 2, amount_minor=9_000))
    [outcome] = await consume(ledger, dispute(DisputeWon, 1, amount_minor=2_501))
    assert reason_of(outcome) == "OPENING_MISMATCH"
    assert (await held(ledger))["disputed"] == 11_500


async def test_no_journal_takes_away_what_an_end_is_going_to_take(ledger: Runtime) -> None:
    await consume(ledger, settlement(1, net=9_000, reserve=0))
    await consume(ledger, withdrawal(WithdrawalCreated, 1, amount_minor=6_000))
    legs = (credit("merchant.withdrawing", 1, ALICE), debit("merchant.available", 1, ALICE))
    [refused] = await ledger.transaction(lambda tx: commands.create_transactions(tx, [journal(*legs)]))
    assert isinstance(refused, AccountKindInTransit)
    assert await consume(ledger, withdrawal(WithdrawalCompleted, 1, amount_minor=6_000)) == [None]


async def test_fifty_withdrawals_at_once_hold_no_more_than_there_is(ledger: Runtime) -> None:
    await consume(ledger, settlement(1, net=1_050, reserve=0), settlement(2, net=1_000, reserve=0, merchant_id=BOB))
    asked = [withdrawal(WithdrawalCreated, n, amount_minor=100) for n in range(50)]
    outcomes = await asyncio.gather(*(consume(ledger, each, partition=n % 6) for n, each in enumerate(asked)))
    assert [outcome for [outcome] in outcomes].count(None) == 10
    assert sum(isinstance(outcome, NotYet) for [outcome] in outcomes) == 40
    assert await held(ledger) == {"settlement": -1_050, "available": 50, "withdrawing": 1_000}
    assert await held(ledger, BOB) == {"settlement": -1_000, "available": 1_000}
    await ledger.read(verify)


async def test_settlements_withdrawals_and_payments_at_once_leave_every_unit_accounted_for(ledger: Runtime) -> None:
    await consume(ledger, settlement(1_000, net=100, reserve=0))
    batches: list[list[Event]] = []
    for n in range(6):
        batches.append([capture(10 * n + i, amount_minor=1_000, fee_minor=10) for i in range(10)])
        batches.append([refund(10 * n + i, amount_minor=100) for i in range(5)])
        batches.append([settlement(10 * n + i, net=90, reserve=10) for i in range(5)])
        batches.append([withdrawal(WithdrawalCreated, 10 * n + i, amount_minor=1) for i in range(5)])
    await asyncio.gather(*(consume(ledger, *batch, partition=n // 4) for n, batch in enumerate(batches)))
    assert await held(ledger) == {
        "settlement": 60 * 990 - 30 * 100 - 30 * 100 - 100,
        "available": 100 + 30 * 90 - 30,
        "reserve": 30 * 10,
        "withdrawing": 30,
    }
    await ledger.read(verify)


async def test_consumers_of_payments_and_of_settlements_write_rows_of_their_own(ledger: Runtime) -> None:
    await consume(ledger, capture(1, amount_minor=10_000, fee_minor=0), partition=2)
    await consume(ledger, settlement(1, net=400, reserve=0), partition=2)
    sql = "SELECT stripe, balance_minor FROM balance WHERE account_id = $1 ORDER BY stripe"
    assert await rows(ledger, sql, account("merchant.settlement", ALICE)) == [(2, 10_000), (9, -400)]
