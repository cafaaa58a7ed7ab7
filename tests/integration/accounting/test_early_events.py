"""Events that come before their funds, as they come from Kafka: parked, kept in order, applied or refused."""

from collections.abc import Sequence

from paykit.consume.delivery import Record
from paykit.events.event import Event
from paykit.process.runtime import Runtime
from paykit.testing.outbox_events import outbox_events
from paystream.withdrawal.v1.events import WithdrawalCompleted, WithdrawalCreated, WithdrawalFailed
from services.accounting.handlers import FUNDS_WAIT_S
from tests.integration.accounting.books import account, balance, emitted, rows
from tests.unit.accounting.ledger import ALICE, NOON, settlement, withdrawal, withdrawal_id

AVAILABLE, WITHDRAWING = account("merchant.available", ALICE), account("merchant.withdrawing", ALICE)


async def deliver(ledger: Runtime, *events: Event, partition: int = 0) -> None:
    """Apply events in one transaction, as the consumer does with a batch; the next offset is the number of rows."""
    stamps = {"event_id": "evt_1", "recorded_at": NOON, "correlation_id": "cor_1", "causation_id": None, "actor": None}
    [(begin,)] = await rows(ledger, "SELECT count(*) FROM parked_event")
    records = [
        Record(
            event.TOPIC, partition, begin + n, getattr(event, event.KEY), ledger.codec.encode(event, stamps=stamps), []
        )
        for n, event in enumerate(events)
    ]
    steps = [step for step in map(ledger.application.prepare, records) if step is not None]
    assert len(steps) == len(records)
    await ledger.transaction(lambda tx: ledger.application.apply(tx, steps))


async def parked(ledger: Runtime) -> Sequence[tuple[str, str]]:
    found = await rows(ledger, "SELECT record, waits_for FROM parked_event ORDER BY parked_event_id")
    return [(record.rpartition(".")[2], waits_for) for record, waits_for in found]


async def grow_old(ledger: Runtime, seconds: float) -> None:
    """Have the parked events wait."""
    sql = "UPDATE parked_event SET create_time = create_time - make_interval(secs => $1)"
    await ledger.transaction(lambda tx: tx.run(sql, seconds))


async def told(ledger: Runtime) -> list[str]:
    return [name for name in await emitted(ledger) if name != "AccountCreated"]


async def test_what_lacks_its_funds_is_parked_with_all_behind_it_and_applied_in_order_when_they_come(
    ledger: Runtime,
) -> None:
    created = withdrawal(WithdrawalCreated, 1, amount_minor=6_000)
    completed = withdrawal(WithdrawalCompleted, 1, amount_minor=6_000)
    await deliver(ledger, created, completed, withdrawal(WithdrawalCreated, 2, amount_minor=7_000))
    lacking = "funds: merchant.available has 0 to spend, not "
    behind = ("WithdrawalCompleted", "an earlier event of its key")
    assert sorted(await parked(ledger)) == [
        behind,
        ("WithdrawalCreated", f"{lacking}6000."),
        ("WithdrawalCreated", f"{lacking}7000."),
    ]
    assert await ledger.redelivery.sweep() == 0
    await deliver(ledger, settlement(1, net=9_000, reserve=0))
    assert await ledger.redelivery.sweep() == 2
    assert await parked(ledger) == [("WithdrawalCreated", f"{lacking}7000.")]
    assert await told(ledger) == ["TransactionCreated"] * 3
    assert (await balance(ledger, AVAILABLE), await balance(ledger, WITHDRAWING)) == (3_000, 0)


async def test_a_repetition_behind_one_that_waits_changes_nothing(ledger: Runtime) -> None:
    created = withdrawal(WithdrawalCreated, 1, amount_minor=6_000)
    await deliver(ledger, created, created)
    assert len(await parked(ledger)) == 2
    await deliver(ledger, settlement(1, net=6_000, reserve=0))
    assert await ledger.redelivery.sweep() == 2
    assert await told(ledger) == ["TransactionCreated"] * 2
    assert await balance(ledger, WITHDRAWING) == 6_000


async def test_what_waits_in_vain_is_refused_after_its_time_and_its_end_books_nothing(ledger: Runtime) -> None:
    created = withdrawal(WithdrawalCreated, 1, amount_minor=6_000)
    unheld = withdrawal(WithdrawalFailed, 1, amount_minor=6_000, funds_held=False, reason="INSUFFICIENT_FUNDS")
    await deliver(ledger, created)
    assert await ledger.redelivery.sweep() == 0
    await grow_old(ledger, FUNDS_WAIT_S)
    assert await ledger.redelivery.sweep() == 1
    assert await told(ledger) == ["TransactionRejected"]
    assert [row["key"] for row in await outbox_events(ledger)] == [withdrawal_id(1)]
    await deliver(ledger, unheld)
    assert await parked(ledger) == []
    assert await rows(ledger, "SELECT * FROM dead_letter") == []
    assert await told(ledger) == ["TransactionRejected"]


async def test_an_end_whose_opening_was_refused_is_a_dead_letter(ledger: Runtime) -> None:
    await deliver(ledger, withdrawal(WithdrawalCreated, 1, amount_minor=6_000))
    await grow_old(ledger, FUNDS_WAIT_S)
    await deliver(ledger, settlement(1, net=5_999, reserve=0))
    assert await ledger.redelivery.sweep() == 1
    await deliver(ledger, withdrawal(WithdrawalFailed, 1, amount_minor=6_000, funds_held=True))
    assert await rows(ledger, "SELECT key, reason FROM dead_letter") == [(withdrawal_id(1), "OPENING_NOT_BOOKED")]
    assert await balance(ledger, AVAILABLE) == 5_999
