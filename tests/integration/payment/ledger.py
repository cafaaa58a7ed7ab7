"""What the ledger tells, for tests of what payment makes of it."""

from paykit.ids import new_id
from paykit.testing.runtimes import START
from paystream.accounting.v1 import events


def transaction(
    merchant_id: str, *effects: tuple[str, int], transaction_type: str = "Any", related_no: str = "x"
) -> events.TransactionCreated:
    """A transaction with what it did to accounts of a merchant: their kinds and effects in USD."""
    entries = [
        events.Entry(
            account_id="acc_1",
            account_kind=kind,
            merchant_id=merchant_id,
            side=events.Side.DEBIT,
            effect=1 if amount_minor > 0 else -1,
            amount_minor=abs(amount_minor),
            currency_code="USD",
        )
        for kind, amount_minor in effects
    ]
    return events.TransactionCreated(
        occurred_at=START,
        merchant_id=merchant_id,
        correlation_id="cor_1",
        aggregate_version=1,
        transaction_id=new_id("txn"),
        transaction_type=transaction_type,
        related_no=related_no,
        root_reference="pay_1",
        direction=None,
        amount_minor=1,
        currency_code="USD",
        effective_at=START,
        reverses_transaction_id=None,
        channel=None,
        channel_reference=None,
        fee_minor=0,
        chart_name="merchant_asset",
        reason=None,
        entries=tuple(entries),
    )
