"""A payment goes in by gRPC and comes out of the ledger as an event, in three currencies; refunds take it back."""

from collections.abc import Callable
from typing import Any

import pytest

from paystream.accounting.v1 import accounting_pb2
from paystream.payment.v1 import payment_pb2
from tests.e2e.conftest import Line
from tests.line import topics
from tests.line.clients import Clients, call, first_payment, new_merchant, payment_request, refund_request
from tests.line.waiting import until

TOPICS = ("merchant.events", "payment.events", "accounting.events", "channel.events")
FEES = {"USD": (290, 30), "JPY": (360, 0), "BHD": (275, 100)}

SUCCEEDED = payment_pb2.PAYMENT_STATE_SUCCEEDED
FAILED = payment_pb2.PAYMENT_STATE_FAILED
UNKNOWN = payment_pb2.PAYMENT_STATE_UNKNOWN
INSUFFICIENT_FUNDS_MINOR = 9_001
LOST_ANSWER_MINOR = 9_003
"""The acquirer takes the money and says nothing."""
LOST_CALL_MINOR = 9_004
"""The acquirer hears nothing and says nothing."""


async def payment_in(clients: Clients, payment_id: str, *states: int) -> Any:
    async def look() -> Any:
        reply = await call(clients.payment.GetPayment, payment_pb2.GetPaymentRequest(payment_id=payment_id))
        return reply.payment if reply.payment.state in states else None

    return await until(look)


async def refund_succeeded(clients: Clients, refund_id: str) -> Any:
    async def look() -> Any:
        reply = await call(clients.payment.GetRefund, payment_pb2.GetRefundRequest(refund_id=refund_id))
        return reply.refund if reply.refund.state == payment_pb2.REFUND_STATE_SUCCEEDED else None

    return await until(look)


async def transactions(clients: Clients, root_reference: str, count: int) -> list[Any]:
    request = accounting_pb2.ListTransactionsRequest(root_reference=root_reference)

    async def look() -> Any:
        found = (await call(clients.accounting.ListTransactions, request)).transactions
        return list(found) if len(found) >= count else None

    found: list[Any] = await until(look)
    return found


async def settlement_account(clients: Clients, merchant_id: str, currency_code: str) -> str:
    request = accounting_pb2.ListAccountsRequest(
        merchant_id=merchant_id, account_kind="merchant.settlement", currency_code=currency_code
    )
    [account] = (await call(clients.accounting.ListAccounts, request)).accounts
    return str(account.account_id)


async def balance(clients: Clients, account_id: str, as_of: Any = None) -> str:
    request = accounting_pb2.GetBalanceRequest(account_id=account_id, as_of_time=as_of)
    return str((await call(clients.accounting.GetBalance, request)).balance_minor)


async def statement(clients: Clients, account_id: str) -> tuple[str, str, list[tuple[Any, ...]]]:
    reply = await call(clients.accounting.ListEntries, accounting_pb2.ListEntriesRequest(account_id=account_id))
    lines = [
        (line.transaction_type, line.effect * line.amount_minor, line.running_balance_minor) for line in reply.lines
    ]
    return reply.opening_balance_minor, reply.closing_balance_minor, lines


async def trial_balance(clients: Clients, currency_code: str) -> dict[str, tuple[str, str]]:
    request = accounting_pb2.GetTrialBalanceRequest(currency_code=currency_code)
    [trial] = (await call(clients.accounting.GetTrialBalance, request)).trial_balances
    assert trial.debit_total_minor == trial.credit_total_minor
    return {line.account_kind: (line.debit_minor, line.credit_minor) for line in trial.lines}


async def told(line: Line, about: Callable[[Any], bool]) -> list[Any]:
    """Give the events about something, from all topics, once everything has reached Kafka."""
    await until(lambda: line.kept.drained("merchant", "payment", "accounting", "channel"))
    found = [event for topic in TOPICS for event in topics.once(await topics.events(line.settings, topic))]
    return [event for event in found if about(event)]


def names(events: list[Any]) -> list[str]:
    return sorted(type(event).__name__ for event in events)


async def test_a_payment_is_booked_with_its_fee_and_refunds_take_it_back(line: Line) -> None:
    clients = line.clients
    merchant_id = await new_merchant(clients, FEES, refund_fee_returned=True)
    made = await first_payment(clients, payment_request(merchant_id, 12_345), correlation_id="journey-usd")
    assert (made.state, made.correlation_id) == (payment_pb2.PAYMENT_STATE_CREATED, "journey-usd")

    # 2.9 % of 123.45 is 3.58005, rounded half up 3.58, and 0.30: 3.88.
    paid = await payment_in(clients, made.payment_id, SUCCEEDED)
    assert (paid.captured_minor, paid.fee_minor, paid.fee_plan_version) == (12_345, 388, 1)
    [booked] = await transactions(clients, made.payment_id, 1)
    assert (booked.transaction_type, booked.related_no) == ("PaymentSuccess", paid.capture_id)
    account_id = await settlement_account(clients, merchant_id, "USD")
    assert await balance(clients, account_id) == "11957"

    # 388 * 2345 / 12345 is 73.70: 0.74 of the fee comes back with 23.45, and the other 3.14 with the last 100.00.
    for amount_minor, fee_returned_minor, left in ((2_345, 74, "9686"), (10_000, 314, "0")):
        asked = (await call(clients.payment.CreateRefund, refund_request(made.payment_id, amount_minor))).refund
        given = await refund_succeeded(clients, asked.refund_id)
        assert given.fee_returned_minor == fee_returned_minor

        async def returned(left: str = left) -> bool:
            return await balance(clients, account_id) == left

        await until(returned)
    assert await statement(clients, account_id) == (
        "0",
        "0",
        [
            ("PaymentSuccess", 12_345, "12345"),
            ("PaymentSuccess", -388, "11957"),
            ("RefundSuccess", -2_345, "9612"),
            ("RefundSuccess", 74, "9686"),
            ("RefundSuccess", -10_000, "-314"),
            ("RefundSuccess", 314, "0"),
        ],
    )
    assert await balance(clients, account_id, booked.effective_time) == "11957"


