"""What a transaction of the ledger tells."""

from paystream.accounting.v1 import accounting_pb2
from paystream.common.v1.money_pb2 import SignedMoney
from paystream.journey.v1 import journey_pb2 as pb
from services.journey.domain.step import joined, step


def transaction_step(transaction: accounting_pb2.Transaction) -> pb.Step:
    """The one step of a transaction, with its entries."""
    code = transaction.currency_code
    booked = step(
        pb.STEP_KIND_TRANSACTION,
        transaction.transaction_id,
        transaction.transaction_type,
        time=transaction.create_time,
        amount=SignedMoney(amount_minor=transaction.amount_minor, currency_code=code),
        detail=joined([transaction.related_no, transaction.actor, transaction.reason]),
    )
    booked.entries.extend(
        pb.JournalEntry(
            account_kind=entry.account_kind,
            merchant_id=entry.merchant_id,
            effect=SignedMoney(amount_minor=entry.effect * entry.amount_minor, currency_code=code),
        )
        for entry in transaction.entries
    )
    return booked
