"""For any sequence of operations: a batch equals its items one at a time, and the ledger verifies."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from paykit.cause import NO_CALL
from paykit.errors import DomainError
from paykit.events.event import Event
from paykit.postgres.database import Tx
from paykit.process.runtime import Runtime
from paykit.testing import batches
from paykit.testing.batches import Step, undone
from paystream.payment.v1.events import (
    DisputeDecision,
    DisputeLost,
    DisputeOpened,
    DisputeWon,
    LateCaptureAccepted,
    LateCaptureReceived,
    RefundReason,
)
from paystream.withdrawal.v1.events import (
    WithdrawalBounced,
    WithdrawalCancelled,
    WithdrawalCompleted,
    WithdrawalCreated,
    WithdrawalFailed,
    WithdrawalPaidLate,
    WithdrawalRejected,
    WithdrawalReturned,
)
from services.accounting import store
from services.accounting.commands import journals as commands
from services.accounting.commands import periods, proposals
from services.accounting.commands.proposals import DecideJournal, ProposeJournal
from services.accounting.commands.verification import verify
from services.accounting.domain import proposal as domain_proposal
from services.accounting.domain import transaction as domain
from services.accounting.domain.booked_event import BY_CLASS
from services.accounting.domain.journal import Journal, Reversal
from services.accounting.domain.period import ClosePeriod
from services.accounting.domain.proposal import JournalDecision
from services.accounting.domain.transaction import Transaction
from tests.integration.accounting.books import HANDLERS, apply, delivered, everything
from tests.unit.accounting.ledger import (
    ALICE,
    BOB,
    CAUSE,
    NOON,
    capture,
    consumption,
    correction,
    credit,
    debit,
    dispute,
    journal,
    late,
    overturned,
    recovery,
    refund,
    refund_returned,
    release,
    resolved,
    reversed_,
    settlement,
    statement,
    withdrawal,
)

# Each example runs in transactions that are undone, so that one database serves them all.
ON_ONE_LEDGER = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)

# Few numbers and few values, so that replays, conflicts, shared accounts and empty pockets are common.
NUMBERS = st.integers(1, 4)
AMOUNTS = st.sampled_from([0, 1, 320, 500, 2**53 - 1, 2**53])
MERCHANTS = st.sampled_from([ALICE, BOB, None])
CURRENCIES = st.sampled_from(["USD", "USD", "JPY", "QQQ"])
TIMES = st.sampled_from([NOON, NOON - timedelta(hours=1)])

captures = st.builds(
    capture,
    NUMBERS,
    amount_minor=AMOUNTS,
    fee_minor=st.sampled_from([0, 0, 1, 320]),
    merchant_id=MERCHANTS,
    currency_code=CURRENCIES,
    occurred_at=TIMES,
)
refunds = st.builds(
    refund,
    NUMBERS,
    amount_minor=AMOUNTS,
    fee_returned_minor=st.sampled_from([0, 0, 1]),
    reason=st.sampled_from([RefundReason.CUSTOMER_REQUEST, RefundReason.CONTRADICTION]),
    merchant_id=MERCHANTS,
    currency_code=CURRENCIES,
    occurred_at=TIMES,
)


def steps_of(step: Callable[..., Event]) -> st.SearchStrategy[Event]:
    """Draw events of one type, of which some end what `prepared` opened."""
    return st.builds(
        step,
        NUMBERS,
        amount_minor=st.sampled_from([0, 1, 320, 320, 500, 2**53]),
        merchant_id=st.sampled_from([ALICE, ALICE, BOB, None]),
        currency_code=st.sampled_from(["USD", "USD", "USD", "JPY"]),
        # Odd ones have waited for long.
        aggregate_version=st.sampled_from([1, 2]),
    )


corrections = st.builds(
    correction,
    NUMBERS,
    debit=st.sampled_from(["platform.income", "platform.income", "suspense"]),
    credit=st.sampled_from(["platform.fees", "platform.losses", "channel.fees"]),
    amount_minor=st.sampled_from([0, 1, 320]),
    currency_code=CURRENCIES,
)

settlements = st.builds(
    settlement,
    NUMBERS,
    net=st.sampled_from([0, 1, 320]),
    reserve=st.sampled_from([0, 320, 2**53]),
    merchant_id=MERCHANTS,
    currency_code=CURRENCIES,
    net_minor=st.sampled_from([1, 320]),
)


def new_decision(number: int, *, amount_minor: int, **changes: Any) -> Event:
    """Overturn a dispute, half of it against what the merchant owes."""
    outcome = DisputeDecision.WON if number % 2 else DisputeDecision.LOST
    parts = {"settlement_minor": amount_minor - amount_minor // 2, "receivable_minor": amount_minor // 2}
    return overturned(outcome, number, amount_minor=amount_minor, **parts, **changes)


def recovered(number: int, *, amount_minor: int, **changes: Any) -> Event:
    return recovery(number, settlement=amount_minor, amount_minor=amount_minor, **changes)


statements = st.builds(
    statement,
    NUMBERS,
    captured_minor=AMOUNTS,
    refunded_minor=st.sampled_from([0, 320]),
    channel_fee_minor=st.sampled_from([0, 5, -5]),
    currency_code=CURRENCIES,
    aggregate_version=st.sampled_from([1, 2]),
)


def moved(number: int, amount: int, source: str, target: str, merchant: str) -> Journal:
    """Move an amount between two of a merchant's accounts."""
    legs = (credit(source, amount, merchant), debit(target, amount, merchant))
    return journal(*legs, transaction_type="Move", related_no=f"move-{number}", alone_limit_minor=700)


