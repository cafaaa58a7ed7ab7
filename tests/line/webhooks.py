"""Merchants' webhook endpoints: one server for all, which takes what the specification's library finds genuine."""

import asyncio
import itertools
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from paystream.notification.v1 import webhook_pb2 as pb
from tests.line.clients import Clients, call, new_request_id
from tests.line.processes import ROOT
from tests.line.receiving import OK, Received, Receiver, status

DOCUMENTED = frozenset(
    path.name.removesuffix(".schema.json") for path in (ROOT / "docs/webhooks").glob("*.schema.json")
)
"""The types of events that are sent, as the documentation has them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisteredEndpoint:
    """An endpoint of a merchant at this server."""

    endpoint_id: str
    merchant_id: str
    event_filters: tuple[str, ...]

    def takes(self, event: Any) -> bool:
        """Say whether its merchant is to be told of an event."""
        record = type(event).__name__
        event_type = f"{event.TOPIC.partition('.')[0]}.{record}"
        wanted = any(each == record or fnmatchcase(event_type, each) for each in self.event_filters)
        return event.merchant_id == self.merchant_id and event_type in DOCUMENTED and wanted


class WebhookInbox:
    """What came to the endpoints.

    Attributes:
        endpoints: All that were registered.
        taken: How often each webhook-id was taken, by endpoint_id.
        faults: What came and was not as it should be.
        unanswered: Webhooks that were taken and not answered for yet.

    Args:
        server: Where all of it comes to.
        pause_s: How long each answer waits.
    """

    def __init__(self, server: Receiver, *, pause_s: Callable[[], float] = lambda: 0.0) -> None:
        self.endpoints: list[RegisteredEndpoint] = []
        self.taken: dict[str, Counter[str]] = defaultdict(Counter)
        self.faults: list[str] = []
        self.unanswered = 0
        self._server = server
        self._pause_s = pause_s
        self._numbers = itertools.count()
        self._known: dict[str, asyncio.Future[tuple[RegisteredEndpoint, Webhook]]] = {}
        server.behave = self._take

    async def register(self, clients: Clients, merchant_id: str, *event_filters: str) -> RegisteredEndpoint:
        """Give a merchant an endpoint here."""
        path = f"/hooks/{next(self._numbers)}"
        # What is posted before its secret is known here waits for it.
        known = self._known[path] = asyncio.get_running_loop().create_future()
        request = pb.CreateWebhookEndpointRequest(
            request_id=new_request_id(),
            merchant_id=merchant_id,
            url=f"http://127.0.0.1:{self._server.port}{path}",
            event_filters=event_filters,
        )
        created = await call(clients.webhook.CreateWebhookEndpoint, request)
        endpoint = RegisteredEndpoint(
            endpoint_id=created.endpoint.endpoint_id, merchant_id=merchant_id, event_filters=event_filters
        )
        self.endpoints.append(endpoint)
        known.set_result((endpoint, Webhook(created.secret)))
        return endpoint

    def differences(self, events: Iterable[Any]) -> list[str]:
        """Say where what was taken is not just what the endpoints are to be told of events, however often."""
        told, found = list(events), list(self.faults)
        for endpoint in self.endpoints:
            due = {event.event_id: type(event).__name__ for event in told if endpoint.takes(event)}
            taken = self.taken[endpoint.endpoint_id].keys()
            found += [f"{endpoint}: {due[each]} {each} did not come" for each in due.keys() - taken]
            found += [f"{endpoint}: {each} is not due" for each in taken - due.keys()]
        return found

    async def _take(self, writer: asyncio.StreamWriter, received: Received) -> None:
        endpoint, verifier = await self._known[received.path]
        message_id = received.headers.get("webhook-id", "")
        try:
            verifier.verify(received.body, received.headers)
            assert json.loads(received.body)["data"]["event_id"] == message_id
        except (WebhookVerificationError, AssertionError, KeyError, ValueError) as error:
            self.faults.append(f"{endpoint}: {received}: {error!r}")
            writer.write(status(400))
            return
        self.taken[endpoint.endpoint_id][message_id] += 1
        self.unanswered += 1
        try:
            await asyncio.sleep(self._pause_s())
        finally:
            self.unanswered -= 1
        writer.write(OK)
        await writer.drain()
