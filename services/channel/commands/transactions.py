"""What can be asked of the channel, as sequences: one answer or refusal per order, in their order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from paykit.cause import Cause
from paykit.errors import DomainError
from paykit.postgres.database import Tx
from services.channel.domain import behaviour as fate
from services.channel.domain import transaction as domain
from services.channel.domain.behaviour import Behaviour, Fate, Sequel
from services.channel.domain.transaction import (
    Action,
    AttemptIdReused,
    Authorization,
    ChannelTimeout,
    Order,
    Transaction,
)
from services.channel.store import aftereffects as sequel_store
from services.channel.store import callbacks as callback_store
from services.channel.store import transactions as store
from services.channel.store.callbacks import Due

DEFAULTS = Behaviour()
"""The behaviour where nothing was set."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Submit:
    """An order, and who asks."""

    order: Order
    cause: Cause


@dataclass(frozen=True, slots=True, kw_only=True)
class SetBehaviour:
    """A behaviour to set for a merchant (empty: globally), or to remove (None)."""

    merchant_id: str
    behaviour: Behaviour | None
    cause: Cause


async def submit_orders(tx: Tx, items: Sequence[Submit]) -> list[Transaction | DomainError]:
    """Carry out orders, each attempt once; emits a statement line for each that moves money.

    ChannelTimeout stands for the answer that does not come: the order was carried out nonetheless (fate 9003) or was
    lost on its way and is not on record (fate 9004). Asked again, an order that is on record is answered.
    """
    desk = _Desk(tx)
    await desk.prepare([item.order for item in items])
    results = [desk.take(item) for item in items]
    await desk.save()
    return results


async def set_behaviours(tx: Tx, items: Sequence[SetBehaviour]) -> list[Behaviour | DomainError]:
    """Set behaviours in order; give for each the one that applies then."""
    results: list[Behaviour | DomainError] = []
    for item in items:
        await store.set_behaviour(tx, item.merchant_id, item.behaviour)
        results.append(await behaviour_of(tx, item.merchant_id))
    return results


async def behaviour_of(tx: Tx, merchant_id: str) -> Behaviour:
    """Give the behaviour that applies to a merchant, or globally for an empty id."""
    return applying(await store.get_behaviours(tx, [merchant_id]), merchant_id)


def applying(behaviours: Mapping[str, Behaviour], merchant_id: str | None) -> Behaviour:
    """Choose the behaviour that applies to a merchant: its own, else the global one, else the defaults."""
    return behaviours.get(merchant_id or store.GLOBAL) or behaviours.get(store.GLOBAL) or DEFAULTS


async def resolve_open(tx: Tx, *, limit: int) -> int:
    """Decide at most this many transactions that are due; emits their lines. Gives their number."""
    due = await store.lock_open_transactions(tx, due=tx.now, limit=limit)
    if not due:
        return 0
    references = [reference for each in due if (reference := domain.authorization_of(each))]
    authorizations = await store.lock_authorizations(tx, references)
    decided = []
    for each in due:
        reference = domain.authorization_of(each)
        transaction, after = domain.resolve(each, authorizations.get(reference or ""), now=tx.now)
        decided.append(transaction)
        if after is not None:
            authorizations[after.authorization_reference] = after
    await store.save_resolved(tx, decided)
    await store.save_authorizations(tx, list(authorizations.values()))
    behaviours = await store.get_behaviours(tx, [each.merchant_id or "" for each in decided])
    await _follow_up(tx, decided, behaviours)
    return len(decided)


async def _follow_up(tx: Tx, transactions: Sequence[Transaction], behaviours: dict[str, Behaviour]) -> None:
    """Write statement lines for the money that moved, and remember the callbacks of what is decided."""
    callbacks: list[Due] = []
    for each in transactions:
        if each.line_date is not None:
            tx.emit(domain.statement_line(each), cause=Cause(each.correlation_id))
        if each.later is None and each.callback_address:
            delay_ms = applying(behaviours, each.merchant_id).callback_delay_ms
            due_time = tx.now + timedelta(milliseconds=delay_ms)
            callbacks += [Due(attempt_id=each.attempt_id, due_time=due_time)] * each.callbacks
    await callback_store.insert_callbacks(tx, callbacks)