KINDS = st.sampled_from(["merchant.settlement", "merchant.available", "merchant.withdrawing", "merchant.lost"])
journals = st.builds(
    moved, NUMBERS, st.sampled_from([1, 320, 500]), KINDS, KINDS, st.sampled_from([ALICE, BOB, "mer_" + "0" * 32])
)
reversals = st.builds(
    lambda number: Reversal(
        transaction_id=domain.transaction_id("Move", f"move-{number}"),
        reason="Wrong",
        effective_at=None,
        cause=CAUSE,
        alone_limits={"*": 700},
    ),
    st.sampled_from([1, 2, 99]),
)
proposed = st.builds(ProposeJournal, asked=st.one_of(journals, reversals), proposer=st.sampled_from(["ann", None]))
decided = st.builds(
    lambda number, **fields: DecideJournal(proposal_id=proposal_id(number), cause=CAUSE, **fields),
    NUMBERS,
    decision=st.sampled_from(JournalDecision),
    decider=st.sampled_from(["bob", "carl", "ann", "ANN", None]),
    reason=st.sampled_from(["Seen", None]),
)
closings = st.builds(
    ClosePeriod,
    end_at=st.sampled_from([NOON - timedelta(days=days) for days in (-1, 1, 2, 3)]),
    reason=st.just("Month"),
    person=st.sampled_from(["ann", "bob", "Ann ", None]),
)


def proposal_id(number: int) -> str:
    return f"jrp_{number:032x}"


async def propose(tx: Tx, items: Sequence[ProposeJournal]) -> Sequence[Any]:
    """Propose, and leave out the ids, which are random."""
    results = await proposals.propose_journals(tx, items)
    return [each if isinstance(each, DomainError) else replace(each, proposal_id="") for each in results]


async def close(tx: Tx, items: Sequence[ClosePeriod]) -> Sequence[Any]:
    """Close, and leave out the ids, which are random."""
    results = await periods.close_periods(tx, items)
    return [each if isinstance(each, DomainError) else replace(each, period_id="") for each in results]


PROPOSED = ((11, 320), (12, 2**53 - 1), (11, 320))
"""Numbers and amounts of the journals that are proposed from the beginning: the last is the first once more."""


async def prepared(tx: Tx) -> None:
    """Book what makes journals and reversals possible: a capture each, and something available."""
    await apply(tx, [capture(1, occurred_at=NOON), capture(2, merchant_id=BOB, occurred_at=NOON)])
    await commands.create_transactions(tx, [moved(99, 600, "merchant.settlement", "merchant.available", ALICE)])
    await apply(tx, [dispute(DisputeOpened, 1, amount_minor=320), dispute(DisputeOpened, 2, amount_minor=1)])
    await apply(tx, [settlement(1, net=0, reserve=320), settlement(2, net=1, reserve=1)])
    withdrawals = [(1, 320), (2, 1), (3, 1)]
    await apply(tx, [withdrawal(WithdrawalCreated, number, amount_minor=amount) for number, amount in withdrawals])
    await apply(tx, [withdrawal(WithdrawalCompleted, 3, amount_minor=1)])
    await apply(tx, [late(LateCaptureReceived, number, amount_minor=320) for number in (1, 2)])
    asked = [moved(number, amount, "merchant.settlement", "merchant.available", ALICE) for number, amount in PROPOSED]
    transactions = await commands.journal_transactions(tx, await store.open_books(tx), asked)
    rows = store.journal_proposals.rows(tx)
    for number, journal_, transaction in zip((1, 2, 3), asked, transactions, strict=True):
        assert isinstance(transaction, Transaction)
        rows.add(
            domain_proposal.propose(
                journal_,
                transaction,
                proposal_id=proposal_id(number),
                proposer="ann",
                creating_call=NO_CALL,
                now=tx.now,
            )
        )
    await tx.save(rows)


async def apply_as_they_come(tx: Tx, events: Sequence[Event], *, partition: int = 0) -> Sequence[Any]:
    """Handle events of one type, of which some have waited for longer than funds are waited for."""
    deliveries = [delivered(each, partition=partition, waited_s=60 * (each.aggregate_version % 2)) for each in events]
    tx.hold(*(each.key for each in deliveries))
    return await HANDLERS[type(events[0])](tx, deliveries)


