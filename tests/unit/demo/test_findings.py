"""The demo must notice whatever is not as it must be: one thing wrong at a time, one complaint for each."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from paykit.kafka.tail import Line
from paystream.accounting.v1 import accounting_pb2
from paystream.common.v1.money_pb2 import Money
from paystream.payment.v1 import payment_pb2
from paytools.demo import findings, script
from paytools.demo.findings import Balance, Findings
from paytools.demo.traffic import Asked, Given

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
PLANNED = script.PlannedPayment(
    number=0,
    merchant=0,
    amount_minor=1_000,
    currency_code="USD",
    trouble=None,
    refunds=(script.PlannedRefund(amount_minor=400),),
)
PAYMENT = payment_pb2.Payment(
    payment_id="pay_1",
    merchant_id="mer_1",
    amount=Money(amount_minor=1_000, currency_code="USD"),
    state=payment_pb2.PAYMENT_STATE_SUCCEEDED,
    captured_minor=1_000,
    refunded_minor=400,
    fee_minor=59,
    fee_returned_minor=24,
    capture_id="cap_1",
)
REFUND = payment_pb2.Refund(
    refund_id="ref_1", payment_id="pay_1", merchant_id="mer_1", state=payment_pb2.REFUND_STATE_SUCCEEDED
)
EVENTS = {
    "merchant.events": ["MerchantCreated", "MerchantCreated", "MerchantActivated", "MerchantActivated"],
    "payment.events": ["PaymentCreated", "PaymentUnknown", "PaymentSuccess", "RefundCreated", "RefundSuccess"],
    "accounting.events": ["AccountCreated", "TransactionCreated", "TransactionCreated"],
    "channel.events": ["ChannelTransactionReported", "ChannelTransactionReported"],
}


def lines(events: dict[str, list[str]]) -> list[Line]:
    return [line(topic, name) for topic, names in events.items() for name in names]


def line(topic: str, name: str | None) -> Line:
    return Line(
        topic=topic,
        partition=0,
        offset=0,
        key=None,
        written_at=NOON,
        schema_id=1,
        record=f"paystream.x.v1.{name}" if name else None,
        value=None,
        trouble=None if name else "no such schema",
    )


def balance(balance_minor: int, kind: str = "merchant.settlement") -> Balance:
    account = accounting_pb2.Account(account_kind=kind, merchant_id="mer_1", currency_code="USD")
    return Balance(account=account, balance_minor=balance_minor)


def booked(*related: str) -> Sequence[accounting_pb2.Transaction]:
    return [accounting_pb2.Transaction(related_no=each) for each in related]


def trial(debit: str, credit: str) -> list[accounting_pb2.TrialBalance]:
    return [accounting_pb2.TrialBalance(currency_code="USD", debit_total_minor=debit, credit_total_minor=credit)]


# 1,000 captured, less a fee of 59, less 400 refunded, plus 24 of the fee returned.
FOUND = Findings(
    asked=[Asked(planned=PLANNED, payment_id="pay_1", request_id="r")],
    given=[Given(planned=PLANNED.refunds[0], refund_id="ref_1", payment_id="pay_1")],
    payments={"pay_1": PAYMENT},
    refunds={"ref_1": REFUND},
    transactions=booked("cap_1", "ref_1"),
    balances=[balance(565)],
    trial=trial("600", "600"),
    lines=lines(EVENTS),
)


def test_nothing_is_wrong_where_everything_fits() -> None:
    assert findings.problems(FOUND) == []


def failed_payment() -> payment_pb2.Payment:
    changed = payment_pb2.Payment()
    changed.CopyFrom(PAYMENT)
    changed.state = payment_pb2.PAYMENT_STATE_FAILED
    return changed


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"lines": lines(EVENTS)[:-1]}, "channel.events has 1 ChannelTransactionReported, not 2"),
        (
            {"lines": [*lines(EVENTS), line("accounting.events", "TransactionRejected")]},
            "accounting.events has 1 TransactionRejected, not 0",
        ),
        (
            {"lines": [*lines(EVENTS), line("payment.events", None)]},
            "payment.events: undecodable: no such schema",
        ),
        ({"transactions": booked("cap_1")}, "ref_1 is booked 0 times, not 1"),
        ({"transactions": booked("cap_1", "ref_1", "ref_1")}, "ref_1 is booked 2 times, not 1"),
        ({"transactions": booked("cap_1", "ref_1", "cap_9")}, "cap_9 is booked 1 times, not 0"),
        ({"balances": [balance(566)]}, "merchant.settlement of mer_1 in USD is 566, not 565"),
        ({"balances": [balance(565, kind="other")]}, "merchant.settlement of mer_1 in USD is 0, not 565"),
        ({"trial": trial("600", "599")}, "the trial balance of USD differs: 600 and 599"),
        (
            {"refunds": {"ref_1": payment_pb2.Refund(state=payment_pb2.REFUND_STATE_FAILED)}},
            "refund ref_1 ended FAILED, not SUCCEEDED",
        ),
        ({"payments": {"pay_1": failed_payment()}}, "payment pay_1 ended FAILED, not SUCCEEDED"),
    ],
)
def test_each_thing_that_is_wrong_is_named(change: dict[str, Any], complaint: str) -> None:
    assert complaint in findings.problems(replace(FOUND, **change))