class _Desk:
    """One transaction's orders: what is on record before them, and what they leave behind, folded in order."""

    def __init__(self, tx: Tx) -> None:
        self._tx = tx
        self._authorizations: dict[str, Authorization] = {}
        self._behaviours: dict[str, Behaviour] = {}
        self._claimed: set[str] = set()
        self._recorded: dict[str, Transaction] = {}
        self._made: list[Transaction] = []
        self._opened: set[str] = set()
        self._touched: set[str] = set()
        self._sequels: list[tuple[str, Sequel, datetime]] = []

    async def prepare(self, orders: Sequence[Order]) -> None:
        """Lock the authorizations named, then the attempts: always in this order, so that no two batches deadlock."""
        references = [order.authorization_reference for order in orders if order.authorization_reference]
        self._authorizations = await store.lock_authorizations(self._tx, references)
        self._behaviours = await store.get_behaviours(self._tx, map(self._merchant, orders))
        attempt_ids = {order.attempt_id for order in orders}
        self._claimed = await store.claim_attempts(self._tx, attempt_ids)
        self._recorded = await store.get_transactions(self._tx, attempt_ids - self._claimed)

    def take(self, item: Submit) -> Transaction | DomainError:
        """Answer one order by what is on record, or carry it out."""
        order = item.order
        recorded = self._recorded.get(order.attempt_id)
        if recorded is not None:
            if recorded.fingerprint != order.fingerprint():
                return AttemptIdReused("attempt_id was used before for something else.", field="attempt_id")
            return recorded
        fated = self._fate(order)
        transaction = self._carry_out(item, fated) if fated.applied else None
        if transaction is None or not fated.answered:
            return ChannelTimeout("the channel did not answer; inquire.", attempt_id=order.attempt_id)
        return transaction

    async def save(self) -> None:
        """Write what the orders left behind."""
        opened = [self._authorizations[key] for key in sorted(self._opened)]
        changed = [self._authorizations[key] for key in sorted(self._touched - self._opened)]
        await store.release_attempts(self._tx, self._claimed - self._recorded.keys())
        await store.insert_authorizations(self._tx, opened)
        await store.save_authorizations(self._tx, changed)
        await store.insert_transactions(self._tx, self._made)
        await sequel_store.insert_sequels(self._tx, self._sequels)
        await _follow_up(self._tx, self._made, self._behaviours)

    def _carry_out(self, item: Submit, fated: Fate) -> Transaction:
        order = item.order
        before = self._authorizations.get(order.authorization_reference or "")
        transaction, after = domain.record(
            order,
            before,
            fate=fated,
            behaviour=self._behaviour(order),
            correlation_id=order.correlation_id or item.cause.correlation_id,
            now=self._tx.now,
        )
        self._recorded[order.attempt_id] = transaction
        self._made.append(transaction)
        if fated.sequel and domain.has_sequel(transaction, fated.sequel):
            later = timedelta(milliseconds=self._behaviour(order).callback_delay_ms)
            self._sequels.append((order.attempt_id, fated.sequel, self._tx.now + later))
        if after is not None and after is not before:
            reference = after.authorization_reference
            self._authorizations[reference] = after
            (self._opened if order.action is Action.AUTHORIZE else self._touched).add(reference)
        return transaction

    def _merchant(self, order: Order) -> str:
        authorization = self._authorizations.get(order.authorization_reference or "")
        return (authorization.merchant_id if authorization else order.merchant_id) or store.GLOBAL

    def _behaviour(self, order: Order) -> Behaviour:
        return applying(self._behaviours, self._merchant(order))

    def _fate(self, order: Order) -> Fate:
        if order.action is Action.CANCEL or order.amount_minor is None:
            return fate.ORDINARY
        return fate.fate_of(order.attempt_id, order.amount_minor, self._behaviour(order))