async def assert_batch_equals_singles(runtime: Runtime, step: Step, items: Sequence[Any]) -> None:
    async def look(tx: Tx, results: Sequence[Any]) -> Any:
        return list(results), await everything(tx, runtime)

    await batches.assert_batch_equals_singles(runtime, step, items, look=look, prepare=prepared)


STEPS: dict[str, tuple[Step, st.SearchStrategy[Any]]] = {
    "on_payment_success": (apply, captures),
    "on_refund_success": (apply, refunds),
    "on_dispute_opened": (apply_as_they_come, steps_of(partial(dispute, DisputeOpened))),
    "on_dispute_won": (apply_as_they_come, steps_of(partial(dispute, DisputeWon))),
    "on_dispute_lost": (apply_as_they_come, steps_of(partial(dispute, DisputeLost))),
    "on_settlement_created": (apply, settlements),
    "on_reserve_released": (apply_as_they_come, steps_of(release)),
    "on_withdrawal_created": (apply_as_they_come, steps_of(partial(withdrawal, WithdrawalCreated))),
    "on_withdrawal_rejected": (apply_as_they_come, steps_of(partial(withdrawal, WithdrawalRejected))),
    "on_withdrawal_failed": (apply_as_they_come, steps_of(partial(withdrawal, WithdrawalFailed))),
    "on_withdrawal_completed": (apply_as_they_come, steps_of(partial(withdrawal, WithdrawalCompleted))),
    "on_withdrawal_returned": (apply_as_they_come, steps_of(partial(withdrawal, WithdrawalReturned))),
    "on_withdrawal_cancelled": (apply_as_they_come, steps_of(partial(withdrawal, WithdrawalCancelled))),
    "on_withdrawal_paid_late": (apply_as_they_come, steps_of(partial(withdrawal, WithdrawalPaidLate))),
    "on_withdrawal_bounced": (apply_as_they_come, steps_of(partial(withdrawal, WithdrawalBounced))),
    "on_late_capture_received": (apply_as_they_come, steps_of(partial(late, LateCaptureReceived))),
    "on_late_capture_accepted": (apply_as_they_come, steps_of(partial(late, LateCaptureAccepted))),
    "on_payment_reversed": (apply_as_they_come, steps_of(partial(reversed_, fee_returned_minor=0))),
    "on_refund_returned": (apply_as_they_come, steps_of(partial(refund_returned, suspense_minor=1))),
    "on_payment_contradiction_resolved": (apply_as_they_come, steps_of(partial(resolved, charged_minor=1))),
    "on_dispute_overturned": (apply_as_they_come, steps_of(new_decision)),
    "on_reserve_consumed": (apply_as_they_come, steps_of(consumption)),
    "on_balance_recovered": (apply_as_they_come, steps_of(recovered)),
    "on_channel_statement_closed": (apply_as_they_come, statements),
    "on_correction": (apply_as_they_come, corrections),
    "propose_journals": (propose, proposed),
    "decide_journals": (proposals.decide_journals, decided),
    "close_periods": (close, closings),
    "create_transactions": (commands.create_transactions, journals),
    "reverse_transactions": (commands.reverse_transactions, reversals),
}


@pytest.mark.parametrize("name", STEPS)
@ON_ONE_LEDGER
@given(data=st.data())
async def test_a_batch_equals_its_items_one_at_a_time(ledger: Runtime, name: str, data: st.DataObject) -> None:
    step, items = STEPS[name]
    await assert_batch_equals_singles(ledger, step, data.draw(st.lists(items, min_size=2, max_size=8)))


def operations_of(name: str) -> st.SearchStrategy[tuple[str, list[Any]]]:
    return st.tuples(st.just(name), st.lists(STEPS[name][1], min_size=1, max_size=4))


OPERATIONS = st.one_of(*map(operations_of, STEPS))


@ON_ONE_LEDGER
@given(operations=st.lists(OPERATIONS, max_size=8), partition=st.integers(0, 5))
async def test_any_sequence_of_operations_leaves_a_ledger_that_verifies(
    ledger: Runtime, operations: list[tuple[str, list[Any]]], partition: int
) -> None:
    async def run(tx: Tx) -> None:
        await prepared(tx)
        for name, items in operations:
            tx.restart_lock_order()
            if type(items[0]) in BY_CLASS:
                await apply_as_they_come(tx, items, partition=partition)
            else:
                await STEPS[name][0](tx, items)
        report = await verify(tx)
        assert report.transactions >= 3

    await undone(ledger, run)


async def test_the_property_would_notice_a_difference(ledger: Runtime) -> None:
    async def forgetful(tx: Tx, items: Sequence[Any]) -> Sequence[Any]:
        return await apply(tx, items[:1]) + [None] * (len(items) - 1)

    with pytest.raises(AssertionError):
        await assert_batch_equals_singles(ledger, forgetful, [capture(3), capture(4)])
