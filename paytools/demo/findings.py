"""What the demo finds afterwards: events on Kafka, transactions and balances in the ledger, and what does not fit."""

import asyncio
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from paykit.events.codec import Codec
from paykit.events.registry import RegistryClient
from paykit.kafka.tail import Line, tail
from paystream.accounting.v1 import accounting_pb2
from paystream.payment.v1 import payment_pb2
from paytools.demo.clients import PAGE_SIZE, Clients, call, pages
from paytools.demo.script import End
from paytools.demo.traffic import WAIT_S_MAX, Asked, Given, state_of

TOPICS = ("merchant.events", "payment.events", "accounting.events", "channel.events")
SETTLEMENT = "merchant.settlement"
RELAY_S_MAX = 30.0
"""How long the last events may take from the outbox to Kafka."""

Counts = Mapping[tuple[str, str], int]
"""Distinct events by topic and type."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """The present balance of one account."""

    account: accounting_pb2.Account
    balance_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """Everything that the demo did and that came of it.

    Attributes:
        lines: Each event once, by topic in the order of TOPICS, then as they were written.
        transactions: Of the ledger.
        balances: Of every account of the ledger, by kind, owner and currency.
    """

    asked: Sequence[Asked]
    given: Sequence[Given]
    payments: Mapping[str, payment_pb2.Payment]
    refunds: Mapping[str, payment_pb2.Refund]
    transactions: Sequence[accounting_pb2.Transaction]
    balances: Sequence[Balance]
    trial: Sequence[accounting_pb2.TrialBalance]
    lines: Sequence[Line]

    @property
    def counts(self) -> Counter[tuple[str, str]]:
        """Count the events by topic and type."""
        return Counter((line.topic, type_of(line)) for line in self.lines)


def type_of(line: Line) -> str:
    """Return the event type without its package; of what cannot be decoded, why."""
    return line.record.rpartition(".")[2] if line.record else f"undecodable: {line.trouble}"


async def read_balances(clients: Clients) -> list[Balance]:
    """Read every account and its balance."""
    request = accounting_pb2.ListAllAccountsRequest(page_size=PAGE_SIZE)
    accounts = await pages(clients.accounting.ListAllAccounts, request, "accounts")
    balances = []
    for account in sorted(accounts, key=lambda each: (each.account_kind, each.merchant_id, each.currency_code)):
        balance = accounting_pb2.GetBalanceRequest(account_id=account.account_id)
        reply = await call(clients.accounting.GetBalance, balance)
        balances.append(Balance(account=account, balance_minor=int(reply.balance_minor)))
    return balances


async def read_trial(clients: Clients) -> list[accounting_pb2.TrialBalance]:
    """Read the trial balance of every currency."""
    reply = await call(clients.accounting.GetTrialBalance, accounting_pb2.GetTrialBalanceRequest())
    return list(reply.trial_balances)


async def read_events(kafka: str, registry: str, expected: Counts) -> list[Line]:
    """Read every topic from the beginning, each event once; again until what is expected has arrived, for a while."""
    give_up = time.monotonic() + RELAY_S_MAX
    with tempfile.TemporaryDirectory() as cache:
        async with RegistryClient(registry) as client:
            codec = Codec(registry=client, cache_dir=Path(cache))
            while True:
                lines = [line for topic in TOPICS for line in await _read_topic(kafka, codec, topic)]
                counts = Counter((line.topic, type_of(line)) for line in lines)
                if all(counts[key] >= count for key, count in expected.items()) or time.monotonic() > give_up:
                    return lines
                await asyncio.sleep(0.5)


def expected_events(asked: Sequence[Asked], given: Sequence[Given], accounts: int) -> dict[tuple[str, str], int]:
    """Say how many events of each type there must be; of PaymentUnknown there may be any number."""
    payments = Counter(payment.planned.end for payment in asked)
    refunds = Counter(payment.planned.end for payment in given)
    moved = payments[End.SUCCEEDED] + refunds[End.SUCCEEDED]
    return {
        ("merchant.events", "MerchantCreated"): 2,
        ("merchant.events", "MerchantActivated"): 2,
        ("payment.events", "PaymentCreated"): len(asked),
        ("payment.events", "PaymentSuccess"): payments[End.SUCCEEDED],
        ("payment.events", "PaymentFailed"): payments[End.FAILED],
        ("payment.events", "PaymentContradicted"): 0,
        ("payment.events", "RefundCreated"): len(given),
        ("payment.events", "RefundSuccess"): refunds[End.SUCCEEDED],
        ("payment.events", "RefundFailed"): refunds[End.FAILED],
        ("accounting.events", "AccountCreated"): accounts,
        ("accounting.events", "TransactionCreated"): moved,
        ("accounting.events", "TransactionRejected"): 0,
        ("channel.events", "ChannelTransactionReported"): moved,
    }


def problems(findings: Findings) -> list[str]:
    """Hold everything against the script and against itself; empty when all fits."""
    return [
        *_wrong_ends(findings),
        *_wrong_events(findings),
        *_wrong_books(findings),
        *_wrong_balances(findings),
        *_unequal(findings),
    ]


def expected_settlement(findings: Findings) -> dict[tuple[str, str], int]:
    """Work out by merchant and currency what the ledger owes: captures less fees, less refunds, plus fees returned."""
    owed: dict[tuple[str, str], int] = defaultdict(int)
    for payment in findings.payments.values():
        net_minor = payment.captured_minor - payment.fee_minor - payment.refunded_minor + payment.fee_returned_minor
        if payment.captured_minor:
            owed[payment.merchant_id, payment.amount.currency_code] += net_minor
    return dict(owed)


async def _read_topic(kafka: str, codec: Codec, topic: str) -> list[Line]:
    """Read a topic to its end; at-least-once delivery may have written an event twice."""
    async with asyncio.timeout(WAIT_S_MAX):
        once: dict[object, Line] = {}
        async for line in tail(kafka, codec, topic, from_beginning=True, follow=False):
            once.setdefault((line.value or {}).get("event_id", (line.partition, line.offset)), line)
        return list(once.values())


def _wrong_ends(findings: Findings) -> list[str]:
    wrong = []
    for asked in findings.asked:
        state = state_of(findings.payments[asked.payment_id])
        if state != asked.planned.end:
            wrong.append(f"payment {asked.payment_id} ended {state}, not {asked.planned.end}")
    for given in findings.given:
        state = state_of(findings.refunds[given.refund_id])
        if state != given.planned.end:
            wrong.append(f"refund {given.refund_id} ended {state}, not {given.planned.end}")
    return wrong


def _wrong_events(findings: Findings) -> list[str]:
    counts = findings.counts
    expected = expected_events(findings.asked, findings.given, len(findings.balances))
    return [
        f"{topic} has {counts[topic, name]} {name}, not {count}"
        for (topic, name), count in expected.items()
        if counts[topic, name] != count
    ] + [f"{topic}: {name}" for topic, name in counts if name.startswith("undecodable")]


def _wrong_books(findings: Findings) -> list[str]:
    """Each capture and each refund that succeeded is booked exactly once, and nothing else is."""
    moved = [payment.capture_id for payment in findings.payments.values() if state_of(payment) == End.SUCCEEDED]
    moved += [payment.refund_id for payment in findings.refunds.values() if state_of(payment) == End.SUCCEEDED]
    due, booked = Counter(moved), Counter(payment.related_no for payment in findings.transactions)
    return [
        f"{payment} is booked {booked[payment]} times, not {due[payment]}"
        for payment in due | booked
        if due[payment] != booked[payment]
    ]


def _wrong_balances(findings: Findings) -> list[str]:
    owed = expected_settlement(findings)
    kept = {
        (balance.account.merchant_id, balance.account.currency_code): balance.balance_minor
        for balance in findings.balances
        if balance.account.account_kind == SETTLEMENT
    }
    return [
        f"{SETTLEMENT} of {key[0]} in {key[1]} is {kept.get(key, 0)}, not {owed.get(key, 0)}"
        for key in sorted(owed | kept)
        if owed.get(key, 0) != kept.get(key, 0)
    ]


def _unequal(findings: Findings) -> list[str]:
    return [
        f"the trial balance of {line.currency_code} differs: {line.debit_total_minor} and {line.credit_total_minor}"
        for line in findings.trial
        if int(line.debit_total_minor) != int(line.credit_total_minor)
    ]
