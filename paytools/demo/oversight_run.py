"""The end of the demo: what reconciliation finds, what people and systems are told, what is counted."""

import asyncio
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console

from paykit.money import Money, format_money
from paystream.merchant.v1 import merchant_pb2
from paystream.notification.v1 import webhook_pb2
from paystream.payment.v1 import payment_pb2
from paystream.reconciliation.v1 import reconciliation_pb2 as pb
from paytools.demo import line
from paytools.demo import line_script as money_script
from paytools.demo import oversight_script as script
from paytools.demo.clients import Clients, DemoFailedError, call, new_request_id, pages
from paytools.demo.command import paystream
from paytools.demo.traffic import create_merchant
from paytools.webhook_receiver import ReceivedWebhook, WebhookListener


class OversightPlay:
    """A shop whose channel writes a wrong statement, and what becomes of it.

    Args:
        home: Of the demo's stack, for the commands.
    """

    def __init__(self, console: Console, clients: Clients, *, home: Path) -> None:
        self._console = console
        self._clients = clients
        self._home = home

    async def play(self) -> None:
        """Run it and show it.

        Raises:
            DemoFailedError: Something is not as it must be.
        """
        self._console.print("\nWhat the line sees, tells and counts", style="bold")
        with _listening() as (listener, received):
            shop = await self._open_shop(listener)
            await self._activate_rules()
            for amount_minor in script.CHARGES:
                await self._charge(shop, amount_minor)
            self._tell(
                f"{script.SHOP}: {len(script.CHARGES)} charges; the statement is wrong about {len(script.PLANTED)}"
            )
            await self._await_webhooks(received)
        paystream(self._home, "clock", "advance", script.PAST_DUE)
        self._tell(f"paystream clock advance {script.PAST_DUE}")
        found = await self._find()
        await self._correct(found["FEE_MISMATCH"])
        await self._await_mails()
        self._show("recon", "discrepancies", "--all")
        self._show("mail", "list")
        self._show("stats", "--merchant", shop, "--since", "7d")

    async def _open_shop(self, listener: WebhookListener) -> str:
        """Open a shop that is told of its payments by mail and by webhook; give its merchant_id."""
        rule = merchant_pb2.FeeRule(currency_code=money_script.CURRENCY, basis_points=200, fixed_minor=0)
        request = merchant_pb2.CreateMerchantRequest(
            request_id=new_request_id(),
            display_name=script.SHOP,
            contact_email="glasshouse@example.com",
            notification_email="glasshouse@example.com",
            locale="zh-CN",
            fee_plan=merchant_pb2.FeePlan(fees=[rule]),
        )
        shop = str((await create_merchant(self._clients, request)).merchant_id)
        endpoint = webhook_pb2.CreateWebhookEndpointRequest(
            request_id=new_request_id(), merchant_id=shop, url=listener.url, event_filters=["PaymentSuccess"]
        )
        listener.secrets = [(await call(self._clients.webhooks.CreateWebhookEndpoint, endpoint)).secret]
        return shop

    async def _activate_rules(self) -> None:
        """Have one person propose what the channel's fees should be, and another decide it."""
        recon = self._clients.reconciliation
        proposed = pb.CreateRuleSetRequest(
            request_id=new_request_id(), channel=script.CHANNEL, content=script.RULES, reason="its fees are 1.5 %"
        )
        rule_set = (await call(recon.CreateRuleSet, proposed, caller=script.CLERK)).rule_set
        activated = pb.ActivateRuleSetRequest(request_id=new_request_id(), rule_set_id=rule_set.rule_set_id)
        await call(recon.ActivateRuleSet, activated, caller=script.CHIEF)
        self._tell(f"rules of {script.CHANNEL}: proposed by the {script.CLERK}, activated by the {script.CHIEF}")

    async def _charge(self, shop: str, amount_minor: int) -> None:
        request = payment_pb2.CreatePaymentRequest(
            request_id=new_request_id(),
            merchant_id=shop,
            merchant_reference=f"pane {amount_minor}",
            amount=line.money(amount_minor),
            payment_method=payment_pb2.PaymentMethod(type=payment_pb2.PAYMENT_METHOD_TYPE_CARD, token="tok_demo"),  # noqa: S106 - opens nothing
        )
        payment_id = (await call(self._clients.payment.CreatePayment, request)).payment.payment_id
        await line.payment_until(self._clients, payment_id, "captured", lambda p: p.captured_minor == amount_minor)

    async def _await_webhooks(self, received: Sequence[ReceivedWebhook]) -> None:
        async def look() -> int:
            return len({message.message_id for message in received})

        count = await line.until("each capture was told", look, lambda number: number == len(script.CHARGES))
        self._tell(f"webhooks received and verified: {count} of {received[0].event_type}")

    async def _find(self) -> dict[str, Any]:
        """Wait until all that was planted is found, and nothing else; give the discrepancies by kind."""
        wanted = Counter(script.PLANTED.values())

        async def look() -> list[Any]:
            request = pb.ListDiscrepanciesRequest(state=pb.DISCREPANCY_STATE_OPEN)
            return await pages(self._clients.reconciliation.ListDiscrepancies, request, "discrepancies")

        found = await line.until("what was planted is found", look, lambda rows: len(rows) >= len(script.PLANTED))
        by_kind = {_kind(row): row for row in found}
        if Counter(map(_kind, found)) != wanted:
            listed = "\n".join(f"  {_kind(row)} {row.expected} {row.reported}" for row in found)
            raise DemoFailedError(f"reconciliation found other differences than were planted:\n{listed}")
        self._tell(f"reconciliation found {', '.join(sorted(by_kind))}: all that was planted, and nothing else")
        return by_kind

    async def _correct(self, discrepancy: Any) -> None:
        """Have the fee that was too high booked by two people."""
        recon = self._clients.reconciliation
        request = pb.ResolveDiscrepancyRequest(
            request_id=new_request_id(),
            discrepancy_id=discrepancy.discrepancy_id,
            action=pb.RESOLUTION_ACTION_PROPOSE_CORRECTION,
            reason="the channel will not give it back",
        )
        correction = (await call(recon.ResolveDiscrepancy, request, caller=script.CLERK)).correction
        approval = pb.ApproveCorrectionRequest(request_id=new_request_id(), correction_id=correction.correction_id)
        await call(recon.ApproveCorrection, approval, caller=script.CHIEF)

        async def look() -> Any:
            get = pb.GetDiscrepancyRequest(discrepancy_id=discrepancy.discrepancy_id)
            return (await call(recon.GetDiscrepancy, get)).discrepancy.resolution

        corrected = pb.DISCREPANCY_RESOLUTION_CORRECTED
        await line.until("the ledger has booked it", look, lambda resolution: resolution == corrected)
        if correction.amount.amount_minor != script.FEE_OFF_MINOR:
            raise DemoFailedError(f"a fee that is off by {script.FEE_OFF_MINOR} was corrected by {correction.amount}")
        fee = format_money(Money(script.FEE_OFF_MINOR, money_script.CURRENCY))
        self._tell(f"a fee of {fee} too much is booked: proposed by the {script.CLERK}, approved by the {script.CHIEF}")

    async def _await_mails(self) -> None:
        """Wait until the operators were told of the differences: of a statement once, of what is on none by day."""

        async def look() -> int:
            return sum("operators@" in mail for mail in await asyncio.to_thread(paystream, self._home, "mail", "list"))

        await line.until("the operators have mail", look, lambda count: count >= 1)

    def _show(self, *words: str) -> None:
        self._console.print(f"\npaystream {' '.join(words)}", style="dim")
        for output in paystream(self._home, *words):
            self._tell(output)

    def _tell(self, what: str) -> None:
        self._console.print(f"  {what}", markup=False, soft_wrap=True)


def _kind(discrepancy: Any) -> str:
    return pb.DiscrepancyKind.Name(discrepancy.kind).removeprefix("DISCREPANCY_KIND_")


@contextmanager
def _listening() -> Iterator[tuple[WebhookListener, list[ReceivedWebhook]]]:
    """Receive webhooks on this machine for the time of the block."""
    received: list[ReceivedWebhook] = []
    refused: list[str] = []
    listener = WebhookListener(0, on_received=received.append, on_refused=refused.append)
    threading.Thread(target=listener.serve, daemon=True).start()
    try:
        yield listener, received
    finally:
        listener.stop()
    if refused:
        raise DemoFailedError(f"webhooks could not be verified: {refused[0]}")
