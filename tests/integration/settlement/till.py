"""A settlement service under test: events applied, jobs run, and what it holds afterwards."""

from collections.abc import Sequence
from datetime import datetime
from operator import itemgetter
from typing import Any, TypeVar

from paykit.cause import Cause
from paykit.clock import ManualClock
from paykit.consume.delivery import Delivered, HandlerResult, Record
from paykit.consumption import Consumption
from paykit.errors import DomainError
from paykit.postgres.database import Tx
from paykit.process.runtime import Runtime
from paykit.testing.outbox_events import outbox_events
from paystream.accounting.v1.events import TransactionCreated, TransactionRejected
from paystream.merchant.v1.events import MerchantCreated
from paystream.settlement.v1.events import SettlementCreated
from services.settlement import commands, handlers, store
from services.settlement.commands.closing import CreateSettlement
from services.settlement.domain.balance import MerchantPosition
from services.settlement.domain.policy import Policy
from services.settlement.domain.settlement import Settlement
from services.settlement.store import PlacedItem, SettlementFilter
from tests.unit.settlement.builders import ALICE, Transfer, merchant, moved, settled

E = TypeVar("E")
Event = TransactionCreated | TransactionRejected | MerchantCreated

CAUSE = Cause("cor_test", None, "tester", None)
_ROWS = {
    "settlement": "SELECT * FROM settlement",
    "item": "SELECT * FROM item ORDER BY transaction_id, merchant_id",
    "narrow_item": "SELECT *, 'stl_' || encode(uuid_send(settlement_id), 'hex') AS settlement_id FROM narrow_item "
    "ORDER BY transaction_id",
    "merchant": "SELECT * FROM merchant ORDER BY merchant_id",
    "fund_transfer": "SELECT * FROM fund_transfer ORDER BY transfer_id",
    "balance_change": "SELECT * FROM balance_change ORDER BY transaction_id, merchant_id",
    "merchant_balance": "SELECT * FROM merchant_balance ORDER BY merchant_id, currency_code",
    "balance_watch": "SELECT * FROM balance_watch ORDER BY merchant_id, currency_code",
}


def delivered(event: Any) -> Delivered[Any]:
    key = event.root_reference if isinstance(event, (TransactionCreated, TransactionRejected)) else event.merchant_id
    record = Record(topic=event.TOPIC, partition=0, offset=0, key=key, value=b"", headers=[])
    return Delivered(event=event, record=record)


async def apply(tx: Tx, events: Sequence[Event]) -> list[HandlerResult]:
    """Handle events of one type as the consumer does: it holds their keys."""
    deliveries = [delivered(event) for event in events]
    tx.restart_lock_order()
    tx.hold(*(each.key for each in deliveries))
    if not deliveries:
        return []
    if isinstance(events[0], TransactionCreated):
        return list(await handlers.on_transaction_created(tx, deliveries))
    if isinstance(events[0], TransactionRejected):
        return list(await handlers.on_transaction_rejected(tx, deliveries))
    return list(await handlers.on_merchant_changed(tx, deliveries))


