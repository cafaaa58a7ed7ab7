"""Changes of locked withdrawals, folded in memory one after another and written once."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from paykit.errors import DomainError
from paykit.postgres.database import Tx
from services.withdrawal.domain import withdrawal as domain
from services.withdrawal.domain.attempt import Attempt
from services.withdrawal.domain.withdrawal import Withdrawal
from services.withdrawal.store import funds as funds_store
from services.withdrawal.store import withdrawals as store
from services.withdrawal.store.attempts import ATTEMPTS


@dataclass(slots=True, kw_only=True)
class Work:
    """Locked withdrawals, as the changes before left them, and what is to be written.

    Attributes:
        attempts: New calls to the bank, to be queued.
        given_back: Withdrawals whose amount can be withdrawn again.
    """

    withdrawals: dict[str, Withdrawal]
    changed: set[str] = field(default_factory=set)
    attempts: list[Attempt] = field(default_factory=list)
    given_back: list[Withdrawal] = field(default_factory=list)

    def put(self, after: Withdrawal) -> Withdrawal:
        """Keep a withdrawal as a change left it."""
        before = self.withdrawals[after.withdrawal_id]
        if after.state in domain.GIVEN_BACK and before.state not in domain.GIVEN_BACK:
            self.given_back.append(after)
        self.withdrawals[after.withdrawal_id] = after
        self.changed.add(after.withdrawal_id)
        return after


class Item(Protocol):
    """What is to happen to one withdrawal."""

    @property
    def withdrawal_id(self) -> str:
        """Give the withdrawal."""


I = TypeVar("I", bound=Item)  # noqa: E741 - item


async def lock(tx: Tx, withdrawal_ids: Sequence[str]) -> Work:
    """Lock withdrawals; after attempts, where both are locked, and before allowances."""
    return Work(withdrawals=await store.lock_withdrawals(tx, withdrawal_ids))


async def save(tx: Tx, work: Work) -> None:
    """Write everything that changed."""
    await store.update_withdrawals(tx, [work.withdrawals[i] for i in sorted(work.changed)])
    await ATTEMPTS.insert(tx, work.attempts)
    await funds_store.give_back(tx, [((w.merchant_id, w.currency_code), w.amount_minor) for w in work.given_back])


def fold(work: Work, items: Sequence[I], change: Callable[[I, Withdrawal], Any]) -> list[Withdrawal | DomainError]:
    """Change withdrawals item by item; give each as its item left it, or why it was refused.

    Args:
        work: Is what `change` puts its changes into.
        items: In order; several may be about one withdrawal.
        change: Changes a withdrawal; raises a DomainError where it refuses to, before it has put anything.
    """
    results: list[Withdrawal | DomainError] = []
    for item in items:
        before = work.withdrawals.get(item.withdrawal_id)
        if before is None:
            results.append(domain.not_found(item.withdrawal_id))
            continue
        try:
            change(item, before)
        except DomainError as refusal:
            results.append(refusal)
        else:
            results.append(work.withdrawals[item.withdrawal_id])
    return results
