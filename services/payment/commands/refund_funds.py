"""Refunds against the funds of their merchants: counted under a lock, released when funds suffice, given up."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from paykit.cause import Cause
from paykit.errors import DomainError
from paykit.postgres.database import Tx
from paykit.reasons.stated_reason import StatedReason
from paykit.work import fold
from services.payment import domain, store
from services.payment.commands import work
from services.payment.commands.order import captured_orders
from services.payment.domain.funds import Admission, MerchantCurrency, RefundableFunds
from services.payment.domain.movement import MovementState
from services.payment.domain.refund import Refund

RELEASING_JOB = "release_refunds"
"""The job that has refunds sent when funds suffice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelRefund:
    """A refund to give up for a reason, while it waits for funds."""

    refund_id: str
    reason: str
    cause: Cause


@dataclass(frozen=True, slots=True)
class LockedFunds:
    """What refunds can draw on, as those before leave it, of merchants whose terms restrict them; rows are locked."""

    by_merchant: dict[MerchantCurrency, RefundableFunds]

    def admit(self, refund: Refund) -> tuple[Admission, RefundableFunds | None]:
        """Decide a refund, and return what it leaves; None where nothing restricts it.

        Raises:
            RefundWouldOverdraw: The funds do not cover it.
        """
        funds = self.by_merchant.get((refund.merchant_id, refund.currency_code))
        return (Admission.MADE, None) if funds is None else funds.admit(needed_minor(refund))

    def put(self, refund: Refund, left: RefundableFunds | None) -> None:
        """Take what a refund leaves."""
        if left is not None:
            self.by_merchant[refund.merchant_id, refund.currency_code] = left


async def lock(tx: Tx, wanted: Collection[MerchantCurrency]) -> LockedFunds:
    """Lock the funds of merchants whose terms restrict refunds, and count what is under way; of others nothing."""
    policies = await store.funds.policies(tx, wanted)
    restricted = [key for key, policy in policies.items() if not policy.unrestricted]
    if not restricted:
        return LockedFunds({})
    funds = await store.funds.lock_funds(tx, restricted)
    unbooked = await store.funds.unbooked(tx, restricted)
    by_merchant = {}
    for key in restricted:
        unbooked_minor, waiting = unbooked.get(key, (0, False))
        available_minor = funds[key].funds_minor - unbooked_minor
        by_merchant[key] = RefundableFunds(
            policy=policies[key], currency_code=key[1], available_minor=available_minor, waiting=waiting
        )
    return LockedFunds(by_merchant)


async def release_refunds(tx: Tx, key: MerchantCurrency) -> int:
    """Have refunds of a merchant in a currency sent that waited for funds, oldest first, as far as funds suffice.

    Writes an attempt each, and returns how many there are, at most RELEASED_MAX.
    """
    queued = await store.funds.queued(tx, key)
    payments = await store.payments.lock(tx, set(queued.values()))
    rows = replace(work.begin(tx, payments), refunds=await store.refunds.guarded(tx, queued))
    funds = (await lock(tx, [key])).by_merchant.get(key)
    released = 0
    for refund_id in queued:
        refund = rows.refunds[refund_id]
        if refund.state is not MovementState.QUEUED:
            continue
        if funds is not None:
            funds = funds.release(needed_minor(refund))
            if funds is None:
                break
        rows.release_refund(refund)
        released += 1
    await rows.save()
    return released


async def cancel_refunds(tx: Tx, items: Sequence[CancelRefund]) -> list[Refund | DomainError]:
    """Give refunds up that wait for funds, one after another under the lock of their payments; emits RefundFailed.

    What becomes free for an order that was closed meanwhile is refunded.
    Refusals: RefundNotFound, IllegalTransition.
    """
    refund_ids = [item.refund_id for item in items]
    payments = await store.payments.lock_of_refunds(tx, refund_ids)
    rows = replace(
        work.begin(tx, payments, captures=await work.captures_to_refund(tx, payments.values())),
        refunds=await store.refunds.guarded(tx, refund_ids),
        shares=await store.refund_shares.guarded_of(tx, refund_ids),
    )
    orders = await captured_orders(tx, [*payments.values()])

    def cancel(item: CancelRefund) -> Refund:
        refund = rows.refunds.require(item.refund_id, domain.refund.not_found)
        stated = StatedReason.of(item.reason, item.cause, now=tx.now)
        payment = rows.payments[refund.payment_id]
        payment, cancelled, event = domain.funds.cancel(payment, refund, stated=stated, now=tx.now)
        rows.change_captures(rows.shares_of(refund), domain.refund_share.release)
        rows.payments.put(payment)
        rows.refunds.put(cancelled)
        tx.emit(event, cause=item.cause)
        orders.refund_again(rows, event, item.cause, amount_minor=refund.amount_minor)
        return cancelled

    results = fold(items, cancel)
    await rows.save()
    return results


def needed_minor(refund: Refund) -> int:
    """Return what a refund takes of the merchant's funds: its amount less the fee that returns."""
    return refund.amount_minor - refund.fee_returned_minor