class Till:
    """One settlement service, without Kafka: how far events are consumed is told to `close`."""

    def __init__(self, runtime: Runtime, clock: ManualClock) -> None:
        self.runtime = runtime
        self.clock = clock

    async def consume(self, *events: Event) -> list[HandlerResult]:
        return await self.runtime.transaction(lambda tx: apply(tx, events))

    async def policy(self, policy: Policy, *, merchant_id: str = ALICE, version: int = 1, **fields: Any) -> None:
        await self.consume(merchant(policy, merchant_id=merchant_id, version=version, **fields))

    async def close(self, *, view: Consumption | None = None) -> int:
        """Run the closing job once; by default everything is consumed."""
        seen = view or Consumption(self.clock.now(), (), {})
        return await self.runtime.transaction(lambda tx: commands.closing.close_due(tx, view=seen, limit=500))

    async def release(self) -> int:
        return await self.runtime.transaction(lambda tx: commands.transferring.release_reserves(tx, limit=500))

    async def recover(self) -> int:
        """Look at balances once."""
        return await self.runtime.transaction(lambda tx: commands.transferring.look_at_balances(tx, limit=500))

    async def book(self) -> None:
        """Have the ledger book every settlement and transfer that was told of, again and again until nothing is new."""
        answered = 0
        while len(told := await self.told()) > answered:
            new, answered = told[answered:], len(told)
            await self.consume(*(settled(event) for event in new if isinstance(event, SettlementCreated)))
            await self.consume(*(moved(event) for event in new if isinstance(event, Transfer)))
            await self.recover()

    async def last(self, event_type: type[E]) -> E:
        """Give the last event of a type that was told."""
        return [event for event in await self.told() if isinstance(event, event_type)][-1]

    async def position(self, merchant_id: str = ALICE, currency_code: str = "USD") -> MerchantPosition:
        key = (merchant_id, currency_code)
        return (await self.runtime.read(lambda tx: store.positions(tx, [key])))[key]

    async def create(
        self,
        merchant_id: str = ALICE,
        currency_code: str = "USD",
        override_reason: str | None = "asked by the merchant",
    ) -> Settlement | DomainError:
        """Settle what is pending; by default all of it, whatever the days of delay."""
        item = CreateSettlement(
            merchant_id=merchant_id, currency_code=currency_code, override_reason=override_reason, cause=CAUSE
        )
        return (await self.runtime.transaction(lambda tx: commands.closing.create_settlements(tx, [item])))[0]

    async def settlements(self, merchant_id: str = ALICE, **wanted: Any) -> list[Settlement]:
        """Give a merchant's settlements, the first cut-off first, and those without one before."""
        chosen = SettlementFilter(merchant_id=merchant_id, **wanted)
        found = await self.runtime.read(lambda tx: store.settlements.list(tx, chosen, after=None, limit=1_000))
        return sorted(found.rows, key=lambda each: (each.cut_off_at is not None, each.cut_off_at, each.settlement_id))

    async def items(self, settlement_id: str) -> list[PlacedItem]:
        async def query(tx: Tx) -> list[PlacedItem]:
            homes = await store.settlements.homes(tx, settlement_id)
            return await store.items_of_homes(tx, homes, after=None, limit=1_000)

        return await self.runtime.read(query)

    async def rows(self, sql: str, *args: Any) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in await self.runtime.read(lambda tx: tx.fetch(sql, *args))]

    async def told(self) -> list[Any]:
        """Give all events emitted so far, in order."""
        return [self.runtime.codec.decode(row["value"]) for row in await outbox_events(self.runtime)]

    async def told_names(self) -> list[str]:
        return [type(event).__name__ for event in await self.told()]


async def everything(tx: Tx, runtime: Runtime) -> dict[str, Any]:
    """Give all that a transaction wrote, with ids that chance made named by what they are of."""
    rows = {table: [dict(row) for row in await tx.fetch(sql)] for table, sql in _ROWS.items()}
    # Ids that a test chose begin with zeros; those that chance made, with the time.
    names = {each["settlement_id"]: _name(each) for each in rows["settlement"] if each["settlement_id"] > "stl_01"}
    state: dict[str, Any] = {
        table: [{key: names.get(value, value) for key, value in row.items() if _hashable(value)} for row in found]
        for table, found in rows.items()
    }
    state["settlement"].sort(key=lambda row: row["settlement_id"])
    state["event"] = [_told(runtime, row[-1], names) for row in sorted(tx.emitted, key=itemgetter(1))]
    state["event"].sort(key=repr)
    return state


def _name(row: dict[str, Any]) -> str:
    return f"{row['merchant_id']} {row['currency_code']} {row['cut_off_at']} {row['state']}"


def _hashable(value: Any) -> bool:
    return not isinstance(value, list)


def _told(runtime: Runtime, value: bytes, names: dict[str, str]) -> dict[str, Any]:
    record = runtime.codec.decode(value).as_record()
    record.pop("event_id")
    return {key: names.get(each, each) if isinstance(each, str) else each for key, each in record.items()}


def at(moment: datetime) -> Consumption:
    return Consumption(moment, (), {})
