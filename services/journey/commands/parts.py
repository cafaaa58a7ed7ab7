"""The parts of a story, each with all that belongs to it."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from google.protobuf.timestamp_pb2 import Timestamp

from paystream.accounting.v1 import accounting_pb2
from paystream.journey.v1 import journey_pb2 as pb
from paystream.payment.v1 import payment_pb2
from services.journey import domain
from services.journey.peers import reads
from services.journey.peers.calls import Peers

FOLLOWED_TRANSACTIONS_MAX = 200
"""Transactions of a whole story, whose settlements are looked for."""
SETTLEMENTS_MAX = 20
"""Settlements in one story."""
WITHDRAWALS_MAX = 20
"""Withdrawals in one story."""

T = TypeVar("T")
Answer = TypeVar("Answer")


@dataclass(frozen=True, kw_only=True)
class PaymentParts:
    """A payment and all that belongs to it alone.

    Attributes:
        payment: None where payment could not be asked, and the ledger has transactions of it.
        captures: Of the payment.
        refunds: Of the payment.
        transactions: Booked for the payment.
        steps: Of all of these.
    """

    payment: payment_pb2.Payment | None
    captures: Sequence[payment_pb2.Capture]
    refunds: Sequence[payment_pb2.Refund]
    transactions: Sequence[accounting_pb2.Transaction]
    steps: Sequence[pb.Step]


async def payment_parts(peers: Peers, payment_id: str) -> PaymentParts | None:
    """Ask for a payment; None where neither payment nor the ledger has heard of it."""
    reply, refunds, disputes, transactions = await asyncio.gather(
        reads.payment(peers, payment_id),
        reads.refunds_of_payment(peers, payment_id),
        reads.disputes_of_payment(peers, payment_id),
        reads.transactions_of_root(peers, payment_id),
    )
    if reply is None and not transactions:
        return None
    steps = transaction_steps(transactions)
    if reply is not None:
        steps += domain.payment.payment_steps(reply.payment, reply.attempts, reply.captures)
        steps += flattened(domain.payment.attempt_steps, reply.attempts)
        steps += flattened(domain.payment.capture_steps, reply.captures)
    steps += flattened(domain.payment.refund_steps, refunds) + flattened(domain.payment.dispute_steps, disputes)
    return PaymentParts(
        payment=reply.payment if reply else None,
        captures=reply.captures if reply else (),
        refunds=refunds,
        transactions=transactions,
        steps=steps,
    )


async def onward_steps(peers: Peers, transactions: Sequence[accounting_pb2.Transaction]) -> list[pb.Step]:
    """Follow transactions into the settlements that they count in, and on to the bank."""
    followed = [transaction for transaction in transactions if transaction.merchant_id]
    peers.truncated |= len(followed) > FOLLOWED_TRANSACTIONS_MAX
    items = await side_by_side(
        reads.items_of_transaction(peers, transaction.transaction_id)
        for transaction in followed[:FOLLOWED_TRANSACTIONS_MAX]
    )
    joined_times: dict[str, Timestamp] = {}
    for item in sorted((item for page in items for item in page), key=lambda item: item.effective_time.ToNanoseconds()):
        joined_times.setdefault(item.settlement_id, item.effective_time)
    settlement_ids = list(joined_times)[:SETTLEMENTS_MAX]
    peers.truncated |= len(joined_times) > SETTLEMENTS_MAX
    settlements = await side_by_side(
        settlement_steps(peers, settlement_id, joined_time=joined_times[settlement_id])
        for settlement_id in settlement_ids
    )
    return [step for steps in settlements for step in steps] + await payout_steps(peers, settlement_ids)


async def settlement_steps(peers: Peers, settlement_id: str, *, joined_time: Timestamp | None = None) -> list[pb.Step]:
    """Ask for a settlement and what was booked for it."""
    settlement, transactions = await asyncio.gather(
        reads.settlement(peers, settlement_id), reads.transactions_of_root(peers, settlement_id)
    )
    own_steps = (
        domain.settlement.settlement_steps(settlement, transactions, joined_time=joined_time) if settlement else []
    )
    return own_steps + transaction_steps(transactions)


async def payout_steps(peers: Peers, settlement_ids: Sequence[str]) -> list[pb.Step]:
    """Ask for the withdrawals that the funds of settlements went into."""
    listed = await side_by_side(
        reads.withdrawals_of_settlement(peers, settlement_id) for settlement_id in settlement_ids
    )
    withdrawal_ids = list(dict.fromkeys(withdrawal.withdrawal_id for page in listed for withdrawal in page))
    peers.truncated |= len(withdrawal_ids) > WITHDRAWALS_MAX
    withdrawals = await side_by_side(
        withdrawal_steps(peers, withdrawal_id) for withdrawal_id in withdrawal_ids[:WITHDRAWALS_MAX]
    )
    return [step for steps in withdrawals for step in steps]


async def withdrawal_steps(peers: Peers, withdrawal_id: str) -> list[pb.Step]:
    """Ask for a withdrawal and what was booked for it."""
    reply, transactions = await asyncio.gather(
        reads.withdrawal(peers, withdrawal_id), reads.transactions_of_root(peers, withdrawal_id)
    )
    steps = transaction_steps(transactions)
    if reply is not None:
        steps += domain.withdrawal.withdrawal_steps(reply.withdrawal)
        steps += flattened(domain.withdrawal.payout_steps, reply.attempts)
    return steps


def transaction_steps(transactions: Iterable[accounting_pb2.Transaction]) -> list[pb.Step]:
    """The step of each transaction."""
    return [domain.transaction.transaction_step(transaction) for transaction in transactions]


async def side_by_side(asked: Iterable[Awaitable[Answer | None]]) -> list[Answer]:
    """Wait for all answers at once, and leave out what is not there."""
    return [answer for answer in await asyncio.gather(*asked) if answer is not None]


def flattened(steps_of: Callable[[T], list[pb.Step]], resources: Iterable[T]) -> list[pb.Step]:
    """The steps of all resources of one kind."""
    return [step for resource in resources for step in steps_of(resource)]
