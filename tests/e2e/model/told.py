"""What people are told of the journeys, by mail and by webhook, held against the events that the topics have.

A few merchants are told of everything. The others are mailed of nothing: their preferences say so before anything
happens but their creation.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from paykit.base.config import Settings
from paystream.notification.v1 import notification_pb2 as pb
from paytools.localstack.parts import mail_sink
from tests.line import topics
from tests.line.books import Books
from tests.line.clients import Clients, call_through, new_request_id
from tests.line.webhooks import WebhookInbox

EACH = 25
"""Of so many journeys one merchant is told."""
WHOLE = ("merchant.MerchantActivated", "order.*", "payment.*", "settlement.*", "withdrawal.*")
"""All but a merchant's creation, which may come before its endpoint is there."""
FEW = ("PaymentSuccess", "RefundSuccess", "payment.Dispute*", "WithdrawalCompleted")
TOPICS = ("merchant.events", "order.events", "payment.events", "settlement.events", "withdrawal.events")
PAYER, OPERATOR, OWNER = "payer@home.example", "operators@paystream.example", "journey@shop.example"

MAILS: Mapping[str, str] = {
    "MerchantCreated": "merchant_welcome",
    "OrderCreated": "order_created",
    "OrderPaid": "order_paid",
    "PaymentSuccess": "payment_success",
    "PaymentFailed": "payment_failed",
    "RefundSuccess": "refund_success",
    "DisputeInquiryOpened": "dispute_opened",
    "DisputeOpened": "dispute_opened",
    "DisputeDueSoon": "dispute_due_soon",
    "SettlementCompleted": "settlement_completed",
    "WithdrawalCompleted": "withdrawal_completed",
    "WithdrawalPaidLate": "withdrawal_completed",
    "WithdrawalFailed": "withdrawal_failed",
    "WithdrawalReturned": "withdrawal_failed",
    "WithdrawalBounced": "withdrawal_failed",
    "BankAccountCreated": "bank_account_changed",
    "BankAccountVerified": "bank_account_changed",
    "BankAccountDisabled": "bank_account_changed",
}
"""The template of each event, as docs/notifications.md says; of WithdrawalCreated only some are told of."""
WELCOME, APPROVAL = "merchant_welcome", "withdrawal_approval_needed"
RECEIPTS = ("order_created", "payment_success", "payment_failed", "refund_success")
"""What payers get."""
TWICE = "payment_success"
"""What merchants want at two addresses."""

Due = Counter[tuple[str, str, str]]
"""Mails by merchant, template and recipient."""


class ToldPeople:
    """The people of the journeys, and what came to them."""

    def __init__(self, clients: Clients, inbox: WebhookInbox, mailbox: Path) -> None:
        self._clients = clients
        self._inbox = inbox
        self._mailbox = mailbox
        self._merchants: set[str] = set()

    async def know(self, number: int, merchant_id: str) -> None:
        """Have the merchant of a journey told of everything, or of nothing."""
        templates = sorted({*MAILS.values(), APPROVAL})
        wanted = [pb.TopicPreference(template=each, muted=True, payer_muted=True) for each in templates]
        if number % EACH == 0:
            self._merchants.add(merchant_id)
            named = {each: addresses(each) for each in templates if each != WELCOME}
            wanted = [pb.TopicPreference(template=each, addresses=whom) for each, whom in named.items()]
        await call_through(
            self._clients.notification.SetPreferences,
            pb.SetPreferencesRequest(request_id=new_request_id(), merchant_id=merchant_id, topics=wanted),
        )
        for filters in (WHOLE, FEW) if number % EACH == 0 else ():
            await self._inbox.register(self._clients, merchant_id, *filters)

    async def differences(self, settings: Settings, kept: Books) -> list[str]:
        """Say what did not come, and what came and was not due; nothing may be on its way."""
        told = [event for topic in TOPICS for event in topics.once(await topics.events(settings, topic))]
        again = [f"{each} twice" for counts in self._inbox.taken.values() for each in counts if counts[each] > 1]
        return self._inbox.differences(told) + again + await self._mail_differences(kept, told)

    async def _mail_differences(self, kept: Books, told: Sequence[Any]) -> list[str]:
        mails = mail_sink.kept(self._mailbox)
        names = Counter(each.header("Message-ID") for each in mails)
        rows = await kept.rows("SELECT notification_id, merchant_id FROM notification.notification")
        merchants = {row["notification_id"]: row["merchant_id"] for row in rows}
        came = Counter(
            (merchants[each.header("X-Paystream-Notification")], each.header("X-Paystream-Template"), each.recipient)
            for each in mails
            # Differences with statements are told once for many.
            if each.header("X-Paystream-Template") != "reconciliation_alert"
        )
        due = self._due(told)
        # Whether a merchant was welcomed that wants no mails depends on which of both came first.
        late = dict.fromkeys((key for key in came if key[1] == WELCOME and key[0] not in self._merchants), 1)
        found = [f"{count} mails too few: {key}" for key, count in (due - came).items()]
        found += [f"{count} mails too many: {key}" for key, count in (came - due - Counter(late)).items()]
        return found + [f"{name} came {count} times" for name, count in names.items() if count > 1]

    def _due(self, told: Iterable[Any]) -> Due:
        due: Due = Counter()
        for event in told:
            name = type(event).__name__
            approval = name == "WithdrawalCreated" and event.approval_required
            template = APPROVAL if approval else MAILS.get(name)
            if approval:
                due[event.merchant_id, APPROVAL, OPERATOR] += 1
            if template is not None and event.merchant_id in self._merchants:
                due.update((event.merchant_id, template, whom) for whom in addresses(template))
                due[event.merchant_id, template, PAYER] += template in RECEIPTS
        return +due


def addresses(template: str) -> list[str]:
    """Where a merchant that is told wants a mail."""
    if template == WELCOME:
        return [OWNER]
    return [f"{template}@shop.example", *(["books@shop.example"] if template == TWICE else [])]