async def test_every_currency_is_booked_in_its_own_minor_unit(line: Line) -> None:
    clients = line.clients
    merchant_id = await new_merchant(clients, FEES)
    # 3.6 % of 5000 JPY is 180. 2.75 % of 10.500 BHD is 0.28875, rounded half up 0.289, and 0.100: 0.389.
    expected = {"JPY": (5_000, 180, "4820"), "BHD": (10_500, 389, "10111")}
    for currency_code, (amount_minor, fee_minor, net) in expected.items():
        made = await first_payment(clients, payment_request(merchant_id, amount_minor, currency_code))
        paid = await payment_in(clients, made.payment_id, SUCCEEDED)
        assert paid.fee_minor == fee_minor
        await transactions(clients, made.payment_id, 1)
        account_id = await settlement_account(clients, merchant_id, currency_code)
        assert await balance(clients, account_id) == net
        assert await trial_balance(clients, currency_code) == {
            "merchant.settlement": (net, "0"),
            "platform.fees": (str(fee_minor), "0"),
            "platform.income": ("0", str(amount_minor)),
        }


async def test_one_correlation_id_leads_from_the_call_to_the_ledger(line: Line) -> None:
    merchant_id = await new_merchant(line.clients, {"SEK": (100, 0)})
    made = await first_payment(line.clients, payment_request(merchant_id, 700, "SEK"), correlation_id="journey-sek")
    await transactions(line.clients, made.payment_id, 1)
    found = await told(line, lambda event: event.correlation_id == "journey-sek")
    assert names(found) == [
        "AccountCreated",  # The merchant's, and the platform's two, which this currency had not before.
        "AccountCreated",
        "AccountCreated",
        "ChannelTransactionReported",
        "PaymentCreated",
        "PaymentSuccess",
        "TransactionCreated",
    ]
    by_name = {type(event).__name__: event for event in found}
    success, transaction = by_name["PaymentSuccess"], by_name["TransactionCreated"]
    assert transaction.causation_id == success.event_id
    assert transaction.related_no == success.capture_id
    assert (transaction.root_reference, transaction.amount_minor, transaction.merchant_id) == (
        made.payment_id,
        700,
        merchant_id,
    )
    # What settles is the effect on the merchant's account: 7.00 less 1 %.
    own = [each for each in transaction.entries if each.account_kind == "merchant.settlement"]
    assert sum(each.effect * each.amount_minor for each in own) == 693


async def test_a_declined_payment_fails_and_is_never_booked(line: Line) -> None:
    merchant_id = await new_merchant(line.clients, {"EUR": (290, 30)})
    request = payment_request(merchant_id, INSUFFICIENT_FUNDS_MINOR, "EUR")
    made = await first_payment(line.clients, request)
    failed = await payment_in(line.clients, made.payment_id, FAILED)
    assert (failed.failure_reason, failed.failure_code) == ("INSUFFICIENT_FUNDS", "insufficient_funds")
    assert (failed.captured_minor, failed.fee_minor, failed.capture_id) == (0, 0, "")
    found = await told(line, lambda event: getattr(event, "payment_id", None) == made.payment_id)
    assert names(found) == ["PaymentCreated", "PaymentFailed"]
    accounts = accounting_pb2.ListAccountsRequest(merchant_id=merchant_id)
    assert list((await call(line.clients.accounting.ListAccounts, accounts)).accounts) == []


@pytest.mark.parametrize(
    ("amount_minor", "end", "last_event", "booked"),
    [(LOST_ANSWER_MINOR, SUCCEEDED, "PaymentSuccess", 1), (LOST_CALL_MINOR, FAILED, "PaymentFailed", 0)],
)
async def test_a_payment_without_an_answer_is_unknown_until_an_inquiry_proves_its_outcome(
    line: Line, amount_minor: int, end: int, last_event: str, booked: int
) -> None:
    merchant_id = await new_merchant(line.clients, {"GBP": (290, 30)})
    made = await first_payment(line.clients, payment_request(merchant_id, amount_minor, "GBP"))
    await payment_in(line.clients, made.payment_id, end)
    if booked:
        await transactions(line.clients, made.payment_id, booked)
    found = await told(line, lambda event: getattr(event, "payment_id", None) == made.payment_id)
    assert [(type(event).__name__, event.aggregate_version) for event in found] == [
        ("PaymentCreated", 1),
        ("PaymentUnknown", 2),
        (last_event, 3),
    ]
    booked_sql = "SELECT count(*) FROM accounting.transaction WHERE root_reference = $1"
    assert await line.kept.number(booked_sql, made.payment_id) == booked
    reply = await call(line.clients.payment.GetPayment, payment_pb2.GetPaymentRequest(payment_id=made.payment_id))
    [attempt] = reply.attempts
    assert attempt.inquiry_count >= 1
