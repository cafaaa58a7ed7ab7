"""A ledger under test: events applied, and everything it holds afterwards."""

from collections.abc import Sequence
from operator import itemgetter
from typing import Any

from paykit.consume.delivery import Delivered, HandlerResult, Record
from paykit.events.event import Event
from paykit.postgres.database import Tx
from paykit.process.runtime import Runtime
from paykit.testing.outbox_events import outbox_events
from services.accounting import store
from services.accounting.domain import chart
from services.accounting.service import SERVICE

KINDS = store.load_chart("merchant_asset").kinds

_TABLES = {
    # Without their numbers, which a transaction that was undone has taken as well.
    "account": """
        SELECT account_id, account_kind, merchant_id, currency_code, normal_side, create_time
        FROM account ORDER BY account_id
    """,
    "balance": "SELECT account_id, stripe, balance_minor FROM balance ORDER BY account_id, stripe",
    "transaction": "SELECT * FROM transaction ORDER BY transaction_id",
    "entry": "SELECT * FROM entry ORDER BY transaction_id, line",
    "refusal": "SELECT * FROM refusal ORDER BY transaction_id",
    # Without their ids, which are random.
    "journal_proposal": """
        SELECT state, transaction_type, related_no, amount_minor, legs, proposer, decider, decision_reason,
            transaction_id
        FROM journal_proposal ORDER BY 1, 2, 3, 4, 5, 6, 7, 8
    """,
    "period": "SELECT end_at, state, proposer, closer, reason FROM period ORDER BY end_at",
}


def account(kind: str, merchant_id: str | None = None, currency_code: str = "USD") -> str:
    return chart.account_id(KINDS[kind], merchant_id, currency_code)


HANDLERS = {
    event: handle.handler for subscription in SERVICE.subscriptions for event, handle in subscription.handles.items()
}


def delivered(event: Event, *, partition: int = 0, waited_s: float = 0.0) -> Delivered[Any]:
    key = getattr(event, event.KEY)
    record = Record(topic=event.TOPIC, partition=partition, offset=0, key=key, value=b"", headers=[])
    return Delivered(event, record, waited_s)


async def apply(tx: Tx, events: Sequence[Event], *, partition: int = 0, waited_s: float = 0.0) -> list[HandlerResult]:
    """Handle events of one type as the consumer does: it holds their keys."""
    deliveries = [delivered(event, partition=partition, waited_s=waited_s) for event in events]
    tx.hold(*(each.key for each in deliveries))
    return list(await HANDLERS[type(events[0])](tx, deliveries))


async def consume(runtime: Runtime, *events: Event, partition: int = 0, waited_s: float = 0.0) -> list[HandlerResult]:
    return await runtime.transaction(lambda tx: apply(tx, events, partition=partition, waited_s=waited_s))


async def balance(runtime: Runtime, account_id: str, **as_of: Any) -> int:
    return await runtime.read(lambda tx: store.balance_of(tx, account_id, **as_of))


async def rows(runtime: Runtime, sql: str, *args: Any) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in await runtime.read(lambda tx: tx.fetch(sql, *args))]


async def emitted(runtime: Runtime) -> list[str]:
    """Give the record names of all events told so far, in order."""
    return [row["event_type"].rpartition(".")[2] for row in await outbox_events(runtime)]


async def everything(tx: Tx, runtime: Runtime) -> dict[str, list[Any]]:
    """Give all that a transaction wrote: rows, and events without their random ids, in order for each key."""
    state: dict[str, list[Any]] = {table: [tuple(row) for row in await tx.fetch(sql)] for table, sql in _TABLES.items()}
    state["transaction"] = [tuple(map(_in_order, row)) for row in state["transaction"]]
    state["event"] = [(row[1], _told(runtime, row[-1])) for row in sorted(tx.emitted, key=itemgetter(1))]
    return state


def _in_order(value: Any) -> Any:
    """Give the accounts of a transaction in order, a set that the database gives in any."""
    return sorted(value) if isinstance(value, list) else value


def _told(runtime: Runtime, value: bytes) -> dict[str, Any]:
    record = runtime.codec.decode(value).as_record()
    record.pop("event_id")
    return record
